//! Command lines of mount(8), and what comes of them.

use expect_test::{Expect, expect};

use super::*;

/// What differs from a mount without options, or the error.
fn check(arguments: &str, expected: Expect) {
    check_as("mount.fuse", arguments, expected);
}

fn check_as(program: &str, arguments: &str, expected: Expect) {
    let text = match parse(program.as_ref(), arguments.split_whitespace().map(OsString::from)) {
        Err(error) => format!("{error:#}"),
        Ok((wanted, it)) => {
            let Shown { source, subtype } = &it.shown;
            let Value::Object(found) = serde_json::to_value(&it.settings).unwrap() else { panic!() };
            let Value::Object(plain) = serde_json::to_value(ServerSettings::example()).unwrap() else {
                panic!()
            };
            let changed: Vec<String> = found
                .iter()
                .filter(|(key, value)| plain.get(*key) != Some(value) && *key != "getxattr")
                .map(|(key, value)| format!("{key}={value}"))
                .collect();
            let (storage, mount) = (it.storage.display(), it.mount.display());
            format!("{wanted:?} {storage} on {mount}, {source:?} {subtype}: {}", changed.join(" "))
        }
    };
    expected.assert_eq(text.split(", expected one of").next().unwrap_or_default());
}

#[test]
fn arguments_are_those_of_mount_helpers() {
    check("/proc /tmp", expect![[r#"Mount /proc on /tmp, "/proc" passthrough: mount-options=[]"#]]);
    check_as(
        "/sbin/mount.fuse.own",
        "/proc /tmp",
        expect![[r#"Mount /proc on /tmp, "/proc" own: mount-options=[]"#]],
    );
    check_as(
        "/sbin/mount.fuse.own",
        "/proc /tmp -t fuse.other",
        expect![[r#"Mount /proc on /tmp, "/proc" other: mount-options=[]"#]],
    );
    check(
        "/proc /tmp -o rw,allow_other,nodev,nosuid,x-systemd.automount,_netdev",
        expect![[r#"Mount /proc on /tmp, "/proc" passthrough: allow-other=true"#]],
    );
    check(
        "non1 /tmp -n -osource=/proc,allow_other=false,noexec,ro,rw,threads=4,max_read=32768 -t fuse.lab",
        expect![[r#"Mount /proc on /tmp, "non1" lab: max-read-kib=32 mount-options=["noexec"] threads=4"#]],
    );
    check(
        "/proc /tmp -sfv -o attr_timeout=0,entry_timeout=1.5,negative_timeout=2,big_writes,fsname=a,subtype=b",
        expect![[
            r#"Check /proc on /tmp, "a" b: attribute-timeout-ms=0 entry-timeout-ms=1500 mount-options=[] negative-timeout-ms=2000"#
        ]],
    );
    check(
        "/proc /tmp -o default_permissions=false,open=per-request,storage-latency-us=5,storage_parallel=2",
        expect![[
            r#"Mount /proc on /tmp, "/proc" passthrough: default-permissions=false mount-options=[] open="per-request" storage={"disorder-us":0,"distribution":"fixed","jitter-us":0,"latency-us":5,"merge-kib":0,"mib-per-s":0,"parallel":2,"plug-us":0}"#
        ]],
    );
}

#[test]
fn mistakes_are_told_before_anything_starts() {
    check("/proc", expect!["give the storage and the folder to mount it on: STORAGE MOUNT -o OPTION,OPTION"]);
    check(
        "/proc /nowhere",
        expect![
            "the folder to mount on, /nowhere: No such file or directory (os error 2); make it first (mkdir)"
        ],
    );
    check(
        "nowhere /tmp",
        expect![
            "the storage nowhere: No such file or directory (os error 2); give a folder that exists, or name the storage with -o source=FOLDER"
        ],
    );
    check(
        "/proc/self/status /tmp",
        expect![
            "the storage /proc/self/status is no folder; give a folder that exists, or name the storage with -o source=FOLDER"
        ],
    );
    check("/proc /tmp -o allow_othr", expect!["mount option `allow_othr`: unknown field `allow-othr`"]);
    check(
        "/proc /tmp -o threads=many",
        expect![[r#"mount option `threads=many`: invalid type: string "many", expected u32"#]],
    );
    check("/proc /tmp -o threads=0", expect!["mount options: `threads` is 0; give a number from 1 to 1024"]);
    check(
        "/proc /tmp -o max_read=5000",
        expect!["mount option `max_read=5000`: 5000 bytes are no whole KiB; give a multiple of 4096"],
    );
    check(
        "/proc /tmp -o attr_timeout=soon",
        expect!["mount option `attr_timeout=soon`: give seconds, e.g. 1.5: invalid float literal"],
    );
    check(
        "/proc /tmp -o noatime,relatime",
        expect![
            "mount options: `mount-options`: `noatime` and `relatime` exclude each other; use one of them"
        ],
    );
    check("/proc /tmp -o source=", expect!["mount option `source=`: give a value: source=..."]);
    check(
        "/proc /tmp -o settings=/nowhere.json",
        expect![
            "mount option `settings=/nowhere.json`: reading the settings file /nowhere.json: No such file or directory (os error 2)"
        ],
    );
    check(
        "/proc /tmp -N 5",
        expect![
            "-N: the mount is made where this program runs; start it there (nsenter --mount), without -N"
        ],
    );
    check(
        "/proc /tmp --bind",
        expect![
            "reading the arguments of a mount helper; give STORAGE MOUNT -o OPTION,OPTION (-f, -n, -s, -t and -v are known as well): invalid option '--bind'"
        ],
    );
}

#[test]
fn the_name_or_the_options_say_who_starts() {
    let meant = |program: &str, arguments: &[&str]| {
        is_meant(program.as_ref(), &arguments.iter().map(OsString::from).collect::<Vec<_>>())
    };
    assert!(meant("/sbin/mount.fuse.passthrough", &["/a", "/b"]));
    assert!(meant("passthrough", &["/a", "/b", "-o", "rw"]));
    assert!(!meant("/usr/bin/passthrough", &["--settings", "{}", "/a", "/b"]));
}
