//! Statistics of few values, exact as far as that is affordable.

mod paired;
mod rank_sum;

pub use paired::Method;
pub(crate) use paired::{PairedRatio, interval, paired_ratio};
use rank_sum::{Pooled, pairs_outside};

/// The harmonic mean, which is the mean of rates over equal amounts of work; none of nothing.
pub(crate) fn harmonic_mean(values: &[f64]) -> Option<f64> {
    let sum: f64 = values.iter().map(|value| 1.0 / value).sum();
    (!values.is_empty()).then(|| values.len() as f64 / sum)
}

/// The mean of amounts and times; none of nothing.
pub(crate) fn arithmetic_mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The largest by the smallest, minus one; none of fewer than two, or if the smallest is zero and the largest is not.
pub(crate) fn spread(values: &[f64]) -> Option<f64> {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if values.len() < 2 {
        return None;
    }
    ratio(least, most).map(|ratio| ratio - 1.0)
}

/// `right` by `left`; one if they are equal, none if there is none because one of them is zero.
pub(super) fn ratio(left: f64, right: f64) -> Option<f64> {
    if left == right {
        return Some(1.0);
    }
    (left > 0.0 && right > 0.0).then(|| right / left)
}

/// The two-sided p of the Mann-Whitney test, with ties as well: the share of all ways to deal the pooled values into two
/// groups of these sizes whose rank sum lies at least as far from its mean as the one seen. Never zero. One, if a group is
/// empty.
///
/// Exact for as many values as [`is_exact`] says; above, by the normal distribution, see [`rank_sum`].
pub(crate) fn mann_whitney_p(left: &[f64], right: &[f64]) -> f64 {
    let pooled = Pooled::new(left, right);
    let p = if is_exact(left.len(), right.len()) { pooled.exact_p() } else { pooled.normal_p() };
    // What is too small to be written is still above zero.
    p.clamp(f64::MIN_POSITIVE, 1.0)
}

/// Whether p and interval of groups of these sizes are exact.
pub(crate) fn is_exact(left: usize, right: usize) -> bool {
    rank_sum::is_exact(left, right)
}

/// The p-values after Holm's correction for looking at all of them, in the same order.
pub(crate) fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let mut corrected = vec![1.0; p.len()];
    let mut least: f64 = 0.0;
    for (place, &index) in order.iter().enumerate() {
        least = least.max(p[index] * (p.len() - place) as f64).min(1.0);
        corrected[index] = least;
    }
    corrected
}

/// By how much `right` exceeds `left`, as a ratio: the median of the ratios of all pairs, which is the shift of Hodges
/// and Lehmann (Annals of Mathematical Statistics 34, 1963) on logarithms. A boot that went astray moves it by little,
/// and [`ratio_interval`] always holds it. None of nothing, or with a value that is not above zero.
pub(crate) fn ratio_estimate(left: &[f64], right: &[f64]) -> Option<f64> {
    let mut ratios = ratios(left, right)?;
    let middle = ratios.len() / 2;
    let lower = if ratios.len() % 2 == 0 { middle.checked_sub(1)? } else { middle };
    // On logarithms the middle of two is their geometric mean.
    Some((nth(&mut ratios, lower)? * nth(&mut ratios, middle)?).sqrt())
}

/// The interval of `right` by `left` as a ratio that holds the true one with at least 95 %: the Mann-Whitney test
/// turned round, on logarithms. None if there are too few values for any, or one that is not above zero. Exact, or nearly,
/// as [`mann_whitney_p`] is.
pub(crate) fn ratio_interval(left: &[f64], right: &[f64]) -> Option<(f64, f64)> {
    let mut ratios = ratios(left, right)?;
    // How many ratios at each end are outside.
    let outside = pairs_outside(left.len(), right.len());
    let (low, high) = (outside.checked_sub(1)?, ratios.len().checked_sub(outside)?);
    Some((nth(&mut ratios, low)?, nth(&mut ratios, high)?))
}

/// Each value of `right` by each of `left`; none if one is not above zero.
fn ratios(left: &[f64], right: &[f64]) -> Option<Vec<f64>> {
    if left.iter().chain(right).any(|value| *value <= 0.0) {
        return None;
    }
    Some(left.iter().flat_map(|l| right.iter().map(move |r| r / l)).collect())
}

/// The value that would be at this place if they were sorted, which takes longer: 1,000 boots against 1,000 have a million
/// ratios.
fn nth(values: &mut [f64], place: usize) -> Option<f64> {
    (place < values.len()).then(|| *values.select_nth_unstable_by(place, f64::total_cmp).1)
}

/// The smallest two-sided p that so many values against so many can have: that of groups that do not overlap, two of all
/// ways to deal them.
pub(crate) fn smallest_p(left: usize, right: usize) -> f64 {
    let one_way: f64 = (1..=left).map(|place| place as f64 / (right + place) as f64).product();
    (2.0 * one_way).clamp(f64::MIN_POSITIVE, 1.0)
}

/// How much two means of `n` boots each must differ to be seen four times of five at 5 %, as a share of the
/// mean: 2.8 times the coefficient of variation times the root of 2/n. None of fewer than two values.
pub(crate) fn smallest_visible_effect(values: &[f64]) -> Option<f64> {
    let n = values.len() as f64;
    if values.len() < 2 {
        return None;
    }
    let mean = arithmetic_mean(values).filter(|mean| *mean > 0.0)?;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
    Some(2.8 * variance.sqrt() / mean * (2.0 / n).sqrt())
}

/// In how large a share of boots something may occur that was not seen in `boots` of them, with 95 % confidence.
pub(crate) fn may_be_unseen(boots: u32) -> f64 {
    if boots == 0 { 1.0 } else { 1.0 - 0.05_f64.powf(1.0 / f64::from(boots)) }
}

/// The share of [`quantile`] that gives the median.
pub const MEDIAN: f64 = 0.5;

/// The value below which `share` of the values lie, interpolated between neighbours (type 7 of Hyndman and Fan 1996);
/// none of nothing.
pub fn quantile(values: &[f64], share: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = share * sorted.len().checked_sub(1)? as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    Some(below + (above - below) * place.fract())
}

#[cfg(test)]
mod tests;
