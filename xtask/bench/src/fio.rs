//! What fio says of a run, as far as the bench needs it.

use anyhow::{Context as _, ensure};
use lab_core::evidence::output::fio_jobs;

/// One run of a load tool.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ToolRun {
    /// From the first request to the last completion, microseconds.
    pub(super) wall_us: f64,
    /// CPU time in user mode and in the kernel, microseconds.
    pub(super) cpu_us: f64,
    /// Requests that the tool made.
    pub(super) requests: u64,
}

/// Reads the output of `fio --output-format=json` with one job that reads.
///
/// # Errors
/// If it is something else, or the job failed or did not read `bytes`.
pub(super) fn parse(text: &str, bytes: u64) -> anyhow::Result<ToolRun> {
    let jobs = fio_jobs(text).context("reading fio's report")?;
    let [job] = &jobs[..] else { anyhow::bail!("fio reports {} jobs", jobs.len()) };
    ensure!(job.error == 0, "fio's job failed with error {}", job.error);
    let read = &job.read;
    ensure!(read.bytes == bytes, "fio read {} bytes instead of {bytes}", read.bytes);
    ensure!(read.short_operations == 0, "fio had {} short reads", read.short_operations);
    ensure!(read.runtime_ms > 0, "fio measured no time: make the file larger");
    Ok(ToolRun {
        wall_us: read.runtime_ms as f64 * 1000.0,
        cpu_us: (job.user_percent + job.system_percent) / 100.0 * job.runtime_ms as f64 * 1000.0,
        requests: read.operations,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: expect_test::Expect) {
        let shown = match parse(text, 536_870_912) {
            Ok(run) => format!("{run:?}"),
            Err(error) => format!("{error:#}"),
        };
        expected.assert_eq(&shown);
    }

    #[test]
    fn reports() {
        use expect_test::expect;
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../core/tests/data/output/fio-read-4k.json");
        let capture = std::fs::read_to_string(path).unwrap();
        check(&capture, expect!["ToolRun { wall_us: 346000.0, cpu_us: 158999.9982, requests: 131072 }"]);
        check(
            &format!("fio: a warning\n{capture}"),
            expect!["ToolRun { wall_us: 346000.0, cpu_us: 158999.9982, requests: 131072 }"],
        );
        check(&capture.replace("\"error\" : 0", "\"error\" : 5"), expect!["fio's job failed with error 5"]);
        check(
            &capture.replace("536870912", "536870908"),
            expect!["fio read 536870908 bytes instead of 536870912"],
        );
        check(&capture.replace("\"short_ios\" : 0", "\"short_ios\" : 1"), expect!["fio had 1 short reads"]);
        check("", expect!["reading fio's report: no JSON: it is empty"]);
        check(
            "{}",
            expect!["reading fio's report: not the JSON of fio: missing field `jobs` at line 1 column 2"],
        );
    }
}
