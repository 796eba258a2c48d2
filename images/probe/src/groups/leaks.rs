//! The same thing hundreds or thousands of times: what is left behind each time adds up.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use lab_protocol::{Effect, FaultOperation, NOT_PROBED, Times};

use crate::apart;
use crate::fixture::Fixture;
use crate::iocb::{Commands, Context, Opcode, PATIENCE};
use crate::memory::Memory;
use crate::observe::{self, Range};
use crate::outcome::Outcome;
use crate::probe::{Observation, Probe, fault_at};
use crate::stage::{Stage, TestFile};
use crate::vmstat::Counters;

const TIMES: usize = 200;

/// How often what is too small to be seen after so many is left behind: the smallest object that a read or write has, 96
/// bytes, comes to 192 pages then.
const MANY_TIMES: usize = 8192;
/// One request, and one page.
const SMALL_LENGTH: usize = 4096;
/// So many AIO commands are one round.
const COMMANDS: usize = 128;

/// Four requests, 128 pages.
const LENGTH: usize = 512 << 10;

/// What may be used for other things meanwhile, pages: one in each round is more.
const SLACK: i64 = 150;

/// What is gone is looked for so many times before it is called lost: what leaks does so each time, and what the kernel takes
/// for itself now and then, such as room for the notes of a debug kernel, it takes once.
const CONFIRMED: usize = 3;

/// The probes of this group.
pub(super) fn probes() -> Vec<Probe> {
    let eio = fault_at(FaultOperation::DATA, 256, Times::Always, Effect::Eio);
    let short = fault_at(FaultOperation::DATA, 256, Times::Always, Effect::Short { bytes: 1000 });
    let leak = |name: &str, title: &str, why: &str, round: Round| {
        Probe::new(name, title, why, move |stage| repeat(stage, round, TIMES)).latency_us(20).limit_s(60)
    };
    let small = |name: &str, title: &str, why: &str, round: Round, in_a_round: usize| {
        let times = MANY_TIMES / in_a_round;
        Probe::new(name, title, why, move |stage| repeat_small(stage, round, times)).limit_s(120)
    };
    vec![
        leak("leak-read", "200 reads of 512 KiB", "each request and each page is let go of once", read),
        leak(
            "leak-aio-read",
            "200 AIO reads of 512 KiB",
            "the last answer, and nobody else, lets go of the command",
            aio_read,
        ),
        leak(
            "leak-aio-read-eio",
            "200 AIO reads of 512 KiB with EIO in chunk 2",
            "the way of an error lets go of the same things",
            aio_read,
        )
        .fault(eio.clone()),
        leak(
            "leak-aio-read-short",
            "200 AIO reads of 512 KiB with 1000 bytes in chunk 2",
            "pages that are not filled are let go of as well",
            aio_read,
        )
        .fault(short),
        leak("leak-aio-write", "200 AIO writes of 512 KiB", "the same, for writes", aio_write),
        leak(
            "leak-aio-write-eio",
            "200 AIO writes of 512 KiB with EIO in chunk 2",
            "the same, for writes that fail",
            aio_write,
        )
        .fault(eio),
        leak(
            "leak-aio-destroy",
            "200 contexts that are destroyed with a read of 512 KiB under way",
            "a command that nobody waits for is let go of",
            aio_destroy,
        ),
        leak(
            "leak-aio-exit",
            "200 processes that exit with a read of 512 KiB under way",
            "pages of a process that is gone are let go of",
            aio_exit,
        ),
        leak(
            "leak-aio-fault",
            "200 AIO reads of 512 KiB into memory with a page missing in the middle",
            "what was prepared when the fault was met is let go of",
            aio_missing_page,
        ),
        small("leak-object-read", "8192 reads of 4 KiB", "what describes a read is let go of", small_read, 1),
        small("leak-object-write", "8192 writes of 4 KiB", "the same, for a write", small_write, 1),
        small(
            "leak-object-aio-read",
            "8192 AIO reads of 4 KiB",
            "the same, for an AIO read",
            small_aio_read,
            COMMANDS,
        ),
        small(
            "leak-object-aio-write",
            "8192 AIO writes of 4 KiB",
            "the same, for an AIO write",
            small_aio_write,
            COMMANDS,
        ),
        small(
            "leak-object-direct-io-read",
            "8192 reads of 4 KiB of a file with FOPEN_DIRECT_IO",
            "the same, where a request is sent and waited for",
            small_read,
            1,
        )
        .on(Fixture::DirectIo),
        small(
            "leak-object-direct-io-write",
            "8192 writes of 4 KiB of a file with FOPEN_DIRECT_IO",
            "the same, for a write",
            small_write,
            1,
        )
        .on(Fixture::DirectIo),
    ]
}

/// One time.
type Round = fn(&TestFile) -> anyhow::Result<Outcome>;

fn read(file: &TestFile) -> anyhow::Result<Outcome> {
    Ok(file.read(&Memory::new(LENGTH)?, 0, LENGTH, 0))
}

fn aio_read(file: &TestFile) -> anyhow::Result<Outcome> {
    aio(file, Opcode::Read, &Memory::new(LENGTH)?)
}

fn aio_write(file: &TestFile) -> anyhow::Result<Outcome> {
    aio(file, Opcode::Write, &observe::new_data(Range::new(0, LENGTH as u64))?)
}

fn small_read(file: &TestFile) -> anyhow::Result<Outcome> {
    Ok(file.read(&Memory::new(SMALL_LENGTH)?, 0, SMALL_LENGTH, 0))
}

fn small_write(file: &TestFile) -> anyhow::Result<Outcome> {
    Ok(file.write(&Memory::new(SMALL_LENGTH)?, 0, SMALL_LENGTH, 0))
}

fn small_aio_read(file: &TestFile) -> anyhow::Result<Outcome> {
    several_by_aio(file, Opcode::Read)
}

fn small_aio_write(file: &TestFile) -> anyhow::Result<Outcome> {
    several_by_aio(file, Opcode::Write)
}

/// As many commands as a context holds: to end one takes the kernel many milliseconds.
fn several_by_aio(file: &TestFile, opcode: Opcode) -> anyhow::Result<Outcome> {
    let memory = Memory::new(SMALL_LENGTH)?;
    let context = Context::new(COMMANDS as u32).context("io_setup(2)")?;
    let mut commands = Commands::new();
    for _ in 0..COMMANDS {
        commands.add(opcode, file.fd(), (&memory, 0, SMALL_LENGTH), 0);
    }
    let taken = context.submit(&mut commands);
    anyhow::ensure!(taken == Outcome::Bytes(COMMANDS as u64), "io_submit(2) {}", taken.words());
    let events = context.events(COMMANDS, PATIENCE).context("io_getevents(2)")?;
    let first = events.first().context("no completion")?.outcome();
    let same = events.len() == COMMANDS && events.iter().all(|event| event.outcome() == first);
    anyhow::ensure!(same, "{} completions, and not all {}", events.len(), first.words());
    Ok(first)
}

fn aio_missing_page(file: &TestFile) -> anyhow::Result<Outcome> {
    let memory = Memory::new(LENGTH)?;
    memory.remove_page(75);
    aio(file, Opcode::Read, &memory)
}

fn aio(file: &TestFile, opcode: Opcode, memory: &Memory) -> anyhow::Result<Outcome> {
    let context = Context::new(8).context("io_setup(2)")?;
    let mut commands = Commands::new();
    commands.add(opcode, file.fd(), (memory, 0, memory.len()), 0);
    context.submit(&mut commands);
    let events = context.events(1, PATIENCE).context("io_getevents(2)")?;
    Ok(events.first().context("no completion")?.outcome())
}

fn aio_destroy(file: &TestFile) -> anyhow::Result<Outcome> {
    let memory = Memory::new(LENGTH)?;
    let context = Context::new(8).context("io_setup(2)")?;
    let mut commands = Commands::new();
    commands.add(Opcode::Read, file.fd(), (&memory, 0, LENGTH), 0);
    context.submit(&mut commands);
    Ok(context.destroy())
}

fn aio_exit(file: &TestFile) -> anyhow::Result<Outcome> {
    let copy = apart::start(|| {
        let submit = || -> anyhow::Result<Outcome> {
            let (memory, context) = (Memory::new(LENGTH)?, Context::new(8)?);
            let mut commands = Commands::new();
            commands.add(Opcode::Read, file.fd(), (&memory, 0, LENGTH), 0);
            let taken = context.submit(&mut commands);
            // Nobody waits: the process ends with the read under way.
            std::mem::forget((memory, context));
            Ok(taken)
        };
        submit().map_or_else(|error| format!("{error:#}"), |taken| taken.bytes().to_string())
    })?;
    let taken = copy.end()?;
    Ok(Outcome::Bytes(taken.parse().with_context(|| taken.clone())?))
}

fn repeat(stage: &mut Stage<'_>, round: Round, times: usize) -> anyhow::Result<Observation> {
    let file = stage.file(LENGTH as u64)?;
    // What is kept for later is there after some rounds.
    let first = several(stage, &file, round, times / 4)?;
    let (mut same, mut details) = (true, Vec::new());
    loop {
        let before = Used::read()?;
        let outcome = several(stage, &file, round, times)?;
        let after = Used::read()?;
        same &= first == outcome;
        let (pages, slab) = (after.gone - before.gone, after.slab - before.slab);
        details.push(format!("pages in use: {pages:+}, of these for objects: {slab:+}"));
        let fault = lost(pages, slab, times);
        if fault.is_none() || details.len() == CONFIRMED {
            let differs = if same { "" } else { ", at first otherwise" };
            return Ok(Observation::new(format!("returns {} each time{differs}", first.words()))
                .fault_if_any(fault)
                .details(details));
        }
    }
}

/// What is lost after so many times, pages of all memory and those for objects. A debug kernel keeps objects that were freed,
/// and notes of others; lost ones are kmemleak's to find.
fn lost(pages: i64, slab: i64, times: usize) -> Option<String> {
    let lost = |what: &str, pages: i64| {
        (pages > SLACK).then(|| format!("{pages} pages {what} are gone after {times} times"))
    };
    match has_kmemleak() {
        true => lost("of memory", pages - slab),
        false => lost("of memory", pages).or_else(|| lost("of the kernel's objects", slab)),
    }
}

/// The same for what leaves too little behind to be told from a debug kernel's own notes.
fn repeat_small(stage: &mut Stage<'_>, round: Round, times: usize) -> anyhow::Result<Observation> {
    if has_kmemleak() {
        return Ok(Observation::new(format!(
            "{NOT_PROBED}kmemleak finds what is left behind, and takes memory"
        )));
    }
    repeat(stage, round, times)
}

/// Whether the kernel searches for lost objects itself.
fn has_kmemleak() -> bool {
    Path::new("/sys/module/kmemleak").exists()
}

/// Does it several times; all have to come to the same.
fn several(stage: &mut Stage<'_>, file: &TestFile, round: Round, times: usize) -> anyhow::Result<Outcome> {
    let mut outcome = None;
    for number in 0..times {
        let now = round(file)?;
        let first = *outcome.get_or_insert(now);
        anyhow::ensure!(first == now, "round {number} comes to {}, not {}", now.words(), first.words());
        // The log has room for some rounds.
        if number % 25 == 24 {
            stage.mounted.await_idle(PATIENCE);
            stage.mounted.forget_requests()?;
        }
    }
    stage.mounted.await_idle(PATIENCE);
    // Memory that is let go of by RCU and by workers is there a little later.
    std::thread::sleep(Duration::from_millis(100));
    Ok(outcome.unwrap_or(Outcome::Bytes(0)))
}

/// Pages in use.
#[derive(Clone, Copy, Debug)]
struct Used {
    /// Neither free nor of files: what the storage takes is no loss.
    gone: i64,
    /// For objects of the kernel that it cannot do without.
    slab: i64,
}

impl Used {
    fn read() -> anyhow::Result<Self> {
        let counters = Counters::read()?;
        let counter = |name| counters.get(name).with_context(|| format!("/proc/vmstat has no {name}"));
        let free = counter("nr_free_pages")? + counter("nr_file_pages")? + counter("nr_slab_reclaimable")?;
        let zones = fs::read_to_string("/proc/zoneinfo").context("reading /proc/zoneinfo")?;
        let kept = kept_by_cpus(&zones).context("/proc/zoneinfo has no pages that CPUs keep")?;
        Ok(Used { gone: -free - kept, slab: counter("nr_slab_unreclaimable")? })
    }
}

/// Pages that are free and that each CPU keeps for its next allocation, by the text of `/proc/zoneinfo`. No counter has them:
/// hundreds of pages come and go there.
fn kept_by_cpus(zones: &str) -> Option<i64> {
    let counts = zones.lines().filter_map(|line| line.trim_start().strip_prefix("count:"));
    let counts: Option<Vec<i64>> = counts.map(|count| count.trim().parse().ok()).collect();
    counts.filter(|counts| !counts.is_empty()).map(|counts| counts.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_pages_that_cpus_keep() {
        let zones = "\
Node 0, zone    DMA32
  pages free     180000
        min      1000
  pagesets
    cpu: 0
              count:    366
              high:     1000
              batch:    63
    cpu: 1
              count:    12
Node 0, zone   Normal
  pagesets
    cpu: 0
              count:    0
";
        assert_eq!(kept_by_cpus(zones), Some(378));
        assert_eq!(kept_by_cpus("Node 0, zone DMA\n  pages free 3\n"), None);
        assert_eq!(kept_by_cpus("count: many\n"), None);
        assert!(Used::read().unwrap().gone < 0);
    }
}
