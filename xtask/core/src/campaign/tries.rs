//! Which boots are still to be run, and which try at a boot counts.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::campaign::Record;
use crate::evidence::outcome::Outcome;
use crate::plan::{BootStep, Clock, Plan};

/// One try at a boot, as far as it decides about what is run next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Try {
    /// The boot's number in the plan.
    pub number: u32,
    /// When it was started.
    pub started: Timestamp,
    /// How it ended.
    pub ended: Ended,
}

/// How a try ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// QEMU or the host failed, or the lab ended before the boot did.
    Lost,
    /// With a report, while the host was busy with other things.
    Disturbed,
    /// With a report.
    Finished,
    /// The kernel broke or hung: a result, whatever the host did.
    Bad,
}

impl Try {
    /// What a record says.
    pub fn of(record: &Record) -> Self {
        let ended = match &record.outcome {
            Outcome::Lost { .. } => Ended::Lost,
            Outcome::Broken { .. } | Outcome::Hung { .. } => Ended::Bad,
            Outcome::Finished if record.is_disturbed() => Ended::Disturbed,
            Outcome::Finished => Ended::Finished,
        };
        // A record that was read is one that the lab wrote.
        let started = record.started.parse().unwrap_or(Timestamp::UNIX_EPOCH);
        Try { number: record.boot.number, started, ended }
    }
}

/// Whether of two tries at one boot `new` counts: a result before a lost boot, an undisturbed one before a disturbed
/// one; then the later of two, but the first of two disturbed ones.
pub fn counts_before(new: &Record, old: &Record) -> bool {
    let rank = |record: &Record| match Try::of(record).ended {
        Ended::Lost => (0, Reverse(0), record.attempt),
        Ended::Disturbed => (1, Reverse(record.attempt), 0),
        Ended::Finished | Ended::Bad => (2, Reverse(0), record.attempt),
    };
    rank(new) > rank(old)
}

/// The boots of a plan that have no result yet, in its order.
pub fn missing<'a>(plan: &'a Plan, tries: &[Try]) -> Vec<&'a BootStep> {
    plan.boots.iter().filter(|step| results(step, tries).next().is_none()).collect()
}

/// The boot to be run next, but for the numbers in `given_up`; none if there is no more to do.
///
/// - A boot without a result, in the order of the plan.
/// - With the wall clock, a boot whose only result was disturbed, once more.
/// - With the wall clock, what a boot that was lost at first is compared with: the baseline's boot of the same
///   repetition and scenario, if it ran before the loss, so that the two stand next to each other again. If the lost
///   one is the baseline's, all boots of that repetition and scenario that ran before the loss.
///
/// Warm-up boots are run until they have a result, whatever it is.
pub fn due<'a>(plan: &'a Plan, tries: &[Try], given_up: &BTreeSet<u32>) -> Option<&'a BootStep> {
    let is_due = |step: &&BootStep| {
        if given_up.contains(&step.number) {
            return false;
        }
        let mut results = results(step, tries);
        let Some(first) = results.next() else { return true };
        if plan.machine.clock == Clock::Virtual || step.is_warm_up() {
            return false;
        }
        let only_disturbed = first.ended == Ended::Disturbed && results.next().is_none();
        only_disturbed || lost_its_pair(plan, step, tries)
    };
    plan.boots.iter().find(is_due)
}

fn results<'a>(step: &BootStep, tries: &'a [Try]) -> impl Iterator<Item = &'a Try> {
    let number = step.number;
    tries.iter().filter(move |tried| tried.number == number && tried.ended != Ended::Lost)
}

/// Whether the boot it is compared with was lost after it ran, and has a result since.
fn lost_its_pair(plan: &Plan, step: &BootStep, tries: &[Try]) -> bool {
    // A kernel that broke is not asked again.
    if results(step, tries).any(|tried| tried.ended == Ended::Bad) {
        return false;
    }
    let Some(last) = results(step, tries).map(|tried| tried.started).max() else { return false };
    plan.boots.iter().filter(|other| are_a_pair(plan, step, other)).any(|other| {
        let Some(first) = results(other, tries).map(|tried| tried.started).min() else { return false };
        let losses = tries.iter().filter(|tried| tried.number == other.number && tried.ended == Ended::Lost);
        losses.into_iter().any(|lost| last < lost.started && lost.started < first)
    })
}

fn are_a_pair(plan: &Plan, a: &BootStep, b: &BootStep) -> bool {
    let place = |step: &BootStep| (step.repetition, step.scenario.clone(), step.is_warm_up());
    let is_baseline = |step: &BootStep| step.variant == plan.baseline;
    place(a) == place(b) && is_baseline(a) != is_baseline(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::quiet::HostState;
    use crate::fixtures::{campaign, two_arms};
    use crate::plan::{MachineSettings, Variant};

    /// `B` is the baseline: `B1 C1 D1 D2 C2 B2`, after a pair of warm-ups with the wall clock, numbers 1 to 8.
    fn plan(clock: Clock) -> Plan {
        let plan = campaign(clock, &two_arms()).file.plan;
        let name = |name: &str| Variant { name: name.to_owned(), ..plan.variants[0].clone() };
        let machine = MachineSettings { clock, warm_up_pairs: 1, ..plan.machine };
        let variants = ["B", "C", "D"].map(name).to_vec();
        let mut plan = Plan { variants, baseline: "B".to_owned(), machine, ..plan };
        // The seed that leaves the order of the plan.
        plan = (0..100).map(|seed| Plan { seed, ..plan.clone() }.with_repetitions(2)).find(in_order).unwrap();
        plan
    }

    fn in_order(plan: &Plan) -> bool {
        let variants: String = plan.boots.iter().map(|step| step.variant.as_str()).collect();
        variants.ends_with("BCDDCB") || variants == "BCDBCDDCB"
    }

    fn ended(letter: char) -> Ended {
        match letter {
            'l' => Ended::Lost,
            'd' => Ended::Disturbed,
            'f' => Ended::Finished,
            _ => Ended::Bad,
        }
    }

    fn tried(tries: &[Try], number: u32, letter: char) -> Try {
        let started = Timestamp::from_second(tries.len() as i64 + 1).unwrap();
        Try { number, started, ended: ended(letter) }
    }

    /// The numbers of the boots that are run, with how they end: by `script`, and well after it.
    fn played(clock: Clock, given_up: &[u32], script: &str) -> String {
        let (plan, given_up) = (plan(clock), given_up.iter().copied().collect());
        let mut tries = Vec::new();
        let mut letters = script.chars();
        let mut shown = String::new();
        while let Some(step) = due(&plan, &tries, &given_up) {
            let letter = letters.next().unwrap_or('f');
            tries.push(tried(&tries, step.number, letter));
            shown += &format!("{}{letter} ", step.number);
            assert!(tries.len() < 40, "no end: {shown}");
        }
        shown.trim_end().to_owned()
    }

    #[test]
    fn what_is_run_next() {
        for (script, expected) in [
            ("", "1f 2f 3f 4f 5f 6f 7f 8f"),
            // Warm-ups need a result and no more.
            ("ld", "1l 1d 2f 3f 4f 5f 6f 7f 8f"),
            // A disturbed boot is run once more, and not twice.
            ("ffd", "1f 2f 3d 3f 4f 5f 6f 7f 8f"),
            ("ffdd", "1f 2f 3d 3d 4f 5f 6f 7f 8f"),
            ("ffdlf", "1f 2f 3d 3l 3f 4f 5f 6f 7f 8f"),
            ("ffdb", "1f 2f 3d 3b 4f 5f 6f 7f 8f"),
            // The baseline's boot stands beside the second try at the one that was lost.
            ("ffffl", "1f 2f 3f 4f 5l 5f 3f 6f 7f 8f"),
            ("fffflll", "1f 2f 3f 4f 5l 5l 5l 5f 3f 6f 7f 8f"),
            // Two losses of one repetition, one after the other.
            ("fffl", "1f 2f 3f 4l 4f 3f 5f 6f 7f 8f"),
            ("ffflffl", "1f 2f 3f 4l 4f 3f 5l 5f 3f 6f 7f 8f"),
            // A loss of the second boot of a pair that was run for its sake brings no third.
            ("fffflfl", "1f 2f 3f 4f 5l 5f 3l 3f 6f 7f 8f"),
            // A baseline that comes later is not run twice; one that broke is not asked again.
            ("fffffl", "1f 2f 3f 4f 5f 6l 6f 7f 8f"),
            ("ffbfl", "1f 2f 3b 4f 5l 5f 6f 7f 8f"),
            // If the baseline's own boot was lost: all of the repetition that ran before it.
            ("fffffffl", "1f 2f 3f 4f 5f 6f 7f 8l 8f 6f 7f"),
            ("ffl", "1f 2f 3l 3f 4f 5f 6f 7f 8f"),
        ] {
            assert_eq!(played(Clock::Wall, &[], script), expected, "{script}");
        }
        assert_eq!(played(Clock::Wall, &[4], ""), "1f 2f 3f 5f 6f 7f 8f");
        // Without warm-ups, with one boot of each kernel that is repeated, and no boot depends on when another one ran.
        assert_eq!(played(Clock::Virtual, &[], "fflf"), "1f 2f 3l 3f 4f 5f 6f 7f 8f 9f");
        assert_eq!(played(Clock::Virtual, &[], "d"), "1d 2f 3f 4f 5f 6f 7f 8f 9f");
    }

    #[test]
    fn what_is_missing() {
        let plan = plan(Clock::Wall);
        let mut tries = Vec::new();
        for (number, letter) in [(1, 'f'), (2, 'l'), (3, 'd'), (4, 'b'), (5, 'l'), (5, 'f')] {
            tries.push(tried(&tries, number, letter));
        }
        let numbers: Vec<u32> = missing(&plan, &tries).iter().map(|step| step.number).collect();
        assert_eq!(numbers, [2, 6, 7, 8]);
    }

    #[test]
    fn which_try_counts() {
        let record = campaign(Clock::Wall, &two_arms()).boots[0].record.clone();
        let record = |attempt: u32, letter: char| {
            let reason = String::new();
            let outcome = match ended(letter) {
                Ended::Lost => Outcome::Lost { reason },
                Ended::Bad => Outcome::Broken { reason },
                Ended::Finished | Ended::Disturbed => Outcome::Finished,
            };
            let disturbed = if letter == 'd' { vec!["busy".to_owned()] } else { Vec::new() };
            let host = Some(HostState { disturbed, ..HostState::default() });
            Record { attempt, outcome, host, ..record.clone() }
        };
        for (tries, counting) in [
            ("lf", 2),
            ("fl", 1),
            ("ff", 2),
            ("dd", 1),
            ("df", 2),
            ("fd", 1),
            ("ld", 2),
            ("db", 2),
            ("dld", 1),
        ] {
            let records: Vec<Record> =
                (1..).zip(tries.chars()).map(|(n, letter)| record(n, letter)).collect();
            let best = records.iter().reduce(|old, new| if counts_before(new, old) { new } else { old });
            assert_eq!(best.map(|record| record.attempt), Some(counting), "{tries}");
        }
    }
}
