//! A permutation that a seed decides, the same on every machine and in every version of the lab.

use lab_protocol::random::{below, splitmix64};

/// The items in an order that `seed` decides, each order equally likely (Fisher and Yates, in Durstenfeld's form).
pub(super) fn shuffled<T>(items: &[T], seed: u64) -> Vec<&T> {
    let mut order: Vec<&T> = items.iter().collect();
    for (draw, last) in (0..).zip((1..order.len()).rev()) {
        order.swap(last, below(last as u64 + 1, splitmix64(seed, draw)) as usize);
    }
    order
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Campaigns that are there go on only if the same seed gives the same order.
    #[test]
    fn orders_stay_what_they_were() {
        let order = |seed| shuffled(&['A', 'B', 'C', 'D', 'E', 'F'], seed).into_iter().collect::<String>();
        assert_eq!([0, 1, 1_234_567].map(order), ["BDEACF", "CABEFD", "DBEFAC"]);
    }

    #[test]
    fn every_order_comes_up_equally_often() {
        let mut counts = BTreeMap::<String, u32>::new();
        for seed in 0..6000 {
            let order: String = shuffled(&['A', 'B', 'C'], seed).into_iter().collect();
            *counts.entry(order).or_default() += 1;
        }
        assert_eq!(counts.len(), 6, "{counts:?}");
        // Expected are 1000 of each; five standard deviations are 144.
        assert!(counts.values().all(|count| (856..=1144).contains(count)), "{counts:?}");
    }

    #[test]
    fn small_inputs() {
        assert!(shuffled::<u8>(&[], 1).is_empty());
        assert_eq!(shuffled(&[7], 1), [&7]);
    }
}
