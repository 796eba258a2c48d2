//! Latencies: extremes, mean, percentiles, and counts below limits.

use std::time::Duration;

use lab_protocol::histogram::{LogLinear, percentile};
use serde::Serialize;

/// Upper limits of the counts that are printed, milliseconds.
pub(crate) const LIMITS_MS: [u64; 6] = [100, 250, 500, 1000, 5000, 10_000];

/// A slot is at most 1/128 of its values wide.
type LatencySlots = LogLinear<7>;

/// Latencies that were added one by one.
///
/// They are counted in slots that grow with the latency, so that adding one is a few instructions whatever came
/// before, and the size does not depend on how many there are. Below 256 ns a slot is one nanosecond wide.
#[derive(Clone, Debug, PartialEq)]
pub struct Latencies {
    shortest_ns: u64,
    longest_ns: u64,
    sum_ns: u128,
    count: u64,
    /// Those below each of [`LIMITS_MS`] but not below the one before; those above all come last.
    below: [u64; LIMITS_MS.len() + 1],
    slots: Box<[u64]>,
}

/// What latencies come to; nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// How many there were.
    pub count: u64,
    /// The shortest.
    pub min: u64,
    /// The mean, rounded down.
    pub mean: u64,
    /// The longest.
    pub max: u64,
    /// Half of them took at most this.
    pub p50: u64,
    /// Nine of ten.
    pub p90: u64,
    /// 99 of a hundred.
    pub p99: u64,
    /// 999 of a thousand.
    #[serde(rename = "p99.9")]
    pub p99_9: u64,
}

impl Default for Latencies {
    fn default() -> Self {
        // Written to, so that no page of it is missing when the first latency comes.
        let mut slots = vec![u64::MAX; LatencySlots::SLOTS];
        std::hint::black_box(&mut slots).fill(0);
        Latencies {
            shortest_ns: u64::MAX,
            longest_ns: 0,
            sum_ns: 0,
            count: 0,
            below: Default::default(),
            slots: slots.into(),
        }
    }
}

impl Latencies {
    /// Adds one.
    pub fn add(&mut self, latency: Duration) {
        let ns = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.shortest_ns = self.shortest_ns.min(ns);
        self.longest_ns = self.longest_ns.max(ns);
        self.sum_ns += u128::from(ns);
        self.count += 1;
        let limit = LIMITS_MS.iter().position(|limit| ns < limit * 1_000_000);
        self.below[limit.unwrap_or(LIMITS_MS.len())] += 1;
        self.slots[LatencySlots::slot(ns)] += 1;
    }

    /// Adds those of another.
    pub fn merge(&mut self, other: &Latencies) {
        self.shortest_ns = self.shortest_ns.min(other.shortest_ns);
        self.longest_ns = self.longest_ns.max(other.longest_ns);
        self.sum_ns += other.sum_ns;
        self.count += other.count;
        self.below.iter_mut().zip(other.below).for_each(|(count, more)| *count += more);
        self.slots.iter_mut().zip(&other.slots).for_each(|(count, more)| *count += more);
    }

    /// What they come to; none if there are none.
    pub fn summary(&self) -> Option<Summary> {
        (self.count > 0).then(|| Summary {
            count: self.count,
            min: self.shortest_ns,
            mean: self.mean_ns(),
            max: self.longest_ns,
            p50: self.percentile_ns(500),
            p90: self.percentile_ns(900),
            p99: self.percentile_ns(990),
            p99_9: self.percentile_ns(999),
        })
    }

    /// The nearest rank: the smallest latency that `per_mille` of all do not exceed, seen through the slots: the
    /// longest that would be in the same slot, but none longer than all.
    fn percentile_ns(&self, per_mille: u64) -> u64 {
        let found = percentile(&self.slots, per_mille);
        found.map_or(self.longest_ns, |slot| LatencySlots::numbers(slot).into_inner().1.min(self.longest_ns))
    }

    fn mean_ns(&self) -> u64 {
        (self.sum_ns / u128::from(self.count.max(1))) as u64
    }

    /// Two lines, in milliseconds; `title` is `latency` or `completion latency`.
    pub fn lines(&self, title: &str) -> String {
        let milliseconds = |ns: u64| ns as f64 / 1e6;
        let shortest = if self.count == 0 { 0 } else { self.shortest_ns };
        let mut text = format!(
            "{title} min {:.2} avg {:.2} max {:.2}\n\t",
            milliseconds(shortest),
            milliseconds(self.mean_ns()),
            milliseconds(self.longest_ns),
        );
        for (limit, count) in LIMITS_MS.iter().zip(self.below) {
            text += &format!(" {count} < {limit}");
        }
        text + &format!(" {} more", self.below[LIMITS_MS.len()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn latencies(ns: impl IntoIterator<Item = u64>) -> Latencies {
        let mut latencies = Latencies::default();
        ns.into_iter().for_each(|ns| latencies.add(Duration::from_nanos(ns)));
        latencies
    }

    fn check(latencies_us: &[u64], expected: expect_test::Expect) {
        expected.assert_eq(&latencies(latencies_us.iter().map(|us| us * 1000)).lines("latency"));
    }

    #[test]
    fn lines() {
        use expect_test::expect;
        check(
            &[],
            expect![[r#"
            latency min 0.00 avg 0.00 max 0.00
            	 0 < 100 0 < 250 0 < 500 0 < 1000 0 < 5000 0 < 10000 0 more"#]],
        );
        check(
            &[1500],
            expect![[r#"
            latency min 1.50 avg 1.50 max 1.50
            	 1 < 100 0 < 250 0 < 500 0 < 1000 0 < 5000 0 < 10000 0 more"#]],
        );
        check(
            &[10, 30, 99_999, 100_000, 249_999, 4_999_999, 5_000_000, 10_000_000],
            expect![[r#"
            latency min 0.01 avg 2556.25 max 10000.00
            	 3 < 100 2 < 250 0 < 500 0 < 1000 1 < 5000 1 < 10000 1 more"#]],
        );
    }

    /// Asserts `[min, mean, max, p50, p90, p99, p99.9]`.
    fn sums_up(ns: impl IntoIterator<Item = u64>, expected: Option<[u64; 7]>) {
        let summary = latencies(ns).summary();
        let found = summary.map(|s| [s.min, s.mean, s.max, s.p50, s.p90, s.p99, s.p99_9]);
        assert_eq!(found, expected);
    }

    #[test]
    fn percentiles_are_nearest_ranks() {
        sums_up([], None);
        sums_up([7], Some([7; 7]));
        sums_up([0, 1], Some([0, 0, 1, 0, 1, 1, 1]));
        sums_up(1..=100, Some([1, 50, 100, 50, 90, 99, 100]));
        sums_up((1..=10).rev(), Some([1, 5, 10, 5, 9, 10, 10]));
        // One of a thousand, and two of a thousand.
        sums_up((0..999).map(|_| 10).chain([200]), Some([10, 10, 200, 10, 10, 10, 10]));
        sums_up((0..998).map(|_| 10).chain([200, 201]), Some([10, 10, 201, 10, 10, 10, 200]));
        // From 256 on a slot holds several values: 1000 to 1003 are one.
        sums_up([1000, 2_000_000], Some([1000, 1_000_500, 2_000_000, 1003, 2_000_000, 2_000_000, 2_000_000]));
        sums_up([u64::MAX, u64::MAX], Some([u64::MAX; 7]));
    }

    #[test]
    fn parts_merge_to_the_whole() {
        let (first, second) = (0..1000, 500..900_000);
        let mut merged = latencies(first.clone());
        merged.merge(&latencies(second.clone().step_by(7)));
        merged.merge(&Latencies::default());
        assert_eq!(merged, latencies(first.chain(second.step_by(7))));
    }
}
