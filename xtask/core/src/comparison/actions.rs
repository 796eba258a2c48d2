//! What the servers did by themselves, and what came of it.

use std::collections::BTreeMap;

use lab_protocol::{ActionReport, ActionResult};
use serde::Serialize;

use super::MinMax;
use crate::campaign::Campaign;

/// One action of one scenario, in all runs of one workload with one variant.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ActionRow {
    /// The scenario's name.
    pub scenario: String,
    /// What is done when, in few words.
    pub action: String,
    /// The workload's name.
    pub workload: String,
    /// The variant's name.
    pub variant: String,
    /// Runs of the workload that told of it.
    pub runs: usize,
    /// When it was begun, nanoseconds since the counting began; none if it never was.
    pub begin_ns: Option<MinMax>,
    /// READs and WRITEs in flight then.
    pub in_flight: Option<MinMax>,
    /// What came of it, each with the number of runs.
    pub results: BTreeMap<String, usize>,
    /// Those of them that are not what was wanted.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub mishaps: BTreeMap<String, usize>,
}

/// In the order of the plan: scenarios, their actions, workloads, variants.
pub(super) fn rows(campaign: &Campaign) -> Vec<ActionRow> {
    let plan = &campaign.file.plan;
    let mut rows = Vec::new();
    for scenario in &plan.scenarios {
        let actions = scenario.server.iter().flat_map(|server| &server.actions);
        for (place, action) in actions.enumerate() {
            for workload in &plan.workloads {
                for variant in &plan.variants {
                    let reports = reports(campaign, [&scenario.name, &workload.name, &variant.name], place);
                    let names = [&scenario.name, &action.to_string(), &workload.name, &variant.name];
                    rows.extend((!reports.is_empty()).then(|| row(names.map(String::as_str), &reports)));
                }
            }
        }
    }
    rows
}

fn reports<'a>(
    campaign: &'a Campaign,
    [scenario, workload, variant]: [&str; 3],
    place: usize,
) -> Vec<&'a ActionReport> {
    let boots = campaign.boots.iter().filter(|boot| {
        let step = &boot.record.boot;
        step.scenario == scenario && step.variant == variant
    });
    let workloads = boots.flat_map(|boot| boot.report.iter().flat_map(|report| &report.workloads));
    let runs = workloads.filter(|run| run.name == workload);
    runs.filter_map(|run| run.requests.as_ref()?.actions.get(place)).collect()
}

fn row([scenario, action, workload, variant]: [&str; 4], reports: &[&ActionReport]) -> ActionRow {
    let begun = || reports.iter().filter_map(|report| Some((report.begin_ns?, report.in_flight)));
    let count = |of: &dyn Fn(&ActionResult) -> Option<String>| {
        let mut counts = BTreeMap::new();
        for text in reports.iter().filter_map(|report| of(&report.result)) {
            *counts.entry(text).or_default() += 1;
        }
        counts
    };
    ActionRow {
        scenario: scenario.to_owned(),
        action: action.to_owned(),
        workload: workload.to_owned(),
        variant: variant.to_owned(),
        runs: reports.len(),
        begin_ns: range(begun().map(|(begin_ns, _)| begin_ns)),
        in_flight: range(begun().map(|(_, in_flight)| in_flight.into())),
        results: count(&|result| Some(result.to_string())),
        mishaps: count(&ActionResult::mishap),
    }
}

/// None if there are no values.
fn range(values: impl Iterator<Item = u64> + Clone) -> Option<MinMax> {
    Some(MinMax { least: values.clone().min()?, most: values.max()? })
}

/// Actions that were not what was wanted: a line for each, of all workloads and variants.
pub(super) fn doubts(rows: &[ActionRow]) -> Vec<String> {
    let mut doubts = Vec::new();
    for same in rows.chunk_by(|a, b| (&a.scenario, &a.action) == (&b.scenario, &b.action)) {
        let bad: Vec<&ActionRow> = same.iter().filter(|row| !row.mishaps.is_empty()).collect();
        let Some(first) = bad.first() else { continue };
        let failed: usize = bad.iter().flat_map(|row| row.mishaps.values()).sum();
        let all: usize = same.iter().map(|row| row.runs).sum();
        let mut why: Vec<&str> = bad.iter().flat_map(|row| row.mishaps.keys()).map(String::as_str).collect();
        let mut places: Vec<String> =
            bad.iter().map(|row| format!("{} with {}", row.workload, row.variant)).collect();
        why.sort_unstable();
        why.dedup();
        places.dedup();
        doubts.push(format!(
            "{}: the action `{}` did not do what it was to do in {failed} of {all} runs ({}): {}",
            first.scenario,
            first.action,
            places.join(", "),
            why.join("; ")
        ));
    }
    doubts
}
