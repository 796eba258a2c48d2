//! From what a load tool printed to a throughput.

mod aio;
#[cfg(test)]
pub(crate) mod captures;
mod fio;
mod latency;
mod pjdfstest;
mod requests;
mod suite;

use std::fmt;
use std::sync::LazyLock;

use anyhow::{Context as _, bail};
use lab_protocol::{EndOfProgram, SocketReport, Tool, WorkloadReport, WorkloadTask};
use regex::Regex;
use serde::{Deserialize, Serialize};

pub use fio::{DirectionMetrics, FioDirection, FioJob, ToolMetrics, fio_jobs};
pub use latency::{Latency, Requests};
pub(crate) use pjdfstest::{Cases, Known, Passed, named};
pub use requests::requests;
pub use suite::passed;
pub(crate) use suite::{cases, surprise};

/// What a load tool measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Throughput {
    /// The rate, in `unit`; finite and above zero.
    pub value: f64,
    /// The unit of the rate: each tool has its own.
    pub unit: Unit,
    /// Bytes that were transferred. Exact for `dd` and `fio`; `aio-stress` prints hundredths of a MiB.
    pub bytes: u64,
}

/// Unit of a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    /// 10^6 bytes a second, what `dd` means by MB/s.
    #[serde(rename = "MB/s")]
    MegabytesPerSecond,
    /// 2^20 bytes a second, what `aio-stress` means by MB/s and `fio` by MiB/s.
    #[serde(rename = "MiB/s")]
    MebibytesPerSecond,
    /// Round trips a second, of the socket load tool.
    #[serde(rename = "trips/s")]
    RoundTripsPerSecond,
}

impl Unit {
    /// Bytes a second; of what is not bytes, how many a second.
    pub fn bytes(self) -> f64 {
        match self {
            Unit::RoundTripsPerSecond => 1.0,
            Unit::MegabytesPerSecond => 1e6,
            Unit::MebibytesPerSecond => f64::from(1 << 20),
        }
    }

    /// As it is written behind a figure.
    pub fn name(self) -> &'static str {
        match self {
            Unit::MegabytesPerSecond => "MB/s",
            Unit::MebibytesPerSecond => "MiB/s",
            Unit::RoundTripsPerSecond => "trips/s",
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The unit in which a tool reports.
pub fn unit(tool: Tool) -> Unit {
    match tool {
        Tool::Dd => Unit::MegabytesPerSecond,
        // A suite has no rate, and so no row that would show its unit.
        Tool::AioStress | Tool::Fio | Tool::StressNg | Tool::Fsx | Tool::Pjdfstest | Tool::Socket => {
            Unit::MebibytesPerSecond
        }
    }
}

/// The unit in which a workload is reported.
pub(crate) fn unit_of(task: &WorkloadTask) -> Unit {
    if task.counts_round_trips() { Unit::RoundTripsPerSecond } else { unit(task.tool) }
}

/// The output in which a tool tells its figures: standard error, of `fio` and `socket-stress` standard output.
pub fn figures(tool: Tool, workload: &WorkloadReport) -> &str {
    match tool {
        Tool::Dd | Tool::AioStress | Tool::StressNg | Tool::Fsx | Tool::Pjdfstest => &workload.stderr,
        Tool::Fio | Tool::Socket => &workload.stdout,
    }
}

/// The throughput in the [`figures`] of a load tool that ended well.
///
/// # Errors
/// If there is none, or more than one; says what was found instead.
pub fn throughput(tool: Tool, figures: &str) -> anyhow::Result<Throughput> {
    let found = match tool {
        Tool::Dd => dd(figures).context("reading the output of dd"),
        Tool::AioStress => aio_stress(figures).context("reading the output of aio-stress"),
        Tool::Fio => fio(figures).context("reading the output of fio"),
        Tool::Socket => socket(figures),
        Tool::StressNg | Tool::Fsx | Tool::Pjdfstest => bail!("a suite passes or fails, and has no rate"),
    }?;
    if !found.value.is_finite() || found.value <= 0.0 {
        bail!(
            "reading the output: a rate of {} {} over {} bytes is none",
            found.value,
            found.unit,
            found.bytes
        );
    }
    Ok(found)
}

/// The last line of dd, e.g. `67108864 bytes (67 MB, 64 MiB) copied, 0.0731532 s, 917 MB/s`. The rate that it
/// prints is rounded to three digits, so it is made from bytes and seconds.
fn dd(stderr: &str) -> anyhow::Result<Throughput> {
    static COPIED: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"^(\d+) bytes? (?:\([^)]*\) )?copied, ([0-9.e+-]+) s, "));
    let lines: Vec<_> = stderr.lines().filter_map(|line| COPIED.captures(line)).collect();
    // A signal makes dd print the line early; the last one is that of the end.
    let Some(line) = lines.last() else {
        bail!("no line `... bytes copied, ... s, ...`: {}", excerpt(stderr))
    };
    let bytes: u64 = line[1].parse().with_context(|| format!("`{}` bytes", &line[1]))?;
    let seconds: f64 = line[2].parse().with_context(|| format!("`{}` seconds", &line[2]))?;
    Ok(Throughput { value: bytes as f64 / seconds / 1e6, unit: unit(Tool::Dd), bytes })
}

/// Of one file, `read on FILE (4142.39 MB/s) 64.00 MB in 0.02s`: from the first submission to the last
/// completion. Of several files or contexts the line for all of them, which includes fsync(2). The seconds are
/// rounded to hundredths, so the printed rate is taken.
fn aio_stress(stderr: &str) -> anyhow::Result<Throughput> {
    static RATE: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"^(thread \d+ )?((?:random )?(?:read|write)) (on .*|totals|throughput) \(([0-9.]+) MB/s\) ([0-9.]+) MB in [0-9.]+s$",
        )
    });
    let lines: Vec<_> = stderr.lines().filter_map(|line| RATE.captures(line)).collect();
    if let Some(other) = lines.iter().find(|line| line[2] != lines[0][2]) {
        bail!(
            "a stage {} and a stage {} in one run: make each a workload of its own",
            &lines[0][2],
            &other[2]
        );
    }
    let of = |kind: &str| lines.iter().filter(|line| line[3].starts_with(kind)).collect::<Vec<_>>();
    let (on, throughput, totals) = (of("on "), of("throughput"), of("totals"));
    let line = match (&on[..], &throughput[..], &totals[..]) {
        ([line], _, _) | (_, [line], _) | (_, [], [line]) => line,
        _ => bail!(
            "no single line `... on FILE (... MB/s) ...`, `throughput` or `totals`: {}",
            excerpt(stderr)
        ),
    };
    let value: f64 = line[4].parse().with_context(|| format!("`{}` MB/s", &line[4]))?;
    let mebibytes: f64 = line[5].parse().with_context(|| format!("`{}` MB", &line[5]))?;
    let bytes = (mebibytes * f64::from(1 << 20)).round() as u64;
    Ok(Throughput { value, unit: unit(Tool::AioStress), bytes })
}

fn fio(stdout: &str) -> anyhow::Result<Throughput> {
    let metrics = fio::metrics(stdout)?;
    let value = metrics.bytes_per_second() / f64::from(1 << 20);
    Ok(Throughput { value, unit: unit(Tool::Fio), bytes: metrics.bytes })
}

/// The document of `socket-stress`.
fn socket_report(stdout: &str) -> anyhow::Result<SocketReport> {
    serde_json::from_str(stdout)
        .with_context(|| format!("reading the output of socket-stress: {}", excerpt(stdout)))
}

fn socket(stdout: &str) -> anyhow::Result<Throughput> {
    let report = socket_report(stdout)?;
    let seconds = report.elapsed_ns as f64 / 1e9;
    let (count, unit) = match report.round_trips {
        Some(_) => (report.operations, Unit::RoundTripsPerSecond),
        None => (report.bytes, unit(Tool::Socket)),
    };
    Ok(Throughput { value: count as f64 / seconds / unit.bytes(), unit, bytes: report.bytes })
}

/// What stands there instead: the last line.
fn excerpt(text: &str) -> String {
    match last_line(text) {
        "" => "it is empty".to_owned(),
        line => format!("it ends with `{}`", line.chars().take(120).collect::<String>()),
    }
}

/// Why a program failed, in its own words: the first line that it starts with its name, as programs do with errors;
/// else the last line that holds anything. What comes after the error may be advice (`Try '... --help'`) or a summary.
pub fn complaint<'a>(program: &str, text: &'a str) -> &'a str {
    own_line(program, text).unwrap_or_else(|| last_line(text))
}

/// The first line that the program starts with its name, but for what is only meant to inform: `stress-ng: info:`. fsx
/// writes `[ERROR fsx] ...`.
fn own_line<'a>(program: &str, text: &'a str) -> Option<&'a str> {
    let name = program.rsplit('/').next().unwrap_or(program);
    let is_info = |rest: &str| ["info:", "metrc:", "debug:"].iter().any(|word| rest.starts_with(word));
    let is_own = |line: &&str| match line.split_once(": ") {
        Some((start, rest)) if start.rsplit('/').next() == Some(name) => !is_info(rest),
        _ => line.strip_prefix("[ERROR ").is_some_and(|rest| rest.starts_with(&format!("{name}]"))),
    };
    text.lines().map(str::trim).find(is_own)
}

/// How a program ended that did not end well; none if it did.
pub(crate) fn bad_end(end: &EndOfProgram) -> Option<String> {
    Some(match end {
        EndOfProgram::Exit(0) => return None,
        EndOfProgram::Exit(code) => format!("exit code {code}"),
        EndOfProgram::Signal(signal) => format!("signal {signal}"),
        EndOfProgram::TimedOut => "did not end in time".to_owned(),
        EndOfProgram::Unkillable => "did not end in time and could not be killed".to_owned(),
        EndOfProgram::NotStarted(why) => format!("not started: {why}"),
    })
}

/// Why a workload failed, in the words of its program: on standard error, or, as `fio` does it with some errors, in a
/// line with its name on standard output. Empty if it said nothing.
pub fn last_words(workload: &WorkloadReport) -> &str {
    let program = workload.argv.first().map_or("", String::as_str);
    match complaint(program, &workload.stderr) {
        "" => own_line(program, &workload.stdout).unwrap_or_default(),
        said => said,
    }
}

/// The last line that holds anything.
pub fn last_line(text: &str) -> &str {
    text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default()
}

#[expect(clippy::unwrap_used, reason = "the patterns are constants, and every one is compiled by a test")]
fn pattern(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap()
}

#[cfg(test)]
pub(crate) mod tests;
