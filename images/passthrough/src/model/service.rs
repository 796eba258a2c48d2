//! The storage at work: when an operation begins, how long it takes, and what that comes to.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use lab_protocol::{StorageSettings, StorageStats};

use crate::random::Draws;
use crate::stats::{Direction, Place};

/// A run of bytes that the storage transfers in one go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StorageOperation {
    pub(crate) inode: u64,
    pub(crate) direction: Direction,
    /// Bytes from the begin of the file.
    pub(crate) offset: u64,
    /// Bytes.
    pub(crate) size: u64,
    /// How many requests it is made of.
    pub(crate) requests: u64,
    /// The earliest time at which it may begin, nanoseconds.
    pub(crate) ready: u64,
}

impl StorageOperation {
    /// The byte behind its last one.
    pub(crate) fn end_offset(&self) -> u64 {
        self.offset.saturating_add(self.size)
    }
}

/// From when to when an operation is served, nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interval {
    pub(crate) begin: u64,
    pub(crate) end: u64,
}

/// Where the last operation on a file ended.
#[derive(Debug, Default)]
struct LastEnds {
    read: Option<u64>,
    write: Option<u64>,
}

/// Serves operations in the order in which they are given to it.
#[derive(Debug)]
pub(crate) struct Service {
    latencies: Draws,
    /// The most operations at once.
    places: usize,
    mib_per_s: u32,
    disorder_ns: u64,
    last_begin: u64,
    /// When the last transfer is over.
    pipe_free: u64,
    /// When the operations that are being served end; some may have ended already.
    in_service: BinaryHeap<Reverse<u64>>,
    ends: BTreeMap<u64, LastEnds>,
    /// When the last operation ends that was counted as busy time.
    busy_until: u64,
    stats: StorageStats,
}

impl Service {
    pub(crate) fn new(settings: &StorageSettings, seed: u64) -> Self {
        Service {
            latencies: Draws::new(seed, nanoseconds(settings.latency_us), settings.distribution)
                .dithered(settings.dither_permille),
            places: match settings.parallel {
                0 => usize::MAX,
                limit => limit as usize,
            },
            mib_per_s: settings.mib_per_s,
            disorder_ns: nanoseconds(settings.disorder_us),
            last_begin: 0,
            pipe_free: 0,
            in_service: BinaryHeap::new(),
            ends: BTreeMap::new(),
            busy_until: 0,
            stats: StorageStats::default(),
        }
    }

    /// When the next operation begins if it is ready at this time: not before the one before it, and not before
    /// there is a place.
    pub(crate) fn next_begin(&mut self, ready: u64) -> u64 {
        let earliest = ready.max(self.last_begin);
        self.clear_places(earliest);
        match self.in_service.peek() {
            Some(Reverse(first_end)) if self.in_service.len() >= self.places => *first_end,
            Some(_) | None => earliest,
        }
    }

    /// The earliest end of an operation of `size` bytes that begins at `begin` or later, after at most `before`
    /// others.
    pub(crate) fn earliest_end(&self, begin: u64, size: u64, before: u64) -> u64 {
        let next = self.stats.operations;
        let shortest = (next..=next + before).map(|number| self.latencies.of(number)).min();
        let transferred = begin.max(self.pipe_free).saturating_add(self.transfer_ns(size));
        transferred.saturating_add(shortest.unwrap_or_default())
    }

    /// Serves the next operation.
    pub(crate) fn serve(&mut self, operation: &StorageOperation) -> Interval {
        let begin = self.next_begin(operation.ready);
        self.clear_places(begin);
        let place = self.place(operation);
        let transferred = begin.max(self.pipe_free).saturating_add(self.transfer_ns(operation.size));
        let end = transferred.saturating_add(self.latencies.of(self.stats.operations)).saturating_add(
            match place {
                Place::InOrder => 0,
                Place::OutOfOrder => self.disorder_ns,
            },
        );
        self.last_begin = begin;
        self.pipe_free = transferred;
        self.in_service.push(Reverse(end));
        self.count(operation, place, Interval { begin, end });
        Interval { begin, end }
    }

    /// Whether an operation begins where the last one on its file ended, now that it begins.
    fn place(&mut self, operation: &StorageOperation) -> Place {
        let ends = self.ends.entry(operation.inode).or_default();
        let last = match operation.direction {
            Direction::Read => &mut ends.read,
            Direction::Write => &mut ends.write,
        };
        match last.replace(operation.end_offset()) {
            Some(end) if end != operation.offset => Place::OutOfOrder,
            Some(_) | None => Place::InOrder,
        }
    }

    fn transfer_ns(&self, size: u64) -> u64 {
        if self.mib_per_s == 0 {
            return 0;
        }
        let per_second = u128::from(self.mib_per_s) << 20;
        (u128::from(size) * 1_000_000_000).div_ceil(per_second) as u64
    }

    fn clear_places(&mut self, now: u64) {
        while self.in_service.peek().is_some_and(|Reverse(end)| *end <= now) {
            self.in_service.pop();
        }
    }

    fn count(&mut self, operation: &StorageOperation, place: Place, Interval { begin, end }: Interval) {
        let at_once = self.in_service.len() as u32;
        let stats = &mut self.stats;
        stats.operations += 1;
        stats.merged += operation.requests - 1;
        stats.out_of_order += u64::from(place == Place::OutOfOrder);
        stats.bytes += operation.size;
        stats.largest_bytes = stats.largest_bytes.max(operation.size);
        stats.most_at_once = stats.most_at_once.max(at_once);
        stats.service_ns += end - begin;
        stats.busy_ns += end.saturating_sub(begin.max(self.busy_until));
        self.busy_until = self.busy_until.max(end);
    }

    /// What was counted since the last call. Draws start again from the first, and each file in order.
    pub(crate) fn take(&mut self) -> StorageStats {
        self.ends.clear();
        std::mem::take(&mut self.stats)
    }
}

/// The most that there is, if that is more than 584 years.
pub(crate) fn nanoseconds(microseconds: u64) -> u64 {
    microseconds.saturating_mul(1_000)
}
