//! How long round trips took.

use lab_protocol::RoundTrips;
use lab_protocol::histogram::{LogLinear, percentile};

/// Slots are at most 1/128 of what they hold wide.
type Slots = LogLinear<7>;

/// Adds times up without keeping them. It takes no memory while it measures.
pub(crate) struct Trips {
    counts: Vec<u64>,
    count: u64,
    sum_ns: u128,
}

impl Trips {
    /// None so far.
    pub(crate) fn new() -> Self {
        Trips { counts: vec![0; Slots::SLOTS], count: 0, sum_ns: 0 }
    }

    /// Adds one.
    pub(crate) fn add(&mut self, ns: u64) {
        self.counts[Slots::slot(ns)] += 1;
        self.count += 1;
        self.sum_ns += u128::from(ns);
    }

    /// What they come to; none if there were none.
    pub(crate) fn summary(&self) -> Option<RoundTrips> {
        let at = |per_mille| percentile(&self.counts, per_mille).map(|slot| *Slots::numbers(slot).end());
        Some(RoundTrips {
            mean_ns: self.sum_ns.checked_div(u128::from(self.count))? as u64,
            p50_ns: at(500)?,
            p90_ns: at(900)?,
            p99_ns: at(990)?,
            p99_9_ns: at(999)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_come_to_their_mean_and_percentiles() {
        let mut trips = Trips::new();
        assert_eq!(trips.summary(), None);
        (1..=100).for_each(|ns| trips.add(ns));
        let summary = trips.summary().unwrap();
        let found = [summary.mean_ns, summary.p50_ns, summary.p90_ns, summary.p99_ns, summary.p99_9_ns];
        assert_eq!(found, [50, 50, 90, 99, 100]);
    }
}
