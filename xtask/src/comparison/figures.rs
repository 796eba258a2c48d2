//! What one boot gives for each metric, or why it gives none.

use lab_protocol::{ContextSwitches, CpuTime, Tool, WorkloadReport};

use super::evidence::{mean_service_ns, requests};
use crate::klog::escape_for_terminal;
use crate::metric::Metric;
use crate::output::{self, Latency, Requests, Throughput};

/// The figures of one workload in one boot.
#[derive(Debug)]
pub(super) struct Figures {
    tool: Tool,
    throughput: f64,
    /// What the tool tells of its requests, or why it does not.
    told: Result<Requests, String>,
    tool_cpu: CpuTime,
    server_cpu: CpuTime,
    tool_switches: Option<ContextSwitches>,
    server_switches: Option<ContextSwitches>,
    server: Option<Seen>,
}

/// What the server saw.
#[derive(Debug)]
struct Seen {
    requests: u64,
    most_in_flight: u32,
    mean_in_flight: f64,
    service_ns: Option<u64>,
}

impl Figures {
    /// Those of a workload that did its work.
    pub(super) fn new(tool: Tool, throughput: Throughput, workload: &WorkloadReport) -> Self {
        let told = match output::requests(tool, workload) {
            Ok(Some(told)) => Ok(told),
            Ok(None) => Err(match tool {
                Tool::Dd => "not given by dd".to_owned(),
                Tool::AioStress => "not given by aio-stress without --json -".to_owned(),
                Tool::Fio => "not given by fio".to_owned(),
            }),
            Err(error) => Err(escape_for_terminal(&format!("{error:#}"))),
        };
        Figures {
            tool,
            throughput: throughput.value,
            told,
            tool_cpu: workload.tool_cpu,
            server_cpu: workload.server_cpu,
            tool_switches: workload.tool_switches,
            server_switches: workload.server_switches,
            server: workload.requests.as_ref().map(|stats| Seen {
                requests: requests(stats),
                most_in_flight: stats.most_in_flight,
                mean_in_flight: stats.mean_in_flight,
                service_ns: mean_service_ns(stats),
            }),
        }
    }

    /// The figure of a metric in its unit, see [`Metric::unit`].
    ///
    /// # Errors
    /// If there is none; says why in a few words. A figure that is missing is never zero.
    pub(super) fn of(&self, metric: Metric) -> Result<f64, String> {
        let value = match metric {
            Metric::Throughput => self.throughput,
            Metric::Iops => self.told.as_ref().map_err(String::clone)?.iops,
            Metric::LatencyMean => us(self.latency()?.mean_ns),
            Metric::LatencyP50 => self.percentile(|of| of.p50_ns)?,
            Metric::LatencyP90 => self.percentile(|of| of.p90_ns)?,
            Metric::LatencyP99 => self.percentile(|of| of.p99_ns)?,
            Metric::LatencyP999 => self.percentile(|of| of.p99_9_ns)?,
            Metric::ToolCpu => ms(self.tool_cpu),
            Metric::ServerCpu => ms(self.server_cpu),
            Metric::ToolSwitches => switches(self.tool_switches)?,
            Metric::ServerSwitches => switches(self.server_switches)?,
            Metric::Requests => self.seen()?.requests as f64,
            Metric::MostInFlight => f64::from(self.seen()?.most_in_flight),
            Metric::MeanInFlight => self.seen()?.mean_in_flight,
            Metric::ServiceMean => us(self.seen()?.service_ns.ok_or("no request was answered")? as f64),
        };
        if !value.is_finite() || value < 0.0 {
            return Err(format!("{value} is no figure"));
        }
        Ok(value)
    }

    fn latency(&self) -> Result<Latency, String> {
        self.told.as_ref().map_err(String::clone)?.completion.ok_or_else(|| self.not_by_this_run())
    }

    fn percentile(&self, of: impl Fn(&Latency) -> Option<u64>) -> Result<f64, String> {
        of(&self.latency()?).map(|ns| us(ns as f64)).ok_or_else(|| self.not_by_this_run())
    }

    fn not_by_this_run(&self) -> String {
        let tool = match self.tool {
            Tool::Dd => "dd",
            Tool::AioStress => "aio-stress with these arguments",
            Tool::Fio => "fio for this job",
        };
        format!("not given by {tool}")
    }

    fn seen(&self) -> Result<&Seen, String> {
        self.server.as_ref().ok_or_else(|| "not told by the server".to_owned())
    }
}

fn us(ns: f64) -> f64 {
    ns / 1000.0
}

fn ms(time: CpuTime) -> f64 {
    (time.user_us as f64 + time.system_us as f64) / 1000.0
}

fn switches(counted: Option<ContextSwitches>) -> Result<f64, String> {
    let counted = counted.ok_or("not in the guest's report")?;
    Ok(counted.voluntary as f64 + counted.involuntary as f64)
}
