//! Suites: workloads that pass or fail and have no figure.

use std::collections::BTreeSet;

use lab_protocol::{Tool, WorkloadReport, WorkloadTask};
use serde::Serialize;

use super::cells::{failure, wrong_data};
use super::{Failure, FailureKind, VariantSummary};
use crate::campaign::{BootData, Campaign};
use crate::evidence::outcome::Outcome;
use crate::evidence::output::{self, Passed};
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
    /// Of a suite that tells its cases: those that pass in each boot of the baseline, and not in each boot here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lost_cases: Vec<String>,
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
    /// Whether the variant at this place fails where the baseline does not: in the whole, or in a case.
    pub(super) fn is_worse(&self, place: usize) -> bool {
        let failures = |place: usize| self.cells.get(place).map_or(0, |cell| cell.failures.len());
        let has_lost = self.cells.get(place).is_some_and(|cell| !cell.lost_cases.is_empty());
        has_lost || failures(place) > 0 && failures(0) == 0
    }
}

/// One row for each scenario and suite of the plan, not for warm-up boots.
pub(super) fn rows(campaign: &Campaign, variants: &[VariantSummary]) -> Vec<SuiteRow> {
    let plan = &campaign.file.plan;
    let suites = || plan.workloads.iter().filter(|task| task.is_suite());
    let scenarios = plan.scenarios.iter();
    scenarios.flat_map(|of| suites().map(|task| row(campaign, &of.name, task, variants))).collect()
}

fn row(campaign: &Campaign, scenario: &str, task: &WorkloadTask, variants: &[VariantSummary]) -> SuiteRow {
    let mut baseline = None;
    let cell = |variant: &VariantSummary| {
        let boots = boots(campaign, scenario, &variant.name);
        let (mut cell, cases) = (cell(&boots, task), CasesOfBoots::of(&boots, task));
        let baseline: &CasesOfBoots = baseline.get_or_insert_with(|| cases.clone());
        cell.lost_cases = baseline.always_passed.intersection(&cases.not_passed).cloned().collect();
        cell
    };
    SuiteRow {
        scenario: scenario.to_owned(),
        workload: task.name.clone(),
        tool: task.tool,
        cells: variants.iter().map(cell).collect(),
    }
}

/// The boots of a variant in a scenario that count, by their numbers; none where one is missing.
fn boots<'a>(campaign: &'a Campaign, scenario: &str, variant: &str) -> Vec<(u32, Option<&'a BootData>)> {
    let steps = campaign.file.plan.boots.iter();
    let steps =
        steps.filter(|step| step.variant == variant && step.scenario == scenario && !step.is_warm_up());
    steps.map(|step| (step.number, campaign.boots.iter().find(|boot| boot.record.boot == *step))).collect()
}

fn cell(boots: &[(u32, Option<&BootData>)], task: &WorkloadTask) -> SuiteCell {
    let mut cell = SuiteCell { passed: 0, failures: Vec::new(), absent: 0, lost_cases: Vec::new() };
    for (number, boot) in boots {
        match boot.and_then(|boot| reported(boot, task)).map(|workload| verdict(workload, task)) {
            None => cell.absent += 1,
            Some(Ok(())) => cell.passed += 1,
            Some(Err((kind, reason))) => cell.failures.push(Failure { boot: *number, kind, reason }),
        }
    }
    cell
}

/// The cases of a suite over all boots of a variant that came to its end.
#[derive(Clone, Debug, Default)]
struct CasesOfBoots {
    always_passed: BTreeSet<String>,
    /// In one boot at least.
    not_passed: BTreeSet<String>,
}

impl CasesOfBoots {
    fn of(boots: &[(u32, Option<&BootData>)], task: &WorkloadTask) -> Self {
        let mut of = CasesOfBoots::default();
        let workloads = boots.iter().filter_map(|(_, boot)| reported((*boot)?, task));
        for cases in workloads.filter_map(|workload| output::cases(task.tool, workload)) {
            of.always_passed.extend(cases.that_passed(Passed::Yes).map(str::to_owned));
            of.not_passed.extend(cases.that_passed(Passed::No).map(str::to_owned));
        }
        of.always_passed = of.always_passed.difference(&of.not_passed).cloned().collect();
        of
    }
}

/// What a boot reports of the suite; none if it never came to it.
fn reported<'a>(boot: &'a BootData, task: &WorkloadTask) -> Option<&'a WorkloadReport> {
    if matches!(boot.record.outcome, Outcome::Lost { .. }) {
        return None;
    }
    boot.report.as_ref()?.workloads.iter().find(|workload| workload.name == task.name)
}

/// Whether it passed, or why not.
pub(super) fn verdict(workload: &WorkloadReport, task: &WorkloadTask) -> Result<(), (FailureKind, String)> {
    if let Some(reason) = wrong_data(workload) {
        return Err((FailureKind::WrongData, reason));
    }
    // Says more than the exit code.
    if let Some(reason) = output::surprise(task, workload) {
        return Err((FailureKind::NotDone, reason));
    }
    if let Some(reason) = failure(workload) {
        return Err((FailureKind::NotDone, reason));
    }
    let reason = |error| escape_for_terminal(&format!("{error:#}")).chars().take(200).collect();
    output::passed(task.tool, workload).map_err(|error: anyhow::Error| (FailureKind::NotDone, reason(error)))
}
