//! What is counted while a stage runs, and what it comes to.

use std::path::PathBuf;
use std::time::Duration;

use crate::latency::Latencies;
use crate::options::Options;
use crate::stage::Stage;

/// Requests and calls; latencies only if somebody asked for them, as they cost readings of the clock.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// Requests that the kernel took.
    pub requests: u64,
    /// Calls of io_submit(2).
    pub submits: u64,
    /// How long these took.
    pub submit: Option<Latencies>,
    /// How long requests took from there until they were reaped.
    pub completion: Option<Latencies>,
}

impl Tally {
    /// Nothing so far, with room for the latencies that the options ask for.
    pub fn new(options: &Options) -> Self {
        let submit = (options.submit_latencies || options.json.is_some()).then(Latencies::default);
        let completion = (options.completion_latencies || options.json.is_some()).then(Latencies::default);
        Tally { requests: 0, submits: 0, submit, completion }
    }

    /// The latencies that are to be printed, in lines.
    pub fn lines(&self, options: &Options) -> Vec<String> {
        let submit = self.submit.as_ref().filter(|_| options.submit_latencies);
        let completion = self.completion.as_ref().filter(|_| options.completion_latencies);
        let submit = submit.map(|latencies| latencies.lines("latency"));
        let completion = completion.map(|latencies| latencies.lines("completion latency"));
        submit.into_iter().chain(completion).collect()
    }

    /// Adds what another counted, whose calls are not among those counted here.
    pub fn merge(&mut self, other: &Tally) {
        self.requests += other.requests;
        self.submits += other.submits;
        for (sum, more) in [(&mut self.submit, &other.submit), (&mut self.completion, &other.completion)] {
            if let Some((sum, more)) = sum.as_mut().zip(more.as_ref()) {
                sum.merge(more);
            }
        }
    }
}

/// What came of one operation in a stage.
#[derive(Clone, Debug)]
pub struct OperationResult {
    /// The file as it was named.
    pub file: PathBuf,
    /// Which of the file's operations.
    pub context: u32,
    /// Transferred.
    pub bytes: u64,
    /// First request to last completion.
    pub elapsed: Duration,
    /// Calls count if they took a request of this operation; one call may count for several.
    pub tally: Tally,
}

/// What came of one thread in a stage.
#[derive(Clone, Debug)]
pub struct ThreadResult {
    /// Transferred.
    pub bytes: u64,
    /// Until fsync(2) was done.
    pub elapsed: Duration,
    /// Calls count even if they took nothing.
    pub tally: Tally,
    /// In the order in which they were dealt out.
    pub operations: Vec<OperationResult>,
    /// What ended the stage early.
    pub error: Option<String>,
}

/// What came of a stage.
#[derive(Clone, Debug)]
pub struct StageResult {
    /// What was done.
    pub stage: Stage,
    /// From the common start of all threads until the last was through.
    pub elapsed: Duration,
    /// By number.
    pub threads: Vec<ThreadResult>,
}

impl StageResult {
    /// Bytes of all threads.
    pub fn bytes(&self) -> u64 {
        self.threads.iter().map(|thread| thread.bytes).sum()
    }

    /// What all threads counted.
    pub fn tally(&self) -> Tally {
        let mut threads = self.threads.iter().map(|thread| &thread.tally);
        let mut sum = threads.next().cloned().unwrap_or_default();
        threads.for_each(|tally| sum.merge(tally));
        sum
    }
}
