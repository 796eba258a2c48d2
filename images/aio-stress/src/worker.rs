//! One thread: it builds requests for its operations in turn, submits them and reaps completions.

use std::collections::VecDeque;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Instant;

use anyhow::{Context as _, bail, ensure};

use crate::aio::{Context, Control, Event, Transfer};
use crate::buffers::Buffers;
use crate::latency::Latencies;
use crate::operation::{Operation, Stage};
use crate::options::Options;
use crate::pattern;
use crate::report::file_line;
use crate::run::Plan;

/// Events that a context has room for; a queue that is full makes io_submit(2) take fewer.
const EVENTS: u32 = 512;

/// A thread's work.
pub struct Worker<'a> {
    // Before the buffers: dropping it waits for the requests that use them.
    context: Context,
    buffers: Buffers,
    options: &'a Options,
    plan: &'a Plan,
    operations: Vec<Operation>,
    units: Vec<Unit>,
    /// Last in, first out: the memory that was used last is the warmest.
    free: Vec<usize>,
    pending: usize,
    events: Vec<Event>,
    submit_latencies: Latencies,
    completion_latencies: Latencies,
}

/// A buffer and the request that it is used for.
#[derive(Clone, Copy)]
struct Unit {
    operation: usize,
    offset: u64,
    submitted: Instant,
}

impl<'a> Worker<'a> {
    /// A thread for these operations.
    ///
    /// # Errors
    /// If there is not enough memory, or no asynchronous I/O.
    pub fn new(options: &'a Options, plan: &'a Plan, operations: Vec<Operation>) -> anyhow::Result<Self> {
        let count = operations.len() * options.depth as usize;
        Ok(Worker {
            context: Context::new(EVENTS)
                .context("setting up asynchronous I/O (it needs CONFIG_AIO and room below fs.aio-max-nr)")?,
            buffers: Buffers::new(options.memory, count, options.record, options.alignment)?,
            options,
            plan,
            operations,
            units: vec![Unit { operation: 0, offset: 0, submitted: Instant::now() }; count],
            free: (0..count).rev().collect(),
            pending: 0,
            events: vec![Event::default(); EVENTS as usize],
            submit_latencies: Latencies::default(),
            completion_latencies: Latencies::default(),
        })
    }

    /// Runs one stage to its end, fsync(2) included, unless `stop` says that another thread is through; gives
    /// the bytes that were transferred.
    ///
    /// # Errors
    /// If a request fails or is short, or there is nothing to read.
    pub fn run(&mut self, stage: Stage, stop: &AtomicBool) -> anyhow::Result<u64> {
        (self.submit_latencies, self.completion_latencies) = Default::default();
        self.operations.iter_mut().for_each(|operation| operation.restart(stage));
        let mut active: VecDeque<usize> = (0..self.operations.len()).collect();
        let mut turns = 0;
        while !active.is_empty() && self.plan.turns.is_none_or(|most| turns < most) {
            if self.options.stonewall && stop.load(Relaxed) {
                break;
            }
            self.turn(&mut active)?;
            turns += 1;
        }
        while self.pending > 0 {
            self.reap(1)?;
        }
        let mut bytes = 0;
        for operation in &self.operations {
            if self.options.fsync {
                operation
                    .file
                    .sync_all()
                    .with_context(|| format!("fsync of {}", operation.path.display()))?;
            }
            let (transferred, elapsed) = operation.result()?;
            bytes += transferred;
            // Those that came to their end have been told when they did.
            if operation.left() > 0 && transferred > 0 {
                eprintln!("{}", file_line(stage, &operation.path, transferred, elapsed));
            }
        }
        Ok(bytes)
    }

    /// The latencies of the last stage, as they were asked for.
    pub fn latency_lines(&self) -> Vec<String> {
        let submit = self.options.submit_latencies.then(|| self.submit_latencies.lines("latency"));
        let completion = self.options.completion_latencies;
        let completion = completion.then(|| self.completion_latencies.lines("completion latency"));
        submit.into_iter().chain(completion).collect()
    }

    /// Builds requests for one operation after the other until the next would pass the limit, and submits them.
    fn turn(&mut self, active: &mut VecDeque<usize>) -> anyhow::Result<()> {
        let most = self.plan.most_per_submit as usize;
        let per_turn = self.plan.per_turn as usize;
        let mut built = Vec::new();
        let mut controls = Vec::new();
        let mut units = Vec::new();
        while let Some(index) = active.pop_front() {
            built.push(index);
            let count = self.operations[index].left().min(per_turn as u64);
            for _ in 0..count {
                let unit = self.free_unit()?;
                controls.push(self.build(index, unit));
                units.push(unit);
            }
            if controls.len() + per_turn > most {
                break;
            }
        }
        self.submit(&mut controls, &units)?;
        active.extend(built.into_iter().filter(|index| self.operations[*index].left() > 0));
        Ok(())
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

    fn build(&mut self, index: usize, unit: usize) -> Control {
        let operation = &mut self.operations[index];
        let offset = operation.start();
        self.units[unit] = Unit { operation: index, offset, submitted: Instant::now() };
        let transfer = operation.stage().transfer();
        if self.options.verify && transfer == Transfer::Write {
            // SAFETY: the unit was free, so no request uses its buffer.
            pattern::fill(unsafe { self.buffers.content(unit) }, offset);
        }
        let (file, memory) = (operation.file.as_fd(), self.buffers.address(unit));
        Control::new(transfer, file, memory, operation.record() as usize, offset, unit as u64)
    }

    fn submit(&mut self, mut controls: &mut [Control], mut units: &[usize]) -> anyhow::Result<()> {
        while !controls.is_empty() {
            let begin = Instant::now();
            // SAFETY: the buffers and files belong to this value, whose first field is the context; units are
            // not free, so that nobody touches their buffers, until their completion was reaped.
            let taken = unsafe { self.context.submit(controls) }.context("io_submit")?;
            let end = Instant::now();
            self.submit_latencies.add(end - begin);
            for unit in &units[..taken] {
                self.units[*unit].submitted = end;
            }
            self.pending += taken;
            (controls, units) = (&mut controls[taken..], &units[taken..]);
            if !controls.is_empty() {
                // The queue is full.
                ensure!(self.pending > 0, "io_submit takes nothing, though no request is pending");
                self.reap_some()?;
            }
        }
        Ok(())
    }

    /// Waits for as many completions as one operation has requests in a turn.
    fn reap_some(&mut self) -> anyhow::Result<()> {
        self.reap(self.pending.min(self.plan.per_turn as usize).min(self.events.len()))
    }

    fn reap(&mut self, least: usize) -> anyhow::Result<()> {
        let mut events = std::mem::take(&mut self.events);
        let count = self.context.events(least, &mut events, None).context("io_getevents")?;
        let now = Instant::now();
        let result = events[..count].iter().try_for_each(|event| self.finish(event, now));
        self.events = events;
        result
    }

    fn finish(&mut self, event: &Event, now: Instant) -> anyhow::Result<()> {
        let number = event.data as usize;
        let unit = self.units[number];
        self.pending -= 1;
        self.completion_latencies.add(now.saturating_duration_since(unit.submitted));
        let operation = &mut self.operations[unit.operation];
        let stage = operation.stage();
        let transferred = event.result().with_context(|| {
            format!("{} on {} at offset {}", stage.name(), operation.path.display(), unit.offset)
        })?;
        operation.finish(unit.offset, transferred, now)?;
        if self.options.verify && stage.transfer() == Transfer::Read {
            // SAFETY: the request of this buffer is done.
            let found = unsafe { &self.buffers.content(number)[..transferred as usize] };
            if let Some(offset) = pattern::first_difference(found, unit.offset) {
                let path = operation.path.display();
                bail!("verifying {path}: wrong data at offset {offset} (was the file written with -v?)");
            }
        }
        if operation.left() == 0 && !operation.is_pending() {
            let (bytes, elapsed) = operation.result()?;
            eprintln!("{}", file_line(stage, &operation.path, bytes, elapsed));
        }
        self.free.push(number);
        Ok(())
    }
}
