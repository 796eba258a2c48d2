//! From the JSON of fio to figures.
//!
//! What its fields mean: `add_ddir_status_json` in fio's `stat.c`. Times of whole runs are milliseconds there, rounded
//! up; all others are nanoseconds.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, bail, ensure};
use serde::{Deserialize, Serialize};

use super::excerpt;
use super::latency::Latency;

/// What a tool tells beyond its throughput, over all of its jobs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ToolMetrics {
    /// Bytes of both directions.
    pub bytes: u64,
    /// The longest that a job took in one direction, milliseconds, rounded up: jobs run side by side.
    pub runtime_ms: u64,
    /// What was read; none if nothing was.
    pub read: Option<DirectionMetrics>,
    /// What was written; none if nothing was.
    pub write: Option<DirectionMetrics>,
}

/// What a tool tells of one direction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct DirectionMetrics {
    /// Bytes that were transferred.
    pub bytes: u64,
    /// Transfers that were made.
    pub operations: u64,
    /// The longest that a job took, milliseconds, rounded up.
    pub runtime_ms: u64,
    /// Transfers a second.
    pub iops: f64,
    /// From submission to completion of a transfer; none if it was not measured (`disable_clat`, `gtod_reduce`).
    pub completion: Option<Latency>,
}

impl ToolMetrics {
    /// Bytes a second over all jobs and both directions: all bytes over the longest time, as in the summary of a group
    /// that fio prints for people.
    pub(crate) fn bytes_per_second(&self) -> f64 {
        per_second(self.bytes, self.runtime_ms)
    }
}

#[derive(Deserialize)]
struct FioOutput {
    jobs: Vec<FioJob>,
}

/// What fio tells of a job.
#[derive(Debug, Deserialize)]
pub struct FioJob {
    jobname: String,
    groupid: u32,
    /// The number of the error that ended it; zero if none did.
    pub error: i32,
    /// What `unified_rw_reporting` puts there instead of, or beside, the others.
    mixed: Option<serde::de::IgnoredAny>,
    /// How long it ran, milliseconds.
    #[serde(rename = "job_runtime")]
    pub runtime_ms: u64,
    /// CPU time in user mode, percent of `runtime_ms`.
    #[serde(rename = "usr_cpu")]
    pub user_percent: f64,
    /// CPU time in the kernel, percent of `runtime_ms`.
    #[serde(rename = "sys_cpu")]
    pub system_percent: f64,
    /// What it read.
    pub read: FioDirection,
    write: FioDirection,
    trim: FioDirection,
}

/// What fio tells of one direction of a job.
#[derive(Debug, Deserialize)]
pub struct FioDirection {
    /// Bytes that were transferred.
    #[serde(rename = "io_bytes")]
    pub bytes: u64,
    /// From the first submission to the last completion, milliseconds.
    #[serde(rename = "runtime")]
    pub runtime_ms: u64,
    /// Transfers that were made.
    #[serde(rename = "total_ios")]
    pub operations: u64,
    /// Transfers of fewer bytes than were asked for.
    #[serde(rename = "short_ios")]
    pub short_operations: u64,
    clat_ns: Clat,
}

#[derive(Debug, Deserialize)]
struct Clat {
    mean: f64,
    #[serde(rename = "N")]
    count: u64,
    #[serde(default)]
    percentile: BTreeMap<String, u64>,
}

/// Reads what fio wrote to its standard output: warnings, if there are any, and then one JSON document.
///
/// # Errors
/// If there is none or another one, a job failed, nothing was transferred, or there are several measurements in it.
pub(super) fn metrics(stdout: &str) -> anyhow::Result<ToolMetrics> {
    let jobs = fio_jobs(stdout)?;
    ensure!(!jobs.is_empty(), "there is no job in it");
    for job in &jobs {
        let name = &job.jobname;
        if job.error != 0 {
            bail!("job `{name}` failed: {}", std::io::Error::from_raw_os_error(job.error));
        }
        ensure!(
            job.mixed.is_none(),
            "job `{name}` counts reads and writes as one: drop unified_rw_reporting"
        );
        ensure!(job.trim.bytes == 0, "job `{name}` discarded data, which is neither reading nor writing");
    }
    let groups = BTreeSet::from_iter(jobs.iter().map(|job| job.groupid)).len();
    ensure!(groups == 1, "{groups} groups of jobs in one run: make each a workload of its own");
    let read = direction(jobs.iter().map(|job| &job.read)).context("what was read")?;
    let write = direction(jobs.iter().map(|job| &job.write)).context("what was written")?;
    let amounts =
        [&read, &write].map(|direction| direction.as_ref().map_or((0, 0), |of| (of.bytes, of.runtime_ms)));
    let [(read_bytes, read_ms), (write_bytes, write_ms)] = amounts;
    let (bytes, runtime_ms) = (read_bytes.saturating_add(write_bytes), read_ms.max(write_ms));
    ensure!(bytes > 0, "nothing was transferred");
    Ok(ToolMetrics { bytes, runtime_ms, read, write })
}

/// Reads what fio wrote to its standard output, as in [`metrics`], and decides nothing about its jobs.
///
/// # Errors
/// If it holds no JSON document, or one of another form.
pub fn fio_jobs(stdout: &str) -> anyhow::Result<Vec<FioJob>> {
    let mut offset = 0;
    let start = stdout.split_inclusive('\n').find_map(|line| {
        let start = offset;
        offset += line.len();
        line.starts_with('{').then_some(start)
    });
    let Some(start) = start else { bail!("no JSON: {}", excerpt(stdout)) };
    // Text behind the document is an error for serde_json, a second document included.
    let output: FioOutput = serde_json::from_str(&stdout[start..]).context("not the JSON of fio")?;
    Ok(output.jobs)
}

/// One direction over all jobs; none if nothing was transferred in it.
fn direction<'a>(jobs: impl Iterator<Item = &'a FioDirection>) -> anyhow::Result<Option<DirectionMetrics>> {
    let jobs: Vec<&FioDirection> = jobs.filter(|job| job.bytes > 0).collect();
    let Some(runtime_ms) = jobs.iter().map(|job| job.runtime_ms).max() else { return Ok(None) };
    ensure!(jobs.iter().all(|job| job.runtime_ms > 0), "data was transferred in no time");
    let sum = |of: fn(&FioDirection) -> u64| {
        jobs.iter().try_fold(0_u64, |all, job| all.checked_add(of(job))).context("a sum beyond all measure")
    };
    let operations = sum(|job| job.operations)?;
    Ok(Some(DirectionMetrics {
        bytes: sum(|job| job.bytes)?,
        operations,
        runtime_ms,
        iops: per_second(operations, runtime_ms),
        completion: completion(&jobs),
    }))
}

fn completion(jobs: &[&FioDirection]) -> Option<Latency> {
    let measured: Vec<&Clat> = jobs.iter().map(|job| &job.clat_ns).filter(|clat| clat.count > 0).collect();
    let count: f64 = measured.iter().map(|clat| clat.count as f64).sum();
    if measured.is_empty() {
        return None;
    }
    let percentile = |name: &str| match &measured[..] {
        [only] => only.percentile.get(name).copied(),
        _ => None,
    };
    Some(Latency {
        mean_ns: measured.iter().map(|clat| clat.mean * clat.count as f64).sum::<f64>() / count,
        p50_ns: percentile("50.000000"),
        p90_ns: percentile("90.000000"),
        p99_ns: percentile("99.000000"),
        p99_9_ns: percentile("99.900000"),
    })
}

fn per_second(count: u64, runtime_ms: u64) -> f64 {
    count as f64 * 1000.0 / runtime_ms as f64
}

#[cfg(test)]
mod tests;
