//! What may end while a command is under way: its context, its process, its file's descriptor, its being direct.

use std::time::Duration;

use anyhow::Context as _;
use lab_protocol::Operation;
use rustix::fs::OFlags;

use super::{SMALL, Underway, answered_by, begin, each_once, now_ns, one, told};
use crate::apart;
use crate::clock;
use crate::iocb::{Context, Event, Opcode, PATIENCE};
use crate::memory::Memory;
use crate::observe;
use crate::outcome::Outcome;
use crate::probe::{Observation, Probe};
use crate::requests::Requests;
use crate::stage::{Stage, TestFile};

pub(super) fn probes() -> Vec<Probe> {
    vec![
        Probe::new(
            "aio-destroy",
            "io_destroy with a read of 1 MiB under way",
            "the context waits for its commands: afterwards nobody writes to the memory any more",
            destroy,
        )
        .quick(),
        Probe::new(
            "aio-exit",
            "exit of a process with a read of 1 MiB under way",
            "pages and requests outlive their process, and have to go when the last answer has come",
            exit,
        )
        .quick(),
        Probe::new(
            "aio-close",
            "close of the file with a read of 1 MiB under way",
            "the command holds the file: RELEASE comes behind its last answer",
            close,
        ),
        Probe::new(
            "aio-without-o-direct",
            "O_DIRECT is taken away with a read of 1 MiB under way",
            "what has begun as direct I/O ends as such",
            without_o_direct,
        ),
    ]
}

fn destroy(stage: &mut Stage<'_>) -> anyhow::Result<Observation> {
    let Underway { file, memory, context, commands } = begin(stage, SMALL)?;
    let destroyed = context.destroy();
    let returned_ns = now_ns();
    let whole = Outcome::Bytes(SMALL as u64);
    let fault = observe::wrong_byte(memory.content(), whole, 0, SMALL as u64)
        .map(|_| "io_destroy(2) returned before the data was there".to_owned());
    drop((file, commands));
    let answered = answered_by(&stage.requests()?, returned_ns);
    told(stage, &format!("says {}, {answered}", destroyed.words()), fault)
}

fn exit(stage: &mut Stage<'_>) -> anyhow::Result<Observation> {
    let file = stage.file(SMALL as u64)?;
    let copy = apart::start(|| {
        let submit = || -> anyhow::Result<Outcome> {
            let memory = Memory::new(SMALL)?;
            let context = Context::new(8)?;
            let taken = context.submit(&mut one(Opcode::Read, &file, &memory, SMALL, 0));
            // Nobody waits: the process ends with the read under way.
            std::mem::forget((memory, context));
            Ok(taken)
        };
        submit().map_or_else(|error| format!("{error:#}"), |taken| taken.bytes().to_string())
    })?;
    let taken = copy.end()?;
    let ended_ns = now_ns();
    let answered = answered_by(&stage.requests()?, ended_ns);
    told(stage, &format!("io_submit takes {taken}, the process is gone {answered}"), None)
}

fn close(stage: &mut Stage<'_>) -> anyhow::Result<Observation> {
    let Underway { file, memory, context, commands } = begin(stage, SMALL)?;
    let TestFile { file, .. } = file;
    drop(file);
    let events = context.events(1, PATIENCE).context("io_getevents(2)")?;
    let outcome = events.first().map_or(Outcome::Error(0), Event::outcome);
    let fault = each_once(&commands, &events)
        .or_else(|| observe::wrong_byte(memory.content(), outcome, 0, SMALL as u64));
    // RELEASE is sent when nobody waits for it.
    let requests = await_release(stage)?;
    let last = requests.data().map(|record| record.answer_ns).max().unwrap_or(0);
    let released = match requests.of(Operation::Release).next() {
        Some(release) if release.arrival_ns >= last => "RELEASE behind the last answer",
        Some(_) => "RELEASE before the last answer",
        None => "no RELEASE",
    };
    told(stage, &format!("completes with {}, {released}", outcome.words()), fault)
}

fn await_release(stage: &mut Stage<'_>) -> anyhow::Result<Requests> {
    for _ in 0..100 {
        let requests = stage.requests()?;
        if requests.count(Operation::Release) > 0 {
            return Ok(requests);
        }
        clock::pause(Duration::from_millis(1));
    }
    stage.requests()
}

fn without_o_direct(stage: &mut Stage<'_>) -> anyhow::Result<Observation> {
    let underway = begin(stage, SMALL)?;
    let flags = rustix::fs::fcntl_getfl(&underway.file.file).context("F_GETFL")?;
    rustix::fs::fcntl_setfl(&underway.file.file, flags - OFlags::DIRECT).context("F_SETFL")?;
    let outcome = underway.completion()?;
    let fault = underway.wrong(outcome);
    told(stage, &format!("completes with {}", outcome.words()), fault)
}
