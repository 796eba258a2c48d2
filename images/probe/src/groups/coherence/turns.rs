//! Buffered, mapped and direct access in turns, one after the other: each must see what was done before it.

use std::fs::File;
use std::os::fd::AsFd as _;
use std::os::unix::fs::FileExt as _;

use anyhow::Context as _;
use lab_protocol::{Effect, Operation};
use rustix::fs::OFlags;

use crate::fixture::Fixture;
use crate::iocb::{Commands, Opcode, one_by_aio};
use crate::memory::Memory;
use crate::observe::{self, Range};
use crate::outcome::{Outcome, count, size};
use crate::probe::{Observation, Probe};
use crate::stage::{Stage, TestFile};
use crate::stored::{NEW, OLD};
use crate::trials::{self, Call};
use crate::view::{Mapped, View};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
/// What is read or written: three requests, and a bit of a fourth.
const RANGE: Range = Range { offset: 64 * KIB, length: 400 * KIB };
/// The file.
const FILE: u64 = MIB;
/// How long WRITEs take, microseconds: who does not wait for them is faster.
const SLOW_US: u64 = 3_000;

pub(super) fn probes() -> Vec<Probe> {
    let mut probes = dirty();
    probes.extend(written());
    probes.extend(appended());
    probes
}

/// What makes pages dirty.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dirt {
    Write,
    Store,
}

/// Dirty pages, and then a direct transfer.
fn dirty() -> Vec<Probe> {
    let why = "a direct read gets what is in the page cache and not yet at the server";
    let read = |name: &str, what: &str, dirt, call| {
        Probe::new(name, format!("direct {what}"), why, move |stage| read_dirty(stage, dirt, call))
    };
    let why = "what a program stored before a direct write must not come back over it";
    let write = |name: &str, what: &str, call| {
        Probe::new(name, format!("direct {what}"), why, move |stage| write_dirty(stage, call))
    };
    vec![
        read("written-then-read", "read after a buffered write", Dirt::Write, Call::Sync),
        read("written-back-then-read", "read of what is written back later", Dirt::Write, Call::Sync)
            .on(Fixture::WritebackCache),
        read("written-back-then-aio-read", "AIO read of what is written back later", Dirt::Write, Call::Aio)
            .on(Fixture::WritebackCache),
        read("stored-then-read", "read after stores to a mapping", Dirt::Store, Call::Sync).quick(),
        read("stored-then-aio-read", "AIO read after stores to a mapping", Dirt::Store, Call::Aio),
        write("stored-then-written", "write after stores to a mapping", Call::Sync),
        write("stored-then-aio-written", "AIO write after stores to a mapping", Call::Aio),
    ]
}

/// Makes pages of a range dirty, with new data.
fn make_dirty(file: &TestFile, dirt: Dirt) -> anyhow::Result<Option<Mapped>> {
    let other = file.open_again(OFlags::RDWR)?;
    let memory = observe::new_data(RANGE)?;
    let content = memory.content().get(..RANGE.length as usize).context("there is too little memory")?;
    match dirt {
        Dirt::Write => other.write_all_at(content, RANGE.offset)?,
        Dirt::Store => {
            let mapped = Mapped::new(&other, FILE as usize)?;
            mapped.store(content, RANGE.offset);
            return Ok(Some(mapped));
        }
    }
    Ok(None)
}

fn read_dirty(stage: &mut Stage<'_>, dirt: Dirt, call: Call) -> anyhow::Result<Observation> {
    stage.mounted.behave(&trials::behaviour(&[(None, Effect::Delay { us: SLOW_US })])?)?;
    let file = stage.file(FILE)?;
    let mapped = make_dirty(&file, dirt)?;
    let memory = Memory::new(RANGE.length as usize)?;
    let outcome = call.read(&file, &memory, RANGE.length, RANGE.offset)?;
    drop(mapped);
    let got = memory.content().get(..outcome.bytes() as usize).unwrap_or_default();
    let seen = which(got, RANGE.offset);
    let writes = trials::written_back(stage.requests()?);
    Ok(Observation::new(format!("returns {} of {seen}, {writes}", outcome.words())))
}

/// Stores old data with a mark, and writes new data over it.
fn write_dirty(stage: &mut Stage<'_>, call: Call) -> anyhow::Result<Observation> {
    stage.mounted.behave(&trials::behaviour(&[(None, Effect::Delay { us: SLOW_US })])?)?;
    let file = stage.file(FILE)?;
    let mapped = Mapped::new(&file.open_again(OFlags::RDWR)?, FILE as usize)?;
    mapped.store(&vec![0x5a; RANGE.length as usize], RANGE.offset);
    let memory = observe::new_data(RANGE)?;
    let outcome = call.write(&file, &memory, RANGE.length, RANGE.offset)?;
    let loaded = View::Mapped(mapped).look(RANGE.offset, RANGE.length as usize)?;
    file.file.sync_all().context("fsync(2)")?;
    let requests = stage.requests()?;
    let stored = file.stored(RANGE.offset, RANGE.length)?;
    let observed = format!(
        "returns {}, a load gives {}, {} after fsync",
        outcome.words(),
        which(&loaded, RANGE.offset),
        stored.words(RANGE.offset, RANGE.length),
    );
    let fault = stored.fault().or_else(|| requests.fault(stage.max_background()));
    Ok(Observation::new(observed).fault_if_any(fault).details(requests.lines()))
}

/// A direct write of cached pages with nobody beside it, and everybody after it.
fn written() -> Vec<Probe> {
    let why = "pages that were cached before a write are gone after it, or new";
    let probe = |name: &str, what: &str, call| {
        let title = format!("{what} of pages that are cached and mapped, and fsync");
        Probe::new(name, title, why, move |stage| write_cached(stage, call))
    };
    vec![
        probe("cached-then-written", "direct write", Call::Sync),
        probe("cached-then-aio-written", "AIO direct write", Call::Aio),
    ]
}

fn write_cached(stage: &mut Stage<'_>, call: Call) -> anyhow::Result<Observation> {
    let file = stage.file(FILE)?;
    let other = file.open_again(OFlags::RDWR)?;
    let views = [View::Mapped(Mapped::new(&other, FILE as usize)?), View::Buffered(other)];
    let length = RANGE.length as usize;
    let look = || -> anyhow::Result<String> {
        let mut seen = Vec::new();
        for view in &views {
            seen.push(which(&view.look(RANGE.offset, length)?, RANGE.offset));
        }
        seen.dedup();
        Ok(seen.join(" and "))
    };
    let before = look()?;
    let memory = observe::new_data(RANGE)?;
    let outcome = call.write(&file, &memory, RANGE.length, RANGE.offset)?;
    let after = look()?;
    file.file.sync_all().context("fsync(2)")?;
    let requests = stage.requests()?;
    let stored = file.stored(RANGE.offset, RANGE.length)?;
    let observed = format!(
        "{before} before, returns {}, {after} after, {}, {}",
        outcome.words(),
        trials::writes(std::slice::from_ref(&requests)),
        count(requests.count(Operation::Fsync), "FSYNC"),
    );
    let fault = stored.fault().or_else(|| requests.fault(stage.max_background()));
    Ok(Observation::new(observed).fault_if_any(fault).details(requests.lines()))
}

fn appended() -> Vec<Probe> {
    let why = "each append goes to where the one before it ended, whatever way that went";
    vec![
        Probe::new("append-in-turns", "appends in turns: buffered, direct and AIO, twice", why, append),
        Probe::new("append-in-turns-written-back", "appends in turns with a writeback cache", why, append)
            .on(Fixture::WritebackCache),
    ]
}

fn append(stage: &mut Stage<'_>) -> anyhow::Result<Observation> {
    const PIECE: u64 = 192 * KIB;
    const BEGIN: u64 = 256 * KIB;
    const TURNS: u64 = 6;
    let file = stage.file(BEGIN)?;
    let append = OFlags::WRONLY | OFlags::APPEND;
    let (buffered, direct) = (file.open_again(append)?, file.open_again(append | OFlags::DIRECT)?);
    let mut whole = 0;
    for turn in 0..TURNS {
        let memory = observe::new_data(Range::new(BEGIN + turn * PIECE, PIECE))?;
        let outcome = match turn % 3 {
            0 => write_once(&buffered, &memory, PIECE as usize),
            1 => write_once(&direct, &memory, PIECE as usize),
            _ => {
                let mut commands = Commands::new();
                commands.add(Opcode::Write, direct.as_fd(), (&memory, 0, PIECE as usize), 0);
                one_by_aio(&mut commands)?
            }
        };
        whole += usize::from(outcome == Outcome::Bytes(PIECE));
    }
    buffered.sync_all().context("fsync(2)")?;
    let requests = stage.requests()?;
    let end = BEGIN + TURNS * PIECE;
    let reader = file.open_again(OFlags::RDONLY)?;
    let read = View::Buffered(reader).look(BEGIN, (end - BEGIN) as usize)?;
    let stored = file.stored(BEGIN, end - BEGIN)?;
    let observed = format!(
        "{whole} of {TURNS} whole, {} in the file of {}, read as {}",
        stored.words(BEGIN, end - BEGIN),
        size(file.stored_size()?),
        which(&read, BEGIN),
    );
    let fault = stored.fault().or(file.size_fault()?).or_else(|| requests.fault(stage.max_background()));
    Ok(Observation::new(observed).fault_if_any(fault).details(requests.lines()))
}

fn write_once(mut file: &File, memory: &Memory, length: usize) -> Outcome {
    let content = memory.content().get(..length).unwrap_or_default();
    Outcome::from_result(std::io::Write::write(&mut file, content).map(|bytes| bytes as u64))
}

/// `new data`, `old data`, or `old and new data`.
fn which(content: &[u8], offset: u64) -> &'static str {
    let new = NEW.first_difference(content, offset).is_none();
    match (new, OLD.first_difference(content, offset).is_none()) {
        (true, _) => "new data",
        (_, true) => "old data",
        (false, false) => "other data",
    }
}
