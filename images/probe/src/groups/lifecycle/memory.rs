//! What may happen to the memory of a command: taken away, shared, odd.

use std::time::Duration;

use anyhow::Context as _;

use super::{MIB, SMALL, Underway, begin, each_once, told};
use crate::apart;
use crate::clock;
use crate::iocb::{Commands, Context, Event, Opcode, PATIENCE, one_by_aio};
use crate::memory::{Memory, PAGE};
use crate::observe::{self, Range};
use crate::outcome::Outcome;
use crate::probe::{Observation, Probe};
use crate::stage::Stage;
use crate::stored::{NEW, OLD};

pub(super) fn probes() -> Vec<Probe> {
    vec![
        Probe::new(
            "aio-munmap",
            "munmap of the memory with a read of 1 MiB under way",
            "the pages stay until the answers are in them",
            munmap,
        ),
        Probe::new(
            "aio-fork-child-writes",
            "a child writes to the memory of a read of 1 MiB under way",
            "after fork(2) pages are shared until one of the two writes; the data belongs to the parent",
            |stage| fork(stage, Writer::Child),
        ),
        Probe::new(
            "aio-fork-parent-writes",
            "a parent that has forked writes beside the memory of a read of 1 MiB under way",
            "the write must not leave the pages to the child, or the data is lost",
            |stage| fork(stage, Writer::Parent),
        ),
        Probe::new(
            "aio-preadv-odd",
            "AIO read of 1 MiB into 40 odd pieces of memory",
            "requests end and begin within pages, and pages occur in two requests",
            |stage| pieces(stage, Opcode::ReadPieces),
        ),
        Probe::new(
            "aio-pwritev-odd",
            "AIO write of 1 MiB from 40 odd pieces of memory",
            "the same, for writes",
            |stage| pieces(stage, Opcode::WritePieces),
        ),
    ]
}

fn munmap(stage: &mut Stage<'_>) -> anyhow::Result<Observation> {
    let Underway { file: _file, memory, context, commands } = begin(stage, SMALL)?;
    drop(memory);
    let events = context.events(1, PATIENCE).context("io_getevents(2)")?;
    let outcome = events.first().map_or(Outcome::Error(0), Event::outcome);
    told(stage, &format!("completes with {}", outcome.words()), each_once(&commands, &events))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writer {
    Parent,
    Child,
}

/// The memory begins within a page, so that the parent has something beside it.
fn fork(stage: &mut Stage<'_>, writer: Writer) -> anyhow::Result<Observation> {
    const BESIDE: usize = 512;
    let file = stage.file(SMALL as u64)?;
    let memory = Memory::new(SMALL + PAGE)?;
    let context = Context::new(8).context("io_setup(2)")?;
    let mut commands = Commands::new();
    commands.add(Opcode::Read, file.fd(), (&memory, BESIDE, SMALL), 0);
    context.submit(&mut commands);
    let copy = apart::start(|| {
        if writer == Writer::Child {
            for at in (0..SMALL).step_by(PAGE) {
                // SAFETY: within the mapping, which is this process's own since fork(2).
                unsafe { memory.at(at).write_volatile(1) };
            }
        }
        // The pages are shared for as long as the read takes.
        clock::pause(Duration::from_millis(5));
        String::new()
    })?;
    if writer == Writer::Parent {
        // SAFETY: within the mapping, and no byte that the read is about.
        unsafe { memory.at(0).write_volatile(1) };
    }
    let events = context.events(1, PATIENCE).context("io_getevents(2)")?;
    copy.end()?;
    let outcome = events.first().map_or(Outcome::Error(0), Event::outcome);
    let content = memory.content().get(BESIDE..BESIDE + SMALL).unwrap_or_default();
    let data = match OLD.first_difference(content, 0) {
        None => "the data is there".to_owned(),
        Some(at) => format!("the data is not there from byte {at} on"),
    };
    let begin = format!("completes with {}, {data}", outcome.words());
    told(stage, &begin, each_once(&commands, &events))
}

/// Pieces that begin and end anywhere in a page, 1 MiB together.
fn odd_pieces() -> Vec<(usize, usize)> {
    const NUMBER: usize = 40;
    let mut pieces = Vec::new();
    let (mut at, mut left) = (3, SMALL);
    for number in 1..NUMBER {
        let length = (1 + number * 7919 % 50_000).min(left);
        pieces.push((at, length));
        // Some follow each other in memory, some do not.
        at += length + number % 3 * 777;
        left -= length;
    }
    pieces.push((at, left));
    pieces
}

fn pieces(stage: &mut Stage<'_>, opcode: Opcode) -> anyhow::Result<Observation> {
    let pieces = odd_pieces();
    let bytes = pieces.last().map_or(0, |(at, length)| at + length);
    let file = stage.file(2 * MIB)?;
    let mut memory = Memory::new(bytes)?;
    let range = Range::new(0, SMALL as u64);
    let mut commands = Commands::new();
    if opcode == Opcode::WritePieces {
        let mut offset = 0;
        for (at, length) in &pieces {
            let piece =
                memory.content_mut().get_mut(*at..at + length).context("a piece beyond the memory")?;
            NEW.fill(piece, offset);
            offset += *length as u64;
        }
    }
    commands.add_pieces(opcode, file.fd(), &memory, &pieces, 0);
    let outcome = one_by_aio(&mut commands)?;
    if opcode == Opcode::WritePieces {
        return observe::after_write(stage, &file, 2 * MIB, range, outcome);
    }
    let mut read = Vec::new();
    for (at, length) in &pieces {
        read.extend(memory.content().get(*at..at + length).context("a piece beyond the memory")?);
    }
    let fault = observe::wrong_byte(&read, outcome, 0, 2 * MIB);
    observe::after_read(stage, outcome, fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_pieces_are_a_mebibyte_and_lie_apart() {
        let pieces = odd_pieces();
        assert_eq!(pieces.iter().map(|(_, length)| length).sum::<usize>(), SMALL);
        assert_eq!(pieces.len(), 40);
        assert!(pieces.iter().all(|(_, length)| *length > 0), "{pieces:?}");
        assert!(pieces.windows(2).all(|two| two[0].0 + two[0].1 <= two[1].0), "{pieces:?}");
        // Some in one piece with the one before, some not; begins anywhere in a page.
        assert!(pieces.windows(2).any(|two| two[0].0 + two[0].1 == two[1].0));
        assert!(pieces.iter().filter(|(at, _)| at % 512 != 0).count() > 30);
    }
}
