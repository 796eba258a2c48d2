//! Direct writes past the end of a file while others read it and ask for its size: nobody may read what is taken back.

mod beside;
mod readers;

use std::time::Duration;

use lab_protocol::Effect;

use crate::observe::Range;
use crate::outcome::Outcome;
use crate::probe::Probe;
use crate::requests::Requests;
use crate::trials::{self, Call, TRIALS, of_all};

const KIB: u64 = 1 << 10;
/// Requests have this size.
const CHUNK: u64 = 128 * KIB;
const ENOSPC: Effect = Effect::Errno { errno: libc::ENOSPC as u16 };

/// The probes of this group.
pub(super) fn probes() -> Vec<Probe> {
    let mut probes = readers::probes();
    probes.extend(beside::probes());
    probes
}

/// One way for a write to grow a file.
#[derive(Clone, Copy)]
struct Growth {
    /// The size of the file before, KiB.
    old_kib: u64,
    /// How long the write is, requests.
    chunks: u64,
    /// The request that takes longer than the others, and holds up the end of the write.
    slow: u64,
    /// How long it takes, microseconds.
    slow_us: u64,
}

/// The request that fails, if one does.
const FAILING: u64 = 5;

const GROWTHS: [Growth; TRIALS] = [
    Growth { old_kib: 128, chunks: 8, slow: 1, slow_us: 6_000 },
    Growth { old_kib: 256, chunks: 8, slow: 0, slow_us: 6_000 },
    Growth { old_kib: 132, chunks: 9, slow: 6, slow_us: 5_000 },
    Growth { old_kib: 192, chunks: 7, slow: 3, slow_us: 8_000 },
    Growth { old_kib: 60, chunks: 10, slow: 9, slow_us: 7_000 },
    Growth { old_kib: 512, chunks: 8, slow: 4, slow_us: 5_000 },
    Growth { old_kib: 100, chunks: 6, slow: 2, slow_us: 9_000 },
    Growth { old_kib: 64, chunks: 8, slow: 7, slow_us: 6_000 },
];

/// Where writes begin.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Begin {
    /// At the end of the file.
    AtEnd,
    /// So many KiB before it.
    Before(u64),
}

/// What is written, how, and what becomes of it.
#[derive(Clone, Copy)]
struct Case {
    call: Call,
    begin: Begin,
    fails: Option<Effect>,
}

impl Case {
    fn range(self, growth: &Growth) -> Range {
        let begin_kib = match self.begin {
            Begin::AtEnd => growth.old_kib,
            Begin::Before(kib) => growth.old_kib - kib,
        };
        Range::new(begin_kib * KIB, growth.chunks * CHUNK)
    }

    fn behaviour(self, growth: &Growth) -> anyhow::Result<lab_protocol::Behaviour> {
        let range = self.range(growth);
        let at = |chunk: u64| Some((range.offset + chunk * CHUNK) / KIB);
        let slow = (at(growth.slow), Effect::Delay { us: growth.slow_us });
        let fails = self.fails.map(|effect| (at(FAILING), effect));
        trials::behaviour(&fails.into_iter().chain([slow]).collect::<Vec<_>>())
    }

    fn title(self) -> String {
        let call = if self.call == Call::Sync { "write" } else { "AIO write" };
        let begin = match self.begin {
            Begin::AtEnd => "at the end".to_owned(),
            Begin::Before(kib) => format!("from {kib} KiB before the end on"),
        };
        let fails = match self.fails {
            None => "",
            Some(effect) if effect == ENOSPC => " with ENOSPC in chunk 5",
            Some(_) => " with EIO in chunk 5",
        };
        format!("{call} {begin}{fails}")
    }
}

/// The size that a file has to have after a write that came to this.
fn right_size(growth: &Growth, range: Range, outcome: Outcome) -> u64 {
    (range.offset + outcome.bytes()).max(growth.old_kib * KIB)
}

/// When the others begin: the requests are at the server, and the slow one has not been answered.
const OTHERS: Duration = Duration::from_millis(2);

/// What all trials of a case have in common, as words.
fn calls(outcomes: &[Outcome], case: Case) -> String {
    let lengths = GROWTHS.map(|growth| case.range(&growth).length);
    trials::returns(outcomes, &lengths)
}

/// What the server saw in all trials, as words. `cut` is where the file was cut, if it was.
fn server(requests: &[Requests], cut: Option<[u64; TRIALS]>) -> String {
    let mut known = vec![("the old size", GROWTHS.map(|growth| growth.old_kib * KIB))];
    known.extend(cut.map(|sizes| ("the cut", sizes)));
    trials::writes(requests) + &trials::sizes_set(requests, &known)
}

/// `size right in 8 of 8`
fn counted(what: &str, trials: impl Iterator<Item = bool>) -> String {
    format!("{what} in {}", of_all(trials.filter(|is_so| *is_so).count()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_request_fails_and_another_is_slow() {
        for growth in &GROWTHS {
            assert!(growth.slow != FAILING && growth.slow < growth.chunks && FAILING < growth.chunks);
            assert!(growth.chunks <= 12 && u128::from(growth.slow_us) > 2 * OTHERS.as_micros());
            let case = Case { call: Call::Sync, begin: Begin::AtEnd, fails: Some(ENOSPC) };
            let behaviour = case.behaviour(growth).unwrap();
            assert_eq!(behaviour.check(), Ok(()));
            let places: Vec<Option<u64>> = behaviour.faults.iter().map(|fault| fault.offset_kib).collect();
            assert_eq!(places, [5, growth.slow].map(|chunk| Some(growth.old_kib + 128 * chunk)));
        }
    }

    #[test]
    fn a_file_ends_where_the_write_came_to_or_where_it_ended_before() {
        let growth = &GROWTHS[0];
        let (old, range) = (128 * KIB, Range::new(64 * KIB, 8 * CHUNK));
        assert_eq!(right_size(growth, range, Outcome::Error(libc::EIO)), old);
        assert_eq!(right_size(growth, range, Outcome::Bytes(CHUNK)), 64 * KIB + CHUNK);
        assert_eq!(right_size(growth, range, Outcome::Bytes(KIB)), old);
    }
}
