//! Suites of campaigns that are built here: which variant passed in which boots.

use expect_test::{Expect, expect};
use lab_protocol::{EndOfProgram, Job, Tool};

use super::*;
use crate::evidence::output::captures;
use crate::report::Format;

/// A campaign of two kernels, in whose boots `fsx` ended like this, by the number of the boot.
fn with_suite(end: impl Fn(u32) -> Option<i32>) -> Campaign {
    let mut campaign = campaign(Clock::Virtual, &two_arms());
    let mut task = campaign.file.plan.workloads[0].clone();
    (task.name, task.tool) = ("fsx".to_owned(), Tool::Fsx);
    campaign.file.plan.workloads.push(task);
    for boot in &mut campaign.boots {
        let (number, report) = (boot.record.boot.number, boot.report.as_mut().unwrap());
        let Some(code) = end(number) else { continue };
        let mut workload = report.workloads[0].clone();
        (workload.name, workload.argv, workload.end) =
            ("fsx".to_owned(), vec!["/bin/fsx".to_owned()], EndOfProgram::Exit(code));
        let good = if code == 0 { captures::capture("fsx.txt") } else { "" };
        workload.stdout = good.to_owned();
        workload.stderr =
            if code == 1 { captures::capture("fsx-failed.txt").to_owned() } else { String::new() };
        report.workloads.push(workload);
    }
    campaign
}

fn check(end: impl Fn(u32) -> Option<i32>, expected: Expect) {
    let comparison = compare(&with_suite(end)).unwrap();
    let words = comparison.suites[0].cells.iter().map(SuiteCell::words);
    let text = format!("{:?} {:?}", words.collect::<Vec<_>>(), comparison.conclusion);
    assert!(comparison.rows.iter().all(|row| row.workload != "fsx"), "a suite has no figure");
    expected.assert_eq(&text);
}

fn is_of_baseline(number: u32) -> bool {
    let campaign = campaign(Clock::Virtual, &two_arms());
    let boot = campaign.boots.iter().find(|boot| boot.record.boot.number == number).unwrap();
    boot.record.boot.variant == campaign.file.plan.baseline
}

#[test]
fn only_what_fails_beside_a_baseline_that_passes_is_worse() {
    check(
        |_| Some(0),
        expect![[
            r#"["passed", "passed"] Conclusion { status: NoFinding, sentences: ["patched against original: faster in 1 of 2 rows (x4.000); no difference in 1 of 2 rows (within 0.4 % aio-read); no new failure in 1 of 1 suites."] }"#
        ]],
    );
    check(
        |number| Some(i32::from(!is_of_baseline(number))),
        expect![[
            r#"["passed", "failed in 2 of 2 boots"] Conclusion { status: Worse, sentences: ["patched against original: faster in 1 of 2 rows (x4.000); no difference in 1 of 2 rows (within 0.4 % aio-read); FAILS where the baseline passes in 1 of 1 suites."] }"#
        ]],
    );
    check(
        |number| Some(i32::from(is_of_baseline(number))),
        expect![[
            r#"["failed in 2 of 2 boots", "passed"] Conclusion { status: NoFinding, sentences: ["patched against original: faster in 1 of 2 rows (x4.000); no difference in 1 of 2 rows (within 0.4 % aio-read); no new failure in 1 of 1 suites."] }"#
        ]],
    );
    check(
        |_| Some(1),
        expect![[
            r#"["failed in 2 of 2 boots", "failed in 2 of 2 boots"] Conclusion { status: NoFinding, sentences: ["patched against original: faster in 1 of 2 rows (x4.000); no difference in 1 of 2 rows (within 0.4 % aio-read); no new failure in 1 of 1 suites."] }"#
        ]],
    );
    check(
        |number| is_of_baseline(number).then_some(0),
        expect![[
            r#"["passed", "not run"] Conclusion { status: CannotTell, sentences: ["patched against original: faster in 1 of 2 rows (x4.000); no difference in 1 of 2 rows (within 0.4 % aio-read); boots are missing in 1 of 1 suites."] }"#
        ]],
    );
    // It returns 0 and does not say that it has done its work.
    let silent = |number| {
        let mut campaign = with_suite(|_| Some(0));
        let boot = campaign.boots.iter_mut().find(|boot| boot.record.boot.number == number).unwrap();
        boot.report.as_mut().unwrap().workloads.last_mut().unwrap().stdout.clear();
        compare(&campaign).unwrap().suites[0].cells.iter().map(SuiteCell::words).collect::<Vec<_>>()
    };
    let last = campaign(Clock::Virtual, &two_arms()).boots.last().unwrap().record.boot.number;
    expect![[r#"["passed", "failed in 1 of 2 boots"]"#]].assert_eq(&format!("{:?}", silent(last)));
}

#[test]
fn a_table_says_who_passed() {
    let mut campaign = with_suite(|number| Some(i32::from(!is_of_baseline(number))));
    let part = |text: &str| {
        let begin = text.find("Suites:").unwrap();
        text[begin..].split("\n\n").next().unwrap().to_owned()
    };
    let text = crate::report::full::render(&compare(&campaign).unwrap());
    expect![[r#"
        Suites: they pass or fail.
        scenario slow
        | suite | original | patched                |
        |-------|----------|------------------------|
        | fsx   | passed   | failed in 2 of 2 boots |
        - fsx with patched (slow): exit code 1: [ERROR fsx] Size error: expected 0xde9d but found 0x5c45 by
          stat and 0x5c45 by seek"#]]
    .assert_eq(&part(&text));
    let text = Format::Mail.render(&compare(&campaign).unwrap()).unwrap();
    expect![[r#"
        Suites: they pass or fail.
        scenario slow
        | suite | original | patched                |
        |-------|----------|------------------------|
        | fsx   | passed   | failed in 2 of 2 boots |
        - fsx with patched (slow): exit code 1: [ERROR fsx] Size error: expected
          0xde9d but found 0x5c45 by stat and 0x5c45 by seek"#]]
    .assert_eq(&part(&text));
    // Without figures nothing is said of them.
    campaign.file.plan.workloads.retain(|task| task.is_suite());
    let comparison = compare(&campaign).unwrap();
    assert!(comparison.rows.is_empty());
    for format in [Format::Table, Format::Mail] {
        let text = format.render(&comparison).unwrap();
        assert!(
            text.contains("fsx") && !text.contains("MB/s") && !text.contains("in flight, mean"),
            "{text}"
        );
    }
}

/// The cases of the run on the host that are known not to pass.
const JOB: &str = r#"
[settings]
expected_failures = [
    "mkdir::uid_gid_eq_euid_egid", "mkfifo::uid_gid_eq_euid_egid", "mknod::uid_gid_eq_euid_egid",
    "open::uid_gid_eq_euid_egid",
]
[lab]
skipped = [
    "chmod::erofs_named", "chown::erofs_named", "chown::lchown::erofs_named", "link::erofs_named",
    "link::link_count_max", "mkdir::erofs_new_file", "mkfifo::erofs_new_file", "open::erofs_named",
    "open::erofs_new_file", "rename::erofs_named", "rmdir::erofs_named", "symlink::erofs_new_file",
    "truncate::erofs_named", "unlink::erofs_named",
]
"#;

/// A campaign of two kernels, in whose boots pjdfstest printed this, with the baseline and with the other one.
fn with_cases(outputs: [&str; 2], job: &str) -> Campaign {
    let mut campaign = with_suite(|_| Some(0));
    let task = campaign.file.plan.workloads.last_mut().unwrap();
    task.tool = Tool::Pjdfstest;
    task.job = Some(Job { file: "x.toml".to_owned(), text: job.to_owned() });
    for boot in &mut campaign.boots {
        let [of_baseline, of_other] = outputs;
        let is_of_baseline = boot.record.boot.variant == campaign.file.plan.baseline;
        let workload = boot.report.as_mut().unwrap().workloads.last_mut().unwrap();
        workload.stdout = if is_of_baseline { of_baseline } else { of_other }.to_owned();
    }
    campaign
}

/// The host has sockets, which the guest has not; in the guest everything else is as on the host.
#[test]
fn cases_that_only_the_baseline_passes_are_named() {
    let check = |campaign: &Campaign, expected: Expect| {
        let comparison = compare(campaign).unwrap();
        let text = crate::report::full::render(&comparison);
        let begin = text.find("Suites:").unwrap();
        let suites = text[begin..].split("\n\n").next().unwrap();
        let lost = comparison.suites[0].cells.iter().map(|cell| cell.lost_cases.len()).collect::<Vec<_>>();
        let conclusion = comparison.conclusion.status;
        expected.assert_eq(&format!("{suites}\nlost: {lost:?}, {conclusion:?}\n"));
    };
    let (host, guest) = (captures::capture("pjdfstest-unexpected.txt"), captures::capture("pjdfstest.txt"));
    check(
        &with_cases([host, host], JOB),
        expect![[r#"
        Suites: they pass or fail.
        scenario slow
        | suite | original | patched |
        |-------|----------|---------|
        | fsx   | passed   | passed  |
        lost: [0, 0], NoFinding
    "#]],
    );
    check(
        &with_cases([host, guest], JOB),
        expect![[r#"
        Suites: they pass or fail.
        scenario slow
        | suite | original | patched                |
        |-------|----------|------------------------|
        | fsx   | passed   | failed in 2 of 2 boots |
        - fsx with patched (slow): cases fail that should pass: chmod::change_perm::socket,
          chmod::enotdir_component::socket, chmod::failed_chmod_unchanged_ctime::socket,
          chmod::update_ctime::socket, chown::enotdir_component::socket,
          chown::lchown::enotdir_component::socket, link::changed_ctime_success::socket,
          link::eexist_dest_exists::socket, link::enotdir_component_either::socket,
          link::remove_link::socket, link::share_metadata::socket, link::unchanged_ctime_fails::socket and
          32 more
        lost: [0, 44], Worse
    "#]],
    );
    // What only the baseline fails is no finding about the other kernel.
    check(
        &with_cases([guest, host], JOB),
        expect![[r#"
        Suites: they pass or fail.
        scenario slow
        | suite | original               | patched |
        |-------|------------------------|---------|
        | fsx   | failed in 2 of 2 boots | passed  |
        - fsx with original (slow): cases fail that should pass: chmod::change_perm::socket,
          chmod::enotdir_component::socket, chmod::failed_chmod_unchanged_ctime::socket,
          chmod::update_ctime::socket, chown::enotdir_component::socket,
          chown::lchown::enotdir_component::socket, link::changed_ctime_success::socket,
          link::eexist_dest_exists::socket, link::enotdir_component_either::socket,
          link::remove_link::socket, link::share_metadata::socket, link::unchanged_ctime_fails::socket and
          32 more
        lost: [0, 0], NoFinding
    "#]],
    );
    // Both fail, and one case more fails with the other kernel.
    let worse = host.replace(
        "unlink::unchanged_ctime_failed::char                         PASSED UNEXPECTEDLY",
        "unlink::unchanged_ctime_failed::char                                      FAILED",
    );
    assert_ne!(worse, host);
    let less_known = JOB.replace("\"chmod::erofs_named\",", "");
    check(
        &with_cases([host, &worse], &less_known),
        expect![[r#"
        Suites: they pass or fail.
        scenario slow
        | suite | original               | patched                |
        |-------|------------------------|------------------------|
        | fsx   | failed in 2 of 2 boots | failed in 2 of 2 boots |
        - fsx with original (slow): cases are left out that should run: chmod::erofs_named
        - fsx with patched (slow): cases fail that should pass: unlink::unchanged_ctime_failed::char; cases
          are left out that should run: chmod::erofs_named
        - fsx with patched (slow): cases pass with original and not here:
          unlink::unchanged_ctime_failed::char
        lost: [0, 1], Worse
    "#]],
    );
    // A run that is cut off says nothing of its cases.
    let cut = host.split_once("Summary").unwrap().0;
    check(
        &with_cases([host, cut], JOB),
        expect![[r#"
        Suites: they pass or fail.
        scenario slow
        | suite | original | patched                |
        |-------|----------|------------------------|
        | fsx   | passed   | failed in 2 of 2 boots |
        - fsx with patched (slow): no line `Summary: ... total`: it ends with `chown::enametoolong_path ok`
        lost: [0, 0], Worse
    "#]],
    );
}
