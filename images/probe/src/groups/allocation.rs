//! Reads and writes whose first, second, third, ... allocation in the kernel fails, until none is left to fail. Whatever
//! fails, the caller is told, no byte is wrong and nothing waits for ever. Only kernels that can inject faults are probed.

mod injection;

use std::time::Duration;

use aio_stress::aio::{Batch, Context, Event, Transfer};
use anyhow::Context as _;
use lab_protocol::NOT_PROBED;
use rustix::fs::OFlags;

use super::aio::request;
use crate::clock;
use crate::memory::Memory;
use crate::observe::{self, Range};
use crate::outcome::Outcome;
use crate::probe::{Observation, Probe};
use crate::stage::{Stage, TestFile};
use crate::trials::Call;
use injection::Injection;

/// Four requests: each has its own allocations, and a fifth would say the same.
const LENGTH: u64 = 512 << 10;

/// What every kernel should do. Which allocation shows how is in the details: they differ with what else is checked.
const WELL: &str = "transfers all or a part, or says that memory is short, whichever allocation fails";

/// More allocations than any call makes: 27 were counted.
const MOST: u32 = 500;

/// Calls are made once for each allocation, and a kernel that can inject faults is slow in everything.
const LIMIT_S: u64 = 120;

/// How long a completion is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Read,
    Write,
    /// A write that begins at the end of the file.
    Extend,
}

/// The probes of this group.
pub(super) fn probes() -> Vec<Probe> {
    let cases = [
        ("read", "read", Call::Sync, Direction::Read),
        ("write", "write", Call::Sync, Direction::Write),
        ("extend", "write at the end", Call::Sync, Direction::Extend),
        ("aio-read", "AIO read", Call::Aio, Direction::Read),
        ("aio-write", "AIO write", Call::Aio, Direction::Write),
        ("aio-extend", "AIO write at the end", Call::Aio, Direction::Extend),
    ];
    let probe = |(name, title, call, direction)| {
        Probe::new(
            format!("no-memory-{name}"),
            format!("{title} of 512 KiB while one allocation fails, each in turn"),
            "what was begun has to be undone or finished; a request that is forgotten halfway leaks or waits for ever",
            move |stage| each_in_turn(stage, call, direction),
        )
        .latency_us(0)
        .limit_s(LIMIT_S)
    };
    cases.map(probe).into()
}

fn each_in_turn(stage: &mut Stage<'_>, call: Call, direction: Direction) -> anyhow::Result<Observation> {
    let Some(injection) = Injection::open()? else {
        return Ok(Observation::new(format!("{NOT_PROBED}no fault injection")));
    };
    let mut details = Vec::new();
    for nth in 1..=MOST {
        let tried = try_once(stage, &injection, nth, call, direction)?;
        let which = match tried.failed {
            Failed::One => format!("allocation {nth}"),
            Failed::None => "no allocation".to_owned(),
        };
        details.push(format!("{which} fails: returns {}", tried.outcome.words()));
        if let Some(fault) = tried.fault.or_else(|| misled(tried.outcome, call, tried.failed)) {
            let fault = format!("{which} fails: {fault}");
            return Ok(Observation::new("is not known").fault_if_any(Some(fault)).details(details));
        }
        if tried.failed == Failed::None {
            let observed = match nth {
                1 => "makes no allocation that can fail",
                _ => WELL,
            };
            return Ok(Observation::new(observed).details(details));
        }
    }
    let fault = format!("a single call makes more than {MOST} allocations");
    Ok(Observation::new("is not known").fault_if_any(Some(fault)).details(details))
}

/// Whether an allocation failed in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failed {
    One,
    /// There were not so many.
    None,
}

struct Tried {
    outcome: Outcome,
    failed: Failed,
    fault: Option<String>,
}

fn try_once(
    stage: &mut Stage<'_>,
    injection: &Injection,
    nth: u32,
    call: Call,
    direction: Direction,
) -> anyhow::Result<Tried> {
    let (size, range) = match direction {
        Direction::Read | Direction::Write => (2 * LENGTH, Range::new(0, LENGTH)),
        Direction::Extend => (LENGTH, Range::new(LENGTH, LENGTH)),
    };
    let file = stage.file_with(size, OFlags::RDWR | OFlags::DIRECT)?;
    let memory = match direction {
        Direction::Read => Memory::new(range.length as usize)?,
        Direction::Write | Direction::Extend => observe::new_data(range)?,
    };
    let context = Context::new(1)?;
    let length = range.length as usize;
    injection.arm(nth)?;
    let done = match (call, direction) {
        (Call::Sync, Direction::Read) => Ok(file.read(&memory, 0, length, range.offset)),
        (Call::Sync, Direction::Write | Direction::Extend) => {
            Ok(file.write(&memory, 0, length, range.offset))
        }
        (Call::Aio, Direction::Read) => submit(&context, Transfer::Read, &file, &memory, range),
        (Call::Aio, Direction::Write | Direction::Extend) => {
            submit(&context, Transfer::Write, &file, &memory, range)
        }
    };
    let failed = injection.disarm()?;
    let (outcome, stuck) = match done {
        Ok(outcome) => (outcome, None),
        Err(stuck) => (Outcome::Bytes(0), Some(stuck)),
    };
    let requests = stage.requests().context("asking the server")?;
    let wrong = match direction {
        Direction::Read => observe::wrong_byte(memory.content(), outcome, range.offset, size),
        Direction::Write | Direction::Extend => wrong_store(&file, outcome, range)?,
    };
    let fault = stuck.or(wrong).or_else(|| requests.fault(stage.max_background()));
    Ok(Tried { outcome, failed, fault })
}

/// One iocb and its completion; an error if that does not come.
fn submit(
    context: &Context,
    transfer: Transfer,
    file: &TestFile,
    memory: &Memory,
    range: Range,
) -> Result<Outcome, String> {
    let mut batch = Batch::new(1);
    batch.push(request(transfer, file, memory, range));
    // SAFETY: the caller keeps memory and file until it drops the context.
    match unsafe { context.submit(&mut batch) } {
        // That is how EAGAIN is told here.
        Ok(taken) if taken.is_empty() => return Ok(Outcome::Error(libc::EAGAIN)),
        Ok(_) => {}
        Err(error) => return Ok(Outcome::from_result(Err(error))),
    }
    let mut events = [Event::default()];
    let limit = clock::long(PATIENCE);
    match context.events(1, &mut events, Some(limit)) {
        Ok(0) => Err(format!("io_submit takes a request that does not end within {} s", limit.as_secs())),
        Ok(_) => Ok(Outcome::from_result(events[0].result())),
        Err(error) => Err(format!("io_getevents: {error}")),
    }
}

/// What is wrong with what a write has stored and what is said of it.
fn wrong_store(file: &TestFile, outcome: Outcome, range: Range) -> anyhow::Result<Option<String>> {
    let stored = file.stored(range.offset, range.length)?;
    Ok(stored.fault().or_else(|| observe::not_stored(outcome, &stored.new, range)).or(file.size_fault()?))
}

/// What is wrong with what a call returned.
fn misled(outcome: Outcome, call: Call, failed: Failed) -> Option<String> {
    let is_right = match (outcome, failed) {
        (Outcome::Bytes(LENGTH), _) => true,
        (Outcome::Bytes(bytes), Failed::One) => bytes > 0,
        // io_submit(2) says EAGAIN when it has no memory for the request itself.
        (Outcome::Error(number), Failed::One) => {
            number == libc::ENOMEM || (number == libc::EAGAIN && call == Call::Aio)
        }
        (Outcome::Bytes(_) | Outcome::Error(_), Failed::None) => false,
    };
    (!is_right).then(|| format!("returns {}", outcome.words()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_is_told_of_missing_memory_and_of_nothing_else() {
        let check = |outcome, call, failed, expected: Option<&str>| {
            assert_eq!(misled(outcome, call, failed).as_deref(), expected, "{outcome:?} {call:?} {failed:?}");
        };
        check(Outcome::Bytes(LENGTH), Call::Sync, Failed::None, None);
        check(Outcome::Bytes(LENGTH), Call::Sync, Failed::One, None);
        check(Outcome::Bytes(4096), Call::Sync, Failed::One, None);
        check(Outcome::Bytes(4096), Call::Sync, Failed::None, Some("returns 4 KiB"));
        check(Outcome::Bytes(0), Call::Sync, Failed::One, Some("returns 0 bytes"));
        check(Outcome::Error(libc::ENOMEM), Call::Aio, Failed::One, None);
        check(Outcome::Error(libc::ENOMEM), Call::Sync, Failed::None, Some("returns ENOMEM"));
        check(Outcome::Error(libc::EAGAIN), Call::Aio, Failed::One, None);
        check(Outcome::Error(libc::EAGAIN), Call::Sync, Failed::One, Some("returns EAGAIN"));
        check(Outcome::Error(libc::EIO), Call::Aio, Failed::One, Some("returns EIO"));
    }
}
