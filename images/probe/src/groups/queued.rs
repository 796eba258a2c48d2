//! The same reads and writes by native AIO and by io_uring, with and without faults: what a caller sees that does not wait in
//! the call itself.

mod several;

use anyhow::Context as _;
use lab_protocol::{Effect, FaultOperation, Times};

use crate::memory::Memory;
use crate::observe::{self, Range};
use crate::outcome::Outcome;
use crate::probe::{Observation, Probe, fault_at};
use crate::stage::{Stage, TestFile};
use crate::trials::Call;
use crate::uring::{self, Buffers, Ring};

const MIB: u64 = 1 << 20;
/// What is read or written: 16 requests.
const WHOLE: Range = Range { offset: 0, length: 2 * MIB };
/// The size of the file.
const FILE: u64 = 4 * MIB;

/// How requests are submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interface {
    Aio,
    Uring(Buffers),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Read,
    Write,
}

impl Interface {
    fn name(self) -> &'static str {
        match self {
            Interface::Aio => "aio",
            Interface::Uring(Buffers::Own) => "uring",
            Interface::Uring(Buffers::Fixed) => "uring-fixed",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Interface::Aio => "AIO",
            Interface::Uring(Buffers::Own) => "io_uring",
            Interface::Uring(Buffers::Fixed) => "io_uring with registered memory:",
        }
    }

    fn transfer(
        self,
        file: &TestFile,
        direction: Direction,
        memory: &Memory,
        range: Range,
    ) -> anyhow::Result<Outcome> {
        match self {
            Interface::Aio => match direction {
                Direction::Read => Call::Aio.read(file, memory, range.length, range.offset),
                Direction::Write => Call::Aio.write(file, memory, range.length, range.offset),
            },
            Interface::Uring(buffers) => {
                let length = range.length as usize;
                let mut ring = Ring::new(memory, buffers)?;
                let outcome = match direction {
                    Direction::Read => ring.read(file.fd(), length, range.offset),
                    Direction::Write => ring.write(file.fd(), length, range.offset),
                };
                outcome.context("using a ring")
            }
        }
    }

    /// What is said if this kernel does not have it.
    fn missing(self) -> Option<Observation> {
        match self {
            Interface::Aio => None,
            Interface::Uring(_) => uring::missing(),
        }
    }

    /// Reads a range of a file of `size` old bytes.
    pub(super) fn read(self, stage: &mut Stage<'_>, size: u64, range: Range) -> anyhow::Result<Observation> {
        if let Some(missing) = self.missing() {
            return Ok(missing);
        }
        let file = stage.file(size)?;
        let memory = Memory::new(range.length as usize)?;
        let outcome = self.transfer(&file, Direction::Read, &memory, range)?;
        let wrong = observe::wrong_byte(memory.content(), outcome, range.offset, size);
        observe::after_read_of(stage, range, outcome, wrong)
    }

    /// Writes a range of a file of `old_size` old bytes.
    pub(super) fn write(
        self,
        stage: &mut Stage<'_>,
        old_size: u64,
        range: Range,
    ) -> anyhow::Result<Observation> {
        if let Some(missing) = self.missing() {
            return Ok(missing);
        }
        let file = stage.file(old_size)?;
        let memory = observe::new_data(range)?;
        let outcome = self.transfer(&file, Direction::Write, &memory, range)?;
        observe::after_write(stage, &file, old_size, range, outcome)
    }
}

/// The probes of this group.
pub(super) fn probes() -> Vec<Probe> {
    let all = [Interface::Aio, Interface::Uring(Buffers::Own), Interface::Uring(Buffers::Fixed)];
    // AIO without faults is the subject of a group of its own.
    let rings = || all.into_iter().skip(1);
    let mut probes: Vec<Probe> = rings().flat_map(plain).collect();
    probes.extend(rings().flat_map(ends_of_files));
    // Memory that is registered has a way of its own in the submission, not in the completion.
    probes.extend(all.into_iter().take(2).flat_map(faults));
    probes.extend(several::probes());
    probes
}

fn plain(interface: Interface) -> Vec<Probe> {
    let (name, title) = (interface.name(), interface.title());
    vec![
        Probe::new(
            format!("{name}-read-2m"),
            format!("{title} read of 2 MiB"),
            "the effect itself: the requests of one submission are at the server together or one after the other",
            move |stage| interface.read(stage, FILE, WHOLE),
        )
        .quick_if(interface == Interface::Uring(Buffers::Own)),
        Probe::new(
            format!("{name}-write-2m"),
            format!("{title} write of 2 MiB inside the file"),
            "the effect itself, for writes",
            move |stage| interface.write(stage, FILE, WHOLE),
        )
        .quick_if(interface == Interface::Uring(Buffers::Own)),
        Probe::new(
            format!("{name}-extend-2m"),
            format!("{title} write of 2 MiB at the end"),
            "a write that extends the file may have to wait in the submission; at its completion the size counts",
            move |stage| interface.write(stage, MIB, Range::new(MIB, 2 * MIB)),
        )
        .quick_if(interface == Interface::Uring(Buffers::Own)),
    ]
}

fn ends_of_files(interface: Interface) -> Vec<Probe> {
    let (name, title) = (interface.name(), interface.title());
    vec![
        Probe::new(
            format!("{name}-read-over-end"),
            format!("{title} read of 2 MiB at 1 MiB and 300 bytes before the end"),
            "the count of a completion ends where the file does, whatever was asked for",
            move |stage| interface.read(stage, 3 * MIB + 300, Range::new(2 * MIB, 2 * MIB)),
        ),
        Probe::new(
            format!("{name}-read-at-end"),
            format!("{title} read of 2 MiB at the end"),
            "a submission without any request has to complete all the same",
            move |stage| interface.read(stage, 2 * MIB, Range::new(2 * MIB, 2 * MIB)),
        ),
    ]
}

/// The first of 16 requests, one in the middle, and the last.
const CHUNKS: [u64; 3] = [0, 5, 15];

fn faults(interface: Interface) -> Vec<Probe> {
    let short = Effect::Short { bytes: 1024 };
    let kinds = [
        ("eio", "EIO", Effect::Eio),
        ("short", "1 KiB", short),
        ("enospc", "ENOSPC", Effect::Errno { errno: libc::ENOSPC as u16 }),
        ("oversize", "too large an answer", Effect::Oversize { bytes: 4096 }),
    ];
    let mut probes = Vec::new();
    for (word, what, effect) in kinds {
        // The place counts for the first two; the others are about the error alone.
        let chunks = if ["eio", "short"].contains(&word) { &CHUNKS[..] } else { &CHUNKS[1..2] };
        for chunk in chunks.iter().copied() {
            probes.extend(faulty(interface, (word, what, effect), chunk));
        }
    }
    probes
}

fn faulty(interface: Interface, (word, what, effect): (&str, &str, Effect), chunk: u64) -> Vec<Probe> {
    let (name, title) = (interface.name(), interface.title());
    let fault =
        |begin_kib: u64| fault_at(FaultOperation::DATA, begin_kib + 128 * chunk, Times::Always, effect);
    let read = Probe::new(
        format!("{name}-read-{word}-{chunk}"),
        format!("{title} read of 2 MiB with {what} in chunk {chunk}"),
        "one completion for requests that fare differently, whichever of them it is",
        move |stage| interface.read(stage, FILE, WHOLE),
    );
    let write = Probe::new(
        format!("{name}-write-{word}-{chunk}"),
        format!("{title} write of 2 MiB inside the file with {what} in chunk {chunk}"),
        "one completion for requests that fare differently, and data that may be stored behind a failure",
        move |stage| interface.write(stage, FILE, WHOLE),
    );
    let extend = Probe::new(
        format!("{name}-extend-{word}-{chunk}"),
        format!("{title} write of 2 MiB at the end with {what} in chunk {chunk}"),
        "a failure must not leave a file that is larger than what was completed",
        move |stage| interface.write(stage, MIB, Range::new(MIB, 2 * MIB)),
    );
    let read = read.fault(fault(0));
    // io_uring(7) goes on after a part by itself. Where the server lies about it, what is stored there belongs to nobody.
    if word == "oversize" && interface != Interface::Aio {
        return vec![read];
    }
    vec![read, write.fault(fault(0)), extend.fault(fault(1024))]
}
