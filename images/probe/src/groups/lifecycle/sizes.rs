//! Commands that change or ask for the size of a file, and that sync it.

use std::fs::File;
use std::os::fd::AsFd as _;

use anyhow::Context as _;
use rustix::fs::OFlags;

use super::{KIB, MIB, answered_by, each_once, now_ns, one, told};
use crate::iocb::{Commands, Context, Event, Opcode, PATIENCE, one_by_aio};
use crate::observe::{self, Range};
use crate::outcome::{Outcome, size};
use crate::probe::{Observation, Probe};
use crate::stage::Stage;

pub(super) fn probes() -> Vec<Probe> {
    vec![
        Probe::new(
            "aio-extend-fstat",
            "AIO write of 2 MiB at the end, and fstat at its completion",
            "whoever sees the completion sees the new size",
            extend,
        )
        .quick(),
        Probe::new(
            "aio-append",
            "io_submit of 4 writes of 256 KiB with O_APPEND",
            "each appends behind the one before, so that they can only go one after the other",
            append,
        ),
        Probe::new("aio-fsync", "IOCB_CMD_FSYNC", "completes once, with 0, after one FSYNC", fsync),
    ]
}

fn extend(stage: &mut Stage<'_>) -> anyhow::Result<Observation> {
    let file = stage.file(MIB)?;
    let range = Range::new(MIB, 2 * MIB);
    let memory = observe::new_data(range)?;
    let mut commands = one(Opcode::Write, &file, &memory, range.length as usize, range.offset);
    let context = Context::new(8).context("io_setup(2)")?;
    context.submit(&mut commands);
    let submitted_ns = now_ns();
    let events = context.events(1, PATIENCE).context("io_getevents(2)")?;
    let seen = rustix::fs::fstat(&file.file).context("fstat(2)")?.st_size as u64;
    let outcome = events.first().map_or(Outcome::Error(0), Event::outcome);
    let answered = answered_by(&stage.requests()?, submitted_ns);
    let begin = format!(
        "io_submit returns {answered}, completes with {}, fstat gives {}",
        outcome.words(),
        size(seen)
    );
    let expected = MIB + outcome.bytes();
    let wrong =
        (seen != expected).then(|| format!("fstat(2) at the completion gives {seen}, not {expected}"));
    told(stage, &begin, each_once(&commands, &events).or(wrong))
}

fn append(stage: &mut Stage<'_>) -> anyhow::Result<Observation> {
    const NUMBER: usize = 4;
    let length = 256 * KIB;
    let plain = stage.file(MIB)?;
    let file: File = plain.open_again(OFlags::WRONLY | OFlags::APPEND | OFlags::DIRECT)?;
    stage.mounted.forget_requests()?;
    let range = Range::new(MIB, (NUMBER * length) as u64);
    let memory = observe::new_data(range)?;
    let context = Context::new(NUMBER as u32).context("io_setup(2)")?;
    let mut commands = Commands::new();
    for at in (0..NUMBER * length).step_by(length) {
        commands.add(Opcode::Write, file.as_fd(), (&memory, at, length), 0);
    }
    context.submit(&mut commands);
    let events = context.events(NUMBER, PATIENCE).context("io_getevents(2)")?;
    let bytes = events.iter().map(|event| event.outcome().bytes()).sum();
    let fault = each_once(&commands, &events);
    let seen = observe::after_write(stage, &plain, MIB, range, Outcome::Bytes(bytes))?;
    Ok(seen.fault_if_any(fault))
}

fn fsync(stage: &mut Stage<'_>) -> anyhow::Result<Observation> {
    let file = stage.file(MIB)?;
    let mut commands = Commands::new();
    commands.add_fsync(file.fd());
    let outcome = one_by_aio(&mut commands)?;
    told(stage, &format!("completes with {}", outcome.words()), None)
}
