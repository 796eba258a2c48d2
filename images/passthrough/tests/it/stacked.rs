//! A server on the mount of another one, whose faults are those of a storage; and what else hears of them.

use std::os::fd::IntoRawFd;

use aio_stress::document::{Document, ResultsFile};
use aio_stress::options::Options;
use aio_stress::target::Target;
use lab_protocol::{Effect, Fault, OpenMode, ServerSettings, Times};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::{Errno, Result};

use crate::harness::{Aligned, REQUEST, Served, bytes, in_time, open_direct, settings};

const MIB: usize = 1 << 20;

/// A fault of every request of one kind that contains this offset.
fn always(operation: &str, offset_kib: Option<u64>) -> Fault {
    Fault {
        operation: operation.parse().unwrap(),
        offset_kib,
        after: 0,
        times: Times::Always,
        effect: Effect::Eio,
    }
}

/// The result of a read(2) with O_DIRECT, and what was read.
fn read(served: &Served, offset: usize, length: usize) -> Result<Vec<u8>> {
    let path = served.path("file");
    in_time(&format!("reading {length} bytes at {offset}"), move || {
        let mut memory = Aligned::new(&vec![0; length]);
        let read = rustix::io::pread(open_direct(&path, OFlags::RDONLY), memory.bytes(), offset as u64)?;
        Ok(memory.bytes()[..read].to_vec())
    })
}

fn write(served: &Served, offset: usize, content: &[u8]) -> Result<usize> {
    let (path, mut memory) = (served.path("file"), Aligned::new(content));
    in_time(&format!("writing {} bytes at {offset}", content.len()), move || {
        rustix::io::pwrite(open_direct(&path, OFlags::WRONLY), memory.bytes(), offset as u64)
    })
}

/// With an only thread, which is lost if it ever waits for bytes that nobody puts into its pipe.
fn splicing() -> ServerSettings {
    ServerSettings { splice: true, threads: 1, attribute_timeout_ms: 0, ..settings() }
}

/// Reads the second request, in which the storage cannot read the byte `bad`, and then whatever may be in the way of what
/// is left in the pipe.
fn check_failed_read(bad: usize) {
    let faults = vec![always("read", Some(bad as u64 / 1024))];
    let lower = Served::new(&ServerSettings { faults, ..settings() });
    let mut content = lower.store("file", MIB);
    let mut upper = Served::above(&lower, &splicing());
    for round in 0..3 {
        assert_eq!(read(&upper, REQUEST, REQUEST), Err(Errno::IO), "{round}");
        let small = 2 * REQUEST + 4096;
        assert!(read(&upper, small, 4096).unwrap() == content[small..small + 4096], "{round}");
        assert_eq!(read(&upper, REQUEST, REQUEST), Err(Errno::IO), "{round}");
        let large = 3 * REQUEST;
        assert!(read(&upper, large, REQUEST).unwrap() == content[large..large + REQUEST], "{round}");
        assert_eq!(read(&upper, REQUEST, REQUEST), Err(Errno::IO), "{round}");
        let new = bytes(2 * REQUEST, round);
        assert_eq!(write(&upper, 4 * REQUEST, &new), Ok(2 * REQUEST), "{round}");
        content[4 * REQUEST..6 * REQUEST].copy_from_slice(&new);
        assert!(std::fs::read(lower.stored("file")).unwrap() == content, "{round}");
    }
    let stats = upper.take();
    assert_eq!(stats.failed, 9, "{stats:?}");
}

#[test]
fn a_read_that_fails_while_it_is_spliced_leaves_nothing_in_the_pipe() {
    check_failed_read(REQUEST);
}

#[test]
fn a_read_of_which_a_part_was_spliced_leaves_nothing_in_the_pipe() {
    check_failed_read(REQUEST + REQUEST / 2);
}

/// The error of close(2) for a file of the upper server, into which a byte was written.
fn close(served: &Served) -> Result<()> {
    let path = served.path("file");
    in_time("closing", move || {
        let file = rustix::fs::openat(CWD, &path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
        rustix::io::pwrite(&file, b"x", 0)?;
        // SAFETY: the descriptor is nobody else's any more.
        match unsafe { libc::close(file.into_raw_fd()) } {
            0 => Ok(()),
            _ => Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap()),
        }
    })
}

#[test]
fn what_close_says_of_the_storage_reaches_the_caller() {
    for (faults, expected) in [(vec![], Ok(())), (vec![always("flush", None)], Err(Errno::IO))] {
        let lower = Served::new(&ServerSettings { faults, ..settings() });
        lower.store("file", 4096);
        let upper = Served::above(&lower, &settings());
        assert_eq!(close(&upper), expected);
        assert_eq!(close(&upper), expected, "once more");
    }
}

#[test]
fn what_close_says_of_a_file_for_one_request_is_said_of_the_request() {
    let faults = vec![always("flush", None)];
    let lower = Served::new(&ServerSettings { faults, ..settings() });
    lower.store("file", MIB);
    let upper = Served::above(&lower, &ServerSettings { open: OpenMode::PerRequest, ..settings() });
    assert_eq!(write(&upper, 0, &bytes(REQUEST, 3)), Err(Errno::IO));
    assert_eq!(read(&upper, 0, 4096).map(|read| read.len()), Ok(4096), "nothing is lost by closing");
}

#[test]
fn results_that_close_could_not_write_are_an_error_of_aio_stress() {
    for (faults, expected) in [(vec![], None), (vec![always("flush", None)], Some("(os error 5)"))] {
        let served = Served::new(&ServerSettings { faults, ..settings() });
        let options = Options { files: vec!["file".into()], ..Options::default() };
        let target = Target::File(served.path("results"));
        let written = ResultsFile::open(&target).unwrap().write(&Document::new(&options, None, &[], None));
        let error = written.err().map(|error| format!("{error:#}"));
        assert_eq!(error.is_some(), expected.is_some(), "{error:?}");
        assert!(error.unwrap_or_default().ends_with(expected.unwrap_or_default()));
    }
}
