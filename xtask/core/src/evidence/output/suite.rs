//! Whether a suite that ended with exit code 0 says that it has passed: it may have left everything out.

use anyhow::{bail, ensure};
use lab_protocol::{Tool, WorkloadReport, WorkloadTask};

use super::{Cases, Known, excerpt, fio};

/// The cases of a suite that has any and came to its end.
pub(crate) fn cases(tool: Tool, workload: &WorkloadReport) -> Option<Cases> {
    match tool {
        Tool::Pjdfstest => Cases::parse(&workload.stdout).ok(),
        Tool::Dd | Tool::AioStress | Tool::Fio | Tool::StressNg | Tool::Fsx | Tool::Socket => None,
    }
}

/// Which cases did not end as the suite's job says, in words; none if all did, or the suite has no cases or did not come to
/// its end.
pub(crate) fn surprise(task: &WorkloadTask, workload: &WorkloadReport) -> Option<String> {
    let known = Known::parse(&task.job.as_ref()?.text).ok()?;
    cases(task.tool, workload)?.surprise(&known)
}

/// Checks the words of a suite that returned 0.
///
/// # Errors
/// If it does not say that it has done its work; says what it said instead.
pub fn passed(tool: Tool, workload: &WorkloadReport) -> anyhow::Result<()> {
    let lines = || workload.stdout.lines().chain(workload.stderr.lines());
    match tool {
        // It returns 0 too if it has left out what the machine cannot do.
        Tool::StressNg => {
            if let Some(line) = lines().find(|line| line.contains("skip")) {
                bail!("it left something out: {}", line.trim());
            }
            says(workload, "successful run completed")
        }
        Tool::Fsx => says(workload, "All operations completed A-OK!"),
        Tool::Pjdfstest => Cases::parse(&workload.stdout).map(drop),
        // Each job has an error number of its own.
        Tool::Fio => fio::metrics(&workload.stdout).map(drop),
        Tool::Dd | Tool::AioStress | Tool::Socket => bail!("it is no suite"),
    }
}

fn says(workload: &WorkloadReport, words: &str) -> anyhow::Result<()> {
    let found = [&workload.stdout, &workload.stderr].iter().any(|text| text.contains(words));
    ensure!(
        found,
        "it does not say `{words}`: {}",
        excerpt(&[&workload.stdout[..], &workload.stderr].join("\n"))
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::super::{captures, tests};
    use super::*;

    fn check(tool: Tool, stdout: &str, stderr: &str, expected: Expect) {
        let text = |name: &str| if name.is_empty() { "" } else { captures::capture(name) };
        let result = passed(tool, &tests::report("x", text(stdout), text(stderr)));
        expected.assert_eq(&result.err().map_or("passed".to_owned(), |error| format!("{error:#}")));
    }

    #[test]
    fn suites_pass_if_they_say_so() {
        check(Tool::StressNg, "", "stress-ng-aiol.txt", expect!["passed"]);
        check(
            Tool::StressNg,
            "",
            "stress-ng-skipped.txt",
            expect![
                "it left something out: stress-ng: info:  [6121] apparmor stressor will be skipped, AppArmor is not enabled"
            ],
        );
        check(Tool::StressNg, "", "", expect!["it does not say `successful run completed`: it is empty"]);
        check(Tool::Fsx, "fsx.txt", "", expect!["passed"]);
        check(
            Tool::Fsx,
            "",
            "fsx-failed.txt",
            expect![
                "it does not say `All operations completed A-OK!`: it ends with `[ERROR fsx] 20 WRITE     0x96e8 =>  0xde9d ( 0x47b5 bytes) HOLE`"
            ],
        );
        check(Tool::Pjdfstest, "pjdfstest.txt", "", expect!["passed"]);
        check(Tool::Pjdfstest, "", "", expect!["no line `Summary: ... total`: it is empty"]);
        check(Tool::Fio, "fio-verify.txt", "", expect!["passed"]);
        check(
            Tool::Fio,
            "fio-died.txt",
            "",
            expect!["job `read` failed: Software caused connection abort (os error 103)"],
        );
        check(Tool::Dd, "", "", expect!["it is no suite"]);
    }
}
