//! Scenarios without a FUSE server, and workloads without a file.

use lab_protocol::{Completion, FilesystemKind, NullBlock};

use super::*;

const EXT4: &str = r#"
[scenarios.ext4]
filesystem = "ext4"
mount-options = "data=journal"
device = "null_blk"
device-completion = "timer"
device-completion-ns = 10000
device-dither-permille = 20
device-queue-depth = 64
device-queues = 1
device-block-bytes = 4096
"#;

const LOOPBACK: &str = r#"
[scenarios.loopback]
filesystem = "none"
[workloads.tcp]
tool = "socket"
args = ["--family", "tcp", "--mode", "ping-pong", "--message-bytes", "1", "--count", "9", "--dither-ns", "0"]
samples = 6
"#;

/// Messages for edits of these tables, put in front of the good file.
fn check_with(tables: &str, edits: &[(&str, &str)], expected: Expect) {
    let shown = |(from, to): &(&str, &str)| {
        assert!(tables.contains(from), "{from}");
        shown_with_message(to, &error(&format!("{GOOD}{}", tables.replace(from, to))))
    };
    expected.assert_eq(&edits.iter().map(shown).collect::<String>());
}

#[test]
fn a_file_system_on_a_device() {
    let config = Config::parse("lab.toml", &format!("{GOOD}{EXT4}")).unwrap();
    let scenario = &config.scenarios["ext4"];
    let filesystem = scenario.filesystem.as_ref().unwrap();
    assert_eq!((scenario.server.as_ref(), filesystem.kind), (None, FilesystemKind::Ext4));
    assert_eq!(filesystem.mount_options, "data=journal");
    let expected = NullBlock {
        completion: Completion::Timer,
        completion_ns: 10_000,
        dither_permille: 20,
        queue_depth: 64,
        queues: 1,
        block_bytes: 4096,
    };
    assert_eq!(filesystem.device, Some(expected));
    let text = format!("{GOOD}[scenarios.tmpfs]\nfilesystem = 'tmpfs'\nmount-options = ''\n");
    let config = Config::parse("lab.toml", &text).unwrap();
    assert_eq!(config.scenarios["tmpfs"].filesystem.as_ref().unwrap().device, None);
    let text = GOOD.replace("threads = 16", "filesystem = 'fuse'\nthreads = 16");
    assert_eq!(server(&Config::parse("lab.toml", &text).unwrap(), "local").threads, 16);
}

#[test]
fn settings_of_what_is_not_there() {
    check_with(
        EXT4,
        &[
            ("filesystem = \"ext4\"", "filesystem = \"ext5\""),
            ("filesystem = \"ext4\"", "filesystem = \"fuse\""),
            ("filesystem = \"ext4\"", "filesystem = \"tmpfs\""),
            ("filesystem = \"ext4\"", "filesystem = \"none\""),
            ("filesystem = \"ext4\"", "filesystem = \"ext4\"\nthreads = 4"),
            ("filesystem = \"ext4\"", "filesystem = \"ext4\"\nlike = \"local\""),
            ("filesystem = \"ext4\"", "filesystem = \"ext4\"\ncolour = 1"),
            ("device = \"null_blk\"", ""),
            ("device = \"null_blk\"", "device = \"virtio\""),
            ("device-completion = \"timer\"", "device-completion = \"inline\""),
            ("device-completion-ns = 10000", "device-completion-ns = 0"),
            ("device-block-bytes = 4096", "device-block-bytes = 1536"),
            ("data=journal", "data=journal noatime"),
        ],
        expect![[r#"
            filesystem = "ext5"
                lab.toml:127:14: scenarios.ext4.filesystem: `ext5` is none of its values; use "fuse" or "ext4" or "tmpfs" or "none"
            filesystem = "fuse"
                lab.toml:129:10: scenarios.ext4.device: belongs to a scenario with a file system of the guest's kernel; remove it, or set filesystem
            filesystem = "tmpfs"
                lab.toml:129:10: scenarios.ext4.device: tmpfs needs no device; remove it
            filesystem = "none"
                lab.toml:128:17: scenarios.ext4.mount-options: there is no file system; remove it
            filesystem = "ext4"\nthreads = 4
                lab.toml:128:11: scenarios.ext4.threads: is a setting of the FUSE server, and with filesystem = `ext4` there is none; remove it, or `like` if it comes from there
            filesystem = "ext4"\nlike = "local"
                lab.toml:12:11: scenarios.local.threads: is a setting of the FUSE server, and with filesystem = `ext4` there is none; remove it, or `like` if it comes from there
            filesystem = "ext4"\ncolour = 1
                lab.toml:128:1: scenarios.ext4: there is no key `colour`; there are: like, filesystem, mount-options, device, device-completion, device-completion-ns, device-dither-permille, device-queue-depth, device-queues, device-block-bytes

                lab.toml:126:1: scenarios.ext4.device: missing; set it to "null_blk"
            device = "virtio"
                lab.toml:129:10: scenarios.ext4.device: `virtio` is none of its values; use "null_blk"
            device-completion = "inline"
                lab.toml:131:24: scenarios.ext4.device-completion-ns: only a timer takes time; use 0, or device-completion = "timer"
            device-completion-ns = 0
                lab.toml:131:24: scenarios.ext4.device-completion-ns: a timer needs a time; use more than 0, or another device-completion
            device-block-bytes = 1536
                lab.toml:135:22: scenarios.ext4.device-block-bytes: 1536 is no power of two; use 512, 1024, 2048 or 4096
            data=journal noatime
                lab.toml:128:17: scenarios.ext4.mount-options: `data=journal noatime` is no list of mount options; use some such as `data=journal,noatime`, without spaces
        "#]],
    );
}

#[test]
fn workloads_find_what_they_work_on() {
    let tables = |plan: &str| format!("{EXT4}{LOOPBACK}[plans.x]\nlike = \"default\"\n{plan}");
    let check = |plan: &str| error(&format!("{GOOD}{}", tables(plan)));
    for good in [
        "scenarios = [\"ext4\"]\nworkloads = [\"dd-read\", \"tcp\"]\n",
        "scenarios = [\"loopback\"]\nworkloads = [\"tcp\"]\n",
    ] {
        assert_eq!(check(good), "");
    }
    for (bad, expected) in [
        (
            "scenarios = [\"ext4\", \"loopback\"]\nworkloads = [\"dd-read\"]\n",
            "`dd-read` works on a file, and the scenario `loopback` has no file system; use one that has",
        ),
        (
            "scenarios = [\"local\"]\nworkloads = [\"tcp\"]\n",
            "`tcp` works on no file, and the scenario `local` has a FUSE server; use one with filesystem = \"none\"",
        ),
        (
            "scenarios = [\"ext4\"]\nworkloads = [\"dd-read\"]\nprobes = \"quick\"\n",
            "the probes are about FUSE, and the scenario `ext4` has no FUSE server; use \"none\"",
        ),
    ] {
        let found = check(bad);
        assert!(found.ends_with(expected), "{found}");
    }
}

#[test]
fn sockets_have_neither_file_nor_job() {
    check_with(
        LOOPBACK,
        &[
            ("samples = 6", "samples = 6\nfile-mib = 4"),
            ("samples = 6", "samples = 6\njob = \"images/fio/read.fio\""),
            ("\"ping-pong\"", "\"pingpong\""),
        ],
        expect![[r#"
            samples = 6\nfile-mib = 4
                lab.toml:132:12: workloads.tcp.file-mib: sockets need no file; remove it
            samples = 6\njob = "images/fio/read.fio"
                lab.toml:132:7: workloads.tcp.job: only fio and pjdfstest take a job; use tool = "fio", or args instead of the job
            "pingpong"
                lab.toml:130:8: workloads.tcp.args: `--mode pingpong` cannot be; use `ping-pong` or `stream`
        "#]],
    );
}
