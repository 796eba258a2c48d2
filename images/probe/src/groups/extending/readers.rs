//! Readers that go on all the time, fstat(2) and lseek(2), beside a write past the end.

use std::fs::{self, File};
use std::os::fd::AsFd as _;
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use lab_protocol::Effect;
use rustix::fs::{OFlags, SeekFrom, seek};

use super::{Begin, CHUNK, Case, ENOSPC, GROWTHS, Growth, KIB, OTHERS, counted, right_size};
use crate::clock;
use crate::fixture::Fixture;
use crate::observe;
use crate::outcome::Outcome;
use crate::probe::{Observation, Probe};
use crate::requests::Requests;
use crate::stage::Stage;
use crate::trials::{self, Call};

/// How many bytes before and behind the old end a reader asks for.
const AROUND: u64 = 4 * KIB;
/// How long it waits before it does so again.
const PAUSE: Duration = Duration::from_micros(150);

/// What came of one write.
struct Grown {
    outcome: Outcome,
    /// A reader got bytes behind the end that the file has after the write.
    read_past: bool,
    /// fstat(2) told of a size behind it.
    fstat_past: bool,
    /// lseek(2) to the end, which began while the write was under way, gave the end after it.
    seek_right: bool,
    /// The file ends where it should.
    size_right: bool,
    /// Some page of the file is read back with other data than the server has.
    stale: bool,
    fault: Option<String>,
    requests: Requests,
}

pub(super) fn probes() -> Vec<Probe> {
    let why = "the tail of a write that fails is taken back, and attributes that arrive before must not show it to readers";
    let probe = |name: &str, call, begin, fails| {
        let case = Case { call, begin, fails };
        let title = format!("{}, beside readers", case.title());
        Probe::new(format!("growing-{name}"), title, why, move |stage| all(stage, case))
            .on(Fixture::FreshAttributes)
    };
    let inside = Begin::Before(40);
    vec![
        probe("write", Call::Sync, Begin::AtEnd, None),
        probe("write-eio", Call::Sync, Begin::AtEnd, Some(Effect::Eio)),
        probe("write-enospc", Call::Sync, Begin::AtEnd, Some(ENOSPC)),
        probe("over-end", Call::Sync, inside, None),
        probe("over-end-eio", Call::Sync, inside, Some(Effect::Eio)),
        probe("aio", Call::Aio, Begin::AtEnd, None),
        probe("aio-eio", Call::Aio, Begin::AtEnd, Some(Effect::Eio)),
        probe("aio-over-end-eio", Call::Aio, inside, Some(Effect::Eio)),
    ]
}

fn all(stage: &mut Stage<'_>, case: Case) -> anyhow::Result<Observation> {
    let grown = GROWTHS.iter().map(|growth| grow(stage, case, growth));
    let grown: Vec<Grown> = grown.collect::<anyhow::Result<_>>()?;
    let outcomes: Vec<Outcome> = grown.iter().map(|grown| grown.outcome).collect();
    let requests: Vec<Requests> = grown.iter().map(|grown| grown.requests.clone()).collect();
    let number = |what: &str, is_so: fn(&Grown) -> bool| counted(what, grown.iter().map(is_so));
    let parts = [
        super::calls(&outcomes, case),
        number("tail read", |grown| grown.read_past),
        number("told by fstat", |grown| grown.fstat_past),
        number("SEEK_END right", |grown| grown.seek_right),
        number("size right", |grown| grown.size_right),
        number("stale", |grown| grown.stale),
        super::server(&requests, None),
    ];
    let most = stage.max_background();
    let faults = grown.iter().map(|grown| grown.fault.clone().or_else(|| grown.requests.fault(most)));
    let details = grown.iter().flat_map(|grown| grown.requests.lines());
    Ok(trials::observation(parts.join(", ")).fault_if_any(faults.flatten().next()).details(details))
}

fn grow(stage: &mut Stage<'_>, case: Case, growth: &Growth) -> anyhow::Result<Grown> {
    let (range, old) = (case.range(growth), growth.old_kib * KIB);
    stage.mounted.behave(&case.behaviour(growth)?)?;
    let file = stage.file(old)?;
    let (reader, seeker) = (file.open_again(OFlags::RDONLY)?, file.open_again(OFlags::RDONLY)?);
    let memory = observe::new_data(range)?;
    let (begin, ended) = (Instant::now(), AtomicBool::new(false));
    let (outcome, watched, sought) = std::thread::scope(|scope| {
        let watching = scope.spawn(|| watch(&reader, old, &ended));
        let seeking = scope.spawn(|| {
            clock::sleep_until_after(begin, OTHERS);
            seek(seeker.as_fd(), SeekFrom::End(0))
        });
        let outcome = case.call.write(&file, &memory, range.length, range.offset);
        ended.store(true, Relaxed);
        let panicked = |_| anyhow::anyhow!("a thread ended in a panic");
        let (watched, sought) = (watching.join().map_err(panicked)?, seeking.join().map_err(panicked)?);
        anyhow::Ok((outcome?, watched?, sought.context("lseek(2)")?))
    })?;
    let right = right_size(growth, range, outcome);
    let stored_size = file.stored_size()?;
    let size_fault = file.size_fault()?;
    let requests = stage.requests()?;
    let stored = file.stored(range.offset, range.length)?;
    let lost = (outcome.bytes() > 0).then(|| not_stored(&stored.new, range, outcome)).flatten();
    Ok(Grown {
        outcome,
        read_past: watched.read_end > right,
        fstat_past: watched.fstat_end > right,
        seek_right: sought == stored_size,
        size_right: stored_size == right,
        stale: is_stale(stage, &file.path, &reader)?,
        fault: watched.fault.or_else(|| stored.fault()).or(lost).or(size_fault),
        requests,
    })
}

fn not_stored(new: &[(u64, u64)], range: observe::Range, outcome: Outcome) -> Option<String> {
    let end = range.offset + outcome.bytes();
    let is_stored = new.iter().any(|(from, to)| *from <= range.offset && *to >= end);
    (!is_stored).then(|| format!("{} bytes were reported as written and are not all stored", outcome.bytes()))
}

/// How far a reader saw the file reach.
struct Watched {
    read_end: u64,
    fstat_end: u64,
    fault: Option<String>,
}

/// Reads around the old end, and asks for the size, until the write has ended.
fn watch(reader: &File, old: u64, ended: &AtomicBool) -> anyhow::Result<Watched> {
    let mut watched = Watched { read_end: 0, fstat_end: 0, fault: None };
    let mut content = vec![0; 2 * AROUND as usize];
    while !ended.load(Relaxed) {
        let bytes = reader.read_at(&mut content, old - AROUND).context("reading around the old end")?;
        let size = rustix::fs::fstat(reader).context("fstat(2)")?.st_size as u64;
        // A read or an fstat(2) that ended after the write may have seen what came of it.
        if ended.load(Relaxed) {
            break;
        }
        if (bytes as u64) < AROUND {
            watched.fault.get_or_insert(format!("a reader got {bytes} bytes, the file had {AROUND} there"));
        }
        watched.read_end = watched.read_end.max(old - AROUND + bytes as u64);
        watched.fstat_end = watched.fstat_end.max(size);
        clock::pause(PAUSE);
    }
    Ok(watched)
}

/// Whether read(2) shows something else than the server has.
fn is_stale(stage: &Stage<'_>, path: &std::path::Path, reader: &File) -> anyhow::Result<bool> {
    let name = path.file_name().context("the file has no name")?;
    let stored = fs::read(stage.storage().join(name)).context("reading the storage")?;
    let mut seen = vec![0; stored.len() + CHUNK as usize];
    let mut bytes = 0;
    loop {
        let rest = seen.get_mut(bytes..).unwrap_or_default();
        match reader.read_at(rest, bytes as u64).context("reading the file")? {
            0 => break,
            more => bytes += more,
        }
    }
    Ok(seen.get(..bytes) != Some(stored.as_slice()))
}
