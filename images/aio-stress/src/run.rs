//! A run: all stages with all threads.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Barrier, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, ensure};

use crate::operation::{Operation, Stage};
use crate::options::Options;
use crate::random::Span;
use crate::report::{all_threads_line, header, thread_line};
use crate::size::MIB;
use crate::worker::Worker;

/// What follows from the options together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Stages in the order in which they run.
    pub stages: Vec<Stage>,
    /// Threads, not more than there are operations.
    pub threads: usize,
    /// Requests of one operation before the next gets its turn.
    pub per_turn: u32,
    /// Most requests in one io_submit(2).
    pub most_per_submit: u32,
    /// Most turns per stage.
    pub turns: Option<u64>,
    /// What was changed, as it is printed.
    pub notes: Vec<String>,
}

impl Plan {
    /// Settles what the options leave open.
    ///
    /// # Errors
    /// If they contradict each other.
    pub fn new(options: &Options) -> anyhow::Result<Self> {
        let mut notes = Vec::new();
        let operations = options.files.len() * options.contexts as usize;
        let mut threads = options.threads as usize;
        if threads > operations {
            threads = operations;
            notes.push(format!("dropping thread count to the number of contexts {threads}"));
        }
        let mut per_turn = options.per_turn.min(options.depth);
        let most_per_submit = match options.most_per_submit {
            Some(most) => most,
            None => u32::try_from(operations as u64 * u64::from(per_turn)).context("too many requests")?,
        };
        if most_per_submit < per_turn {
            per_turn = most_per_submit;
            notes.push(format!("dropping io_iter to {per_turn}"));
        }
        let stages = if options.stages.is_empty() { Stage::ALL.to_vec() } else { options.stages.clone() };
        let plan = Plan { stages, threads, per_turn, most_per_submit, turns: options.turns, notes };
        for context in 0..options.contexts {
            plan.span(options, context)?;
        }
        Ok(plan)
    }

    /// The part of each file that its operation number `context` works on.
    fn span(&self, options: &Options, context: u32) -> anyhow::Result<Span> {
        let Options { file_size, record, alignment, contexts, .. } = *options;
        let offset = u64::from(context).checked_mul(options.context_offset);
        let span = offset
            .and_then(|start| Some(Span { start, end: file_size.checked_sub(start)?, record, alignment }))
            .filter(|span| span.end >= span.start && span.records() > 0);
        span.with_context(|| {
            format!(
                "{} MB are too small for {contexts} contexts of whole records; lower -c, -C or -r, or raise -s",
                file_size / MIB,
            )
        })
    }
}

/// What the threads of a stage share.
struct Shared {
    barrier: Barrier,
    /// The first thread is through with the stage.
    stop: AtomicBool,
    failed: AtomicBool,
    /// Bytes of the stage so far.
    bytes: Mutex<u64>,
    begin: Mutex<Instant>,
}

/// Does everything that was asked for, and prints it to standard error.
///
/// # Errors
/// If the options contradict each other, or anything fails.
pub fn run(options: &Options) -> anyhow::Result<()> {
    let plan = Plan::new(options)?;
    eprint!("{}", header(options, &plan));
    let shared = Shared {
        barrier: Barrier::new(plan.threads),
        stop: AtomicBool::new(false),
        failed: AtomicBool::new(false),
        bytes: Mutex::new(0),
        begin: Mutex::new(Instant::now()),
    };
    let workers = (deal(options, &plan)?.into_iter())
        .map(|operations| Worker::new(options, &plan, operations))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let (shared, plan) = (&shared, &plan);
    let results: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (workers.into_iter().enumerate())
            .map(|(number, worker)| scope.spawn(move || work(number, worker, plan, shared)))
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("a thread panicked")).collect()
    });
    results.into_iter().collect::<anyhow::Result<()>>()?;
    if options.unlink {
        for path in &options.files {
            std::fs::remove_file(path).with_context(|| format!("removing {}", path.display()))?;
        }
    }
    Ok(())
}

/// Opens each file once per context and deals the operations out to the threads.
fn deal(options: &Options, plan: &Plan) -> anyhow::Result<Vec<Vec<Operation>>> {
    let mut hands: Vec<Vec<Operation>> = (0..plan.threads).map(|_| Vec::new()).collect();
    let mut dealt = 0;
    for path in &options.files {
        for context in 0..options.contexts {
            let span = plan.span(options, context)?;
            hands[dealt % plan.threads].push(Operation::open(path, span, dealt as u64, options)?);
            dealt += 1;
        }
    }
    ensure!(dealt > 0, "nothing to do");
    Ok(hands)
}

/// One thread's way through the stages; after a failure all threads stop at the end of the stage.
fn work(number: usize, mut worker: Worker<'_>, plan: &Plan, shared: &Shared) -> anyhow::Result<()> {
    for stage in &plan.stages {
        if shared.barrier.wait().is_leader() {
            shared.stop.store(false, Relaxed);
            *shared.bytes.lock().unwrap_or_else(PoisonError::into_inner) = 0;
            *shared.begin.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        }
        shared.barrier.wait();
        let begin = Instant::now();
        let result = worker.run(*stage, &shared.stop);
        shared.stop.store(true, Relaxed);
        if let Ok(bytes) = &result {
            worker.latency_lines().iter().for_each(|line| eprintln!("{line}"));
            // A thread that was stopped before it began has no speed.
            if *bytes > 0 {
                eprintln!("{}", thread_line(number, *stage, *bytes, begin.elapsed()));
            }
            *shared.bytes.lock().unwrap_or_else(PoisonError::into_inner) += bytes;
        } else {
            shared.failed.store(true, Relaxed);
        }
        let last = shared.barrier.wait().is_leader();
        if last && plan.threads > 1 && !shared.failed.load(Relaxed) {
            let bytes = *shared.bytes.lock().unwrap_or_else(PoisonError::into_inner);
            let begin = *shared.begin.lock().unwrap_or_else(PoisonError::into_inner);
            eprintln!("{}", all_threads_line(*stage, bytes, begin.elapsed()));
        }
        result?;
        if shared.failed.load(Relaxed) {
            return Ok(());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> Options {
        Options { files: vec!["f".into(), "g".into()], ..Options::default() }
    }

    fn plan(options: &Options) -> Plan {
        Plan::new(options).unwrap()
    }

    #[test]
    fn limits_follow_from_each_other() {
        let check = |options: Options, threads, per_turn, most_per_submit| {
            let plan = plan(&options);
            let found = (plan.threads, plan.per_turn, plan.most_per_submit);
            assert_eq!(found, (threads, per_turn, most_per_submit), "{options:?}");
        };
        check(options(), 1, 8, 16);
        check(Options { threads: 2, ..options() }, 2, 8, 16);
        check(Options { threads: 5, contexts: 2, ..options() }, 4, 8, 32);
        check(Options { depth: 4, ..options() }, 1, 4, 8);
        check(Options { most_per_submit: Some(1), ..options() }, 1, 1, 1);
        check(Options { most_per_submit: Some(100), ..options() }, 1, 8, 100);
    }

    #[test]
    fn contexts_share_the_file_from_both_ends() {
        let options = Options { file_size: 10 * MIB, contexts: 2, ..options() };
        let spans = [0, 1].map(|context| plan(&options).span(&options, context).unwrap());
        assert_eq!(spans.map(|span| (span.start, span.end)), [(0, 10 * MIB), (2 * MIB, 8 * MIB)]);
    }

    #[test]
    fn files_that_are_too_small_are_refused() {
        for (file_size, contexts, record) in
            [(10 * MIB, 4, 65536), (10 * MIB, 9, 65536), (MIB, 1, 2 * MIB), (4 * MIB, 2, 65536)]
        {
            let error = Plan::new(&Options { file_size, contexts, record, ..options() }).unwrap_err();
            assert!(error.to_string().contains("too small"), "{error}");
        }
        assert!(Plan::new(&Options { file_size: 65536, ..options() }).is_ok());
    }
}
