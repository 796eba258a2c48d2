//! From the records of a campaign to what the series do: pure, so that it can be repeated at any time.

pub mod across;
mod actions;
mod agreed;
mod beforehand;
mod behaviour;
mod came_to;
mod cells;
mod check;
mod conclusion;
mod doubts;
mod evidence;
pub mod fault_suite;
mod figures;
mod findings;
pub mod history;
mod judged;
mod messages;
pub mod mutants;
mod no_answer;
pub mod patches;
pub mod precision;
mod question;
pub mod replay;
pub mod self_test;
mod sources;
pub mod statistics;
mod steps;
mod suites;
pub(crate) mod sweep;
mod trouble;
mod turned;
mod unbuilt;
mod variant;
mod verdict;

use lab_protocol::Tool;
use serde::Serialize;

use crate::campaign::{Campaign, Host, Setup};
use crate::evidence::known::Known;
use crate::evidence::metric::{Metric, Thresholds};
use crate::plan;

pub use actions::ActionRow;
pub use beforehand::beforehand;
pub use behaviour::{Behaviour, NotProbed, ProbeCell, ProbeRow, ProbeVerdict, ProbedVariant, Seen};
pub(crate) use came_to::came_to;
pub use conclusion::{Conclusion, Status};
pub use evidence::{ServiceEvidence, StorageEvidence};
pub use findings::{FindingRow, Presence};
use judged::judged_rows;
pub use messages::MessageRow;
pub use no_answer::NoAnswer;
pub use question::Question;
pub use steps::{PatchEffect, RowDifference};
pub use suites::{SuiteCell, SuiteRow};
pub use sweep::Swept;
pub use trouble::{Failure, FailureKind, Trouble};
pub use variant::{BootCounts, VariantSummary};
use verdict::Rules;
pub use verdict::{Change, Verdict};

/// Pairs of samples below which a comparison with the virtual clock has no interval.
pub(crate) const FEWEST_PAIRS: usize = 2;

/// Boots per arm below which a wall-clock comparison cannot be significant: of 3 against 3 the smallest
/// two-sided p is 0.1.
pub(crate) const FEWEST_WALL_BOOTS: usize = 4;

/// Two-sided p below which a difference counts, after the correction over all cells that decide together (Holm).
pub(crate) const SIGNIFICANCE: f64 = 0.05;

/// The version of the form in which a comparison is written as JSON.
pub(crate) const SCHEMA: u32 = 2;

/// What a campaign says.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Comparison {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The campaign's folder.
    pub campaign: String,
    /// When it was begun, RFC 3339 in UTC.
    pub begun: String,
    /// The command that repeats it.
    pub command: String,
    /// The commit of the lab.
    pub lab_commit: String,
    /// The machine it ran on.
    pub host: Host,
    /// Why this accelerator was chosen.
    pub accelerator_reason: String,
    /// The plan's name.
    pub plan: String,
    /// The metrics that decide, in order: those of `rows`.
    pub metrics: Vec<Metric>,
    /// From which change on a difference counts, percent.
    pub thresholds: Thresholds,
    /// The variant that the others are compared with.
    pub baseline: String,
    /// What was equal in all boots; none if no boot has a record.
    pub setup: Option<Setup>,
    /// The scenarios, in the order of the plan.
    pub scenarios: Vec<plan::Scenario>,
    /// The kernels, the baseline first.
    pub variants: Vec<VariantSummary>,
    /// One for each scenario, workload and metric that decides: scenarios and workloads in the order of the plan. They are
    /// one family: with the wall clock, each p is corrected for all of their cells (those of the baseline's own kernel apart).
    pub rows: Vec<Row>,
    /// The same of all other metrics. They decide nothing, and each metric is a family of its own.
    pub other_metrics: Vec<Row>,
    /// One for each scenario and workload that passes or fails; these have no rows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub suites: Vec<SuiteRow>,
    /// The setting that the plan varies, with what is expected of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sweep: Option<Swept>,
    /// What the servers did by themselves; empty if no scenario has an action.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<ActionRow>,
    /// If a series is booted patch by patch: one for each patch, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<PatchEffect>,
    /// What the behaviour probes saw; none if nothing was probed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub behaviour: Option<Behaviour>,
    /// Findings in the kernel logs: those that the baseline does not have first, those that are known last.
    pub findings: Vec<FindingRow>,
    /// Why a stack among the findings has no lines of the source, and what gives them; none if all have them, or nobody has looked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_lines: Option<String>,
    /// What the plan lists as known and no boot has.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unused_known: Vec<Known>,
    /// Messages of level warning or worse that are new with a variant in each of its boots. They decide nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<MessageRow>,
    /// What the reader must know before believing any of it.
    pub doubts: Vec<String>,
    /// What follows.
    pub conclusion: Conclusion,
    /// What was asked.
    #[serde(skip)]
    pub question: Question,
}

/// One metric of one workload in one scenario.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Row {
    /// The scenario's name.
    pub scenario: String,
    /// The workload's name.
    pub workload: String,
    /// The load tool.
    pub tool: Tool,
    /// What was measured.
    pub metric: Metric,
    /// The unit of all values of the row; empty for counts.
    pub unit: &'static str,
    /// One for each variant, in the order of [`Comparison::variants`].
    pub cells: Vec<Cell>,
}

/// One variant in a row.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Cell {
    /// The variant's name.
    pub variant: String,
    /// One for each sample that gave one; with the wall clock a boot is a sample. What was taken again is not here.
    pub samples: Vec<Sample>,
    /// Why a boot gave no figure although the workload did its work; none if all gave one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_given: Option<String>,
    /// One for each boot whose workload failed.
    pub failures: Vec<Failure>,
    /// Boots of the plan.
    pub boots: u32,
    /// Those of them that never came to this workload.
    pub absent: u32,
    /// Mean of the samples: harmonic of rates, arithmetic of times and counts.
    pub mean: Option<f64>,
    /// Largest sample by smallest, minus one; none with fewer than two.
    pub spread: Option<f64>,
    /// By how much samples differ that were taken twice: with the virtual clock not at all. None if none was, and with the
    /// wall clock, where no two boots are alike.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeat: Option<Repeat>,
    /// What the server saw, over all boots; in the rows of the first metric that decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// Against the baseline; none for the baseline itself.
    pub change: Option<Change>,
}

impl Comparison {
    /// Whether scenarios are compared on one kernel, and not kernels.
    pub(crate) fn is_of_scenarios(&self) -> bool {
        self.variants.iter().any(|variant| variant.scenario.is_some())
    }
}

impl Cell {
    /// In how many boots bytes were wrong.
    pub(crate) fn wrong_data(&self) -> usize {
        self.failures.iter().filter(|failure| failure.kind == FailureKind::WrongData).count()
    }

    /// Whether its workload did its work and nobody measured the metric.
    pub(crate) fn is_not_given(&self) -> bool {
        self.samples.is_empty() && self.failures.is_empty() && self.not_given.is_some()
    }
}

/// The result of one sample: with the virtual clock of a workload that was run once, with the wall clock of a boot.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Sample {
    /// The boot's number in the plan.
    pub boot: u32,
    /// What it has in common with the same sample of other kernels.
    #[serde(flatten)]
    pub key: SampleKey,
    /// The figure, in the unit of the row.
    pub value: f64,
    /// Bytes that the tool transferred.
    pub bytes: u64,
    /// What disturbed the boot from outside. It counts all the same.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub disturbed: Vec<String>,
}

/// What makes samples of one workload and scenario alike: equal ones are perturbed in the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SampleKey {
    /// The phase at which the boot's workloads start at the earliest, microseconds.
    pub phase_us: u32,
    /// Which sample it is, from 1.
    pub number: u32,
}

/// A sample that was taken twice.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Repeat {
    /// The larger value by the smaller, minus one; of several samples the largest.
    pub spread: f64,
    /// The boots.
    pub boots: [u32; 2],
}

/// The smallest and the largest of several boots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct MinMax<T = u64> {
    /// The smallest.
    pub least: T,
    /// The largest.
    pub most: T,
}

/// What the server counted while the workload ran.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Evidence {
    /// READ and WRITE requests.
    pub requests: MinMax,
    /// The most of them that were in flight at one time.
    pub most_in_flight: MinMax,
    /// How many were in flight on average, from the first arrival to the last answer.
    pub mean_in_flight: MinMax<f64>,
    /// From the first arrival to the last answer, nanoseconds.
    pub span_ns: MinMax,
    /// How long READs took in the server; none if a boot had none.
    pub read_service: Option<ServiceEvidence>,
    /// How long WRITEs took in the server; none if a boot had none.
    pub write_service: Option<ServiceEvidence>,
    /// How long both took on average, nanoseconds; none if a boot had neither.
    pub mean_service_ns: Option<MinMax>,
    /// Bytes of the largest one.
    pub largest_bytes: MinMax,
    /// Those that did not start where the one before ended.
    pub out_of_order: MinMax,
    /// Those that were answered with an error.
    pub failed: MinMax,
    /// What the modelled storage did; none without a model.
    pub storage: Option<StorageEvidence>,
}

/// Compares the throughput of the boots of a campaign with that of its baseline.
///
/// # Errors
/// As [`answer`].
pub fn compare(campaign: &Campaign) -> anyhow::Result<Comparison> {
    answer(campaign, &Question::default())
}

/// Compares the boots of a campaign.
///
/// # Errors
/// If the records differ in more than the variant; names the first difference and both values. If the campaign has no
/// variant, scenario or workload of a name that is asked for.
pub fn answer(campaign: &Campaign, question: &Question) -> anyhow::Result<Comparison> {
    let unused_known = findings::unused(campaign);
    let stored = campaign;
    let turned = turned::turned(campaign, question);
    let (campaign, asked, arms) = match &turned {
        Some(turned) => (&turned.campaign, &turned.question, &turned.arms[..]),
        None => (campaign, question, &[][..]),
    };
    let campaign = &*asked.narrow(campaign)?;
    let setup = check::same_setup(campaign)?;
    let plan = &campaign.file.plan;
    let has_server = stored.file.plan.has_server();
    let (metrics, baseline) = (question.metrics(&stored.file.plan)?, asked.baseline(plan)?);
    let mut variants = cells::variants(campaign, &baseline)?;
    for variant in &mut variants {
        variant.scenario = arms.iter().find(|arm| arm.name == variant.name).cloned();
    }
    let same_kernel = check::same_kernel_as_baseline(&variants);
    let rules = Rules { clock: plan.machine.clock, thresholds: &plan.thresholds, same_kernel: &same_kernel };
    let (mut rows, mut other_metrics) = judged_rows(campaign, &variants, &metrics, rules);
    if turned.is_some() {
        turned::mark_not_given(&mut rows);
        turned::mark_not_given(&mut other_metrics);
    }
    let by_boot = findings::by_boot(campaign);
    let findings = findings::rows(campaign, &variants, &by_boot);
    let messages = messages::rows(campaign, &variants, &by_boot);
    // Against another variant than the one before the first patch there are no steps.
    let steps = match baseline == plan.baseline {
        true => steps::steps(&variants, &rows, &findings, rules),
        false => Vec::new(),
    };
    let behaviour = behaviour::behaviour(campaign, &variants, &same_kernel);
    let mut doubts = doubts::doubts(campaign, setup.as_ref(), &variants, &rows);
    doubts.extend(behaviour.iter().flat_map(|behaviour| behaviour::doubts(behaviour, &same_kernel)));
    let actions = actions::rows(campaign);
    doubts.extend(actions::doubts(&actions));
    let suites = suites::rows(campaign, &variants);
    let sweep = plan.sweep.as_ref().map(|sweep| sweep::swept(sweep, &rows, &plan.scenarios, &plan.workloads));
    let said = conclusion::Said {
        rows: &rows,
        sweep: plan.sweep.as_ref(),
        suites: &suites,
        findings: &findings,
        behaviour: behaviour.as_ref(),
    };
    let conclusion = conclusion::conclude(&variants, said, &campaign.damaged);
    Ok(Comparison {
        schema: SCHEMA,
        campaign: campaign.name.clone(),
        begun: campaign.file.begun.clone(),
        command: campaign.file.command.clone(),
        lab_commit: campaign.file.lab_commit.clone(),
        host: campaign.file.host.clone(),
        accelerator_reason: campaign.file.accelerator_reason.clone(),
        plan: plan.name.clone(),
        metrics,
        thresholds: match has_server {
            true => plan.thresholds.clone(),
            false => plan.thresholds.without_server(),
        },
        baseline,
        setup,
        scenarios: plan.scenarios.clone(),
        variants,
        rows,
        other_metrics,
        suites,
        sweep,
        actions,
        steps,
        behaviour,
        findings,
        no_lines: None,
        unused_known,
        messages,
        doubts,
        conclusion,
        question: question.clone(),
    })
}

#[cfg(test)]
pub mod tests;
