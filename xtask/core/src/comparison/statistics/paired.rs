//! The mean of ratios of pairs, with its interval.

use lab_protocol::random::{below, splitmix64};

/// A mean of ratios.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PairedRatio {
    /// Their geometric mean.
    pub(crate) ratio: f64,
    /// The lower end of its 95 % interval.
    pub(crate) low: f64,
    /// The upper end.
    pub(crate) high: f64,
}

/// The geometric mean of ratios and its 95 % interval by Student's t on their logarithms. None of fewer than two, or with one
/// that is not above zero.
///
/// That is not exact for any distribution but the normal one. How often such intervals hold the true value of the lab's own
/// samples is measured by the self-test, beside those of other ways: see `docs/believing-it.md`.
pub(crate) fn paired_ratio(ratios: &[f64]) -> Option<PairedRatio> {
    let logs = logs(ratios)?;
    let n = logs.len() as f64;
    let mean = logs.iter().sum::<f64>() / n;
    let variance = logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let half_width = t_quantile_975(logs.len() - 1) * (variance / n).sqrt();
    Some(PairedRatio { ratio: mean.exp(), low: (mean - half_width).exp(), high: (mean + half_width).exp() })
}

fn logs(ratios: &[f64]) -> Option<Vec<f64>> {
    let logs: Vec<f64> = ratios.iter().map(|ratio| ratio.ln()).collect();
    (logs.len() >= 2 && logs.iter().all(|log| log.is_finite())).then_some(logs)
}

/// How an interval is made of the ratios of pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Student's t on their logarithms: the one that verdicts follow from.
    PairedT,
    /// The values that a permutation test which flips signs at random would not reject: of the means of random subsets the
    /// middle 95 % (Hartigan 1969, typical values). Right for any symmetric distribution.
    SignFlip,
    /// Of the means of random draws with replacement the middle 95 % (Efron 1979, percentiles).
    Bootstrap,
}

impl Method {
    /// All of them.
    pub const ALL: [Method; 3] = [Method::PairedT, Method::SignFlip, Method::Bootstrap];

    /// As reports call it.
    pub fn name(self) -> &'static str {
        match self {
            Method::PairedT => "paired t",
            Method::SignFlip => "sign flips",
            Method::Bootstrap => "bootstrap",
        }
    }
}

/// How many subsets or draws an interval is made of: its ends are the 50th from both ends.
const DRAWS: u64 = 2000;

/// The 95 % interval of the geometric mean of ratios; none as in [`paired_ratio`]. Equal ratios give equal intervals.
pub(crate) fn interval(method: Method, ratios: &[f64]) -> Option<(f64, f64)> {
    match method {
        Method::PairedT => paired_ratio(ratios).map(|estimate| (estimate.low, estimate.high)),
        Method::SignFlip => middle(ratios, mean_of_subset),
        Method::Bootstrap => middle(ratios, mean_with_replacement),
    }
}

/// The middle 95 % of means that are drawn, each by its number.
fn middle(ratios: &[f64], mean: fn(&[f64], u64) -> f64) -> Option<(f64, f64)> {
    let logs = logs(ratios)?;
    let mut means: Vec<f64> = (0..DRAWS).map(|number| mean(&logs, number)).collect();
    means.sort_by(f64::total_cmp);
    let outside = (DRAWS / 40) as usize;
    Some((means[outside].exp(), means[means.len() - 1 - outside].exp()))
}

/// Each value is in or out; the empty set has no mean, and is drawn again.
fn mean_of_subset(values: &[f64], number: u64) -> f64 {
    let mut draws = (0..).map(|place| splitmix64(number, place));
    let (mut sum, mut count) = (0.0, 0);
    while count == 0 {
        for (value, _) in values.iter().zip(&mut draws).filter(|(_, draw)| draw >> 63 == 1) {
            sum += value;
            count += 1;
        }
    }
    sum / f64::from(count)
}

fn mean_with_replacement(values: &[f64], number: u64) -> f64 {
    let count = values.len() as u64;
    let drawn = (0..count).map(|place| values[below(count, splitmix64(number, place)) as usize]);
    drawn.sum::<f64>() / values.len() as f64
}

/// The value below which 97.5 % of Student's t with so many degrees of freedom lie. From a table up to 10; above by the
/// expansion in the inverse of the degrees of freedom around the normal quantile (Abramowitz and Stegun 1964, 26.7.5), which is
/// right to four digits there.
fn t_quantile_975(freedom: usize) -> f64 {
    const TABLE: [f64; 10] =
        [12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281];
    const NORMAL: f64 = 1.959_964;
    if let Some(value) = freedom.checked_sub(1).and_then(|place| TABLE.get(place)) {
        return *value;
    }
    let (x, v) = (NORMAL, freedom as f64);
    let g1 = (x.powi(3) + x) / 4.0;
    let g2 = (5.0 * x.powi(5) + 16.0 * x.powi(3) + 3.0 * x) / 96.0;
    let g3 = (3.0 * x.powi(7) + 19.0 * x.powi(5) + 17.0 * x.powi(3) - 15.0 * x) / 384.0;
    x + g1 / v + g2 / v.powi(2) + g3 / v.powi(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (freedom, expected) in [
            (1, 12.706),
            (2, 4.303),
            (10, 2.228),
            (11, 2.201),
            (15, 2.131),
            (20, 2.086),
            (30, 2.042),
            (60, 2.000),
            (120, 1.980),
        ] {
            let found = t_quantile_975(freedom);
            assert!((found - expected).abs() < 0.0006, "{freedom}: {found}");
        }
        assert!((t_quantile_975(1_000_000) - 1.96).abs() < 0.0001);
    }

    #[test]
    fn a_mean_of_ratios_with_its_interval() {
        // Logarithms 0.01, 0.02, 0.03: mean 0.02, deviation 0.01, and 4.3027 times 0.01 by the root of three is 0.024842.
        let found = paired_ratio(&[0.01f64, 0.02, 0.03].map(f64::exp)).unwrap();
        for (found, expected) in [(found.ratio, 0.02f64), (found.low, -0.004842), (found.high, 0.044842)] {
            assert!((found.ln() - expected).abs() < 1e-6, "{found:?} {expected}");
        }
        let equal = paired_ratio(&[1.5; 4]).unwrap();
        for end in [equal.ratio, equal.low, equal.high] {
            assert!((end - 1.5).abs() < 1e-12);
        }
    }

    #[test]
    fn what_has_no_interval() {
        assert_eq!(paired_ratio(&[]), None);
        assert_eq!(paired_ratio(&[1.1]), None);
        assert_eq!(paired_ratio(&[1.1, 0.0, 1.2]), None);
    }

    #[test]
    fn equal_ratios_leave_nothing_open() {
        for method in Method::ALL {
            let (low, high) = interval(method, &[1.5; 4]).unwrap();
            assert!((low - 1.5).abs() < 1e-12 && (high - 1.5).abs() < 1e-12, "{method:?}");
            assert_eq!(interval(method, &[1.5]), None);
        }
    }

    #[test]
    fn intervals_hold_the_truth_as_often_as_theory_says() {
        // Sums of twelve even draws are nearly normal.
        let draw = |place: u64| splitmix64(5, place) as f64 / u64::MAX as f64;
        let normal = |place: u64| (0..12).map(|part| draw(12 * place + part)).sum::<f64>() - 6.0;
        let holds = |method: Method, trial: &u64| {
            let ratios: Vec<f64> =
                (0..8).map(|pair| (0.01 + 0.02 * normal(8 * trial + pair)).exp()).collect();
            let (low, high) = interval(method, &ratios).unwrap();
            low <= 0.01f64.exp() && 0.01f64.exp() <= high
        };
        // Of 400 trials 380 are expected, with a deviation of 4.4. Of eight values each the bootstrap holds it less often,
        // since the deviation that it sees is too small by the root of 7/8.
        for (method, expected) in
            [(Method::PairedT, 367..=393), (Method::SignFlip, 367..=393), (Method::Bootstrap, 335..=374)]
        {
            let held = (0..400).filter(|trial| holds(method, trial)).count();
            assert!(expected.contains(&held), "{method:?} {held}");
        }
    }
}
