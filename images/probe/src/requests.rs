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
pub const LARGEST: u32 = 128 << 10;

fn is_data(record: &LogRecord) -> bool {
    [Operation::Read, Operation::Write].contains(&record.operation)
}
