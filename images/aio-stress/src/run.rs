//! A run: all stages with all threads.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Barrier, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use crate::buffers::Buffers;
use crate::document::{Document, ResultsFile};
use crate::operation::FileOperation;
use crate::options::Options;
use crate::plan::Plan;
use crate::report::{all_threads_line, header, thread_line};
use crate::tally::{StageResult, ThreadResult};
use crate::worker::Worker;

/// Does everything that was asked for, and prints it to standard error; writes the document if one was asked for,
/// whatever becomes of the run.
///
/// # Errors
/// If the options contradict each other, or anything fails.
pub fn run(options: &Options) -> anyhow::Result<()> {
    // Before the work that would be lost without it.
    let output = options.json.as_ref().map(ResultsFile::open).transpose()?;
    let mut stages = Vec::new();
    let plan = Plan::new(options);
    let result = match &plan {
        Ok(plan) => perform(options, plan, &mut stages),
        Err(error) => Err(anyhow::anyhow!("{error:#}")),
    };
    if let Some(output) = output {
        output.write(&Document::new(options, plan.as_ref().ok(), &stages, result.as_ref().err()))?;
    }
    result
}

/// What the threads share.
struct Shared {
    barrier: Barrier,
    /// The first thread is through with the stage.
    stop: AtomicBool,
    failed: AtomicBool,
    stage: Mutex<StageSoFar>,
}

/// What is known of the stage that runs.
struct StageSoFar {
    begin: Instant,
    /// Of the last thread that is through.
    end: Instant,
    bytes: u64,
}

impl StageSoFar {
    /// Begins now.
    fn new() -> Self {
        let now = Instant::now();
        StageSoFar { begin: now, end: now, bytes: 0 }
    }
}

impl Shared {
    fn stage(&self) -> std::sync::MutexGuard<'_, StageSoFar> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One thread's part of a stage, and how long all threads took, which one of them knows.
struct Part {
    result: ThreadResult,
    all_threads: Option<Duration>,
}

/// Adds to `stages` what came of them, those that failed too.
fn perform(options: &Options, plan: &Plan, stages: &mut Vec<StageResult>) -> anyhow::Result<()> {
    eprint!("{}", header(options, plan));
    let shared = Shared {
        barrier: Barrier::new(plan.threads),
        stop: AtomicBool::new(false),
        failed: AtomicBool::new(false),
        stage: Mutex::new(StageSoFar::new()),
    };
    let hands = deal(options, plan)?;
    let depth = options.depth as usize;
    let count = hands.iter().map(Vec::len).sum::<usize>() * depth;
    let buffers = Buffers::new(options.memory, count, options.record, options.alignment)?;
    let mut next_buffer = 0;
    let workers = (hands.into_iter())
        .map(|operations| {
            let first_buffer = next_buffer;
            next_buffer += operations.len() * depth;
            Worker::new(options, plan, &buffers, first_buffer, operations)
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    let shared = &shared;
    let (parts, results): (Vec<_>, Vec<_>) = std::thread::scope(|scope| {
        let threads: Vec<_> = (workers.into_iter().enumerate())
            .map(|(number, worker)| scope.spawn(move || work(number, worker, options, plan, shared)))
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("a thread panicked")).unzip()
    });
    stages.extend(gather(plan, parts));
    results.into_iter().collect::<anyhow::Result<()>>()?;
    if options.unlink {
        for path in &options.files {
            std::fs::remove_file(path).with_context(|| format!("removing {}", path.display()))?;
        }
    }
    Ok(())
}

/// Opens each file once per context and deals the operations out to the threads.
fn deal(options: &Options, plan: &Plan) -> anyhow::Result<Vec<Vec<FileOperation>>> {
    let mut hands: Vec<Vec<FileOperation>> = (0..plan.threads).map(|_| Vec::new()).collect();
    let mut dealt = 0;
    for path in &options.files {
        for context in 0..options.contexts {
            let span = plan.span(options, context)?;
            let operation = FileOperation::open(path, context, span, dealt as u64, options)?;
            hands[dealt % plan.threads].push(operation);
            dealt += 1;
        }
    }
    ensure!(dealt > 0, "nothing to do");
    Ok(hands)
}

/// From the stages of each thread to the threads of each stage.
fn gather(plan: &Plan, parts: Vec<Vec<Part>>) -> Vec<StageResult> {
    let mut stages: Vec<StageResult> = Vec::new();
    for (number, part) in parts.into_iter().flat_map(|thread| thread.into_iter().enumerate()) {
        if number == stages.len() {
            let stage = plan.stages[number];
            stages.push(StageResult { stage, elapsed: Duration::ZERO, threads: Vec::new() });
        }
        let stage = &mut stages[number];
        stage.elapsed = part.all_threads.unwrap_or(stage.elapsed);
        stage.threads.push(part.result);
    }
    stages
}

/// One thread's way through the stages; after a failure all threads stop at the end of the stage.
fn work(
    number: usize,
    mut worker: Worker<'_>,
    options: &Options,
    plan: &Plan,
    shared: &Shared,
) -> (Vec<Part>, anyhow::Result<()>) {
    let mut parts = Vec::new();
    for stage in &plan.stages {
        worker.prepare(*stage);
        if shared.barrier.wait().is_leader() {
            shared.stop.store(false, Relaxed);
            *shared.stage() = StageSoFar::new();
        }
        shared.barrier.wait();
        let begin = Instant::now();
        let result = worker.run(&shared.stop);
        shared.stop.store(true, Relaxed);
        let end = Instant::now();
        let elapsed = end - begin;
        let part = worker.result(elapsed, result.as_ref().err().map(|error| format!("{error:#}")));
        {
            let mut stage = shared.stage();
            stage.bytes += part.bytes;
            stage.end = stage.end.max(end);
        }
        if result.is_ok() {
            part.tally.lines(options).iter().for_each(|line| eprintln!("{line}"));
            // A thread that was stopped before it began has no speed.
            if part.bytes > 0 {
                eprintln!("{}", thread_line(number, *stage, part.bytes, elapsed));
            }
        } else {
            shared.failed.store(true, Relaxed);
        }
        let last = shared.barrier.wait().is_leader();
        let all_threads = last.then(|| {
            let stage = shared.stage();
            stage.end - stage.begin
        });
        parts.push(Part { result: part, all_threads });
        let failed = shared.failed.load(Relaxed);
        if let Some(elapsed) = all_threads.filter(|_| plan.threads > 1 && !failed) {
            eprintln!("{}", all_threads_line(*stage, shared.stage().bytes, elapsed));
        }
        if failed {
            return (parts, result);
        }
    }
    (parts, worker.close())
}
