//! Log-linear histograms, as HdrHistogram has them: the slots of small numbers hold one number each, and each power of two
//! from there on has as many slots as the one before. So a slot is narrow in proportion to what it holds, and adding a
//! number is a few instructions, whatever came before.
//!
//! Only the arithmetic: who counts keeps the counts, with atomic additions or without.

use std::ops::RangeInclusive;

/// How 64-bit numbers are put into slots: by their highest bit and the `BITS` behind it. Numbers below `2 << BITS` have a
/// slot of their own; above, a slot is at most `1 / (1 << BITS)` of its numbers wide.
#[derive(Clone, Copy, Debug)]
pub struct LogLinear<const BITS: u32>;

impl<const BITS: u32> LogLinear<BITS> {
    /// Slots for all numbers.
    pub const SLOTS: usize = Self::slot(u64::MAX) + 1;

    /// The slot of a number.
    pub const fn slot(number: u64) -> usize {
        // Without a branch for small numbers, which have nothing to cut off.
        let cut = (u64::BITS - number.leading_zeros()).saturating_sub(BITS + 1);
        ((cut as usize) << BITS) + (number >> cut) as usize
    }

    /// The numbers of a slot.
    pub const fn numbers(slot: usize) -> RangeInclusive<u64> {
        let cut = (slot >> BITS).saturating_sub(1);
        let first = ((slot - (cut << BITS)) as u64) << cut;
        first..=first + ((1 << cut) - 1)
    }
}

/// The slot of the smallest number that `per_mille` of all do not exceed (nearest rank); none if there are none.
pub fn percentile(counts: &[u64], per_mille: u64) -> Option<usize> {
    let count: u128 = counts.iter().map(|count| u128::from(*count)).sum();
    let rank = (count * u128::from(per_mille)).div_ceil(1000);
    let mut seen = 0;
    let reached = |in_slot: &u64| {
        seen += u128::from(*in_slot);
        seen >= rank
    };
    counts.iter().position(reached).filter(|_| count > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Slots follow each other without a gap, and are as narrow as is documented.
    fn check<const BITS: u32>(slots: usize) {
        assert_eq!(LogLinear::<BITS>::SLOTS, slots);
        let mut next = Some(0);
        for slot in 0..slots {
            let (first, last) = LogLinear::<BITS>::numbers(slot).into_inner();
            assert_eq!(Some(first), next, "{slot}");
            for number in [first, first + (last - first) / 3, last] {
                assert_eq!(LogLinear::<BITS>::slot(number), slot, "{number}");
            }
            assert!(last - first <= first >> BITS, "{first} to {last}");
            next = last.checked_add(1);
        }
        assert_eq!(next, None);
    }

    #[test]
    fn each_number_has_one_narrow_slot() {
        check::<0>(65);
        check::<6>(3776);
        check::<7>(7424);
    }

    #[test]
    fn percentiles_are_nearest_ranks() {
        for (counts, per_mille, expected) in [
            (&[][..], 500, None),
            (&[0, 0], 500, None),
            (&[0, 1], 1, Some(1)),
            (&[1, 0, 1], 500, Some(0)),
            (&[1, 0, 1], 501, Some(2)),
            (&[999, 1], 999, Some(0)),
            (&[998, 2], 999, Some(1)),
            (&[u64::MAX, u64::MAX], 1000, Some(1)),
        ] {
            assert_eq!(percentile(counts, per_mille), expected, "{counts:?}");
        }
    }
}
