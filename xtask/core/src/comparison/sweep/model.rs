//! How fast a workload can be at best with each value of a setting, by arithmetic.
//!
//! A batch of `r` requests, of which at most `k` are in flight, needs `w = ceil(r / k)` waves. Each request costs the time `c`,
//! and storage of latency `L` answers that much later, which is spent waiting or with other requests:
//!
//! - no batch is through before its work is done, `r * c`,
//! - nor before the waves: `w * (L + c)`, and `c` more for each further request of the last one.
//!
//! The longer of the two is taken. `r` and `k` are what the server counted. `c` is not known beforehand: it is what the run with
//! the smallest value took, by the same two lines. The work of the server for a request lies within the latency of the storage
//! (`images/passthrough/src/model.rs`), so that of the latency is left what it has more than that.

use lab_protocol::{Distribution, ReplyOrder, ServerSettings, Tool, WorkloadTask};

use super::{Expected, SweptRows};
use crate::comparison::{Cell, Evidence, MinMax};
use crate::evidence::output::unit_of;
use crate::plan::Scenario;
use crate::plan::config::{dd_block_bytes, is_direct};

/// A run with one value of the setting; times in seconds.
struct Run {
    value: u64,
    measured_s: f64,
    /// Its bytes, in units of its rate.
    amount: f64,
    batches: f64,
    batch: Batch,
    latency_s: f64,
    /// The shortest time in which the server served a request.
    service_s: f64,
    request_bytes: f64,
}

/// Requests that are sent together.
#[derive(Clone, Copy)]
struct Batch {
    requests: f64,
    in_flight: f64,
}

impl Batch {
    /// How often it is waited for the storage, and how many further requests the last wave has.
    fn waves(self) -> (f64, f64) {
        let waves = (self.requests / self.in_flight).ceil();
        (waves, self.requests - (waves - 1.0) * self.in_flight - 1.0)
    }

    /// How long it takes at best, if a request costs so much and waits so long.
    fn time_s(self, cost_s: f64, wait_s: f64) -> f64 {
        let (waves, further) = self.waves();
        (self.requests * cost_s).max(waves * (wait_s + cost_s) + further * cost_s)
    }

    /// What a request costs, if it takes so long and a request waits so long.
    fn cost_s(self, time_s: f64, wait_s: f64) -> f64 {
        let (waves, further) = self.waves();
        (time_s / self.requests).min((time_s - waves * wait_s) / (waves + further))
    }
}

/// The throughput with each value, or why arithmetic does not say it.
pub(super) fn expected(
    setting: &str,
    group: &SweptRows<'_>,
    place: usize,
    scenarios: &[Scenario],
    workloads: &[WorkloadTask],
) -> Result<Vec<Expected>, String> {
    let cost = Cost::of(setting)?;
    let task = workloads.iter().find(|task| task.name == group.workload).ok_or("the workload is unknown")?;
    let run = |(value, row): &(u64, &super::Row)| {
        let scenario = scenarios.iter().find(|scenario| scenario.name == row.scenario);
        let server =
            scenario.and_then(|scenario| scenario.server.as_ref()).ok_or("there is no FUSE server")?;
        only_latency(server)?;
        run(*value, &row.cells[place], task, server)
    };
    let runs = group.rows.iter().map(run).collect::<Result<Vec<Run>, String>>()?;
    if runs.iter().all(|run| run.latency_s == 0.0) {
        return Err("the storage has no latency, so that nothing is waited for".to_owned());
    }
    let (Some(smallest), Some(largest)) =
        (runs.iter().min_by_key(|run| run.value), runs.iter().max_by_key(|run| run.value))
    else {
        return Err("there is no figure".to_owned());
    };
    // With latency its end hides how long the work within it took.
    let work_s = if smallest.latency_s == 0.0 { smallest.service_s } else { 0.0 };
    let wait_s = |run: &Run| (run.latency_s - work_s).max(0.0);
    let own_cost_s = |run: &Run| run.batch.cost_s(run.measured_s / run.batches, wait_s(run));
    let least_s = own_cost_s(smallest);
    let per_byte_s = match cost {
        Cost::Same => 0.0,
        Cost::BySize if runs.len() < 3 || smallest.request_bytes == largest.request_bytes => {
            return Err(
                "what a request costs by its size follows from two values, so it takes a third".to_owned()
            );
        }
        Cost::BySize => (own_cost_s(largest) - least_s) / (largest.request_bytes - smallest.request_bytes),
    };
    let expected = |run: &Run| {
        let cost_s = least_s + per_byte_s * (run.request_bytes - smallest.request_bytes);
        if cost_s <= 0.0 {
            return Err("it took less time than waiting for the storage does by arithmetic".to_owned());
        }
        let time_s = run.batches * run.batch.time_s(cost_s, wait_s(run));
        Ok(Expected { value: run.value, throughput: run.amount / time_s })
    };
    runs.iter().map(expected).collect()
}

/// What a request costs with the values of a setting.
#[derive(Clone, Copy)]
enum Cost {
    /// As much with each.
    Same,
    /// A request is another one with each: something for itself, and something for each byte.
    BySize,
}

impl Cost {
    fn of(setting: &str) -> Result<Self, String> {
        match setting {
            "storage-latency-us" | "max-background" | "threads" => Ok(Cost::Same),
            "request-kib" => Ok(Cost::BySize),
            _ => Err(format!("there is no arithmetic for {setting}")),
        }
    }
}

/// Of other storage no simple sum says how long it is waited for.
fn only_latency(server: &ServerSettings) -> Result<(), String> {
    let storage = &server.storage;
    let is_plain = storage.distribution == Distribution::Fixed
        && [storage.parallel, storage.mib_per_s, storage.merge_kib].iter().all(|limit| *limit == 0)
        && [storage.jitter_us, storage.disorder_us, storage.plug_us].iter().all(|time| *time == 0);
    match is_plain && server.faults.is_empty() && server.reply_order == ReplyOrder::Done {
        true => Ok(()),
        false => Err("the storage has more than a fixed latency".to_owned()),
    }
}

fn run(value: u64, cell: &Cell, task: &WorkloadTask, server: &ServerSettings) -> Result<Run, String> {
    let (Some(mean), true, Some(sample)) = (cell.mean, cell.failures.is_empty(), cell.samples.first()) else {
        return Err(format!("there is no figure at {value}"));
    };
    let evidence = cell.evidence.as_ref().ok_or("the server's counts are not in this comparison")?;
    let service_s = shortest_ns(evidence).ok_or("the server says nothing of its times")? / 1e9;
    let bytes = sample.bytes as f64;
    let requests = middle(evidence.requests);
    let batches = batches(task, bytes)?;
    let batch = Batch { requests: requests / batches, in_flight: evidence.most_in_flight.most as f64 };
    if batch.requests <= 0.0 || batch.in_flight <= 0.0 {
        return Err("the server saw no request".to_owned());
    }
    let amount = bytes / unit_of(task).bytes();
    Ok(Run {
        value,
        measured_s: amount / mean,
        amount,
        batches,
        batch,
        latency_s: server.storage.latency_us as f64 / 1e6,
        service_s,
        request_bytes: bytes / requests,
    })
}

fn middle(range: MinMax) -> f64 {
    (range.least as f64 + range.most as f64) / 2.0
}

fn shortest_ns(evidence: &Evidence) -> Option<f64> {
    let services = [evidence.read_service, evidence.write_service].into_iter().flatten();
    services.map(|service| service.min_ns.least as f64).reduce(f64::min)
}

/// How many batches a run sends, each when the one before is through.
fn batches(task: &WorkloadTask, bytes: f64) -> Result<f64, String> {
    if matches!(task.tool, Tool::Dd | Tool::AioStress) && !is_direct(task) {
        return Err("it is no direct I/O: the page cache decides what is in flight".to_owned());
    }
    match task.tool {
        // Each call is one.
        Tool::Dd => match dd_block_bytes(task) {
            Some(block) => Ok((bytes / block as f64).max(1.0)),
            None => Err("its arguments do not say bs=".to_owned()),
        },
        // Another record is submitted as soon as one is through: it is all one batch.
        Tool::AioStress => Ok(1.0),
        Tool::Fio => Err("what a job of fio has in flight is not read from it".to_owned()),
        Tool::StressNg | Tool::Fsx | Tool::Pjdfstest | Tool::Socket => {
            Err("it is not one file that is read or written from begin to end".to_owned())
        }
    }
}

#[cfg(test)]
mod tests;
