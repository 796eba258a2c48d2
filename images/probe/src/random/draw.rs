//! Sequences, drawn from a seed.

use lab_protocol::ReplyOrder;
use lab_protocol::random::splitmix64;

use super::conditions::{Conditions, DrawnFault, FaultOn};
use super::operation::{Action, By, DrawnOperation, FileName, LARGEST, Step, Way};
use super::profile::{Faults, Mix, Profile};
use super::sequence::Sequence;

/// A whole request of the server, bytes.
const REQUEST: u64 = 128 << 10;

/// The numbers of a seed, one after the other.
struct Random {
    seed: u64,
    drawn: u64,
}

impl Random {
    fn next(&mut self) -> u64 {
        self.drawn += 1;
        splitmix64(self.seed, self.drawn)
    }

    /// Less than `limit`.
    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    /// One time in so many.
    fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    fn one_of<T: Copy>(&mut self, choices: &[T], otherwise: T) -> T {
        choices.get(self.below(choices.len() as u64) as usize).copied().unwrap_or(otherwise)
    }
}

/// A sequence with so many operations. Beside them are the steps that wait, compare and change the server.
pub(crate) fn sequence(profile: Profile, seed: u64, operations: u32) -> Sequence {
    let mut random = Random { seed: splitmix64(seed, profile as u64), drawn: 0 };
    let mix = profile.mix();
    let mut steps = vec![Step::Behave(conditions(&mut random, &mix, Faults::None))];
    // Most of one file has data before anything else happens, the other is empty.
    steps.push(Step::DrawnOperation(DrawnOperation::plain(Action::Write, FileName::A, 0, 5 * REQUEST + 512)));
    steps.push(Step::DrawnOperation(DrawnOperation::plain(Action::Drop, FileName::A, 0, 0)));
    for _ in 0..operations {
        let operation = operation(&mut random, &mix);
        // What an asynchronous write beside a truncation leaves is asked by a profile of its own.
        if operation.action == Action::Truncate && profile != Profile::Cut {
            steps.push(Step::Reap(u8::MAX));
        }
        steps.push(Step::DrawnOperation(operation));
        match random.below(24) {
            0 => steps.push(Step::Wait),
            1..4 => steps.push(Step::Reap(1 + random.below(4) as u8)),
            4 => {
                steps.push(Step::Behave(conditions(&mut random, &mix, mix.faults)));
            }
            5 if random.one_in(2) => {
                steps.push(Step::Compare);
                steps.push(Step::Behave(conditions(&mut random, &mix, Faults::None)));
            }
            _ => {}
        }
    }
    Sequence(steps)
}

fn conditions(random: &mut Random, mix: &Mix, faults: Faults) -> Conditions {
    let order = random.one_of(
        &[ReplyOrder::Done, ReplyOrder::Done, ReplyOrder::Reversed, ReplyOrder::Random],
        ReplyOrder::Done,
    );
    let latency_us = random.one_of(mix.latencies_us, 0);
    let jitter_us = random.one_of(&[0, 0, 100, 300], 0);
    let fault = (faults == Faults::Drawn).then(|| DrawnFault {
        on: random.one_of(&[FaultOn::Reads, FaultOn::Writes], FaultOn::Reads),
        after: random.below(12),
        short: random.one_in(3).then(|| random.one_of(&[512, 1024, 4096, 65536], 512)),
    });
    Conditions { latency_us, jitter_us, order, seed: 1 + random.below(1000), fault }
}

fn operation(random: &mut Random, mix: &Mix) -> DrawnOperation {
    let action = random.one_of(mix.actions, Action::Read);
    let file = if random.one_in(4) { FileName::B } else { FileName::A };
    let mut operation = DrawnOperation::plain(action, file, 0, 0);
    if action.has_range() {
        (operation.at, operation.length) = range(random, mix);
    }
    match action {
        Action::Read | Action::Write => transfer(random, mix, &mut operation),
        Action::Append => {
            operation.at = 0;
            operation.length = operation.length.min(REQUEST + 4096);
            let direct = mix.write_ways.contains(&Way::Buffered) && random.one_in(2);
            operation.way = if direct { Way::BufferedAppend } else { Way::DirectAppend };
        }
        Action::Load | Action::Store => operation.length = operation.length.min(REQUEST),
        Action::Truncate => operation.at = place(random, mix),
        Action::Allocate | Action::Punch | Action::Fsync | Action::Drop | Action::Stat | Action::Seek => {
            operation.by = random.one_of(&[By::Main, By::Main, By::Thread(1)], By::Main);
        }
        Action::Msync => {}
    }
    operation
}

fn transfer(random: &mut Random, mix: &Mix, operation: &mut DrawnOperation) {
    let ways = if operation.action == Action::Read { mix.read_ways } else { mix.write_ways };
    operation.way = random.one_of(ways, Way::Direct);
    operation.by = random.one_of(mix.by, By::Main);
    let direct = operation.way.is_direct();
    let waits = match operation.by {
        // Asynchronous requests are about the page cache's neighbours: through it they would be synchronous.
        By::Aio => !direct,
        // An asynchronous direct write beside reads from the page cache leaves stale pages: `random-coherence` is about that.
        By::Uring => direct && operation.action == Action::Write && mix.read_ways.contains(&Way::Buffered),
        By::Main | By::Thread(_) => false,
    };
    if waits {
        operation.by = By::Main;
    }
    operation.skew = random.one_of(&[0, 0, 0, 512, 2048, 24, 1], 0);
    if matches!(operation.by, By::Main | By::Thread(_)) {
        operation.pieces = random.one_of(&[1, 1, 1, 2, 3, 7], 1);
    }
}

/// A place of the file: near the begin of a request as often as not.
fn place(random: &mut Random, mix: &Mix) -> u64 {
    let near = REQUEST * random.below(mix.requests);
    let off = random.one_of(&[0, 0, 0, 512, 4096, 4608, 65536, 300, 1], 0);
    if random.one_in(4) { near.saturating_sub(off) } else { near + off }
}

fn range(random: &mut Random, mix: &Mix) -> (u64, u64) {
    let requests = random.one_of(&[0, 0, 0, 1, 1, 1, 2, 3, 5, 8], 1);
    let off = random.one_of(&[0, 0, 512, 4096, 8192, 1000], 0);
    let length = match REQUEST * requests {
        0 => off.max(512),
        whole if random.one_in(3) => whole - off,
        whole => whole + off,
    };
    let at = place(random, mix);
    (at, length.min(LARGEST - at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_has_one_sequence() {
        for profile in Profile::ALL {
            assert_eq!(sequence(profile, 3, 100), sequence(profile, 3, 100));
            assert_ne!(sequence(profile, 3, 100), sequence(profile, 4, 100));
            assert_eq!(sequence(profile, 3, 100).operations().count(), 102);
        }
    }

    /// What a profile promises is drawn, and nothing that it keeps apart.
    #[test]
    fn profiles_draw_what_they_are_about() {
        for profile in Profile::ALL {
            let drawn: Vec<DrawnOperation> = (0..10)
                .flat_map(|seed| {
                    sequence(profile, seed, 300).operations().map(|(_, it)| *it).collect::<Vec<_>>()
                })
                .collect();
            let mix = profile.mix();
            for action in mix.actions {
                assert!(drawn.iter().any(|operation| operation.action == *action), "{profile:?} {action:?}");
            }
            let uring = drawn.iter().any(|operation| operation.by == By::Uring);
            assert_eq!(uring, profile.uses_uring(), "{profile:?}");
            let asynchronous = drawn.iter().any(|operation| match operation.by {
                By::Aio => true,
                By::Uring => operation.action == Action::Write && operation.way.is_direct(),
                By::Main | By::Thread(_) => false,
            });
            let cached = |operation: &DrawnOperation| {
                operation.action == Action::Load
                    || (operation.action == Action::Read && !operation.way.is_direct())
            };
            let cached = drawn.iter().any(cached);
            assert_eq!(asynchronous && cached, profile == Profile::Coherence, "{profile:?}");
        }
    }
}
