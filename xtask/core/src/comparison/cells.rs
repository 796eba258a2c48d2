//! From reports to samples, with nothing dropped silently.

use lab_protocol::{RequestStats, WorkloadReport, WorkloadTask};

use super::evidence::evidence;
use super::figures::Figures;
use super::statistics::{arithmetic_mean, harmonic_mean, spread};
use super::{
    BootCounts, Cell, Failure, FailureKind, Repeat, Row, Sample, SampleKey, Trouble, VariantSummary, check,
};
use crate::campaign::{BootData, Campaign};
use crate::evidence::metric::{Averaging, Metric};
use crate::evidence::outcome::Outcome;
use crate::evidence::output;
use crate::plan::{BootStep, Clock, Scenario, Variant};
use crate::text::escape::escape_for_terminal;

/// The longest text of a guest that is shown of a workload, characters.
const LONGEST_REASON: usize = 200;

/// The variants, the one that the others are compared with first.
pub(super) fn variants(campaign: &Campaign, baseline: &str) -> anyhow::Result<Vec<VariantSummary>> {
    let plan = &campaign.file.plan;
    let (baseline, others): (Vec<_>, Vec<_>) =
        plan.variants.iter().partition(|variant| variant.name == baseline);
    baseline.into_iter().chain(others).map(|variant| summary(campaign, variant)).collect()
}

fn summary(campaign: &Campaign, variant: &Variant) -> anyhow::Result<VariantSummary> {
    let boots = check::boots_of(campaign, &variant.name)?;
    let mut counts = BootCounts::default();
    let mut troubles = Vec::new();
    for step in campaign.file.plan.boots.iter().filter(|step| step.variant == variant.name) {
        counts.planned += 1;
        counts.warm_up += u32::from(step.is_warm_up());
        let boot = boots.iter().find(|boot| boot.record.boot == *step);
        let (outcome, reason) = match boot.map(|boot| &boot.record.outcome) {
            Some(outcome) => (outcome.word(), escape_for_terminal(outcome.reason())),
            None => ("missing", "no valid record".to_owned()),
        };
        match boot.map(|boot| &boot.record.outcome) {
            Some(Outcome::Finished) => counts.finished += 1,
            Some(Outcome::Broken { .. }) => counts.broken += 1,
            Some(Outcome::Hung { .. }) => counts.hung += 1,
            Some(Outcome::Lost { .. }) => counts.lost += 1,
            None => counts.missing += 1,
        }
        let mut note = |outcome, reason| {
            troubles.push(Trouble { boot: step.number, scenario: step.scenario.clone(), outcome, reason });
        };
        if outcome != Outcome::Finished.word() {
            note(outcome, reason);
        }
        for problem in boot.iter().filter_map(|boot| boot.report.as_ref()).flat_map(|report| &report.problems)
        {
            note("problem", escape_for_terminal(problem).chars().take(400).collect());
        }
    }
    let mut negotiated = Vec::new();
    for boot in &boots {
        let agreed = boot.report.as_ref().and_then(|report| report.negotiated.clone());
        let agreed = agreed.map(|agreed| (boot.record.boot.scenario.clone(), agreed));
        negotiated.extend(agreed.filter(|agreed| !negotiated.contains(agreed)));
    }
    let mut kernels = campaign.file.kernels.iter();
    Ok(VariantSummary {
        name: variant.name.clone(),
        series: variant.series.clone(),
        prefix: variant.prefix.clone(),
        planted: variant.planted(),
        placebo: variant.placebo.clone(),
        scenario: None,
        kernel: boots.first().map(|boot| boot.record.kernel.clone()),
        symbol_bytes: kernels.find(|of| of.variant == variant.name).and_then(|of| of.symbol_bytes),
        release: boots
            .iter()
            .find_map(|boot| boot.report.as_ref().map(|report| escape_for_terminal(&report.kernel_release))),
        boots: counts,
        troubles,
        negotiated,
    })
}

/// One row for each scenario, workload and metric, cells in the order of `variants`, not yet judged. Evidence is in the
/// row of the first metric that is asked about.
pub(super) fn rows(campaign: &Campaign, variants: &[VariantSummary], first: Metric) -> Vec<Row> {
    let plan = &campaign.file.plan;
    let is_arm_served =
        variants.iter().filter_map(|variant| variant.scenario.as_ref()).any(Scenario::is_served);
    let rows_of = |scenario: &Scenario, task: &WorkloadTask| {
        let arms: Vec<CellResults> =
            variants.iter().map(|variant| arm(campaign, &variant.name, &scenario.name, task)).collect();
        let row = |metric: Metric| Row {
            scenario: scenario.name.clone(),
            workload: task.name.clone(),
            tool: task.tool,
            metric,
            unit: if metric == Metric::Throughput {
                output::unit_of(task).name()
            } else {
                metric.unit(task.tool)
            },
            cells: variants
                .iter()
                .zip(&arms)
                .map(|(variant, arm)| Cell {
                    evidence: if metric == first { evidence(&arm.stats) } else { None },
                    ..cell(&variant.name, arm, metric, plan.machine.clock)
                })
                .zip(variants)
                .map(|(cell, variant)| without_server(cell, variant, metric))
                .collect(),
        };
        let metrics = Metric::ALL.into_iter();
        let is_served = is_arm_served || scenario.is_served();
        metrics.filter(|metric| is_served || !metric.is_of_server()).map(row).collect()
    };
    let measured = || plan.workloads.iter().filter(|task| !task.is_suite());
    let scenarios = plan.scenarios.iter();
    let rows_of: &dyn Fn(&Scenario, &WorkloadTask) -> Vec<Row> = &rows_of;
    scenarios.flat_map(|scenario| measured().flat_map(move |task| rows_of(scenario, task))).collect()
}

/// Where scenarios are compared and this one has no FUSE server, nothing of a server is zero: there is none.
fn without_server(cell: Cell, variant: &VariantSummary, metric: Metric) -> Cell {
    let has_none = variant.scenario.as_ref().is_some_and(|scenario| !scenario.is_served());
    if !has_none || !metric.is_of_server() {
        return cell;
    }
    let not_given = Some("there is no FUSE server".to_owned());
    Cell { samples: Vec::new(), mean: None, spread: None, repeat: None, not_given, ..cell }
}

/// What the boots of a variant gave in a scenario for a workload.
struct CellResults<'a> {
    boots: usize,
    absent: usize,
    done: Vec<Done>,
    failures: Vec<Failure>,
    stats: Vec<&'a RequestStats>,
}

/// A sample whose workload did its work.
struct Done {
    boot: u32,
    key: SampleKey,
    bytes: u64,
    disturbed: Vec<String>,
    figures: Box<Figures>,
}

fn arm<'a>(campaign: &'a Campaign, variant: &str, scenario: &str, task: &WorkloadTask) -> CellResults<'a> {
    let is_of = |step: &BootStep| step.variant == variant && step.scenario == scenario && !step.is_warm_up();
    let planned = campaign.file.plan.boots.iter().filter(|step| is_of(step)).count();
    let mut boots: Vec<_> = campaign.boots.iter().filter(|boot| is_of(&boot.record.boot)).collect();
    boots.sort_by_key(|boot| boot.record.boot.number);
    let mut arm = CellResults {
        boots: planned,
        absent: planned,
        done: Vec::new(),
        failures: Vec::new(),
        stats: Vec::new(),
    };
    for boot in boots {
        let step = &boot.record.boot;
        let found = samples(boot, task);
        arm.absent -= usize::from(!found.is_empty());
        let mut failure = None;
        for found in found {
            match found {
                // One for each boot: what fails in one sample fails in the next.
                Found::Failed(kind, reason) => {
                    failure = failure.or(Some(Failure { boot: step.number, reason, kind }));
                }
                Found::Done { sample, bytes, figures, requests } => {
                    let key = SampleKey { phase_us: step.phase_us, number: sample };
                    let disturbed = boot.record.disturbances();
                    arm.done.push(Done { boot: step.number, key, bytes, disturbed, figures });
                    arm.stats.extend(requests);
                }
            }
        }
        arm.failures.extend(failure);
    }
    arm
}

fn cell(variant: &str, arm: &CellResults, metric: Metric, clock: Clock) -> Cell {
    let (mut all, mut not_given) = (Vec::new(), None);
    for done in &arm.done {
        match done.figures.of(metric) {
            Ok(value) => all.push(Sample {
                boot: done.boot,
                key: done.key,
                value,
                bytes: done.bytes,
                disturbed: done.disturbed.clone(),
            }),
            Err(why) => not_given = not_given.or(Some(why)),
        }
    }
    let (samples, repeat) = match clock {
        Clock::Virtual => once_each(all),
        Clock::Wall => (all, None),
    };
    let values: Vec<_> = samples.iter().map(|sample| sample.value).collect();
    Cell {
        variant: variant.to_owned(),
        boots: arm.boots as u32,
        absent: arm.absent as u32,
        mean: match metric.averaging() {
            Averaging::Harmonic => harmonic_mean(&values),
            Averaging::Arithmetic => arithmetic_mean(&values),
        },
        spread: spread(&values),
        repeat,
        evidence: None,
        samples,
        not_given,
        failures: arm.failures.clone(),
        change: None,
    }
}

/// Each sample once, as it was taken first, and what those that were taken again say.
fn once_each(all: Vec<Sample>) -> (Vec<Sample>, Option<Repeat>) {
    let mut samples: Vec<Sample> = Vec::new();
    let mut repeat: Option<Repeat> = None;
    for sample in all {
        let Some(first) = samples.iter().find(|first| first.key == sample.key) else {
            samples.push(sample);
            continue;
        };
        let found = Repeat {
            spread: spread(&[first.value, sample.value]).unwrap_or(f64::INFINITY),
            boots: [first.boot, sample.boot],
        };
        repeat = Some(repeat.filter(|so_far| so_far.spread >= found.spread).unwrap_or(found));
    }
    (samples, repeat)
}

enum Found<'a> {
    /// It did not do its work, and why.
    Failed(FailureKind, String),
    /// It did.
    Done {
        /// Its number.
        sample: u32,
        /// What it transferred.
        bytes: u64,
        /// What was measured.
        figures: Box<Figures>,
        /// What the server saw.
        requests: Option<&'a RequestStats>,
    },
}

/// What a boot gave for a workload: nothing if it ended before or has no report.
fn samples<'a>(boot: &'a BootData, task: &WorkloadTask) -> Vec<Found<'a>> {
    // The report of a lost boot is not trusted, and the boot is run again.
    if matches!(boot.record.outcome, Outcome::Lost { .. }) {
        return Vec::new();
    }
    let Some(report) = &boot.report else { return Vec::new() };
    let found: Vec<_> = report
        .workloads
        .iter()
        .filter(|workload| workload.name == task.name)
        .map(|workload| sample(workload, task))
        .collect();
    if found.is_empty() {
        let problem = report.problems.first().map(|problem| format!(": {}", escape_for_terminal(problem)));
        return vec![not_done(format!("was not run{}", problem.unwrap_or_default()))];
    }
    found
}

fn sample<'a>(workload: &'a WorkloadReport, task: &WorkloadTask) -> Found<'a> {
    // First of all: a program that reads wrong bytes may well end with an error because of them.
    if let Some(reason) = wrong_data(workload) {
        return Found::Failed(FailureKind::WrongData, reason);
    }
    if let Some(reason) = failure(workload) {
        return not_done(reason);
    }
    match output::throughput(task.tool, output::figures(task.tool, workload)) {
        Ok(throughput) => Found::Done {
            sample: workload.sample,
            bytes: throughput.bytes,
            figures: Box::new(Figures::new(task.tool, throughput, workload)),
            requests: workload.requests.as_ref(),
        },
        Err(error) => not_done(escape_for_terminal(&format!("{error:#}"))),
    }
}

fn not_done<'a>(reason: String) -> Found<'a> {
    Found::Failed(FailureKind::NotDone, reason)
}

/// What is wrong about what a program did or saw; none if it ended well and its data were right.
pub(super) fn trouble(workload: &WorkloadReport) -> Option<String> {
    wrong_data(workload).or_else(|| failure(workload))
}

/// The first of the bytes that the check of its data found wrong.
pub(super) fn wrong_data(workload: &WorkloadReport) -> Option<String> {
    let [first, others @ ..] = &workload.data.as_ref()?.wrong[..] else { return None };
    let first: String = escape_for_terminal(first).chars().take(LONGEST_REASON).collect();
    let more = if others.is_empty() { String::new() } else { format!(" (and {} more)", others.len()) };
    Some(format!("wrong data: {first}{more}"))
}

/// How a program ended that did not end well, with its last words.
pub(super) fn failure(workload: &WorkloadReport) -> Option<String> {
    let how = output::bad_end(&workload.end)?;
    let said = output::last_words(workload);
    let reason = if said.is_empty() { how } else { format!("{how}: {said}") };
    Some(escape_for_terminal(&reason).chars().take(LONGEST_REASON).collect())
}
