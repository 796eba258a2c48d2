//! The end of a connection with requests under way: whoever waits has to be told, once, and nothing may be left.

use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use lab_protocol::{Effect, Fault, FaultOperation, Operation, Times};
use rustix::mount::UnmountFlags;
use rustix::process::{Pid, Signal};

use crate::apart;
use crate::clock;
use crate::iocb::{Commands, Context, Opcode, PATIENCE};
use crate::memory::Memory;
use crate::observe::{self, Range};
use crate::outcome::{Outcome, count, size};
use crate::probe::{Observation, Probe, fault_at};
use crate::requests::Requests;
use crate::stage::{Stage, TestFile};
use crate::uring::{self, Buffers, Ring};

const MIB: u64 = 1 << 20;
const KIB: usize = 1 << 10;
/// What is read or written: 16 requests.
const LENGTH: usize = 2 << 20;
/// Reads of 64 KiB in the probe with many.
const MANY: usize = 32;
/// Of those, how many are answered before the server stops.
const ANSWERED: u64 = 4;

/// How long storage takes where the server goes on, microseconds.
const SLOW_US: u64 = 3000;

/// FSYNC, by its name in settings.
fn fsync() -> FaultOperation {
    "fsync".parse().unwrap_or(FaultOperation::DATA)
}

/// What is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    Read,
    Write,
    Extend,
    AioRead,
    AioWrite,
    AioExtend,
    AioMany,
    UringRead,
    Fsync,
}

const WORKS: [Work; 9] = [
    Work::Read,
    Work::Write,
    Work::Extend,
    Work::AioRead,
    Work::AioWrite,
    Work::AioExtend,
    Work::AioMany,
    Work::UringRead,
    Work::Fsync,
];

/// What happens meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Abort,
    Kill,
    Force,
}

const ENDS: [(End, &str, &str); 3] = [
    (End::Abort, "abort", "the connection is aborted"),
    (End::Kill, "kill", "the server is killed"),
    (End::Force, "force", "umount -f is called"),
];

/// The probes of this group.
pub(super) fn probes() -> Vec<Probe> {
    let mut probes = Vec::new();
    for work in WORKS {
        for (end, name, what) in ENDS {
            let why = "whoever waits is told of the end, each command completes once, and no page or request is left";
            let run = move |stage: &mut Stage<'_>| cut_off(stage, work, end);
            let probe = Probe::new(
                format!("{name}-{}", work.name()),
                format!("{what} with {} under way", work.title()),
                why,
                run,
            );
            probes.push(probe.fault(work.hang()).quick_if(work == Work::AioRead));
        }
        probes.push(lazy(work));
    }
    probes
}

/// After umount -l the mount is out of sight, and goes on for whoever has a file open.
fn lazy(work: Work) -> Probe {
    Probe::new(
        format!("detach-{}", work.name()),
        format!("umount -l is called with {} under way", work.title()),
        "a mount that is out of sight serves whoever has a file open to the end",
        move |stage| {
            if let Some(missing) = work.missing() {
                return Ok(missing);
            }
            let (file, copy) = begin(stage, work)?;
            await_arrival(stage)?;
            let unmounted = rustix::mount::unmount(stage.path(""), UnmountFlags::DETACH);
            let unmounted = unmounted
                .map_or_else(|error| Outcome::Error(error.raw_os_error()).words(), |()| "0".to_owned());
            let said = copy.end()?;
            let requests = stage.requests()?;
            drop(file);
            await_end_of_server(stage)?;
            Ok(Observation::new(format!("says {unmounted}; {said}, {}", requests.words()))
                .details(requests.lines()))
        },
    )
    .latency_us(SLOW_US)
    .fault(Fault {
        operation: fsync(),
        offset_kib: None,
        ..fault_at(FaultOperation::DATA, 0, Times::Always, Effect::Delay { us: 10 * SLOW_US })
    })
}

impl Work {
    fn name(self) -> &'static str {
        match self {
            Work::Read => "read",
            Work::Write => "write",
            Work::Extend => "extend",
            Work::AioRead => "aio-read",
            Work::AioWrite => "aio-write",
            Work::AioExtend => "aio-extend",
            Work::AioMany => "aio-many",
            Work::UringRead => "uring-read",
            Work::Fsync => "fsync",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Work::Read => "a read of 2 MiB",
            Work::Write => "a write of 2 MiB",
            Work::Extend => "a write of 2 MiB at the end",
            Work::AioRead => "an AIO read of 2 MiB",
            Work::AioWrite => "an AIO write of 2 MiB",
            Work::AioExtend => "an AIO write of 2 MiB at the end",
            Work::AioMany => "32 AIO reads of 64 KiB",
            Work::UringRead => "an io_uring read of 2 MiB",
            Work::Fsync => "an fsync",
        }
    }

    /// What is said if this kernel cannot do it.
    fn missing(self) -> Option<Observation> {
        (self == Work::UringRead).then(uring::missing).flatten()
    }

    /// The size of the file.
    fn old_size(self) -> u64 {
        match self {
            Work::Extend | Work::AioExtend => MIB,
            Work::Read
            | Work::Write
            | Work::AioRead
            | Work::AioWrite
            | Work::AioMany
            | Work::UringRead
            | Work::Fsync => 2 * MIB,
        }
    }

    /// The request that is not answered: the sixth of a large one.
    fn hang(self) -> Fault {
        let chunk_5 =
            |begin_kib: u64| fault_at(FaultOperation::DATA, begin_kib + 640, Times::Always, Effect::Hang);
        match self {
            Work::Read | Work::Write | Work::AioRead | Work::AioWrite | Work::UringRead => chunk_5(0),
            Work::Extend | Work::AioExtend => chunk_5(1024),
            Work::AioMany => Fault {
                offset_kib: None,
                after: ANSWERED,
                ..fault_at(FaultOperation::DATA, 0, Times::Always, Effect::Hang)
            },
            Work::Fsync => Fault {
                operation: fsync(),
                offset_kib: None,
                ..fault_at(FaultOperation::DATA, 0, Times::Always, Effect::Hang)
            },
        }
    }

    /// Does it, and says what came of it.
    fn act(self, file: &TestFile) -> anyhow::Result<String> {
        let memory = observe::new_data(Range::new(0, LENGTH as u64))?;
        Ok(match self {
            Work::Read => format!("read returns {}", file.read(&memory, 0, LENGTH, 0).words()),
            Work::Write => format!("write returns {}", file.write(&memory, 0, LENGTH, 0).words()),
            Work::Extend => format!("write returns {}", file.write(&memory, 0, LENGTH, MIB).words()),
            Work::AioRead => aio(file, &memory, Opcode::Read, 0)?,
            Work::AioWrite => aio(file, &memory, Opcode::Write, 0)?,
            Work::AioExtend => aio(file, &memory, Opcode::Write, MIB)?,
            Work::AioMany => many(file, &memory)?,
            Work::UringRead => {
                let outcome = Ring::new(&memory, Buffers::Own)?.read(file.fd(), LENGTH, 0)?;
                format!("the read completes with {}", outcome.words())
            }
            Work::Fsync => {
                let synced = rustix::fs::fsync(file.file.as_fd());
                let words = synced
                    .map_or_else(|error| Outcome::Error(error.raw_os_error()).words(), |()| "0".to_owned());
                format!("fsync returns {words}")
            }
        })
    }
}

fn aio(file: &TestFile, memory: &Memory, opcode: Opcode, offset: u64) -> anyhow::Result<String> {
    let mut commands = Commands::new();
    commands.add(opcode, file.fd(), (memory, 0, LENGTH), offset);
    completions(&mut commands)
}

fn many(file: &TestFile, memory: &Memory) -> anyhow::Result<String> {
    let mut commands = Commands::new();
    for number in 0..MANY {
        let at = number * 64 * KIB;
        commands.add(Opcode::Read, file.fd(), (memory, at, 64 * KIB), at as u64);
    }
    completions(&mut commands)
}

/// Submits, and says what the completions were, each kind once: what is in between is not the same on every kernel.
fn completions(commands: &mut Commands) -> anyhow::Result<String> {
    let context = Context::new(64).context("io_setup(2)")?;
    let taken = context.submit(commands);
    let least = taken.bytes() as usize;
    let mut events = context.events(least, PATIENCE).context("io_getevents(2)")?;
    events.extend(context.events(0, Duration::ZERO).context("io_getevents(2)")?);
    let mut times = vec![0; commands.len()];
    for event in &events {
        let time = times.get_mut(event.data as usize).context("the completion of an unknown command")?;
        *time += 1;
    }
    anyhow::ensure!(times.iter().all(|time| *time <= 1), "commands that completed twice: {times:?}");
    anyhow::ensure!(events.len() == least, "{} completions of {least} commands", events.len());
    let mut kinds: Vec<(String, usize)> = Vec::new();
    for event in &events {
        let words = match event.outcome() {
            // How many commands come which side of the end is nobody's promise.
            Outcome::Error(libc::ECONNABORTED | libc::ENOTCONN) if commands.len() > 1 => {
                "ECONNABORTED or ENOTCONN".to_owned()
            }
            other @ (Outcome::Bytes(_) | Outcome::Error(_)) => other.words(),
        };
        match kinds.iter_mut().find(|(known, _)| *known == words) {
            Some((_, number)) => *number += 1,
            None => kinds.push((words, 1)),
        }
    }
    kinds.sort();
    let kinds: Vec<String> = kinds.iter().map(|(words, number)| format!("{number} with {words}")).collect();
    Ok(format!("io_submit takes {}, complete: {}", taken_words(taken), kinds.join(" and ")))
}

fn taken_words(taken: Outcome) -> String {
    match taken {
        Outcome::Bytes(taken) => taken.to_string(),
        Outcome::Error(_) => taken.words(),
    }
}

/// Has a copy of this process do the work on a file.
fn begin(stage: &mut Stage<'_>, work: Work) -> anyhow::Result<(TestFile, apart::Apart)> {
    let file = stage.file(work.old_size())?;
    let copy = apart::start(|| work.act(&file).unwrap_or_else(|error| format!("cannot be done: {error:#}")))?;
    Ok((file, copy))
}

/// Waits until a request is at the server that is not answered.
fn await_arrival(stage: &mut Stage<'_>) -> anyhow::Result<Requests> {
    let deadline = Instant::now() + clock::long(PATIENCE);
    while Instant::now() < deadline {
        let requests = stage.mounted.requests()?;
        if unanswered(&requests) > 0 {
            return Ok(requests);
        }
        clock::pause(Duration::from_micros(100));
    }
    anyhow::bail!("no request came")
}

/// Waits until nothing happens any more but that requests hang.
fn await_hang(stage: &mut Stage<'_>) -> anyhow::Result<Requests> {
    let mut before = await_arrival(stage)?;
    let mut quiet = 0;
    while quiet < 3 {
        // Longer than the storage takes for a request.
        clock::pause(Duration::from_millis(3));
        let now = stage.mounted.requests()?;
        let state = |requests: &Requests| (requests.all.len(), unanswered(requests));
        quiet = if state(&now) == state(&before) { quiet + 1 } else { 0 };
        before = now;
    }
    Ok(before)
}

fn unanswered(requests: &Requests) -> usize {
    let counts = |operation| [Operation::Read, Operation::Write, Operation::Fsync].contains(&operation);
    requests.all.iter().filter(|record| counts(record.operation) && !record.is_answered()).count()
}

fn cut_off(stage: &mut Stage<'_>, work: Work, end: End) -> anyhow::Result<Observation> {
    if let Some(missing) = work.missing() {
        return Ok(missing);
    }
    let (file, copy) = begin(stage, work)?;
    let requests = await_hang(stage)?;
    let said = match end {
        End::Abort => {
            stage.mounted.connection().abort();
            copy.end()?
        }
        End::Kill => {
            let server = Pid::from_raw(stage.mounted.pid() as i32).context("the server has no number")?;
            rustix::process::kill_process(server, Signal::KILL).context("killing the server")?;
            copy.end()?
        }
        End::Force => {
            // Busy, or not any more: the server takes its mount away when it sees the end.
            let _ = rustix::mount::unmount(stage.path(""), UnmountFlags::FORCE);
            copy.end()?
        }
    };
    let stored = file.stored_size()?;
    let grown = if stored == work.old_size() { String::new() } else { format!(", file of {}", size(stored)) };
    let hanging = count(unanswered(&requests), "request");
    let after = after_the_end(&file);
    await_end_of_server(stage)?;
    Ok(Observation::new(format!("{said}{grown}, {}, {hanging} unanswered", requests.words()))
        .fault_if_any(after)
        .details(requests.lines()))
}

/// A server whose connection has ended ends as well; until it has, it looks as if it could be used.
fn await_end_of_server(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let deadline = Instant::now() + clock::long(PATIENCE);
    while stage.mounted.requests().is_ok() {
        anyhow::ensure!(Instant::now() < deadline, "the server goes on without its connection");
        clock::pause(Duration::from_millis(1));
    }
    Ok(())
}

/// The file of a connection that has ended answers nothing, at once.
fn after_the_end(file: &TestFile) -> Option<String> {
    let memory = Memory::new(4096).ok()?;
    match file.read(&memory, 0, 4096, 0) {
        Outcome::Error(libc::ENOTCONN | libc::ECONNABORTED) => None,
        other @ (Outcome::Bytes(_) | Outcome::Error(_)) => {
            Some(format!("a read after the end returns {}", other.words()))
        }
    }
}
