//! Faults by setting: what a program sees of them, and what arrives at the server.

use std::time::{Duration, Instant};

use aio_stress::aio::{Context, Event};
use lab_protocol::{Effect, Fault, FaultOperation, RequestStats, ServerSettings, Times};
use rustix::fs::OFlags;
use rustix::io::{Errno, Result};

use crate::harness::{Aligned, REQUEST, Served, bytes, open_direct, read_direct, settings, submit_read};

mod hang;
mod operations;

const LENGTH: usize = 16 * REQUEST;

/// What chunk 5 of 16 begins with, from the begin of the I/O.
const CHUNK_5: usize = 5 * REQUEST;

/// A fault of the READ or WRITE in which this byte of the file is.
fn at(offset: usize, times: Times, effect: Effect) -> Fault {
    let offset_kib = Some(offset as u64 / 1024);
    Fault { operation: FaultOperation::DATA, offset_kib, after: 0, times, effect }
}

fn with(fault: Fault) -> ServerSettings {
    ServerSettings { faults: vec![fault], ..settings() }
}

fn count(stats: &RequestStats, operation: &str) -> u64 {
    stats.by_operation.get(operation).copied().unwrap_or_default()
}

/// A fault of every request of one kind.
fn always(operation: &str, effect: Effect) -> Fault {
    let operation = operation.parse().unwrap();
    Fault { operation, offset_kib: None, after: 0, times: Times::Always, effect }
}

/// The server of an I/O of 2 MiB that meets a fault.
#[derive(Clone, Copy, Debug)]
enum Dio {
    Async,
    Sync,
}

impl Dio {
    fn serve(self, fault: &Fault) -> Served {
        let async_dio = matches!(self, Dio::Async);
        Served::new(&ServerSettings { async_dio, ..with(fault.clone()) })
    }
}

/// A read(2) of 2 MiB, `expected` to give so many bytes; all that are read are those of the file.
fn check_read(dio: Dio, fault: &Fault, expected: Result<usize>) -> RequestStats {
    let mut served = dio.serve(fault);
    let content = served.store("file", LENGTH);
    served.take();
    let mut memory = Aligned::new(&vec![0; LENGTH]);
    let file = open_direct(&served.path("file"), OFlags::RDONLY);
    let read = rustix::io::pread(&file, memory.bytes(), 0);
    assert_eq!(read, expected, "{dio:?} {fault:?}");
    let read = read.unwrap_or(0);
    assert!(memory.bytes()[..read] == content[..read], "{dio:?} {fault:?}: other bytes");
    served.take()
}

#[test]
fn reads_that_fail() {
    let eio = |times| at(CHUNK_5, times, Effect::Eio);
    let stats = check_read(Dio::Async, &eio(Times::Always), Err(Errno::IO));
    assert_eq!((count(&stats, "READ"), stats.failed), (16, 1));
    let stats = check_read(Dio::Async, &eio(Times::Once), Err(Errno::IO));
    assert_eq!((count(&stats, "READ"), stats.failed), (16, 1));
    // One at a time: those before the fault are good, and the rest is tried again through the page cache.
    let stats = check_read(Dio::Sync, &eio(Times::Always), Ok(CHUNK_5));
    assert!(stats.failed > 0, "{stats:?}");
    let stats = check_read(Dio::Sync, &eio(Times::Once), Ok(LENGTH));
    assert_eq!(stats.failed, 1);
}

#[test]
fn errors_of_all_numbers_are_passed_on() {
    for errno in [Errno::NOSPC, Errno::DQUOT, Errno::from_raw_os_error(511)] {
        let fault = at(CHUNK_5, Times::Always, Effect::Errno { errno: errno.raw_os_error() as u16 });
        let stats = check_read(Dio::Async, &fault, Err(errno));
        assert_eq!((count(&stats, "READ"), stats.failed), (16, 1));
        check_write(Dio::Async, &fault, (0, LENGTH), Err(errno), "nnnnnonnnnnnnnnn");
    }
}

/// The kernel refuses the answer and lets the request fail; the server goes on.
#[test]
fn reads_with_too_large_an_answer() {
    for bytes in [1, 4096, 1 << 20] {
        let oversize = at(CHUNK_5, Times::Once, Effect::Oversize { bytes });
        for splice in [false, true] {
            let served = Served::new(&ServerSettings { splice, ..with(oversize.clone()) });
            let content = served.store("file", LENGTH);
            let file = open_direct(&served.path("file"), OFlags::RDONLY);
            let mut memory = Aligned::new(&vec![0; LENGTH]);
            assert_eq!(rustix::io::pread(&file, memory.bytes(), 0), Err(Errno::IO), "{bytes} {splice}");
            assert_eq!(rustix::io::pread(&file, memory.bytes(), 0), Ok(LENGTH), "{bytes} {splice}");
            assert!(memory.bytes() == content, "{bytes} {splice}");
        }
    }
}

#[test]
fn writes_with_too_large_an_answer() {
    for splice in [false, true] {
        let oversize = at(CHUNK_5, Times::Once, Effect::Oversize { bytes: 1 });
        let mut served = Served::new(&ServerSettings { splice, request_log: 100, ..with(oversize) });
        served.store("file", LENGTH);
        let new = bytes(LENGTH, 2);
        let write = |served: &Served| crate::harness::write_direct(&served.path("file"), 0, &new);
        assert_eq!(write(&served), Err(Errno::IO), "{splice}");
        let records = served.log(0).records;
        let claim = records.iter().find(|it| it.offset == CHUNK_5 as u64).unwrap();
        assert_eq!((claim.size as usize, claim.result as usize), (REQUEST, REQUEST + 1));
        // All of it is stored.
        assert!(std::fs::read(served.stored("file")).unwrap() == new, "{splice}");
        assert_eq!(write(&served), Ok(LENGTH), "{splice}");
    }
}

#[test]
fn reads_that_are_short() {
    for dio in [Dio::Async, Dio::Sync] {
        for bytes in [0, 1, 1024] {
            let short = |times| at(CHUNK_5, times, Effect::Short { bytes });
            let read = CHUNK_5 + bytes as usize;
            let stats = check_read(dio, &short(Times::Always), Ok(read));
            assert_eq!(stats.failed, 0);
            check_read(dio, &short(Times::Once), Ok(LENGTH));
        }
        check_read(dio, &at(CHUNK_5, Times::Always, Effect::Short { bytes: 1 << 20 }), Ok(LENGTH));
    }
}

/// A write(2) of 2 MiB at `offset` into a file of `size` bytes, `expected` to say so; gives as well what the file
/// consists of afterwards: per chunk of 128 KiB, `old`, `new`, or what else.
fn check_write(
    dio: Dio,
    fault: &Fault,
    (offset, size): (usize, usize),
    expected: Result<usize>,
    expected_chunks: &str,
) -> RequestStats {
    let mut served = dio.serve(fault);
    let mut old = served.store("file", size);
    served.take();
    let mut memory = Aligned::new(&bytes(LENGTH, 2));
    let file = open_direct(&served.path("file"), OFlags::WRONLY);
    assert_eq!(rustix::io::pwrite(&file, memory.bytes(), offset as u64), expected, "{dio:?} {fault:?}");
    let stats = served.take();
    old.resize(offset + LENGTH, 0);
    let stored = std::fs::read(served.stored("file")).unwrap();
    let chunks = (stored.chunks(REQUEST).zip((0usize..).step_by(REQUEST))).map(|(chunk, at)| {
        let new = at.checked_sub(offset).map(|at| &memory.bytes()[at..at + chunk.len()]);
        match (chunk == &old[at..at + chunk.len()], Some(chunk) == new) {
            (true, _) if at >= size => "-",
            (true, _) => "o",
            (_, true) => "n",
            (false, false) => "?",
        }
    });
    assert_eq!(chunks.collect::<String>(), expected_chunks, "{dio:?} {fault:?}");
    stats
}

#[test]
fn writes_that_fail_inside_the_file() {
    let inside = (0, LENGTH);
    for times in [Times::Once, Times::Always] {
        let eio = at(CHUNK_5, times, Effect::Eio);
        let stats = check_write(Dio::Async, &eio, inside, Err(Errno::IO), "nnnnnonnnnnnnnnn");
        assert_eq!((count(&stats, "WRITE"), stats.failed), (16, 1));
        assert_eq!(count(&stats, "SETATTR"), 0);
    }
    let eio = at(CHUNK_5, Times::Always, Effect::Eio);
    let stats = check_write(Dio::Sync, &eio, inside, Ok(CHUNK_5), "nnnnnooooooooooo");
    assert_eq!(count(&stats, "SETATTR"), 0);
}

#[test]
fn writes_that_are_short() {
    let short = |times| at(CHUNK_5, times, Effect::Short { bytes: 1024 });
    let inside = (0, LENGTH);
    let stats = check_write(Dio::Async, &short(Times::Once), inside, Err(Errno::IO), "nnnnn?nnnnnnnnnn");
    assert_eq!((count(&stats, "WRITE"), stats.failed), (16, 0));
    check_write(Dio::Sync, &short(Times::Once), inside, Ok(LENGTH), "nnnnnnnnnnnnnnnn");
}

#[test]
fn writes_that_fail_beyond_the_end() {
    let beyond = (REQUEST, REQUEST);
    // Kernels since 3.10 also give back what was allocated when a synchronous write got nowhere.
    for (chunk, sync, sync_chunks, sync_setattr) in
        [(5, Ok(CHUNK_5), "onnnnn", 0), (0, Err(Errno::IO), "o", 1)]
    {
        let eio = at((1 + chunk) * REQUEST, Times::Always, Effect::Eio);
        let stats = check_write(Dio::Async, &eio, beyond, Err(Errno::IO), "o");
        assert_eq!((count(&stats, "WRITE"), count(&stats, "SETATTR"), stats.failed), (16, 1, 1));
        let stats = check_write(Dio::Sync, &eio, beyond, sync, sync_chunks);
        assert_eq!(count(&stats, "SETATTR"), sync_setattr, "{chunk}");
    }
}

/// One asynchronous read of 2 MiB.
fn aio_read(served: &Served) -> std::io::Result<u64> {
    let mut memory = Aligned::new(&vec![0; LENGTH]);
    let file = open_direct(&served.path("file"), OFlags::RDONLY);
    let context = Context::new(1).unwrap();
    let mut events = [Event::default()];
    // SAFETY: the memory outlives the context, which is dropped before it.
    unsafe { submit_read(&context, &file, memory.bytes(), 0, 0) };
    assert_eq!(context.events(1, &mut events, None).unwrap(), 1);
    events[0].result()
}

#[test]
fn asynchronous_reads_that_fail() {
    let eio = at(CHUNK_5, Times::Always, Effect::Eio);
    for (dio, expected) in [(Dio::Async, Err(Some(libc::EIO))), (Dio::Sync, Ok(CHUNK_5 as u64))] {
        let served = dio.serve(&eio);
        served.store("file", LENGTH);
        assert_eq!(aio_read(&served).map_err(|error| error.raw_os_error()), expected, "{dio:?}");
    }
}

#[test]
fn requests_are_served_later_by_what_was_set() {
    let took = |settings: ServerSettings, action: &dyn Fn(&Served)| {
        let served = Served::new(&settings);
        served.store("file", LENGTH);
        let begin = Instant::now();
        action(&served);
        begin.elapsed()
    };
    let read = |served: &Served| {
        let expected = std::fs::read(served.stored("file")).unwrap();
        assert!(read_direct(&served.path("file"), 0, LENGTH) == expected);
    };
    let once = took(with(at(CHUNK_5, Times::Once, Effect::Delay { us: 200_000 })), &read);
    assert!(once >= Duration::from_millis(200), "{once:?}");
    let each = with(always("data", Effect::Delay { us: 10_000 }));
    let each = took(ServerSettings { async_dio: false, ..each }, &read);
    assert!(each >= Duration::from_millis(16 * 10), "{each:?}");
    let other = took(with(always("open", Effect::Delay { us: 200_000 })), &read);
    assert!(other >= Duration::from_millis(200), "{other:?}");
}
