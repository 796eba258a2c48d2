//! What a load tool tells of its requests.

use anyhow::Context as _;
use lab_protocol::{SocketReport, Tool, WorkloadReport};

use super::latency::{Latency, Requests};
use super::{DirectionMetrics, ToolMetrics, aio, fio, socket_report};

/// What the tool tells of its requests; none if it does not: `dd`, and `aio-stress` without `--json -`.
///
/// # Errors
/// If it tells something that cannot be understood.
pub fn requests(tool: Tool, workload: &WorkloadReport) -> anyhow::Result<Option<Requests>> {
    match tool {
        Tool::Dd | Tool::StressNg | Tool::Fsx | Tool::Pjdfstest => Ok(None),
        Tool::AioStress if workload.stdout.is_empty() => Ok(None),
        Tool::AioStress => {
            aio::requests(&workload.stdout).context("reading the JSON of aio-stress").map(Some)
        }
        Tool::Fio => {
            let metrics = fio::metrics(&workload.stdout).context("reading the output of fio")?;
            Ok(Some(of_fio(&metrics)))
        }
        Tool::Socket => socket_report(&workload.stdout).map(|report| Some(of_socket(&report))),
    }
}

fn of_socket(report: &SocketReport) -> Requests {
    let completion = report.round_trips.map(|of| Latency {
        mean_ns: of.mean_ns as f64,
        p50_ns: Some(of.p50_ns),
        p90_ns: Some(of.p90_ns),
        p99_ns: Some(of.p99_ns),
        p99_9_ns: Some(of.p99_9_ns),
    });
    Requests { iops: report.operations as f64 * 1e9 / report.elapsed_ns as f64, completion }
}

/// Percentiles of reads and of writes cannot be put together: of both only the mean is left.
fn of_fio(metrics: &ToolMetrics) -> Requests {
    let directions: Vec<&DirectionMetrics> = [&metrics.read, &metrics.write].into_iter().flatten().collect();
    let operations: f64 = directions.iter().map(|of| of.operations as f64).sum();
    let completion = match &directions[..] {
        [only] => only.completion,
        several => {
            let total = |of: &&DirectionMetrics| Some(of.completion?.mean_ns * of.operations as f64);
            let total: Option<f64> = several.iter().map(total).sum();
            total.filter(|_| operations > 0.0).map(|total| Latency {
                mean_ns: total / operations,
                p50_ns: None,
                p90_ns: None,
                p99_ns: None,
                p99_9_ns: None,
            })
        }
    };
    Requests { iops: operations * 1000.0 / metrics.runtime_ms as f64, completion }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::evidence::output::captures;

    fn check(tool: Tool, capture: &str, expected: Expect) {
        let stdout = if capture.is_empty() { "" } else { captures::capture(capture) };
        let shown = match requests(tool, &super::super::tests::report("tool", stdout, "")) {
            Ok(None) => "nothing".to_owned(),
            Ok(Some(found)) => format!("{:.1} a second, {:?}", found.iops, found.completion),
            Err(error) => format!("{error:#}"),
        };
        expected.assert_eq(&shown);
    }

    #[test]
    fn captures() {
        check(Tool::Dd, "dd-read-64m.txt", expect!["nothing"]);
        check(Tool::AioStress, "", expect!["nothing"]);
        check(
            Tool::AioStress,
            "aio-json-read.json",
            expect![
                "10324.4 a second, Some(Latency { mean_ns: 3112199.0, p50_ns: Some(2719743), p90_ns: Some(5701631), p99_ns: Some(6094847), p99_9_ns: Some(6108302) })"
            ],
        );
        check(
            Tool::AioStress,
            "aio-json-two-files.json",
            expect![
                "14744.9 a second, Some(Latency { mean_ns: 7627129.0, p50_ns: Some(7438335), p90_ns: Some(15990783), p99_ns: Some(18743295), p99_9_ns: Some(19382480) })"
            ],
        );
        check(
            Tool::AioStress,
            "aio-json-missing.json",
            expect![
                "reading the JSON of aio-stress: the run failed: opening /nonexistent/x: No such file or directory (os error 2)"
            ],
        );
        check(
            Tool::AioStress,
            "aio-read.txt",
            expect![
                "reading the JSON of aio-stress: no JSON: it ends with `thread 0 read totals (807.14 MB/s) 16.00 MB in 0.02s`"
            ],
        );
        check(
            Tool::AioStress,
            "fio-read-4k.json",
            expect![
                "reading the JSON of aio-stress: not the JSON of aio-stress: missing field `tool` at line 245 column 1"
            ],
        );
        check(
            Tool::Fio,
            "fio-read.txt",
            expect![
                "13676.1 a second, Some(Latency { mean_ns: 4479978.328003, p50_ns: Some(4489216), p90_ns: Some(5013504), p99_ns: Some(8716288), p99_9_ns: Some(11206656) })"
            ],
        );
        check(
            Tool::Fio,
            "fio-mixed.txt",
            expect![
                "32125.5 a second, Some(Latency { mean_ns: 930129.0667721424, p50_ns: None, p90_ns: None, p99_ns: None, p99_9_ns: None })"
            ],
        );
        check(Tool::Fio, "fio-no-clat.txt", expect!["927.5 a second, None"]);
        check(
            Tool::Fio,
            "fio-two-jobs.txt",
            expect![
                "8827.6 a second, Some(Latency { mean_ns: 1520258.4374995, p50_ns: None, p90_ns: None, p99_ns: None, p99_9_ns: None })"
            ],
        );
        check(
            Tool::Fio,
            "fio-died.txt",
            expect![
                "reading the output of fio: job `read` failed: Software caused connection abort (os error 103)"
            ],
        );
    }
}
