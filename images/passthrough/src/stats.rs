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
mod tests {
    use Direction::{Read, Write};
    use Place::{InOrder, OutOfOrder};

    use super::*;

    #[test]
    fn counts_what_arrived_and_starts_again() {
        let stats = Stats::default();
        stats.count(Operation::Lookup);
        let first = stats.count_arrival(Read, 131072, InOrder, 100);
        let second = stats.count_arrival(Read, 4096, OutOfOrder, 200);
        stats.answer(&second, Answered::Failed, 260);
        let third = stats.count_arrival(Write, 131072, InOrder, 300);
        assert_eq!(third.most_in_flight, 2);
        stats.answer(&third, Answered::Good, 420);
        assert_eq!(stats.in_flight(), 1);
        assert_eq!([first, second, third].map(|it| (it.number, it.in_flight)), [(0, 1), (1, 2), (2, 2)]);
        let taken = stats.take();
        let expected = [("LOOKUP", 1), ("READ", 2), ("WRITE", 1)];
        assert_eq!(taken.by_operation, expected.map(|(name, count)| (name.to_string(), count)).into());
        assert_eq!(taken.read_sizes, [(4096, 1), (131072, 1)].into());
        assert_eq!(taken.write_sizes, [(131072, 1)].into());
        assert_eq!((taken.most_in_flight, taken.out_of_order, taken.failed), (2, 1, 1));
        let mean = |times: Option<ServiceTimes>| times.map(|times| (times.count, times.mean_ns));
        assert_eq!(mean(taken.read_service), Some((1, 60)));
        assert_eq!(mean(taken.write_service), Some((1, 120)));
        // One is still in flight.
        assert_eq!(stats.take(), RequestStats { most_in_flight: 1, ..RequestStats::default() });
        stats.answer(&first, Answered::Good, 500);
        stats.take();
        assert_eq!(stats.take(), RequestStats::default());
        let next = stats.count_arrival(Read, 1, InOrder, 600);
        assert_eq!((next.number, next.most_in_flight), (0, 1));
    }

    #[test]
    fn each_way_of_data_is_counted() {
        let stats = Stats::default();
        let ways = [
            Moved::FellBack,
            Moved::Spliced,
            Moved::Copied,
            Moved::FellBack,
            Moved::Spliced,
            Moved::FellBack,
        ];
        ways.into_iter().for_each(|moved| stats.count_way(moved));
        assert_eq!(stats.take_ways(), Splicing { spliced: 2, copied: 1, fell_back: 3 });
        assert_eq!(stats.take_ways(), Splicing::default());
    }

    #[test]
    fn a_report_of_a_time_before_ways_were_counted_is_read() {
        let (none, splicing) =
            (RequestStats::default(), Some(Splicing { spliced: 5, copied: 6, fell_back: 7 }));
        let json = serde_json::to_string(&none).unwrap();
        assert!(!json.contains("splicing"), "{json}");
        assert_eq!(serde_json::from_str::<RequestStats>(&json).unwrap(), none);
        let counted = RequestStats { splicing, ..none };
        let json = serde_json::to_string(&counted).unwrap();
        assert!(json.ends_with(r#""splicing":{"spliced":5,"copied":6,"fell-back":7}}"#), "{json}");
        assert_eq!(serde_json::from_str::<RequestStats>(&json).unwrap(), counted);
    }

    #[test]
    fn what_has_no_name_is_counted_by_number() {
        let stats = Stats::default();
        [54, 4096, 54].into_iter().for_each(|opcode| stats.count_unknown(opcode));
        stats.count(Operation::Interrupt);
        let expected = [("INTERRUPT", 1), ("OPCODE_4096", 1), ("OPCODE_54", 2)];
        assert_eq!(stats.take().by_operation, expected.map(|(name, count)| (name.to_owned(), count)).into());
        assert_eq!(stats.take(), RequestStats::default());
    }

    #[test]
    fn the_mean_in_flight_follows_from_the_service_times() {
        for (requests, span_ns, mean_in_flight) in [
            // One at a time, with gaps.
            (vec![(0, 100), (150, 250), (300, 400)], 400, 0.75),
            // Twelve at a time, without.
            (vec![(1000, 2000); 12], 1000, 12.0),
            (vec![(1000, 2000), (1500, 3000)], 2000, 1.25),
            // No time at all.
            (vec![(7, 7)], 0, 0.0),
            (vec![], 0, 0.0),
        ] {
            let stats = Stats::default();
            let arrived: Vec<_> =
                requests.iter().map(|(at, end)| (stats.count_arrival(Read, 1, InOrder, *at), *end)).collect();
            arrived.iter().for_each(|(arrival, end)| stats.answer(arrival, Answered::Good, *end));
            let taken = stats.take();
            assert_eq!((taken.span_ns, taken.mean_in_flight), (span_ns, mean_in_flight), "{requests:?}");
        }
    }

    #[test]
    fn threads_that_count_apart_number_together() {
        let threads = 2 * SHARES;
        let (stats, all_are_in_flight) = (Stats::default(), std::sync::Barrier::new(threads));
        let serve = || {
            let arrival = stats.count_arrival(Read, 1, OutOfOrder, 5);
            all_are_in_flight.wait();
            stats.answer(&arrival, Answered::Failed, 9);
            arrival.number
        };
        let mut numbers: Vec<u64> = std::thread::scope(|scope| {
            let serving: Vec<_> = (0..threads).map(|_| scope.spawn(serve)).collect();
            serving.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        numbers.sort_unstable();
        assert_eq!(numbers, (0..threads as u64).collect::<Vec<_>>());
        assert!(stats.used().count() > 1);
        let taken = stats.take();
        assert_eq!((taken.most_in_flight, taken.span_ns), (threads as u32, 4));
        assert_eq!((taken.out_of_order, taken.failed), (threads as u64, threads as u64));
        assert_eq!(stats.count_arrival(Read, 1, InOrder, 0).number, 0);
    }

    #[test]
    fn no_count_is_lost_between_threads() {
        let stats = Stats::default();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for size in 0..40_000 {
                        let arrival = stats.count_arrival(Write, size % 32, InOrder, size.into());
                        stats.answer(&arrival, Answered::Good, u64::from(size) + 10);
                    }
                });
            }
        });
        let taken = stats.take();
        assert_eq!(taken.write_sizes, (0..32).map(|size| (size, 5_000)).collect());
        assert_eq!(taken.by_operation["WRITE"], 160_000);
        assert_eq!(taken.write_service.map(|times| (times.count, times.mean_ns)), Some((160_000, 10)));
        assert_eq!(taken.span_ns, 40_009);
        assert_eq!(stats.take().most_in_flight, 0);
    }
}
