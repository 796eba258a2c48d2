//! One thread: it builds requests for its operations in turn, submits them and reaps completions.
//!
//! What a turn needs is allocated before the first, and the clock is read for latencies only if they are wanted:
//! a request costs the two system calls and little else.

use std::collections::VecDeque;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use lab_protocol::stamp::{POISON, Stamp};

use crate::aio::{Batch, Context, Event, IoRequest, Transfer};
use crate::buffers::Buffers;
use crate::operation::FileOperation;
use crate::options::Options;
use crate::plan::Plan;
use crate::report::{LINE, file_line};
use crate::stage::Stage;
use crate::tally::{OperationResult, Tally, ThreadResult};

/// Events that a context has room for; a queue that is full makes io_submit(2) take fewer.
const EVENTS: u32 = 512;

/// A thread's work.
pub struct Worker<'a> {
    // Before the files: dropping it waits for the requests that use them.
    context: Context,
    buffers: &'a Buffers,
    first_buffer: usize,
    options: &'a Options,
    plan: &'a Plan,
    operations: Vec<FileOperation>,
    /// Those that have requests to start, in the order of their turns.
    active: VecDeque<usize>,
    units: Vec<Unit>,
    /// Last in, first out: the memory that was used last is the warmest.
    free: Vec<usize>,
    batch: Batch,
    pending: usize,
    events: Vec<Event>,
    /// Room for what is printed while a stage runs.
    line: String,
    /// Of this stage; requests and completions are counted by the operations.
    tally: Tally,
}

/// The request that a buffer is used for.
#[derive(Clone, Copy)]
struct Unit {
    operation: usize,
    offset: u64,
    /// If somebody wants to know.
    submitted: Option<Instant>,
}

impl<'a> Worker<'a> {
    /// A thread for these operations, which has the buffers from number `first_buffer` on to itself, as many as its
    /// operations may have pending.
    ///
    /// # Errors
    /// If there is no asynchronous I/O.
    pub fn new(
        options: &'a Options,
        plan: &'a Plan,
        buffers: &'a Buffers,
        first_buffer: usize,
        operations: Vec<FileOperation>,
    ) -> anyhow::Result<Self> {
        let count = operations.len() * options.depth as usize;
        let longest_path = operations.iter().map(|operation| operation.path.as_os_str().len()).max();
        Ok(Worker {
            context: Context::new(EVENTS)
                .context("setting up asynchronous I/O (it needs CONFIG_AIO and room below fs.aio-max-nr)")?,
            buffers,
            first_buffer,
            options,
            plan,
            active: VecDeque::with_capacity(operations.len()),
            operations,
            units: vec![Unit { operation: 0, offset: 0, submitted: None }; count],
            free: (0..count).rev().collect(),
            batch: Batch::new(count.min(plan.most_per_submit as usize)),
            pending: 0,
            events: vec![Event::default(); count],
            // What cannot be shown of a path becomes three bytes for each of its own.
            line: String::with_capacity(LINE + 3 * longest_path.unwrap_or_default()),
            tally: Tally::default(),
        })
    }

    /// Gets ready for a stage, before its clock starts: what is counted into is allocated here.
    pub fn prepare(&mut self, stage: Stage) {
        self.tally = Tally::new(self.options);
        for operation in &mut self.operations {
            operation.restart(stage, Tally::new(self.options));
        }
        self.active.clear();
        self.active.extend(0..self.operations.len());
    }

    /// Runs the stage that was prepared to its end, fsync(2) included, unless `stop` says that another thread is through.
    /// It allocates nothing unless it fails.
    ///
    /// # Errors
    /// If a request fails or is short, or there is nothing to read.
    pub fn run(&mut self, stop: &AtomicBool) -> anyhow::Result<()> {
        let mut turns = 0;
        while !self.active.is_empty() && self.plan.turns.is_none_or(|most| turns < most) {
            if self.options.stonewall && stop.load(Relaxed) {
                break;
            }
            self.turn()?;
            turns += 1;
        }
        self.drain()?;
        if self.options.fsync {
            for FileOperation { file, path, .. } in &self.operations {
                file.sync_all().with_context(|| format!("fsync of {}", path.display()))?;
            }
        }
        Ok(())
    }

    /// What came of the last stage, which took `elapsed`, and how it failed.
    pub fn result(&mut self, elapsed: Duration, error: Option<String>) -> ThreadResult {
        let operations: Vec<_> = (self.operations.iter_mut())
            .map(|operation| OperationResult {
                file: operation.path.clone(),
                context: operation.context,
                bytes: operation.transferred(),
                elapsed: operation.elapsed(),
                tally: std::mem::take(&mut operation.tally),
            })
            .collect();
        let mut tally = std::mem::take(&mut self.tally);
        for operation in &operations {
            tally.requests += operation.tally.requests;
            if let Some((sum, more)) = tally.completion.as_mut().zip(operation.tally.completion.as_ref()) {
                sum.merge(more);
            }
        }
        let bytes = operations.iter().map(|operation| operation.bytes).sum();
        ThreadResult { bytes, elapsed, tally, operations, error }
    }

    /// Closes the files.
    ///
    /// # Errors
    /// The first of close(2).
    pub fn close(self) -> anyhow::Result<()> {
        self.operations.into_iter().map(FileOperation::close).fold(Ok(()), anyhow::Result::and)
    }

    /// Builds requests for one operation after the other until the next would pass the limit, and submits them.
    fn turn(&mut self) -> anyhow::Result<()> {
        let per_turn = self.plan.per_turn as usize;
        self.batch.clear();
        // Those that get their turn queue up behind the others.
        for _ in 0..self.active.len() {
            let Some(index) = self.active.pop_front() else { break };
            for _ in 0..self.operations[index].left().min(per_turn as u64) {
                let unit = self.free_unit()?;
                self.build(index, unit);
            }
            if self.operations[index].left() > 0 {
                self.active.push_back(index);
            }
            if self.batch.len() + per_turn > self.plan.most_per_submit as usize {
                break;
            }
        }
        self.submit()?;
        // What is said to be there is looked at before it has had time to come.
        if self.options.verify == Some(Stamp::Place) { self.reap(0, self.events.len()) } else { Ok(()) }
    }

    fn free_unit(&mut self) -> anyhow::Result<usize> {
        loop {
            if let Some(unit) = self.free.pop() {
                return Ok(unit);
            }
            ensure!(self.pending > 0, "all buffers are in use, and no request is pending");
            self.reap_some()?;
        }
    }

    fn build(&mut self, index: usize, unit: usize) {
        let operation = &mut self.operations[index];
        let offset = operation.start();
        self.units[unit] = Unit { operation: index, offset, submitted: None };
        let transfer = operation.stage().transfer();
        let buffer = self.first_buffer + unit;
        if let Some(stamp) = self.options.verify {
            // SAFETY: the unit was free, so no request uses its buffer.
            let content = unsafe { self.buffers.content(buffer) };
            match transfer {
                Transfer::Write => stamp.fill(content, offset),
                Transfer::Read => content.fill(POISON),
            }
        }
        self.batch.push(IoRequest {
            transfer,
            file: operation.file.as_fd(),
            memory: self.buffers.address(buffer),
            length: operation.record() as usize,
            offset,
            data: unit as u64,
        });
    }

    fn submit(&mut self) -> anyhow::Result<()> {
        while !self.batch.waiting().is_empty() {
            let begin = self.tally.submit.is_some().then(Instant::now);
            // SAFETY: the buffers outlive this value, which has them to itself, the files are in it, behind the
            // context; units are not free, so that nobody touches their buffers, until their completion was
            // reaped.
            let taken = unsafe { self.context.submit(&mut self.batch) };
            let timed = self.tally.submit.is_some() || self.tally.completion.is_some();
            let end = timed.then(Instant::now);
            let taken = taken.with_context(|| self.describe_next()).context("io_submit")?;
            self.pending += taken.len();
            self.count(taken, begin, end);
            if !self.batch.waiting().is_empty() {
                // The queue is full.
                ensure!(self.pending > 0, "io_submit takes nothing, though no request is pending");
                self.reap_some()?;
            }
        }
        Ok(())
    }

    /// Counts a call that has taken these requests of the batch.
    fn count(&mut self, taken: std::ops::Range<usize>, begin: Option<Instant>, end: Option<Instant>) {
        let latency = begin.zip(end).map(|(begin, end)| end - begin);
        let count_call = |tally: &mut Tally| {
            tally.submits += 1;
            if let Some((latencies, latency)) = tally.submit.as_mut().zip(latency) {
                latencies.add(latency);
            }
        };
        count_call(&mut self.tally);
        let mut before = None;
        for number in taken {
            let unit = &mut self.units[self.batch.data(number) as usize];
            unit.submitted = end;
            let tally = &mut self.operations[unit.operation].tally;
            tally.requests += 1;
            // Requests of one operation stand together.
            if before != Some(unit.operation) {
                before = Some(unit.operation);
                count_call(tally);
            }
        }
    }

    /// The request that the kernel did not take.
    fn describe_next(&self) -> String {
        let unit = self.units[self.batch.data(self.batch.waiting().start) as usize];
        self.operations[unit.operation].describe(unit.offset)
    }

    /// Waits for all that is pending, one by one, as nothing else is left to do.
    fn drain(&mut self) -> anyhow::Result<()> {
        while let Some(index) = self.active.pop_front() {
            self.operations[index].cut();
            // Its last completion came when it was still to go on.
            if self.operations[index].is_through() {
                self.conclude(index)?;
            }
        }
        while self.pending > 0 {
            self.reap(1, 1)?;
        }
        Ok(())
    }

    /// Waits for as many completions as one operation has requests in a turn, and takes those that there are.
    fn reap_some(&mut self) -> anyhow::Result<()> {
        self.reap(self.pending.min(self.plan.per_turn as usize), self.events.len())
    }

    fn reap(&mut self, least: usize, most: usize) -> anyhow::Result<()> {
        let mut events = std::mem::take(&mut self.events);
        let count = self.context.events(least, &mut events[..most], None).context("io_getevents")?;
        let now = self.tally.completion.is_some().then(Instant::now);
        let result = events[..count].iter().try_for_each(|event| self.finish(event, now));
        self.events = events;
        result
    }

    fn finish(&mut self, event: &Event, now: Option<Instant>) -> anyhow::Result<()> {
        let number = event.data as usize;
        let unit = self.units[number];
        let operation = &mut self.operations[unit.operation];
        self.pending -= 1;
        if let (Some(latencies), Some(now), Some(submitted)) =
            (&mut operation.tally.completion, now, unit.submitted)
        {
            latencies.add(now.saturating_duration_since(submitted));
        }
        let transferred = event.result().with_context(|| operation.describe(unit.offset))?;
        operation.finish(unit.offset, transferred)?;
        if let (Some(stamp), Transfer::Read) = (self.options.verify, operation.stage().transfer()) {
            // SAFETY: the request of this buffer is done.
            let found = unsafe { &self.buffers.content(self.first_buffer + number)[..transferred as usize] };
            // Before anything else, while what comes late has not come yet.
            let early = stamp.glance(found, unit.offset);
            verify(stamp, found, unit.offset, early)
                .with_context(|| format!("verifying {}", operation.path.display()))?;
        }
        self.free.push(number);
        if self.operations[unit.operation].is_through() { self.conclude(unit.operation) } else { Ok(()) }
    }

    /// Tells what came of an operation that is through.
    fn conclude(&mut self, index: usize) -> anyhow::Result<()> {
        let operation = &mut self.operations[index];
        operation.conclude(Instant::now())?;
        let (bytes, elapsed) = (operation.transferred(), operation.elapsed());
        eprint!("{}", file_line(&mut self.line, operation.stage(), &operation.path, bytes, elapsed));
        Ok(())
    }
}

/// Whether what was read at `offset` is what was written there; a glance at it, right after it was said to be there, has
/// found `early` wrong.
fn verify(stamp: Stamp, found: &[u8], offset: u64, early: Option<u64>) -> anyhow::Result<()> {
    let advice = match stamp {
        Stamp::Spread => " (was the file written with -v?)",
        Stamp::Place => "",
    };
    match (stamp.check(found, offset), early) {
        (Some(wrong), _) => bail!("wrong data at {wrong}{advice}"),
        (None, Some(early)) => bail!("offset {early}: the data came after the end of its read was told"),
        (None, None) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(found: &[u8], early: Option<u64>, expected: Expect) {
        let result = verify(Stamp::Place, found, 65536, early);
        expected.assert_eq(&result.err().map_or("right".to_owned(), |error| error.to_string()));
    }

    #[test]
    fn data_is_right_from_the_first_moment_or_wrong() {
        let mut found = vec![0; 65536];
        Stamp::Place.fill(&mut found, 65536);
        check(&found, None, expect!["right"]);
        check(
            &found,
            Some(126_976),
            expect!["offset 126976: the data came after the end of its read was told"],
        );
        found[4096..8192].fill(POISON);
        check(&found, None, expect!["wrong data at offset 69632: nothing was put there"]);
    }
}
