//! Suites: workloads that pass or fail and have no figure.

use lab_protocol::Tool;
use serde::Serialize;

use super::cells::{failure, wrong_data};
use super::{Failure, FailureKind, VariantSummary};
use crate::campaign::{BootData, Campaign};
use crate::evidence::outcome::Outcome;
use crate::evidence::output;
use crate::text::escape::escape_for_terminal;

/// One suite in one scenario.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SuiteRow {
    /// The scenario's name.
    pub scenario: String,
    /// The workload's name.
    pub workload: String,
    /// The tool.
    pub tool: Tool,
    /// One for each variant, in the order of [`Comparison::variants`](super::Comparison::variants).
    pub cells: Vec<SuiteCell>,
}

/// One variant at a suite.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SuiteCell {
    /// Boots in which it passed.
    pub passed: u32,
    /// Those in which it failed.
    pub failures: Vec<Failure>,
    /// Boots of the plan that never came to it.
    pub absent: u32,
}

impl SuiteCell {
    /// In words, e.g. `failed in 1 of 2 boots`.
    pub fn words(&self) -> String {
        let ran = self.passed as usize + self.failures.len();
        match (self.failures.len(), ran) {
            (_, 0) => "not run".to_owned(),
            (0, _) => "passed".to_owned(),
            (failed, ran) => format!("failed in {failed} of {ran} boots"),
        }
    }

    /// Whether there is nothing to say of it, or only of a part of its boots.
    pub(super) fn is_unknown(&self) -> bool {
        self.absent > 0
    }
}

impl SuiteRow {
    /// Whether the variant at this place fails where the baseline does not.
    pub(super) fn is_worse(&self, place: usize) -> bool {
        let failures = |place: usize| self.cells.get(place).map_or(0, |cell| cell.failures.len());
        failures(place) > 0 && failures(0) == 0
    }
}

/// One row for each scenario and suite of the plan, not for warm-up boots.
pub(super) fn rows(campaign: &Campaign, variants: &[VariantSummary]) -> Vec<SuiteRow> {
    let plan = &campaign.file.plan;
    let suites = || plan.workloads.iter().filter(|task| task.is_suite());
    let row = |scenario: &str, name: &str, tool| SuiteRow {
        scenario: scenario.to_owned(),
        workload: name.to_owned(),
        tool,
        cells: variants.iter().map(|variant| cell(campaign, scenario, &variant.name, name, tool)).collect(),
    };
    let scenarios = plan.scenarios.iter();
    scenarios.flat_map(|of| suites().map(|task| row(&of.name, &task.name, task.tool))).collect()
}

fn cell(campaign: &Campaign, scenario: &str, variant: &str, workload: &str, tool: Tool) -> SuiteCell {
    let steps = campaign.file.plan.boots.iter();
    let mut cell = SuiteCell { passed: 0, failures: Vec::new(), absent: 0 };
    for step in
        steps.filter(|step| step.variant == variant && step.scenario == scenario && !step.is_warm_up())
    {
        let boot = campaign.boots.iter().find(|boot| boot.record.boot == *step);
        match boot.and_then(|boot| verdict(boot, workload, tool)) {
            None => cell.absent += 1,
            Some(Ok(())) => cell.passed += 1,
            Some(Err((kind, reason))) => cell.failures.push(Failure { boot: step.number, kind, reason }),
        }
    }
    cell
}

/// Whether it passed in a boot, or why not; none if the boot never came to it.
fn verdict(boot: &BootData, name: &str, tool: Tool) -> Option<Result<(), (FailureKind, String)>> {
    if matches!(boot.record.outcome, Outcome::Lost { .. }) {
        return None;
    }
    let workload = boot.report.as_ref()?.workloads.iter().find(|workload| workload.name == name)?;
    if let Some(reason) = wrong_data(workload) {
        return Some(Err((FailureKind::WrongData, reason)));
    }
    if let Some(reason) = failure(workload) {
        return Some(Err((FailureKind::NotDone, reason)));
    }
    let passed = output::passed(tool, workload);
    let reason = |error| escape_for_terminal(&format!("{error:#}")).chars().take(200).collect();
    Some(passed.map_err(|error: anyhow::Error| (FailureKind::NotDone, reason(error))))
}
