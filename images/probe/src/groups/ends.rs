//! Ends of files and short answers, at all places.

use lab_protocol::{Effect, FaultOperation, Times};

use crate::observe::{self, Range};
use crate::outcome::size;
use crate::probe::{Probe, fault_at};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
/// What is read or written where answers are short.
const WHOLE: Range = Range { offset: 0, length: 2 * MIB };

/// The probes of this group.
pub(super) fn probes() -> Vec<Probe> {
    let mut probes = ends();
    for chunk in [0, 15] {
        probes.push(short_read(chunk));
    }
    for chunk in [0, 5, 15] {
        probes.push(short_write(chunk));
    }
    probes.push(empty("read-nothing-in-chunk-5", "read of 2 MiB with no byte in chunk 5, once", false));
    probes.push(empty(
        "write-nothing-in-chunk-5",
        "write of 2 MiB inside the file with no byte in chunk 5, once",
        true,
    ));
    probes
}

/// Names, sizes of files, and what is read of them.
fn ends() -> Vec<Probe> {
    let cases = [
        ("read-empty-file", 0, Range::new(0, 4 * KIB), "an empty file has an end at its begin"),
        ("read-of-nothing", MIB, Range::new(0, 0), "a read of no bytes asks for none"),
        ("read-one-byte", 1, Range::new(0, 4 * KIB), "the smallest file"),
        ("read-last-byte", MIB, Range::new(MIB - 1, 128 * KIB), "one byte, at an odd place, is left"),
        ("read-behind-end", MIB, Range::new(2 * MIB, 128 * KIB), "there is nothing to ask the server for"),
        (
            "read-to-end",
            MIB,
            Range::new(512 * KIB, 512 * KIB),
            "nothing is short if the file ends with the read",
        ),
        ("read-over-end-by-one", MIB - 1, Range::new(0, MIB), "the last byte of the last request is missing"),
        (
            "read-over-end-in-new-chunk",
            128 * KIB + 1,
            Range::new(0, 256 * KIB),
            "the last request has one byte to get",
        ),
        (
            "read-over-end-at-border",
            256 * KIB,
            Range::new(0, 512 * KIB),
            "the file ends where a request does, and the next one is for nothing",
        ),
        (
            "read-unaligned-over-end",
            MIB + 300,
            Range::new(MIB - 1234, 256 * KIB),
            "begin and end at odd places; a trimmed read was once rounded wrongly",
        ),
    ];
    cases
        .map(|(name, file, range, why)| {
            let title = format!(
                "read of {} at {} of a file of {}",
                size(range.length),
                size(range.offset),
                size(file)
            );
            Probe::new(name, title, why, move |stage| observe::read(stage, file, range))
        })
        .into()
}

fn short_read(chunk: u64) -> Probe {
    Probe::new(
        format!("read-short-in-chunk-{chunk}"),
        format!("read of 2 MiB with 1 KiB in chunk {chunk}"),
        "the data ends at the first gap, be it in the first or in the last request",
        |stage| observe::read(stage, 4 * MIB, WHOLE),
    )
    .fault(fault_at(FaultOperation::DATA, 128 * chunk, Times::Always, Effect::Short { bytes: 1024 }))
}

fn short_write(chunk: u64) -> Probe {
    Probe::new(
        format!("write-short-in-chunk-{chunk}"),
        format!("write of 2 MiB inside the file with 1 KiB in chunk {chunk}"),
        "what the caller is told must be stored",
        |stage| observe::write(stage, 4 * MIB, WHOLE),
    )
    .fault(fault_at(FaultOperation::DATA, 128 * chunk, Times::Always, Effect::Short { bytes: 1024 }))
}

fn empty(name: &str, title: &str, is_write: bool) -> Probe {
    let why = "an answer of no bytes inside the file is legal, and must not end in a loop";
    let observe = if is_write { observe::write } else { observe::read };
    Probe::new(name, title, why, move |stage| observe(stage, 4 * MIB, WHOLE)).fault(fault_at(
        FaultOperation::DATA,
        640,
        Times::Once,
        Effect::Short { bytes: 0 },
    ))
}
