//! One AIO command with two requests that fare badly, each in another way: it has one result.

use lab_protocol::{Effect, ReplyOrder};

use super::super::errors::{ENOSPC, with_faults};
use super::{FILE, Interface, WHOLE};
use crate::probe::Probe;

/// Two chunks, and what happens to each.
type Pair = [(u64, Effect); 2];

/// Names, what happens as words, and the order of the answers.
const CASES: [(&str, &str, Pair, ReplyOrder); 4] = [
    // The last request is sent when an earlier one is answered; the other pairs are at the server together.
    (
        "two-errors",
        "EIO in chunk 0 and ENOSPC in chunk 15",
        [(0, Effect::Eio), (15, ENOSPC)],
        ReplyOrder::Done,
    ),
    (
        "two-errors-reversed",
        "EIO in chunk 5 and ENOSPC in chunk 9, answered in reverse",
        [(5, Effect::Eio), (9, ENOSPC)],
        ReplyOrder::Reversed,
    ),
    (
        "short-and-error",
        "1 KiB in chunk 5 and ENOSPC in chunk 9",
        [(5, SHORT), (9, ENOSPC)],
        ReplyOrder::Done,
    ),
    (
        "error-and-short",
        "ENOSPC in chunk 5 and 1 KiB in chunk 9",
        [(5, ENOSPC), (9, SHORT)],
        ReplyOrder::Done,
    ),
];

const SHORT: Effect = Effect::Short { bytes: 1024 };

/// How long answers are collected to be reversed, microseconds.
const WINDOW_US: u64 = 5_000;

pub(super) fn probes() -> Vec<Probe> {
    CASES.into_iter().flat_map(of_both_directions).collect()
}

fn of_both_directions((name, what, faults, order): (&str, &str, Pair, ReplyOrder)) -> [Probe; 2] {
    let why = "a completion carries one error: of several the first that was answered, and it counts more than a gap";
    let window_us = if order == ReplyOrder::Done { 0 } else { WINDOW_US };
    let read =
        Probe::new(format!("aio-read-{name}"), format!("AIO read of 2 MiB with {what}"), why, |stage| {
            Interface::Aio.read(stage, FILE, WHOLE)
        });
    let write = Probe::new(
        format!("aio-write-{name}"),
        format!("AIO write of 2 MiB inside the file with {what}"),
        why,
        |stage| Interface::Aio.write(stage, FILE, WHOLE),
    );
    [read, write].map(|probe| with_faults(probe, &faults).replies(order, window_us))
}
