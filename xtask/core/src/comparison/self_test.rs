//! The lab tested by itself: arms of one kernel with nothing and with known slowdowns planted in server and storage, and
//! kernels with changes that mean nothing. Whoever finds what was planted, and nothing where nothing was, can be believed when
//! it says something about a kernel.

mod judge;
mod predict;
#[cfg(test)]
mod tests;

use super::statistics::{self, Method};
use super::verdict;
use crate::campaign::Campaign;
use crate::comparison::{BootCounts, Cell, Change, Comparison, Status};
use crate::evidence::metric::Metric;
use crate::evidence::output;
use crate::plan::{Clock, Planted};

pub use judge::Judgement;
pub use predict::{Prediction, Reach};

/// How much a placebo may do at most, nanoseconds in each request: the most instructions that one has.
const PLACEBO_NS: u64 = 64;

/// What a self-test came to.
#[derive(Clone, Debug)]
pub struct SelfTest {
    /// The campaign's folder.
    pub campaign: String,
    /// How guest time passed.
    pub clock: Clock,
    /// From which change on a difference counted, as a share.
    pub threshold: f64,
    /// Scenarios, in the order of the plan.
    pub scenarios: Vec<String>,
    /// One for each scenario, workload and arm but the first.
    pub rows: Vec<SelfTestRow>,
    /// Boots that were lost, broke, hung or have no record.
    pub troubled_boots: u32,
}

/// One arm against the baseline, in one workload of one scenario.
#[derive(Clone, Debug)]
pub struct SelfTestRow {
    /// The scenario's name.
    pub scenario: String,
    /// The workload's name.
    pub workload: String,
    /// The arm's name.
    pub arm: String,
    /// What was planted; none where the arm is the baseline again, or a placebo.
    pub planted: Option<Planted>,
    /// Whether its kernel has a change that means nothing.
    pub is_placebo: bool,
    /// What was to be found; none if the baseline has no figure.
    pub prediction: Option<Prediction>,
    /// What the comparison found.
    pub change: Option<Change>,
    /// By how much a placebo may move the figure at most, a share of it; zero of other arms.
    pub may_move: f64,
    /// With the virtual clock: the 95 % interval of the change by each method that gives one.
    pub intervals: Vec<(Method, (f64, f64))>,
    /// The fewest samples of the two arms; with the wall clock boots.
    pub samples: usize,
    /// Whether the boots of both arms gave the same figures, one by one, and the server saw the same times to the nanosecond.
    pub alike: bool,
    /// What the comparison should have found against what it found.
    pub judgement: Judgement,
}

/// Holds a comparison against what was planted; none if the campaign is no self-test.
pub fn check(campaign: &Campaign, comparison: &Comparison) -> Option<SelfTest> {
    let plan = &campaign.file.plan;
    if !plan.is_self_test() {
        return None;
    }
    let threshold = plan.thresholds.of(Metric::Throughput);
    let rules = judge::Expectation { clock: plan.machine.clock, threshold };
    let mut rows = Vec::new();
    for compared in &comparison.rows {
        let Some((base, others)) = compared.cells.split_first() else { continue };
        for (cell, variant) in others.iter().zip(&comparison.variants[1..]) {
            let (planted, is_placebo) = (variant.planted, variant.placebo.is_some());
            let of_scenario = plan.scenarios.iter().find(|scenario| scenario.name == compared.scenario);
            let seen = predict::baseline(base, output::unit(compared.tool));
            let server = of_scenario.and_then(|scenario| scenario.server.as_ref());
            let prediction = seen
                .zip(server)
                .map(|(seen, server)| predict::predict(seen, planted, plan.machine.cpus, &server.storage));
            let placebo = seen.zip(server).filter(|_| is_placebo).map(|(seen, server)| {
                let most = Some(Planted::WorkNs(PLACEBO_NS));
                1.0 - predict::predict(seen, most, plan.machine.cpus, &server.storage).ratio
            });
            rows.push(SelfTestRow {
                scenario: compared.scenario.clone(),
                workload: compared.workload.clone(),
                arm: cell.variant.clone(),
                planted,
                is_placebo,
                prediction,
                may_move: placebo.unwrap_or(0.0),
                change: cell.change,
                alike: took_the_same(base, cell),
                intervals: match plan.machine.clock {
                    Clock::Virtual => intervals(base, cell),
                    Clock::Wall => Vec::new(),
                },
                samples: base.samples.len().min(cell.samples.len()),
                judgement: rules.judge(planted, prediction, cell.change.as_ref()),
            });
        }
    }
    let troubled = |boots: &BootCounts| boots.planned - boots.finished;
    Some(SelfTest {
        campaign: comparison.campaign.clone(),
        clock: plan.machine.clock,
        threshold,
        scenarios: plan.scenarios.iter().map(|scenario| scenario.name.clone()).collect(),
        rows,
        troubled_boots: comparison.variants.iter().map(|variant| troubled(&variant.boots)).sum(),
    })
}

fn intervals(base: &Cell, cell: &Cell) -> Vec<(Method, (f64, f64))> {
    let ratios: Option<Vec<f64>> =
        verdict::pairs(base, cell).into_iter().map(|(left, right)| statistics::ratio(left, right)).collect();
    let Some(ratios) = ratios else { return Vec::new() };
    let found = |method| Some((method, statistics::interval(method, &ratios)?));
    Method::ALL.into_iter().filter_map(found).collect()
}

/// The tool's figures boot by boot, and what the server saw from the first request to the last answer.
fn took_the_same(base: &Cell, again: &Cell) -> bool {
    let Some((seen, seen_again)) = base.evidence.as_ref().zip(again.evidence.as_ref()) else { return false };
    let values = |cell: &Cell| cell.samples.iter().map(|sample| sample.value).collect::<Vec<_>>();
    seen.span_ns == seen_again.span_ns && values(base) == values(again)
}

impl SelfTestRow {
    /// The arm is the baseline again.
    pub(crate) fn is_again(&self) -> bool {
        self.planted.is_none() && !self.is_placebo
    }

    /// The lab saw a difference where a change means nothing.
    pub(crate) fn is_false_alarm(&self) -> bool {
        self.is_placebo && self.change.is_some_and(|change| change.verdict.is_difference())
    }

    /// It is not as it should be, and is no false alarm: of those some are bound to be.
    pub fn is_wrong(&self) -> bool {
        matches!(self.judgement, Judgement::Wrong(_)) && !self.is_false_alarm()
    }

    /// Whether what was planted must show: there is something, and it cannot hide.
    pub(crate) fn must_show(&self) -> bool {
        self.prediction.is_some_and(|prediction| prediction.reach == Reach::Whole && prediction.ratio != 1.0)
    }

    /// Whether the interval of a method has the true value in it: what was planted where all of it must show, nearly no change
    /// where there is nothing. None if neither is so, or there is no interval.
    pub(crate) fn covers(&self, method: Method) -> Option<bool> {
        let (low, high) = self.intervals.iter().find(|(by, _)| *by == method)?.1;
        let prediction = self.prediction.filter(|prediction| prediction.reach == Reach::Whole)?;
        // Equal boots have no spread that an interval could be made of.
        (!self.is_again())
            .then_some(low <= prediction.ratio + self.may_move && prediction.ratio - self.may_move <= high)
    }
}

impl SelfTest {
    /// Rows of placebos.
    pub fn placebos(&self) -> impl Iterator<Item = &SelfTestRow> {
        self.rows.iter().filter(|row| row.is_placebo)
    }

    /// Whether the lab saw a difference where there is none more often than an interval of 95 % may.
    pub(crate) fn has_too_many_alarms(&self) -> bool {
        self.placebos().filter(|row| row.is_false_alarm()).count() * 20 > self.placebos().count()
    }

    /// 0: all is as it should be; 1: something is wrong; 2: it cannot be told.
    pub fn status(&self) -> Status {
        let cannot_tell = |row: &SelfTestRow| matches!(row.judgement, Judgement::CannotTell(_));
        if self.rows.iter().any(SelfTestRow::is_wrong) || self.has_too_many_alarms() {
            Status::Worse
        } else if self.rows.iter().any(cannot_tell) || self.troubled_boots > 0 || self.rows.is_empty() {
            Status::CannotTell
        } else {
            Status::NoFinding
        }
    }
}
