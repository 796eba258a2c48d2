//! Numbers that are absurd.

use super::*;

#[test]
fn threads() {
    let numbers = [
        "1",
        "256",
        "0x1_0",
        "0",
        "-1",
        "257",
        "1_000",
        "0xffff_ffff_ffff",
        "1000000000000000000000000000000",
        &"9".repeat(1000),
        "1e9",
        "16.0",
        "nan",
        "-inf",
        "\"16\"",
    ];
    let edits = numbers.map(|number| format!("threads = {number}"));
    let edits: Vec<_> = edits.iter().map(|to| ("threads = 16", to.as_str())).collect();
    check(
        &edits,
        expect![[r#"
        threads = 1
            accepted
        threads = 256
            accepted
        threads = 0x1_0
            accepted
        threads = 0
            lab.toml:12:11: scenarios.local.threads: 0 is out of range; use 1 to 256
        threads = -1
            lab.toml:12:11: scenarios.local.threads: -1 is out of range; use 1 to 256
        threads = 257
            lab.toml:12:11: scenarios.local.threads: 257 is out of range; use 1 to 256
        threads = 1_000
            lab.toml:12:11: scenarios.local.threads: 1000 is out of range; use 1 to 256
        threads = 0xffff_ffff_ffff
            lab.toml:12:11: scenarios.local.threads: 0xffffffffffff is out of range; use 1 to 256
        threads = 1000000000000000000000000000000
            lab.toml:12:11: scenarios.local.threads: 1000000000000000000000000000000 is out of range; use 1 to 256
        threads = 99999999999999999999999999999999999999999999999999…
            lab.toml:12:11: scenarios.local.threads: 999999999999999999999999999999999999999999999999999999999999… is out of range; use 1 to 256
        threads = 1e9
            lab.toml:12:11: scenarios.local.threads: the number `1e9` is of the wrong type; use a whole number from 1 to 256
        threads = 16.0
            lab.toml:12:11: scenarios.local.threads: the number `16.0` is of the wrong type; use a whole number from 1 to 256
        threads = nan
            lab.toml:12:11: scenarios.local.threads: the number `nan` is of the wrong type; use a whole number from 1 to 256
        threads = -inf
            lab.toml:12:11: scenarios.local.threads: the number `-inf` is of the wrong type; use a whole number from 1 to 256
        threads = "16"
            lab.toml:12:11: scenarios.local.threads: the string `16` is of the wrong type; use a whole number from 1 to 256
    "#]],
    );
}

#[test]
fn an_inherited_number_is_blamed_where_it_is_written() {
    check(
        &[("storage-latency-us = 1000", "storage-latency-us = 1000\nthreads = 0")],
        expect![[r#"
            storage-latency-us = 1000\nthreads = 0
                lab.toml:59:11: scenarios.remote.threads: 0 is out of range; use 1 to 256
        "#]],
    );
    // `a` is read before `local`, in which the mistake is.
    let text = edited("threads = 16", "threads = 0") + "[scenarios.a]\nlike = \"local\"\n";
    expect!["lab.toml:12:11: scenarios.local.threads: 0 is out of range; use 1 to 256"]
        .assert_eq(&error(&text));
}

/// Both ends of each range are accepted, what is beyond is not, and the message names the ends.
#[test]
fn ranges() {
    for (line, least, most) in [
        ("request-kib = 128", 4, 262_140),
        ("request-timeout-s = 0", 0, 65_535),
        ("ring-depth = 1", 1, 256),
        ("max-background = 12", 1, 65_535),
        ("attribute-timeout-ms = 1000", 0, 3_600_000),
        ("entry-timeout-ms = \"as-attributes\"", 0, 3_600_000),
        ("negative-timeout-ms = 0", 0, 3_600_000),
        ("storage-latency-us = 1000", 0, 10_000_000),
        ("congestion-threshold = 9", 1, 65_535),
        ("request-log = 0", 0, 1 << 20),
        ("seed = 1", 0, u32::MAX.into()),
        ("storage-parallel = 0", 0, 65_535),
        ("storage-mib-per-s = 0", 0, 1 << 20),
        ("storage-jitter-us = 0", 0, 10_000_000),
        ("storage-disorder-us = 0", 0, 10_000_000),
        ("cpus = 2", 1, 255),
        ("workload-limit-s = 60", 1, 86_400),
        ("phase-us = 0", 0, 99_999),
        ("phase-range-us = 1000", 0, 99_999),
        ("samples = 5", 1, 1000),
        ("wall-limit-s = 600", 1, 86_400),
        ("silence-limit-s = 420", 1, 86_400),
        ("probe-delay-factor = 1", 1, 1000),
        ("boots = 2", 1, 1000),
    ] {
        let (key, _) = line.split_once(" = ").unwrap();
        for good in [least, most] {
            assert_eq!(error(&edited(line, &format!("{key} = {good}"))), "", "{key} = {good}");
        }
        for bad in [least - 1, most + 1, i64::MAX, i64::MIN] {
            let message = error(&edited(line, &format!("{key} = {bad}")));
            let expected = format!("{key}: {bad} is out of range; use {least} to {most}");
            assert!(message.ends_with(&expected), "{message}");
        }
    }
}

#[test]
fn too_many() {
    let names = |count: usize| (0..count).map(|n| format!("\"s{n}\",")).collect::<String>();
    let tables =
        |count: usize| (0..count).map(|n| format!("[variants.v{n}]\nseries = []\n")).collect::<String>();
    assert_eq!(error(&edited("series = []", &format!("series = [{}]", names(500)))), "");
    expect!["lab.toml:10:10: variants.stock.series: 501 entries are too many; use at most 500"]
        .assert_eq(&error(&edited("series = []", &format!("series = [{}]", names(501)))));
    // The good file has three.
    assert_eq!(error(&format!("{GOOD}{}", tables(497))), "");
    expect!["lab.toml:5:2: variants: 501 entries are too many; use at most 500"]
        .assert_eq(&error(&format!("{GOOD}{}", tables(498))));
}

#[test]
fn sizes() {
    let edits = [
        ("request-kib = 128", "request-kib = 6"),
        ("file-mib = 64", "file-mib = 0"),
        ("file-mib = 64", "file-mib = 1048577"),
        ("memory-mib = 512", "memory-mib = 255"),
        ("storage-mib = 128", "storage-mib = 0"),
        ("storage-mib = 128", "storage-mib = 1048576"),
    ];
    check(
        &edits,
        expect![[r#"
            request-kib = 6
                lab.toml:15:15: scenarios.local.request-kib: 6 is not a whole number of pages; use a multiple of 4
            file-mib = 0
                lab.toml:62:12: workloads.dd-read.file-mib: 0 is out of range; use 1 to 1048576
            file-mib = 1048577
                lab.toml:62:12: workloads.dd-read.file-mib: 1048577 is out of range; use 1 to 1048576
            memory-mib = 255
                lab.toml:71:14: machines.virtual.memory-mib: 255 is out of range; use 256 to 1048576
            storage-mib = 0
                lab.toml:72:15: machines.virtual.storage-mib: 0 is out of range; use 1 to 1048576
            storage-mib = 1048576
                lab.toml:72:15: machines.virtual.storage-mib: 1048576 MiB of storage need memory-mib = 1048768 or more, which is 512; raise it or lower storage-mib
        "#]],
    );
}
