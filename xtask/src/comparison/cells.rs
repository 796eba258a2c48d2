//! From reports to samples, with nothing dropped silently.

use lab_protocol::{EndOfProgram, RequestStats, ServiceTimes, StorageStats, WorkloadReport, WorkloadTask};

use super::statistics::{harmonic_mean, spread};
use super::{
    BootCounts, Cell, Evidence, Failure, Range, Row, Sample, ServiceEvidence, StorageEvidence, Trouble,
    VariantSummary, check,
};
use crate::campaign::Campaign;
use crate::klog::escape_for_terminal;
use crate::outcome::Outcome;
use crate::output;
use crate::plan::{Clock, Variant};
use crate::record::BootData;

/// The variants, the baseline first.
pub(super) fn variants(campaign: &Campaign) -> anyhow::Result<Vec<VariantSummary>> {
    let plan = &campaign.file.plan;
    let (baseline, others): (Vec<_>, Vec<_>) =
        plan.variants.iter().partition(|variant| variant.name == plan.baseline);
    baseline.into_iter().chain(others).map(|variant| summary(campaign, variant)).collect()
}

fn summary(campaign: &Campaign, variant: &Variant) -> anyhow::Result<VariantSummary> {
    let boots = check::boots_of(campaign, &variant.name)?;
    let mut counts = BootCounts::default();
    let mut troubles = Vec::new();
    for step in campaign.file.plan.boots.iter().filter(|step| step.variant == variant.name) {
        counts.planned += 1;
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

/// One row for each scenario and workload, cells in the order of `variants`, not yet judged.
pub(super) fn rows(campaign: &Campaign, variants: &[VariantSummary]) -> Vec<Row> {
    let plan = &campaign.file.plan;
    let row = |scenario: &str, task: &WorkloadTask| Row {
        scenario: scenario.to_owned(),
        workload: task.name.clone(),
        tool: task.tool,
        unit: output::unit(task.tool),
        cells: variants.iter().map(|variant| cell(campaign, &variant.name, scenario, task)).collect(),
    };
    let scenarios = plan.scenarios.iter();
    scenarios
        .flat_map(|scenario| plan.workloads.iter().map(|task| row(&scenario.name, task)).collect::<Vec<_>>())
        .collect()
}

fn cell(campaign: &Campaign, variant: &str, scenario: &str, task: &WorkloadTask) -> Cell {
    let is_of = |name: &str, of: &str| name == variant && of == scenario;
    let planned = campaign.file.plan.boots.iter().filter(|step| is_of(&step.variant, &step.scenario)).count();
    let mut boots: Vec<_> = campaign
        .boots
        .iter()
        .filter(|boot| is_of(&boot.record.boot.variant, &boot.record.boot.scenario))
        .collect();
    boots.sort_by_key(|boot| boot.record.boot.number);
    let (mut samples, mut failures, mut stats) = (Vec::new(), Vec::new(), Vec::new());
    for boot in boots {
        let number = boot.record.boot.number;
        match workload(boot, task) {
            Found::Absent => {}
            Found::Failed(reason) => failures.push(Failure { boot: number, reason }),
            Found::Done(throughput, requests) => {
                samples.push(Sample {
                    boot: number,
                    phase_us: boot.record.boot.phase_us,
                    value: throughput.value,
                    bytes: throughput.bytes,
                });
                stats.extend(requests);
            }
        }
    }
    let values: Vec<_> = samples.iter().map(|sample| sample.value).collect();
    Cell {
        variant: variant.to_owned(),
        absent: planned.saturating_sub(samples.len() + failures.len()) as u32,
        mean: harmonic_mean(&values),
        spread: spread(&values),
        repeat: match campaign.file.plan.machine.clock {
            Clock::Virtual => repeat(&samples),
            Clock::Wall => None,
        },
        evidence: evidence(&stats),
        samples,
        failures,
        change: None,
    }
}

/// The largest spread among samples of one phase.
fn repeat(samples: &[Sample]) -> Option<f64> {
    let of_phase = |phase| {
        let alike = samples.iter().filter(|sample| sample.phase_us == phase);
        spread(&alike.map(|sample| sample.value).collect::<Vec<_>>())
    };
    samples.iter().filter_map(|sample| of_phase(sample.phase_us)).reduce(f64::max)
}

enum Found<'a> {
    /// The boot ended before, or has no report.
    Absent,
    /// It did not do its work, and why.
    Failed(String),
    /// What it measured and what the server saw.
    Done(output::Throughput, Option<&'a RequestStats>),
}

fn workload<'a>(boot: &'a BootData, task: &WorkloadTask) -> Found<'a> {
    // The report of a lost boot is not trusted, and the boot is run again.
    if matches!(boot.record.outcome, Outcome::Lost { .. }) {
        return Found::Absent;
    }
    let Some(report) = &boot.report else { return Found::Absent };
    let Some(workload) = report.workloads.iter().find(|workload| workload.name == task.name) else {
        let problem = report.problems.first().map(|problem| format!(": {}", escape_for_terminal(problem)));
        return Found::Failed(format!("was not run{}", problem.unwrap_or_default()));
    };
    if let Some(reason) = failure(workload) {
        return Found::Failed(reason);
    }
    match output::throughput(task.tool, output::figures(task.tool, workload)) {
        Ok(throughput) => Found::Done(throughput, workload.requests.as_ref()),
        Err(error) => Found::Failed(escape_for_terminal(&format!("{error:#}"))),
    }
}

/// How a program ended that did not end well, with its last words.
fn failure(workload: &WorkloadReport) -> Option<String> {
    let how = match &workload.end {
        EndOfProgram::Exit(0) => return None,
        EndOfProgram::Exit(code) => format!("exit code {code}"),
        EndOfProgram::Signal(signal) => format!("signal {signal}"),
        EndOfProgram::TimedOut => "did not end in time".to_owned(),
        EndOfProgram::Unkillable => "did not end in time and could not be killed".to_owned(),
        EndOfProgram::NotStarted(why) => format!("not started: {why}"),
    };
    let said = output::last_words(workload);
    let reason = if said.is_empty() { how } else { format!("{how}: {said}") };
    Some(escape_for_terminal(&reason).chars().take(200).collect())
}

fn evidence(stats: &[&RequestStats]) -> Option<Evidence> {
    let count = |stats: &RequestStats, name: &str| stats.by_operation.get(name).copied().unwrap_or(0);
    let largest = |stats: &RequestStats| {
        let sizes = stats.read_sizes.keys().chain(stats.write_sizes.keys());
        u64::from(sizes.copied().max().unwrap_or(0))
    };
    let counts = |of: &dyn Fn(&RequestStats) -> u64| range(stats.iter().map(|stats| of(stats)));
    let means: Option<Vec<u64>> = stats.iter().map(|stats| mean_service_ns(stats)).collect();
    Some(Evidence {
        requests: counts(&|stats| count(stats, "READ") + count(stats, "WRITE"))?,
        most_in_flight: counts(&|stats| u64::from(stats.most_in_flight))?,
        mean_in_flight: range(stats.iter().map(|stats| stats.mean_in_flight))?,
        span_ns: counts(&|stats| stats.span_ns)?,
        read_service: service(stats.iter().map(|stats| stats.read_service)),
        write_service: service(stats.iter().map(|stats| stats.write_service)),
        mean_service_ns: means.and_then(|means| range(means.into_iter())),
        largest_bytes: counts(&largest)?,
        out_of_order: counts(&|stats| stats.out_of_order)?,
        failed: counts(&|stats| stats.failed)?,
        storage: stats
            .iter()
            .map(|stats| stats.storage.as_ref())
            .collect::<Option<Vec<_>>>()
            .and_then(storage),
    })
}

fn storage(stats: Vec<&StorageStats>) -> Option<StorageEvidence> {
    let counts = |of: &dyn Fn(&StorageStats) -> u64| range(stats.iter().map(|stats| of(stats)));
    // A workload that moved nothing has no operations either.
    let per_mib = |stats: &&StorageStats| stats.operations as f64 * MIB / (stats.bytes as f64).max(1.0);
    Some(StorageEvidence {
        operations: counts(&|stats| stats.operations)?,
        operations_per_mib: range(stats.iter().map(per_mib))?,
        merged: counts(&|stats| stats.merged)?,
        largest_bytes: counts(&|stats| stats.largest_bytes)?,
        most_at_once: counts(&|stats| u64::from(stats.most_at_once))?,
        out_of_order: counts(&|stats| stats.out_of_order)?,
    })
}

const MIB: f64 = 1_048_576.0;

/// None if there are no values.
fn range<T: Copy + PartialOrd>(values: impl Iterator<Item = T>) -> Option<Range<T>> {
    values.fold(None, |range, value| {
        let Range { least, most } = range.unwrap_or(Range { least: value, most: value });
        Some(Range {
            least: if value < least { value } else { least },
            most: if value > most { value } else { most },
        })
    })
}

/// None unless every boot has times.
fn service(times: impl Iterator<Item = Option<ServiceTimes>>) -> Option<ServiceEvidence> {
    let times: Vec<ServiceTimes> = times.collect::<Option<_>>()?;
    let of = |value: &dyn Fn(&ServiceTimes) -> u64| range(times.iter().map(value));
    Some(ServiceEvidence {
        mean_ns: of(&|times| times.mean_ns)?,
        min_ns: of(&|times| times.min_ns)?,
        p50_ns: of(&|times| times.p50_ns)?,
        p90_ns: of(&|times| times.p90_ns)?,
        p99_ns: of(&|times| times.p99_ns)?,
        max_ns: of(&|times| times.max_ns)?,
    })
}

/// The mean over READs and WRITEs.
fn mean_service_ns(stats: &RequestStats) -> Option<u64> {
    let times = || [stats.read_service, stats.write_service].into_iter().flatten();
    // A report may hold any numbers, even such as cannot be added.
    let sum = times()
        .fold(0, |sum: u128, times| sum.saturating_add(u128::from(times.mean_ns) * u128::from(times.count)));
    let count: u128 = times().map(|times| u128::from(times.count)).sum();
    u64::try_from(sum.checked_div(count)?).ok()
}
