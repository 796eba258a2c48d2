//! Each byte at its place: sizes around whole requests, odd offsets and addresses, pieces, holes, and answers in another
//! order.

use lab_protocol::ReplyOrder;
use lab_protocol::random::splitmix64;

use super::queued::Interface;
use crate::memory::Memory;
use crate::observe::{self, Range, wrong_byte};
use crate::outcome::{Outcome, count};
use crate::probe::{Observation, Probe};
use crate::stage::Stage;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// Lengths around whole requests of 128 KiB.
const LENGTHS: [u64; 14] = [
    512,
    4 * KIB,
    64 * KIB,
    128 * KIB - 512,
    128 * KIB,
    128 * KIB + 512,
    256 * KIB - 1,
    256 * KIB + 1,
    384 * KIB + 4 * KIB,
    MIB + 512,
    2 * MIB - 4 * KIB,
    2 * MIB,
    3 * MIB + 17,
    8 * MIB,
];

/// Places in the file.
const OFFSETS: [u64; 3] = [0, 4 * KIB, 128 * KIB - 300];

/// A piece at each place has begin and length.
const PIECES: [(usize, usize); 9] = [
    (0, 1),
    (1, 511),
    (4096, 4096),
    (9000, 7),
    (12_288, 130_000),
    (150_001, 128 << 10),
    (300_000, 0),
    (300_500, 65_536),
    (400_003, 333_333),
];

/// The probes of this group.
pub(super) fn probes() -> Vec<Probe> {
    let why = "a byte that is moved, lost or doubled shows, because each says where it belongs";
    let orders = [
        ("", "", ReplyOrder::Done, 0),
        ("-reversed", ", answered in reverse", ReplyOrder::Reversed, 2_000),
        ("-random", ", answered in random order", ReplyOrder::Random, 2_000),
    ];
    let mut probes = Vec::new();
    for (suffix, title, order, window) in orders {
        let (reads, writes) = (format!("integrity-reads{suffix}"), format!("integrity-writes{suffix}"));
        // All of them once; the odd one is enough to see that the order of answers does not matter.
        let offsets: &[u64] = if order == ReplyOrder::Done { &OFFSETS } else { &OFFSETS[2..] };
        probes.push(
            Probe::new(reads, format!("reads of 512 bytes to 8 MiB{title}"), why, move |stage| {
                reads_of_all_sizes(stage, offsets)
            })
            .replies(order, window),
        );
        probes.push(
            Probe::new(writes, format!("writes of 512 bytes to 8 MiB{title}"), why, move |stage| {
                writes_of_all_sizes(stage, offsets)
            })
            .replies(order, window),
        );
        let (reads, writes) =
            (format!("integrity-pieces-read{suffix}"), format!("integrity-pieces-written{suffix}"));
        probes.push(
            Probe::new(reads, format!("preadv of odd pieces{title}"), why, read_pieces)
                .replies(order, window),
        );
        probes.push(
            Probe::new(writes, format!("pwritev of odd pieces{title}"), why, write_pieces)
                .replies(order, window),
        );
    }
    probes.push(Probe::new(
        "integrity-addresses",
        "reads and writes at odd addresses",
        "a buffer that begins within a page needs a page more in each request",
        odd_addresses,
    ));
    probes.push(Probe::new(
        "integrity-hole",
        "read of a hole that a direct write behind the end has left",
        "what was never written is zero",
        hole,
    ));
    probes.push(
        Probe::new(
            "integrity-small-reversed",
            "read of 2 MiB, answered in reverse",
            "answers come in any order, and each belongs to one place",
            |stage| observe::read(stage, 4 * MIB, Range::new(0, 2 * MIB)),
        )
        .replies(ReplyOrder::Reversed, 2_000)
        .quick(),
    );
    probes.extend(large());
    probes.into_iter().map(|probe| probe.limit_s(30)).collect()
}

/// One call of 64 MiB each, a page behind the begin of the file and two pages before its end.
fn large() -> Vec<Probe> {
    const SIZE: u64 = 64 * MIB + 12 * KIB;
    const WHOLE: Range = Range { offset: 4 * KIB, length: 64 * MIB };
    let why =
        "512 requests of one call: whoever counts them, or their bytes, in too small a number is found out";
    let probe = |name: &str, what: &str, run: fn(&mut Stage<'_>) -> anyhow::Result<Observation>| {
        Probe::new(format!("integrity-{name}-64m"), format!("{what} of 64 MiB inside the file"), why, run)
    };
    vec![
        probe("read", "read", |stage| observe::read(stage, SIZE, WHOLE)),
        probe("write", "write", |stage| observe::write(stage, SIZE, WHOLE)),
        probe("aio-read", "AIO read", |stage| Interface::Aio.read(stage, SIZE, WHOLE)),
        probe("aio-write", "AIO write", |stage| Interface::Aio.write(stage, SIZE, WHOLE)),
    ]
}

/// What came of many calls: how many did all that was asked of them.
#[derive(Default)]
struct Tally {
    calls: usize,
    whole: usize,
    fault: Option<String>,
}

impl Tally {
    fn add(&mut self, outcome: Outcome, length: u64, fault: Option<String>) {
        self.calls += 1;
        self.whole += usize::from(outcome == Outcome::Bytes(length));
        self.fault = self.fault.take().or(fault);
    }

    fn into_observation(self, stage: &mut Stage<'_>, what: &str) -> anyhow::Result<Observation> {
        let fault = stage.requests()?.fault(stage.max_background());
        let text = match self.calls - self.whole {
            0 => format!("gives {}, all right", count(self.calls, what)),
            failed => format!("gives {}, {failed} of them not whole", count(self.calls, what)),
        };
        Ok(Observation::new(text).fault_if_any(self.fault).fault_if_any(fault))
    }
}

fn reads_of_all_sizes(stage: &mut Stage<'_>, offsets: &[u64]) -> anyhow::Result<Observation> {
    let size = 9 * MIB;
    let file = stage.file(size)?;
    let memory = Memory::new(8 << 20)?;
    let mut tally = Tally::default();
    for length in LENGTHS {
        for offset in offsets {
            let outcome = file.read(&memory, 0, length as usize, *offset);
            tally.add(outcome, length, wrong_byte(memory.content(), outcome, *offset, size));
        }
    }
    tally.into_observation(stage, "read")
}

fn writes_of_all_sizes(stage: &mut Stage<'_>, offsets: &[u64]) -> anyhow::Result<Observation> {
    let mut tally = Tally::default();
    for length in LENGTHS {
        for &offset in offsets {
            let size = length + offset + 4 * KIB;
            let file = stage.file(size)?;
            let range = Range::new(offset, length);
            let memory = observe::new_data(range)?;
            let outcome = file.write(&memory, 0, length as usize, offset);
            let stored = file.stored(offset, length)?;
            let whole = stored.words(offset, length) == "all stored";
            let lost = (!whole && outcome == Outcome::Bytes(length))
                .then(|| format!("a write of {length} bytes at {offset} is not stored as a whole"));
            tally.add(outcome, length, stored.fault().or(lost));
        }
    }
    tally.into_observation(stage, "write")
}

fn read_pieces(stage: &mut Stage<'_>) -> anyhow::Result<Observation> {
    let file = stage.file(2 * MIB)?;
    let mut tally = Tally::default();
    let length: u64 = PIECES.iter().map(|(_, length)| *length as u64).sum();
    for offset in [0, 1, 4096, 100_000] {
        let memory = Memory::new(1 << 20)?;
        let outcome = file.read_pieces(&memory, &PIECES, offset);
        let (mut at, mut fault) = (offset, None);
        for (begin, length) in PIECES {
            let piece = memory.content().get(begin..begin + length).unwrap_or_default();
            fault = fault.or(wrong_byte(piece, Outcome::Bytes(length as u64), at, 2 * MIB));
            at += length as u64;
        }
        let fault = fault.filter(|_| outcome == Outcome::Bytes(length));
        tally.add(outcome, length, fault);
    }
    tally.into_observation(stage, "read")
}

fn write_pieces(stage: &mut Stage<'_>) -> anyhow::Result<Observation> {
    let mut tally = Tally::default();
    let length: u64 = PIECES.iter().map(|(_, length)| *length as u64).sum();
    for offset in [0, 1, 4096, 100_000] {
        let file = stage.file(2 * MIB)?;
        let mut memory = Memory::new(1 << 20)?;
        let mut at = offset;
        for (begin, length) in PIECES {
            if let Some(piece) = memory.content_mut().get_mut(begin..begin + length) {
                crate::stored::NEW.fill(piece, at);
            }
            at += length as u64;
        }
        let outcome = file.write_pieces(&memory, &PIECES, offset);
        let stored = file.stored(offset, length)?;
        let lost = (outcome == Outcome::Bytes(length) && stored.words(offset, length) != "all stored")
            .then(|| format!("pieces written at {offset} are not stored as a whole"));
        tally.add(outcome, length, stored.fault().or(lost));
    }
    tally.into_observation(stage, "write")
}

fn odd_addresses(stage: &mut Stage<'_>) -> anyhow::Result<Observation> {
    let size = 2 * MIB;
    let length = (MIB + 100) as usize;
    let mut tally = Tally::default();
    let drawn = (0..4).map(|index| splitmix64(stage.seed, index) as usize % 4096);
    for at in [1, 511, 512, 2048, 4095].into_iter().chain(drawn.collect::<Vec<_>>()) {
        let file = stage.file(size)?;
        let mut memory = Memory::new(length + 4096)?;
        let outcome = file.read(&memory, at, length, 300);
        let read = memory.content().get(at..at + length).unwrap_or_default();
        tally.add(outcome, length as u64, wrong_byte(read, outcome, 300, size));
        if let Some(piece) = memory.content_mut().get_mut(at..at + length) {
            crate::stored::NEW.fill(piece, 300);
        }
        let outcome = file.write(&memory, at, length, 300);
        let stored = file.stored(300, length as u64)?;
        tally.add(outcome, length as u64, stored.fault());
    }
    tally.into_observation(stage, "call")
}

fn hole(stage: &mut Stage<'_>) -> anyhow::Result<Observation> {
    let file = stage.file(64 * KIB)?;
    let range = Range::new(3 * MIB, 256 * KIB);
    let memory = observe::new_data(range)?;
    let written = file.write(&memory, 0, range.length as usize, range.offset);
    let memory = Memory::new(3 << 20)?;
    let read = file.read(&memory, 0, 3 << 20, 0);
    let behind = memory.content().get(64 << 10..).unwrap_or_default();
    let fault = behind.iter().any(|byte| *byte != 0).then(|| "a byte of a hole is not zero".to_owned());
    let observation = observe::after_read(stage, read, fault)?;
    let stored = file.stored(range.offset, range.length)?;
    let observed = format!("{} written; {}", written.words(), observation.observed);
    Ok(Observation { observed, ..observation }.fault_if_any(stored.fault()))
}
