//! Memory of the caller that is not what it should be: pages that are missing, and data at odd addresses.

use crate::memory::{Memory, PAGE};
use crate::observe::{self, Range};
use crate::probe::{Observation, Probe};
use crate::stage::Stage;

const MIB: u64 = 1 << 20;
/// Bytes of a request.
const CHUNK: usize = 128 << 10;
const LENGTH: usize = 2 << 20;

/// Names and places of the missing page, in pages from the begin.
const MISSING: [(&str, &str, usize); 4] = [
    ("first-page", "first page", 0),
    ("page-in-chunk-5", "page in the middle of chunk 5", 5 * CHUNK / PAGE + 16),
    ("page-at-border", "first page of chunk 5", 5 * CHUNK / PAGE),
    ("last-page", "last page", LENGTH / PAGE - 1),
];

/// The probes of this group.
pub(super) fn probes() -> Vec<Probe> {
    let why = "a request that was begun must be finished or taken back, and no page of it may stay pinned";
    let mut probes = Vec::new();
    for (name, place, page) in MISSING {
        let title = format!("read of 2 MiB into a buffer without its {place}");
        probes.push(Probe::new(format!("read-without-{name}"), title, why, move |stage| read(stage, page)));
        let title = format!("write of 2 MiB inside the file from a buffer without its {place}");
        let run = move |stage: &mut Stage<'_>| write(stage, page, 4 * MIB, 0);
        probes.push(Probe::new(format!("write-without-{name}"), title, why, run));
    }
    probes.push(Probe::new(
        "extend-without-first-page",
        "write of 2 MiB at the end from a buffer without its first page",
        "nothing was sent, so that there is nothing to take back; a truncation would only put others' data at risk",
        |stage| write(stage, 0, MIB, MIB),
    ));
    let page = 5 * CHUNK / PAGE + 16;
    probes.push(Probe::new(
        "extend-without-page-in-chunk-5",
        "write of 2 MiB at the end from a buffer without a page in the middle of chunk 5",
        "what could not be sent does not count, what was sent has extended the file",
        move |stage| write(stage, page, MIB, MIB),
    ));
    probes.push(Probe::new(
        "read-into-nothing",
        "read of 2 MiB into memory that is not there at all",
        "the first page fails already, before any request",
        nowhere,
    ));
    probes
}

fn read(stage: &mut Stage<'_>, page: usize) -> anyhow::Result<Observation> {
    let file = stage.file(4 * MIB)?;
    let memory = Memory::new(LENGTH)?;
    memory.remove_page(page);
    let outcome = file.read(&memory, 0, LENGTH, 0);
    // Of the content only what lies before the gap may be looked at.
    let whole = (page * PAGE) as u64;
    let beyond = outcome.bytes() > whole;
    let fault = beyond.then(|| format!("{} bytes were read over a page that is not there", outcome.bytes()));
    observe::after_read(stage, outcome, fault)
}

fn write(stage: &mut Stage<'_>, page: usize, size: u64, offset: u64) -> anyhow::Result<Observation> {
    let file = stage.file(size)?;
    let range = Range::new(offset, LENGTH as u64);
    let memory = observe::new_data(range)?;
    memory.remove_page(page);
    let outcome = file.write(&memory, 0, LENGTH, offset);
    observe::after_write(stage, &file, size, range, outcome)
}

fn nowhere(stage: &mut Stage<'_>) -> anyhow::Result<Observation> {
    let file = stage.file(4 * MIB)?;
    let memory = Memory::new(LENGTH)?;
    (0..LENGTH / PAGE).for_each(|page| memory.remove_page(page));
    let outcome = file.read(&memory, 0, LENGTH, 0);
    observe::after_read(stage, outcome, None)
}
