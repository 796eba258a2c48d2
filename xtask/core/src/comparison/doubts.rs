//! What must be said beside numbers: everything that speaks against believing them.

use std::collections::BTreeMap;

use super::beforehand::unfelt;
use super::check::same_kernel_as_baseline;
use super::statistics::smallest_p;
use super::{Cell, FEWEST_WALL_BOOTS, Row, SIGNIFICANCE, VariantSummary, Verdict, agreed, sources, unbuilt};
use crate::campaign::{BootData, Campaign, Setup};
use crate::evidence::metric::Metric;
use crate::evidence::outcome::Outcome;
use crate::plan::Clock;
use crate::text::escape::escape_for_terminal;

/// Everything that a reader must know before believing a number, most important first.
pub(super) fn doubts(
    campaign: &Campaign,
    setup: Option<&Setup>,
    variants: &[VariantSummary],
    rows: &[Row],
) -> Vec<String> {
    let mut doubts = unbuilt::doubts(campaign);
    doubts.extend(sources::doubts(campaign, variants));
    doubts.extend(equal_kernels(variants));
    doubts.extend(unfelt(&campaign.file.plan));
    doubts.extend(campaign.damaged.iter().map(|damaged| format!("a record could not be read: {damaged}")));
    doubts.extend(judged_otherwise(campaign));
    if campaign.boots.is_empty() {
        doubts.push("no boot has a record".to_owned());
    }
    if let Some(setup) = setup
        && setup.clock == Clock::Wall
        && setup.accelerator == "tcg"
    {
        doubts
            .push("emulated: order of magnitude only (real time under TCG measures the emulator)".to_owned());
    }
    let controls = same_kernel_as_baseline(variants);
    match campaign.file.plan.machine.clock {
        Clock::Wall => {
            if !controls.contains(&true) {
                doubts.push(
                    "no arm boots the baseline's kernel a second time, so that the noise between labels is not known"
                        .to_owned(),
                );
            }
            doubts.extend(too_few(rows, &controls));
            doubts.extend(not_bound(campaign));
        }
        Clock::Virtual => {
            doubts.extend(setup.filter(|setup| setup.cpus > 1).map(shared_clock));
            doubts.extend(unrepeatable(rows));
            doubts.extend(unperturbed(campaign));
        }
    }
    doubts.extend(rows.iter().flat_map(|row| different_controls(row, &controls)));
    doubts.extend(disturbed(rows));
    let first = rows.first().map(|row| row.metric);
    doubts.extend(rows.iter().filter(|row| Some(row.metric) == first).filter_map(unequal_work));
    doubts.extend(agreed::doubts(campaign, variants));
    doubts
}

/// What the figures of several CPUs that take turns do not say.
fn shared_clock(setup: &Setup) -> String {
    format!(
        "{} CPUs take turns on one clock: speed gained by working in parallel is not in these figures, and CPU times count \
         the wait for a turn as well",
        setup.cpus
    )
}

/// Boots that the rules of this lab judge otherwise than those of the lab that ran them.
fn judged_otherwise(campaign: &Campaign) -> impl Iterator<Item = String> + '_ {
    campaign.boots.iter().filter_map(|boot| {
        let (recorded, step) = (boot.recorded.as_ref()?, &boot.record.boot);
        let why = |outcome: &Outcome| match outcome.reason() {
            "" => String::new(),
            reason => format!(" ({})", escape_for_terminal(reason)),
        };
        Some(format!(
            "boot {} ({}, {}) was recorded as {}{}; by the rules of this lab it is {}{}",
            step.number,
            step.variant,
            step.scenario,
            recorded.word(),
            why(recorded),
            boot.record.outcome.word(),
            why(&boot.record.outcome)
        ))
    })
}

/// Arms with one and the same kernel, each kernel once.
fn equal_kernels(variants: &[VariantSummary]) -> Vec<String> {
    let mut groups: Vec<Vec<&VariantSummary>> = Vec::new();
    for variant in variants {
        let Some(kernel) = &variant.kernel else { continue };
        let is_of = |group: &&mut Vec<&VariantSummary>| {
            group.iter().any(|other| {
                let same = other.kernel.as_ref().is_some_and(|it| it.bzimage_sha256 == kernel.bzimage_sha256);
                same && other.own() == variant.own()
            })
        };
        match groups.iter_mut().find(is_of) {
            Some(group) => group.push(variant),
            None => groups.push(vec![variant]),
        }
    }
    groups.iter().filter_map(|group| equal(group)).collect()
}

/// What is to be said of arms that have one kernel.
fn equal(group: &[&VariantSummary]) -> Option<String> {
    let (first, others) = group.split_first()?;
    let (last, middle) = others.split_last()?;
    let names: Vec<&str> = [first].into_iter().chain(middle).map(|variant| variant.name.as_str()).collect();
    let names = format!("{} and {}", names.join(", "), last.name);
    let is_again = |other: &&VariantSummary| other.series == first.series && other.prefix == first.prefix;
    Some(if others.iter().any(|other| sources::differ(first, other)) {
        format!(
            "THE KERNELS ARE EQUAL: {names} are the same bzImage, although their sources are not the same"
        )
    } else if others.iter().all(is_again) {
        let count = match group.len() {
            2 => "two".to_owned(),
            count => count.to_string(),
        };
        format!("{names} are the same kernel under {count} labels: what differs between them is noise")
    } else {
        let what = match group.iter().any(|variant| variant.prefix.is_some()) {
            true => "the patches between them",
            false => "their series",
        };
        format!("THE KERNELS ARE EQUAL: {names} are the same bzImage, so {what} change nothing that is built")
    })
}

/// With the wall clock: where no verdict is possible, whatever the figures.
fn too_few(rows: &[Row], controls: &[bool]) -> Option<String> {
    let changes = || rows.iter().flat_map(|row| &row.cells).filter_map(|cell| cell.change);
    if changes().any(|change| change.verdict == Verdict::NotEnoughData) {
        return Some(format!(
            "some kernels have fewer than {FEWEST_WALL_BOOTS} boots, which can never show a difference that chance does \
             not explain (of 3 against 3 the smallest p is 0.1): no verdict there"
        ));
    }
    let is_tested = |cell: &Cell| cell.change.is_some_and(|change| change.p.is_some());
    let of_row =
        |row: &Row| row.cells.iter().zip(controls).filter(|(cell, same)| !**same && is_tested(cell)).count();
    let cells: usize = rows.iter().map(of_row).sum();
    let smallest = |row: &Row| {
        let (baseline, others) = row.cells.split_first()?;
        let most = others.iter().map(|cell| cell.samples.len()).max()?;
        (!baseline.samples.is_empty())
            .then(|| (smallest_p(baseline.samples.len(), most), baseline.samples.len(), most))
    };
    let (p, left, right) = rows.iter().filter_map(smallest).min_by(|a, b| a.0.total_cmp(&b.0))?;
    (cells > 0 && p * cells as f64 >= SIGNIFICANCE).then(|| {
        format!(
            "{left} boots against {right} cannot show a difference: the smallest p is {p:.4}, and {cells} cells are looked \
             at, so that it is corrected to {:.2}: more boots, or fewer rows or variants, would tell",
            (p * cells as f64).min(1.0)
        )
    })
}

/// With the wall clock: boots whose QEMU had no CPUs of its own, a line for each reason.
fn not_bound(campaign: &Campaign) -> Vec<String> {
    let counts = |boot: &&BootData| {
        !boot.record.boot.is_warm_up() && !matches!(boot.record.outcome, Outcome::Lost { .. })
    };
    let boots: Vec<_> = campaign.boots.iter().filter(counts).collect();
    let mut by_reason: BTreeMap<&str, usize> = BTreeMap::new();
    let reasons = boots.iter().filter_map(|boot| boot.record.host.as_ref()?.not_pinned.as_deref());
    reasons.for_each(|why| *by_reason.entry(why).or_default() += 1);
    let text = |(why, count): (&str, usize)| {
        format!(
            "{count} of {} boots were not bound to CPUs of their own ({why}): the host may move them, and run others there",
            boots.len()
        )
    };
    by_reason.into_iter().map(text).collect()
}

/// The baseline's kernel under another label, where it differs.
fn different_controls<'a>(row: &'a Row, controls: &'a [bool]) -> impl Iterator<Item = String> + 'a {
    let different = row.cells.iter().zip(controls).filter(|(cell, is_control)| {
        **is_control && cell.change.is_some_and(|change| change.verdict == Verdict::Unreliable)
    });
    different.map(|(cell, _)| {
        let ratio = cell.change.and_then(|change| change.ratio).unwrap_or(1.0);
        format!(
            "{}, {}, {}: {}, the same kernel as {}, differs from it by {:+.1} %: a change that is no larger is not \
             believed",
            row.scenario,
            row.workload,
            row.metric.name(),
            cell.variant,
            row.cells[0].variant,
            (ratio - 1.0) * 100.0
        )
    })
}

/// Boots that something outside disturbed; they count all the same.
pub(super) fn disturbed(rows: &[Row]) -> Option<String> {
    let mut boots: BTreeMap<u32, &[String]> = BTreeMap::new();
    let samples = rows.iter().flat_map(|row| &row.cells).flat_map(|cell| &cell.samples);
    boots.extend(
        samples
            .filter(|sample| !sample.disturbed.is_empty())
            .map(|sample| (sample.boot, &sample.disturbed[..])),
    );
    let named: Vec<String> =
        boots.iter().map(|(boot, what)| format!("boot {boot} ({})", what.join(", "))).collect();
    (!named.is_empty()).then(|| {
        format!(
            "{} of the boots that are compared were disturbed from outside: {}",
            named.len(),
            named.join("; ")
        )
    })
}

/// With the virtual clock a boot is a function of its input.
fn unrepeatable(rows: &[Row]) -> Option<String> {
    let (spread, row, cell) = largest(rows, |_, cell| cell.repeat.map(|repeat| repeat.spread))?;
    let [first, second] = cell.repeat?.boots;
    (spread > 0.0).then(|| {
        format!(
            "samples of one kernel that were taken twice differ by up to {:.2} % ({}, boots {first} and {second}): with the virtual \
             clock and one CPU they should not differ at all",
            spread * 100.0,
            place(row, cell),
        )
    })
}

/// Samples that were all taken in the same way: what they repeat is one trajectory.
fn unperturbed(campaign: &Campaign) -> Option<String> {
    let plan = &campaign.file.plan;
    let measured = || plan.workloads.iter().filter(|workload| !workload.is_suite());
    let phases = || plan.boots.iter().map(|boot| boot.phase_us);
    let differ = phases().any(|phase| Some(phase) != phases().next());
    (measured().count() > 0 && plan.machine.phase_range_us == 0 && !differ).then(|| {
        "all samples start at the same phase of the timer tick: that they agree says that figures repeat, not that a change of \
         some percent is owed to the patches; set phase-range-us in lab.toml"
            .to_owned()
    })
}

/// The largest value of all cells, and where it is.
fn largest(rows: &[Row], of: impl Fn(&Row, &Cell) -> Option<f64>) -> Option<(f64, &Row, &Cell)> {
    let cells = rows.iter().flat_map(|row| row.cells.iter().map(move |cell| (row, cell)));
    cells.filter_map(|(row, cell)| Some((of(row, cell)?, row, cell))).max_by(|a, b| a.0.total_cmp(&b.0))
}

fn place(row: &Row, cell: &Cell) -> String {
    let metric = match row.metric == Metric::Throughput {
        true => String::new(),
        false => format!(", {}", row.metric.name()),
    };
    format!("{}, {}, {}{metric}", cell.variant, row.scenario, row.workload)
}

fn unequal_work(row: &Row) -> Option<String> {
    let mut bytes =
        row.cells.iter().flat_map(|cell| cell.samples.iter().map(move |sample| (sample.bytes, cell)));
    let first = bytes.next()?;
    let other = bytes.find(|other| other.0 != first.0)?;
    Some(format!(
        "{}, {}: {} transferred {} bytes and {} {}",
        row.scenario, row.workload, first.1.variant, first.0, other.1.variant, other.0
    ))
}
