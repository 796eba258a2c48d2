//! Native AIO: when io_submit(2) returns, what an iocb completes with, and what the server saw.

use aio_stress::aio::{Batch, Context, Event, IoRequest, Transfer};
use lab_protocol::{Effect, FaultOperation, Times};

use crate::clock::{self, now_ns};
use crate::fixture::Fixture;
use crate::iocb::PATIENCE;
use crate::memory::Memory;
use crate::observe::{self, Range, wrong_byte};
use crate::outcome::Outcome;
use crate::probe::{Observation, Probe, fault_at};
use crate::stage::{Stage, TestFile};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
/// What is read or written inside a file of 4 MiB.
const WHOLE: Range = Range { offset: 0, length: 2 * MIB };
/// The same behind the end of a file of 1 MiB.
const BEHIND: Range = Range { offset: MIB, length: 2 * MIB };

/// The probes of this group.
pub(super) fn probes() -> Vec<Probe> {
    let mut probes = reads();
    probes.extend(writes());
    probes.push(many("aio-64-reads", "64 AIO reads of 64 KiB", Transfer::Read).quick());
    probes.push(many("aio-64-writes", "64 AIO writes of 64 KiB inside the file", Transfer::Write));
    probes.extend(on_other_servers());
    probes
}

fn reads() -> Vec<Probe> {
    let read = |name: &str, what: &str, why: &str, size: u64, range: Range| {
        Probe::new(name, format!("AIO read of {what}"), why, move |stage| one_read(stage, size, range))
    };
    let at = |effect| fault_at(FaultOperation::DATA, 640, Times::Always, effect);
    vec![
        read("aio-read-2m", "2 MiB", "io_submit(2) need not wait for what it has sent", 4 * MIB, WHOLE)
            .quick(),
        read("aio-read-eio", "2 MiB with EIO in chunk 5", "the error is the completion's", 4 * MIB, WHOLE)
            .fault(at(Effect::Eio))
            .quick(),
        read(
            "aio-read-short",
            "2 MiB with 1 KiB in chunk 5",
            "the completion counts the bytes before the gap",
            4 * MIB,
            WHOLE,
        )
        .fault(at(Effect::Short { bytes: 1024 })),
        read(
            "aio-read-over-end",
            "2 MiB at 1 MiB and 300 bytes before the end",
            "trimmed to the file, and completed with what there is",
            3 * MIB + 300,
            Range::new(2 * MIB, 2 * MIB),
        ),
        read(
            "aio-read-at-end",
            "2 MiB at the end",
            "completes at once",
            2 * MIB,
            Range::new(2 * MIB, 2 * MIB),
        ),
    ]
}

fn writes() -> Vec<Probe> {
    let write = |name: &str, what: &str, why: &str, size: u64, range: Range| {
        Probe::new(name, format!("AIO write of {what}"), why, move |stage| one_write(stage, size, range))
    };
    let eio = |offset_kib| fault_at(FaultOperation::DATA, offset_kib, Times::Always, Effect::Eio);
    let extends = "the size of a file is known when all is written, so that io_submit(2) has to wait";
    vec![
        write("aio-write-2m", "2 MiB inside the file", "the effect itself, for AIO", 4 * MIB, WHOLE),
        write(
            "aio-write-eio",
            "2 MiB inside the file with EIO in chunk 5",
            "an error fails all of it",
            4 * MIB,
            WHOLE,
        )
        .fault(eio(640)),
        write("aio-extend-2m", "2 MiB at the end", extends, MIB, BEHIND).quick(),
        write("aio-extend-eio", "2 MiB at the end with EIO in chunk 5", extends, MIB, BEHIND)
            .fault(eio(1024 + 640))
            .quick(),
        write(
            "aio-write-over-end",
            "2 MiB at 1 MiB before the end",
            "a write that begins inside the file extends it all the same",
            MIB,
            Range::new(512 * KIB, 2 * MIB),
        ),
    ]
}

fn many(name: &str, title: &str, transfer: Transfer) -> Probe {
    Probe::new(
        name,
        format!("{title}, one io_submit(2) each, on storage of 2 ms"),
        "the queue is worth its depth only if io_submit(2) does not wait for each",
        move |stage| submit_many(stage, transfer),
    )
    .latency_us(2_000)
}

fn on_other_servers() -> Vec<Probe> {
    let read = |stage: &mut Stage<'_>| one_read(stage, 4 * MIB, WHOLE);
    let write = |stage: &mut Stage<'_>| one_write(stage, 4 * MIB, WHOLE);
    let fixtures = [
        (
            Fixture::SingleThread,
            "single-thread",
            "a server with one thread",
            "its thread completes iocbs, and must not wait for itself",
        ),
        (
            Fixture::MaxBackground1,
            "max-background-1",
            "max_background 1",
            "the second request waits for the first",
        ),
        (
            Fixture::NoAsyncDio,
            "no-async-dio",
            "a server that does not ask for FUSE_ASYNC_DIO",
            "without it io_submit(2) does all the work",
        ),
        (
            Fixture::DirectIo,
            "direct-io",
            "a file with FOPEN_DIRECT_IO",
            "AIO there is asynchronous although read(2) is not",
        ),
    ];
    let mut probes = Vec::new();
    for (fixture, name, what, why) in fixtures {
        let title = |call: &str| format!("AIO {call} of 2 MiB on {what}");
        probes.push(Probe::new(format!("{name}-aio-read"), title("read"), why, read).on(fixture));
        probes.push(Probe::new(format!("{name}-aio-write"), title("write"), why, write).on(fixture));
    }
    probes.push(
        Probe::new(
            "max-read-aio-read-over-end",
            "AIO read of 2 MiB at 1 MiB and 300 bytes before the end with a max_read of 32 KiB",
            "a trimmed read is a number of READs, however small they are",
            |stage| one_read(stage, 3 * MIB + 300, Range::new(2 * MIB, 2 * MIB)),
        )
        .on(Fixture::SmallReads),
    );
    probes.push(
        Probe::new(
            "direct-io-aio-extend",
            "AIO write of 2 MiB at the end of a file with FOPEN_DIRECT_IO",
            "such a file may be locked by several writers, and its size must not change beside them",
            |stage| one_write(stage, MIB, BEHIND),
        )
        .on(Fixture::DirectIo),
    );
    probes
}

/// One iocb, its completion, and whether io_submit(2) waited for an answer.
struct Done {
    outcome: Outcome,
    submitted_ns: u64,
}

/// An iocb between a range of a file and the begin of memory.
pub(super) fn request<'a>(
    transfer: Transfer,
    file: &'a TestFile,
    memory: &Memory,
    range: Range,
) -> IoRequest<'a> {
    IoRequest {
        transfer,
        file: file.fd(),
        memory: memory.at(0),
        length: range.length as usize,
        offset: range.offset,
        data: 1,
    }
}

fn one(transfer: Transfer, file: &TestFile, memory: &Memory, range: Range) -> anyhow::Result<Done> {
    let context = Context::new(1)?;
    let mut batch = Batch::new(1);
    batch.push(request(transfer, file, memory, range));
    // SAFETY: the caller keeps memory and file until this returns, and the context is dropped before that.
    let taken = unsafe { context.submit(&mut batch) };
    let submitted_ns = now_ns();
    let outcome = match taken {
        Ok(taken) => {
            anyhow::ensure!(taken.len() == 1, "io_submit(2) took {} of 1 iocb", taken.len());
            let mut events = [Event::default()];
            let limit = clock::long(PATIENCE);
            let count = context.events(1, &mut events, Some(limit))?;
            anyhow::ensure!(count == 1, "the iocb did not complete within {} s", limit.as_secs());
            Outcome::from_result(events[0].result())
        }
        Err(error) => Outcome::from_result(Err(error)),
    };
    Ok(Done { outcome, submitted_ns })
}

/// Which answer io_submit(2) is held against.
#[derive(Clone, Copy)]
enum Answer {
    /// It has 64 KiB to send, which is one request.
    First,
    /// It may have to wait while max_background is used up, but not for the last.
    Last,
}

/// Whether io_submit(2) returned before the server had answered.
fn submitting(stage: &mut Stage<'_>, submitted_ns: u64, answer: Answer) -> anyhow::Result<&'static str> {
    let requests = stage.requests()?;
    let answers = requests.data().map(|record| record.answer_ns);
    let answer = match answer {
        Answer::First => answers.min(),
        Answer::Last => answers.max(),
    };
    Ok(match answer {
        None => "",
        Some(answer) if submitted_ns < requests.base_ns + answer => "io_submit does not wait, ",
        Some(_) => "io_submit waits for all, ",
    })
}

fn before(text: &str, observation: Observation) -> Observation {
    Observation { observed: format!("{text}{}", observation.observed), ..observation }
}

fn one_read(stage: &mut Stage<'_>, size: u64, range: Range) -> anyhow::Result<Observation> {
    let file = stage.file(size)?;
    let memory = Memory::new(range.length as usize)?;
    let done = one(Transfer::Read, &file, &memory, range)?;
    let wrong = wrong_byte(memory.content(), done.outcome, range.offset, size);
    let submitting = submitting(stage, done.submitted_ns, Answer::Last)?;
    Ok(before(submitting, observe::after_read_of(stage, range, done.outcome, wrong)?))
}

fn one_write(stage: &mut Stage<'_>, size: u64, range: Range) -> anyhow::Result<Observation> {
    let file = stage.file(size)?;
    let memory = observe::new_data(range)?;
    let done = one(Transfer::Write, &file, &memory, range)?;
    let submitting = submitting(stage, done.submitted_ns, Answer::Last)?;
    Ok(before(submitting, observe::after_write(stage, &file, size, range, done.outcome)?))
}

fn submit_many(stage: &mut Stage<'_>, transfer: Transfer) -> anyhow::Result<Observation> {
    const COUNT: usize = 64;
    const RECORD: usize = 64 << 10;
    let size = (COUNT * RECORD) as u64;
    let file = stage.file(size)?;
    let whole = Range::new(0, size);
    let memory =
        if transfer == Transfer::Write { observe::new_data(whole)? } else { Memory::new(COUNT * RECORD)? };
    let context = Context::new(COUNT as u32)?;
    let mut submitted_ns = None;
    for record in 0..COUNT {
        let mut batch = Batch::new(1);
        batch.push(IoRequest {
            transfer,
            file: file.fd(),
            memory: memory.at(record * RECORD),
            length: RECORD,
            offset: (record * RECORD) as u64,
            data: record as u64,
        });
        // SAFETY: memory and file are kept until the completions have come or the context is dropped.
        let taken = unsafe { context.submit(&mut batch) }?;
        anyhow::ensure!(taken.len() == 1, "io_submit(2) did not take an iocb");
        submitted_ns.get_or_insert_with(now_ns);
    }
    let mut events = [Event::default(); COUNT];
    let count = context.events(COUNT, &mut events, Some(clock::long(PATIENCE)))?;
    let mut seen = [0; COUNT];
    let mut whole_ones = 0;
    for event in events.iter().take(count) {
        seen.get_mut(event.data as usize).into_iter().for_each(|times| *times += 1);
        whole_ones += usize::from(event.result().is_ok_and(|bytes| bytes == RECORD as u64));
    }
    let odd = seen.iter().position(|times| *times != 1);
    let fault = odd.map(|record| format!("iocb {record} completed {} times", seen[record]));
    let submitting = submitting(stage, submitted_ns.unwrap_or_default(), Answer::First)?;
    let outcome = Outcome::Bytes((whole_ones * RECORD) as u64);
    let observation = match transfer {
        Transfer::Read => {
            let wrong = wrong_byte(memory.content(), outcome, 0, size);
            observe::after_read(stage, outcome, wrong)?
        }
        Transfer::Write => observe::after_write(stage, &file, size, whole, outcome)?,
    };
    let text = format!("{submitting}{whole_ones} of {COUNT} complete in full, ");
    Ok(before(&text, observation).fault_if_any(fault))
}
