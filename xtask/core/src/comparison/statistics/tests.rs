//! Published values, and all arrangements of few values.

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

/// Every way to deal the ranks 1 to n + m, and many with ties, against a count over all deals.
#[test]
fn p_equals_that_of_trying_every_deal() {
    for (n, m) in (1..=6).flat_map(|n| (n..=6).map(move |m| (n, m))) {
        // Ties of several kinds: none, pairs, halves, all equal.
        for tied in [1, 2, n + m, 3] {
            let pooled: Vec<f64> = (0..n + m).map(|rank| (rank / tied) as f64).collect();
            let deals = deals(n + m, n);
            let distances: Vec<u32> = deals.iter().map(|deal| distance(&pooled, *deal)).collect();
            // All of them where they are few, a part where all of them would say the same again.
            for (deal, seen) in deals.iter().zip(&distances).step_by(1 + deals.len() / 100) {
                let as_far = distances.iter().filter(|distance| *distance >= seen).count();
                let (left, right) = dealt(&pooled, *deal);
                let expected = as_far as f64 / deals.len() as f64;
                close(mann_whitney_p(&left, &right), expected);
                close(mann_whitney_p(&right, &left), expected);
            }
        }
    }
    close(mann_whitney_p(&[5.0, 5.0], &[5.0, 5.0]), 1.0);
    close(mann_whitney_p(&[], &[1.0]), 1.0);
}

/// Every choice of `count` of `all`, as bits.
fn deals(all: usize, count: usize) -> Vec<u32> {
    (0..1 << all).filter(|deal: &u32| deal.count_ones() as usize == count).collect()
}

/// The values whose bit is set, and the others.
fn dealt(pooled: &[f64], deal: u32) -> (Vec<f64>, Vec<f64>) {
    let indices = || 0..pooled.len();
    let is_left = |i: &usize| deal & (1 << i) != 0;
    (
        indices().filter(is_left).map(|i| pooled[i]).collect(),
        indices().filter(|i| !is_left(i)).map(|i| pooled[i]).collect(),
    )
}

/// How far a deal is from one in which neither side is larger: twice the pairs that the left side wins, less the half
/// of them. Counts pairs, not ranks.
fn distance(pooled: &[f64], deal: u32) -> u32 {
    let (left, right) = dealt(pooled, deal);
    let points = |a: f64| right.iter().map(|b| if a > *b { 2 } else { u32::from(a == *b) }).sum::<u32>();
    let won: u32 = left.iter().map(|a| points(*a)).sum();
    won.abs_diff((left.len() * right.len()) as u32)
}

/// The interval holds the true ratio in at least 95 % of all equally likely arrangements, and the next narrower one
/// does not.
#[test]
fn the_interval_covers_what_it_says() {
    for (n, m) in (3..=6).flat_map(|n| (3..=6).map(move |m| (n, m))) {
        // Values that are equally likely in every arrangement: the true ratio is 1. Powers keep all ratios apart.
        let pooled: Vec<f64> = (0..n + m).map(|rank| 1.1_f64.powi(1 << rank)).collect();
        let deals = deals(n + m, n);
        let covers = |deal: &&u32| {
            let (left, right) = dealt(&pooled, **deal);
            ratio_interval(&left, &right).is_none_or(|(low, high)| low <= 1.0 && 1.0 <= high)
        };
        let share = deals.iter().filter(covers).count() as f64 / deals.len() as f64;
        assert!(share >= 0.95, "{n} and {m}: {share}");
        let (left, right) = dealt(&pooled, deals[0]);
        let smallest_p = mann_whitney_p(&left, &right);
        assert_eq!(ratio_interval(&left, &right).is_some(), smallest_p <= 0.05, "{n} and {m}");
        if smallest_p <= 0.05 {
            // It excludes 1 exactly where the test says so.
            for deal in &deals {
                let (left, right) = dealt(&pooled, *deal);
                let excludes =
                    ratio_interval(&left, &right).is_some_and(|(low, high)| low > 1.0 || high < 1.0);
                assert_eq!(excludes, mann_whitney_p(&left, &right) <= 0.05, "{left:?} and {right:?}");
            }
        }
    }
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

#[test]
fn estimate_of_the_ratio() {
    for (left, right, expected) in [
        (&[1.0][..], &[2.0][..], Some(2.0)),
        // 2, 8: on logarithms the middle is 4 and not 5.
        (&[1.0], &[2.0, 8.0], Some(4.0)),
        (&[1.0, 2.0], &[2.0, 4.0], Some(2.0)),
        // One boot astray does not matter.
        (&[10.0, 10.0, 10.0], &[11.0, 11.0, 1000.0], Some(1.1)),
        (&[], &[1.0], None),
        (&[0.0], &[1.0], None),
        (&[1.0], &[0.0], None),
    ] {
        let found = ratio_estimate(left, right);
        assert_eq!(found.is_some(), expected.is_some(), "{left:?} {right:?}");
        close(found.unwrap_or(0.0), expected.unwrap_or(0.0));
    }
}

/// R's manual of `wilcox.test`: permeability of the human chorioamnion (Hollander and Wolfe 1973, page 69), at term
/// and at 12 to 26 weeks. R says for the differences: shift 0.305, 95 % interval -0.15 to 0.76, and with `alternative =
/// "greater"` p = 0.1272, so that two-sided it is 0.2544. The exponentials have these as logarithms of their ratios.
#[test]
fn the_example_of_hollander_and_wolfe() {
    let at_term = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46].map(f64::exp);
    let before = [1.15, 0.88, 0.90, 0.74, 1.21].map(f64::exp);
    close(ratio_estimate(&before, &at_term).unwrap().ln(), 0.305);
    let (low, high) = ratio_interval(&before, &at_term).unwrap();
    close(low.ln(), -0.15);
    close(high.ln(), 0.76);
    close((mann_whitney_p(&before, &at_term) * 1e4).round() / 1e4, 0.2544);
}

/// With values that are equal the interval still holds the true ratio, 1, in at least 95 % of all arrangements, holds the
/// estimate, and is the other way round from the other side.
#[test]
fn ties_make_the_interval_no_narrower_than_it_says() {
    for (n, m) in [(4, 4), (4, 5), (5, 5), (4, 6), (5, 6), (6, 6)] {
        for tied in [1, 2, 3, n + m] {
            let pooled: Vec<f64> = (0..n + m).map(|rank| 1.5_f64.powi((rank / tied) as i32)).collect();
            let deals = deals(n + m, n);
            let covers = |deal: &&u32| {
                let (left, right) = dealt(&pooled, **deal);
                let (low, high) = ratio_interval(&left, &right).unwrap();
                let estimate = ratio_estimate(&left, &right).unwrap();
                assert!(low <= estimate * 1.000_001 && estimate <= high * 1.000_001, "{left:?} {right:?}");
                let (other_low, other_high) = ratio_interval(&right, &left).unwrap();
                close(low * other_high, 1.0);
                close(high * other_low, 1.0);
                close(estimate * ratio_estimate(&right, &left).unwrap(), 1.0);
                low <= 1.000_001 && 0.999_999 <= high
            };
            let share = deals.iter().filter(covers).count() as f64 / deals.len() as f64;
            assert!(share >= 0.95, "{n} and {m}, {tied}: {share}");
        }
    }
}

#[test]
fn smallest_p_of_two_sizes() {
    for (left, right, expected) in
        [(3, 3, 0.1), (4, 4, 2.0 / 70.0), (4, 5, 2.0 / 126.0), (0, 3, 1.0), (1, 1, 1.0)]
    {
        close(smallest_p(left, right), expected);
    }
}

#[test]
fn values_of_zero() {
    for (left, right, expected) in [
        (0.0, 0.0, Some(1.0)),
        (0.0, 1.0, None),
        (1.0, 0.0, None),
        (2.0, 3.0, Some(1.5)),
        (f64::NAN, 1.0, None),
    ] {
        assert_eq!(ratio(left, right), expected);
    }
    assert_eq!(spread(&[0.0, 0.0]), Some(0.0));
    assert_eq!(spread(&[0.0, 1.0]), None);
    assert_eq!(smallest_visible_effect(&[0.0, 0.0]), None);
    assert_eq!(arithmetic_mean(&[]), None);
    close(arithmetic_mean(&[1.0, 2.0]).unwrap(), 1.5);
}

/// 2.8 times the coefficient of variation, 0.1 / 1.0 here, times the root of 2 / 5.
#[test]
fn what_a_run_could_see() {
    let step = (0.1_f64 * 0.1 * 4.0 / 10.0).sqrt();
    let values: Vec<f64> = (-2..=2).map(|place| 1.0 + step * f64::from(place)).collect();
    close(smallest_visible_effect(&values).unwrap(), 2.8 * 0.1 * (2.0_f64 / 5.0).sqrt());
    assert_eq!(smallest_visible_effect(&[1.0]), None);
}

#[test]
fn medians() {
    for (values, expected) in [
        (&[][..], None),
        (&[3.0], Some(3.0)),
        (&[9.0, 1.0], Some(5.0)),
        (&[9.0, 1.0, 2.0], Some(2.0)),
        (&[9.0, 1.0, 2.0, 4.0], Some(3.0)),
    ] {
        assert_eq!(quantile(values, MEDIAN), expected, "{values:?}");
    }
}

/// As many boots as a plan may have: p, estimate and interval are numbers, and no p is zero.
#[test]
fn a_thousand_boots_against_a_thousand() {
    let (left, right) = (up_from(1, 1000), up_from(1001, 1000));
    for p in [mann_whitney_p(&left, &right), mann_whitney_p(&right, &left), smallest_p(1000, 1000)] {
        assert!(p > 0.0 && p < 1e-100, "{p}");
    }
    let shifted: Vec<f64> = left.iter().map(|value| value + 30.5).collect();
    let p = mann_whitney_p(&left, &shifted);
    // By hand: `shifted` wins 500,500 pairs and 999 + 998 + ... + 970 more. That is 30,035 more than half, of which 30,034.5
    // count, by a deviation of the root of 10^6 * 2001 / 12, 12,913.2: 2.32588, of which tables of the normal distribution say
    // 0.010012 on one side.
    assert!((p - 0.020024).abs() < 3e-6, "{p}");
    let estimate = ratio_estimate(&left, &shifted).unwrap();
    let (low, high) = ratio_interval(&left, &shifted).unwrap();
    assert!(1.0 < low && low < estimate && estimate < high && high < 1.2, "{low} {estimate} {high}");
}

/// Up to the largest groups that are counted out p is what the two ways out of all make of groups that do not overlap.
#[test]
fn separated_groups_have_the_smallest_p() {
    for (left, right) in [(5, 5), (4, 5), (1, 30), (20, 60), (63, 63)] {
        assert!(is_exact(left, right));
        let p = mann_whitney_p(&up_from(1, left as u32), &up_from(100, right as u32));
        assert!((p / smallest_p(left, right) - 1.0).abs() < 1e-9, "{left} against {right}: {p}");
    }
}
