//! Sets of bytes of a file, as ranges.

use std::ops::Range;

/// Ranges that do not overlap, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ranges(Vec<Range<u64>>);

impl Ranges {
    /// One range.
    pub(crate) fn one(range: Range<u64>) -> Self {
        Ranges(if range.is_empty() { Vec::new() } else { vec![range] })
    }

    /// Takes a range out.
    pub(crate) fn remove(&mut self, range: &Range<u64>) {
        if range.is_empty() {
            return;
        }
        let parts = self.0.iter().flat_map(|part| {
            let below = part.start..part.end.min(range.start);
            let above = part.start.max(range.end)..part.end;
            [below, above].into_iter().filter(|part| !part.is_empty())
        });
        self.0 = parts.collect();
    }

    /// Takes ranges out.
    pub(crate) fn remove_all(&mut self, others: &Ranges) {
        others.0.iter().for_each(|range| self.remove(range));
    }

    /// The lowest byte.
    pub(crate) fn first(&self) -> Option<u64> {
        self.0.first().map(|range| range.start)
    }
}

/// What two ranges have in common.
pub(crate) fn common(one: &Range<u64>, other: &Range<u64>) -> Range<u64> {
    let start = one.start.max(other.start);
    start..one.end.min(other.end).max(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_removed_is_gone() {
        let mut ranges = Ranges::one(10..100);
        ranges.remove(&(0..5));
        ranges.remove(&(20..30));
        ranges.remove(&(25..25));
        assert_eq!(ranges, Ranges(vec![10..20, 30..100]));
        ranges.remove_all(&Ranges(vec![0..15, 90..200]));
        assert_eq!(ranges, Ranges(vec![15..20, 30..90]));
        assert_eq!(ranges.first(), Some(15));
        ranges.remove(&(0..1000));
        assert_eq!(ranges.first(), None);
        assert_eq!((common(&(1..5), &(3..9)), common(&(1..3), &(5..9)).is_empty()), (3..5, true));
    }
}
