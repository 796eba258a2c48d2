//! What the server counts, as requests arrive and are answered.
//!
//! Atomic counters without locks: a request costs a handful of uncontended additions, and a READ or WRITE two readings
//! of the clock. Everything that the kernel sends is counted, what is not answered and what is not known as well;
//! BATCH_FORGET counts as one, however many inodes it is about.

mod service;
mod sizes;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use lab_protocol::{RequestStats, ServiceTimes, Splicing};

pub(crate) use lab_protocol::Operation;

use service::ServiceHistogram;
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
    /// When, see [`crate::clock`].
    pub(crate) at_ns: u64,
}

/// The counters of one server.
#[derive(Debug)]
pub(crate) struct Stats {
    operations: [AtomicU64; Operation::ALL.len()],
    /// Those without a name, by number.
    unknown: Mutex<BTreeMap<u32, u64>>,
    read: Transfers,
    write: Transfers,
    arrivals: AtomicU64,
    in_flight: AtomicU32,
    most_in_flight: AtomicU32,
    out_of_order: AtomicU64,
    failed: AtomicU64,
    first_arrival_ns: AtomicU64,
    last_answer_ns: AtomicU64,
    moved: [AtomicU64; 3],
}

/// READs or WRITEs.
#[derive(Debug, Default)]
struct Transfers {
    sizes: SizeHistogram,
    service: ServiceHistogram,
}

impl Default for Stats {
    fn default() -> Self {
        Stats {
            operations: [const { AtomicU64::new(0) }; Operation::ALL.len()],
            unknown: Mutex::default(),
            read: Transfers::default(),
            write: Transfers::default(),
            arrivals: AtomicU64::new(0),
            in_flight: AtomicU32::new(0),
            most_in_flight: AtomicU32::new(0),
            out_of_order: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            first_arrival_ns: AtomicU64::new(u64::MAX),
            last_answer_ns: AtomicU64::new(0),
            moved: [const { AtomicU64::new(0) }; 3],
        }
    }
}

impl Stats {
    /// Counts a request of any kind.
    pub(crate) fn count(&self, operation: Operation) {
        self.operations[operation as usize].fetch_add(1, Relaxed);
    }

    /// Counts a request of a kind that has no name here.
    pub(crate) fn count_unknown(&self, opcode: u32) {
        *self.unknown.lock().unwrap_or_else(PoisonError::into_inner).entry(opcode).or_default() += 1;
    }

    /// Counts a READ or WRITE of `size` bytes as received at `at_ns`; it is in flight until [`Stats::answer`].
    pub(crate) fn count_arrival(&self, direction: Direction, size: u32, place: Place, at_ns: u64) -> Arrival {
        let in_flight = self.in_flight.fetch_add(1, Relaxed) + 1;
        if self.most_in_flight.load(Relaxed) < in_flight {
            self.most_in_flight.fetch_max(in_flight, Relaxed);
        }
        self.count(direction.into());
        self.transfers(direction).sizes.add(size);
        if place == Place::OutOfOrder {
            self.out_of_order.fetch_add(1, Relaxed);
        }
        if at_ns < self.first_arrival_ns.load(Relaxed) {
            self.first_arrival_ns.fetch_min(at_ns, Relaxed);
        }
        Arrival { direction, number: self.arrivals.fetch_add(1, Relaxed), in_flight, at_ns }
    }

    /// Counts a READ or WRITE as answered at `now_ns`. To be called before the reply is sent: the kernel may send the
    /// next request before the call that replied returns, and two that never overlapped would seem to.
    pub(crate) fn answer(&self, arrival: &Arrival, answer: Answered, now_ns: u64) {
        if answer == Answered::Failed {
            self.failed.fetch_add(1, Relaxed);
        }
        self.transfers(arrival.direction).service.add(now_ns.saturating_sub(arrival.at_ns));
        self.last_answer_ns.fetch_max(now_ns, Relaxed);
        self.in_flight.fetch_sub(1, Relaxed);
    }

    /// Counts the way of a READ's or WRITE's data.
    pub(crate) fn count_way(&self, moved: Moved) {
        self.moved[moved as usize].fetch_add(1, Relaxed);
    }

    /// The ways that were counted since the last call.
    pub(crate) fn take_ways(&self) -> Splicing {
        let take = |moved: Moved| self.moved[moved as usize].swap(0, Relaxed);
        Splicing {
            spliced: take(Moved::Spliced),
            copied: take(Moved::Copied),
            fell_back: take(Moved::FellBack),
        }
    }

    /// Counts a request other than READ and WRITE as failed by a fault of the settings.
    pub(crate) fn fail(&self) {
        self.failed.fetch_add(1, Relaxed);
    }

    /// READs and WRITEs in flight.
    pub(crate) fn in_flight(&self) -> u32 {
        self.in_flight.load(Relaxed)
    }

    /// What was counted since the last call; counting starts again from zero.
    ///
    /// A request that arrives meanwhile is counted once, before or after.
    pub(crate) fn take(&self) -> RequestStats {
        let unknown = std::mem::take(&mut *self.unknown.lock().unwrap_or_else(PoisonError::into_inner));
        let unknown = unknown.into_iter().map(|(opcode, count)| (format!("OPCODE_{opcode}"), count));
        let by_operation = (Operation::ALL.iter().zip(&self.operations))
            .map(|(operation, count)| (operation.name().to_owned(), count.swap(0, Relaxed)))
            .filter(|(_, count)| *count > 0)
            .chain(unknown)
            .collect();
        self.arrivals.store(0, Relaxed);
        let first_ns = self.first_arrival_ns.swap(u64::MAX, Relaxed);
        let span_ns = self.last_answer_ns.swap(0, Relaxed).saturating_sub(first_ns);
        let (read, write) = (self.read.service.take(), self.write.service.take());
        let service_ns = read.map_or(0, |(_, sum)| sum) + write.map_or(0, |(_, sum)| sum);
        let times = |taken: Option<(ServiceTimes, u64)>| taken.map(|(times, _)| times);
        RequestStats {
            by_operation,
            read_sizes: self.read.sizes.take(),
            write_sizes: self.write.sizes.take(),
            most_in_flight: self.most_in_flight.swap(self.in_flight(), Relaxed),
            out_of_order: self.out_of_order.swap(0, Relaxed),
            failed: self.failed.swap(0, Relaxed),
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

    fn transfers(&self, direction: Direction) -> &Transfers {
        match direction {
            Direction::Read => &self.read,
            Direction::Write => &self.write,
        }
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
        stats.answer(&third, Answered::Good, 420);
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
        assert_eq!(stats.count_arrival(Read, 1, InOrder, 600).number, 0);
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
