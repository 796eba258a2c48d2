//! The request log: a record of each request that is answered or needs no answer, kept in memory until process 1 asks for
//! it, and what the threads have in hand.
//!
//! Room for all records is made at the start. What does not fit any more is counted, so that nobody takes a part for
//! the whole.

use std::sync::atomic::{AtomicU16, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use lab_protocol::Operation;
use lab_protocol::log::{LogRecord, MOST_RECORDS, RequestLog, UNANSWERED};
use rustix::io::Result;

use crate::device::wire::{SetattrIn, fattr};
use crate::inodes::NodeId;
use crate::model::Access;
use crate::stats::Arrival;

thread_local! {
    /// The number of this thread among those that have logged.
    static THREAD: u16 = {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        NEXT.fetch_add(1, Relaxed)
    };
}

/// The log of one server.
#[derive(Debug)]
pub(crate) struct Log {
    capacity: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    records: Vec<LogRecord>,
    /// What the threads have in hand, one request at most each.
    in_hand: Vec<LogRecord>,
    dropped: u64,
    base_ns: u64,
}

/// A request from its arrival to its record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pending {
    pub(crate) operation: Operation,
    pub(crate) subject: Subject,
    /// See [`crate::clock`].
    pub(crate) arrival_ns: u64,
    /// READs and WRITEs in flight at the arrival, this one included.
    pub(crate) in_flight: u32,
}

/// What a request is about, as [`LogRecord`] has it: all zero for most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Subject {
    offset: u64,
    inode: u64,
    size: u32,
}

impl Subject {
    /// The size that a SETATTR sets, if its bits say so.
    pub(crate) fn of_setattr(node: NodeId, asked: &SetattrIn) -> Self {
        let offset = if asked.valid & fattr::SIZE != 0 { asked.size } else { 0 };
        Subject { offset, inode: node.0, size: asked.valid }
    }
}

impl From<Access> for Subject {
    fn from(Access { inode, direction: _, offset, size }: Access) -> Self {
        Subject { offset, inode, size }
    }
}

impl Pending {
    /// The record of the request while it has no answer.
    fn record(&self) -> LogRecord {
        let Subject { offset, inode, size } = self.subject;
        LogRecord {
            arrival_ns: self.arrival_ns,
            answer_ns: UNANSWERED,
            offset,
            inode,
            size,
            result: 0,
            in_flight: self.in_flight,
            operation: self.operation,
            thread: THREAD.with(|thread| *thread),
        }
    }
}

impl Log {
    /// A log with room for this many records; none for no record.
    pub(crate) fn new(records: u32) -> Option<Self> {
        let capacity = records as usize;
        // Written to, so that no page of it is missing later.
        let mut room = vec![FILLER; capacity];
        room.clear();
        let kept = Kept { records: room, in_hand: Vec::new(), dropped: 0, base_ns: 0 };
        (records > 0).then(|| Log { capacity, kept: Mutex::new(kept) })
    }

    /// Notes that this thread has a READ or WRITE in hand.
    pub(crate) fn data_arrived(&self, access: &Access, arrival: &Arrival) -> Pending {
        let operation = access.direction.into();
        let Arrival { at_ns: arrival_ns, in_flight, .. } = *arrival;
        let pending = Pending { operation, subject: Subject::from(*access), arrival_ns, in_flight };
        self.arrive(&pending);
        pending
    }

    /// Notes that this thread has a request in hand, until [`Log::add`].
    pub(crate) fn arrive(&self, request: &Pending) {
        let record = request.record();
        self.lock().in_hand.push(record);
    }

    /// Logs a request as answered at `answer_ns`; to be called before its answer goes out.
    pub(crate) fn add(&self, request: &Pending, result: Result<usize>, answer_ns: u64) {
        let record = LogRecord {
            answer_ns: answer_ns.max(request.arrival_ns),
            result: result.map_or_else(|error| -error.raw_os_error(), |bytes| bytes as i32),
            ..request.record()
        };
        let mut kept = self.lock();
        if let Some(place) = kept.in_hand.iter().position(|other| other.thread == record.thread) {
            kept.in_hand.swap_remove(place);
        }
        if kept.records.len() < self.capacity {
            kept.records.push(record);
        } else {
            kept.dropped += 1;
        }
    }

    /// What was logged since the last [`Log::restart`], with times from there, and what is in hand, in the order in which it
    /// came.
    pub(crate) fn give(&self, workload: u32) -> RequestLog {
        let kept = self.lock();
        let from_base = |record: &LogRecord| {
            let answer_ns = record.answer_ns.saturating_sub(kept.base_ns);
            LogRecord {
                arrival_ns: record.arrival_ns.saturating_sub(kept.base_ns),
                answer_ns: if record.is_answered() { answer_ns } else { UNANSWERED },
                ..*record
            }
        };
        let room = MOST_RECORDS as usize - kept.records.len();
        let all = kept.records.iter().chain(kept.in_hand.iter().take(room));
        let mut records: Vec<LogRecord> = all.map(from_base).collect();
        records[kept.records.len()..].sort_by_key(|record| record.arrival_ns);
        RequestLog { workload, dropped: kept.dropped, base_ns: kept.base_ns, records }
    }

    /// Forgets everything but what is in hand; times count from `base_ns` on.
    pub(crate) fn restart(&self, base_ns: u64) {
        let mut kept = self.lock();
        kept.records.clear();
        kept.dropped = 0;
        kept.base_ns = base_ns;
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Not zero, for which a fresh page would do.
const FILLER: LogRecord = LogRecord {
    arrival_ns: u64::MAX,
    answer_ns: u64::MAX,
    offset: u64::MAX,
    inode: u64::MAX,
    size: u32::MAX,
    result: -1,
    in_flight: u32::MAX,
    operation: Operation::Init,
    thread: u16::MAX,
};

#[cfg(test)]
mod tests {
    use rustix::io::Errno;

    use super::*;
    use crate::stats::Direction;

    fn read(arrival_ns: u64) -> Pending {
        let access = Access { inode: 3, direction: Direction::Read, offset: 4096, size: 512 };
        Pending { operation: Operation::Read, subject: access.into(), arrival_ns, in_flight: 2 }
    }

    #[test]
    fn records_say_what_was_asked_and_answered() {
        let log = Log::new(3).unwrap();
        log.restart(1000);
        log.add(&read(1100), Ok(512), 1200);
        // Arrived before the base; a clock that went back.
        let subject = Subject::default();
        let open = Pending { operation: Operation::Open, subject, arrival_ns: 900, in_flight: 0 };
        log.add(&open, Err(Errno::NOENT), 1300);
        log.add(&read(1500), Ok(0), 1400);
        let given = log.give(7);
        assert_eq!((given.workload, given.base_ns, given.dropped), (7, 1000, 0));
        let shown: Vec<_> = (given.records.iter())
            .map(|it| (it.arrival_ns, it.answer_ns, it.inode, it.offset, it.size, it.result, it.in_flight))
            .collect();
        assert_eq!(
            shown,
            [(100, 200, 3, 4096, 512, 512, 2), (0, 300, 0, 0, 0, -2, 0), (500, 500, 3, 4096, 512, 0, 2)]
        );
        assert!(given.records.iter().all(|record| record.thread == given.records[0].thread));
        assert_eq!(log.give(7), given);
    }

    #[test]
    fn what_is_in_hand_comes_last_and_outlives_the_restart() {
        let log = Log::new(3).unwrap();
        let shown = || {
            let given = log.give(0).records;
            given.iter().map(|it| (it.arrival_ns, it.is_answered(), it.result)).collect::<Vec<_>>()
        };
        std::thread::scope(|scope| scope.spawn(|| log.arrive(&read(200))).join()).unwrap();
        log.arrive(&read(100));
        assert_eq!(shown(), [(100, false, 0), (200, false, 0)]);
        log.add(&read(100), Ok(512), 300);
        assert_eq!(shown(), [(100, true, 512), (200, false, 0)]);
        log.restart(150);
        assert_eq!(shown(), [(50, false, 0)]);
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let log = Log::new(2).unwrap();
        let room = log.lock().records.as_ptr();
        for (times, kept, dropped) in [(1, 1, 0), (2, 2, 0), (5, 2, 3), (0, 0, 0)] {
            log.restart(0);
            (0..times).for_each(|at| log.add(&read(at), Ok(1), at));
            let given = log.give(0);
            assert_eq!((given.records.len(), given.dropped), (kept, dropped), "{times}");
        }
        assert_eq!(log.lock().records.as_ptr(), room);
        assert!(Log::new(0).is_none());
    }

    #[test]
    fn no_record_is_lost_between_threads() {
        let log = Log::new(30_000).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..10_000).for_each(|at| log.add(&read(at), Ok(1), at + 1)));
            }
        });
        let given = log.give(0);
        assert_eq!((given.records.len(), given.dropped), (30_000, 10_000));
        let mut threads: Vec<u16> = given.records.iter().map(|record| record.thread).collect();
        threads.sort_unstable();
        threads.dedup();
        assert!((3..=4).contains(&threads.len()), "{threads:?}");
    }
}
