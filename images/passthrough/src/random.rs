//! Times at random: the same for the same seed, whichever thread comes first.

use lab_protocol::Distribution;
use lab_protocol::random::splitmix64;

/// Gives each operation, or each request, its time by its number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draws {
    seed: u64,
    mean_ns: u64,
    distribution: Distribution,
    dither_permille: u32,
}

impl Draws {
    pub(crate) fn new(seed: u64, mean_ns: u64, distribution: Distribution) -> Self {
        Draws { seed, mean_ns, distribution, dither_permille: 0 }
    }

    /// The same, each time longer or shorter by up to so many thousandths of itself.
    pub(crate) fn dithered(self, dither_permille: u32) -> Self {
        Draws { dither_permille, ..self }
    }

    /// The time of the operation or request with this number, nanoseconds.
    ///
    /// The longest that an exponential one comes to is 36.7 times the mean (53 random bits).
    pub(crate) fn of(self, number: u64) -> u64 {
        let drawn = self.undithered(number);
        if self.dither_permille == 0 {
            return drawn;
        }
        let most = u128::from(drawn) * u128::from(self.dither_permille) / 1000;
        // Evenly from nothing to twice the most, minus the most. Its draws are not those of the distribution.
        let moved = (u128::from(splitmix64(!self.seed, number) >> 1) * (2 * most + 1)) >> 63;
        (u128::from(drawn) + moved).saturating_sub(most).try_into().unwrap_or(u64::MAX)
    }

    fn undithered(self, number: u64) -> u64 {
        let mean = self.mean_ns;
        match self.distribution {
            Distribution::Fixed => mean,
            Distribution::Uniform => {
                ((u128::from(splitmix64(self.seed, number)) * u128::from(mean)) >> 63) as u64
            }
            Distribution::Exponential => {
                // From 0 up to but not including 1, in steps of 2^-53, so that the logarithm is finite.
                let fraction = (splitmix64(self.seed, number) >> 11) as f64 / (1u64 << 53) as f64;
                (mean as f64 * -(-fraction).ln_1p()) as u64
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWS: u64 = 100_000;

    fn latencies(seed: u64, mean_ns: u64, distribution: Distribution) -> Vec<u64> {
        let latencies = Draws::new(seed, mean_ns, distribution);
        (0..DRAWS).map(|number| latencies.of(number)).collect()
    }

    /// Mean and standard deviation, in means.
    fn moments(drawn: &[u64], mean_ns: u64) -> (f64, f64) {
        let scaled = || drawn.iter().map(|ns| *ns as f64 / mean_ns as f64);
        let mean = scaled().sum::<f64>() / DRAWS as f64;
        let variance = scaled().map(|it| (it - mean).powi(2)).sum::<f64>() / DRAWS as f64;
        (mean, variance.sqrt())
    }

    #[test]
    fn each_distribution_has_its_mean_and_spread() {
        use Distribution::{Exponential, Fixed, Uniform};
        // Standard errors of the means are 0.0018 and 0.0032; five of them are allowed.
        for (distribution, spread, tolerance) in
            [(Fixed, 0.0, 0.0), (Uniform, 1.0 / 3f64.sqrt(), 0.01), (Exponential, 1.0, 0.016)]
        {
            for (seed, mean_ns) in [(0, 1_000_000), (1, 1_000), (u64::MAX, 20_000_000)] {
                let (mean, deviation) = moments(&latencies(seed, mean_ns, distribution), mean_ns);
                // Whole nanoseconds cost half of one.
                let tolerance = tolerance + 0.6 / mean_ns as f64;
                assert!((mean - 1.0).abs() <= tolerance, "{distribution:?} {seed} {mean}");
                assert!((deviation - spread).abs() <= 2.0 * tolerance, "{distribution:?} {seed} {deviation}");
            }
        }
    }

    #[test]
    fn the_tails_are_those_of_the_distributions() {
        let share =
            |drawn: &[u64], above: u64| drawn.iter().filter(|ns| **ns >= above).count() as f64 / DRAWS as f64;
        let uniform = latencies(7, 1_000, Distribution::Uniform);
        assert!(uniform.iter().all(|ns| *ns < 2_000));
        assert!((share(&uniform, 1_500) - 0.25).abs() < 0.01);
        let exponential = latencies(7, 1_000, Distribution::Exponential);
        assert!((share(&exponential, 1_000) - (-1f64).exp()).abs() < 0.01);
        assert!((share(&exponential, 3_000) - (-3f64).exp()).abs() < 0.005);
    }

    #[test]
    fn the_seed_decides() {
        for distribution in [Distribution::Uniform, Distribution::Exponential] {
            let drawn = |seed| latencies(seed, 1_000_000, distribution);
            assert_eq!(drawn(1), drawn(1));
            assert_ne!(drawn(1), drawn(2));
            // Neighbouring seeds do not give the same numbers one place further on.
            assert_ne!(drawn(1)[1..], drawn(2)[..DRAWS as usize - 1]);
        }
        assert_eq!(
            latencies(1, 5, Distribution::Fixed),
            latencies(2, 5, Distribution::Fixed),
            "nothing is drawn"
        );
    }

    #[test]
    fn dither_moves_each_time_and_not_the_mean() {
        for distribution in [Distribution::Fixed, Distribution::Uniform, Distribution::Exponential] {
            let plain = Draws::new(3, 1_000_000, distribution);
            let moved: Vec<f64> = (0..DRAWS)
                .map(|number| plain.dithered(5).of(number) as f64 - plain.of(number) as f64)
                .collect();
            let shares: Vec<f64> =
                (0..DRAWS).map(|number| moved[number as usize] / plain.of(number).max(1) as f64).collect();
            assert!(shares.iter().all(|share| share.abs() <= 0.005), "{distribution:?}");
            // Evenly drawn: the deviation is 0.005 by the root of three, that of the mean a 316th of it.
            let mean = moved.iter().sum::<f64>() / DRAWS as f64 / 1_000_000.0;
            assert!(mean.abs() < 5.0 * 0.005 / 3f64.sqrt() / 316.0 * 1.5, "{distribution:?} {mean}");
            assert!(shares.iter().filter(|share| **share > 0.0025).count() > DRAWS as usize / 5);
            assert!(shares.iter().filter(|share| **share < -0.0025).count() > DRAWS as usize / 5);
        }
    }

    #[test]
    fn extreme_means_stay_in_range() {
        for distribution in [Distribution::Fixed, Distribution::Uniform, Distribution::Exponential] {
            for number in 0..1_000 {
                assert_eq!(Draws::new(number, 0, distribution).of(number), 0);
                Draws::new(number, u64::MAX, distribution).of(number);
                Draws::new(number, u64::MAX, distribution).dithered(1000).of(number);
            }
        }
    }
}
