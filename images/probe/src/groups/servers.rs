//! Other servers than the usual one, and a server that dies.

use std::time::Duration;

use lab_protocol::{Effect, FaultOperation, Times};

use crate::clock;
use crate::fixture::Fixture;
use crate::memory::Memory;
use crate::observe::{self, Range};
use crate::outcome::Outcome;
use crate::probe::{Observation, Probe, fault_at};
use crate::stage::Stage;

const MIB: u64 = 1 << 20;
/// What is read or written.
const WHOLE: Range = Range { offset: 0, length: 2 * MIB };

/// The probes of this group.
pub(super) fn probes() -> Vec<Probe> {
    let mut probes = others();
    probes.extend(direct_io());
    probes.extend(small_reads());
    probes.push(Probe::new(
        "read-8m",
        "read of 8 MiB, which is five times max_background",
        "whoever has used up max_background has to wait and to go on",
        |stage| observe::read(stage, 8 * MIB, Range::new(0, 8 * MIB)),
    ));
    for (name, title, is_write) in [
        ("read-server-killed", "read of 2 MiB while the server is killed", false),
        ("write-server-killed", "write of 2 MiB inside the file while the server is killed", true),
    ] {
        let why = "whoever waits for a dead server must get an error, or what is done";
        let run = move |stage: &mut Stage<'_>| server_killed(stage, is_write);
        probes.push(Probe::new(name, title, why, run).latency_us(50_000));
    }
    probes
}

/// The same calls on servers that leave less room.
fn others() -> Vec<Probe> {
    let fixtures = [
        (
            Fixture::SingleThread,
            "single-thread",
            "a server with one thread",
            "it answers one by one, and nobody may wait for a second thread",
        ),
        (
            Fixture::MaxBackground1,
            "max-background-1",
            "max_background 1",
            "one request at the server at a time, and the others must follow",
        ),
        (
            Fixture::NoAsyncDio,
            "no-async-dio",
            "a server that does not ask for FUSE_ASYNC_DIO",
            "what was not asked for must not happen: one at a time, and the bytes before an error count",
        ),
    ];
    let mut probes = Vec::new();
    for (fixture, name, what, why) in fixtures {
        let mut probe =
            |suffix: &str, call: &str, run: fn(&mut Stage<'_>) -> anyhow::Result<Observation>, eio| {
                let probe = Probe::new(format!("{name}-{suffix}"), format!("{call} on {what}"), why, run);
                let probe = probe.on(fixture).quick_if(fixture == Fixture::NoAsyncDio && suffix == "read");
                let fault = |at| fault_at(FaultOperation::DATA, at, Times::Always, Effect::Eio);
                probes.push(match eio {
                    Some(offset_kib) => probe.fault(fault(offset_kib)),
                    None => probe,
                });
            };
        let read = |stage: &mut Stage<'_>| observe::read(stage, 4 * MIB, WHOLE);
        let write = |stage: &mut Stage<'_>| observe::write(stage, 4 * MIB, WHOLE);
        let extend = |stage: &mut Stage<'_>| observe::write(stage, MIB, Range::new(MIB, 2 * MIB));
        probe("read", "read of 2 MiB", read, None);
        probe("write", "write of 2 MiB inside the file", write, None);
        probe("write-eio", "write of 2 MiB inside the file with EIO in chunk 5", write, Some(640));
        probe("extend", "write of 2 MiB at the end", extend, None);
        probe("extend-eio", "write of 2 MiB at the end with EIO in chunk 5", extend, Some(1024 + 640));
    }
    probes
}

fn direct_io() -> Vec<Probe> {
    let why = "FOPEN_DIRECT_IO goes another way through the kernel, and read(2) and write(2) stay one at a time on it";
    let eio = |offset_kib| fault_at(FaultOperation::DATA, offset_kib, Times::Always, Effect::Eio);
    let probe = |name: &str, what: &str, run: fn(&mut Stage<'_>) -> anyhow::Result<Observation>| {
        let title = format!("{what} on a file with FOPEN_DIRECT_IO");
        Probe::new(format!("direct-io-{name}"), title, why, run).on(Fixture::DirectIo)
    };
    vec![
        probe("read", "read of 2 MiB", |stage| observe::read(stage, 4 * MIB, WHOLE)),
        probe("read-eio", "read of 2 MiB with EIO in chunk 5", |stage| observe::read(stage, 4 * MIB, WHOLE))
            .fault(eio(640)),
        probe("read-at-end", "read of 128 KiB at the end", |stage| {
            observe::read(stage, MIB, Range::new(MIB, 128 << 10))
        }),
        probe("read-over-end", "read of 2 MiB at 1 MiB and 300 bytes before the end", |stage| {
            observe::read(stage, 3 * MIB + 300, Range::new(2 * MIB, 2 * MIB))
        }),
        probe("write", "write of 2 MiB inside the file", |stage| observe::write(stage, 4 * MIB, WHOLE)),
        probe("write-eio", "write of 2 MiB inside the file with EIO in chunk 5", |stage| {
            observe::write(stage, 4 * MIB, WHOLE)
        })
        .fault(eio(640)),
        probe("extend-eio", "write of 2 MiB at the end with EIO in chunk 5", |stage| {
            observe::write(stage, MIB, Range::new(MIB, 2 * MIB))
        })
        .fault(eio(1024 + 640)),
    ]
}

/// max_read is a limit of its own: whoever reckons with requests has to take the smaller of the two.
fn small_reads() -> [Probe; 3] {
    let why =
        "READs are smaller than the request that the server allows, and a trimmed read is a number of READs";
    let probe = |name: &str, what: &str, run: fn(&mut Stage<'_>) -> anyhow::Result<Observation>| {
        let title = format!("{what} with a max_read of 32 KiB");
        Probe::new(format!("max-read-{name}"), title, why, run).on(Fixture::SmallReads)
    };
    [
        probe("read", "read of 2 MiB", |stage| observe::read(stage, 4 * MIB, WHOLE)),
        probe("read-over-end", "read of 2 MiB at 1 MiB and 300 bytes before the end", |stage| {
            observe::read(stage, 3 * MIB + 300, Range::new(2 * MIB, 2 * MIB))
        }),
        probe("write", "write of 2 MiB inside the file", |stage| observe::write(stage, 4 * MIB, WHOLE)),
    ]
}

/// The server dies when the first answers are out: after one and a half times the latency.
fn server_killed(stage: &mut Stage<'_>, is_write: bool) -> anyhow::Result<Observation> {
    let file = stage.file(4 * MIB)?;
    let memory = observe::new_data(WHOLE)?;
    let server = stage.mounted.pid() as libc::pid_t;
    let outcome = std::thread::scope(|scope| {
        scope.spawn(move || {
            clock::pause(Duration::from_millis(75));
            // SAFETY: no memory is involved; the server is a child of this program's parent and not yet waited for.
            unsafe { libc::kill(server, libc::SIGKILL) };
        });
        if is_write { file.write(&memory, 0, 2 << 20, 0) } else { file.read(&memory, 0, 2 << 20, 0) }
    });
    let after = Memory::new(4096)?;
    let next = file.read(&after, 0, 4096, 0);
    Ok(Observation::new(format!(
        "returns {}; the next read returns {}",
        after_death(outcome),
        after_death(next)
    )))
}

/// The descriptors of a server that dies are closed one after the other: requests that one of them has are ended, and new
/// ones are refused only when the last is closed. So which of two errors a caller gets is a race.
fn after_death(outcome: Outcome) -> String {
    match outcome {
        Outcome::Error(libc::ECONNABORTED | libc::ENOTCONN) => "ECONNABORTED or ENOTCONN".to_owned(),
        Outcome::Error(_) | Outcome::Bytes(_) => outcome.words(),
    }
}
