//! The behaviour probes: a program of the image runs them, and what it says goes into the report.

use std::time::Duration;

use anyhow::Context as _;
use lab_protocol::{EndOfProgram, MOUNT_DIR, ProbeLine, ProbeReport, ProbeSet, ProbeTask, STORAGE_DIR};

use crate::workload::{self, Outcome};

const PROGRAM: &str = "/bin/probe";

/// The most that is kept of the program's standard error, bytes.
const STDERR_LIMIT: usize = 64 << 10;

/// How long the program may take in guest time. Each probe has a limit of its own below that; this one is for a program
/// that is stuck itself.
pub(crate) fn limit(task: &ProbeTask) -> Duration {
    let limit = Duration::from_secs(match task.set {
        ProbeSet::Quick => 600,
        ProbeSet::All => 3600,
    });
    limit.saturating_mul(task.delay_factor)
}

/// Runs the probes; also says what of the program's output could not be understood.
///
/// # Errors
/// If the task cannot be written as JSON.
pub(crate) fn run(task: &ProbeTask) -> anyhow::Result<(ProbeReport, Vec<String>)> {
    let text = serde_json::to_string(task).context("writing the probes' task")?;
    let argv = [PROGRAM, "--task", &text, STORAGE_DIR, MOUNT_DIR].map(str::to_owned);
    let outcome = workload::run(&argv, &[], limit(task));
    Ok(report(task, outcome))
}

fn report(task: &ProbeTask, outcome: Outcome) -> (ProbeReport, Vec<String>) {
    let Outcome { end, stdout, mut stderr, elapsed, cpu: _, switches: _ } = outcome;
    let (mut results, mut begun, mut problems) = (Vec::new(), None, Vec::new());
    for line in stdout.lines() {
        match serde_json::from_str(line) {
            Ok(ProbeLine::Begins(name)) => begun = Some(name),
            Ok(ProbeLine::Result(result)) => {
                begun = begun.filter(|name| *name != result.name);
                results.push(result);
            }
            Err(error) => {
                problems.push(format!("understanding a line of {PROGRAM}: {error}: {}", start(line)))
            }
        }
    }
    if begun.is_none() && end != EndOfProgram::Exit(0) {
        problems.push(format!("{PROGRAM} ended with {end:?}: {}", stderr.trim_end()));
    }
    let at = (0..=STDERR_LIMIT.min(stderr.len())).rfind(|at| stderr.is_char_boundary(*at));
    stderr.truncate(at.unwrap_or(0));
    let elapsed_ns = elapsed.as_nanos() as u64;
    (ProbeReport { task: task.clone(), results, unfinished: begun, end, stderr, elapsed_ns }, problems)
}

/// As much of a line as a problem can hold.
fn start(line: &str) -> String {
    line.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use lab_protocol::ProbeResult;

    use super::*;

    fn result(name: &str) -> ProbeResult {
        ProbeResult {
            name: name.to_owned(),
            title: "read of nothing".to_owned(),
            observed: "returns 0 bytes".to_owned(),
            expected: Vec::new(),
            fault: None,
            details: Vec::new(),
            elapsed_us: 1,
        }
    }

    fn check(end: EndOfProgram, lines: &[ProbeLine]) -> (ProbeReport, Vec<String>) {
        let stdout = lines.iter().map(|line| serde_json::to_string(line).unwrap() + "\n").collect();
        let task = ProbeTask::new(ProbeSet::All, 1);
        report(&task, Outcome { stdout, end, ..Outcome::not_started(String::new()) })
    }

    #[test]
    fn the_probe_that_did_not_end_is_known() {
        let begins = |name: &str| ProbeLine::Begins(name.to_owned());
        let lines = [begins("a"), ProbeLine::Result(result("a")), begins("b")];
        let (whole, problems) = check(EndOfProgram::Exit(0), &lines[..2]);
        assert_eq!((whole.results.len(), whole.unfinished, problems.len()), (1, None, 0));
        let (cut, problems) = check(EndOfProgram::TimedOut, &lines);
        assert_eq!((cut.results.len(), cut.unfinished.as_deref(), problems.len()), (1, Some("b"), 0));
    }

    #[test]
    fn a_program_that_failed_between_two_probes_is_a_problem() {
        let (_, problems) = check(EndOfProgram::Exit(1), &[ProbeLine::Result(result("a"))]);
        assert_eq!(problems.len(), 1);
    }

    #[test]
    fn a_line_that_is_none_is_told() {
        let task = ProbeTask::new(ProbeSet::Quick, 1);
        let outcome = Outcome {
            stdout: "hello\n".to_owned(),
            end: EndOfProgram::Exit(0),
            ..Outcome::not_started(String::new())
        };
        let (report, problems) = report(&task, outcome);
        assert!(report.results.is_empty());
        assert!(problems[0].ends_with(": hello"), "{problems:?}");
    }
}
