//! The request log and the times, on real requests.

use lab_protocol::log::LogRecord;
use lab_protocol::{Effect, Fault, Operation, ServerSettings, Times};

use crate::harness::{REQUEST, Served, bytes, read_direct, settings, write_direct};

const LATENCY_US: u64 = 5_000;

/// A direct I/O of this size is 16 requests.
const SIZE: usize = 16 * REQUEST;

fn logged(records: u32) -> ServerSettings {
    ServerSettings { request_log: records, ..settings().with_latency_us(LATENCY_US) }
}

fn of(records: &[LogRecord], operation: Operation) -> Vec<LogRecord> {
    let mut found: Vec<_> = records.iter().filter(|it| it.operation == operation).copied().collect();
    found.sort_by_key(|record| record.offset);
    found
}

/// Logs what `transfer` does, which is 16 requests of one operation.
fn check_log(operation: Operation, transfer: impl Fn(&Served)) {
    let mut served = Served::new(&logged(100));
    served.store("file", SIZE);
    served.take();
    transfer(&served);
    let log = served.log(3);
    let stats = served.take();
    assert_eq!((log.workload, log.dropped), (3, 0));
    assert_eq!(of(&log.records, Operation::Open).len(), 1, "{:?}", log.records);
    let data = of(&log.records, operation);
    let expected: Vec<u64> = (0..16).map(|chunk| chunk * REQUEST as u64).collect();
    assert_eq!(data.iter().map(|record| record.offset).collect::<Vec<_>>(), expected);
    for record in &data {
        assert_eq!((record.size as usize, record.result as usize), (REQUEST, REQUEST));
        assert_eq!(record.inode, data[0].inode);
        assert!(record.answer_ns - record.arrival_ns >= LATENCY_US * 1000, "{record:?}");
    }
    assert_eq!(data.iter().map(|record| record.in_flight).max(), Some(stats.most_in_flight));
    // The counters tell the same as the log.
    let first = data.iter().map(|record| record.arrival_ns).min().unwrap();
    let last = data.iter().map(|record| record.answer_ns).max().unwrap();
    let times: Vec<u64> = data.iter().map(|record| record.answer_ns - record.arrival_ns).collect();
    let sum: u64 = times.iter().sum();
    assert_eq!((stats.span_ns, stats.mean_in_flight), (last - first, sum as f64 / (last - first) as f64));
    let service: Vec<_> = [stats.read_service, stats.write_service].into_iter().flatten().collect();
    let told: Vec<_> =
        service.iter().map(|it| (it.count, it.mean_ns, Some(it.min_ns), Some(it.max_ns))).collect();
    assert_eq!(told, [(16, sum / 16, times.iter().copied().min(), times.iter().copied().max())]);
}

#[test]
fn each_request_of_a_read_is_logged() {
    check_log(Operation::Read, |served| {
        assert_eq!(read_direct(&served.path("file"), 0, SIZE).len(), SIZE);
    });
}

#[test]
fn each_request_of_a_write_is_logged() {
    check_log(Operation::Write, |served| {
        assert_eq!(write_direct(&served.path("file"), 0, &bytes(SIZE, 2)), Ok(SIZE));
    });
}

#[test]
fn a_full_log_counts_what_it_drops() {
    let mut served = Served::new(&logged(4));
    served.store("file", SIZE);
    served.take();
    read_direct(&served.path("file"), 0, SIZE);
    let log = served.log(0);
    assert_eq!(log.records.len(), 4);
    assert!(log.dropped >= 13, "16 READs, LOOKUP and OPEN: {}", log.dropped);
    // It is kept until the counters are read.
    assert!(served.log(0).dropped >= log.dropped);
    served.take();
    assert!(served.log(0).records.len() <= 1, "a late RELEASE at most");
}

#[test]
fn errors_are_logged_as_they_are_answered() {
    let eio = |operation: &str| Fault {
        operation: operation.parse().unwrap(),
        offset_kib: None,
        after: 0,
        times: Times::Always,
        effect: Effect::Eio,
    };
    let mut served = Served::new(&ServerSettings { faults: vec![eio("write")], ..logged(100) });
    served.store("file", REQUEST);
    assert!(write_direct(&served.path("file"), 0, &bytes(REQUEST, 2)).is_err());
    assert!(std::fs::metadata(served.path("missing")).is_err());
    let log = served.log(0);
    assert_eq!(of(&log.records, Operation::Write)[0].result, -libc::EIO);
    assert!(of(&log.records, Operation::Lookup).iter().any(|record| record.result == -libc::ENOENT));
}

#[test]
fn what_setattr_sets_is_logged() {
    let mut served = Served::new(&logged(100));
    served.store("file", SIZE);
    let path = served.path("file");
    served.take();
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    for size in [4096, 0] {
        file.set_len(size).unwrap();
    }
    rustix::fs::fchmod(&file, rustix::fs::Mode::RUSR).unwrap();
    let records = served.log(0).records;
    let setattr: Vec<_> = records.iter().filter(|it| it.operation == Operation::Setattr).collect();
    let sizes: Vec<_> = setattr.iter().map(|it| it.size_set()).collect();
    assert_eq!(sizes, [Some(4096), Some(0), None]);
    assert!(setattr.iter().all(|it| it.inode == setattr[0].inode && it.inode > 1), "{setattr:?}");
}

#[test]
fn what_gets_no_answer_is_logged_when_it_arrives() {
    let mut served = Served::new(&logged(100));
    served.store("file", 4096);
    read_direct(&served.path("file"), 0, 4096);
    served.take();
    std::fs::remove_file(served.path("file")).unwrap();
    let forget = |served: &mut Served| of(&served.log(0).records, Operation::Forget);
    crate::harness::eventually("FORGET", || !forget(&mut served).is_empty());
    let forget = forget(&mut served)[0];
    assert_eq!((forget.answer_ns, forget.result), (forget.arrival_ns, 0));
}

#[test]
fn without_the_setting_there_is_no_log() {
    let mut served = Served::new(&logged(0));
    served.store("file", REQUEST);
    read_direct(&served.path("file"), 0, REQUEST);
    let log = served.log(0);
    assert_eq!((log.records, log.dropped), (Vec::new(), 0));
    assert_eq!(served.take().by_operation["READ"], 1);
}
