//! A boot that is run again, held against the first one.

use expect_test::{Expect, expect};

use super::*;
use crate::evidence::capture;
use crate::fixtures::{campaign, two_arms};

/// What is said of the first boot of a campaign that is run again with this change.
fn check(clock: Clock, change: &dyn Fn(&mut BootData, &mut BootData), expected: Expect) {
    let campaign = campaign(clock, &two_arms());
    let mut then = campaign.boots[0].clone();
    let mut now = then.clone();
    change(&mut then, &mut now);
    let workloads = &campaign.file.plan.workloads;
    let replay = |watched| Replay::of(&then, &now, workloads, watched).unwrap();
    expected.assert_eq(&replay(Watched::OnlyByTheLab).text());
    // Who stops a guest is told no figures.
    let debugged = replay(Watched::ByADebugger);
    assert_eq!(debugged.lines.len(), 2, "{debugged:?}");
}

fn report(boot: &mut BootData) -> &mut Report {
    boot.report.as_mut().unwrap()
}

#[test]
fn what_is_equal_is_the_same() {
    check(
        Clock::Virtual,
        &|_, _| {},
        expect![[r#"
            the same (exit code 0):
              ended: finished, as then
              2 figures: equal to the last digit
              console: 1 lines, equal
              report: equal in each field
        "#]],
    );
    check(
        Clock::Wall,
        &|_, now| report(now).workloads[0].stderr = "another figure".to_owned(),
        expect![[r#"
            the same (exit code 0):
              ended: finished, as then
              real time: figures, console and report never repeat, and are not compared
        "#]],
    );
}

#[test]
fn the_row_that_differs_is_named() {
    check(
        Clock::Virtual,
        &|then, now| {
            let stderr = &mut report(now).workloads[0].stderr;
            *stderr = stderr.replacen("67108864 bytes", "67108863 bytes", 1);
            report(now).workloads[1].tool_cpu.user_us += 1;
            report(now).problems.push("one\u{1b}[31m".to_owned());
            then.console.extend(b"[    1.000000][    T1] then\n");
            now.console.extend(b"[    1.000001][    T1] now\n");
        },
        expect![[r#"
            different (exit code 1):
              ended: finished, as then
              1 of 2 figures differ:
                dd-read sample 1: 111.848105 MB/s; then: 111.84810666666667 MB/s
              console: differs from line 2 on, which is `[    1.000001][    T1] now`; then: `[    1.000000][    T1] then`
              report: 3 fields differ:
                problems[0]: "one\u001b[31m"; then: none
                workloads[0].stderr: ...records out\n67108863 bytes (67 MB, 64 MiB) copied, 0.6 s, 8.0 GB/s\n"; then: ...records out\n67108864 bytes (67 MB, 64 MiB) copied, 0.6 s, 8.0 GB/s\n"
                workloads[1].tool-cpu.user-us: 1; then: 0
        "#]],
    );
}

/// A guest that hung is asked where it is when the lab has waited long enough, which is not always the same moment of the guest.
#[test]
fn boots_that_the_lab_ended_are_equal_up_to_that() {
    let hung = |boot: &mut BootData, last: &str| {
        let reason =
            format!("nothing was heard within the silence limit; the last line on the console is `{last}`");
        boot.record.outcome = Outcome::Hung { reason };
        boot.record.watched = Some(capture::Watched {
            end: End::Silence,
            frame_error: None,
            qemu_said: String::new(),
            hang: None,
        });
        boot.report = None;
        boot.console.extend(format!("{last}\n").bytes());
    };
    check(
        Clock::Virtual,
        &|then, now| {
            hung(then, "[   25.000000] RIP: 1");
            hung(now, "[   26.000000] RIP: 2");
        },
        expect![[r#"
            the same (exit code 0):
              ended: hung (nothing was heard within the silence limit; the last line on the console is `[   26.000000] RIP: 2`), as then
              console: equal in the first 1 lines, of 2; then 2; the lab ended it at a limit of real time
        "#]],
    );
    check(
        Clock::Virtual,
        &|then, _| hung(then, "[   25.000000] RIP: 1"),
        expect![[r#"
        different (exit code 1):
          ended: finished; then: hung (nothing was heard within the silence limit; the last line on the console is `[   25.000000] RIP: 1`)
          2 of 2 figures differ:
            dd-read sample 1: 111.84810666666667 MB/s; then: none
            aio-read sample 1: 55 MiB/s; then: none
          console: differs from line 2 on, which is its end; then: `[   25.000000] RIP: 1`
          report: there is one; then there was none
    "#]],
    );
}
