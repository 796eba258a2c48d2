//! What was measured, sample by sample, and what is made of samples.

use lab_core::comparison::statistics::{MEDIAN, quantile};
use serde::Serialize;

/// Something measured of a contender with a number of threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Measure {
    /// Reading with dd, MiB/s.
    Read,
    /// Writing with dd, MiB/s.
    Write,
    /// CPU time of the server while dd reads, microseconds a request.
    ReadCpu,
    /// CPU time of the server while dd writes, microseconds a request.
    WriteCpu,
    /// `VmHWM` of the server after both, MiB.
    PeakMemory,
    /// Files made a second.
    Create,
    /// Files looked at a second, names unknown to the kernel.
    Stat,
    /// Files removed a second.
    Unlink,
    /// `VmHWM` of the server after that, MiB.
    PeakMemorySmallFiles,
}

impl Measure {
    /// The better of two medians.
    pub(super) fn better(self, left: f64, right: f64) -> f64 {
        match self {
            Measure::Read | Measure::Write | Measure::Create | Measure::Stat | Measure::Unlink => {
                left.max(right)
            }
            Measure::ReadCpu | Measure::WriteCpu | Measure::PeakMemory | Measure::PeakMemorySmallFiles => {
                left.min(right)
            }
        }
    }
}

/// All samples of one measure, in the order in which they were taken.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct SampleSeries {
    /// What was measured, in which unit.
    pub(super) measure: Measure,
    /// Of whom.
    pub(super) contender: String,
    /// Threads of the server.
    pub(super) threads: u32,
    /// The samples, in the measure's unit.
    pub(super) samples: Vec<f64>,
}

/// Every series.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub(super) struct AllSeries(Vec<SampleSeries>);

impl AllSeries {
    /// Adds a sample to its series.
    pub(super) fn add(&mut self, measure: Measure, contender: &str, threads: u32, sample: f64) {
        let is_it = |series: &&mut SampleSeries| {
            (series.measure, series.contender.as_str(), series.threads) == (measure, contender, threads)
        };
        match self.0.iter_mut().find(is_it) {
            Some(series) => series.samples.push(sample),
            None => {
                let contender = contender.to_owned();
                self.0.push(SampleSeries { measure, contender, threads, samples: vec![sample] });
            }
        }
    }

    /// The summary of a series, if there is one.
    pub(super) fn summary(&self, measure: Measure, contender: &str, threads: u32) -> Option<Quartiles> {
        let is_it = |series: &&SampleSeries| {
            (series.measure, series.contender.as_str(), series.threads) == (measure, contender, threads)
        };
        self.0.iter().find(is_it).and_then(|series| Quartiles::of(&series.samples))
    }

    /// Whether anything was measured.
    pub(super) fn has(&self, measure: Measure) -> bool {
        self.0.iter().any(|series| series.measure == measure)
    }
}

/// Median and quartiles.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Quartiles {
    pub(super) lower: f64,
    pub(super) median: f64,
    pub(super) upper: f64,
}

impl Quartiles {
    /// None of no samples.
    pub(super) fn of(samples: &[f64]) -> Option<Self> {
        let at = |share: f64| quantile(samples, share);
        Some(Quartiles { lower: at(0.25)?, median: at(MEDIAN)?, upper: at(0.75)? })
    }
}

/// The order of `count` contenders in a round: each begins once before one begins again.
pub(super) fn order(count: usize, round: u32) -> impl Iterator<Item = usize> {
    (0..count).map(move |place| (place + round as usize) % count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles() {
        for (samples, expected) in [
            (&[][..], None),
            (&[5.0], Some((5.0, 5.0, 5.0))),
            (&[2.0, 1.0], Some((1.25, 1.5, 1.75))),
            (&[3.0, 1.0, 2.0], Some((1.5, 2.0, 2.5))),
            (&[9.0, 1.0, 2.0, 3.0, 4.0], Some((2.0, 3.0, 4.0))),
        ] {
            let found = Quartiles::of(samples).map(|it| (it.lower, it.median, it.upper));
            assert_eq!(found, expected, "{samples:?}");
        }
    }

    #[test]
    fn everyone_is_first_in_turn() {
        let orders: Vec<Vec<usize>> = (0..4).map(|round| order(3, round).collect()).collect();
        assert_eq!(orders, [[0, 1, 2], [1, 2, 0], [2, 0, 1], [0, 1, 2]]);
    }

    #[test]
    fn samples_find_their_series() {
        let mut all = AllSeries::default();
        for (threads, sample) in [(1, 1.0), (2, 10.0), (1, 3.0)] {
            all.add(Measure::Read, "ours", threads, sample);
        }
        let median = |measure, threads| all.summary(measure, "ours", threads).map(|it| it.median);
        assert_eq!((median(Measure::Read, 1), median(Measure::Read, 2)), (Some(2.0), Some(10.0)));
        assert_eq!((median(Measure::Write, 1), all.has(Measure::Write)), (None, false));
    }
}
