//! Asynchronous I/O through the mount: the requests that arrive are those that were asked for.

use std::collections::BTreeMap;
use std::ffi::OsString;

use aio_stress::options::{self, Command};
use lab_protocol::ServerSettings;
use serde_json::Value;

use crate::harness::{Served, death_after, eventually, reaches, settings};

/// Runs `aio-stress` with these arguments on `file` of the mount.
fn stress(served: &Served, arguments: &str) -> anyhow::Result<()> {
    let arguments = arguments.split_whitespace().map(OsString::from);
    match options::parse(arguments.chain([served.path("file").into()]))? {
        Command::Run(options) => aio_stress::run::run(&options),
        Command::Help => panic!("help"),
    }
}

/// The same, and the document of its results.
fn stress_with_document(served: &Served, arguments: &str) -> (Value, anyhow::Result<()>) {
    let target = tempfile::NamedTempFile::new().unwrap();
    let arguments = format!("{arguments} --json {}", target.path().display());
    let result = stress(served, &arguments);
    (serde_json::from_reader(target).unwrap(), result)
}

/// Requests by size that arrive for `arguments`, reads and writes apart.
fn check(arguments: &str, reads: &[(u32, u64)], writes: &[(u32, u64)]) {
    let mut served = Served::new(&settings());
    served.store("file", 8 << 20);
    served.take();
    stress(&served, arguments).unwrap();
    let stats = served.take();
    assert_eq!(stats.read_sizes, BTreeMap::from_iter(reads.iter().copied()), "{arguments}");
    assert_eq!(stats.write_sizes, BTreeMap::from_iter(writes.iter().copied()), "{arguments}");
    let count = |requests: &[(u32, u64)]| requests.iter().map(|(_, count)| count).sum::<u64>();
    for (operation, requests) in [("READ", reads), ("WRITE", writes)] {
        let found = stats.by_operation.get(operation).copied().unwrap_or_default();
        assert_eq!(found, count(requests), "{arguments}");
    }
    assert_eq!(stats.failed, 0, "{arguments}");
}

#[test]
fn the_requests_are_those_that_were_asked_for() {
    check("-O -s 8 -o 1", &[(65536, 128)], &[]);
    check("-O -s 8 -o 0", &[], &[(65536, 128)]);
    check("-O -s 8 -a 4 -b 1 -c 1 -o 1 -o 0", &[(65536, 128)], &[(65536, 128)]);
    check("-O -s 8 -r 256 -o 1", &[(131_072, 64)], &[]);
    check("-O -s 8 -r 4 -o 0", &[], &[(4096, 2048)]);
    check("-O -s 8 -o 2", &[], &[(65536, 128)]);
    check("-O -s 8 -o 3 -t 1 -d 2 -i 1", &[(65536, 128)], &[]);
    // Two operations on one file: all of it, and the middle half.
    check("-O -s 8 -c 2 -o 1", &[(65536, 192)], &[]);
    check("-O -s 8 -c 2 -t 2 -x -o 1", &[(65536, 192)], &[]);
    check("-O -s 4 -o 1 -I 3 -i 4", &[(65536, 12)], &[]);
}

#[test]
fn verified_data_reaches_the_storage() {
    let served = Served::new(&settings());
    stress(&served, "-O -v -s 8 -r 192").unwrap();
    let mut expected = vec![0; 8 << 20];
    lab_protocol::stamp::Stamp::Spread.fill(&mut expected, 0);
    let found = std::fs::read(served.stored("file")).unwrap();
    let records = 42 * (192 << 10);
    assert!(found[..records] == expected[..records]);
    let mut wrong = found;
    wrong[1_000_000] ^= 1;
    std::fs::write(served.stored("file"), wrong).unwrap();
    let error = format!("{:#}", stress(&served, "-O -v -s 8 -r 192 -o 1").unwrap_err());
    assert!(error.contains("wrong data at offset 1000000"), "{error}");
}

#[test]
fn depth_shows_in_flight() {
    let slow = settings().with_latency_us(20_000);
    let check = |settings: &ServerSettings, arguments: &str, expected| {
        let mut served = Served::new(settings);
        served.store("file", 8 << 20);
        reaches(expected, arguments, || {
            served.take();
            stress(&served, arguments).unwrap();
            served.take().most_in_flight
        });
    };
    check(&slow, "-O -s 2 -o 1", 12);
    check(&slow, "-O -s 2 -o 0", 12);
    check(&slow, "-O -s 1 -o 1 -d 5", 5);
    check(&ServerSettings { async_dio: false, ..slow }, "-O -s 1 -o 1", 1);
}

#[test]
fn a_failed_request_fails_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let small = crate::harness::SmallStorage::new(folder.path(), "size=4m");
    let mut served = Served::on(folder, &settings());
    let (document, result) = stress_with_document(&served, "-O -s 8 -o 0");
    let error = format!("{:#}", result.unwrap_err());
    assert!(error.starts_with("write on ") && error.contains("No space left on device"), "{error}");
    assert_eq!(document["stages"][0]["threads"][0]["error"], error.as_str());
    assert!(served.take().failed > 0);
    drop(served);
    drop(small);
    let served = Served::new(&settings());
    served.store("file", 0);
    let error = stress(&served, "-O -s 8 -o 1").unwrap_err().to_string();
    assert!(error.ends_with("no data from offset 0 on; write the file first, e.g. with `-o 0`"), "{error}");
}

#[test]
fn nothing_of_a_run_stays_open() {
    let served = Served::new(&settings());
    let before = served.held();
    stress(&served, "-O -s 2 -u").unwrap();
    eventually("descriptors are closed", || served.held() <= before);
    assert!(!served.stored("file").exists());
}

#[test]
fn results_are_what_the_server_saw() {
    let mut served = Served::new(&settings());
    served.store("file", 8 << 20);
    served.take();
    let (document, result) = stress_with_document(&served, "-O -s 8 -c 2 -b 3 -o 1 -o 2");
    result.unwrap();
    let stats = served.take();
    for (stage, operation) in document["stages"].as_array().unwrap().iter().zip(["READ", "WRITE"]) {
        let total = &stage["total"];
        assert_eq!(total["requests"], stats.by_operation[operation], "{operation}");
        assert_eq!(total["bytes"], stats.by_operation[operation] * 65536, "{operation}");
        assert_eq!(stage["files"].as_array().unwrap().len(), 2);
    }
    assert_eq!(document["stages"].as_array().unwrap().len(), 2);
}

#[test]
fn latencies_show_where_the_time_of_the_storage_goes() {
    let slow = settings().with_latency_us(20_000);
    let latencies = |settings: &ServerSettings| {
        let served = Served::new(settings);
        served.store("file", 1 << 20);
        let (document, result) = stress_with_document(&served, "-O -s 1 -d 4 -b 1 -o 1");
        result.unwrap();
        let of = |kind: &str, value: &str| {
            let latencies = &document["stages"][0]["total"][format!("{kind}-latency-ns")];
            assert_eq!(latencies["count"], 16);
            latencies[value].as_u64().unwrap()
        };
        (of("submit", "min"), of("submit", "max"), of("completion", "min"))
    };
    // The storage starts somewhere in io_submit(2), and the clock of the completion at its end.
    let (_, submit_max, completion_min) = latencies(&slow);
    assert!(submit_max + completion_min >= 20_000_000, "{submit_max} and {completion_min}");
    // Without asynchronous direct I/O the call does all the waiting.
    let (submit_min, _, _) = latencies(&ServerSettings { async_dio: false, ..slow });
    assert!(submit_min >= 20_000_000, "{submit_min}");
}

#[test]
fn the_death_of_the_server_fails_the_run() {
    let served = Served::new(&ServerSettings { faults: vec![death_after(19)], ..settings() });
    served.store("file", 8 << 20);
    let (document, result) = stress_with_document(&served, "-O -s 8 -o 1");
    let error = format!("{:#}", result.unwrap_err());
    // ENOTCONN or ECONNABORTED; or EIO for a request that a thread of the dying server was just being given, since the
    // kernel answers so if it cannot copy one (fuse_dev_do_read() in fs/fuse/dev.c).
    let expected = [libc::ENOTCONN, libc::ECONNABORTED, libc::EIO].map(|code| format!("(os error {code})"));
    assert!(expected.iter().any(|ending| error.ends_with(ending)), "{error}");
    assert_eq!(document["error"], error.as_str());
    let bytes = document["stages"][0]["total"]["bytes"].as_u64().unwrap();
    assert!(bytes < 20 * 65536, "{bytes}");
}
