//! Whether a probe speaks against a variant.

use super::{ProbeRow, ProbeVerdict, Seen};
use crate::evidence::probes::Standing;

/// What each variant's kernel is to the baseline's, in the order of the cells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kin<'a> {
    /// The same under another label.
    pub(super) same_kernel: &'a [bool],
    /// One of another source.
    pub(super) other_source: &'a [bool],
}

/// Fills in the verdict of every cell but the baseline's.
pub(super) fn judge(probes: &mut [ProbeRow], kin: Kin<'_>) {
    for row in probes {
        let baseline = of_baseline(row, kin.same_kernel);
        for (place, cell) in row.cells.iter_mut().enumerate().skip(1) {
            // A label of the baseline's kernel does not excuse itself: it is held against its own table.
            let is_other = |of: &&OfBaseline| of.variant != cell.variant;
            let others: Vec<&Seen> = baseline.iter().filter(is_other).map(|of| &of.seen).collect();
            let all: Vec<&Seen> = baseline.iter().map(|of| &of.seen).collect();
            let verdict = verdict(&cell.seen, &all, &others);
            // Nobody said that one version behaves like another.
            let is_excused = kin.other_source.get(place).copied().unwrap_or(false) && !cell.fails();
            cell.verdict = Some(if is_excused && verdict == ProbeVerdict::Unexpected {
                ProbeVerdict::UnlikeOtherSource
            } else {
                verdict
            });
        }
    }
}

/// What the baseline's kernel showed under one of its labels.
struct OfBaseline {
    variant: String,
    seen: Seen,
}

/// What the baseline's kernel showed, under any label: what it does only sometimes, it does.
fn of_baseline(row: &ProbeRow, same_kernel: &[bool]) -> Vec<OfBaseline> {
    let cells = row.cells.iter().enumerate();
    let of_kernel =
        cells.filter(|(place, _)| *place == 0 || same_kernel.get(*place).copied().unwrap_or(false));
    let seen = of_kernel.flat_map(|(_, cell)| cell.seen.iter().map(move |seen| (cell, seen.clone())));
    seen.map(|(cell, seen)| OfBaseline { variant: cell.variant.clone(), seen }).collect()
}

fn verdict(seen: &[Seen], baseline: &[&Seen], others: &[&Seen]) -> ProbeVerdict {
    let worst = seen.iter().map(|seen| one(seen, baseline, others)).max();
    match worst {
        Some(worst) => worst,
        None if baseline.is_empty() => ProbeVerdict::Same,
        None => ProbeVerdict::Unknown,
    }
}

fn one(seen: &Seen, baseline: &[&Seen], others: &[&Seen]) -> ProbeVerdict {
    let observation = &seen.observation;
    let is_like = |other: &&&Seen| observation.is_like(&other.observation);
    if observation.standing.is_failure() {
        // That the baseline does the same counts only if it fails by that: a variant that is said to be another kernel and
        // is not fails, although the baseline, which does the same, is right.
        let mut like = others.iter().filter(is_like);
        let is_known = like.any(|other| other.observation.standing.is_failure());
        return if is_known { ProbeVerdict::AlreadyInBaseline } else { ProbeVerdict::Unexpected };
    }
    if baseline.iter().any(|other| is_like(&other)) {
        return ProbeVerdict::Same;
    }
    let baseline_fails = baseline.iter().all(|other| other.observation.standing.is_failure());
    match observation.standing {
        // Also where the baseline came to nothing: it is right by itself.
        Standing::AsExpected if baseline.is_empty() => ProbeVerdict::Same,
        // A variant that mends the baseline is not blamed for being unlike it.
        _ if baseline_fails && !baseline.is_empty() => ProbeVerdict::OnlyInBaseline,
        Standing::AsExpected => ProbeVerdict::ExpectedDifference,
        // Nothing to hold it against.
        _ if baseline.is_empty() => ProbeVerdict::Unknown,
        Standing::NotStated | Standing::Otherwise | Standing::Fault | Standing::Unfinished => {
            ProbeVerdict::Unexpected
        }
    }
}
