//! One read(2) or write(2) of 2 MiB, which is 16 requests, with a fault in the sixth: what changed for callers when direct I/O
//! became asynchronous.

use lab_protocol::{Effect, FaultOperation, Times};

use crate::observe::{self, Range};
use crate::probe::{Probe, fault_at};

const MIB: u64 = 1 << 20;
/// What is read or written.
const WHOLE: Range = Range { offset: 0, length: 2 * MIB };
/// The begin of the sixth request, KiB.
const CHUNK_5_KIB: u64 = 640;

/// The probes of this group.
pub(super) fn probes() -> Vec<Probe> {
    let mut probes = whole();
    probes.extend(read_faults());
    probes.extend(ends_of_files());
    probes.extend(write_faults());
    probes.extend(extending());
    probes
}

fn whole() -> Vec<Probe> {
    vec![
        Probe::new(
            "read-2m",
            "read of 2 MiB",
            "the effect itself: the requests of a read are at the server together or one after the other",
            |stage| observe::read(stage, 4 * MIB, WHOLE),
        )
        .quick(),
        Probe::new("write-2m", "write of 2 MiB inside the file", "the effect itself, for writes", |stage| {
            observe::write(stage, 4 * MIB, WHOLE)
        })
        .quick(),
    ]
}

fn read_faults() -> Vec<Probe> {
    let read = |name: &str, title: &str, why: &str, times, effect| {
        Probe::new(name, title, why, |stage| observe::read(stage, 4 * MIB, WHOLE)).fault(fault_at(
            FaultOperation::DATA,
            CHUNK_5_KIB,
            times,
            effect,
        ))
    };
    let short = Effect::Short { bytes: 1024 };
    vec![
        read(
            "read-eio",
            "read of 2 MiB with EIO in chunk 5",
            "one at a time, the bytes before an error count; at once, the error does",
            Times::Always,
            Effect::Eio,
        )
        .quick(),
        read(
            "read-eio-once",
            "read of 2 MiB with EIO in chunk 5, once",
            "one at a time, generic code goes on through the page cache, which heals an error that does not last",
            Times::Once,
            Effect::Eio,
        ),
        read(
            "read-short",
            "read of 2 MiB with 1 KiB in chunk 5",
            "the data ends at the first gap, although later requests were answered in full",
            Times::Always,
            short,
        )
        .quick(),
        read(
            "read-short-once",
            "read of 2 MiB with 1 KiB in chunk 5, once",
            "generic code reads on after a short answer inside the file",
            Times::Once,
            short,
        ),
    ]
}

fn ends_of_files() -> Vec<Probe> {
    vec![
        Probe::new(
            "read-over-end",
            "read of 2 MiB at 1 MiB and 300 bytes before the end",
            "a trimmed read was once not page aligned; nothing behind the end need be asked for",
            |stage| observe::read(stage, 3 * MIB + 300, Range::new(2 * MIB, 2 * MIB)),
        )
        .quick(),
        Probe::new(
            "read-at-end",
            "read of 2 MiB at the end",
            "there is nothing to ask the server for",
            |stage| observe::read(stage, 2 * MIB, Range::new(2 * MIB, 2 * MIB)),
        ),
    ]
}

fn write_faults() -> Vec<Probe> {
    let write = |name: &str, title: &str, why: &str, times, effect| {
        Probe::new(name, title, why, |stage| observe::write(stage, 4 * MIB, WHOLE)).fault(fault_at(
            FaultOperation::DATA,
            CHUNK_5_KIB,
            times,
            effect,
        ))
    };
    vec![
        write(
            "write-eio",
            "write of 2 MiB inside the file with EIO in chunk 5",
            "at once, all other requests take effect although the caller is told of an error",
            Times::Always,
            Effect::Eio,
        )
        .quick(),
        write(
            "write-short-once",
            "write of 2 MiB inside the file with 1 KiB in chunk 5, once",
            "at once, a short write is an error, since later requests have been written behind it",
            Times::Once,
            Effect::Short { bytes: 1024 },
        ),
    ]
}

fn extending() -> Vec<Probe> {
    let write = |name: &str, title: &str, why: &str| {
        Probe::new(name, title, why, |stage| observe::write(stage, MIB, Range::new(MIB, 2 * MIB)))
    };
    let eio_at = |chunk: u64| fault_at(FaultOperation::DATA, 1024 + 128 * chunk, Times::Always, Effect::Eio);
    vec![
        write("extend-2m", "write of 2 MiB at the end", "the size is known when all requests have succeeded")
            .quick(),
        write(
            "extend-eio",
            "write of 2 MiB at the end with EIO in chunk 5",
            "later requests have extended the file on the server; a SETATTR has to take that back",
        )
        .quick()
        .fault(eio_at(5)),
        write(
            "extend-eio-first",
            "write of 2 MiB at the end with EIO in chunk 0",
            "one at a time nothing was written, and there is nothing to take back",
        )
        .fault(eio_at(0)),
        Probe::new(
            "hole-eio-first",
            "write of 2 MiB that begins 3 MiB behind the end, with EIO in chunk 0",
            "a call that fails must not leave a size between the old end and the begin of its data",
            |stage| observe::write(stage, MIB, Range::new(4 * MIB, 2 * MIB)),
        )
        .fault(fault_at(FaultOperation::DATA, 4 * 1024, Times::Always, Effect::Eio)),
    ]
}
