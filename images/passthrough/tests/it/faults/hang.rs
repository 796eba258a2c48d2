//! Requests that are never answered: whoever waits for them is released when the server ends, and it does end.

use std::sync::mpsc;
use std::{fs, thread};

use lab_protocol::{ControlCommand, Effect, ServerSettings, Times};
use rustix::fs::OFlags;
use rustix::io::{Errno, Result};
use rustix::mount::UnmountFlags;
use rustix::process::{Pid, Signal};

use super::operations::{ACTIONS, open, served_for_actions};
use super::{CHUNK_5, LENGTH, always, at, count, with};
use crate::harness::{Aligned, Served, eventually, open_direct};

/// How a server is told to end.
type Ending = fn(&mut Served);

const ENDINGS: [(&str, Ending); 3] = [
    ("a command", |served| served.send(ControlCommand::Quit)),
    ("the end of its input", Served::close_input),
    ("a signal", |served| {
        let process = Pid::from_raw(served.process() as i32).unwrap();
        rustix::process::kill_process(process, Signal::TERM).unwrap();
    }),
];

/// What a read(2) of 2 MiB says that is blocked by READs that hang, when the server has ended. It is ended when
/// `arrivals` READs have arrived.
fn check_hang(settings: &ServerSettings, arrivals: u64, end: impl FnOnce(&mut Served)) -> Result<usize> {
    let mut served = Served::new(settings);
    served.store("file", LENGTH);
    served.take();
    let path = served.path("file");
    let (tell, told) = mpsc::channel();
    let reader = thread::spawn(move || {
        tell.send(rustix::thread::gettid()).unwrap();
        let mut memory = Aligned::new(&vec![0; LENGTH]);
        rustix::io::pread(open_direct(&path, OFlags::RDONLY), memory.bytes(), 0)
    });
    let mut arrived = 0;
    eventually("the READs arrive", || {
        arrived += count(&served.take(), "READ");
        arrived >= arrivals
    });
    // A reader that is still sending when the connection ends is told ENOTCONN.
    let reader_id = told.recv().unwrap();
    eventually("the reader waits for its answers", || sleeps(reader_id));
    assert!(!reader.is_finished());
    end(&mut served);
    assert!(served.wait().success());
    assert!(!served.is_mounted());
    reader.join().unwrap()
}

/// Whether a thread of this process is neither on a CPU nor about to be.
fn sleeps(thread: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/self/task/{thread}/stat")).unwrap();
    // The name of the thread stands in parentheses and may hold any byte.
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    fields.starts_with(['D', 'S'])
}

#[test]
fn whoever_waits_for_a_request_that_hangs_is_released() {
    let hang = with(at(CHUNK_5, Times::Once, Effect::Hang));
    for (what, end) in ENDINGS {
        assert_eq!(check_hang(&hang, 16, end), Err(Errno::CONNABORTED), "{what}");
    }
    let sync = ServerSettings { async_dio: false, ..hang.clone() };
    assert_eq!(check_hang(&sync, 6, ENDINGS[0].1), Ok(CHUNK_5));
    // Without a thread that could answer anything else. All 16 READs are let in: one that waits for room when the
    // connection ends is told ENOTCONN, before or after the first is told ECONNABORTED.
    for threads in [1, 3] {
        let all = ServerSettings { threads, max_background: 16, ..with(always("data", Effect::Hang)) };
        for (what, end) in ENDINGS {
            assert_eq!(check_hang(&all, threads.into(), end), Err(Errno::CONNABORTED), "{what}");
        }
    }
}

#[test]
fn requests_that_hang_end_with_a_mount_that_is_taken_away() {
    let hang = with(at(CHUNK_5, Times::Once, Effect::Hang));
    let force = |served: &mut Served| {
        rustix::mount::unmount(served.mount(), UnmountFlags::FORCE | UnmountFlags::DETACH).unwrap();
    };
    assert_eq!(check_hang(&hang, 16, force), Err(Errno::CONNABORTED));
}

#[test]
fn requests_of_any_kind_can_hang() {
    for (operation, action) in ACTIONS {
        let mut served = served_for_actions(always(operation, Effect::Hang));
        served.take();
        let mount = served.mount().to_owned();
        let caller = thread::spawn(move || action(&mount));
        let name = operation.to_uppercase().replace('-', "_");
        // Of two forms of one the kernel decides.
        let forms = [name.clone(), format!("{name}_64")];
        eventually(operation, || {
            let stats = served.take();
            forms.iter().any(|form| count(&stats, form) > 0)
        });
        assert!(!caller.is_finished(), "{operation}");
        served.send(ControlCommand::Quit);
        assert!(served.wait().success(), "{operation}");
        assert!(!served.is_mounted(), "{operation}");
        assert!(caller.join().unwrap().is_err(), "{operation}");
    }
    // Nobody waits for this one, and the mount is not busy.
    let mut served = served_for_actions(always("release", Effect::Hang));
    served.take();
    drop(open(served.mount()).unwrap());
    eventually("RELEASE", || count(&served.take(), "RELEASE") > 0);
    served.send(ControlCommand::Quit);
    assert!(served.wait().success());
    assert!(!served.is_mounted());
}
