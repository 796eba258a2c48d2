//! What is measured of a workload, beside throughput: names, units, and which way is better.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A figure that a boot gives for a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// What the tool says, in its unit.
    Throughput,
    /// Requests of the tool a second (fio, aio-stress with `--json`).
    Iops,
    /// Completion latency as the tool says it, us: the mean (fio, aio-stress with `--json`).
    LatencyMean,
    /// The median.
    LatencyP50,
    /// The 90th percentile.
    LatencyP90,
    /// The 99th percentile.
    LatencyP99,
    /// The 99.9th percentile.
    LatencyP999,
    /// CPU time of the tool, user and system, ms.
    ToolCpu,
    /// CPU time of the server while the tool ran, ms.
    ServerCpu,
    /// Context switches of the tool, voluntary and not.
    ToolSwitches,
    /// Context switches of the server while the tool ran.
    ServerSwitches,
    /// READ and WRITE requests that the server received.
    Requests,
    /// The most of them in flight at one time.
    MostInFlight,
    /// The mean of them in flight.
    MeanInFlight,
    /// From arrival to answer in the server, us: the mean.
    ServiceMean,
}

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// More is better.
    Higher,
    /// Less is better.
    Lower,
    /// Neither: a change is told and no more.
    Neither,
}

impl Metric {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Metric; 15] = [
        Metric::Throughput,
        Metric::Iops,
        Metric::LatencyMean,
        Metric::LatencyP50,
        Metric::LatencyP90,
        Metric::LatencyP99,
        Metric::LatencyP999,
        Metric::ToolCpu,
        Metric::ServerCpu,
        Metric::ToolSwitches,
        Metric::ServerSwitches,
        Metric::Requests,
        Metric::MostInFlight,
        Metric::MeanInFlight,
        Metric::ServiceMean,
    ];

    /// Its name in `lab.toml`, on the command line and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Metric::Throughput => "throughput",
            Metric::Iops => "iops",
            Metric::LatencyMean => "latency-mean",
            Metric::LatencyP50 => "latency-p50",
            Metric::LatencyP90 => "latency-p90",
            Metric::LatencyP99 => "latency-p99",
            Metric::LatencyP999 => "latency-p999",
            Metric::ToolCpu => "tool-cpu",
            Metric::ServerCpu => "server-cpu",
            Metric::ToolSwitches => "tool-switches",
            Metric::ServerSwitches => "server-switches",
            Metric::Requests => "requests",
            Metric::MostInFlight => "most-in-flight",
            Metric::MeanInFlight => "mean-in-flight",
            Metric::ServiceMean => "service-mean",
        }
    }

    /// Which way is better.
    pub fn direction(self) -> Direction {
        match self {
            Metric::Throughput | Metric::Iops => Direction::Higher,
            Metric::LatencyMean
            | Metric::LatencyP50
            | Metric::LatencyP90
            | Metric::LatencyP99
            | Metric::LatencyP999
            | Metric::ToolCpu
            | Metric::ServerCpu
            | Metric::ToolSwitches
            | Metric::ServerSwitches => Direction::Lower,
            Metric::Requests | Metric::MostInFlight | Metric::MeanInFlight | Metric::ServiceMean => {
                Direction::Neither
            }
        }
    }
}

/// From which change on a difference of a metric counts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Thresholds(BTreeMap<Metric, f64>);

impl Eq for Thresholds {}

impl Thresholds {
    /// From percentages.
    pub fn new(percent: BTreeMap<Metric, f64>) -> Self {
        Thresholds(percent)
    }

    /// The same for every metric, percent.
    pub fn uniform(percent: f64) -> Self {
        Thresholds(Metric::ALL.iter().map(|metric| (*metric, percent)).collect())
    }

    /// The smallest change that counts, as a share: a ratio minus one.
    pub fn of(&self, metric: Metric) -> f64 {
        self.0.get(&metric).copied().unwrap_or(0.0) / 100.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_calls_a_metric_by_its_name() {
        for metric in Metric::ALL {
            assert_eq!(serde_json::to_value(metric).unwrap(), metric.name());
        }
    }

    #[test]
    fn a_threshold_is_a_share() {
        let thresholds = Thresholds::new([(Metric::Throughput, 0.5)].into());
        assert_eq!(thresholds.of(Metric::Throughput), 0.005);
        assert_eq!(thresholds.of(Metric::Iops), 0.0);
        assert_eq!(Thresholds::uniform(2.0).of(Metric::Requests), 0.02);
    }
}
