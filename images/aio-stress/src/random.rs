//! Offsets: in sequence and at random.

use crate::size::MIB;

/// The part of a file that one operation works on, and in what pieces; all in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub start: u64,
    /// First byte behind it.
    pub end: u64,
    /// Length of one request.
    pub record: u64,
    /// What random offsets are multiples of, counted from `start`; a power of two.
    pub alignment: u64,
}

impl Span {
    /// Whole records that fit.
    pub fn records(&self) -> u64 {
        (self.end - self.start) / self.record
    }

    /// A random offset: a whole MiB of the span plus bytes up to one MiB, rounded up to the alignment, pulled
    /// back by a record if the request would pass the end.
    pub fn random_offset(&self, random: &mut Random) -> u64 {
        let length = self.end - self.start;
        // A division takes as long as the rest together.
        let mask = self.alignment - 1;
        // Room for the bytes that are added.
        let kept_free = (self.alignment / MIB).max(1);
        let whole = random.below((length / MIB).saturating_sub(kept_free) + 1) * MIB;
        let mut offset = whole + ((random.below(MIB) + mask) & !mask);
        if offset + self.record > length {
            offset = offset.saturating_sub(self.record);
        }
        // One record back is not enough if the span is smaller than a MiB.
        let offset = offset.min(length - self.record);
        self.start + (offset & !mask)
    }
}

/// A small generator (G. Marsaglia's xorshift64*, 2003): the same numbers on every run and machine.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A generator that differs for each `stream`.
    pub fn new(stream: u64) -> Self {
        // Any state but zero will do.
        Random((stream + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number from 0 to `limit` - 1; 0 if the limit is 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d);
        lab_protocol::random::below(limit, number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offsets(span: Span) -> Vec<u64> {
        let mut random = Random::new(0);
        (0..2000).map(|_| span.random_offset(&mut random)).collect()
    }

    #[test]
    fn random_offsets_stay_inside_and_aligned() {
        for (start, end, record, alignment) in [
            (0, 512 * MIB, 65536, 4096),
            (2 * MIB, 10 * MIB, 2 * MIB, 4096),
            (0, MIB, 65536, 4096),
            (0, 65536, 65536, 4096),
            (0, 100_000, 65536, 512),
            (0, 64 * MIB, MIB, 4 * MIB),
        ] {
            let span = Span { start, end, record, alignment };
            for offset in offsets(span) {
                assert!(offset >= start && offset + record <= end, "{offset} in {span:?}");
                assert_eq!((offset - start) % alignment, 0, "{offset} in {span:?}");
            }
        }
    }

    #[test]
    fn random_offsets_reach_both_ends() {
        let span = Span { start: 4 * MIB, end: 12 * MIB, record: 65536, alignment: 4096 };
        let offsets = offsets(span);
        assert!(offsets.iter().min() < Some(&(5 * MIB)));
        assert!(offsets.iter().max() > Some(&(11 * MIB)));
        let mut distinct = offsets.clone();
        distinct.sort();
        distinct.dedup();
        assert!(distinct.len() > 1000, "{}", distinct.len());
    }

    #[test]
    fn numbers_repeat_and_differ_by_stream() {
        let take = |stream| {
            let mut random = Random::new(stream);
            (0..4).map(|_| random.below(100)).collect::<Vec<_>>()
        };
        assert_eq!(take(1), take(1));
        assert_ne!(take(1), take(2));
        assert_eq!(Random::new(3).below(0), 0);
    }

    #[test]
    fn only_whole_records_count() {
        for (start, end, record, expected) in
            [(0, 512 * MIB, 65536, 8192), (2 * MIB, 4 * MIB, MIB, 2), (0, 100, 64, 1), (0, 63, 64, 0)]
        {
            assert_eq!(Span { start, end, record, alignment: 1 }.records(), expected);
        }
    }
}
