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
pub(crate) mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(tool: Tool, capture: &str, expected: Expect) {
        expected.assert_eq(&shown(throughput(tool, captures::capture(&format!("{capture}.txt")))));
    }

    fn shown(result: anyhow::Result<Throughput>) -> String {
        match result {
            Ok(found) => format!("{} {} over {} bytes", found.value, found.unit, found.bytes),
            Err(error) => format!("{error:#}"),
        }
    }

    #[test]
    fn documents_of_socket_stress() {
        let trips = r#"{"operations":4000,"bytes":256000,"elapsed-ns":80000000,"round-trips":{"mean-ns":17000,"p50-ns":16895,"p90-ns":18943,"p99-ns":20991,"p99-9-ns":25087}}"#;
        let stream = r#"{"operations":1000,"bytes":65536000,"elapsed-ns":50000000,"round-trips":null}"#;
        let shown = |text: &str| throughput(Tool::Socket, text).map(|found| format!("{found:?}"));
        assert_eq!(
            shown(trips).unwrap(),
            "Throughput { value: 50000.0, unit: RoundTripsPerSecond, bytes: 256000 }"
        );
        assert_eq!(
            shown(stream).unwrap(),
            "Throughput { value: 1250.0, unit: MebibytesPerSecond, bytes: 65536000 }"
        );
        let told = |stdout: &str| {
            requests(Tool::Socket, &report("/bin/socket-stress", stdout, "")).unwrap().unwrap()
        };
        assert_eq!((told(trips).iops, told(trips).completion.unwrap().p99_ns), (50_000.0, Some(20_991)));
        assert_eq!((told(stream).iops, told(stream).completion), (20_000.0, None));
        for bad in ["", "{}", "killed\n", &stream.replace("50000000", "0")] {
            throughput(Tool::Socket, bad).unwrap_err();
        }
    }

    #[test]
    fn captures_of_dd() {
        let check = |capture, expected| check(Tool::Dd, capture, expected);
        check("dd-read-64m", expect!["7961.890479738418 MB/s over 67108864 bytes"]);
        check("dd-write-64m", expect!["446.3598475526615 MB/s over 67108864 bytes"]);
        check("dd-partial", expect!["2270.3021772197876 MB/s over 3000000 bytes"]);
        check("dd-512", expect!["22.084195997239473 MB/s over 512 bytes"]);
        check("dd-one-byte", expect!["0.03428767358134751 MB/s over 1 bytes"]);
        check("dd-none", expect!["reading the output: a rate of 0 MB/s over 0 bytes is none"]);
        check("dd-full", expect!["reading the output: a rate of 0 MB/s over 0 bytes is none"]);
        check(
            "dd-missing",
            expect![
                "reading the output of dd: no line `... bytes copied, ... s, ...`: it ends with `dd: failed to open '/nonexistent': No such file or directory`"
            ],
        );
        check(
            "dd-quiet",
            expect!["reading the output of dd: no line `... bytes copied, ... s, ...`: it is empty"],
        );
    }

    #[test]
    fn captures_of_aio_stress() {
        let check = |capture, expected| check(Tool::AioStress, capture, expected);
        check("aio-read", expect!["827.06 MiB/s over 16777216 bytes"]);
        check("aio-write", expect!["2019.31 MiB/s over 16777216 bytes"]);
        check("aio-latency", expect!["6344.49 MiB/s over 16777216 bytes"]);
        check("aio-threads", expect!["1119.67 MiB/s over 33554432 bytes"]);
        check("aio-files", expect!["76.41 MiB/s over 33554432 bytes"]);
        check(
            "aio-both",
            expect![
                "reading the output of aio-stress: a stage write and a stage read in one run: make each a workload of its own"
            ],
        );
        check(
            "aio-missing",
            expect![
                "reading the output of aio-stress: no single line `... on FILE (... MB/s) ...`, `throughput` or `totals`: it ends with `aio-stress: opening /nonexistent/x: No such file or directory (os error 2)`"
            ],
        );
    }

    #[test]
    fn output_that_makes_no_sense_is_refused() {
        for (tool, stderr, expected) in [
            (Tool::Dd, "5 bytes copied, 0 s, Infinity B/s", "a rate of inf MB/s"),
            (Tool::Dd, "5 bytes copied, 1.2.3 s, 1 B/s", "`1.2.3` seconds"),
            (Tool::Dd, "99999999999999999999999 bytes copied, 1 s, 1 B/s", "`99999999999999999999999` bytes"),
            (Tool::Dd, "5 Bytes kopiert, 1,2 s, 1 B/s", "it ends with `5 Bytes kopiert, 1,2 s, 1 B/s`"),
            (Tool::AioStress, "read on f (nan MB/s) 1.00 MB in 0.01s", "it ends with"),
            (Tool::AioStress, "read on f (1.0.0 MB/s) 1.00 MB in 0.01s", "`1.0.0` MB/s"),
        ] {
            let shown = shown(throughput(tool, stderr));
            assert!(shown.contains(expected), "{shown}");
        }
    }

    #[test]
    fn each_tool_is_read_where_it_writes() {
        let capture = |name: &str| captures::capture(&format!("{name}.txt"));
        let check = |tool: Tool, workload: &WorkloadReport, expected: Expect| {
            let figures = figures(tool, workload);
            let metrics = (tool == Tool::Fio)
                .then(|| fio::metrics(figures).ok())
                .flatten()
                .map(|metrics| metrics.bytes);
            expected.assert_eq(&format!("{}; {metrics:?}", shown(throughput(tool, figures))));
        };
        let dd = report("/bin/dd", "", capture("dd-read-64m"));
        check(Tool::Dd, &dd, expect!["7961.890479738418 MB/s over 67108864 bytes; None"]);
        let fio = report("/bin/fio", capture("fio-mixed"), "fio: a warning\n");
        check(Tool::Fio, &fio, expect!["501.96078431372547 MiB/s over 134217728 bytes; Some(134217728)"]);
        let died = report("/bin/fio", capture("fio-died"), "");
        check(
            Tool::Fio,
            &died,
            expect![
                "reading the output of fio: job `read` failed: Software caused connection abort (os error 103); None"
            ],
        );
    }

    #[test]
    fn fio_complains_on_either_output() {
        for (stdout, stderr, expected) in [
            ("fio: pid=60, err=25/file\n{\n}\n", "", "fio: pid=60, err=25/file"),
            ("fio: pid=60\n{\n}\n", "fio: io_u error on file x\n", "fio: io_u error on file x"),
            ("{\n}\n", "", ""),
            ("", "Bad option\nfio: job r dropped\n", "fio: job r dropped"),
        ] {
            assert_eq!(last_words(&report("/bin/fio", stdout, stderr)), expected);
        }
    }

    pub(crate) fn report(program: &str, stdout: &str, stderr: &str) -> WorkloadReport {
        WorkloadReport {
            sample: 1,
            name: "w".to_owned(),
            argv: vec![program.to_owned()],
            end: lab_protocol::EndOfProgram::Exit(1),
            stdout: stdout.to_owned(),
            stderr: stderr.to_owned(),
            elapsed_ns: 0,
            tool_cpu: lab_protocol::CpuTime::default(),
            server_cpu: lab_protocol::CpuTime::default(),
            tool_switches: None,
            server_switches: None,
            memory: None,
            requests: None,
            data: None,
        }
    }

    #[test]
    fn what_a_program_complains_of() {
        // What dd 9.1 says of a flag that it does not know, and of a server that died.
        let refused =
            "/bin/dd: invalid input flag: 'nosuchflag'\nTry '/bin/dd --help' for more information.\n";
        let died =
            "/bin/dd: error reading '/mnt/fuse/file': Software caused connection abort\n1+0 records in\n";
        for (program, text, expected) in [
            ("/bin/dd", refused, "/bin/dd: invalid input flag: 'nosuchflag'"),
            ("/bin/dd", died, "/bin/dd: error reading '/mnt/fuse/file': Software caused connection abort"),
            ("/bin/dd", "1+0 records in\nlast\n\n", "last"),
            ("/bin/dd", "", ""),
            (
                "/bin/fsx",
                captures::capture("fsx-failed.txt"),
                "[ERROR fsx] Size error: expected 0xde9d but found 0x5c45 by stat and 0x5c45 by seek",
            ),
            (
                "/bin/stress-ng",
                "stress-ng: info:  [5] x\nstress-ng: fail:  [6] y\n",
                "stress-ng: fail:  [6] y",
            ),
            ("/bin/dd", "add: not the program\nlast", "last"),
        ] {
            assert_eq!(complaint(program, text), expected);
        }
    }
}
