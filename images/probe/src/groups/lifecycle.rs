//! The life of AIO requests: what may happen to their file, their memory, their context and their process while they are at
//! the server.

mod endings;
mod memory;
mod sizes;

use std::os::fd::AsFd as _;
use std::time::Duration;

use anyhow::Context as _;
use lab_protocol::ReplyOrder;
use rustix::event::EventfdFlags;

use crate::clock::now_ns;
use crate::iocb::{Commands, Context, Event, Opcode, PATIENCE};
use crate::memory::Memory;
use crate::observe::{self};
use crate::outcome::{Outcome, count, size};
use crate::probe::{Observation, Probe};
use crate::requests::Requests;
use crate::stage::{Stage, TestFile};

const KIB: usize = 1 << 10;
const MIB: u64 = 1 << 20;
/// Eight requests: fewer than may be at the server at once.
const SMALL: usize = 1 << 20;

/// The probes of this group.
pub(super) fn probes() -> Vec<Probe> {
    let mut probes = submission();
    probes.extend(completion());
    probes.extend(endings::probes());
    probes.extend(memory::probes());
    probes.extend(sizes::probes());
    probes
}

fn submission() -> Vec<Probe> {
    vec![
        Probe::new(
            "aio-submit-returns",
            "io_submit of a read of 1 MiB",
            "what AIO is for: the caller goes on while the server works",
            |stage| submit_and_look(stage, SMALL),
        )
        .quick(),
        Probe::new(
            "aio-more-than-background",
            "io_submit of a read of 8 MiB, 64 requests where 12 may be at the server at once",
            "the submission has to wait for room in the middle of one command, and to go on",
            |stage| submit_and_look(stage, 8 << 20),
        ),
        Probe::new(
            "aio-fast-server",
            "io_submit of 16 reads of 256 KiB, on storage that takes no time",
            "answers come before io_submit returns: a command must not be completed, or freed, before all of it is sent",
            |stage| many(stage, 16, 256 * KIB),
        )
        .latency_us(0),
        Probe::new(
            "aio-many",
            "io_submit of 64 reads of 64 KiB",
            "each command completes once, whatever order their requests are answered in",
            |stage| many(stage, 64, 64 * KIB),
        )
        .quick(),
        Probe::new(
            "aio-many-random",
            "io_submit of 64 reads of 64 KiB, answered in random order",
            "the same with answers that overtake each other",
            |stage| many(stage, 64, 64 * KIB),
        )
        .replies(ReplyOrder::Random, 1000),
    ]
}

fn completion() -> Vec<Probe> {
    vec![
        Probe::new(
            "aio-order",
            "io_submit of 8 reads of 128 KiB, answered in reverse",
            "completions come in the order of the answers if the requests are at the server together",
            order,
        )
        .replies(ReplyOrder::Reversed, 2000),
        Probe::new(
            "aio-eventfd",
            "io_submit of 4 reads of 256 KiB with IOCB_FLAG_RESFD",
            "whoever polls learns of each completion through the eventfd, and once",
            eventfd,
        ),
        Probe::new(
            "aio-cancel",
            "io_cancel of a read of 1 MiB",
            "FUSE cannot cancel: the call has to fail, and the read to complete once",
            cancel,
        ),
    ]
}

/// How many READs and WRITEs the server had answered at a time, in classes.
fn answered_by(requests: &Requests, time_ns: u64) -> &'static str {
    let times = || requests.data().map(|record| requests.base_ns + record.answer_ns);
    match (times().filter(|time| *time < time_ns).count(), times().count()) {
        (0, _) => "before the first answer",
        (some, all) if some == all => "behind the last answer",
        (_, _) => "between the answers",
    }
}

fn one(opcode: Opcode, file: &TestFile, memory: &Memory, length: usize, offset: u64) -> Commands {
    let mut commands = Commands::new();
    commands.add(opcode, file.fd(), (memory, 0, length), offset);
    commands
}

/// A read that was submitted.
struct Underway {
    file: TestFile,
    memory: Memory,
    context: Context,
    commands: Commands,
}

fn begin(stage: &mut Stage<'_>, length: usize) -> anyhow::Result<Underway> {
    let file = stage.file(length as u64)?;
    let memory = Memory::new(length)?;
    let context = Context::new(8).context("io_setup(2)")?;
    let mut commands = one(Opcode::Read, &file, &memory, length, 0);
    let taken = context.submit(&mut commands);
    anyhow::ensure!(taken == Outcome::Bytes(1), "io_submit(2) says {}", taken.words());
    Ok(Underway { file, memory, context, commands })
}

impl Underway {
    /// The one completion.
    fn completion(&self) -> anyhow::Result<Outcome> {
        let events = self.context.events(1, PATIENCE).context("io_getevents(2)")?;
        let [event] = events.as_slice() else { anyhow::bail!("{} completions of one command", events.len()) };
        anyhow::ensure!(event.object == self.commands.address(0), "the completion of another command");
        let more = self.context.events(0, Duration::ZERO).context("io_getevents(2)")?;
        anyhow::ensure!(more.is_empty(), "a second completion of one command");
        Ok(event.outcome())
    }

    fn wrong(&self, outcome: Outcome) -> Option<String> {
        observe::wrong_byte(self.memory.content(), outcome, 0, self.memory.len() as u64)
    }
}

/// What came of it, with a beginning of its own.
fn told(stage: &mut Stage<'_>, begin: &str, fault: Option<String>) -> anyhow::Result<Observation> {
    let requests = stage.requests()?;
    Ok(Observation::new(format!("{begin}, {}", requests.words()))
        .fault_if_any(fault)
        .fault_if_any(requests.fault(stage.max_background()))
        .details(requests.lines()))
}

fn submit_and_look(stage: &mut Stage<'_>, length: usize) -> anyhow::Result<Observation> {
    let underway = begin(stage, length)?;
    let returned_ns = now_ns();
    let outcome = underway.completion()?;
    let fault = underway.wrong(outcome);
    let answered = answered_by(&stage.requests()?, returned_ns);
    told(stage, &format!("returns {answered}, completes with {}", outcome.words()), fault)
}

fn many(stage: &mut Stage<'_>, number: usize, length: usize) -> anyhow::Result<Observation> {
    let whole = number * length;
    let file = stage.file(whole as u64)?;
    let memory = Memory::new(whole)?;
    let context = Context::new(number as u32).context("io_setup(2)")?;
    let mut commands = Commands::new();
    for at in (0..whole).step_by(length) {
        commands.add(Opcode::Read, file.fd(), (&memory, at, length), at as u64);
    }
    let taken = context.submit(&mut commands);
    let mut events = context.events(number, PATIENCE).context("io_getevents(2)")?;
    events.extend(context.events(0, Duration::ZERO).context("io_getevents(2)")?);
    let good = events.iter().filter(|event| event.outcome() == Outcome::Bytes(length as u64)).count();
    let fault = each_once(&commands, &events)
        .or_else(|| observe::wrong_byte(memory.content(), Outcome::Bytes(whole as u64), 0, whole as u64));
    let taken = match taken {
        Outcome::Bytes(taken) => taken.to_string(),
        error @ Outcome::Error(_) => error.words(),
    };
    let begin = format!("returns {taken}, {} of {} complete", count(good, "read"), size(length as u64));
    told(stage, &begin, fault)
}

/// What is wrong if not each command completed once.
fn each_once(commands: &Commands, events: &[Event]) -> Option<String> {
    let mut times = vec![0; commands.len()];
    for event in events {
        match times.get_mut(event.data as usize) {
            Some(time) if event.object == commands.address(event.data as usize) => *time += 1,
            Some(_) | None => return Some("the completion of a command that was never submitted".to_owned()),
        }
    }
    let odd = times.iter().position(|time| *time != 1).map(|number| {
        format!("command {number} of {} completed {} times", times.len(), times.get(number).unwrap_or(&0))
    });
    let strange = events.iter().find(|event| event.result2 != 0);
    odd.or_else(|| strange.map(|event| format!("res2 of a completion is {}", event.result2)))
}

fn order(stage: &mut Stage<'_>) -> anyhow::Result<Observation> {
    const NUMBER: usize = 8;
    let length = 128 * KIB;
    let file = stage.file((NUMBER * length) as u64)?;
    let memory = Memory::new(NUMBER * length)?;
    let context = Context::new(NUMBER as u32).context("io_setup(2)")?;
    let mut commands = Commands::new();
    for at in (0..NUMBER * length).step_by(length) {
        commands.add(Opcode::Read, file.fd(), (&memory, at, length), at as u64);
    }
    context.submit(&mut commands);
    let events = context.events(NUMBER, PATIENCE).context("io_getevents(2)")?;
    let order: Vec<String> = events.iter().map(|event| event.data.to_string()).collect();
    let fault = each_once(&commands, &events);
    told(stage, &format!("completes them in the order {}", order.join(" ")), fault)
}

fn eventfd(stage: &mut Stage<'_>) -> anyhow::Result<Observation> {
    const NUMBER: usize = 4;
    let length = 256 * KIB;
    let file = stage.file((NUMBER * length) as u64)?;
    let memory = Memory::new(NUMBER * length)?;
    let context = Context::new(NUMBER as u32).context("io_setup(2)")?;
    let signal = rustix::event::eventfd(0, EventfdFlags::CLOEXEC).context("eventfd(2)")?;
    let mut commands = Commands::new();
    for at in (0..NUMBER * length).step_by(length) {
        commands.add(Opcode::Read, file.fd(), (&memory, at, length), at as u64);
    }
    commands.notify(signal.as_fd());
    context.submit(&mut commands);
    let mut told_of = 0;
    while told_of < NUMBER as u64 {
        let mut counter = [0; 8];
        rustix::io::read(&signal, &mut counter).context("reading the eventfd")?;
        told_of += u64::from_ne_bytes(counter);
    }
    let events = context.events(0, Duration::ZERO).context("io_getevents(2)")?;
    let begin = format!("the eventfd tells of {told_of}, {} are there", count(events.len(), "completion"));
    told(stage, &begin, each_once(&commands, &events))
}

fn cancel(stage: &mut Stage<'_>) -> anyhow::Result<Observation> {
    let underway = begin(stage, SMALL)?;
    let canceled = underway.context.cancel(&underway.commands, 0);
    let outcome = underway.completion()?;
    let fault = underway.wrong(outcome);
    told(stage, &format!("says {}, the read completes with {}", canceled.words(), outcome.words()), fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completions_that_are_missing_doubled_or_foreign_are_seen() {
        let file = tempfile::tempfile().unwrap();
        let memory = Memory::new(KIB).unwrap();
        let mut commands = Commands::new();
        for _ in 0..2 {
            commands.add(Opcode::Read, file.as_fd(), (&memory, 0, KIB), 0);
        }
        let event =
            |number| Event { data: number, object: commands.address(number as usize), ..Event::default() };
        let check = |events: &[Event], expected: Option<&str>| {
            assert_eq!(each_once(&commands, events).as_deref(), expected, "{events:?}");
        };
        check(&[event(1), event(0)], None);
        check(&[event(1)], Some("command 0 of 2 completed 0 times"));
        check(&[event(0), event(1), event(1)], Some("command 1 of 2 completed 2 times"));
        let foreign = Some("the completion of a command that was never submitted");
        check(&[event(0), event(2)], foreign);
        check(&[event(0), Event { object: 8, ..event(1) }], foreign);
        check(&[event(0), Event { result2: 7, ..event(1) }], Some("res2 of a completion is 7"));
    }

    #[test]
    fn commands_are_done_by_the_kernel() {
        let file = tempfile::tempfile().unwrap();
        rustix::io::pwrite(&file, b"text", 0).unwrap();
        let memory = Memory::new(KIB).unwrap();
        let mut commands = Commands::new();
        commands.add(Opcode::Read, file.as_fd(), (&memory, 0, KIB), 0);
        commands.add_fsync(file.as_fd());
        let context = Context::new(2).unwrap();
        assert_eq!(context.submit(&mut commands), Outcome::Bytes(2));
        let events = context.events(2, PATIENCE).unwrap();
        assert_eq!(each_once(&commands, &events), None);
        let outcome = |number| events.iter().find(|it| it.data == number).unwrap().outcome();
        assert_eq!((outcome(0), outcome(1)), (Outcome::Bytes(4), Outcome::Bytes(0)));
        assert_eq!(memory.content()[..5], *b"text\0");
        assert_eq!(context.destroy(), Outcome::Bytes(0));
    }
}
