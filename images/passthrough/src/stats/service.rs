//! How long requests take.
//!
//! A bucket is at most 1/64 of its times wide, and its middle at most 1/128 from any of them.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use lab_protocol::ServiceTimes;
use lab_protocol::histogram::{LogLinear, percentile};

/// With a bucket of its own for each time below 128 ns.
type Buckets = LogLinear<6>;

/// Times of requests that were answered, nanoseconds.
#[derive(Debug)]
pub(super) struct ServiceHistogram {
    sum: AtomicU64,
    min: AtomicU64,
    max: AtomicU64,
    buckets: Box<[AtomicU64]>,
}

/// What was taken of some histograms.
#[derive(Debug)]
pub(super) struct TakenTimes {
    counts: Vec<u64>,
    sum: u64,
    min_ns: u64,
    max_ns: u64,
}

impl Default for ServiceHistogram {
    fn default() -> Self {
        ServiceHistogram {
            sum: AtomicU64::new(0),
            min: AtomicU64::new(u64::MAX),
            max: AtomicU64::new(0),
            buckets: std::iter::repeat_with(|| AtomicU64::new(0)).take(Buckets::SLOTS).collect(),
        }
    }
}

impl Default for TakenTimes {
    fn default() -> Self {
        TakenTimes { counts: vec![0; Buckets::SLOTS], sum: 0, min_ns: u64::MAX, max_ns: 0 }
    }
}

impl ServiceHistogram {
    pub(super) fn add(&self, time_ns: u64) {
        self.buckets[Buckets::slot(time_ns)].fetch_add(1, Relaxed);
        self.sum.fetch_add(time_ns, Relaxed);
        if time_ns < self.min.load(Relaxed) {
            self.min.fetch_min(time_ns, Relaxed);
        }
        if time_ns > self.max.load(Relaxed) {
            self.max.fetch_max(time_ns, Relaxed);
        }
    }

    /// Moves what was added since the last call.
    pub(super) fn take_into(&self, taken: &mut TakenTimes) {
        for (count, bucket) in taken.counts.iter_mut().zip(&self.buckets) {
            *count += bucket.swap(0, Relaxed);
        }
        taken.sum += self.sum.swap(0, Relaxed);
        taken.min_ns = taken.min_ns.min(self.min.swap(u64::MAX, Relaxed));
        taken.max_ns = taken.max_ns.max(self.max.swap(0, Relaxed));
    }
}

impl TakenTimes {
    /// What is told of them, and their sum; none if there is none.
    pub(super) fn times(&self) -> Option<(ServiceTimes, u64)> {
        let TakenTimes { counts, sum, min_ns, max_ns } = self;
        let (min_ns, max_ns) = (*min_ns, *max_ns);
        let count: u64 = counts.iter().sum();
        let mean_ns = sum.checked_div(count)?;
        // The middle of a bucket may lie beyond all of its times.
        let percentile = |per_mille| {
            percentile(counts, per_mille).map_or(max_ns, |bucket| middle(bucket).min(max_ns).max(min_ns))
        };
        let (p50_ns, p90_ns, p99_ns) = (percentile(500), percentile(900), percentile(990));
        Some((ServiceTimes { count, mean_ns, min_ns, p50_ns, p90_ns, p99_ns, max_ns }, *sum))
    }
}

/// The time in the middle of a bucket.
fn middle(bucket: usize) -> u64 {
    let (first, last) = Buckets::numbers(bucket).into_inner();
    first + (last - first).div_ceil(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(times: &[u64], expected: Option<(u64, [u64; 6])>) {
        // In two shares, whoever counted them.
        let histograms = [(); 2].map(|()| ServiceHistogram::default());
        times.iter().zip(histograms.iter().cycle()).for_each(|(time, histogram)| histogram.add(*time));
        let take = || {
            let mut taken = TakenTimes::default();
            histograms.iter().for_each(|histogram| histogram.take_into(&mut taken));
            taken.times()
        };
        let found = take().map(|(times, sum)| {
            let ServiceTimes { count, mean_ns, min_ns, p50_ns, p90_ns, p99_ns, max_ns } = times;
            assert_eq!(mean_ns, sum / count);
            (count, [mean_ns, min_ns, p50_ns, p90_ns, p99_ns, max_ns])
        });
        assert_eq!(found, expected, "{times:?}");
        assert_eq!(take(), None);
    }

    #[test]
    fn what_is_told_of_times() {
        check(&[], None);
        check(&[0], Some((1, [0; 6])));
        check(&[127], Some((1, [127; 6])));
        // Alone in its bucket, a time is told exactly.
        check(&[1_000_003], Some((1, [1_000_003; 6])));
        check(&[2, 1], Some((2, [1, 1, 1, 2, 2, 2])));
        let hundred: Vec<u64> = (1..=100).rev().collect();
        check(&hundred, Some((100, [50, 1, 50, 90, 99, 100])));
        check(&[5, 5, 5, 5, 5, 5, 5, 5, 5, 100], Some((10, [14, 5, 5, 5, 100, 100])));
        check(&[u64::MAX], Some((1, [u64::MAX; 6])));
    }

    #[test]
    fn the_middle_is_within_the_documented_error() {
        for power in 0..64 {
            for time in [1 << power, (1 << power) + (1 << power) / 3, (1 << power) - 1 + (1 << power)] {
                let error = middle(Buckets::slot(time)).abs_diff(time);
                assert!(error <= time / 128, "{time}: {error}");
            }
        }
    }
}
