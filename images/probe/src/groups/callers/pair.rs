//! Two callers of one file: whether the requests of one are at the server together, and whether those of both are.

use lab_protocol::log::LogRecord;

use super::{Direction, MIB, joined};
use crate::fixture::Fixture;
use crate::observe::{Range, not_stored};
use crate::outcome::count;
use crate::probe::{Observation, Probe};
use crate::requests::Requests;
use crate::stage::Stage;

/// The halves of the file, one for each caller.
const HALVES: [Range; 2] = [Range { offset: 0, length: 2 * MIB }, Range { offset: 2 * MIB, length: 2 * MIB }];
const SIZE: u64 = 4 * MIB;

/// How long storage takes, microseconds: both callers have begun long before one has ended.
const LATENCY_US: u64 = 2_000;

pub(super) fn probes() -> Vec<Probe> {
    use Direction::{Read, Write};
    let servers = [
        (
            Fixture::Usual,
            "",
            "",
            "writes of a file take turns, each with all of its requests; reads wait for nobody",
        ),
        (
            Fixture::NoAsyncDio,
            "no-async-dio-",
            " on a server that does not ask for FUSE_ASYNC_DIO",
            "one request of each caller, and one of all writers, since these lock the file",
        ),
    ];
    let calls = [
        ([Read, Read], "two-reads", "two reads"),
        ([Write, Write], "two-writes", "two writes"),
        ([Read, Write], "read-and-write", "a read and a write"),
    ];
    let mut probes = Vec::new();
    for (fixture, prefix, server, why) in servers {
        for (directions, name, what) in calls {
            let title = format!("{what} of 2 MiB, each of its half of one file, at once{server}");
            let run = move |stage: &mut Stage<'_>| both(stage, directions);
            let probe = Probe::new(format!("{prefix}{name}-one-file"), title, why, run);
            probes.push(probe.on(fixture).latency_us(LATENCY_US));
        }
    }
    probes
}

fn both(stage: &mut Stage<'_>, directions: [Direction; 2]) -> anyhow::Result<Observation> {
    let file = stage.file(SIZE)?;
    let call = |direction: Direction, range| -> anyhow::Result<_> {
        let memory = direction.memory(range)?;
        Ok(direction.transfer(&file, &memory, range, SIZE))
    };
    let ([one, other], [first, second]) = (directions, HALVES);
    let (one_ended, other_ended) = std::thread::scope(|scope| {
        let beside = scope.spawn(|| call(other, second));
        (call(one, first), joined(beside.join()))
    });
    let ((first_outcome, first_wrong), (second_outcome, second_wrong)) = (one_ended?, other_ended??);
    let requests = stage.requests()?;
    let mut observation = Observation::new(format!(
        "returns {} and {}, {}, {}",
        first_outcome.words(),
        second_outcome.words(),
        count(requests.data().count(), "request"),
        order(&requests)
    ))
    .fault_if_any(first_wrong)
    .fault_if_any(second_wrong);
    for (direction, range, outcome) in [(one, first, first_outcome), (other, second, second_outcome)] {
        if direction == Direction::Write {
            let stored = file.stored(range.offset, range.length)?;
            observation = observation.fault_if_any(not_stored(outcome, &stored.new, range));
        }
    }
    Ok(observation.fault_if_any(requests.fault(stage.max_background())).details(requests.lines()))
}

/// `one at a time of each caller, the callers side by side`, from the log.
fn order(requests: &Requests) -> String {
    let [first, second] =
        HALVES.map(|half| requests.data().filter(|record| is_in(half, record)).collect::<Vec<_>>());
    let alone = |records: &[&LogRecord]| {
        records.iter().zip(records.iter().skip(1)).all(|(one, next)| one.answer_ns <= next.arrival_ns)
    };
    let own = match (alone(&first), alone(&second)) {
        (true, true) => "one at a time of each caller",
        (false, false) => "several at once of each caller",
        (_, _) => "one at a time of one caller, several at once of the other",
    };
    let overlaps = |one: &LogRecord| {
        second.iter().any(|other| one.arrival_ns < other.answer_ns && other.arrival_ns < one.answer_ns)
    };
    let both = if first.iter().any(|one| overlaps(one)) {
        "the callers side by side"
    } else {
        "one caller after the other"
    };
    format!("{own}, {both}")
}

fn is_in(half: Range, record: &LogRecord) -> bool {
    (half.offset..half.offset + half.length).contains(&record.offset)
}

#[cfg(test)]
mod tests {
    use lab_protocol::Operation;

    use super::*;
    use crate::requests::tests::{log, logged};

    #[test]
    fn what_overlaps_is_told_for_each_caller_and_for_both() {
        let at = |offset, times| logged(Operation::Read, offset, 4096, times);
        let (low, high) = (|times| at(0, times), |times| at(3 * MIB, times));
        for (records, expected) in [
            (
                vec![low((0, 2)), high((1, 3)), low((2, 4)), high((3, 5))],
                "one at a time of each caller, the callers side by side",
            ),
            (
                vec![low((0, 1)), low((1, 2)), high((2, 3)), high((3, 4))],
                "one at a time of each caller, one caller after the other",
            ),
            (
                vec![low((0, 2)), low((1, 2)), high((2, 4)), high((3, 4))],
                "several at once of each caller, one caller after the other",
            ),
            (
                vec![low((0, 2)), low((1, 9)), high((2, 3)), high((3, 4))],
                "one at a time of one caller, several at once of the other, the callers side by side",
            ),
        ] {
            assert_eq!(order(&log(&records)), expected);
        }
    }
}
