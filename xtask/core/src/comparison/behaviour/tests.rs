//! What speaks against a variant, and what does not. The texts of the probes are those of their tables.

use expect_test::{Expect, expect};
use lab_protocol::{EndOfProgram, ProbeResult};

use super::*;
use crate::campaign::KernelBase;
use crate::comparison::{Status, compare};
use crate::fixtures::{arm, campaign, probe, probed, two_arms};
use crate::plan::Clock;

/// What kernels do at a read whose sixth request fails.
const SYNC: &str = "returns 640 KiB, 7 READs, one at a time";
const ASYNC: &str = "returns EIO, 16 READs, several at once";
const OTHER: &str = "returns 2 MiB, 17 READs, one at a time";

/// A read whose sixth request fails, as a probe of a kernel of which `expected` is said.
fn read_eio(observed: &str, expected: &str) -> ProbeResult {
    probe("read-eio", "read of 2 MiB with EIO in chunk 5", observed, expected)
}

fn faulty(observed: &str, expected: &str, fault: &str) -> ProbeResult {
    ProbeResult { fault: Some(fault.to_owned()), ..read_eio(observed, expected) }
}

/// Two kernels whose first boots saw this.
fn seen(baseline: Vec<ProbeResult>, variant: Vec<ProbeResult>) -> Campaign {
    let mut campaign = campaign(Clock::Virtual, &two_arms());
    for (variant, table) in campaign.file.plan.variants.iter_mut().zip(["synchronous", "asynchronous"]) {
        variant.behaviour = Some(table.to_owned());
    }
    probed(&mut campaign, 0, baseline);
    probed(&mut campaign, 2, variant);
    campaign
}

/// Verdicts, exit code, and what is said of the behaviour.
fn shown(campaign: &Campaign) -> String {
    let comparison = compare(campaign).unwrap();
    let behaviour = comparison.behaviour.as_ref().unwrap();
    let verdicts: Vec<_> = behaviour.probes.iter().map(|row| row.cells[1].verdict.unwrap()).collect();
    let conclusion = &comparison.conclusion;
    let doubts = comparison.doubts.iter().filter(|doubt| !doubt.contains("timer tick"));
    let speed = "faster in 1 of 2 rows (x4.000); no difference in 1 of 2 rows (within 0.4 % aio-read)";
    let said = conclusion.sentences.iter().map(|sentence| sentence.replace(speed, "faster"));
    let lines: Vec<String> = said.chain(doubts.map(|doubt| format!("doubt: {doubt}"))).collect();
    format!("{verdicts:?} {:?}\n{}\n", conclusion.status, lines.join("\n"))
}

fn check(baseline: ProbeResult, variant: ProbeResult, expected: Expect) {
    expected.assert_eq(&shown(&seen(vec![baseline], vec![variant])));
}

/// A kernel without fault injection is not asked: that is no difference, and no line of a table.
#[test]
fn what_a_kernel_cannot_be_asked_says_nothing() {
    let not_asked = || {
        let observed = format!("{}no fault injection", lab_protocol::NOT_PROBED);
        probe("no-memory-read", "read of 512 KiB while one allocation fails, each in turn", &observed, "")
    };
    let campaign = seen(vec![read_eio(SYNC, SYNC), not_asked()], vec![read_eio(SYNC, SYNC), not_asked()]);
    expect![[r#"
        [Same] NoFinding
        patched against original: faster; behaves as expected in 1 of 1 probes.
    "#]]
    .assert_eq(&shown(&campaign));
    let broken = ProbeResult { fault: Some("did not end within 120 s".to_owned()), ..not_asked() };
    let campaign = seen(vec![read_eio(SYNC, SYNC), not_asked()], vec![read_eio(SYNC, SYNC), broken]);
    expect![[r#"
        [Same, Unexpected] Worse
        patched against original: faster; UNEXPECTED behaviour in 1 of 2 probes; behaves as expected in 1 of 2 probes.
    "#]].assert_eq(&shown(&campaign));
}

/// Nobody said that one version behaves like another; but a table counts, and what no kernel may do.
#[test]
fn of_another_source_a_difference_is_shown_and_counts_for_nothing() {
    let of_two_sources = |mut campaign: Campaign| {
        for boot in &mut campaign.boots {
            let source = format!("linux of {}", boot.record.boot.variant);
            let base = KernelBase { source, config_sha256: "c0".repeat(32), compiler: "gcc".to_owned() };
            boot.record.kernel.base = Some(base);
        }
        let shown = shown(&campaign);
        let lines = shown.lines().filter(|line| !line.contains("different sources"));
        lines.map(|line| format!("{line}\n")).collect::<String>()
    };
    let fault = Some("byte 4096 of the file is wrong".to_owned());
    let said = [
        (read_eio(SYNC, SYNC), read_eio(ASYNC, "")),
        (read_eio(SYNC, SYNC), read_eio(ASYNC, SYNC)),
        (read_eio(SYNC, SYNC), ProbeResult { fault, ..read_eio(ASYNC, "") }),
        (read_eio(SYNC, ""), read_eio(SYNC, "")),
    ];
    let said = said.map(|(baseline, variant)| of_two_sources(seen(vec![baseline], vec![variant])));
    expect![[r#"
        [UnlikeOtherSource] NoFinding
        patched against original: faster; behaves unlike original, which is of another source, in 1 of 1 probes.
        [Unexpected] Worse
        patched against original: faster; UNEXPECTED behaviour in 1 of 1 probes.
        [Unexpected] Worse
        patched against original: faster; UNEXPECTED behaviour in 1 of 1 probes.
        [Same] NoFinding
        patched against original: faster; behaves like original in 1 of 1 probes.
    "#]].assert_eq(&said.concat());
}

#[test]
fn a_difference_is_expected_if_both_sides_match_their_tables() {
    check(
        read_eio(SYNC, SYNC),
        read_eio(ASYNC, ASYNC),
        expect![[r#"
        [ExpectedDifference] NoFinding
        patched against original: faster; behaves as expected in 1 of 1 probes, 1 of them unlike original.
    "#]],
    );
    check(
        read_eio(SYNC, SYNC),
        read_eio(SYNC, SYNC),
        expect![[r#"
        [Same] NoFinding
        patched against original: faster; behaves as expected in 1 of 1 probes.
    "#]],
    );
    check(
        read_eio(SYNC, SYNC),
        read_eio(ASYNC, &format!("{OTHER} | {ASYNC}")),
        expect![[r#"
        [ExpectedDifference] NoFinding
        patched against original: faster; behaves as expected in 1 of 1 probes, 1 of them unlike original.
    "#]],
    );
    // The baseline's own table does not matter for what the variant's says.
    check(
        read_eio(SYNC, ""),
        read_eio(ASYNC, ASYNC),
        expect![[r#"
        [ExpectedDifference] NoFinding
        patched against original: faster; behaves as expected in 1 of 1 probes, 1 of them unlike original.
    "#]],
    );
}

#[test]
fn what_a_table_does_not_say_is_unexpected() {
    check(
        read_eio(SYNC, SYNC),
        read_eio(OTHER, ASYNC),
        expect![[r#"
        [Unexpected] Worse
        patched against original: faster; UNEXPECTED behaviour in 1 of 1 probes.
    "#]],
    );
    // The claim is that it is unlike the baseline.
    check(
        read_eio(SYNC, SYNC),
        read_eio(SYNC, ASYNC),
        expect![[r#"
        [Unexpected] Worse
        patched against original: faster; UNEXPECTED behaviour in 1 of 1 probes.
    "#]],
    );
    // Nothing is said of it: then the baseline is what it is held against.
    check(
        read_eio(SYNC, SYNC),
        read_eio(ASYNC, ""),
        expect![[r#"
        [Unexpected] Worse
        patched against original: faster; UNEXPECTED behaviour in 1 of 1 probes.
    "#]],
    );
    check(
        read_eio(SYNC, SYNC),
        read_eio(SYNC, ""),
        expect![[r#"
        [Same] NoFinding
        patched against original: faster; behaves like original in 1 of 1 probes.
    "#]],
    );
    check(
        read_eio(SYNC, ""),
        read_eio(SYNC, ""),
        expect![[r#"
        [Same] NoFinding
        patched against original: faster; behaves like original in 1 of 1 probes.
    "#]],
    );
}

#[test]
fn failures_of_the_baseline_are_not_held_against_a_variant() {
    check(
        read_eio(OTHER, SYNC),
        read_eio(OTHER, ASYNC),
        expect![[r#"
            [AlreadyInBaseline] CannotTell
            patched against original: faster; fails like original in 1 of 1 probes.
            The baseline original itself fails 1 of 1 probes.
            doubt: the baseline original does not behave as synchronous says in 1 of 1 probes: correct the table, or `behaviour` of the variant in lab.toml; until then nothing follows from a difference there
        "#]],
    );
    check(
        read_eio(OTHER, SYNC),
        read_eio(ASYNC, ASYNC),
        expect![[r#"
            [OnlyInBaseline] CannotTell
            patched against original: faster; behaves as expected in 1 of 1 probes; does not fail where original does in 1 of 1 probes.
            The baseline original itself fails 1 of 1 probes.
            doubt: the baseline original does not behave as synchronous says in 1 of 1 probes: correct the table, or `behaviour` of the variant in lab.toml; until then nothing follows from a difference there
        "#]],
    );
    check(
        read_eio(OTHER, SYNC),
        read_eio(ASYNC, ""),
        expect![[r#"
            [OnlyInBaseline] CannotTell
            patched against original: faster; does not fail where original does in 1 of 1 probes.
            The baseline original itself fails 1 of 1 probes.
            doubt: the baseline original does not behave as synchronous says in 1 of 1 probes: correct the table, or `behaviour` of the variant in lab.toml; until then nothing follows from a difference there
        "#]],
    );
    // Another failure than that of the baseline is one.
    check(
        read_eio(OTHER, SYNC),
        read_eio(ASYNC, SYNC),
        expect![[r#"
            [Unexpected] Worse
            patched against original: faster; UNEXPECTED behaviour in 1 of 1 probes.
            The baseline original itself fails 1 of 1 probes.
            doubt: the baseline original does not behave as synchronous says in 1 of 1 probes: correct the table, or `behaviour` of the variant in lab.toml; until then nothing follows from a difference there
        "#]],
    );
}

#[test]
fn a_fault_is_one_whatever_a_table_says() {
    let wrong = |byte: u32| format!("byte {byte} is wrong");
    check(
        read_eio(ASYNC, ASYNC),
        faulty(ASYNC, ASYNC, &wrong(4096)),
        expect![[r#"
        [Unexpected] Worse
        patched against original: faster; UNEXPECTED behaviour in 1 of 1 probes.
    "#]],
    );
    check(
        faulty(ASYNC, "", &wrong(512)),
        faulty(ASYNC, "", &wrong(8192)),
        expect![[r#"
        [AlreadyInBaseline] NoFinding
        patched against original: faster; fails like original in 1 of 1 probes.
        The baseline original itself fails 1 of 1 probes.
    "#]],
    );
    check(
        faulty(ASYNC, "", &wrong(512)),
        faulty(ASYNC, "", "3 pages stay pinned"),
        expect![[r#"
        [Unexpected] Worse
        patched against original: faster; UNEXPECTED behaviour in 1 of 1 probes.
        The baseline original itself fails 1 of 1 probes.
    "#]],
    );
    check(
        faulty(ASYNC, "", &wrong(512)),
        read_eio(ASYNC, ""),
        expect![[r#"
        [OnlyInBaseline] NoFinding
        patched against original: faster; does not fail where original does in 1 of 1 probes.
        The baseline original itself fails 1 of 1 probes.
    "#]],
    );
}

#[test]
fn a_probe_that_does_not_end() {
    let unfinished = |campaign: &mut Campaign, place: usize, end: EndOfProgram| {
        let report = campaign.boots[place].report.as_mut().unwrap().probes.as_mut().unwrap();
        report.results.clear();
        report.unfinished = Some("read-eio".to_owned());
        report.stderr = "probe: reading the statistics: Broken pipe\n".to_owned();
        report.end = end;
    };
    let after = |end: EndOfProgram, baseline_too: bool| {
        let mut campaign = seen(vec![read_eio(SYNC, SYNC)], vec![read_eio(SYNC, SYNC)]);
        unfinished(&mut campaign, 2, end.clone());
        if baseline_too {
            unfinished(&mut campaign, 0, end);
        }
        shown(&campaign)
    };
    expect![[r#"
        [Unexpected] Worse
        patched against original: faster; UNEXPECTED behaviour in 1 of 1 probes.
        doubt: boot 3 (patched) could not be probed to the end: did not end in time, during read-eio: probe: reading the statistics: Broken pipe
    "#]].assert_eq(&after(EndOfProgram::TimedOut, false));
    expect![[r#"
        [AlreadyInBaseline] CannotTell
        patched against original: faster; fails like original in 1 of 1 probes.
        The baseline original itself fails 1 of 1 probes.
        doubt: boot 1 (original) could not be probed to the end: did not end in time, during read-eio: probe: reading the statistics: Broken pipe
        doubt: boot 3 (patched) could not be probed to the end: did not end in time, during read-eio: probe: reading the statistics: Broken pipe
    "#]].assert_eq(&after(EndOfProgram::TimedOut, true));
    expect![[r#"
        [Unexpected] Worse
        patched against original: faster; UNEXPECTED behaviour in 1 of 1 probes.
        doubt: boot 3 (patched) could not be probed to the end: signal 7, during read-eio: probe: reading the statistics: Broken pipe
    "#]].assert_eq(&after(EndOfProgram::Signal(7), false));
    // It gave up by itself: that says nothing of the kernel.
    expect![[r#"
        [Unknown] CannotTell
        patched against original: faster; NOT PROBED.
        doubt: boot 3 (patched) could not be probed to the end: exit code 1, during read-eio: probe: reading the statistics: Broken pipe
    "#]].assert_eq(&after(EndOfProgram::Exit(1), false));
}

#[test]
fn what_was_not_probed_is_not_known() {
    let results = || vec![read_eio(SYNC, SYNC), probe("read-short", "read of 2 MiB", "returns 641 KiB", "")];
    expect![[r#"
        [Same, Unknown] CannotTell
        patched against original: faster; behaves as expected in 1 of 2 probes; no statement possible in 1 of 2 probes.
    "#]].assert_eq(&shown(&seen(results(), vec![read_eio(SYNC, SYNC)])));
    expect![[r#"
        [Same, Unknown] CannotTell
        patched against original: faster; behaves as expected in 1 of 2 probes; no statement possible in 1 of 2 probes.
    "#]].assert_eq(&shown(&seen(vec![read_eio(SYNC, SYNC)], results())));
    expect![[r#"
        [Unknown, Unknown] CannotTell
        patched against original: faster; NOT PROBED.
    "#]]
    .assert_eq(&shown(&seen(results(), Vec::new())));
    let mut campaign = seen(results(), results());
    campaign.boots[2].report.as_mut().unwrap().probes = None;
    expect![[r#"
        [Unknown, Unknown] CannotTell
        patched against original: faster; NOT PROBED.
        doubt: boot 3 (patched) could not be probed to the end: the guest says nothing of probes
    "#]]
    .assert_eq(&shown(&campaign));
    // A boot that broke before it could report is no second fault.
    campaign.boots[2].report = None;
    campaign.boots[2].record.outcome = Outcome::Broken { reason: "kernel-bug: in fuse_do_read".to_owned() };
    expect![[r#"
        [Unknown, Unknown] Worse
        patched against original: no statement possible in 2 of 2 rows; NOT PROBED; BROKEN in 1 boot.
    "#]]
    .assert_eq(&shown(&campaign));
    // A lost one is run again, and its report is not trusted.
    let mut campaign = seen(results(), vec![faulty(SYNC, SYNC, "byte 512 is wrong")]);
    campaign.boots[2].record.outcome = Outcome::Lost { reason: "QEMU was ended by a signal".to_owned() };
    expect![[r#"
        [Unknown, Unknown] CannotTell
        patched against original: no statement possible in 2 of 2 rows; NOT PROBED.
        1 of 4 boots were lost or have no record.
    "#]]
    .assert_eq(&shown(&campaign));
}

/// A kernel that does it only sometimes, does it.
#[test]
fn the_worst_of_several_boots_counts() {
    let varying = |second: ProbeResult| {
        let mut campaign = seen(vec![read_eio(SYNC, SYNC)], vec![read_eio(ASYNC, ASYNC)]);
        probed(&mut campaign, 1, vec![read_eio(SYNC, SYNC)]);
        probed(&mut campaign, 3, vec![second]);
        shown(&campaign)
    };
    expect![[r#"
        [ExpectedDifference] NoFinding
        patched against original: faster; behaves as expected in 1 of 1 probes, 1 of them unlike original.
    "#]]
    .assert_eq(&varying(read_eio(ASYNC, ASYNC)));
    expect![[r#"
        [ExpectedDifference] NoFinding
        patched against original: faster; behaves as expected in 1 of 1 probes, 1 of them unlike original.
        doubt: boots of one kernel do not behave alike: read-eio of patched; each probe counts by the worst of them
    "#]].assert_eq(&varying(read_eio(OTHER, &format!("{ASYNC} | {OTHER}"))));
    expect![[r#"
        [Unexpected] Worse
        patched against original: faster; UNEXPECTED behaviour in 1 of 1 probes.
        doubt: boots of one kernel do not behave alike: read-eio of patched; each probe counts by the worst of them
    "#]].assert_eq(&varying(read_eio(OTHER, ASYNC)));
}

#[test]
fn the_baseline_under_another_label_shows_what_it_may_do() {
    let arms = [
        arm("original", &[], &[(1.0, 50.0), (1.0, 50.0)], 1),
        arm("again", &[], &[(1.0, 50.0), (1.0, 50.0)], 1),
        arm("patched", &["s"], &[(1.0, 50.0), (1.0, 50.0)], 1),
    ];
    let mut campaign = campaign(Clock::Virtual, &arms);
    for (place, observed) in [(0, SYNC), (2, OTHER), (4, OTHER)] {
        probed(&mut campaign, place, vec![read_eio(observed, "")]);
    }
    let comparison = compare(&campaign).unwrap();
    let verdicts: Vec<_> =
        comparison.behaviour.unwrap().probes[0].cells.iter().map(|cell| cell.verdict).collect();
    assert_eq!(verdicts, [None, Some(ProbeVerdict::Same), Some(ProbeVerdict::Same)]);
    assert_eq!(comparison.conclusion.status, Status::NoFinding);
    // But a label is held against its own table.
    let said = read_eio(SYNC, ASYNC);
    for (place, result) in [(2, said), (4, read_eio(SYNC, ""))] {
        campaign.boots[place].report.as_mut().unwrap().probes.as_mut().unwrap().results = vec![result];
    }
    assert_eq!(compare(&campaign).unwrap().conclusion.status, Status::CannotTell);
    expect!["read-eio: again, the same kernel as original, does not behave like it: what either of them does counts as the baseline's"].assert_eq(comparison.doubts.last().unwrap());
}

#[test]
fn another_variant_as_the_baseline() {
    let campaign = seen(vec![read_eio(SYNC, SYNC)], vec![read_eio(ASYNC, ASYNC)]);
    let question = crate::comparison::Question { baseline: Some("patched".to_owned()), ..Default::default() };
    let comparison = crate::comparison::answer(&campaign, &question).unwrap();
    expect!["original against patched: SLOWER in 1 of 2 rows (x0.250); no difference in 1 of 2 rows (within 0.4 % aio-read); behaves as expected in 1 of 1 probes, 1 of them unlike patched."].assert_eq(comparison.conclusion.sentences.last().unwrap());
}

/// Nothing of a guest is taken as it comes.
#[test]
fn texts_of_a_guest_are_bounded_and_harmless() {
    let long = "returns \x1b[2J".to_owned() + &"a".repeat(5000) + "\n";
    let result =
        ProbeResult { title: "read\nof".to_owned(), name: "n".repeat(5000), ..read_eio(&long, &long) };
    let campaign = seen(vec![result.clone(), result.clone()], vec![result]);
    let behaviour = compare(&campaign).unwrap().behaviour.unwrap();
    assert_eq!(behaviour.probes.len(), 1);
    let row = &behaviour.probes[0];
    let observed = &row.cells[0].seen[0].observation;
    assert_eq!((row.name.len(), row.title.as_str(), observed.observed.len()), (60, "read of", 400));
    assert_eq!(observed.standing, Standing::AsExpected);
    assert!(observed.observed.starts_with("returns \\x1b[2Ja"));
}

/// With no probes, nothing is said of them, as before there were any.
#[test]
fn a_campaign_without_probes() {
    let comparison = compare(&campaign(Clock::Virtual, &two_arms())).unwrap();
    assert!(comparison.behaviour.is_none());
    assert!(!serde_json::to_string(&comparison).unwrap().contains("behaviour"));
}

/// Speed is not needed for an answer.
#[test]
fn a_plan_that_only_probes() {
    let mut campaign = seen(vec![read_eio(SYNC, SYNC)], vec![read_eio(ASYNC, ASYNC)]);
    campaign.file.plan.workloads.clear();
    expect![[r#"
        [ExpectedDifference] NoFinding
        patched against original: behaves as expected in 1 of 1 probes, 1 of them unlike original.
    "#]]
    .assert_eq(&shown(&campaign));
    for boot in &mut campaign.boots {
        boot.report = None;
    }
    expect![[r#"
        [] CannotTell
        patched against original: NOT PROBED.
    "#]]
    .assert_eq(&shown(&campaign));
}
