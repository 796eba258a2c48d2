//! Counts by size.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

/// Counts by size. Workloads use few sizes: each gets a slot, and what finds none goes to a map with a lock.
#[derive(Debug)]
pub(super) struct SizeHistogram {
    slots: [Counter; SLOTS],
    rest: Mutex<BTreeMap<u32, u64>>,
}

const SLOTS: usize = 16;

#[derive(Debug)]
struct Counter {
    /// The size plus one; 0 while the slot is free.
    key: AtomicU64,
    count: AtomicU64,
}

impl Default for SizeHistogram {
    fn default() -> Self {
        let slots = [const { Counter { key: AtomicU64::new(0), count: AtomicU64::new(0) } }; SLOTS];
        SizeHistogram { slots, rest: Mutex::default() }
    }
}

impl SizeHistogram {
    pub(super) fn add(&self, size: u32) {
        let key = u64::from(size) + 1;
        for slot in &self.slots {
            let found = match slot.key.load(Relaxed) {
                0 => slot.key.compare_exchange(0, key, Relaxed, Relaxed).map_or_else(|now| now, |_| key),
                taken => taken,
            };
            if found == key {
                slot.count.fetch_add(1, Relaxed);
                return;
            }
        }
        *self.rest.lock().unwrap_or_else(PoisonError::into_inner).entry(size).or_default() += 1;
    }

    /// What was counted since the last call. A slot keeps its size for good: freeing it would race with an addition.
    pub(super) fn take(&self) -> BTreeMap<u32, u64> {
        let mut counts = std::mem::take(&mut *self.rest.lock().unwrap_or_else(PoisonError::into_inner));
        for slot in &self.slots {
            let count = slot.count.swap(0, Relaxed);
            if let (size @ 0.., 1..) = (slot.key.load(Relaxed) as i64 - 1, count) {
                counts.insert(size as u32, count);
            }
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_sizes_than_slots_are_counted() {
        let histogram = SizeHistogram::default();
        let expected: BTreeMap<u32, u64> = (0..3 * SLOTS as u32).map(|size| (size, 2)).collect();
        for size in expected.keys().chain(expected.keys()) {
            histogram.add(*size);
        }
        assert_eq!(histogram.take(), expected);
        assert_eq!(histogram.take(), BTreeMap::new());
    }
}
