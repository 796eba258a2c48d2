//! Scenarios: storage, order of answers, and faults.

use lab_protocol::{Effect, Fault, MountOption, Times};

use super::*;

#[test]
fn settings_that_contradict_each_other() {
    check(
        &[
            ("storage-merge-kib = 0", "storage-merge-kib = 64"),
            ("storage-merge-kib = 0", "storage-merge-kib = 130"),
            ("storage-merge-kib = 0", "storage-merge-kib = 128"),
            ("storage-plug-us = 0", "storage-plug-us = 50"),
            ("max-read-kib = 0", "max-read-kib = 132"),
            ("max-read-kib = 0", "max-read-kib = 32"),
            ("storage-distribution = \"fixed\"", "storage-distribution = \"uniform\""),
            ("reply-window-us = 0", "reply-window-us = 10"),
            ("reply-order = \"done\"", "reply-order = \"random\""),
            ("reply-order = \"done\"", "reply-order = \"reverse\""),
            ("seed = 1", "seed = \"1\""),
        ],
        expect![[r#"
            storage-merge-kib = 64
                lab.toml:52:21: scenarios.local.storage-merge-kib: 64 is smaller than one request (128 KiB); use 0 for no merging, or more
            storage-merge-kib = 130
                lab.toml:52:21: scenarios.local.storage-merge-kib: 130 is not a whole number of pages; use a multiple of 4
            storage-merge-kib = 128
                accepted
            storage-plug-us = 50
                lab.toml:53:19: scenarios.local.storage-plug-us: without merging there is nothing to wait for; use 0, or set storage-merge-kib
            max-read-kib = 132
                lab.toml:16:16: scenarios.local.max-read-kib: 132 is larger than a request (128 KiB); use 0 for no limit of its own, or less
            max-read-kib = 32
                accepted
            storage-distribution = "uniform"
                lab.toml:46:24: scenarios.local.storage-distribution: without latency nothing is distributed; use "fixed", or set storage-latency-us
            reply-window-us = 10
                lab.toml:41:19: scenarios.local.reply-window-us: answers that go out when they are done are not collected; use 0, or set reply-order
            reply-order = "random"
                lab.toml:41:19: scenarios.local.reply-window-us: another order needs time to collect answers in; use more than 0, e.g. 500
            reply-order = "reverse"
                lab.toml:40:15: scenarios.local.reply-order: `reverse` is none of its values; use "done" or "reversed" or "random"
            seed = "1"
                lab.toml:122:8: plans.default.seed: the string `1` is of the wrong type; use a whole number from 0 to 4294967295
        "#]],
    );
}

#[test]
fn mounts_that_cannot_be() {
    let options = "mount-options = [\"nodev\", \"nosuid\"]";
    let timeout = "entry-timeout-ms = \"as-attributes\"";
    check(
        &[
            (options, "mount-options = []"),
            (options, "mount-options = [\"ro\", \"noatime\"]"),
            (options, "mount-options = [\"nodve\"]"),
            (options, "mount-options = [\"relatime\", \"noatime\"]"),
            (options, "mount-options = [\"ro\", \"ro\"]"),
            (options, "mount-options = \"ro\""),
            ("posix-acl = false", "posix-acl = true"),
            ("default-permissions = true", "default-permissions = false"),
            (timeout, "entry-timeout-ms = \"as-names\""),
            (timeout, "entry-timeout-ms = true"),
            (timeout, ""),
        ],
        expect![[r#"
            mount-options = []
                accepted
            mount-options = ["ro", "noatime"]
                accepted
            mount-options = ["nodve"]
                lab.toml:33:18: scenarios.local.mount-options: there is no mount option `nodve`; did you mean `nodev`? there are: ro, nodev, nosuid, noexec, noatime, nodiratime, relatime, strictatime, nosymfollow
            mount-options = ["relatime", "noatime"]
                lab.toml:33:17: scenarios.local.mount-options: `relatime` and `noatime` exclude each other; use one of them
            mount-options = ["ro", "ro"]
                lab.toml:33:17: scenarios.local.mount-options: `ro` is listed twice; list it once
            mount-options = "ro"
                lab.toml:33:17: scenarios.local.mount-options: the string `ro` is of the wrong type; use a list of strings
            posix-acl = true
                lab.toml:32:13: scenarios.local.posix-acl: the kernel reads access control lists by GETXATTR; set getxattr = "passthrough", or use false
            default-permissions = false
                accepted
            entry-timeout-ms = "as-names"
                lab.toml:34:20: scenarios.local.entry-timeout-ms: the string `as-names` is of the wrong type; use a whole number from 0 to 3600000, or "as-attributes"
            entry-timeout-ms = true
                lab.toml:34:20: scenarios.local.entry-timeout-ms: true is of the wrong type; use a whole number from 0 to 3600000, or "as-attributes"

                lab.toml:11:1: scenarios.local.entry-timeout-ms: missing; set it to a whole number from 0 to 3600000, or "as-attributes"
        "#]],
    );
    for (edits, expected) in [
        (
            [
                ("posix-acl = false", "posix-acl = true"),
                ("getxattr = \"enosys\"", "getxattr = \"passthrough\""),
            ],
            expect![""],
        ),
        (
            [
                ("default-permissions = true", "default-permissions = false"),
                ("posix-acl = false", "posix-acl = true"),
            ],
            expect![[
                r#"lab.toml:32:13: scenarios.local.posix-acl: the kernel decides by access control lists only with default-permissions; set that, or use false: the storage has its own"#
            ]],
        ),
        (
            [
                ("writeback-cache = false", "writeback-cache = true"),
                ("default-permissions = true", "default-permissions = false"),
            ],
            expect![[
                r#"lab.toml:31:23: scenarios.local.default-permissions: with writeback-cache the kernel sets times in the name of whoever writes, which the storage lets the owner do only; use true, or no writeback-cache"#
            ]],
        ),
    ] {
        let text = edits.iter().fold(GOOD.to_owned(), |text, (from, to)| text.replacen(from, to, 1));
        expected.assert_eq(&error(&text));
    }
}

#[test]
fn mounts_are_as_written() {
    let of = |edits: &[(&str, &str)]| {
        let text = edits.iter().fold(GOOD.to_owned(), |text, (from, to)| text.replacen(from, to, 1));
        Config::parse("lab.toml", &text).unwrap().scenarios["local"].server.clone().unwrap()
    };
    let usual = of(&[]);
    assert_eq!((usual.default_permissions, usual.posix_acl, usual.entry_timeout_ms), (true, false, None));
    assert_eq!((usual.mount_options, usual.negative_timeout_ms), (MountOption::usual(), 0));
    let other = of(&[
        ("default-permissions = true", "default-permissions = false"),
        ("mount-options = [\"nodev\", \"nosuid\"]", "mount-options = [\"noexec\", \"ro\"]"),
        ("entry-timeout-ms = \"as-attributes\"", "entry-timeout-ms = 5"),
        ("negative-timeout-ms = 0", "negative-timeout-ms = 7"),
    ]);
    assert!(!other.default_permissions);
    assert_eq!((other.entries_ms(), other.negative_timeout_ms), (5, 7));
    assert_eq!(other.mount_options, [MountOption::Noexec, MountOption::Ro]);
}

#[test]
fn faults_that_cannot_be() {
    let edits = [
        "[{ operation = \"read\", offset-kib = 640, after = 0, times = \"always\", effect = \"eio\" }]",
        "[{ operation = \"data\", after = 3, times = \"once\", effect = \"short\", bytes = 1024 }]",
        "[{ operation = \"getattr\", after = 0, times = \"once\", effect = \"delay\", delay-us = 5 }]",
        "[{ operation = \"raed\", after = 0, times = \"once\", effect = \"eio\" }]",
        "[{ operation = \"open\", offset-kib = 1, after = 0, times = \"once\", effect = \"eio\" }]",
        "[{ operation = \"open\", after = 0, times = \"once\", effect = \"short\", bytes = 1 }]",
        "[{ operation = \"read\", after = 0, times = \"once\", effect = \"eio\", bytes = 1 }]",
        "[{ operation = \"read\", after = 0, times = \"once\", effect = \"eio\", delay-us = 1 }]",
        "[{ operation = \"read\", after = 0, times = \"once\", effect = \"short\" }]",
        "[{ operation = \"read\", after = 0, times = \"twice\", effect = \"eio\" }]",
        "[{ operation = \"read\", after = 0, times = \"once\", effect = \"explode\" }]",
        "[{ operation = \"read\", times = \"once\", effect = \"eio\" }]",
        "[{ opcode = \"read\" }]",
        "[\"read\"]",
        "{ operation = \"read\" }",
        "none",
    ]
    .map(|faults| format!("faults = {faults}"));
    let edits: Vec<_> = edits.iter().map(|to| ("faults = []", to.as_str())).collect();
    check(
        &edits,
        expect![[r#"
            faults = [{ operation = "read", offset-kib = 640, after = 0,…
                accepted
            faults = [{ operation = "data", after = 3, times = "once", e…
                accepted
            faults = [{ operation = "getattr", after = 0, times = "once"…
                accepted
            faults = [{ operation = "raed", after = 0, times = "once", e…
                lab.toml:55:25: scenarios.local.faults[1].operation: there is no operation `raed`; did you mean `read`? there are: data, access, bmap, copy-file-range, copy-file-range-64, create, fallocate, flush, fsync, fsyncdir, getattr, getlk, getxattr, ioctl, link, listxattr, lookup, lseek, mkdir, mknod and 26 more
            faults = [{ operation = "open", offset-kib = 1, after = 0, t…
                lab.toml:55:46: scenarios.local.faults[1].offset-kib: works with the operations data, read and write only; remove it, or change the operation
            faults = [{ operation = "open", after = 0, times = "once", e…
                lab.toml:55:69: scenarios.local.faults[1].effect: `short` works with the operations data, read and write only; remove it, or change the operation
            faults = [{ operation = "read", after = 0, times = "once", e…
                lab.toml:55:84: scenarios.local.faults[1].bytes: belongs to the effects "short" and "oversize" only; remove it
            faults = [{ operation = "read", after = 0, times = "once", e…
                lab.toml:55:87: scenarios.local.faults[1].delay-us: belongs to the effect "delay" only; remove it
            faults = [{ operation = "read", after = 0, times = "once", e…
                lab.toml:55:11: scenarios.local.faults[1].bytes: missing; set it to a whole number from 0 to 1048576
            faults = [{ operation = "read", after = 0, times = "twice", …
                lab.toml:55:52: scenarios.local.faults[1].times: `twice` is none of its values; use "once" or "always"
            faults = [{ operation = "read", after = 0, times = "once", e…
                lab.toml:55:69: scenarios.local.faults[1].effect: `explode` is none of its values; use "eio" or "errno" or "short" or "oversize" or "delay" or "hang" or "die"
            faults = [{ operation = "read", times = "once", effect = "ei…
                lab.toml:55:11: scenarios.local.faults[1].after: missing; set it to a whole number from 0 to 1000000000
            faults = [{ opcode = "read" }]
                lab.toml:55:13: scenarios.local.faults[1]: there is no key `opcode`; there are: operation, offset-kib, after, times, effect, errno, bytes, delay-us
            faults = ["read"]
                lab.toml:55:11: scenarios.local.faults[1]: the string `read` is of the wrong type; use a table such as { operation = "read", ... }
            faults = { operation = "read" }
                lab.toml:55:10: scenarios.local.faults: a table is of the wrong type; use a list of tables, [] for none
            faults = none
                lab.toml:55:10: not TOML at `none`: invalid float, expected `nan`; correct this line
        "#]],
    );
}

/// What a record calls a value is what `lab.toml` calls it.
#[test]
fn words_are_those_of_the_records() {
    let edits: &[(&str, &str, &[&str])] = &[
        ("reply-window-us = 0", "reply-window-us = 9\nreply-order", &["reversed", "random"]),
        (
            "storage-latency-us = 0",
            "storage-latency-us = 9\nstorage-distribution",
            &["uniform", "exponential"],
        ),
    ];
    for (line, keys, words) in edits {
        for word in *words {
            let (_, key) = keys.split_once('\n').unwrap();
            let text = edited(line, &format!("{keys} = \"{word}\""));
            let without = [format!("\n{key} = \"done\"\n"), format!("\n{key} = \"fixed\"\n")];
            let text = without.iter().fold(text, |text, line| text.replace(line, "\n"));
            let scenarios = Config::parse("lab.toml", &text).unwrap().scenarios;
            let record = serde_json::to_string(&scenarios["local"]).unwrap();
            assert!(record.contains(&format!(":\"{word}\"")), "{key} = {word}: {record}");
        }
    }
}

#[test]
fn a_fault_is_read_in_full() {
    let text = edited(
        "faults = []",
        "faults = [\n{ operation = \"read\", offset-kib = 640, after = 2, times = \"always\", effect = \"short\", bytes = 9 },\n]",
    );
    let config = Config::parse("lab.toml", &text).unwrap();
    let expected = Fault {
        operation: "read".parse().unwrap(),
        offset_kib: Some(640),
        after: 2,
        times: Times::Always,
        effect: Effect::Short { bytes: 9 },
    };
    assert_eq!(config.scenarios["remote"].server.as_ref().unwrap().faults, std::slice::from_ref(&expected));
    for (effect, of) in [
        ("effect = \"errno\", errno = 28", Effect::Errno { errno: 28 }),
        ("effect = \"oversize\", bytes = 4096", Effect::Oversize { bytes: 4096 }),
    ] {
        let text = text.replace("effect = \"short\", bytes = 9", effect);
        let config = Config::parse("lab.toml", &text).unwrap();
        let expected = Fault { effect: of, ..expected.clone() };
        assert_eq!(config.scenarios["remote"].server.as_ref().unwrap().faults, [expected], "{effect}");
    }
}

#[test]
fn flags_by_their_names() {
    let flags = |line: &str| error(&edited("init-flags = []", line));
    assert_eq!(flags("init-flags = [\"NO_OPEN_SUPPORT\", \"-ASYNC_READ\"]"), "");
    assert_eq!(error(&edited("open-flags = []", "open-flags = [\"KEEP_CACHE\", \"CACHE_DIR\"]")), "");
    for (line, expected) in [
        ("init-flags = [\"NO_OPEN\"]", "there is no flag `NO_OPEN`; did you mean `NO_OPEN_SUPPORT`?"),
        ("init-flags = [\"ASYNC_DIO\"]", "ASYNC_DIO: it has a key of its own; use `async-dio`"),
        ("init-flags = [\"POSIX_LOCKS\"]", "POSIX_LOCKS: the server keeps no locks"),
        ("init-flags = [\"-ASYNC_READ\", \"ASYNC_READ\"]", "`ASYNC_READ` is listed twice; list it once"),
        (
            "init-flags = \"ASYNC_READ\"",
            "the string `ASYNC_READ` is of the wrong type; use a list of strings",
        ),
    ] {
        let message = flags(line);
        assert!(message.contains(expected) && message.contains("scenarios.local.init-flags"), "{message}");
    }
    let message = error(&edited("open-flags = []", "open-flags = [\"KEEP_CASH\"]"));
    assert!(message.contains("did you mean `KEEP_CACHE`?"), "{message}");
}

#[test]
fn what_does_not_go_together() {
    let both = edited("passthrough = false", "passthrough = true")
        .replace("writeback-cache = false", "writeback-cache = true");
    assert!(
        error(&both).contains("scenarios.local.passthrough: the kernel has no FUSE_PASSTHROUGH"),
        "{}",
        error(&both)
    );
    let ring = edited("transport = \"dev-fuse\"", "transport = \"io-uring\"");
    assert_eq!(error(&ring), "");
    let spliced = ring.replace("splice = false", "splice = true");
    assert!(error(&spliced).contains("scenarios.local.splice: "), "{}", error(&spliced));
}
