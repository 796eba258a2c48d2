//! The request log: a record of each request that is answered, kept in memory until process 1 asks for it.
//!
//! Room for all records is made at the start. What does not fit any more is counted, so that nobody takes a part for
//! the whole.

use std::sync::atomic::{AtomicU16, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use lab_protocol::Operation;
use lab_protocol::log::{LogRecord, RequestLog};
use rustix::io::Result;

use crate::model::Access;

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
    dropped: u64,
    base_ns: u64,
}

/// A request from its arrival to its record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pending {
    pub(crate) operation: Operation,
    /// Where the data is, for READ and WRITE.
    pub(crate) access: Option<Access>,
    /// See [`crate::clock`].
    pub(crate) arrival_ns: u64,
    /// READs and WRITEs in flight at the arrival, this one included.
    pub(crate) in_flight: u32,
}

impl Log {
    /// A log with room for this many records; none for no record.
    pub(crate) fn new(records: u32) -> Option<Self> {
        let capacity = records as usize;
        // Written to, so that no page of it is missing later.
        let mut room = vec![FILLER; capacity];
        room.clear();
        let kept = Kept { records: room, dropped: 0, base_ns: 0 };
        (records > 0).then(|| Log { capacity, kept: Mutex::new(kept) })
    }

    /// Logs a request as answered at `answer_ns`; to be called before its answer goes out.
    pub(crate) fn add(&self, request: &Pending, result: Result<usize>, answer_ns: u64) {
        let (offset, inode, size) =
            request.access.map_or((0, 0, 0), |access| (access.offset, access.inode, access.size));
        let record = LogRecord {
            arrival_ns: request.arrival_ns,
            answer_ns: answer_ns.max(request.arrival_ns),
            offset,
            inode,
            size,
            result: result.map_or_else(|error| -error.raw_os_error(), |bytes| bytes as i32),
            in_flight: request.in_flight,
            operation: request.operation,
            thread: THREAD.with(|thread| *thread),
        };
        let mut kept = self.lock();
        if kept.records.len() < self.capacity {
            kept.records.push(record);
        } else {
            kept.dropped += 1;
        }
    }

    /// What was logged since the last [`Log::restart`], with times from there.
    pub(crate) fn give(&self, workload: u32) -> RequestLog {
        let kept = self.lock();
        let from_base = |record: &LogRecord| LogRecord {
            arrival_ns: record.arrival_ns.saturating_sub(kept.base_ns),
            answer_ns: record.answer_ns.saturating_sub(kept.base_ns),
            ..*record
        };
        RequestLog {
            workload,
            dropped: kept.dropped,
            base_ns: kept.base_ns,
            records: kept.records.iter().map(from_base).collect(),
        }
    }

    /// Forgets everything; times count from `base_ns` on.
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
        Pending { operation: Operation::Read, access: Some(access), arrival_ns, in_flight: 2 }
    }

    #[test]
    fn records_say_what_was_asked_and_answered() {
        let log = Log::new(3).unwrap();
        log.restart(1000);
        log.add(&read(1100), Ok(512), 1200);
        // Arrived before the base; a clock that went back.
        let open = Pending { operation: Operation::Open, access: None, arrival_ns: 900, in_flight: 0 };
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
