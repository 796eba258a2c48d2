//! Whether a difference is one.

use serde::Serialize;

use super::statistics::{holm, mann_whitney_p, ratio_interval, smallest_visible_effect};
use super::{CLEAR_OF_SPREAD, Cell, FEWEST_WALL_BOOTS, REPEATABLE_SPREAD, Row, SIGNIFICANCE};
use crate::plan::Clock;

/// What a cell says against the baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Faster.
    Better,
    /// Slower.
    Worse,
    /// No difference larger than the threshold was found.
    Same,
    /// The workload failed, and in the baseline it did not.
    Failed,
    /// The workload failed in the baseline as well, or only there: nothing to compare with.
    BaselineFailed,
    /// Too few boots for any statement.
    NotEnoughData,
    /// Virtual clock: boots of one kernel differ by more than [`REPEATABLE_SPREAD`], and the kernels not by
    /// much more than that.
    NotRepeatable,
    /// The boots show neither a difference nor that there is none: the interval reaches from no change to one that
    /// would matter.
    Unclear,
    /// Wall clock: the same kernel under another label differs as well.
    Unreliable,
}

impl Verdict {
    /// A few words for tables.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Better => "better",
            Verdict::Worse => "worse",
            Verdict::Same => "same",
            Verdict::Failed => "failed",
            Verdict::BaselineFailed => "no baseline",
            Verdict::NotEnoughData => "too few",
            Verdict::NotRepeatable => "not repeatable",
            Verdict::Unclear => "unclear",
            Verdict::Unreliable => "unreliable",
        }
    }
}

/// A cell against the baseline's cell of its row.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Change {
    /// Mean by mean of the baseline; none if either is missing.
    pub ratio: Option<f64>,
    /// What it amounts to.
    pub verdict: Verdict,
    /// Virtual clock: whether the boots of both kernels repeat within [`REPEATABLE_SPREAD`].
    pub repeatable: Option<bool>,
    /// Wall clock: p of the exact two-sided Mann-Whitney test, corrected over all cells (Holm).
    pub p: Option<f64>,
    /// Wall clock: the 95 % interval of the ratio.
    pub interval: Option<(f64, f64)>,
    /// Wall clock: the smallest change that so many boots with such a spread can show, ratio minus one.
    pub smallest_visible: Option<f64>,
}

/// Fills in every [`Cell::change`]. `same_kernel`: the variants, by place, whose kernel is the baseline's own.
/// `smallest_effect`: the change that counts, as a share.
pub(super) fn judge(rows: &mut [Row], clock: Clock, same_kernel: &[bool], smallest_effect: f64) {
    for row in rows.iter_mut() {
        let [baseline, others @ ..] = &mut row.cells[..] else { continue };
        for cell in others {
            cell.change = Some(match clock {
                Clock::Virtual => on_virtual_clock(baseline, cell, smallest_effect),
                Clock::Wall => on_wall_clock(baseline, cell),
            });
        }
    }
    if clock == Clock::Wall {
        correct_for_all(rows, smallest_effect);
        doubt_by_same_kernel(rows, same_kernel);
    }
}

fn on_virtual_clock(baseline: &Cell, cell: &Cell, smallest_effect: f64) -> Change {
    let mut change = unjudged(baseline, cell);
    let (Some(ratio), Verdict::Same) = (change.ratio, change.verdict) else { return change };
    let (Some(left), Some(right)) = (baseline.spread, cell.spread) else {
        change.verdict = Verdict::NotEnoughData;
        return change;
    };
    let spread = left.max(right);
    let repeat = baseline.repeat.unwrap_or(0.0).max(cell.repeat.unwrap_or(0.0));
    let repeatable = repeat <= REPEATABLE_SPREAD;
    let noise = if repeatable { spread.max(smallest_effect) } else { spread * CLEAR_OF_SPREAD };
    change.repeatable = Some(repeatable);
    change.verdict = direction(ratio, noise);
    if change.verdict == Verdict::Same && !repeatable {
        change.verdict = Verdict::NotRepeatable;
    }
    change
}

fn on_wall_clock(baseline: &Cell, cell: &Cell) -> Change {
    let mut change = unjudged(baseline, cell);
    if change.verdict != Verdict::Same {
        return change;
    }
    let (left, right) = (values(baseline), values(cell));
    if left.len().min(right.len()) < FEWEST_WALL_BOOTS {
        change.verdict = Verdict::NotEnoughData;
        return change;
    }
    change.p = Some(mann_whitney_p(&left, &right));
    change.interval = ratio_interval(&left, &right);
    change.smallest_visible =
        [&left, &right].into_iter().filter_map(|values| smallest_visible_effect(values)).reduce(f64::max);
    change
}

/// The ratio, and `Same` if it can be judged at all.
fn unjudged(baseline: &Cell, cell: &Cell) -> Change {
    let verdict = match (baseline.failures.is_empty(), cell.failures.is_empty()) {
        (false, _) => Verdict::BaselineFailed,
        (true, false) => Verdict::Failed,
        (true, true) if baseline.mean.is_none() || cell.mean.is_none() => Verdict::NotEnoughData,
        (true, true) => Verdict::Same,
    };
    let ratio = baseline.mean.zip(cell.mean).map(|(baseline, mean)| mean / baseline);
    Change { ratio, verdict, repeatable: None, p: None, interval: None, smallest_visible: None }
}

fn values(cell: &Cell) -> Vec<f64> {
    cell.samples.iter().map(|sample| sample.value).collect()
}

/// Better or worse if the ratio lies further from one than `noise`, the same in both directions.
fn direction(ratio: f64, noise: f64) -> Verdict {
    if ratio > 1.0 + noise {
        Verdict::Better
    } else if ratio < 1.0 / (1.0 + noise) {
        Verdict::Worse
    } else {
        Verdict::Same
    }
}

/// Corrects each p for having looked at all cells, and decides by it.
fn correct_for_all(rows: &mut [Row], smallest_effect: f64) {
    let mut tested: Vec<&mut Change> = rows
        .iter_mut()
        .flat_map(|row| &mut row.cells)
        .filter_map(|cell| cell.change.as_mut())
        .filter(|change| change.p.is_some())
        .collect();
    let corrected = holm(&tested.iter().filter_map(|change| change.p).collect::<Vec<_>>());
    for (change, p) in tested.iter_mut().zip(corrected) {
        change.p = Some(p);
        let excludes_one = change.interval.is_some_and(|(low, high)| low > 1.0 || high < 1.0);
        if let Some(ratio) = change.ratio
            && p < SIGNIFICANCE
            && excludes_one
        {
            change.verdict = direction(ratio, smallest_effect);
        } else if !change.interval.is_some_and(|interval| is_no_change(interval, smallest_effect)) {
            change.verdict = Verdict::Unclear;
        }
    }
}

/// Whether everything that the interval allows is too small to count.
fn is_no_change((low, high): (f64, f64), smallest_effect: f64) -> bool {
    [low, high].into_iter().all(|ratio| direction(ratio, smallest_effect) == Verdict::Same)
}

/// If the baseline's kernel under another label differs from the baseline, nothing in that row can be believed
/// that does not differ by more.
fn doubt_by_same_kernel(rows: &mut [Row], same_kernel: &[bool]) {
    for row in rows {
        let size = |change: &Change| change.ratio.map_or(0.0, |ratio| ratio.ln().abs());
        let is_different = |change: &&Change| matches!(change.verdict, Verdict::Better | Verdict::Worse);
        let controls = row
            .cells
            .iter()
            .zip(same_kernel)
            .filter(|(_, same)| **same)
            .filter_map(|(cell, _)| cell.change.as_ref());
        let floor = controls.filter(is_different).map(size).fold(0.0, f64::max);
        for change in row.cells.iter_mut().filter_map(|cell| cell.change.as_mut()) {
            if is_different(&&*change) && size(change) <= floor {
                change.verdict = Verdict::Unreliable;
            }
        }
    }
}
