//! What one boot gives for each metric, or why it gives none.

use lab_protocol::{ContextSwitches, CpuTime, MemoryInUse, Tool, WorkloadReport};

use super::evidence::{copied_bytes, mean_service_ns, other_requests, requests};
use crate::evidence::metric::Metric;
use crate::evidence::output::{self, Latency, Requests, Throughput};
use crate::text::escape::escape_for_terminal;

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
    memory: Option<MemoryInUse>,
    server: Option<ServerFigures>,
}

/// What the server saw.
#[derive(Debug)]
struct ServerFigures {
    requests: u64,
    other_requests: u64,
    copied_bytes: f64,
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
                Tool::Socket => "not given by socket-stress".to_owned(),
                Tool::StressNg | Tool::Fsx | Tool::Pjdfstest => "not given by a suite".to_owned(),
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
            memory: workload.memory,
            server: workload.requests.as_ref().map(|stats| ServerFigures {
                requests: requests(stats),
                other_requests: other_requests(stats),
                copied_bytes: copied_bytes(stats),
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
            Metric::ToolCpu => ms(self.tool_cpu.user_us) + ms(self.tool_cpu.system_us),
            Metric::ToolUser => ms(self.tool_cpu.user_us),
            Metric::ToolSystem => ms(self.tool_cpu.system_us),
            Metric::ServerCpu => ms(self.server_cpu.user_us) + ms(self.server_cpu.system_us),
            Metric::ServerUser => ms(self.server_cpu.user_us),
            Metric::ServerSystem => ms(self.server_cpu.system_us),
            Metric::ToolSwitches => switches(self.tool_switches)?,
            Metric::ServerSwitches => switches(self.server_switches)?,
            Metric::ServerMemory => mib(self.memory()?.server_peak_kib),
            Metric::Slab => mib(self.memory()?.slab_kib),
            Metric::Requests => self.seen()?.requests as f64,
            Metric::OtherRequests => self.seen()?.other_requests as f64,
            Metric::Copied => self.seen()?.copied_bytes / f64::from(1 << 20),
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
            Tool::Socket => "a stream",
            Tool::StressNg | Tool::Fsx | Tool::Pjdfstest => "a suite",
        };
        format!("not given by {tool}")
    }

    fn memory(&self) -> Result<MemoryInUse, String> {
        self.memory.ok_or_else(|| NOT_REPORTED.to_owned())
    }

    fn seen(&self) -> Result<&ServerFigures, String> {
        self.server.as_ref().ok_or_else(|| "not told by the server".to_owned())
    }
}

fn us(ns: f64) -> f64 {
    ns / 1000.0
}

fn ms(us: u64) -> f64 {
    us as f64 / 1000.0
}

fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

/// Why an old report has no figure.
const NOT_REPORTED: &str = "not in the guest's report";

fn switches(counted: Option<ContextSwitches>) -> Result<f64, String> {
    let counted = counted.ok_or(NOT_REPORTED)?;
    Ok(counted.voluntary as f64 + counted.involuntary as f64)
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    /// The figures that come from the tool, of a capture.
    fn check(tool: Tool, stdout: &str, stderr: &str, expected: Expect) {
        let text = |name: &str| if name.is_empty() { "" } else { output::captures::capture(name) };
        let workload = output::tests::report("tool", text(stdout), text(stderr));
        let throughput = output::throughput(tool, output::figures(tool, &workload)).unwrap();
        let figures = Figures::new(tool, throughput, &workload);
        let shown = |metric: Metric| match figures.of(metric) {
            Ok(value) => format!("{} {value:.3} {}", metric.name(), metric.unit(tool)),
            Err(why) => format!("{} {why}", metric.name()),
        };
        expected.assert_eq(&Metric::ALL[..7].iter().copied().map(shown).collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn figures_of_tools() {
        check(
            Tool::Dd,
            "",
            "dd-read-64m.txt",
            expect![[r#"
            throughput 7961.890 MB/s
            iops not given by dd
            latency-mean not given by dd
            latency-p50 not given by dd
            latency-p90 not given by dd
            latency-p99 not given by dd
            latency-p999 not given by dd"#]],
        );
        check(
            Tool::AioStress,
            "",
            "aio-read.txt",
            expect![[r#"
            throughput 827.060 MiB/s
            iops not given by aio-stress without --json -
            latency-mean not given by aio-stress without --json -
            latency-p50 not given by aio-stress without --json -
            latency-p90 not given by aio-stress without --json -
            latency-p99 not given by aio-stress without --json -
            latency-p999 not given by aio-stress without --json -"#]],
        );
        check(
            Tool::AioStress,
            "aio-json-read.json",
            "aio-read.txt",
            expect![[r#"
            throughput 827.060 MiB/s
            iops 10324.363 1/s
            latency-mean 3112.199 us
            latency-p50 2719.743 us
            latency-p90 5701.631 us
            latency-p99 6094.847 us
            latency-p999 6108.302 us"#]],
        );
        check(
            Tool::AioStress,
            "aio-json-missing.json",
            "aio-read.txt",
            expect![[r#"
            throughput 827.060 MiB/s
            iops reading the JSON of aio-stress: the run failed: opening /nonexistent/x: No such file or directory (os error 2)
            latency-mean reading the JSON of aio-stress: the run failed: opening /nonexistent/x: No such file or directory (os error 2)
            latency-p50 reading the JSON of aio-stress: the run failed: opening /nonexistent/x: No such file or directory (os error 2)
            latency-p90 reading the JSON of aio-stress: the run failed: opening /nonexistent/x: No such file or directory (os error 2)
            latency-p99 reading the JSON of aio-stress: the run failed: opening /nonexistent/x: No such file or directory (os error 2)
            latency-p999 reading the JSON of aio-stress: the run failed: opening /nonexistent/x: No such file or directory (os error 2)"#]],
        );
        check(
            Tool::Fio,
            "fio-read.txt",
            "",
            expect![[r#"
            throughput 854.758 MiB/s
            iops 13676.127 1/s
            latency-mean 4479.978 us
            latency-p50 4489.216 us
            latency-p90 5013.504 us
            latency-p99 8716.288 us
            latency-p999 11206.656 us"#]],
        );
        check(
            Tool::Fio,
            "fio-mixed.txt",
            "",
            expect![[r#"
            throughput 501.961 MiB/s
            iops 32125.490 1/s
            latency-mean 930.129 us
            latency-p50 not given by fio for this job
            latency-p90 not given by fio for this job
            latency-p99 not given by fio for this job
            latency-p999 not given by fio for this job"#]],
        );
        check(
            Tool::Fio,
            "fio-no-clat.txt",
            "",
            expect![[r#"
            throughput 57.971 MiB/s
            iops 927.536 1/s
            latency-mean not given by fio for this job
            latency-p50 not given by fio for this job
            latency-p90 not given by fio for this job
            latency-p99 not given by fio for this job
            latency-p999 not given by fio for this job"#]],
        );
    }

    #[test]
    fn what_is_no_figure_is_none() {
        let mut workload = output::tests::report("tool", "", "");
        let seen = |mean_in_flight| lab_protocol::RequestStats { mean_in_flight, ..Default::default() };
        for (mean, expected) in
            [(f64::NAN, "NaN is no figure"), (f64::INFINITY, "inf is no figure"), (-1.0, "-1 is no figure")]
        {
            workload.requests = Some(seen(mean));
            let throughput = Throughput { value: 1.0, unit: output::unit(Tool::Dd), bytes: 1 };
            let figures = Figures::new(Tool::Dd, throughput, &workload);
            assert_eq!(figures.of(Metric::MeanInFlight), Err(expected.to_owned()));
            assert_eq!(figures.of(Metric::ServiceMean), Err("no request was answered".to_owned()));
            assert_eq!(figures.of(Metric::Requests), Ok(0.0));
        }
    }
}
