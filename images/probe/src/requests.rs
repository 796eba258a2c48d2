//! What the server saw: its log of requests, as words.

use lab_protocol::Operation;
use lab_protocol::log::{LogRecord, RequestLog};

use crate::outcome::{count, size};

/// The requests of a probe, in the order in which they came.
#[derive(Clone, Debug)]
pub struct Requests {
    /// When the log began, nanoseconds of CLOCK_MONOTONIC.
    pub base_ns: u64,
    /// Each of them.
    pub all: Vec<LogRecord>,
    dropped: u64,
}

/// What the words leave out unless it is asked for: it belongs to opening and closing files.
const QUIET: [Operation; 7] = [
    Operation::Lookup,
    Operation::Open,
    Operation::Release,
    Operation::Flush,
    Operation::Forget,
    Operation::BatchForget,
    // Sent once for each mount, when io_uring is used for the first time.
    Operation::Poll,
];

impl Requests {
    /// Of a log.
    pub fn new(log: RequestLog) -> Self {
        let mut all = log.records;
        all.sort_by_key(|record| record.arrival_ns);
        Requests { base_ns: log.base_ns, all, dropped: log.dropped }
    }

    /// Those of one kind.
    pub fn of(&self, operation: Operation) -> impl Iterator<Item = &LogRecord> {
        self.all.iter().filter(move |record| record.operation == operation)
    }

    /// How many there are of one kind.
    pub fn count(&self, operation: Operation) -> usize {
        self.of(operation).count()
    }

    /// READs and WRITEs.
    pub fn data(&self) -> impl Iterator<Item = &LogRecord> {
        self.all.iter().filter(|record| is_data(record))
    }

    /// The most READs and WRITEs that were at the server at once.
    pub fn most_in_flight(&self) -> u32 {
        self.data().map(|record| record.in_flight).max().unwrap_or(0)
    }

    /// `16 READs, several at once, 1 SETATTR`. "Several" is two or more.
    pub fn words(&self) -> String {
        let mut parts = Vec::new();
        for operation in [Operation::Read, Operation::Write] {
            let number = self.count(operation);
            if number > 0 {
                parts.push(count(number, operation.name()));
            }
        }
        match (self.data().count(), self.most_in_flight()) {
            (0 | 1, _) => {}
            (_, 0 | 1) => parts.push("one at a time".to_owned()),
            (_, _) => parts.push("several at once".to_owned()),
        }
        for operation in Operation::ALL {
            let is_quiet = QUIET.contains(operation);
            let number = self.of(*operation).filter(|record| !is_data(record) && !is_quiet).count();
            if number > 0 {
                parts.push(count(number, operation.name()) + &self.sizes_set(*operation));
            }
        }
        if parts.is_empty() { "no request".to_owned() } else { parts.join(", ") }
    }

    /// Where to a file was cut, if that was asked for.
    fn sizes_set(&self, operation: Operation) -> String {
        let mut sizes: Vec<u64> = self.of(operation).filter_map(LogRecord::size_set).collect();
        sizes.dedup();
        let sizes: Vec<String> = sizes.into_iter().map(size).collect();
        if sizes.is_empty() { String::new() } else { format!(" of the size {}", sizes.join(" and ")) }
    }

    /// Faults of what was sent, whatever the caller was told: more at once than the server allows, a request larger than
    /// it allows.
    pub fn fault(&self, max_background: u32) -> Option<String> {
        if self.dropped > 0 {
            return Some(format!("the log was full: {} more requests were not logged", self.dropped));
        }
        let most = self.most_in_flight();
        if most > max_background.max(1) {
            return Some(format!("{most} requests were at the server at once, {max_background} are allowed"));
        }
        let large = self.data().find(|record| record.size > LARGEST)?;
        Some(format!("a request of {} bytes was sent, {LARGEST} are allowed", large.size))
    }

    /// What is wrong if a READ is less aligned than the read that it belongs to: a server whose file is open with O_DIRECT
    /// cannot pass it on. What is not aligned to whole sectors is nobody's promise, nor is what goes on behind a short answer.
    pub fn unaligned_read(&self, alignment: u64) -> Option<String> {
        let is_off =
            |record: &&LogRecord| !(record.offset | u64::from(record.size)).is_multiple_of(alignment);
        let goes_on = |record: &&LogRecord| {
            let ends_here = |short: &LogRecord| {
                (0..i64::from(short.size)).contains(&i64::from(short.result))
                    && short.offset.checked_add_signed(short.result.into()) == Some(record.offset)
            };
            self.of(Operation::Read).any(ends_here)
        };
        let mut reads = self.of(Operation::Read).filter(|_| alignment >= SECTOR);
        let read = reads.find(|record| is_off(record) && !goes_on(record))?;
        let (size, offset) = (read.size, read.offset);
        Some(format!(
            "a READ of {size} bytes at {offset} was sent for a read that is aligned to {alignment} bytes"
        ))
    }

    /// A line for each READ and WRITE, and one for each other request.
    pub fn lines(&self) -> Vec<String> {
        const MOST: usize = 80;
        let line = |record: &LogRecord| {
            let name = record.operation.name();
            let at_us = record.arrival_ns / 1000;
            let result = match record.result {
                result if result < 0 => crate::outcome::error_name(-result),
                result => result.to_string(),
            };
            if is_data(record) {
                let (offset, size, in_flight) = (record.offset, record.size, record.in_flight);
                format!("{at_us} us: {name} {size} at {offset}, {in_flight} in flight: {result}")
            } else {
                format!("{at_us} us: {name}: {result}")
            }
        };
        let mut lines: Vec<String> = self.all.iter().take(MOST).map(line).collect();
        if self.all.len() > MOST {
            lines.push(format!("and {} more", self.all.len() - MOST));
        }
        lines
    }
}

/// The largest request that the servers ask for, bytes.
pub(crate) const LARGEST: u32 = 128 << 10;

/// What storage reads at the least, bytes.
const SECTOR: u64 = 512;

fn is_data(record: &LogRecord) -> bool {
    [Operation::Read, Operation::Write].contains(&record.operation)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A request of one file, as servers log it.
    pub(crate) fn logged(operation: Operation, offset: u64, size: u32, (from, to): (u64, u64)) -> LogRecord {
        LogRecord {
            arrival_ns: from,
            answer_ns: to,
            offset,
            inode: 2,
            size,
            result: size as i32,
            in_flight: 1,
            operation,
            thread: 0,
        }
    }

    /// A log of these.
    pub(crate) fn log(records: &[LogRecord]) -> Requests {
        Requests::new(RequestLog { workload: 0, dropped: 0, base_ns: 0, records: records.to_vec() })
    }

    #[test]
    fn a_read_that_is_less_aligned_than_its_call_is_seen() {
        let read = |offset, size| logged(Operation::Read, offset, size, (0, 1));
        let trimmed = log(&[read(0, LARGEST), read(128 << 10, 300)]);
        let fault = "a READ of 300 bytes at 131072 was sent for a read that is aligned to 4096 bytes";
        assert_eq!(trimmed.unaligned_read(4096).as_deref(), Some(fault));
        assert!(log(&[read(0, 4096), read(700, 512)]).unaligned_read(512).is_some());
        assert_eq!(log(&[read(0, LARGEST), read(4096, 512)]).unaligned_read(512), None);
        // What goes on where an answer ended early begins at an odd place.
        let short = LogRecord { result: 700, ..read(0, 4096) };
        assert_eq!(log(&[short, read(700, 3396)]).unaligned_read(4096), None);
        // Whoever reads at odd places gets odd requests.
        assert_eq!(trimmed.unaligned_read(4), None);
        // Writes are as long as the data.
        let write = logged(Operation::Write, 0, 300, (0, 1));
        assert_eq!(log(&[write]).unaligned_read(4096), None);
    }
}
