//! How far the boots of a run are, for the terminal: how many of how many, which ones run, and how long the rest takes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use lab_core::campaign::{Record, Try, missing};
use lab_core::evidence::outcome::Outcome;
use lab_core::plan::{BootStep, Plan};

use super::TypicalTimes;
use crate::lab::output::progress::{At, Step};

/// The boots of a run.
pub(super) struct Going<'a> {
    plan: &'a Plan,
    side_by_side: u32,
    /// By variant and scenario, of earlier runs.
    earlier: &'a TypicalTimes,
    step: Step,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By number.
    done: BTreeSet<u32>,
    running: BTreeMap<u32, Instant>,
    /// Those of this run: the machine is as busy as it is now.
    own: TypicalTimes,
}

impl<'a> Going<'a> {
    /// Before the first of them, with what was tried in earlier runs.
    pub(super) fn new(plan: &'a Plan, tries: &[Try], side_by_side: u32, earlier: &'a TypicalTimes) -> Self {
        let missing: BTreeSet<u32> = missing(plan, tries).into_iter().map(|step| step.number).collect();
        let numbers = plan.boots.iter().map(|step| step.number);
        let done = numbers.filter(|number| !missing.contains(number)).collect();
        let state = Mutex::new(State { done, ..State::default() });
        Going { plan, side_by_side, earlier, step: Step::begin("boots"), state }
    }

    /// A boot, or another try at it, begins.
    pub(super) fn begins(&self, step: &BootStep) {
        self.change(|state| _ = state.running.insert(step.number, Instant::now()));
    }

    /// It has ended, or the user stopped it.
    pub(super) fn ends(&self, step: &BootStep, record: Option<&Record>) {
        self.change(|state| {
            state.running.remove(&step.number);
            if let Some(record) = record
                && !matches!(record.outcome, Outcome::Lost { .. })
            {
                state.done.insert(step.number);
                state.own.insert(kind(step), record.wall_s);
            }
        });
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        self.step.show(self.at(&state, Instant::now()));
    }

    fn at(&self, state: &State, now: Instant) -> At {
        let typical = |step: &BootStep| state.own.get(&kind(step)).or_else(|| self.earlier.get(&kind(step)));
        let undone = self.plan.boots.iter().filter(|step| !state.done.contains(&step.number));
        let rest: Vec<Rest> = undone
            .map(|step| Rest {
                typical_s: typical(step).copied(),
                passed_s: state
                    .running
                    .get(&step.number)
                    .map_or(0.0, |begun| now.saturating_duration_since(*begun).as_secs_f64()),
            })
            .collect();
        let is_running = |step: &&BootStep| state.running.contains_key(&step.number);
        let running = self.plan.boots.iter().filter(is_running);
        let names: Vec<String> = running
            .map(|step| format!("{} / {} #{}", step.variant, step.scenario, step.repetition))
            .collect();
        let (done, all) = (state.done.len(), self.plan.boots.len());
        At {
            share: Some((done as u64, all as u64)),
            left: left(&rest, self.side_by_side),
            text: format!("{done} of {all}: {}", names.join(", ")),
        }
    }
}

fn kind(step: &BootStep) -> (String, String) {
    (step.variant.clone(), step.scenario.clone())
}

/// A boot that is not done.
struct Rest {
    /// How long one like it takes; none if that is not known.
    typical_s: Option<f64>,
    /// How long it has run.
    passed_s: f64,
}

/// How long the others take, so many at a time. Those of which nothing is known take as long as the known ones on average; none if
/// nothing is known of any.
fn left(rest: &[Rest], side_by_side: u32) -> Option<Duration> {
    let known: Vec<f64> = rest.iter().filter_map(|rest| rest.typical_s).collect();
    if known.is_empty() {
        return None;
    }
    let mean = known.iter().sum::<f64>() / known.len() as f64;
    let times = rest.iter().map(|rest| (rest.typical_s.unwrap_or(mean) - rest.passed_s).max(0.0));
    let longest = times.clone().fold(0.0, f64::max);
    let even = times.sum::<f64>() / f64::from(side_by_side.max(1));
    Some(Duration::from_secs_f64(even.max(longest)))
}

#[cfg(test)]
mod tests {
    use lab_core::fixtures::{campaign, two_arms};
    use lab_core::plan::Clock;

    use super::*;

    #[test]
    fn what_is_left() {
        let check = |rest: &[(Option<f64>, f64)], side_by_side, expected: Option<f64>| {
            let rest: Vec<Rest> =
                rest.iter().map(|&(typical_s, passed_s)| Rest { typical_s, passed_s }).collect();
            assert_eq!(left(&rest, side_by_side).map(|left| left.as_secs_f64()), expected);
        };
        check(&[], 2, None);
        check(&[(None, 3.0)], 2, None);
        check(&[(Some(10.0), 0.0), (Some(20.0), 0.0), (Some(30.0), 0.0)], 1, Some(60.0));
        check(&[(Some(10.0), 0.0), (Some(20.0), 0.0), (Some(30.0), 0.0)], 2, Some(30.0));
        // The last one has nobody beside it.
        check(&[(Some(10.0), 4.0)], 2, Some(6.0));
        check(&[(Some(10.0), 12.0)], 2, Some(0.0));
        check(&[(Some(10.0), 0.0), (None, 0.0)], 1, Some(20.0));
    }

    /// The times of this run count before those of earlier ones, and a lost boot is not done.
    #[test]
    fn how_far_the_boots_are() {
        let built = campaign(Clock::Virtual, &two_arms());
        let (plan, record) = (&built.file.plan, &built.boots[0].record);
        let earlier: TypicalTimes = plan.boots.iter().map(|step| (kind(step), 100.0)).collect();
        let going = Going::new(plan, &[Try::of(record)], 1, &earlier);
        let at = || going.at(&going.state.lock().unwrap(), Instant::now());
        let (number, others) =
            (record.boot.number, plan.boots.iter().filter(|step| step.number != record.boot.number));
        let others: Vec<&BootStep> = others.collect();
        assert_eq!((at().share, others.len()), (Some((1, 4)), 3), "boot {number} is there");
        assert_eq!(at().left, Some(Duration::from_secs(300)));
        going.begins(others[0]);
        let name = format!("{} / {} #{}", others[0].variant, others[0].scenario, others[0].repetition);
        assert_eq!(at().text, format!("1 of 4: {name}"));
        let lost = Record { outcome: Outcome::Lost { reason: "test".to_owned() }, ..record.clone() };
        going.ends(others[0], Some(&lost));
        assert_eq!((at().share, at().text), (Some((1, 4)), "1 of 4: ".to_owned()));
        going.begins(others[0]);
        going.ends(others[0], Some(&Record { wall_s: 40.0, ..record.clone() }));
        let like = others[1..].iter().filter(|step| kind(step) == kind(others[0])).count() as u64;
        assert_eq!(at().share, Some((2, 4)));
        assert_eq!(at().left, Some(Duration::from_secs(40 * like + 100 * (2 - like))));
    }
}
