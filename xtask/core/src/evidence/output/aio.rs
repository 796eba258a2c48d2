//! From the JSON of aio-stress to figures.
//!
//! What its fields mean: `images/aio-stress/README.md`.

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;

use super::excerpt;
use super::latency::{Latency, Requests};

/// The format that is read.
const FORMAT: u32 = 1;

#[derive(Deserialize)]
struct AioDocument {
    tool: String,
    format: u32,
    stages: Vec<AioStage>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct AioStage {
    files: Vec<AioFigures>,
    total: AioFigures,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct AioFigures {
    seconds: f64,
    requests: u64,
    completion_latency_ns: Option<AioLatency>,
}

#[derive(Deserialize)]
struct AioLatency {
    mean: u64,
    p50: u64,
    p90: u64,
    p99: u64,
    #[serde(rename = "p99.9")]
    p99_9: u64,
}

/// Reads what `--json -` has put on standard output. Of one file and context the figures are its own, from the first
/// submission to the last completion, as with the throughput; of several those of all.
///
/// # Errors
/// If it is something else, or the run failed or has more than one stage.
pub(super) fn requests(stdout: &str) -> anyhow::Result<Requests> {
    ensure!(stdout.starts_with('{'), "no JSON: {}", excerpt(stdout));
    let document: AioDocument = serde_json::from_str(stdout).context("not the JSON of aio-stress")?;
    ensure!(document.tool == "aio-stress", "it is of `{}`", document.tool);
    ensure!(document.format == FORMAT, "format {}, and {FORMAT} is known", document.format);
    if let Some(error) = document.error {
        bail!("the run failed: {error}");
    }
    let [stage] = &document.stages[..] else {
        bail!("{} stages in one run: make each a workload of its own", document.stages.len())
    };
    let numbers = match &stage.files[..] {
        [only] => only,
        _ => &stage.total,
    };
    ensure!(numbers.seconds > 0.0, "{} requests in no time", numbers.requests);
    let completion = numbers.completion_latency_ns.as_ref().map(|of| Latency {
        mean_ns: of.mean as f64,
        p50_ns: Some(of.p50),
        p90_ns: Some(of.p90),
        p99_ns: Some(of.p99),
        p99_9_ns: Some(of.p99_9),
    });
    Ok(Requests { iops: numbers.requests as f64 / numbers.seconds, completion })
}
