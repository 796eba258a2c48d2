//! Numbers that look random and follow from a seed.

use lab_protocol::random::{below, splitmix64};

/// A sequence of numbers.
#[derive(Clone, Debug)]
pub struct Draw {
    seed: u64,
    index: u64,
}

impl Draw {
    /// The sequence of a seed.
    pub fn new(seed: u64) -> Self {
        Draw { seed, index: 0 }
    }

    /// The sequence that belongs to these bytes.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Draw::new(u64::from(crc32fast::hash(bytes)))
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        let number = splitmix64(self.seed, self.index);
        self.index += 1;
        number
    }

    /// A number below `end`; 0 if `end` is 0.
    pub fn below(&mut self, end: usize) -> usize {
        below(end as u64, self.number()) as usize
    }

    /// A number from 1 to `most`; small ones are likelier, in steps of powers of two.
    pub fn mostly_small(&mut self, most: usize) -> usize {
        let bits = usize::BITS - most.leading_zeros();
        let limit = 1_usize << self.below(bits as usize + 1).min(usize::BITS as usize - 2);
        1 + self.below(limit.min(most))
    }

    /// Whether something happens that happens once in `times`.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of several; none of none.
    pub fn one_of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        all.get(self.below(all.len()))
    }
}
