//! The results for programs: one JSON document.
//!
//! Names say units; `mib-per-s` is in 2^20 bytes, latencies are in nanoseconds.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use serde::Serialize;

use crate::buffers::Memory;
use crate::close::close;
use crate::latency::{Latencies, Summary};
use crate::options::Options;
use crate::plan::Plan;
use crate::report::mib_per_s;
use crate::stage::Stage;
use crate::tally::{StageResult, Tally, ThreadResult};
use crate::target::Target;

/// Number of the format: it grows when a name goes or changes its meaning.
const FORMAT: u32 = 1;

/// A target that is ready to be written.
#[derive(Debug)]
pub struct ResultsFile<'a> {
    target: &'a Target,
    file: Option<File>,
}

impl<'a> ResultsFile<'a> {
    /// Makes the file, empty.
    ///
    /// # Errors
    /// Those of open(2).
    pub fn open(target: &'a Target) -> anyhow::Result<Self> {
        let file = match target {
            Target::StandardOutput => None,
            Target::File(path) => Some(File::create(path).with_context(|| purpose(path))?),
        };
        Ok(ResultsFile { target, file })
    }

    /// Writes the document.
    ///
    /// # Errors
    /// Those of write(2) and close(2).
    pub fn write(self, document: &Document) -> anyhow::Result<()> {
        let mut text = serde_json::to_string_pretty(document).context("the results as JSON")?;
        text.push('\n');
        match (self.target, self.file) {
            (Target::File(path), Some(mut file)) => {
                file.write_all(text.as_bytes()).and_then(|()| close(file)).with_context(|| purpose(path))
            }
            _ => io::stdout().write_all(text.as_bytes()).context("writing the results to standard output"),
        }
    }
}

fn purpose(path: &Path) -> String {
    format!("writing the results to {}", path.display())
}

/// The whole of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Document {
    tool: &'static str,
    version: &'static str,
    format: u32,
    options: Resolved,
    stages: Vec<StagePart>,
    error: Option<String>,
}

/// The options as they took effect.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Resolved {
    files: Vec<String>,
    stages: Vec<&'static str>,
    file_size_bytes: u64,
    record_bytes: u64,
    alignment_bytes: u64,
    contexts: u32,
    context_offset_bytes: u64,
    threads: usize,
    depth: u32,
    per_turn: u32,
    most_per_submit: Option<u32>,
    turns: Option<u64>,
    direct: bool,
    sync: bool,
    fsync: bool,
    submit_latencies: bool,
    completion_latencies: bool,
    memory: &'static str,
    unlink: bool,
    verify: bool,
    stonewall: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct StagePart {
    stage: &'static str,
    files: Vec<FilePart>,
    threads: Vec<ThreadPart>,
    total: Numbers,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct FilePart {
    file: String,
    context: u32,
    thread: usize,
    #[serde(flatten)]
    numbers: Numbers,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct ThreadPart {
    thread: usize,
    #[serde(flatten)]
    numbers: Numbers,
    error: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Numbers {
    bytes: u64,
    seconds: f64,
    mib_per_s: f64,
    submits: u64,
    requests: u64,
    submit_latency_ns: Option<Summary>,
    completion_latency_ns: Option<Summary>,
}

impl Document {
    /// What came of a run; without a plan if the options do not make one.
    pub fn new(
        options: &Options,
        plan: Option<&Plan>,
        stages: &[StageResult],
        error: Option<&anyhow::Error>,
    ) -> Self {
        Document {
            tool: "aio-stress",
            version: env!("CARGO_PKG_VERSION"),
            format: FORMAT,
            options: Resolved::new(options, plan),
            stages: stages.iter().map(StagePart::new).collect(),
            error: error.map(|error| format!("{error:#}")),
        }
    }
}

impl Resolved {
    fn new(options: &Options, plan: Option<&Plan>) -> Self {
        let stages = plan.map_or(&options.stages, |plan| &plan.stages);
        Resolved {
            files: options.files.iter().map(|path| path.display().to_string()).collect(),
            stages: stages.iter().map(|stage: &Stage| stage.name()).collect(),
            file_size_bytes: options.file_size,
            record_bytes: options.record,
            alignment_bytes: options.alignment,
            contexts: options.contexts,
            context_offset_bytes: options.context_offset,
            threads: plan.map_or(options.threads as usize, |plan| plan.threads),
            depth: options.depth,
            per_turn: plan.map_or(options.per_turn, |plan| plan.per_turn),
            most_per_submit: plan.map_or(options.most_per_submit, |plan| Some(plan.most_per_submit)),
            turns: options.turns,
            direct: options.direct,
            sync: options.sync,
            fsync: options.fsync,
            submit_latencies: options.submit_latencies,
            completion_latencies: options.completion_latencies,
            memory: match options.memory {
                Memory::Private => "private",
                Memory::Shm => "shm",
                Memory::Shmfs => "shmfs",
            },
            unlink: options.unlink,
            verify: options.verify.is_some(),
            stonewall: options.stonewall,
        }
    }
}

impl StagePart {
    fn new(result: &StageResult) -> Self {
        let threads = || result.threads.iter().enumerate();
        let files = threads().flat_map(|(thread, part)| {
            part.operations.iter().map(move |operation| FilePart {
                file: operation.file.display().to_string(),
                context: operation.context,
                thread,
                numbers: Numbers::new(operation.bytes, operation.elapsed, &operation.tally),
            })
        });
        let part = |(thread, part): (usize, &ThreadResult)| ThreadPart {
            thread,
            numbers: Numbers::new(part.bytes, part.elapsed, &part.tally),
            error: part.error.clone(),
        };
        StagePart {
            stage: result.stage.name(),
            files: files.collect(),
            threads: threads().map(part).collect(),
            total: Numbers::new(result.bytes(), result.elapsed, &result.tally()),
        }
    }
}

impl Numbers {
    fn new(bytes: u64, elapsed: Duration, tally: &Tally) -> Self {
        let summary = |latencies: &Option<Latencies>| latencies.as_ref().and_then(Latencies::summary);
        Numbers {
            bytes,
            seconds: elapsed.as_secs_f64(),
            mib_per_s: mib_per_s(bytes, elapsed),
            submits: tally.submits,
            requests: tally.requests,
            submit_latency_ns: summary(&tally.submit),
            completion_latency_ns: summary(&tally.completion),
        }
    }
}
