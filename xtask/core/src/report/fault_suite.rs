//! The fault suite for a terminal: how many are as expected, then expected against found.

use crate::comparison::fault_suite::{Booted, Found};
use crate::text::escape::escape_for_terminal;
use crate::text::layout::{align_right, new_table};

/// The answer, and the table.
pub fn render(booted: &[Booted]) -> String {
    let right = booted.iter().filter(|booted| booted.is_as_expected()).count();
    let code = u8::from(right < booted.len());
    let mut table = new_table(&["fault", "kernel", "expected", "found", "s"]);
    for Booted { fault, found, seconds } in booted {
        let expected = cell(&fault.outcome, &fault.findings, &fault.reason);
        let found = if found.is(fault) { "the same".to_owned() } else { of(found) };
        let seconds = format!("{seconds:.1}");
        table.add_row([fault.name.clone(), fault.kernel.word().to_owned(), expected, found, seconds]);
    }
    align_right(&mut table, [4]);
    // Cells have several lines, each made printable by itself.
    let table: Vec<String> = table.lines().map(|line| escape_for_terminal(&line)).collect();
    format!("{right} of {} as expected (exit code {code}).\n\n{}\n", booted.len(), table.join("\n"))
}

fn of(found: &Found) -> String {
    let reason = if found.findings.is_empty() { found.reason.as_str() } else { "" };
    cell(&found.outcome, &found.findings, reason)
}

/// The outcome, and a line for each finding, or the reason.
fn cell(outcome: &str, findings: &[String], reason: &str) -> String {
    let mut lines = vec![outcome.to_owned()];
    lines.extend(findings.iter().cloned());
    lines.extend((!reason.is_empty()).then(|| format!("... {reason} ...")));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::plan::fault_suite::faults;

    #[test]
    fn expected_against_found() {
        let table = "[[fault]]\nname = \"sysrq-crash\"\nguest = \"crash\"\noutcome = \"broken\"\n\
                     findings = [\"panic: Kernel panic - not syncing: sysrq triggered crash\"]\n\
                     [[fault]]\nname = \"qemu-killed\"\nkernel = \"debug\"\nguest = { busy = { seconds = 60 } }\n\
                     host = \"kill-qemu\"\noutcome = \"lost\"\nreason = \"QEMU was ended by SIGKILL\"\n";
        let found = |outcome: &str, findings: &[&str], reason: &str| Found {
            outcome: outcome.to_owned(),
            findings: findings.iter().map(|&text| text.to_owned()).collect(),
            reason: reason.to_owned(),
        };
        let crash = "panic: Kernel panic - not syncing: sysrq triggered crash";
        let both = [found("broken", &[crash], crash), found("hung", &[], "nothing was \u{1b}[31mheard")];
        let booted = faults(table, &[]).unwrap().into_iter().zip(both);
        let booted: Vec<Booted> =
            booted.map(|(fault, found)| Booted { fault, found, seconds: 2.34 }).collect();
        expect![[r#"
            1 of 2 as expected (exit code 1).

            | fault       | kernel | expected                                                 | found                          |   s |
            |-------------|--------|----------------------------------------------------------|--------------------------------|-----|
            | sysrq-crash | plain  | broken                                                   | the same                       | 2.3 |
            |             |        | panic: Kernel panic - not syncing: sysrq triggered crash |                                |     |
            | qemu-killed | debug  | lost                                                     | hung                           | 2.3 |
            |             |        | ... QEMU was ended by SIGKILL ...                        | ... nothing was \x1b[31mheard ... |     |
        "#]].assert_eq(&render(&booted));
    }
}
