//! What the server counts, as requests arrive and are answered.
//!
//! Atomic counters without locks: a request costs a handful of uncontended additions. Not everything that the
//! kernel sends reaches a `fuser` file system, so some requests are never counted: INTERRUPT (`fuser` answers
//! ENOSYS, after which the kernel sends no further one), DESTROY, NOTIFY_REPLY, and those that `fuser` does not
//! know (STATX, TMPFILE, SYNCFS, REMOVEMAPPING: answered ENOSYS, once each). BATCH_FORGET arrives as one FORGET
//! per inode.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use lab_protocol::RequestStats;

macro_rules! operations {
    ($($variant:ident $name:literal,)*) => {
        /// A request that reaches the file system, with its name in `include/uapi/linux/fuse.h`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Operation { $($variant,)* }

        /// The names of all, in the order of the variants.
        pub(crate) const NAMES: &[&str] = &[$($name,)*];
    };
}

operations! {
    Access "ACCESS",
    Bmap "BMAP",
    CopyFileRange "COPY_FILE_RANGE",
    Create "CREATE",
    Fallocate "FALLOCATE",
    Flush "FLUSH",
    Forget "FORGET",
    Fsync "FSYNC",
    Fsyncdir "FSYNCDIR",
    Getattr "GETATTR",
    Getlk "GETLK",
    Getxattr "GETXATTR",
    Init "INIT",
    Ioctl "IOCTL",
    Link "LINK",
    Listxattr "LISTXATTR",
    Lookup "LOOKUP",
    Lseek "LSEEK",
    Mkdir "MKDIR",
    Mknod "MKNOD",
    Open "OPEN",
    Opendir "OPENDIR",
    Poll "POLL",
    Read "READ",
    Readdir "READDIR",
    Readdirplus "READDIRPLUS",
    Readlink "READLINK",
    Release "RELEASE",
    Releasedir "RELEASEDIR",
    Removexattr "REMOVEXATTR",
    Rename "RENAME",
    Rename2 "RENAME2",
    Rmdir "RMDIR",
    Setattr "SETATTR",
    Setlk "SETLK",
    Setxattr "SETXATTR",
    Statfs "STATFS",
    Symlink "SYMLINK",
    Unlink "UNLINK",
    Write "WRITE",
}

/// Which way the data of a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// READ
    Read,
    /// WRITE
    Write,
}

impl From<Direction> for Operation {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::Read => Operation::Read,
            Direction::Write => Operation::Write,
        }
    }
}

/// How a READ or WRITE was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// With data or a count.
    Good,
    /// With an error.
    Failed,
}

/// Where a READ or WRITE starts, seen from the one received before it for the same file and direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// It starts where that one ended, or is the first.
    InOrder,
    /// It starts elsewhere.
    OutOfOrder,
}

/// The counters of one server.
#[derive(Debug)]
pub(crate) struct Stats {
    operations: [AtomicU64; NAMES.len()],
    read_sizes: SizeHistogram,
    write_sizes: SizeHistogram,
    arrivals: AtomicU64,
    in_flight: AtomicU32,
    most_in_flight: AtomicU32,
    out_of_order: AtomicU64,
    failed: AtomicU64,
}

impl Default for Stats {
    fn default() -> Self {
        Stats {
            operations: [const { AtomicU64::new(0) }; NAMES.len()],
            read_sizes: SizeHistogram::default(),
            write_sizes: SizeHistogram::default(),
            arrivals: AtomicU64::new(0),
            in_flight: AtomicU32::new(0),
            most_in_flight: AtomicU32::new(0),
            out_of_order: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        }
    }
}

impl Stats {
    /// Counts a request of any kind.
    pub(crate) fn count(&self, operation: Operation) {
        self.operations[operation as usize].fetch_add(1, Relaxed);
    }

    /// Counts a READ or WRITE of `size` bytes as received; it is in flight until [`Stats::answer`].
    ///
    /// Gives its number among those received since the last [`Stats::take`], from 0.
    pub(crate) fn arrive(&self, direction: Direction, size: u32, place: Place) -> u64 {
        let (operation, sizes) = match direction {
            Direction::Read => (Operation::Read, &self.read_sizes),
            Direction::Write => (Operation::Write, &self.write_sizes),
        };
        let in_flight = self.in_flight.fetch_add(1, Relaxed) + 1;
        if self.most_in_flight.load(Relaxed) < in_flight {
            self.most_in_flight.fetch_max(in_flight, Relaxed);
        }
        self.count(operation);
        sizes.add(size);
        if place == Place::OutOfOrder {
            self.out_of_order.fetch_add(1, Relaxed);
        }
        self.arrivals.fetch_add(1, Relaxed)
    }

    /// Counts a READ or WRITE as answered. To be called before the reply is sent: the kernel may send the next
    /// request before the call that replied returns, and two that never overlapped would seem to.
    pub(crate) fn answer(&self, answer: Answer) {
        if answer == Answer::Failed {
            self.failed.fetch_add(1, Relaxed);
        }
        self.in_flight.fetch_sub(1, Relaxed);
    }

    /// Counts a request other than READ and WRITE as failed by a fault of the settings.
    pub(crate) fn fail(&self) {
        self.failed.fetch_add(1, Relaxed);
    }

    /// What was counted since the last call; counting starts again from zero.
    ///
    /// A request that arrives meanwhile is counted once, before or after.
    pub(crate) fn take(&self) -> RequestStats {
        let by_operation = (NAMES.iter().zip(&self.operations))
            .map(|(name, count)| (name.to_string(), count.swap(0, Relaxed)))
            .filter(|(_, count)| *count > 0)
            .collect();
        self.arrivals.store(0, Relaxed);
        RequestStats {
            by_operation,
            read_sizes: self.read_sizes.take(),
            write_sizes: self.write_sizes.take(),
            most_in_flight: self.most_in_flight.swap(self.in_flight.load(Relaxed), Relaxed),
            out_of_order: self.out_of_order.swap(0, Relaxed),
            failed: self.failed.swap(0, Relaxed),
            storage: None,
        }
    }
}

/// Counts by size. Workloads use few sizes: each gets a slot, and what finds none goes to a map with a lock.
#[derive(Debug)]
struct SizeHistogram {
    slots: [Slot; SLOTS],
    rest: Mutex<BTreeMap<u32, u64>>,
}

const SLOTS: usize = 16;

#[derive(Debug)]
struct Slot {
    /// The size plus one; 0 while the slot is free.
    key: AtomicU64,
    count: AtomicU64,
}

impl Default for SizeHistogram {
    fn default() -> Self {
        let slots = [const { Slot { key: AtomicU64::new(0), count: AtomicU64::new(0) } }; SLOTS];
        SizeHistogram { slots, rest: Mutex::default() }
    }
}

impl SizeHistogram {
    fn add(&self, size: u32) {
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

    /// A slot keeps its size for good: freeing it would race with an addition.
    fn take(&self) -> BTreeMap<u32, u64> {
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
    fn counts_what_arrived_and_starts_again() {
        let stats = Stats::default();
        stats.count(Operation::Lookup);
        assert_eq!(stats.arrive(Direction::Read, 131072, Place::InOrder), 0);
        assert_eq!(stats.arrive(Direction::Read, 4096, Place::OutOfOrder), 1);
        stats.answer(Answer::Failed);
        assert_eq!(stats.arrive(Direction::Write, 131072, Place::InOrder), 2);
        stats.answer(Answer::Good);
        let taken = stats.take();
        let expected = [("LOOKUP", 1), ("READ", 2), ("WRITE", 1)];
        assert_eq!(taken.by_operation, expected.map(|(name, count)| (name.to_string(), count)).into());
        assert_eq!(taken.read_sizes, [(4096, 1), (131072, 1)].into());
        assert_eq!(taken.write_sizes, [(131072, 1)].into());
        assert_eq!((taken.most_in_flight, taken.out_of_order, taken.failed), (2, 1, 1));
        // One is still in flight.
        assert_eq!(stats.take(), RequestStats { most_in_flight: 1, ..RequestStats::default() });
        stats.answer(Answer::Good);
        stats.take();
        assert_eq!(stats.take(), RequestStats::default());
        assert_eq!(stats.arrive(Direction::Read, 1, Place::InOrder), 0);
    }

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

    #[test]
    fn no_count_is_lost_between_threads() {
        let stats = Stats::default();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for size in 0..40_000 {
                        stats.arrive(Direction::Write, size % 32, Place::InOrder);
                        stats.answer(Answer::Good);
                    }
                });
            }
        });
        let taken = stats.take();
        assert_eq!(taken.write_sizes, (0..32).map(|size| (size, 5_000)).collect());
        assert_eq!(taken.by_operation["WRITE"], 160_000);
        assert_eq!(stats.take().most_in_flight, 0);
    }

    #[test]
    fn each_operation_has_its_name() {
        assert_eq!(NAMES[Operation::Access as usize], "ACCESS");
        assert_eq!(NAMES[Operation::Write as usize], "WRITE");
        assert_eq!(NAMES.len(), Operation::Write as usize + 1);
    }
}
