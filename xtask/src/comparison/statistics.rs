//! Exact small-sample statistics.

/// The harmonic mean, which is the mean of rates over equal amounts of work; none of nothing.
pub fn harmonic_mean(values: &[f64]) -> Option<f64> {
    let sum: f64 = values.iter().map(|value| 1.0 / value).sum();
    (!values.is_empty()).then(|| values.len() as f64 / sum)
}

/// The largest by the smallest, minus one; none of fewer than two.
pub fn spread(values: &[f64]) -> Option<f64> {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (values.len() >= 2).then(|| most / least - 1.0)
}

/// The two-sided p of the Mann-Whitney test, exact with ties as well: the share of all ways to deal the pooled
/// values into two groups of these sizes whose rank sum lies at least as far from its mean as the one seen.
///
/// The ways are counted by a recurrence over the pooled values, so that 50 against 50 takes no time. One, if a
/// group is empty.
pub fn mann_whitney_p(left: &[f64], right: &[f64]) -> f64 {
    let mut pooled: Vec<f64> = left.iter().chain(right).copied().collect();
    pooled.sort_by(f64::total_cmp);
    // Twice the rank, which is whole even for the mean rank of values that are equal.
    let double_rank = |value: f64| {
        let below = pooled.partition_point(|other| *other < value);
        let up_to = pooled.partition_point(|other| *other <= value);
        below + up_to + 1
    };
    let ranks: Vec<usize> = pooled.iter().map(|&value| double_rank(value)).collect();
    let seen: usize = left.iter().map(|&value| double_rank(value)).sum();
    let ways = ways_to_choose(&ranks, left.len());
    let mean = left.len() * (pooled.len() + 1);
    let all: f64 = ways.iter().sum();
    let as_far = |sum: usize| sum.abs_diff(mean) >= seen.abs_diff(mean);
    let extreme: f64 = ways.iter().enumerate().filter(|(sum, _)| as_far(*sum)).map(|(_, ways)| ways).sum();
    extreme / all
}

/// For each sum, how many choices of `count` of the `ranks` have it.
fn ways_to_choose(ranks: &[usize], count: usize) -> Vec<f64> {
    let largest: usize = ranks.iter().sum();
    // ways[k][s]: choices of k of the ranks so far with sum s.
    let mut ways = vec![vec![0.0; largest + 1]; count + 1];
    ways[0][0] = 1.0;
    for &rank in ranks {
        for chosen in (1..=count).rev() {
            for sum in (rank..=largest).rev() {
                ways[chosen][sum] += ways[chosen - 1][sum - rank];
            }
        }
    }
    ways.swap_remove(count)
}

/// The p-values after Holm's correction for looking at all of them, in the same order.
pub fn holm(p: &[f64]) -> Vec<f64> {
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

/// The interval of `right` by `left` as a ratio that holds the true one with at least 95 %: Hodges and Lehmann's,
/// the Mann-Whitney test turned round, on logarithms. None if there are too few values for any.
pub fn ratio_interval(left: &[f64], right: &[f64]) -> Option<(f64, f64)> {
    let mut ratios: Vec<f64> = left.iter().flat_map(|l| right.iter().map(move |r| r / l)).collect();
    ratios.sort_by(f64::total_cmp);
    let ranks: Vec<usize> = (1..=left.len() + right.len()).collect();
    let ways = ways_to_choose(&ranks, left.len());
    let all: f64 = ways.iter().sum();
    let least_sum = left.len() * (left.len() + 1) / 2;
    let mut below = 0.0;
    // How many ratios at each end are outside.
    let outside = ways[least_sum.min(ways.len())..].iter().take_while(|ways| {
        below += **ways / all;
        below <= 0.025
    });
    let outside = outside.count();
    (outside > 0).then(|| (ratios[outside - 1], ratios[ratios.len() - outside]))
}

/// How much two means of `n` boots each must differ to be seen four times of five at 5 %, as a share of the
/// mean: 2.8 times the coefficient of variation times the root of 2/n. None of fewer than two values.
pub fn smallest_visible_effect(values: &[f64]) -> Option<f64> {
    let n = values.len() as f64;
    if values.len() < 2 {
        return None;
    }
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
    Some(2.8 * variance.sqrt() / mean * (2.0 / n).sqrt())
}

/// In how large a share of boots something may occur that was not seen in `boots` of them, with 95 % confidence.
pub fn may_be_unseen(boots: u32) -> f64 {
    if boots == 0 { 1.0 } else { 1.0 - 0.05_f64.powf(1.0 / f64::from(boots)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
    }

    fn up_from(start: u32, count: u32) -> Vec<f64> {
        (start..start + count).map(f64::from).collect()
    }

    #[test]
    fn smallest_p_of_separated_groups() {
        for (left, right, expected) in [
            (3, 3, 0.1),
            (4, 4, 2.0 / 70.0),
            (4, 5, 2.0 / 126.0),
            (5, 4, 2.0 / 126.0),
            (5, 5, 2.0 / 252.0),
            (6, 6, 2.0 / 924.0),
            (8, 8, 2.0 / 12870.0),
        ] {
            close(mann_whitney_p(&up_from(1, left), &up_from(100, right)), expected);
            close(mann_whitney_p(&up_from(100, left), &up_from(1, right)), expected);
        }
        close(mann_whitney_p(&up_from(1, 5), &up_from(6, 5)), 0.0079365);
        close(mann_whitney_p(&up_from(1, 4), &up_from(5, 5)), 0.015873);
    }

    #[test]
    fn p_equals_that_of_trying_every_deal() {
        for (left, right) in [
            (vec![1.0, 4.0, 6.0], vec![2.0, 3.0, 5.0, 7.0]),
            (vec![1.0, 1.0, 2.0], vec![1.0, 2.0, 2.0, 3.0]),
            (vec![5.0, 5.0], vec![5.0, 5.0]),
            (vec![1.0, 2.0, 2.0, 9.0], vec![2.0, 8.0, 8.0, 8.0, 10.0]),
        ] {
            close(mann_whitney_p(&left, &right), by_enumeration(&left, &right));
        }
        close(mann_whitney_p(&[5.0, 5.0], &[5.0, 5.0]), 1.0);
        close(mann_whitney_p(&[], &[1.0]), 1.0);
    }

    /// Counts pairs instead of ranks, over every deal.
    fn by_enumeration(left: &[f64], right: &[f64]) -> f64 {
        let pooled: Vec<f64> = left.iter().chain(right).copied().collect();
        let distance = |mask: u32| {
            let (a, b): (Vec<_>, Vec<_>) = (0..pooled.len()).partition(|&i| mask & (1 << i) != 0);
            let wins = |&i: &usize| {
                b.iter().map(|&j| 0.5 + 0.5 * f64::from((pooled[i].total_cmp(&pooled[j])) as i8)).sum::<f64>()
            };
            (a.iter().map(wins).sum::<f64>() - 0.5 * (a.len() * b.len()) as f64).abs()
        };
        let deals: Vec<u32> =
            (0..1 << pooled.len()).filter(|mask: &u32| mask.count_ones() as usize == left.len()).collect();
        let seen = distance((1 << left.len()) - 1);
        deals.iter().filter(|&&mask| distance(mask) >= seen - 1e-9).count() as f64 / deals.len() as f64
    }

    #[test]
    fn rates_are_averaged_over_work() {
        // The same amount at 60 and at 30 takes as long as all of it at 40.
        close(harmonic_mean(&[60.0, 30.0]).unwrap(), 40.0);
        assert_eq!(harmonic_mean(&[]), None);
        close(spread(&[100.0, 101.0, 99.0]).unwrap(), 101.0 / 99.0 - 1.0);
        assert_eq!(spread(&[1.0]), None);
    }

    #[test]
    fn correction_over_several_rows() {
        let corrected = holm(&[0.01, 0.04, 0.03]);
        for (found, expected) in corrected.into_iter().zip([0.03, 0.06, 0.06]) {
            close(found, expected);
        }
        assert_eq!(holm(&[0.9, 0.8]), [1.0, 1.0]);
    }

    #[test]
    fn interval_of_the_ratio() {
        // 4 against 4: only the two outermost of 16 ratios can be its ends.
        let (low, high) = ratio_interval(&[1.0, 1.0, 1.0, 1.0], &[2.0, 2.2, 2.4, 3.0]).unwrap();
        close(low, 2.0);
        close(high, 3.0);
        assert_eq!(ratio_interval(&[1.0, 1.0, 1.0], &[2.0, 2.0, 2.0]), None);
        // Tables of the test give 2 as the critical value for 5 against 5: the third ratio from each end.
        let left = [1.0; 5];
        let right = [1.0, 2.0, 3.0, 4.0, 5.0];
        assert_eq!(ratio_interval(&left, &right), Some((1.0, 5.0)));
        let left = [1.0, 1.1, 1.2, 1.3, 1.4];
        let (low, high) = ratio_interval(&left, &[2.0]).map_or((0.0, 0.0), |interval| interval);
        assert_eq!((low, high), (0.0, 0.0));
    }

    #[test]
    fn what_may_have_gone_unseen() {
        close((may_be_unseen(3) * 100.0).round(), 63.0);
        close((may_be_unseen(10) * 100.0).round(), 26.0);
        close(may_be_unseen(0), 1.0);
    }
}
