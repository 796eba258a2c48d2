//! Behaviours that are changed while the server is mounted: `behave`.

use std::thread;

use lab_protocol::{
    Behaviour, ControlCommand, ControlReply, Effect, Fault, FaultOperation, Operation, ReplyOrder,
    ServerSettings, StorageSettings, Times,
};
use rustix::fs::OFlags;
use rustix::io::{Errno, Result};
use rustix::mount::UnmountFlags;

use crate::harness::{Aligned, REQUEST, Served, eventually, open_direct, settings};
use crate::order::{READS, completions};

/// A direct read of this size is 16 requests.
const LENGTH: usize = 16 * REQUEST;

const LATENCY_US: u64 = 20_000;

fn served() -> Served {
    let served = Served::new(&ServerSettings { request_log: 1000, ..settings() });
    served.store("file", LENGTH);
    served
}

fn reads(times: Times, effect: Effect) -> Behaviour {
    let operation: FaultOperation = "read".parse().unwrap();
    let faults = vec![Fault { operation, offset_kib: Some(640), after: 0, times, effect }];
    Behaviour { faults, ..Behaviour::plain() }
}

fn slow() -> Behaviour {
    let storage = StorageSettings { latency_us: LATENCY_US, ..StorageSettings::OFF };
    Behaviour { storage, ..Behaviour::plain() }
}

fn behave(served: &mut Served, behaviour: &Behaviour) {
    let reply = served.ask(ControlCommand::Behave(Box::new(behaviour.clone())));
    assert_eq!(reply, ControlReply::Behaving, "{behaviour:?}");
}

/// A read(2) of the whole file.
fn read(served: &Served) -> Result<usize> {
    let file = open_direct(&served.path("file"), OFlags::RDONLY);
    rustix::io::pread(file, Aligned::new(&[0; LENGTH]).bytes(), 0)
}

/// The same in a thread of its own, with the file open already.
fn start_read(served: &Served) -> thread::JoinHandle<Result<usize>> {
    let file = open_direct(&served.path("file"), OFlags::RDONLY);
    thread::spawn(move || rustix::io::pread(file, Aligned::new(&[0; LENGTH]).bytes(), 0))
}

/// How many READs the log has that are answered, and how many that are not.
fn logged(served: &mut Served) -> (usize, usize) {
    let records = served.log(0).records;
    let reads = || records.iter().filter(|record| record.operation == Operation::Read);
    let answered = reads().filter(|record| record.is_answered()).count();
    (answered, reads().count() - answered)
}

#[test]
fn each_behaviour_takes_the_place_of_the_one_before() {
    let mut served = served();
    assert_eq!(read(&served), Ok(LENGTH));
    for (behaviour, expected) in [
        (reads(Times::Always, Effect::Eio), Err(Errno::IO)),
        (reads(Times::Always, Effect::Errno { errno: 28 }), Err(Errno::NOSPC)),
        (Behaviour::plain(), Ok(LENGTH)),
        // The last one: the kernel takes a short answer for a file that became shorter, for as long as attributes are valid.
        (reads(Times::Always, Effect::Short { bytes: 512 }), Ok(5 * REQUEST + 512)),
    ] {
        behave(&mut served, &behaviour);
        for _ in 0..2 {
            assert_eq!(read(&served), expected, "{behaviour:?}");
        }
    }
}

#[test]
fn faults_count_anew() {
    let mut served = served();
    let once = reads(Times::Once, Effect::Eio);
    for _ in 0..3 {
        behave(&mut served, &once);
        assert_eq!([read(&served), read(&served)], [Err(Errno::IO), Ok(LENGTH)]);
    }
}

#[test]
fn a_server_that_slept_never_can_be_told_to() {
    let mut served = served();
    assert_eq!(served.take().storage, None);
    behave(&mut served, &slow());
    assert_eq!(read(&served), Ok(LENGTH));
    let reads = served.log(0).records.into_iter().filter(|record| record.operation == Operation::Read);
    let times: Vec<u64> = reads.map(|record| record.answer_ns - record.arrival_ns).collect();
    assert_eq!(times.len(), 16);
    assert!(times.iter().all(|time| *time >= LATENCY_US * 1000), "{times:?}");
    assert_eq!(served.take().storage.unwrap().operations, 16);
    behave(&mut served, &Behaviour::plain());
    assert_eq!(read(&served), Ok(LENGTH));
    assert_eq!(served.take().storage, None);
}

#[test]
fn a_server_can_be_told_to_answer_in_another_order() {
    let mut served = served();
    let reversed =
        Behaviour { reply_order: ReplyOrder::Reversed, reply_window_us: 50_000, ..Behaviour::plain() };
    behave(&mut served, &reversed);
    let mut found = Vec::new();
    // As in the tests of the order: a busy machine may keep one out of the window.
    while found.last().is_none_or(|last: &Vec<u64>| !last.iter().copied().eq((0..READS as u64).rev())) {
        assert!(found.len() < 20, "{found:?}");
        found.push(completions(&mut served));
    }
}

#[test]
fn what_has_arrived_finishes_as_it_began() {
    let mut served = served();
    behave(&mut served, &slow());
    // A single request, which the next behaviour would hang: of several some may arrive after it.
    let file = open_direct(&served.path("file"), OFlags::RDONLY);
    let (at, mut memory) = (5 * REQUEST as u64, Aligned::new(&[0; REQUEST]));
    let reader = thread::spawn(move || rustix::io::pread(file, memory.bytes(), at));
    eventually("the READ arrives", || logged(&mut served) != (0, 0));
    behave(&mut served, &reads(Times::Always, Effect::Hang));
    behave(&mut served, &Behaviour::plain());
    assert_eq!(reader.join().unwrap(), Ok(REQUEST));
    let records = served.log(0).records;
    let reads: Vec<_> = records.iter().filter(|record| record.operation == Operation::Read).collect();
    let [read] = reads[..] else { panic!("one READ: {reads:?}") };
    assert!(read.answer_ns - read.arrival_ns >= LATENCY_US * 1000, "{read:?}");
}

#[test]
fn what_hangs_is_let_go_with_an_error() {
    let mut served = served();
    let hang = reads(Times::Always, Effect::Hang);
    for next in [Behaviour::plain(), hang.clone(), Behaviour::plain()] {
        behave(&mut served, &hang);
        served.take();
        let reader = start_read(&served);
        eventually("all READs but one are answered", || logged(&mut served) == (15, 1));
        let unanswered = *served.log(0).records.last().unwrap();
        assert_eq!((unanswered.offset, unanswered.result), (5 * REQUEST as u64, 0));
        assert!(!reader.is_finished());
        behave(&mut served, &next);
        assert_eq!(reader.join().unwrap(), Err(Errno::IO));
        let hit = |it: &&lab_protocol::log::LogRecord| {
            it.operation == Operation::Read && it.offset == unanswered.offset
        };
        let answered = *served.log(0).records.iter().find(hit).unwrap();
        assert!(answered.is_answered(), "{answered:?}");
        assert_eq!((answered.arrival_ns, answered.result), (unanswered.arrival_ns, -libc::EIO));
        // The thread serves again.
        behave(&mut served, &Behaviour::plain());
        assert_eq!(read(&served), Ok(LENGTH));
    }
    // Nothing keeps the mount, but for copies of descriptors that other tests have while they start programs.
    eventually("it is unmounted", || rustix::mount::unmount(served.mount(), UnmountFlags::empty()).is_ok());
    assert!(served.wait().success());
}

#[test]
fn all_threads_can_be_let_go() {
    let mut served = Served::new(&ServerSettings { threads: 4, request_log: 1000, ..settings() });
    served.store("file", LENGTH);
    let hang = Fault {
        operation: FaultOperation::DATA,
        offset_kib: None,
        after: 0,
        times: Times::Always,
        effect: Effect::Hang,
    };
    behave(&mut served, &Behaviour { faults: vec![hang], ..Behaviour::plain() });
    let reader = start_read(&served);
    eventually("all threads hang", || logged(&mut served) == (0, 4));
    behave(&mut served, &Behaviour::plain());
    assert_eq!(reader.join().unwrap(), Err(Errno::IO));
    assert_eq!(read(&served), Ok(LENGTH));
}

#[test]
fn a_behaviour_that_cannot_be_changes_nothing() {
    let mut served = served();
    behave(&mut served, &reads(Times::Always, Effect::Eio));
    let plain = serde_json::to_string(&Behaviour::plain()).unwrap();
    let bad = reads(Times::Always, Effect::Errno { errno: 512 });
    for (json, expected) in [
        ("{", "behaviour: EOF while parsing an object"),
        (&plain.replace("seed", "sead"), "behaviour: unknown field `sead`"),
        (
            &plain.replace(r#""reply-window-us":0"#, r#""reply-window-us":1"#),
            "behaviour: `reply-window-us`: ",
        ),
        (&serde_json::to_string(&bad).unwrap(), "behaviour: fault 1: `errno`: 512 is no error"),
    ] {
        let reply = served.ask(format!("behave {json}"));
        let ControlReply::Refused(text) = reply else { panic!("{reply:?}") };
        assert!(text.starts_with(expected), "{text}");
        assert_eq!(read(&served), Err(Errno::IO));
    }
}
