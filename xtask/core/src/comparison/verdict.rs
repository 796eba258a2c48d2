//! Whether a difference is one.

use serde::Serialize;

use super::statistics::{
    PairedRatio, holm, mann_whitney_p, paired_ratio, ratio, ratio_estimate, ratio_interval,
    smallest_visible_effect,
};
use super::{Cell, FEWEST_PAIRS, FEWEST_WALL_BOOTS, Row, SIGNIFICANCE, Sample};
use crate::evidence::metric::{Direction, Thresholds};
use crate::plan::Clock;

/// What a cell says against the baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The metric moved to the side that is wanted: a higher throughput, a lower latency.
    Better,
    /// It moved to the other side.
    Worse,
    /// Of a metric with no side that is better: more.
    More,
    /// The same: less.
    Less,
    /// No difference larger than [`Change::limit`].
    Same,
    /// The workload failed, and in the baseline it did not.
    Failed,
    /// The workload read or wrote wrong bytes, and in the baseline it did not.
    WrongData,
    /// The workload failed in the baseline as well, or only there: nothing to compare with.
    BaselineFailed,
    /// Nobody measured it, see [`Cell::not_given`].
    NotGiven,
    /// Too few boots for any statement.
    NotEnoughData,
    /// The boots show neither a difference nor that there is none: the interval reaches from no change to one that would
    /// matter, or the change is no larger than what the baseline shows against itself.
    Unclear,
    /// The same kernel under another label differs as well, and by as much.
    Unreliable,
}

impl Verdict {
    /// A few words for tables.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Better => "better",
            Verdict::Worse => "worse",
            Verdict::More => "more",
            Verdict::Less => "less",
            Verdict::Same => "same",
            Verdict::Failed => "failed",
            Verdict::WrongData => "wrong data",
            Verdict::BaselineFailed => "no baseline",
            Verdict::NotGiven => "not given",
            Verdict::NotEnoughData => "too few",
            Verdict::Unclear => "unclear",
            Verdict::Unreliable => "unreliable",
        }
    }

    /// Whether there is no value of this kernel to be compared.
    pub(crate) fn has_no_value(self) -> bool {
        matches!(self, Verdict::Failed | Verdict::WrongData | Verdict::NotGiven)
    }

    /// Whether it says that there is a difference.
    pub(crate) fn is_difference(self) -> bool {
        matches!(self, Verdict::Better | Verdict::Worse | Verdict::More | Verdict::Less)
    }

    /// Whether it says that nothing can be said although there should be something.
    pub(crate) fn is_unknown(self) -> bool {
        match self {
            Verdict::BaselineFailed | Verdict::NotEnoughData | Verdict::Unclear | Verdict::Unreliable => true,
            Verdict::Better
            | Verdict::Worse
            | Verdict::More
            | Verdict::Less
            | Verdict::Same
            | Verdict::Failed
            | Verdict::WrongData
            | Verdict::NotGiven => false,
        }
    }
}

/// A cell against the baseline's cell of its row.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Change {
    /// By the baseline. Virtual clock: the geometric mean of the ratios of equal samples. Wall clock: the median of the ratios
    /// of all pairs of boots, which a boot that went astray does not move. Each belongs to its interval. None if there is
    /// none.
    pub ratio: Option<f64>,
    /// Mean by mean.
    pub ratio_of_means: Option<f64>,
    /// What it amounts to.
    pub verdict: Verdict,
    /// With [`Verdict::Same`] and [`Verdict::Unclear`]: a difference that is larger is ruled out, as a ratio minus one, up or
    /// down. The end of the interval that is further from no change.
    pub limit: Option<f64>,
    /// The 95 % interval of the ratio.
    pub interval: Option<(f64, f64)>,
    /// Virtual clock, with [`Verdict::Unclear`]: about how many samples would tell.
    pub samples_needed: Option<u64>,
    /// Wall clock: p of the two-sided Mann-Whitney test, exact up to some sixty boots of each kernel.
    pub p: Option<f64>,
    /// Wall clock: the same, corrected (Holm) over all cells of the metrics that decide together; for the arms of the
    /// baseline's own kernel over theirs.
    pub p_corrected: Option<f64>,
    /// Wall clock: the smallest change that so many boots with such a spread can show, ratio minus one.
    pub smallest_visible: Option<f64>,
}

/// What rows are judged by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules<'a> {
    pub(super) clock: Clock,
    pub(super) thresholds: &'a Thresholds,
    /// The variants, by place, whose kernel is the baseline's own: the A/A arms.
    pub(super) same_kernel: &'a [bool],
}

/// Fills in every [`Cell::change`]. The cells of all rows are one family: p is corrected for having looked at all of
/// them. The arms of the baseline's own kernel are another one: they answer another question, and with them in it real
/// differences would go unseen, the more such arms the more.
pub(super) fn judge(rows: &mut [Row], rules: Rules) {
    for row in rows.iter_mut() {
        let scale = Scale::of(row, rules.thresholds);
        let [baseline, others @ ..] = &mut row.cells[..] else { continue };
        for cell in others {
            cell.change = Some(match rules.clock {
                Clock::Virtual => on_virtual_clock(baseline, cell, scale),
                Clock::Wall => on_wall_clock(baseline, cell),
            });
        }
    }
    if rules.clock == Clock::Wall {
        correct_family(rows, rules, Family::Variants);
        correct_family(rows, rules, Family::Controls);
    }
    for row in rows {
        let floor = Floor::of(row, rules.same_kernel);
        row.cells.iter_mut().filter_map(|cell| cell.change.as_mut()).for_each(|change| floor.apply(change));
    }
}

/// Which arms are corrected together.
#[derive(Clone, Copy)]
enum Family {
    /// Those of other kernels than the baseline's.
    Variants,
    /// Those of the baseline's own.
    Controls,
}

impl Family {
    fn holds(self, is_same_kernel: bool) -> bool {
        match self {
            Family::Variants => !is_same_kernel,
            Family::Controls => is_same_kernel,
        }
    }
}

/// Which changes of a row count, and what they are called.
#[derive(Clone, Copy)]
struct Scale {
    threshold: f64,
    direction: Direction,
}

impl Scale {
    fn of(row: &Row, thresholds: &Thresholds) -> Self {
        Scale { threshold: thresholds.of(row.metric), direction: row.metric.direction() }
    }

    /// About how many pairs would tell, if they are like these: the interval has to become so narrow that it holds either one
    /// or the threshold, whichever the ratio lies further from, no longer.
    fn samples_needed(self, estimate: PairedRatio, pairs: usize) -> u64 {
        let size = estimate.ratio.ln().abs();
        let half_width = (estimate.high / estimate.low).ln() / 2.0;
        let threshold = self.threshold.ln_1p();
        let room = if size > threshold { size } else { threshold - size };
        ((pairs as f64 * (half_width / room).powi(2)).ceil() as u64).max(pairs as u64 + 1)
    }

    /// A difference if the ratio lies further from one than `noise`, the same in both directions.
    fn verdict(self, ratio: f64, noise: f64) -> Verdict {
        let (up, down) = match self.direction {
            Direction::Higher => (Verdict::Better, Verdict::Worse),
            Direction::Lower => (Verdict::Worse, Verdict::Better),
            Direction::Neither => (Verdict::More, Verdict::Less),
        };
        if ratio > 1.0 + noise {
            up
        } else if ratio < 1.0 / (1.0 + noise) {
            down
        } else {
            Verdict::Same
        }
    }
}

fn on_virtual_clock(baseline: &Cell, cell: &Cell, scale: Scale) -> Change {
    let mut change = unjudged(baseline, cell);
    if change.verdict != Verdict::Same {
        return change;
    }
    let pairs = pairs(baseline, cell);
    if pairs.len() < FEWEST_PAIRS {
        change.verdict = Verdict::NotEnoughData;
        return change;
    }
    // None if one of two is zero.
    let ratios: Option<Vec<f64>> = pairs.iter().map(|(left, right)| ratio(*left, *right)).collect();
    let estimate = ratios.as_ref().and_then(|ratios| paired_ratio(ratios));
    change.ratio = estimate.map(|estimate| estimate.ratio);
    change.interval = estimate.map(|estimate| (estimate.low, estimate.high));
    decide(&mut change, scale, true);
    if let (Verdict::Unclear, Some(estimate)) = (change.verdict, estimate) {
        change.samples_needed = Some(scale.samples_needed(estimate, pairs.len()));
    }
    change
}

/// The values of the samples that both have, in their order.
pub(super) fn pairs(baseline: &Cell, cell: &Cell) -> Vec<(f64, f64)> {
    let left = |sample: &Sample| baseline.samples.iter().find(|other| other.key == sample.key);
    cell.samples.iter().filter_map(|sample| Some((left(sample)?.value, sample.value))).collect()
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
    change.ratio = ratio_estimate(&left, &right);
    change.p = Some(mann_whitney_p(&left, &right));
    change.interval = ratio_interval(&left, &right);
    change.smallest_visible =
        [&left, &right].into_iter().filter_map(|values| smallest_visible_effect(values)).reduce(f64::max);
    change
}

/// The ratio of the means, and `Same` if it can be judged at all.
fn unjudged(baseline: &Cell, cell: &Cell) -> Change {
    let verdict = match (baseline.failures.is_empty(), cell.failures.is_empty()) {
        // Even if the baseline failed: it did not give wrong bytes for right ones.
        _ if cell.wrong_data() > 0 && baseline.wrong_data() == 0 => Verdict::WrongData,
        (false, _) => Verdict::BaselineFailed,
        (true, false) => Verdict::Failed,
        (true, true) if baseline.is_not_given() && cell.is_not_given() => Verdict::NotGiven,
        (true, true) if baseline.mean.is_none() || cell.mean.is_none() => Verdict::NotEnoughData,
        (true, true) => Verdict::Same,
    };
    // Where bytes are wrong a speed is none, not even that of the boots in which they were right.
    let is_right = baseline.wrong_data() + cell.wrong_data() == 0;
    let means = baseline.mean.zip(cell.mean).filter(|_| is_right);
    let ratio = means.and_then(|(baseline, mean)| ratio(baseline, mean));
    Change {
        ratio,
        ratio_of_means: ratio,
        verdict,
        limit: None,
        interval: None,
        samples_needed: None,
        p: None,
        p_corrected: None,
        smallest_visible: None,
    }
}

fn values(cell: &Cell) -> Vec<f64> {
    cell.samples.iter().map(|sample| sample.value).collect()
}

/// Corrects each p for having looked at all cells of a family, and decides by it.
fn correct_family(rows: &mut [Row], rules: Rules, family: Family) {
    let mut tested: Vec<(Scale, &mut Change)> = Vec::new();
    for row in rows {
        let scale = Scale::of(row, rules.thresholds);
        let of_family = row.cells.iter_mut().zip(rules.same_kernel).filter(|(_, same)| family.holds(**same));
        let changes = of_family.filter_map(|(cell, _)| cell.change.as_mut());
        tested.extend(changes.filter(|change| change.p.is_some()).map(|change| (scale, change)));
    }
    let corrected = holm(&tested.iter().filter_map(|(_, change)| change.p).collect::<Vec<_>>());
    for ((scale, change), p) in tested.into_iter().zip(corrected) {
        change.p_corrected = Some(p);
        decide(change, scale, p < SIGNIFICANCE);
    }
}

/// What follows from a ratio and its interval. It counts if the interval excludes one and, with a test, p is small.
fn decide(change: &mut Change, scale: Scale, is_significant: bool) {
    let (Some(ratio), Some((low, high))) = (change.ratio, change.interval) else {
        change.verdict = Verdict::Unclear;
        return;
    };
    let excludes_one = low > 1.0 || high < 1.0;
    if is_significant && excludes_one {
        change.verdict = scale.verdict(ratio, scale.threshold);
    }
    if change.verdict == Verdict::Same {
        change.limit = Some((high - 1.0).max(1.0 / low - 1.0));
        // Everything that the interval allows has to be too small to count.
        let is_small = [low, high].map(|end| scale.verdict(end, scale.threshold) == Verdict::Same);
        change.verdict = if is_small == [true, true] { Verdict::Same } else { Verdict::Unclear };
    }
}

/// What the baseline's kernel shows against itself in a row, under another label.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Floor {
    /// The largest change, as the size of its logarithm.
    size: f64,
    /// Whether one of the changes is a difference by itself.
    differs: bool,
}

impl Floor {
    /// Of a row that was judged.
    pub(super) fn of(row: &Row, same_kernel: &[bool]) -> Self {
        let controls = row.cells.iter().zip(same_kernel).filter(|(_, same)| **same);
        let mut floor = Floor::default();
        for change in controls.filter_map(|(cell, _)| cell.change.as_ref()) {
            floor.size = floor.size.max(size(change));
            floor.differs |= change.verdict.is_difference() || change.verdict == Verdict::Unreliable;
        }
        floor
    }

    /// A change that is no larger is none.
    pub(super) fn apply(self, change: &mut Change) {
        if change.verdict.is_difference() && size(change) <= self.size {
            change.verdict = if self.differs { Verdict::Unreliable } else { Verdict::Unclear };
        }
    }
}

fn size(change: &Change) -> f64 {
    change.ratio.map_or(0.0, |ratio| ratio.ln().abs())
}
