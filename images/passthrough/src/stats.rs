//! What the server counts, as requests arrive and are answered.
//!
//! Atomic counters without locks: a request costs a handful of uncontended additions, and a READ or WRITE two readings
//! of the clock. Everything that the kernel sends is counted, what is not answered and what is not known as well;
//! BATCH_FORGET counts as one, however many inodes it is about.
//!
//! Threads on several CPUs would take the memory of common counters away from each other at each request. So what is only
//! summed up is counted in shares, and just what has to be exact at each moment in one place.

mod flow;
mod service;
mod sizes;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, OnceLock, PoisonError};

use lab_protocol::{RequestStats, ServiceTimes, Splicing};

pub(crate) use lab_protocol::Operation;

use flow::{Arrived, Flow};
use service::{ServiceHistogram, TakenTimes};
use sizes::SizeHistogram;

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
pub(crate) enum Answered {
    /// With data or a count.
    Good,
    /// With an error.
    Failed,
}

/// How the data of a READ or WRITE has moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moved {
    /// Through a pipe.
    Spliced,
    /// Through memory of this process, as it is to be.
    Copied,
    /// The same, because it could not be spliced.
    FellBack,
}

/// Where a READ or WRITE starts, seen from the one received before it for the same file and direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// It starts where that one ended, or is the first.
    InOrder,
    /// It starts elsewhere.
    OutOfOrder,
}

/// A READ or WRITE that was received and counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    direction: Direction,
    /// Its number among those received since the last [`Stats::take`], from 0.
    pub(crate) number: u64,
    /// READs and WRITEs in flight, this one included.
    pub(crate) in_flight: u32,
    /// The most that there have been since the last [`Stats::take`].
    pub(crate) most_in_flight: u32,
    /// When, see [`crate::clock`].
    pub(crate) at_ns: u64,
}

/// The counters of one server.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    flow: Flow,
    shares: [OnceLock<Box<Share>>; SHARES],
    /// Those without a name, by number.
    unknown: Mutex<BTreeMap<u32, u64>>,
}

/// Shares in which is counted. As many as CPUs that are busy at once would do; each takes 60 KiB when it is used.
const SHARES: usize = 4;

thread_local! {
    /// The share in which this thread counts.
    static SHARE: usize = {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        NEXT.fetch_add(1, Relaxed) % SHARES
    };
}

/// What a part of the threads has counted.
#[derive(Debug)]
#[repr(align(64))]
struct Share {
    operations: [AtomicU64; Operation::ALL.len()],
    read: Transfers,
    write: Transfers,
    out_of_order: AtomicU64,
    failed: AtomicU64,
    last_answer_ns: AtomicU64,
    moved: [AtomicU64; 3],
}

/// READs or WRITEs.
#[derive(Debug, Default)]
struct Transfers {
    sizes: SizeHistogram,
    service: ServiceHistogram,
}

impl Default for Share {
    fn default() -> Self {
        Share {
            operations: [const { AtomicU64::new(0) }; Operation::ALL.len()],
            read: Transfers::default(),
            write: Transfers::default(),
            out_of_order: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            last_answer_ns: AtomicU64::new(0),
            moved: [const { AtomicU64::new(0) }; 3],
        }
    }
}

impl Share {
    fn transfers(&self, direction: Direction) -> &Transfers {
        match direction {
            Direction::Read => &self.read,
            Direction::Write => &self.write,
        }
    }
}

impl Stats {
    /// Counts a request of any kind.
    pub(crate) fn count(&self, operation: Operation) {
        self.share().operations[operation as usize].fetch_add(1, Relaxed);
    }

    /// Counts a request of a kind that has no name here.
    pub(crate) fn count_unknown(&self, opcode: u32) {
        *self.unknown.lock().unwrap_or_else(PoisonError::into_inner).entry(opcode).or_default() += 1;
    }

    /// Counts a READ or WRITE of `size` bytes as received at `at_ns`; it is in flight until [`Stats::answer`].
    pub(crate) fn count_arrival(&self, direction: Direction, size: u32, place: Place, at_ns: u64) -> Arrival {
        let Arrived { number, in_flight, most_in_flight } = self.flow.arrive(at_ns);
        let share = self.share();
        share.operations[Operation::from(direction) as usize].fetch_add(1, Relaxed);
        share.transfers(direction).sizes.add(size);
        if place == Place::OutOfOrder {
            share.out_of_order.fetch_add(1, Relaxed);
        }
        Arrival { direction, number, in_flight, most_in_flight, at_ns }
    }

    /// Counts a READ or WRITE as answered at `now_ns`. To be called before the reply is sent: the kernel may send the
    /// next request before the call that replied returns, and two that never overlapped would seem to.
    pub(crate) fn answer(&self, arrival: &Arrival, answer: Answered, now_ns: u64) {
        let share = self.share();
        if answer == Answered::Failed {
            share.failed.fetch_add(1, Relaxed);
        }
        share.transfers(arrival.direction).service.add(now_ns.saturating_sub(arrival.at_ns));
        if share.last_answer_ns.load(Relaxed) < now_ns {
            share.last_answer_ns.fetch_max(now_ns, Relaxed);
        }
        self.flow.leave();
    }

    /// Counts the way of a READ's or WRITE's data.
    pub(crate) fn count_way(&self, moved: Moved) {
        self.share().moved[moved as usize].fetch_add(1, Relaxed);
    }

    /// The ways that were counted since the last call.
    pub(crate) fn take_ways(&self) -> Splicing {
        let take = |moved: Moved| self.take_sum(|share| &share.moved[moved as usize]);
        Splicing {
            spliced: take(Moved::Spliced),
            copied: take(Moved::Copied),
            fell_back: take(Moved::FellBack),
        }
    }

    /// Counts a request other than READ and WRITE as failed by a fault of the settings.
    pub(crate) fn fail(&self) {
        self.share().failed.fetch_add(1, Relaxed);
    }

    /// READs and WRITEs in flight.
    pub(crate) fn in_flight(&self) -> u32 {
        self.flow.in_flight()
    }

    /// What was counted since the last call; counting starts again from zero.
    ///
    /// A request that arrives meanwhile is counted once, before or after.
    pub(crate) fn take(&self) -> RequestStats {
        let unknown = std::mem::take(&mut *self.unknown.lock().unwrap_or_else(PoisonError::into_inner));
        let unknown = unknown.into_iter().map(|(opcode, count)| (format!("OPCODE_{opcode}"), count));
        let by_operation = (Operation::ALL.iter())
            .map(|it| (it.name().to_owned(), self.take_sum(|share| &share.operations[*it as usize])))
            .filter(|(_, count)| *count > 0)
            .chain(unknown)
            .collect();
        let (first_ns, most_in_flight) = self.flow.restart();
        let last_ns = self.used().map(|share| share.last_answer_ns.swap(0, Relaxed)).max().unwrap_or(0);
        let span_ns = last_ns.saturating_sub(first_ns);
        let (read, write) = (self.take_times(Direction::Read), self.take_times(Direction::Write));
        let service_ns = read.map_or(0, |(_, sum)| sum) + write.map_or(0, |(_, sum)| sum);
        let times = |taken: Option<(ServiceTimes, u64)>| taken.map(|(times, _)| times);
        RequestStats {
            by_operation,
            read_sizes: self.take_sizes(Direction::Read),
            write_sizes: self.take_sizes(Direction::Write),
            most_in_flight,
            out_of_order: self.take_sum(|share| &share.out_of_order),
            failed: self.take_sum(|share| &share.failed),
            span_ns,
            mean_in_flight: if span_ns == 0 { 0.0 } else { service_ns as f64 / span_ns as f64 },
            read_service: times(read),
            write_service: times(write),
            storage: None,
            splicing: None,
            transport: None,
            actions: Vec::new(),
        }
    }

    /// Where this thread counts.
    fn share(&self) -> &Share {
        self.shares[SHARE.with(|share| *share)].get_or_init(Box::default)
    }

    fn used(&self) -> impl Iterator<Item = &Share> {
        self.shares.iter().filter_map(|share| share.get().map(Box::as_ref))
    }

    fn take_sum(&self, of: impl Fn(&Share) -> &AtomicU64) -> u64 {
        self.used().map(|share| of(share).swap(0, Relaxed)).sum()
    }

    fn take_sizes(&self, direction: Direction) -> BTreeMap<u32, u64> {
        let mut all = BTreeMap::new();
        for (size, count) in self.used().flat_map(|share| share.transfers(direction).sizes.take()) {
            *all.entry(size).or_default() += count;
        }
        all
    }

    fn take_times(&self, direction: Direction) -> Option<(ServiceTimes, u64)> {
        let mut taken = TakenTimes::default();
        self.used().for_each(|share| share.transfers(direction).service.take_into(&mut taken));
        taken.times()
    }
}

#[cfg(test)]
mod tests;
