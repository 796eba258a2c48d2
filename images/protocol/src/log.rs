//! The request log: what the server answered during one workload, request by request, and what it has not answered yet.
//!
//! A log is a header of 32 bytes and records of 48: first what is answered or gets no answer, in the order of that, then
//! what is unanswered. All numbers are little-endian; times are nanoseconds.
//!
//! | offset | bytes | header |
//! | --- | --- | --- |
//! | 0 | 4 | magic `PLRL` |
//! | 4 | 2 | version, 1 |
//! | 6 | 2 | bytes of a record, 48 |
//! | 8 | 4 | place of the workload in the assignment, from 0 |
//! | 12 | 4 | number of records, at most [`MOST_RECORDS`] |
//! | 16 | 8 | requests that had no room when the log was full |
//! | 24 | 8 | guest's CLOCK_MONOTONIC from which the records count |
//!
//! | offset | bytes | record |
//! | --- | --- | --- |
//! | 0 | 8 | arrival: the server has the request |
//! | 8 | 8 | answer: just before it goes out; [`UNANSWERED`] if it has not; the arrival if none is due |
//! | 16 | 8 | READ and WRITE: offset in the file, bytes. SETATTR: size that is set, bytes. Otherwise 0 |
//! | 24 | 8 | READ, WRITE and SETATTR: inode number. Otherwise 0 |
//! | 32 | 4 | READ and WRITE: size that is asked for, bytes. SETATTR: what is set, bits FATTR_* (`fuse.h`). Otherwise 0 |
//! | 36 | 4 | result, signed: bytes transferred as the answer has them, or an errno below zero; 0 without an answer |
//! | 40 | 4 | READs and WRITEs in flight at the arrival, itself included |
//! | 44 | 2 | operation, by its number in `include/uapi/linux/fuse.h` |
//! | 46 | 2 | thread of the server, from 0 |
//!
//! FORGET, BATCH_FORGET, INTERRUPT and NOTIFY_REPLY get no answer. Logs of servers that did not log those, SETATTR's
//! fields and what is unanswered have the same form.
//!
//! The logs of a boot stand one behind the other. There may be fewer than workloads: a boot can end early.

use std::fmt;

use crate::Operation;

/// The most records that a log holds.
pub const MOST_RECORDS: u32 = 1 << 20;

/// The most that a boot may log, bytes: the guest is not trusted with the host's memory.
pub const MOST_BYTES: usize = 128 << 20;

/// The time of the answer in the record of a request that is not answered yet.
pub const UNANSWERED: u64 = u64::MAX;

/// The bit that says that SETATTR sets the size.
pub const FATTR_SIZE: u32 = 1 << 3;

const MAGIC: [u8; 4] = *b"PLRL";
const VERSION: u16 = 1;
const HEADER: usize = 32;
const RECORD: usize = 48;

// The log of a workload goes out as one frame.
const _: () = assert!(HEADER + MOST_RECORDS as usize * RECORD <= crate::frame::MAX_PAYLOAD);

/// The log of one workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestLog {
    /// Place of the workload in the assignment, from 0.
    pub workload: u32,
    /// Requests that had no room when the log was full.
    pub dropped: u64,
    /// When the counting began, nanoseconds of the guest's CLOCK_MONOTONIC. The records' times count from here.
    pub base_ns: u64,
    /// In the order in which they were answered, and then those that are not.
    pub records: Vec<LogRecord>,
}

/// One request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogRecord {
    /// When the server had it, nanoseconds from [`RequestLog::base_ns`]; 0 if it was there before.
    pub arrival_ns: u64,
    /// Just before the answer went out, nanoseconds likewise; [`UNANSWERED`] if it has not. The arrival if none is due.
    pub answer_ns: u64,
    /// READ and WRITE: the first byte in the file. SETATTR: see [`LogRecord::size_set`]. Otherwise 0.
    pub offset: u64,
    /// READ, WRITE and SETATTR: the number of the inode. Otherwise 0.
    pub inode: u64,
    /// READ and WRITE: bytes that are asked for. SETATTR: what is set, a bit for each. Otherwise 0.
    pub size: u32,
    /// Bytes that were transferred as the answer has them, or an errno below zero; 0 without an answer.
    pub result: i32,
    /// READs and WRITEs that were in flight when it arrived, itself included.
    pub in_flight: u32,
    /// What was asked for.
    pub operation: Operation,
    /// The thread that answered, from 0.
    pub thread: u16,
}

/// Why bytes are no log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogError {
    /// The bytes end within a log.
    Truncated,
    /// A log does not start with the magic.
    BadMagic([u8; 4]),
    /// It has another version.
    UnknownVersion(u16),
    /// Its records have another size, bytes.
    WrongRecordSize(u16),
    /// It announces more than [`MOST_RECORDS`].
    TooManyRecords(u32),
    /// A record has an operation that no server answers.
    UnknownOperation(u16),
    /// A record was answered before it arrived; its place.
    AnsweredTooEarly(usize),
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LogError::Truncated => write!(f, "the log is cut off"),
            LogError::BadMagic(bytes) => write!(f, "no request log starts with the bytes {bytes:02x?}"),
            LogError::UnknownVersion(version) => write!(f, "log of version {version}, not {VERSION}"),
            LogError::WrongRecordSize(size) => write!(f, "records of {size} bytes, not {RECORD}"),
            LogError::TooManyRecords(count) => write!(f, "{count} records, more than {MOST_RECORDS}"),
            LogError::UnknownOperation(opcode) => write!(f, "record with the unknown operation {opcode}"),
            LogError::AnsweredTooEarly(place) => write!(f, "record {place} was answered before it arrived"),
        }
    }
}

impl std::error::Error for LogError {}

impl RequestLog {
    /// The bytes of the log.
    ///
    /// # Panics
    /// If it has more than [`MOST_RECORDS`].
    pub fn encode(&self) -> Vec<u8> {
        assert!(self.records.len() <= MOST_RECORDS as usize, "{} records", self.records.len());
        let mut bytes = Vec::with_capacity(HEADER + self.records.len() * RECORD);
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend((RECORD as u16).to_le_bytes());
        bytes.extend(self.workload.to_le_bytes());
        bytes.extend((self.records.len() as u32).to_le_bytes());
        bytes.extend(self.dropped.to_le_bytes());
        bytes.extend(self.base_ns.to_le_bytes());
        self.records.iter().for_each(|record| record.encode(&mut bytes));
        bytes
    }
}

impl LogRecord {
    /// Whether it is answered, or needs no answer.
    pub fn is_answered(&self) -> bool {
        self.answer_ns != UNANSWERED
    }

    /// The size that a SETATTR sets, if it sets one.
    pub fn size_set(&self) -> Option<u64> {
        (self.operation == Operation::Setattr && self.size & FATTR_SIZE != 0).then_some(self.offset)
    }

    fn encode(&self, bytes: &mut Vec<u8>) {
        for word in [self.arrival_ns, self.answer_ns, self.offset, self.inode] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend(self.size.to_le_bytes());
        bytes.extend(self.result.to_le_bytes());
        bytes.extend(self.in_flight.to_le_bytes());
        bytes.extend(self.operation.opcode().to_le_bytes());
        bytes.extend(self.thread.to_le_bytes());
    }
}

/// The logs of a boot.
///
/// # Errors
/// At the first thing that is no log; nothing in the bytes is trusted.
pub fn decode(bytes: &[u8]) -> Result<Vec<RequestLog>, LogError> {
    let mut reader = Reader(bytes);
    let mut logs = Vec::new();
    while !reader.0.is_empty() {
        logs.push(reader.log()?);
    }
    Ok(logs)
}

/// What is left to be read.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], LogError> {
        let (first, rest) = self.0.split_first_chunk::<N>().ok_or(LogError::Truncated)?;
        self.0 = rest;
        Ok(*first)
    }

    fn u16(&mut self) -> Result<u16, LogError> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, LogError> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, LogError> {
        self.array().map(u64::from_le_bytes)
    }

    fn log(&mut self) -> Result<RequestLog, LogError> {
        let magic = self.array()?;
        if magic != MAGIC {
            return Err(LogError::BadMagic(magic));
        }
        match self.u16()? {
            VERSION => {}
            version => return Err(LogError::UnknownVersion(version)),
        }
        let size = self.u16()?;
        if usize::from(size) != RECORD {
            return Err(LogError::WrongRecordSize(size));
        }
        let (workload, count) = (self.u32()?, self.u32()?);
        if count > MOST_RECORDS {
            return Err(LogError::TooManyRecords(count));
        }
        let (dropped, base_ns) = (self.u64()?, self.u64()?);
        let count = count as usize;
        // Before room is made for them.
        if self.0.len() < count * RECORD {
            return Err(LogError::Truncated);
        }
        let records = (0..count).map(|place| self.record(place)).collect::<Result<_, _>>()?;
        Ok(RequestLog { workload, dropped, base_ns, records })
    }

    fn record(&mut self, place: usize) -> Result<LogRecord, LogError> {
        let [arrival_ns, answer_ns, offset, inode] = [self.u64()?, self.u64()?, self.u64()?, self.u64()?];
        let (size, result, in_flight) = (self.u32()?, self.array().map(i32::from_le_bytes)?, self.u32()?);
        let (opcode, thread) = (self.u16()?, self.u16()?);
        let operation = Operation::from_opcode(opcode).ok_or(LogError::UnknownOperation(opcode))?;
        if answer_ns < arrival_ns {
            return Err(LogError::AnsweredTooEarly(place));
        }
        Ok(LogRecord { arrival_ns, answer_ns, offset, inode, size, result, in_flight, operation, thread })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(operation: Operation, arrival_ns: u64) -> LogRecord {
        LogRecord {
            arrival_ns,
            answer_ns: arrival_ns + 1_000_000,
            offset: u64::MAX - 7,
            inode: 3,
            size: 131_072,
            result: -5,
            in_flight: 12,
            operation,
            thread: 15,
        }
    }

    fn log(workload: u32, operations: &[Operation]) -> RequestLog {
        let records = operations.iter().zip(1..).map(|(operation, at)| record(*operation, at)).collect();
        RequestLog { workload, dropped: 9, base_ns: 1 << 40, records }
    }

    #[test]
    fn logs_come_back_as_they_were() {
        let (some, all) = (log(0, &[]), log(7, Operation::ALL));
        let bytes = [some.encode(), all.encode()].concat();
        assert_eq!(bytes.len(), 2 * 32 + 48 * Operation::ALL.len());
        assert_eq!(decode(&bytes), Ok(vec![some, all]));
        assert_eq!(decode(&[]), Ok(Vec::new()));
    }

    #[test]
    fn the_size_that_is_set_is_told_from_none() {
        let setattr = |size, offset| LogRecord { size, offset, ..record(Operation::Setattr, 0) };
        for (record, expected) in [
            (setattr(FATTR_SIZE | 1, 4096), Some(4096)),
            (setattr(FATTR_SIZE, 0), Some(0)),
            (setattr(1, 0), None),
            // As servers logged it that did not say.
            (setattr(0, 0), None),
            (LogRecord { size: FATTR_SIZE, ..record(Operation::Read, 0) }, None),
        ] {
            assert_eq!(record.size_set(), expected, "{record:?}");
        }
    }

    #[test]
    fn what_is_unanswered_is_told_by_its_time() {
        let unanswered = LogRecord { answer_ns: UNANSWERED, ..record(Operation::Read, 5) };
        let log = RequestLog { records: vec![unanswered, record(Operation::Read, 6)], ..log(0, &[]) };
        let [read] = <[RequestLog; 1]>::try_from(decode(&log.encode()).unwrap()).unwrap();
        let answered: Vec<bool> = read.records.iter().map(LogRecord::is_answered).collect();
        assert_eq!(answered, [false, true]);
    }

    #[test]
    fn a_part_of_a_log_is_none() {
        let bytes = log(0, &[Operation::Read, Operation::Write]).encode();
        for length in 1..bytes.len() {
            assert_eq!(decode(&bytes[..length]), Err(LogError::Truncated), "{length}");
            // Behind a whole log as well.
            let behind = [&bytes, &bytes[..length]].concat();
            assert_eq!(decode(&behind), Err(LogError::Truncated), "{length}");
        }
    }

    #[test]
    fn what_no_server_writes_is_refused() {
        let good = log(0, &[Operation::Read, Operation::Write]).encode();
        let with = |at: usize, bytes: &[u8]| {
            let mut damaged = good.clone();
            damaged[at..at + bytes.len()].copy_from_slice(bytes);
            decode(&damaged)
        };
        for (at, bytes, expected) in [
            (0, b"PLRX".as_slice(), LogError::BadMagic(*b"PLRX")),
            (4, &[2], LogError::UnknownVersion(2)),
            (6, &[0], LogError::WrongRecordSize(0)),
            (12, &[3], LogError::Truncated),
            (12, &[0xff; 4], LogError::TooManyRecords(u32::MAX)),
            (12, &[0, 0, 0x10], LogError::Truncated),
            (12, &[1, 0, 0x10], LogError::TooManyRecords(MOST_RECORDS + 1)),
            (12, &[1], LogError::BadMagic([2, 0, 0, 0])),
            (76, &[0, 1], LogError::UnknownOperation(256)),
            (87, &[1], LogError::AnsweredTooEarly(1)),
        ] {
            assert_eq!(with(at, bytes), Err(expected), "{bytes:?} at {at}");
        }
    }

    #[test]
    fn no_byte_makes_the_reader_panic() {
        let good = log(0, &[Operation::Read]).encode();
        for at in 0..good.len() {
            for byte in [0, 1, 0x7f, 0x80, 0xff] {
                let mut damaged = good.clone();
                damaged[at] = byte;
                // What it gives can be written again and is the same.
                if let Ok(logs) = decode(&damaged) {
                    let again: Vec<u8> = logs.iter().flat_map(RequestLog::encode).collect();
                    assert_eq!(again, damaged, "{byte} at {at}");
                }
            }
        }
    }
}
