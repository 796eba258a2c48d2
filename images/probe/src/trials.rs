//! One case tried several times with other offsets and times: what came of it is a count.

use std::collections::BTreeSet;

use lab_protocol::log::LogRecord;
use lab_protocol::{Behaviour, Effect, Fault, FaultOperation, NOT_PROBED, Operation, Times};

use crate::clock;
use crate::iocb::{self, Commands, Opcode};
use crate::memory::{Memory, PAGE};
use crate::outcome::{Outcome, count, size};
use crate::probe::Observation;
use crate::requests::Requests;
use crate::stage::TestFile;

/// How many times each case is tried.
pub(crate) const TRIALS: usize = 8;

/// How a transfer is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// pread(2) or pwrite(2)
    Sync,
    /// io_submit(2), and the wait for its completion
    Aio,
}

impl Call {
    /// Reads into the begin of memory from an offset on.
    ///
    /// # Errors
    /// If a command does not complete.
    pub(crate) fn read(
        self,
        file: &TestFile,
        memory: &Memory,
        length: u64,
        offset: u64,
    ) -> anyhow::Result<Outcome> {
        match self {
            Call::Sync => Ok(file.read(memory, 0, length as usize, offset)),
            Call::Aio => by_aio(Opcode::Read, file, memory, length, offset),
        }
    }

    /// Writes the begin of memory at an offset.
    ///
    /// # Errors
    /// If a command does not complete.
    pub(crate) fn write(
        self,
        file: &TestFile,
        memory: &Memory,
        length: u64,
        offset: u64,
    ) -> anyhow::Result<Outcome> {
        match self {
            Call::Sync => Ok(file.write(memory, 0, length as usize, offset)),
            Call::Aio => by_aio(Opcode::Write, file, memory, length, offset),
        }
    }
}

fn by_aio(
    opcode: Opcode,
    file: &TestFile,
    memory: &Memory,
    length: u64,
    offset: u64,
) -> anyhow::Result<Outcome> {
    let mut commands = Commands::new();
    commands.add(opcode, file.fd(), (memory, 0, length as usize), offset);
    iocb::one_by_aio(&mut commands)
}

/// Storage of 200 us, and what happens at WRITEs: at those that contain an offset, in KiB, or at all.
pub(crate) fn behaviour(effects: &[(Option<u64>, Effect)]) -> anyhow::Result<Behaviour> {
    let mut behaviour = Behaviour::plain();
    behaviour.storage.latency_us = 200;
    let operation: FaultOperation = "write".parse().map_err(|_| anyhow::anyhow!("there is no `write`"))?;
    behaviour.faults = effects
        .iter()
        .map(|(offset_kib, effect)| Fault {
            operation,
            offset_kib: *offset_kib,
            after: 0,
            times: Times::Always,
            effect: *effect,
        })
        .collect();
    Ok(behaviour)
}

/// What came of all trials. On a kernel that takes longer for everything another one of two comes first now and then: there a
/// count that differs says nothing, and only faults count.
pub(crate) fn observation(sentence: String) -> Observation {
    match clock::is_slow() {
        false => Observation::new(sentence),
        true => Observation::new(format!(
            "{NOT_PROBED}what races does so otherwise on a kernel that checks itself"
        ))
        .details([sentence]),
    }
}

/// `0 of 8`
pub(crate) fn of_all(number: usize) -> String {
    format!("{number} of {TRIALS}")
}

/// `returns all in 8 of 8`, or what else the calls came to, each with its number, in the order in which they first came.
pub(crate) fn returns(outcomes: &[Outcome], lengths: &[u64]) -> String {
    let word = |(outcome, length): (&Outcome, &u64)| match outcome {
        Outcome::Bytes(bytes) if bytes == length => "all".to_owned(),
        Outcome::Bytes(_) => "a part".to_owned(),
        Outcome::Error(_) => outcome.words(),
    };
    let words: Vec<String> = outcomes.iter().zip(lengths).map(word).collect();
    let mut kinds: Vec<&String> = Vec::new();
    for word in &words {
        if !kinds.contains(&word) {
            kinds.push(word);
        }
    }
    let told = |kind: &&String| {
        let number = words.iter().filter(|word| word == kind).count();
        format!("{kind} in {}", of_all(number))
    };
    format!("returns {}", kinds.iter().map(told).collect::<Vec<_>>().join(" and "))
}

/// The WRITEs of all trials, and whether those of one were at the server together. READs and GETATTRs of readers that go on
/// all the time are a matter of timing, and left out.
pub(crate) fn writes(trials: &[Requests]) -> String {
    let number: usize = trials.iter().map(|requests| requests.count(Operation::Write)).sum();
    format!("{}, {}", count(number, "WRITE"), together(trials))
}

/// The same of what is written back from the page cache, of which a part can go out before somebody asks for it: then there
/// are more WRITEs, and a page goes twice that is stored to again. None of them is wrong, so that each page counts once.
pub(crate) fn written_back(requests: Requests) -> String {
    let page = PAGE as u64;
    let pages = |record: &LogRecord| {
        let end = record.offset + u64::from(record.size);
        record.offset / page..end.div_ceil(page)
    };
    let all: BTreeSet<u64> = requests.of(Operation::Write).flat_map(pages).collect();
    format!("{} in WRITEs, {}", size(all.len() as u64 * page), together(&[requests]))
}

fn together(trials: &[Requests]) -> &'static str {
    let overlap = trials.iter().any(|requests| {
        let writes: Vec<_> = requests.of(Operation::Write).collect();
        writes.iter().zip(writes.iter().skip(1)).any(|(one, next)| next.arrival_ns < one.answer_ns)
    });
    if overlap { "several at once" } else { "one at a time" }
}

/// `, 8 SETATTRs of the old size`, or nothing. Each of `known` is a name, and the size that it has in each trial.
pub(crate) fn sizes_set(trials: &[Requests], known: &[(&str, [u64; TRIALS])]) -> String {
    let mut numbers = vec![0; known.len() + 1];
    for (trial, requests) in trials.iter().enumerate() {
        for set in requests.all.iter().filter_map(LogRecord::size_set) {
            let is_it = |(_, sizes): &(&str, [u64; TRIALS])| sizes.get(trial) == Some(&set);
            let kind = known.iter().position(is_it).unwrap_or(known.len());
            numbers.get_mut(kind).into_iter().for_each(|number| *number += 1);
        }
    }
    let names = known.iter().map(|(name, _)| *name).chain(["another size"]);
    let told = numbers.iter().zip(names).filter(|(number, _)| **number > 0);
    told.map(|(number, name)| format!(", {} of {name}", count(*number, "SETATTR"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::requests::tests::{log, logged};

    #[test]
    fn a_page_that_is_written_back_twice_counts_once() {
        let write = |kib: u64, size_kib: u32, at: u64| {
            logged(Operation::Write, kib << 10, size_kib << 10, (at, at + 10))
        };
        let read = logged(Operation::Read, 0, 4096, (0, 1));
        let writes = [write(64, 20, 0), read, write(80, 4, 20), write(84, 380, 40)];
        assert_eq!(written_back(log(&writes)), "400 KiB in WRITEs, one at a time");
        assert_eq!(written_back(log(&[write(0, 4, 0), write(4, 4, 5)])), "8 KiB in WRITEs, several at once");
    }

    #[test]
    fn outcomes_are_counted_by_kind() {
        let outcomes = [Outcome::Bytes(8), Outcome::Error(libc::EIO), Outcome::Bytes(4), Outcome::Bytes(8)];
        assert_eq!(
            returns(&outcomes, &[8; 4]),
            "returns all in 2 of 8 and EIO in 1 of 8 and a part in 1 of 8"
        );
    }

    #[test]
    fn what_happens_is_what_servers_take() {
        let behaviour = behaviour(&[(Some(640), Effect::Eio), (None, Effect::Delay { us: 5 })]).unwrap();
        assert_eq!(behaviour.check(), Ok(()));
        assert!(behaviour.faults.iter().all(|fault| fault.operation.name() == "write"));
    }
}
