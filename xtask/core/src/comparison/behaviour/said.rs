//! What must be said of probes beside their verdicts: what speaks against believing them.

use super::{Behaviour, ProbeCell, ProbedVariant};

/// What probes say of a variant against the baseline, as parts of a sentence.
pub(in crate::comparison) fn sentence_parts(
    variant: &ProbedVariant,
    probes: usize,
    baseline: &str,
) -> Vec<String> {
    let ProbedVariant { as_expected, expected_differences, unexpected, unknown, .. } = *variant;
    let ProbedVariant { already_in_baseline, only_in_baseline, like_baseline, unlike_other_source, .. } =
        *variant;
    if variant.planned > 0 && variant.probed == 0 {
        return vec!["NOT PROBED".to_owned()];
    }
    let of = |count: u32, text: &str| (count > 0).then(|| format!("{text} in {count} of {probes} probes"));
    let differences = match expected_differences {
        0 => String::new(),
        count => format!(", {count} of them unlike {baseline}"),
    };
    [
        of(unexpected, "UNEXPECTED behaviour"),
        of(as_expected, "behaves as expected").map(|text| text + &differences),
        of(like_baseline, &format!("behaves like {baseline}")),
        of(unlike_other_source, &format!("behaves unlike {baseline}, which is of another source,")),
        of(already_in_baseline, &format!("fails like {baseline}")),
        of(only_in_baseline, &format!("does not fail where {baseline} does")),
        of(unknown, "no statement possible"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Why probes say less than they should, or not always the same.
pub(in crate::comparison) fn doubts(behaviour: &Behaviour, same_kernel: &[bool]) -> Vec<String> {
    let mut doubts: Vec<String> = Vec::new();
    for variant in &behaviour.variants {
        doubts.extend(variant.not_probed.iter().map(|boot| {
            format!(
                "boot {} ({}) could not be probed to the end: {}",
                boot.boot, variant.variant, boot.reason
            )
        }));
    }
    doubts.extend(otherwise(behaviour));
    doubts.extend(varying(behaviour));
    doubts.extend(controls(behaviour, same_kernel));
    doubts
}

/// A baseline that is not what it is said to be.
fn otherwise(behaviour: &Behaviour) -> Option<String> {
    let baseline = behaviour.variants.first()?;
    let (count, probes) = (behaviour.baseline_otherwise(), behaviour.probes.len());
    let table = baseline.expected.as_deref().unwrap_or("the table");
    (count > 0).then(|| {
        format!(
            "the baseline {} does not behave as {table} says in {count} of {probes} probes: correct the table, or \
             `behaviour` of the variant in lab.toml; until then nothing follows from a difference there",
            baseline.variant
        )
    })
}

/// Probes of one kernel that did not see the same in all boots.
fn varying(behaviour: &Behaviour) -> Option<String> {
    let rows = || behaviour.probes.iter().map(|row| (row, row.cells.iter().filter(|cell| cell.is_varying())));
    let named: Vec<String> = rows()
        .flat_map(|(row, cells)| cells.map(move |cell| format!("{} of {}", row.name, cell.variant)))
        .collect();
    (!named.is_empty()).then(|| {
        format!(
            "boots of one kernel do not behave alike: {}; each probe counts by the worst of them",
            named.join(", ")
        )
    })
}

/// Probes that see a difference between the baseline and its own kernel under another label.
fn controls(behaviour: &Behaviour, same_kernel: &[bool]) -> Vec<String> {
    let mut doubts = Vec::new();
    for row in &behaviour.probes {
        let [baseline, others @ ..] = &row.cells[..] else { continue };
        for (cell, _) in others.iter().zip(&same_kernel[1..]).filter(|(_, same)| **same) {
            if !cell.seen.is_empty() && !baseline.seen.is_empty() && !is_like(cell, baseline) {
                doubts.push(format!(
                    "{}: {}, the same kernel as {}, does not behave like it: what either of them does counts as the \
                     baseline's",
                    row.name, cell.variant, baseline.variant
                ));
            }
        }
    }
    doubts
}

fn is_like(cell: &ProbeCell, baseline: &ProbeCell) -> bool {
    let known =
        |seen: &super::Seen| baseline.seen.iter().any(|other| seen.observation.is_like(&other.observation));
    cell.seen.iter().all(known)
}
