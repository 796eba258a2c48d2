//! A failing sequence is made shorter for as long as it fails in the same way.

use std::time::{Duration, Instant};

use super::conditions::Conditions;
use super::judge::judge;
use super::operation::{By, DrawnOperation, Step};
use super::sequence::Sequence;
use super::subject::Subject;
use super::violation::Violation;

/// The shortest that was found, and how it fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shrunk {
    pub(crate) sequence: Sequence,
    pub(crate) violation: Violation,
    /// How many sequences were run for it.
    pub(crate) runs: u32,
}

/// What shrinking may cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    /// The most runs.
    pub(crate) runs: u32,
    /// No run begins after this time. In the guest it is virtual time, and so the same in each boot.
    pub(crate) time: Duration,
}

struct Search<'a> {
    subject: &'a mut dyn Subject,
    best: Shrunk,
    budget: Budget,
    begin: Instant,
}

/// Drops steps, and then makes what is left simpler.
///
/// # Errors
/// If a sequence cannot be run.
pub(crate) fn shrink(
    subject: &mut dyn Subject,
    sequence: &Sequence,
    violation: Violation,
    budget: Budget,
) -> anyhow::Result<Shrunk> {
    let best = Shrunk { sequence: sequence.clone(), violation, runs: 0 };
    let mut search = Search { subject, best, budget, begin: Instant::now() };
    search.cut_tail()?;
    loop {
        let before = search.best.sequence.clone();
        search.drop_steps()?;
        search.simplify()?;
        if search.best.sequence == before || search.is_over() {
            return Ok(search.best);
        }
    }
}

impl Search<'_> {
    fn is_over(&self) -> bool {
        let Budget { runs, time } = self.budget;
        self.best.runs >= runs || self.begin.elapsed() >= time || !self.subject.can_go_on()
    }

    /// Whether this fails too; if so it is the best from now on.
    fn fails(&mut self, steps: Vec<Step>) -> anyhow::Result<bool> {
        if self.is_over() {
            return Ok(false);
        }
        self.best.runs += 1;
        let sequence = Sequence(steps);
        let history = self.subject.run(&sequence)?;
        match judge(&sequence, &history) {
            Some(violation) if violation.kind == self.best.violation.kind => {
                (self.best.sequence, self.best.violation) = (sequence, violation);
                Ok(true)
            }
            Some(_) | None => Ok(false),
        }
    }

    /// What came after the violation has no part in it, as a rule.
    fn cut_tail(&mut self) -> anyhow::Result<()> {
        let mut steps = self.best.sequence.0.clone();
        if self.best.violation.step + 1 < steps.len() {
            steps.truncate(self.best.violation.step + 1);
            self.fails(steps)?;
        }
        Ok(())
    }

    /// Leaves out parts, halves at first and single steps in the end (A. Zeller, R. Hildebrandt, "Simplifying and isolating
    /// failure-inducing input", IEEE TSE 28(2), 2002), from the end on: what is later depends on what is earlier.
    fn drop_steps(&mut self) -> anyhow::Result<()> {
        let mut part = self.best.sequence.0.len().div_ceil(2);
        while part > 0 {
            let mut end = self.best.sequence.0.len();
            while end > 0 && !self.is_over() {
                let begin = end.saturating_sub(part);
                let steps = &self.best.sequence.0;
                let left = steps.iter().take(begin).chain(steps.iter().skip(end)).cloned().collect();
                self.fails(left)?;
                end = begin;
            }
            part /= 2;
        }
        Ok(())
    }

    /// Makes single steps simpler, one thing after the other.
    fn simplify(&mut self) -> anyhow::Result<()> {
        for place in 0..self.best.sequence.0.len() {
            let mut change = 0;
            while let Some(step) = self.best.sequence.0.get(place).cloned() {
                let Some(simpler) = simpler(&step, change) else { break };
                let mut steps = self.best.sequence.0.clone();
                steps.splice(place..=place, [simpler.clone()]);
                // A change that helped may help once more: a half of a half.
                if simpler == step || !self.fails(steps)? {
                    change += 1;
                }
            }
        }
        Ok(())
    }
}

/// The step with one thing simpler; none if there is nothing of this number.
fn simpler(step: &Step, change: u32) -> Option<Step> {
    let operation = match step {
        Step::Behave(_) if change == 0 => return Some(Step::Behave(Conditions::PLAIN)),
        Step::DrawnOperation(operation) => *operation,
        Step::Behave(_) | Step::Reap(_) | Step::Wait | Step::Compare => return None,
    };
    let page = |bytes: u64| bytes / 4096 * 4096;
    let simpler = match change {
        0 => DrawnOperation { by: By::Main, ..operation },
        1 => DrawnOperation { pieces: 1, ..operation },
        2 => DrawnOperation { skew: 0, ..operation },
        3 => DrawnOperation { length: page(operation.length / 2), ..operation },
        4 => DrawnOperation { length: page(operation.length).max(512), ..operation },
        5 => DrawnOperation { at: page(operation.at), ..operation },
        _ => return None,
    };
    let is_nothing = simpler.action.has_range() && simpler.length == 0;
    let grows = simpler.length > operation.length;
    Some(Step::DrawnOperation(if is_nothing || grows { operation } else { simpler }))
}
