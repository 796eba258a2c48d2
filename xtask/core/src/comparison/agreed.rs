//! What server and kernel agreed on, where that speaks against the figures.

use std::collections::{BTreeMap, BTreeSet};

use lab_protocol::{ByTransport, Negotiated, Splicing};

use super::VariantSummary;
use crate::campaign::Campaign;
use crate::text::escape::escape_for_terminal;

/// What differs between kernels, what they did not give, and what went another way than it was to.
pub(super) fn doubts(campaign: &Campaign, variants: &[VariantSummary]) -> Vec<String> {
    let mut doubts = unequal_servers(variants);
    doubts.extend(refused(variants));
    let scenarios = || campaign.file.plan.scenarios.iter().map(|scenario| scenario.name.as_str());
    doubts.extend(scenarios().filter_map(|scenario| past_the_ring(campaign, scenario)));
    doubts.extend(scenarios().filter_map(|scenario| unspliced(campaign, scenario)));
    doubts
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
    let differ = facts(a).into_iter().zip(facts(b)).filter(|(a, b)| a != b);
    let mut parts: Vec<String> = differ.map(|((name, a), (_, b))| format!("{name} {a} / {b}")).collect();
    // Those that have a fact of their own are told already, and old reports do not tell of the others.
    let told = |name: &String| facts(a).iter().any(|(fact, _)| fact == name);
    if !a.flags_offered.is_empty() && !b.flags_offered.is_empty() {
        let only = |has: &[String], other: &[String], text: &str| -> Vec<String> {
            let names = has.iter().filter(|name| !other.contains(name) && !told(name));
            names.map(|name| format!("{name} {text}")).collect()
        };
        parts.extend(only(&a.flags_in_force, &b.flags_in_force, "in force / not"));
        parts.extend(only(&b.flags_in_force, &a.flags_in_force, "not in force / in force"));
    }
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

/// What scenarios want and no kernel of the campaign has: a line for each such thing. Where only some have it, that is a
/// difference between them, and told as one.
fn refused(variants: &[VariantSummary]) -> Vec<String> {
    let mut by_reason: BTreeMap<&str, (BTreeSet<&str>, Vec<&str>)> = BTreeMap::new();
    for variant in variants {
        for (scenario, agreed) in &variant.negotiated {
            for reason in agreed.refused.iter().filter(|reason| all_refuse(variants, scenario, reason)) {
                let (scenarios, names) = by_reason.entry(reason).or_default();
                scenarios.insert(scenario);
                if !names.contains(&variant.name.as_str()) {
                    names.push(&variant.name);
                }
            }
        }
    }
    let text = |(reason, (scenarios, names)): (&str, (BTreeSet<&str>, Vec<&str>))| {
        let scenarios: Vec<&str> = scenarios.into_iter().collect();
        format!(
            "{}: the server asked for what {} did not give: {}; these figures are without it",
            scenarios.join(", "),
            names.join(", "),
            escape_for_terminal(reason)
        )
    };
    by_reason.into_iter().map(text).collect()
}

/// Whether each kernel in a scenario refuses what this reason is about, which is its first word; each may have its own why.
fn all_refuse(variants: &[VariantSummary], scenario: &str, reason: &str) -> bool {
    let subject = |reason: &str| reason.split(' ').next().map(str::to_owned);
    let mut agreed =
        variants.iter().flat_map(|variant| &variant.negotiated).filter(|(name, _)| name == scenario);
    agreed.all(|(_, agreed)| agreed.refused.iter().any(|other| subject(other) == subject(reason)))
}

/// Requests of a scenario with io_uring that came from `/dev/fuse`, but for those that always do.
fn past_the_ring(campaign: &Campaign, scenario: &str) -> Option<String> {
    const ALWAYS: [&str; 3] = ["FORGET", "BATCH_FORGET", "INTERRUPT"];
    let (mut past, mut all) = (0, 0);
    for boot in campaign.boots.iter().filter(|boot| boot.record.boot.scenario == scenario) {
        let workloads = boot.report.iter().flat_map(|report| &report.workloads);
        for requests in workloads.filter_map(|workload| workload.requests.as_ref()) {
            let Some(ByTransport { ring, device, .. }) = requests.transport else { continue };
            let always = ALWAYS.iter().filter_map(|name| requests.by_operation.get(*name)).sum();
            past += device.saturating_sub(always);
            all += ring + device;
        }
    }
    (past > 0).then(|| {
        format!(
            "{scenario}: io_uring was asked for, but {past} of {all} requests came from /dev/fuse: these figures are not those \
             of io_uring alone"
        )
    })
}

/// Requests of a scenario that were to be spliced and could not be.
fn unspliced(campaign: &Campaign, scenario: &str) -> Option<String> {
    let (mut fell_back, mut all) = (0, 0);
    let mut variants: Vec<&str> = Vec::new();
    for boot in campaign.boots.iter().filter(|boot| boot.record.boot.scenario == scenario) {
        let workloads = boot.report.iter().flat_map(|report| &report.workloads);
        let ways = workloads.filter_map(|workload| workload.requests.as_ref()?.splicing);
        for Splicing { spliced, copied, fell_back: one } in ways {
            fell_back += one;
            all += spliced + copied + one;
            if one > 0 && !variants.contains(&boot.record.boot.variant.as_str()) {
                variants.push(&boot.record.boot.variant);
            }
        }
    }
    (fell_back > 0).then(|| {
        format!(
            "{scenario}: splicing was asked for, but {fell_back} of {all} READs and WRITEs could not be spliced and were copied \
             ({}): these figures are not those of splicing",
            variants.join(", ")
        )
    })
}
