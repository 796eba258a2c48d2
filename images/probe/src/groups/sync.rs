//! sync(2) and its companions while a server does not answer.

use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use lab_protocol::{Behaviour, Effect, Fault, FaultOperation, Operation, Times};
use rustix::fs::OFlags;

use crate::fixture::Fixture;
use crate::outcome::count;
use crate::probe::{Observation, Probe};
use crate::stage::Stage;

/// How long a call is watched. Nothing that it may wait for takes so long.
const WATCH: Duration = Duration::from_secs(2);

/// The probes of this group.
pub(super) fn probes() -> Vec<Probe> {
    let why = "a server that does not answer must not hold up the machine: it did in Linux 6.16 to 6.18";
    let probe = |name: &str, title: &str, call: fn(i32)| {
        Probe::new(name, title, why, move |stage| watched(stage, call))
            .on(Fixture::WritebackCache)
            .fault(hang())
            .limit_s(20)
    };
    vec![
        probe(
            "sync-hanging-server",
            "sync of the machine while a WRITE of cached pages is not answered",
            sync,
        ),
        probe("syncfs-hanging-server", "syncfs while a WRITE of cached pages is not answered", syncfs),
    ]
}

/// No READ or WRITE is answered.
fn hang() -> Fault {
    Fault {
        operation: FaultOperation::DATA,
        offset_kib: None,
        after: 0,
        times: Times::Always,
        effect: Effect::Hang,
    }
}

fn sync(_: i32) {
    // SAFETY: no memory is involved.
    unsafe { libc::sync() };
}

fn syncfs(file: i32) {
    // SAFETY: no memory is involved.
    unsafe { libc::syncfs(file) };
}

fn watched(stage: &mut Stage<'_>, call: fn(i32)) -> anyhow::Result<Observation> {
    let file = stage.file_with(1 << 20, OFlags::RDWR)?;
    (&file.file).write_all(&[7; 64 << 10])?;
    let descriptor = file.file.as_raw_fd();
    let (sender, receiver) = mpsc::channel();
    let waiting = std::thread::spawn(move || {
        call(descriptor);
        sender.send(()).is_ok()
    });
    let returned = receiver.recv_timeout(WATCH).is_ok();
    let writes = writes(stage)?;
    // What hangs is let go of, so that nothing is left behind.
    stage.mounted.behave(&Behaviour::plain())?;
    let joined = waiting.join().is_ok();
    anyhow::ensure!(joined, "a thread ended in a panic");
    let observed = if returned { "returns" } else { "waits for the server" };
    Ok(Observation::new(format!("{observed}, {} unanswered", count(writes, "WRITE"))))
}

/// The WRITEs that hang. The first may still be on its way to the server; more than the first is a race.
fn writes(stage: &mut Stage<'_>) -> anyhow::Result<usize> {
    let deadline = Instant::now() + WATCH;
    loop {
        let writes = stage.mounted.requests()?.count(Operation::Write);
        if writes > 0 || Instant::now() > deadline {
            return Ok(writes);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}
