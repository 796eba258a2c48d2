//! From reports to samples, with nothing dropped silently.

use lab_protocol::{RequestStats, WorkloadReport, WorkloadTask};

use super::evidence::evidence;
use super::figures::Figures;
use super::statistics::{arithmetic_mean, harmonic_mean, spread};
use super::{BootCounts, Cell, Failure, FailureKind, Row, Sample, Trouble, VariantSummary, check};
use crate::campaign::{BootData, Campaign};
use crate::evidence::metric::{Averaging, Metric};
use crate::evidence::outcome::Outcome;
use crate::evidence::output;
use crate::plan::{BootStep, Clock, Variant};
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
    Ok(VariantSummary {
        name: variant.name.clone(),
        series: variant.series.clone(),
        prefix: variant.prefix.clone(),
        planted_ns: variant.planted_ns,
        kernel: boots.first().map(|boot| boot.record.kernel.clone()),
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
    let rows_of = |scenario: &str, task: &WorkloadTask| {
        let arms: Vec<CellResults> =
            variants.iter().map(|variant| arm(campaign, &variant.name, scenario, task)).collect();
        let row = |metric: Metric| Row {
            scenario: scenario.to_owned(),
            workload: task.name.clone(),
            tool: task.tool,
            metric,
            unit: metric.unit(task.tool),
            cells: variants
                .iter()
                .zip(&arms)
                .map(|(variant, arm)| Cell {
                    evidence: if metric == first { evidence(&arm.stats) } else { None },
                    ..cell(&variant.name, arm, metric, plan.machine.clock)
                })
                .collect(),
        };
        Metric::ALL.map(row)
    };
    let measured = || plan.workloads.iter().filter(|task| !task.is_suite());
    let scenarios = plan.scenarios.iter();
    scenarios.flat_map(|scenario| measured().flat_map(|task| rows_of(&scenario.name, task))).collect()
}

/// What the boots of a variant gave in a scenario for a workload.
struct CellResults<'a> {
    planned: usize,
    done: Vec<Done>,
    failures: Vec<Failure>,
    stats: Vec<&'a RequestStats>,
}

/// A boot whose workload did its work.
struct Done {
    boot: u32,
    phase_us: u32,
    bytes: u64,
    disturbed: Vec<String>,
    figures: Box<Figures>,
}

fn arm<'a>(campaign: &'a Campaign, variant: &str, scenario: &str, task: &WorkloadTask) -> CellResults<'a> {
    let is_of = |step: &BootStep| step.variant == variant && step.scenario == scenario && !step.is_warm_up();
    let planned = campaign.file.plan.boots.iter().filter(|step| is_of(step)).count();
    let mut boots: Vec<_> = campaign.boots.iter().filter(|boot| is_of(&boot.record.boot)).collect();
    boots.sort_by_key(|boot| boot.record.boot.number);
    let mut arm = CellResults { planned, done: Vec::new(), failures: Vec::new(), stats: Vec::new() };
    for boot in boots {
        let step = &boot.record.boot;
        match workload(boot, task) {
            Found::Absent => {}
            Found::Failed(kind, reason) => arm.failures.push(Failure { boot: step.number, reason, kind }),
            Found::Done(bytes, figures, requests) => {
                let disturbed = boot.record.disturbances();
                arm.done.push(Done { boot: step.number, phase_us: step.phase_us, bytes, disturbed, figures });
                arm.stats.extend(requests);
            }
        }
    }
    arm
}

fn cell(variant: &str, arm: &CellResults, metric: Metric, clock: Clock) -> Cell {
    let (mut samples, mut not_given) = (Vec::new(), None);
    for done in &arm.done {
        match done.figures.of(metric) {
            Ok(value) => samples.push(Sample {
                boot: done.boot,
                phase_us: done.phase_us,
                value,
                bytes: done.bytes,
                disturbed: done.disturbed.clone(),
            }),
            Err(why) => not_given = not_given.or(Some(why)),
        }
    }
    let values: Vec<_> = samples.iter().map(|sample| sample.value).collect();
    Cell {
        variant: variant.to_owned(),
        absent: arm.planned.saturating_sub(arm.done.len() + arm.failures.len()) as u32,
        mean: match metric.averaging() {
            Averaging::Harmonic => harmonic_mean(&values),
            Averaging::Arithmetic => arithmetic_mean(&values),
        },
        spread: spread(&values),
        repeat: match clock {
            Clock::Virtual => repeat(&samples).map(|(repeat, _)| repeat),
            Clock::Wall => None,
        },
        evidence: None,
        samples,
        not_given,
        failures: arm.failures.clone(),
        change: None,
    }
}

/// The largest spread among samples of one phase, and the phase.
pub(super) fn repeat(samples: &[Sample]) -> Option<(f64, u32)> {
    let of_phase = |phase| {
        let alike = samples.iter().filter(|sample| sample.phase_us == phase);
        Some((spread(&alike.map(|sample| sample.value).collect::<Vec<_>>())?, phase))
    };
    samples.iter().filter_map(|sample| of_phase(sample.phase_us)).reduce(|a, b| if b.0 > a.0 { b } else { a })
}

enum Found<'a> {
    /// The boot ended before, or has no report.
    Absent,
    /// It did not do its work, and why.
    Failed(FailureKind, String),
    /// The bytes that it transferred, what was measured, and what the server saw.
    Done(u64, Box<Figures>, Option<&'a RequestStats>),
}

fn workload<'a>(boot: &'a BootData, task: &WorkloadTask) -> Found<'a> {
    // The report of a lost boot is not trusted, and the boot is run again.
    if matches!(boot.record.outcome, Outcome::Lost { .. }) {
        return Found::Absent;
    }
    let Some(report) = &boot.report else { return Found::Absent };
    let Some(workload) = report.workloads.iter().find(|workload| workload.name == task.name) else {
        let problem = report.problems.first().map(|problem| format!(": {}", escape_for_terminal(problem)));
        return not_done(format!("was not run{}", problem.unwrap_or_default()));
    };
    // First of all: a program that reads wrong bytes may well end with an error because of them.
    if let Some(reason) = wrong_data(workload) {
        return Found::Failed(FailureKind::WrongData, reason);
    }
    if let Some(reason) = failure(workload) {
        return not_done(reason);
    }
    match output::throughput(task.tool, output::figures(task.tool, workload)) {
        Ok(throughput) => Found::Done(
            throughput.bytes,
            Box::new(Figures::new(task.tool, throughput, workload)),
            workload.requests.as_ref(),
        ),
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
