//! The lab tested by itself: arms of one kernel, with nothing and with known slowdowns planted in the server. Whoever finds
//! what was planted, and nothing where nothing was, can be believed when it says something about a kernel.

mod judge;
mod predict;
#[cfg(test)]
mod tests;

use crate::campaign::Campaign;
use crate::comparison::{BootCounts, Cell, Change, Comparison, Status};
use crate::evidence::metric::Metric;
use crate::evidence::output;
use crate::plan::Clock;

pub use judge::Judgement;
pub use predict::{Prediction, Reach};

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
    /// What was planted in each READ and WRITE, nanoseconds; none where the arm is the baseline again.
    pub planted_ns: Option<u64>,
    /// What was to be found; none if the baseline has no figure.
    pub prediction: Option<Prediction>,
    /// What the comparison found.
    pub change: Option<Change>,
    /// The fewest boots of the two arms that gave a figure.
    pub boots: usize,
    /// The arm is the baseline again: whether their boots gave the same figures, one by one, and the server saw the same
    /// times to the nanosecond.
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
            let planted_ns = variant.planted_ns;
            let of_scenario = plan.scenarios.iter().find(|scenario| scenario.name == compared.scenario);
            let model = of_scenario.map(|scenario| &scenario.server.storage);
            let prediction = predict::baseline(base, output::unit(compared.tool))
                .map(|seen| predict::predict(seen, planted_ns.unwrap_or(0), plan.machine.cpus, model));
            rows.push(SelfTestRow {
                scenario: compared.scenario.clone(),
                workload: compared.workload.clone(),
                arm: cell.variant.clone(),
                planted_ns,
                prediction,
                change: cell.change,
                alike: planted_ns.is_none() && took_the_same(base, cell),
                boots: base.samples.len().min(cell.samples.len()),
                judgement: rules.judge(planted_ns, prediction, cell.change.as_ref()),
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

/// The tool's figures boot by boot, and what the server saw from the first request to the last answer.
fn took_the_same(base: &Cell, again: &Cell) -> bool {
    let Some((seen, seen_again)) = base.evidence.as_ref().zip(again.evidence.as_ref()) else { return false };
    let values = |cell: &Cell| cell.samples.iter().map(|sample| sample.value).collect::<Vec<_>>();
    seen.span_ns == seen_again.span_ns && values(base) == values(again)
}

impl SelfTest {
    /// 0: all is as it should be; 1: something is wrong; 2: it cannot be told.
    pub fn status(&self) -> Status {
        let any = |is: fn(&Judgement) -> bool| self.rows.iter().any(|row| is(&row.judgement));
        if any(|judgement| matches!(judgement, Judgement::Wrong(_))) {
            Status::Worse
        } else if any(|judgement| matches!(judgement, Judgement::CannotTell(_)))
            || self.troubled_boots > 0
            || self.rows.is_empty()
        {
            Status::CannotTell
        } else {
            Status::NoFinding
        }
    }
}
