//! A permutation that a seed decides, the same on every machine and in every version of the lab.

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014): a counter that
/// is mixed, with a period of 2^64. The constants are those of the paper's 64-bit variant.
#[derive(Clone, Debug)]
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not 0: the upper half of a product of 128 bits (Lemire, "Fast random integer
    /// generation in an interval", 2019). Of the few items here each comes up equally often, but for 2^-60.
    fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.next()) * end as u128) >> 64) as usize
    }
}

/// The items in an order that `seed` decides, each order equally likely (Fisher and Yates, in Durstenfeld's form).
pub(super) fn shuffled<T>(items: &[T], seed: u64) -> Vec<&T> {
    let mut random = SplitMix64(seed);
    let mut order: Vec<&T> = items.iter().collect();
    for last in (1..order.len()).rev() {
        order.swap(last, random.below(last + 1));
    }
    order
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_generator_is_the_published_one() {
        // The first values for the seed 1234567, as in the test vectors of other implementations.
        let mut random = SplitMix64(1_234_567);
        let found = [(); 3].map(|()| random.next());
        assert_eq!(found, [6457827717110365317, 3203168211198807973, 9817491932198370423]);
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
