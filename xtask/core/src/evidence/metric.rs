//! What is measured of a workload, beside throughput: names, units, and which way is better.

use std::collections::BTreeMap;

use lab_protocol::Tool;
use serde::{Deserialize, Serialize};

use crate::evidence::output;
use crate::text::suggest;

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
    /// The part of it in user mode.
    ToolUser,
    /// The part of it in the kernel.
    ToolSystem,
    /// CPU time of the server while the tool ran, ms.
    ServerCpu,
    /// The part of it in user mode.
    ServerUser,
    /// The part of it in the kernel.
    ServerSystem,
    /// Context switches of the tool, voluntary and not.
    ToolSwitches,
    /// Context switches of the server while the tool ran.
    ServerSwitches,
    /// The most memory that the server has had so far, MiB.
    ServerMemory,
    /// The kernel's objects after the tool's end, MiB.
    Slab,
    /// READ and WRITE requests that the server received.
    Requests,
    /// All other requests.
    OtherRequests,
    /// What the kernel copied between itself and the server for READs and WRITEs, MiB: not what was spliced.
    Copied,
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
    pub(crate) const ALL: [Metric; 23] = [
        Metric::Throughput,
        Metric::Iops,
        Metric::LatencyMean,
        Metric::LatencyP50,
        Metric::LatencyP90,
        Metric::LatencyP99,
        Metric::LatencyP999,
        Metric::ToolCpu,
        Metric::ToolUser,
        Metric::ToolSystem,
        Metric::ServerCpu,
        Metric::ServerUser,
        Metric::ServerSystem,
        Metric::ToolSwitches,
        Metric::ServerSwitches,
        Metric::ServerMemory,
        Metric::Slab,
        Metric::Requests,
        Metric::OtherRequests,
        Metric::Copied,
        Metric::MostInFlight,
        Metric::MeanInFlight,
        Metric::ServiceMean,
    ];

    /// What throughput is paid with: those of which a comparison says without being asked what has changed.
    pub(crate) const COSTS: [Metric; 9] = [
        Metric::ToolCpu,
        Metric::ServerCpu,
        Metric::ToolSwitches,
        Metric::ServerSwitches,
        Metric::ServerMemory,
        Metric::Slab,
        Metric::Requests,
        Metric::OtherRequests,
        Metric::Copied,
    ];

    /// Whether it is about the FUSE server: without one there is no figure of it.
    pub(crate) fn is_of_server(self) -> bool {
        match self {
            Metric::ServerCpu
            | Metric::ServerUser
            | Metric::ServerSystem
            | Metric::ServerSwitches
            | Metric::ServerMemory
            | Metric::Requests
            | Metric::OtherRequests
            | Metric::Copied
            | Metric::MostInFlight
            | Metric::MeanInFlight
            | Metric::ServiceMean => true,
            Metric::Throughput
            | Metric::Iops
            | Metric::LatencyMean
            | Metric::LatencyP50
            | Metric::LatencyP90
            | Metric::LatencyP99
            | Metric::LatencyP999
            | Metric::ToolCpu
            | Metric::ToolUser
            | Metric::ToolSystem
            | Metric::ToolSwitches
            | Metric::Slab => false,
        }
    }

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
            Metric::ToolUser => "tool-user",
            Metric::ToolSystem => "tool-system",
            Metric::ServerCpu => "server-cpu",
            Metric::ServerUser => "server-user",
            Metric::ServerSystem => "server-system",
            Metric::ToolSwitches => "tool-switches",
            Metric::ServerSwitches => "server-switches",
            Metric::ServerMemory => "server-memory",
            Metric::Slab => "slab",
            Metric::Requests => "requests",
            Metric::OtherRequests => "other-requests",
            Metric::Copied => "copied",
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
            | Metric::ToolUser
            | Metric::ToolSystem
            | Metric::ServerCpu
            | Metric::ServerUser
            | Metric::ServerSystem
            | Metric::ToolSwitches
            | Metric::ServerSwitches
            | Metric::ServerMemory
            | Metric::Slab
            | Metric::Copied => Direction::Lower,
            Metric::Requests
            | Metric::OtherRequests
            | Metric::MostInFlight
            | Metric::MeanInFlight
            | Metric::ServiceMean => Direction::Neither,
        }
    }
}

/// How the boots of a kernel are averaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Averaging {
    /// Rates over equal amounts of work.
    Harmonic,
    /// Times and counts.
    Arithmetic,
}

impl Metric {
    /// The metric of a name.
    ///
    /// # Errors
    /// If there is none; names the one that was probably meant.
    pub fn parse(name: &str) -> Result<Self, String> {
        let known = Metric::ALL.map(Metric::name);
        let found = Metric::ALL.into_iter().find(|metric| metric.name() == name);
        found.ok_or_else(|| suggest::unknown("metric", name, &known))
    }

    /// The unit of its figures; empty for counts.
    pub fn unit(self, tool: Tool) -> &'static str {
        match self {
            Metric::Throughput => output::unit(tool).name(),
            Metric::Iops => "1/s",
            Metric::LatencyMean
            | Metric::LatencyP50
            | Metric::LatencyP90
            | Metric::LatencyP99
            | Metric::LatencyP999
            | Metric::ServiceMean => "us",
            Metric::ToolCpu
            | Metric::ToolUser
            | Metric::ToolSystem
            | Metric::ServerCpu
            | Metric::ServerUser
            | Metric::ServerSystem => "ms",
            Metric::ServerMemory | Metric::Slab | Metric::Copied => "MiB",
            Metric::ToolSwitches
            | Metric::ServerSwitches
            | Metric::Requests
            | Metric::OtherRequests
            | Metric::MostInFlight
            | Metric::MeanInFlight => "",
        }
    }

    /// What it is a part of.
    fn whole(self) -> Option<Metric> {
        match self {
            Metric::ToolUser | Metric::ToolSystem => Some(Metric::ToolCpu),
            Metric::ServerUser | Metric::ServerSystem => Some(Metric::ServerCpu),
            Metric::OtherRequests => Some(Metric::Requests),
            Metric::Throughput
            | Metric::Iops
            | Metric::LatencyMean
            | Metric::LatencyP50
            | Metric::LatencyP90
            | Metric::LatencyP99
            | Metric::LatencyP999
            | Metric::ToolCpu
            | Metric::ServerCpu
            | Metric::ToolSwitches
            | Metric::ServerSwitches
            | Metric::ServerMemory
            | Metric::Slab
            | Metric::Requests
            | Metric::Copied
            | Metric::MostInFlight
            | Metric::MeanInFlight
            | Metric::ServiceMean => None,
        }
    }

    /// How boots are averaged.
    pub(crate) fn averaging(self) -> Averaging {
        match self.direction() {
            Direction::Higher => Averaging::Harmonic,
            Direction::Lower | Direction::Neither => Averaging::Arithmetic,
        }
    }
}

/// A share as a percentage with no more digits than needed, never less than it is: `1 %`, `0.1 %`, `1.4 %`.
pub(crate) fn at_most(share: f64) -> String {
    let percent = share * 100.0;
    let digits = if percent < 0.1 { 2 } else { i32::from(percent < 10.0) };
    let scale = 10_f64.powi(digits);
    // What is off by less than a rounding error is not rounded up.
    format!("{} %", (percent * scale - 1e-6).ceil().abs() / scale)
}

/// What a limit says of two kernels between which no difference was found.
pub(crate) fn ruled_out(limit: f64) -> String {
    if limit == 0.0 { "equal".to_owned() } else { format!("within {}", at_most(limit)) }
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

    /// Those of the metrics that there are without a FUSE server.
    pub(crate) fn without_server(&self) -> Self {
        let kept = self.0.iter().filter(|(metric, _)| !metric.is_of_server());
        Thresholds(kept.map(|(metric, percent)| (*metric, *percent)).collect())
    }

    /// The same for every metric, percent.
    pub(crate) fn uniform(percent: f64) -> Self {
        Thresholds(Metric::ALL.iter().map(|metric| (*metric, percent)).collect())
    }

    /// The smallest change that counts, as a share: a ratio minus one. Campaigns of before a metric was split have one for both
    /// parts.
    pub fn of(&self, metric: Metric) -> f64 {
        let of = |metric| self.0.get(&metric).copied();
        of(metric).or_else(|| of(metric.whole()?)).unwrap_or(0.0) / 100.0
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
    fn names_are_read_and_mistakes_named() {
        for metric in Metric::ALL {
            assert_eq!(Metric::parse(metric.name()), Ok(metric));
        }
        for (name, expected) in [
            (
                "latency-p9",
                "there is no metric `latency-p9`; did you mean `latency-p90`? there are: throughput",
            ),
            ("Throughput", "did you mean `throughput`?"),
            ("x", "there is no metric `x`; there are: throughput"),
            ("", "there is no metric ``;"),
        ] {
            let error = Metric::parse(name).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn a_limit_is_never_less_than_it_is() {
        for (share, expected) in [
            (0.0, "0 %"),
            (0.000_01, "0.01 %"),
            (0.000_5, "0.05 %"),
            (0.001, "0.1 %"),
            (0.01, "1 %"),
            (0.013_37, "1.4 %"),
            (0.1, "10 %"),
            (0.123, "13 %"),
            (4.0, "400 %"),
        ] {
            assert_eq!(at_most(share), expected);
        }
    }

    #[test]
    fn a_threshold_is_a_share() {
        let thresholds = Thresholds::new([(Metric::Throughput, 0.5)].into());
        assert_eq!(thresholds.of(Metric::Throughput), 0.005);
        assert_eq!(thresholds.of(Metric::Iops), 0.0);
        assert_eq!(Thresholds::uniform(2.0).of(Metric::Requests), 0.02);
        let whole = Thresholds::new([(Metric::ToolCpu, 2.0)].into());
        assert_eq!(
            [Metric::ToolCpu, Metric::ToolUser, Metric::ServerUser].map(|one| whole.of(one)),
            [0.02, 0.02, 0.0]
        );
    }
}
