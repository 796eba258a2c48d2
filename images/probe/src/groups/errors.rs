//! Errors in each place of a call, several at once, and answers that claim more than was asked for.

use lab_protocol::{Effect, FaultOperation, ReplyOrder, Times};

use crate::observe::{self, Range};
use crate::probe::{Probe, fault_at};

const MIB: u64 = 1 << 20;
/// What is read or written.
const WHOLE: Range = Range { offset: 0, length: 2 * MIB };
/// No room is left on the storage.
pub(super) const ENOSPC: Effect = Effect::Errno { errno: libc::ENOSPC as u16 };

/// The probes of this group.
pub(super) fn probes() -> Vec<Probe> {
    let mut probes = Vec::new();
    for chunk in [0, 15] {
        let why = "the first and the last request of a call are sent and counted like the others";
        probes.push(read(
            &format!("read-eio-in-chunk-{chunk}"),
            &format!("EIO in chunk {chunk}"),
            why,
            &[(chunk, Effect::Eio)],
        ));
        probes.push(write(
            &format!("write-eio-in-chunk-{chunk}"),
            &format!("EIO in chunk {chunk}"),
            why,
            &[(chunk, Effect::Eio)],
        ));
    }
    probes.extend(several());
    probes.extend(oversized());
    probes.push(no_space());
    probes
}

/// Adds faults, each in a chunk of a call at the begin of the file.
pub(super) fn with_faults(probe: Probe, faults: &[(u64, Effect)]) -> Probe {
    faults.iter().fold(probe, |probe, (chunk, effect)| {
        probe.fault(fault_at(FaultOperation::DATA, 128 * chunk, Times::Always, *effect))
    })
}

fn read(name: &str, what: &str, why: &str, faults: &[(u64, Effect)]) -> Probe {
    let title = format!("read of 2 MiB with {what}");
    with_faults(Probe::new(name, title, why, |stage| observe::read(stage, 4 * MIB, WHOLE)), faults)
}

fn write(name: &str, what: &str, why: &str, faults: &[(u64, Effect)]) -> Probe {
    let title = format!("write of 2 MiB inside the file with {what}");
    with_faults(Probe::new(name, title, why, |stage| observe::write(stage, 4 * MIB, WHOLE)), faults)
}

fn several() -> Vec<Probe> {
    let why = "of several errors the caller gets one: that which was answered first";
    // The last request is sent when an earlier one is answered; the other pair is at the server together.
    let (far, near) = ([(0, Effect::Eio), (15, ENOSPC)], [(5, Effect::Eio), (9, ENOSPC)]);
    let short = [(5, Effect::Short { bytes: 1024 }), (9, Effect::Eio)];
    vec![
        read("read-two-errors", "EIO in chunk 0 and ENOSPC in chunk 15", why, &far),
        write("write-two-errors", "EIO in chunk 0 and ENOSPC in chunk 15", why, &far),
        read(
            "read-two-errors-reversed",
            "EIO in chunk 5 and ENOSPC in chunk 9, answered in reverse",
            why,
            &near,
        )
        .replies(ReplyOrder::Reversed, 5_000),
        read(
            "read-short-before-error",
            "1 KiB in chunk 5 and EIO in chunk 9",
            "an error counts even behind the end of the data",
            &short,
        ),
        write(
            "write-short-before-error",
            "1 KiB in chunk 5 and EIO in chunk 9",
            "both are errors of a write, if all is sent at once",
            &short,
        ),
    ]
}

fn oversized() -> Vec<Probe> {
    let over = [(5, Effect::Oversize { bytes: 512 })];
    let all = [(15, Effect::Oversize { bytes: 1 << 30 })];
    vec![
        read(
            "read-oversized-reply",
            "512 bytes too many in chunk 5",
            "the kernel must not take more than there is room for",
            &over,
        ),
        write(
            "write-oversized-reply",
            "512 bytes too many claimed in chunk 5",
            "a server that claims more than it was given must not move the caller's position",
            &over,
        ),
        write(
            "write-oversized-last-reply",
            "1 GiB too much claimed in chunk 15",
            "the sum of the answers must not be trusted",
            &all,
        ),
    ]
}

fn no_space() -> Probe {
    Probe::new(
        "extend-no-space",
        "write of 2 MiB at the end with ENOSPC from chunk 5 on",
        "the usual way for a write to fail halfway",
        |stage| observe::write(stage, MIB, Range::new(MIB, 2 * MIB)),
    )
    .fault(lab_protocol::Fault {
        operation: FaultOperation::DATA,
        offset_kib: None,
        after: 5,
        times: Times::Always,
        effect: ENOSPC,
    })
}
