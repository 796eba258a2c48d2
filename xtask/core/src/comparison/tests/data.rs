//! Workloads whose bytes are wrong: no speed makes up for it.

use expect_test::{Expect, expect};
use lab_protocol::{DataCheck, EndOfProgram};

use super::*;

/// Two kernels, the second four times as fast with dd, in whose boots at these places the data of dd was wrong.
fn campaign_with_wrong_data(wrong: &[usize]) -> Campaign {
    let mut campaign = campaign(Clock::Virtual, &two_arms());
    for (place, boot) in campaign.boots.iter_mut().enumerate() {
        let wrong = match wrong.contains(&place) {
            true => vec!["byte 655360 of 67108864 is\x1b[2J 0, not 17".to_owned(), "and so on".to_owned()],
            false => Vec::new(),
        };
        let workload = &mut boot.report.as_mut().unwrap().workloads[0];
        workload.data = Some(DataCheck { compared_bytes: 67_108_864, wrong });
    }
    campaign
}

/// Verdict of dd, status, and what is said of it.
fn check(campaign: &Campaign, expected: Expect) {
    let comparison = compare(campaign).unwrap();
    let table = crate::report::full::render(&comparison);
    let about = |line: &&str| ["WRONG", "wrong", "dd-read  | MB/s"].iter().any(|word| line.contains(word));
    let lines: Vec<&str> = table.lines().filter(about).map(str::trim_end).collect();
    let change = comparison.rows[0].cells[1].change.unwrap();
    let status = comparison.conclusion.status;
    expected.assert_eq(&format!(
        "{:?} {:?}, {status:?}\n{}\n",
        change.verdict,
        change.ratio.map(|ratio| (ratio * 100.0).round() / 100.0),
        lines.join("\n")
    ));
}

#[test]
fn wrong_bytes_outweigh_any_speed() {
    check(
        &campaign_with_wrong_data(&[]),
        expect![[r#"
            Better Some(4.0), NoFinding
            | dd-read  | MB/s  |    111.8 |             447.2 |
        "#]],
    );
    check(
        &campaign_with_wrong_data(&[3]),
        expect![[r#"
            WrongData None, Worse
            | dd-read  | MB/s  |    111.8 |    WRONG DATA 1/2 |
              patched, slow, dd-read, boot 4: wrong data: byte 655360 of 67108864 is\x1b[2J 0, not 17 (and 1
            patched against original: no difference in 1 of 2 rows (within 0.4 % aio-read); WRONG DATA in 1 of 2
        "#]],
    );
    check(
        &campaign_with_wrong_data(&[2, 3]),
        expect![[r#"
            WrongData None, Worse
            | dd-read  | MB/s  |    111.8 |    WRONG DATA 2/2 |
              patched, slow, dd-read, boot 3: wrong data: byte 655360 of 67108864 is\x1b[2J 0, not 17 (and 1
              patched, slow, dd-read, boot 4: wrong data: byte 655360 of 67108864 is\x1b[2J 0, not 17 (and 1
            patched against original: no difference in 1 of 2 rows (within 0.4 % aio-read); WRONG DATA in 1 of 2
        "#]],
    );
}

#[test]
fn wrong_bytes_in_the_baseline_leave_nothing_to_compare_with() {
    check(
        &campaign_with_wrong_data(&[0]),
        expect![[r#"
            BaselineFailed None, CannotTell
            | dd-read  | MB/s  | WRONG DATA 1/2 |             447.2 |
              original, slow, dd-read, boot 1: wrong data: byte 655360 of 67108864 is\x1b[2J 0, not 17 (and 1
        "#]],
    );
    check(
        &campaign_with_wrong_data(&[1, 2]),
        expect![[r#"
            BaselineFailed None, CannotTell
            | dd-read  | MB/s  | WRONG DATA 1/2 |    WRONG DATA 1/2 |
              original, slow, dd-read, boot 2: wrong data: byte 655360 of 67108864 is\x1b[2J 0, not 17 (and 1
              patched, slow, dd-read, boot 3: wrong data: byte 655360 of 67108864 is\x1b[2J 0, not 17 (and 1
        "#]],
    );
}

#[test]
fn a_failed_baseline_does_not_excuse_wrong_bytes() {
    let mut campaign = campaign_with_wrong_data(&[2]);
    campaign.boots[0].report.as_mut().unwrap().workloads[0].end = EndOfProgram::Exit(1);
    // That the program ended badly does not hide why.
    campaign.boots[2].report.as_mut().unwrap().workloads[0].end = EndOfProgram::Exit(1);
    check(
        &campaign,
        expect![[r#"
            WrongData None, Worse
            | dd-read  | MB/s  | FAILED 1/2 |    WRONG DATA 1/2 |
              patched, slow, dd-read, boot 3: wrong data: byte 655360 of 67108864 is\x1b[2J 0, not 17 (and 1
            patched against original: no difference in 1 of 2 rows (within 0.4 % aio-read); WRONG DATA in 1 of 2
        "#]],
    );
}

#[test]
fn wrong_bytes_under_another_label_are_no_noise() {
    let mut campaign = campaign_with_wrong_data(&[2]);
    for boot in &mut campaign.boots {
        boot.record.kernel.bzimage_sha256 = "5a".repeat(32);
    }
    assert_eq!(status(&campaign), Status::CannotTell);
    campaign.boots[2].report.as_mut().unwrap().workloads[0].data = None;
    assert_eq!(status(&campaign), Status::NoFinding);
}
