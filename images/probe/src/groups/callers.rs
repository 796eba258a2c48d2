//! Several callers at once: who waits for whom, and that nobody starves.

mod crowd;
mod pair;

use std::sync::Barrier;

use crate::memory::Memory;
use crate::observe::{self, Range, wrong_byte};
use crate::outcome::Outcome;
use crate::probe::{Observation, Probe};
use crate::requests::Requests;
use crate::stage::{Stage, TestFile};

const MIB: u64 = 1 << 20;

/// The probes of this group.
pub(super) fn probes() -> Vec<Probe> {
    let mut probes = vec![
        Probe::new(
            "two-files",
            "reads of 4 MiB from each of two files at once",
            "callers share max_background, and none may starve",
            two_files,
        )
        .latency_us(2_000),
    ];
    probes.extend(crowd::probes());
    probes.extend(pair::probes());
    probes
}

/// What a caller does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Read,
    Write,
}

impl Direction {
    fn name(self) -> &'static str {
        match self {
            Direction::Read => "read",
            Direction::Write => "write",
        }
    }

    /// Memory for a transfer of a range.
    fn memory(self, range: Range) -> anyhow::Result<Memory> {
        match self {
            Direction::Read => Ok(Memory::new(range.length as usize)?),
            Direction::Write => observe::new_data(range),
        }
    }

    /// Reads or writes a range of a file of `size` bytes, and says what is wrong with what was read.
    fn transfer(
        self,
        file: &TestFile,
        memory: &Memory,
        range: Range,
        size: u64,
    ) -> (Outcome, Option<String>) {
        let length = range.length as usize;
        match self {
            Direction::Read => {
                let outcome = file.read(memory, 0, length, range.offset);
                (outcome, wrong_byte(memory.content(), outcome, range.offset, size))
            }
            Direction::Write => (file.write(memory, 0, length, range.offset), None),
        }
    }
}

/// What a thread came to.
fn joined<T>(ended: std::thread::Result<T>) -> anyhow::Result<T> {
    ended.map_err(|_| anyhow::anyhow!("a thread ended in a panic"))
}

/// Two callers, each with a file and a thread of its own.
fn two_files(stage: &mut Stage<'_>) -> anyhow::Result<Observation> {
    const LENGTH: u64 = 4 * MIB;
    let (first, second) = (stage.file(LENGTH)?, stage.file(LENGTH)?);
    // Whoever still makes its memory while the other one reads has not begun.
    let begin = Barrier::new(2);
    let call = |file: &TestFile| -> anyhow::Result<_> {
        let range = Range::new(0, LENGTH);
        let memory = Direction::Read.memory(range);
        begin.wait();
        Ok(Direction::Read.transfer(file, &memory?, range, LENGTH))
    };
    let (first, second) = std::thread::scope(|scope| {
        let other = scope.spawn(|| call(&second));
        (call(&first), joined(other.join()))
    });
    let ((first, first_wrong), (second, second_wrong)) = (first?, second??);
    let requests = stage.requests()?;
    // Two that wait for one answer each are not several of one call.
    let at_once = if requests.most_in_flight() <= 2 { "two at once" } else { "several at once" };
    let number = requests.data().count();
    let observed = format!("returns {} and {}, {number} READs, {at_once}", first.words(), second.words());
    Ok(Observation::new(observed)
        .fault_if_any(first_wrong)
        .fault_if_any(second_wrong)
        .fault_if_any(starved(&requests))
        .fault_if_any(requests.fault(stage.max_background())))
}

/// Of two files that are read at the same time, one whose requests had to wait for the other's: fewer than a quarter of them
/// came before the last answer of the other. Whoever calls first may queue all of its requests, which are sent in that order;
/// those of the other follow as soon as places are free, and up to `max_background` of both are then under way together.
fn starved(requests: &Requests) -> Option<String> {
    let last_answer = |inode| {
        let answers = requests.data().filter(|record| record.inode == inode).map(|record| record.answer_ns);
        answers.max().unwrap_or(0)
    };
    let mut inodes: Vec<u64> = requests.data().map(|record| record.inode).collect();
    inodes.sort_unstable();
    inodes.dedup();
    let &[one, other] = inodes.as_slice() else {
        return Some(format!("requests for {} files came, not for two", inodes.len()));
    };
    let late = if last_answer(one) < last_answer(other) { other } else { one };
    let end_ns = last_answer(one).min(last_answer(other));
    let of_late = || requests.data().filter(|record| record.inode == late);
    let before = of_late().filter(|record| record.arrival_ns < end_ns).count();
    let all = of_late().count();
    (4 * before < all)
        .then(|| format!("of {all} requests of one file {before} came before the other file's last answer"))
}

#[cfg(test)]
mod tests {
    use lab_protocol::Operation;
    use lab_protocol::log::LogRecord;

    use super::*;
    use crate::requests::tests::{log, logged};

    #[test]
    fn a_file_whose_requests_wait_for_another_file_starves() {
        let of = |inode, times| LogRecord { inode, ..logged(Operation::Read, 0, 4096, times) };
        let in_turns = log(&[of(2, (0, 1)), of(3, (1, 2)), of(2, (2, 3)), of(3, (3, 4))]);
        assert_eq!(starved(&in_turns), None);
        let one_after_the_other = log(&[of(2, (0, 1)), of(2, (1, 2)), of(3, (2, 3)), of(3, (3, 4))]);
        let fault = "of 2 requests of one file 0 came before the other file's last answer";
        assert_eq!(starved(&one_after_the_other).as_deref(), Some(fault));
        assert!(starved(&log(&[of(2, (0, 1))])).is_some());
    }
}
