//! The requests that are drawn, out of all that were logged.

use std::fmt;

use lab_protocol::Operation;
use lab_protocol::log::LogRecord;

/// How many requests are drawn where no read or write of the tool can be told apart.
const WINDOW: usize = 16;

/// Requests that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::report) struct RequestGroup {
    /// What they have in common.
    pub(in crate::report) kind: GroupKind,
    /// In the order in which they arrived: READs and WRITEs of the group, and whatever else arrived meanwhile.
    pub(in crate::report) requests: Vec<LogRecord>,
}

/// What the requests of a group have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) enum GroupKind {
    /// They are the second read(2) or write(2) of the tool, of this many bytes.
    SecondIo(u64),
    /// They are the first one; there is no other.
    FirstIo(u64),
    /// They are the first ones of the workload.
    Beginning,
}

impl fmt::Display for GroupKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GroupKind::SecondIo(bytes) => write!(f, "the second I/O of {} KiB", bytes / 1024),
            GroupKind::FirstIo(bytes) => write!(f, "the first I/O of {} KiB", bytes / 1024),
            GroupKind::Beginning => f.write_str("the first requests of the workload"),
        }
    }
}

impl RequestGroup {
    /// The READs and WRITEs.
    pub(in crate::report) fn data(&self) -> impl Iterator<Item = &LogRecord> {
        self.requests.iter().filter(|record| is_data(record))
    }

    /// When the first READ or WRITE arrived.
    pub(in crate::report) fn begin_ns(&self) -> u64 {
        self.data().map(|record| record.arrival_ns).min().unwrap_or(0)
    }

    /// From then to the last answer to a READ or WRITE, nanoseconds.
    pub(in crate::report) fn total_ns(&self) -> u64 {
        self.data().map(|record| record.answer_ns).max().unwrap_or(0).saturating_sub(self.begin_ns())
    }

    /// The most READs and WRITEs that were in flight when one of the group arrived.
    pub(in crate::report) fn most_in_flight(&self) -> u32 {
        self.data().map(|record| record.in_flight).max().unwrap_or(0)
    }
}

/// Picks the requests of the second read(2) or write(2), if each is of `io_bytes` and more than one request: what the
/// first one waits for may be owed to the start. Otherwise the first requests. None if nothing was read or written.
pub(super) fn pick(records: &[LogRecord], io_bytes: Option<u64>) -> Option<RequestGroup> {
    let mut records: Vec<LogRecord> = records.iter().filter(|it| it.is_answered()).copied().collect();
    records.sort_by_key(|record| record.arrival_ns);
    let data: Vec<LogRecord> = records.iter().filter(|record| is_data(record)).copied().collect();
    let (kind, chosen) = match io_bytes.and_then(|bytes| whole(&data, bytes)) {
        Some(found) => found,
        None => (GroupKind::Beginning, data.iter().take(WINDOW).copied().collect()),
    };
    let mut group = RequestGroup { kind, requests: chosen };
    let (begin, end) = (group.begin_ns(), group.begin_ns().saturating_add(group.total_ns()));
    let is_meanwhile = |record: &&LogRecord| !is_data(record) && (begin..=end).contains(&record.arrival_ns);
    let has_data = !group.requests.is_empty();
    group.requests.extend(records.iter().filter(is_meanwhile));
    group.requests.sort_by_key(|record| record.arrival_ns);
    has_data.then_some(group)
}

pub(in crate::report) fn is_data(record: &LogRecord) -> bool {
    [Operation::Read, Operation::Write].contains(&record.operation)
}

/// The requests of the second I/O of this size, or of the first if there is no other; none if it is one request.
fn whole(data: &[LogRecord], io_bytes: u64) -> Option<(GroupKind, Vec<LogRecord>)> {
    let place = |record: &LogRecord| Some((record.inode, record.offset.checked_div(io_bytes)?));
    let first = place(data.first()?)?;
    let second = data.iter().filter_map(place).find(|found| *found != first);
    let (kind, wanted) = match second {
        Some(second) => (GroupKind::SecondIo(io_bytes), second),
        None => (GroupKind::FirstIo(io_bytes), first),
    };
    let requests: Vec<LogRecord> =
        data.iter().filter(|record| place(record) == Some(wanted)).copied().collect();
    (requests.len() > 1).then_some((kind, requests))
}
