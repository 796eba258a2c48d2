//! What must hold before numbers are put side by side, and what must be said beside them.

use anyhow::{Context as _, bail};
use lab_protocol::Negotiated;
use serde_json::Value;

use super::{Cell, REPEATABLE_SPREAD, Row, SMALLEST_EFFECT, VariantSummary};
use crate::campaign::Campaign;
use crate::plan::Clock;
use crate::record::{BootData, Setup};

/// The setup of all boots.
///
/// # Errors
/// If two boots differ in it, or a record stands for a boot that the plan does not have.
pub(super) fn same_setup(campaign: &Campaign) -> anyhow::Result<Option<Setup>> {
    let Some(first) = campaign.boots.first() else { return Ok(None) };
    for boot in &campaign.boots {
        if !campaign.file.plan.boots.contains(&boot.record.boot) {
            bail!("comparing {}: the plan has no such boot as that of {}", campaign.name, boot.folder);
        }
        if let Some((name, left, right)) = first_difference(&first.record.setup, &boot.record.setup)? {
            bail!(
                "comparing {}: {name} is {left} in {} and {right} in {}; only boots that differ in nothing but the \
                 variant can be compared: run the plan again",
                campaign.name,
                first.folder,
                boot.folder,
            );
        }
    }
    Ok(Some(first.record.setup.clone()))
}

/// The first field in which two setups differ, with both values. Goes by the written form, so that no field is
/// forgotten.
fn first_difference(left: &Setup, right: &Setup) -> anyhow::Result<Option<(String, String, String)>> {
    let fields = |setup| match serde_json::to_value(setup).context("writing a setup") {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(other) => bail!("a setup is written as {other}"),
        Err(error) => Err(error),
    };
    let (left, right) = (fields(left)?, fields(right)?);
    let different = left.into_iter().find(|(name, value)| right.get(name) != Some(value));
    Ok(different.map(|(name, value)| {
        let other = right.get(&name).map(Value::to_string).unwrap_or_default();
        (name, value.to_string(), other)
    }))
}

/// The boots of one variant.
///
/// # Errors
/// If not all of them booted the same kernel.
pub(super) fn boots_of<'a>(campaign: &'a Campaign, variant: &str) -> anyhow::Result<Vec<&'a BootData>> {
    let boots: Vec<_> = campaign.boots.iter().filter(|boot| boot.record.boot.variant == variant).collect();
    if let [first, others @ ..] = &boots[..]
        && let Some(other) = others.iter().find(|other| other.record.kernel != first.record.kernel)
    {
        bail!(
            "comparing {}: {variant} is the kernel {} in {} and {} in {}; run the plan again",
            campaign.name,
            first.record.kernel.digest,
            first.folder,
            other.record.kernel.digest,
            other.folder,
        );
    }
    Ok(boots)
}

/// For each variant whether it is the baseline's kernel under another label; the first is the baseline itself.
pub(super) fn same_kernel_as_baseline(variants: &[VariantSummary]) -> Vec<bool> {
    let bzimage =
        |variant: &VariantSummary| variant.kernel.as_ref().map(|kernel| kernel.bzimage_sha256.clone());
    let baseline = variants.first().and_then(bzimage);
    // With something planted it is no control.
    let same = |variant: &VariantSummary| {
        baseline.is_some() && bzimage(variant) == baseline && variant.planted_ns.is_none()
    };
    variants.iter().enumerate().map(|(place, variant)| place > 0 && same(variant)).collect()
}

/// Everything that a reader must know before believing a number, most important first.
pub(super) fn doubts(
    campaign: &Campaign,
    setup: Option<&Setup>,
    variants: &[VariantSummary],
    rows: &[Row],
) -> Vec<String> {
    let mut doubts = equal_kernels(variants);
    doubts.extend(campaign.damaged.iter().map(|damaged| format!("a record could not be read: {damaged}")));
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
    if campaign.file.plan.machine.clock == Clock::Wall && !same_kernel_as_baseline(variants).contains(&true) {
        doubts.push(
            "no arm boots the baseline's kernel a second time, so that the noise between labels is not known"
                .to_owned(),
        );
    }
    if campaign.file.plan.machine.clock == Clock::Virtual {
        doubts.extend(unrepeatable(rows));
        doubts.extend(phases(rows));
    }
    doubts.extend(rows.iter().filter_map(unequal_work));
    doubts.extend(unequal_servers(variants));
    doubts
}

fn equal_kernels(variants: &[VariantSummary]) -> Vec<String> {
    let mut doubts = Vec::new();
    for (place, left) in variants.iter().enumerate() {
        for right in &variants[place + 1..] {
            let (Some(a), Some(b)) = (&left.kernel, &right.kernel) else { continue };
            if a.bzimage_sha256 != b.bzimage_sha256 || left.planted_ns != right.planted_ns {
                continue;
            }
            let names = format!("{} and {}", left.name, right.name);
            doubts.push(if left.series == right.series && left.prefix == right.prefix {
                format!("{names} are the same kernel under two labels: what differs between them is noise")
            } else {
                format!(
                    "THE KERNELS ARE EQUAL: {names} are the same bzImage, so {} change nothing that is built",
                    if right.prefix.is_some() { "the patches between them" } else { "their series" }
                )
            });
        }
    }
    doubts
}

fn unrepeatable(rows: &[Row]) -> Option<String> {
    let (repeat, place) = largest(rows, |cell| cell.repeat)?;
    (repeat > REPEATABLE_SPREAD).then(|| {
        format!(
            "boots of one kernel that started alike differ by up to {:.1} % ({place}): with the virtual clock they should not by more than {:.0} %",
            repeat * 100.0,
            REPEATABLE_SPREAD * 100.0,
        )
    })
}

/// What the virtual clock does not show by itself: how much of a figure is owed to the moment at which it started.
fn phases(rows: &[Row]) -> Option<String> {
    let samples = || rows.iter().flat_map(|row| &row.cells).flat_map(|cell| &cell.samples);
    let first = samples().next()?.phase_us;
    if samples().all(|sample| sample.phase_us == first) {
        return Some(
            "all boots started their workloads at the same phase of the timer tick: a spread near zero says that \
             figures repeat, not that a change of some percent is owed to the patches; --boots 6 tells"
                .to_owned(),
        );
    }
    let (spread, place) = largest(rows, |cell| cell.spread)?;
    (spread > SMALLEST_EFFECT).then(|| {
        format!(
            "the phase of the timer tick moves a figure by up to {:.1} % ({place}): a smaller change there says nothing",
            spread * 100.0
        )
    })
}

/// The largest value of all cells, and where it is.
fn largest(rows: &[Row], of: impl Fn(&Cell) -> Option<f64>) -> Option<(f64, String)> {
    let cells = rows.iter().flat_map(|row| row.cells.iter().map(move |cell| (row, cell)));
    let (value, row, cell) =
        cells.filter_map(|(row, cell)| Some((of(cell)?, row, cell))).max_by(|a, b| a.0.total_cmp(&b.0))?;
    Some((value, format!("{}, {}, {}", cell.variant, row.scenario, row.workload)))
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

/// What server and kernel agreed on otherwise than with the baseline: part of what a series does, but the reader has
/// to know of it. A line for all kernels and scenarios that differ in the same.
fn unequal_servers(variants: &[VariantSummary]) -> Vec<String> {
    let Some((baseline, others)) = variants.split_first() else { return Vec::new() };
    let mut by_scenarios: Vec<(String, Vec<&str>, Vec<&str>)> = Vec::new();
    for other in others {
        for (difference, scenarios) in differences(baseline, other) {
            let known = by_scenarios.iter_mut().find(|known| known.0 == difference && known.1 == scenarios);
            match known {
                Some((_, _, names)) => names.push(&other.name),
                None => by_scenarios.push((difference, scenarios, vec![&other.name])),
            }
        }
    }
    let text = |(difference, scenarios, names): (String, Vec<&str>, Vec<&str>)| {
        let (names, scenarios) = (names.join(", "), scenarios.join(", "));
        format!("{} and {names}: server and kernel agreed on {difference} ({scenarios})", baseline.name)
    };
    by_scenarios.into_iter().map(text).collect()
}

/// Each difference between what was agreed on with two kernels, and the scenarios that have it.
fn differences<'a>(baseline: &VariantSummary, other: &'a VariantSummary) -> Vec<(String, Vec<&'a str>)> {
    let mut found: Vec<(String, Vec<&str>)> = Vec::new();
    for (scenario, agreed) in &other.negotiated {
        let same_scenario = baseline.negotiated.iter().filter(|(name, _)| name == scenario);
        for difference in same_scenario.filter_map(|(_, expected)| difference(expected, agreed)) {
            match found.iter_mut().find(|(known, _)| *known == difference) {
                Some((_, scenarios)) if scenarios.contains(&scenario.as_str()) => {}
                Some((_, scenarios)) => scenarios.push(scenario),
                None => found.push((difference, vec![scenario])),
            }
        }
    }
    found
}

/// What differs, the baseline's value first.
fn difference(a: &Negotiated, b: &Negotiated) -> Option<String> {
    let parts: Vec<String> = facts(a)
        .into_iter()
        .zip(facts(b))
        .filter(|(a, b)| a != b)
        .map(|((name, a), (_, b))| format!("{name} {a} / {b}"))
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn facts(agreed: &Negotiated) -> [(&'static str, String); 10] {
    let feature = |offered, in_force| match (offered, in_force) {
        (_, true) => "in force".to_owned(),
        (true, false) => "offered, not asked for".to_owned(),
        (false, false) => "not offered".to_owned(),
    };
    let direct_io_allow_mmap =
        feature(agreed.direct_io_allow_mmap_offered, agreed.direct_io_allow_mmap_in_force);
    let direct_io = if agreed.direct_io_in_force { "set" } else { "not set" };
    [
        ("FUSE protocol", agreed.kernel_protocol.clone()),
        ("max_write", agreed.max_write.to_string()),
        ("max_readahead", agreed.max_readahead.to_string()),
        ("max_background", agreed.max_background.to_string()),
        ("congestion_threshold", agreed.congestion_threshold.to_string()),
        ("ASYNC_DIO", feature(agreed.async_dio_offered, agreed.async_dio_in_force)),
        ("FOPEN_DIRECT_IO", direct_io.to_owned()),
        ("DIRECT_IO_ALLOW_MMAP", direct_io_allow_mmap),
        ("AUTO_INVAL_DATA", feature(agreed.auto_inval_data_offered, agreed.auto_inval_data_in_force)),
        ("WRITEBACK_CACHE", feature(agreed.writeback_cache_offered, agreed.writeback_cache_in_force)),
    ]
}
