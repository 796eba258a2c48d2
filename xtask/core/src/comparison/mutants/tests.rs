//! Boots of faulty kernels, held against one of the right kernel.

use expect_test::{Expect, expect};
use lab_protocol::{DataCheck, EndOfProgram, ProbeResult};

use super::*;
use crate::campaign::Campaign;
use crate::fixtures::{campaign, probe, probed, two_arms, warn};
use crate::plan::Clock;
use crate::series::mutants::Rule;

const RIGHT: &str = "returns EIO, 16 READs, several at once";
const WRONG: &str = "returns 2 MiB, 17 READs, one at a time";

fn read_eio(observed: &str) -> ProbeResult {
    probe("read-eio", "read of 2 MiB with EIO in chunk 5", observed, RIGHT)
}

fn mutant(equivalent: Option<&str>) -> Mutant {
    Mutant {
        id: "m001-drop-f-1".to_owned(),
        rule: Rule::DropStatement,
        path: "x.c".to_owned(),
        function: "f".to_owned(),
        line: 3,
        before: "a();".to_owned(),
        after: ";".to_owned(),
        patch: String::new(),
        why: None,
        equivalent: equivalent.map(str::to_owned),
    }
}

/// A campaign whose first boot is of the right kernel and whose third one is of a faulty kernel, changed by `change`.
fn boots(change: impl FnOnce(&mut BootData)) -> Campaign {
    let mut campaign = campaign(Clock::Virtual, &two_arms());
    probed(&mut campaign, 0, vec![read_eio(RIGHT)]);
    probed(&mut campaign, 2, vec![read_eio(RIGHT)]);
    change(&mut campaign.boots[2]);
    campaign
}

fn shown(fate: &Fate) -> String {
    let notices = match fate {
        Fate::Caught(notices) => notices.clone(),
        Fate::Survived | Fate::Equal | Fate::Equivalent | Fate::DoesNotBuild(_) | Fate::Lost(_) => Vec::new(),
    };
    let lines = notices.iter().map(|notice| format!("\n{}: {}", notice.by, notice.text));
    fate.word().to_owned() + &lines.collect::<String>()
}

fn check(change: impl FnOnce(&mut BootData), expected: Expect) {
    let campaign = boots(change);
    expected.assert_eq(&shown(&fate(&mutant(None), &campaign.boots[0], &campaign.boots[2])));
}

fn results(boot: &mut BootData) -> &mut Vec<ProbeResult> {
    &mut boot.report.as_mut().unwrap().probes.as_mut().unwrap().results
}

#[test]
fn what_looks_like_the_right_kernel_survives() {
    check(|_| {}, expect!["survived"]);
    // What the right kernel did not come to says nothing of this one.
    check(
        |boot| results(boot).push(probe("write-eio", "write of 2 MiB", "returns 0", "")),
        expect!["survived"],
    );
}

#[test]
fn probes_notice_what_differs() {
    check(
        |boot| *results(boot) = vec![read_eio(WRONG)],
        expect![[r#"
            caught
            read-eio: read of 2 MiB with EIO in chunk 5 returns 2 MiB, 17 READs, one at a time; the right kernel: returns EIO, 16 READs, several at once"#]],
    );
    check(
        |boot| results(boot)[0].fault = Some("8 pages stay pinned".to_owned()),
        expect![[r#"
            caught
            read-eio: read of 2 MiB with EIO in chunk 5 returns EIO, 16 READs, several at once; 8 pages stay pinned; the right kernel: returns EIO, 16 READs, several at once"#]],
    );
    check(
        |boot| {
            let report = boot.report.as_mut().unwrap().probes.as_mut().unwrap();
            report.results.clear();
            report.unfinished = Some("read-eio".to_owned());
            report.end = EndOfProgram::Unkillable;
        },
        expect![[r#"
            caught
            read-eio: read of 2 MiB with EIO in chunk 5 does not end in time, and its program cannot be killed; the right kernel: returns EIO, 16 READs, several at once
            probes: did not do all of their work: did not end in time and could not be killed, during read-eio"#]],
    );
}

/// A table with several sentences says that each of them is right.
#[test]
fn a_race_that_ends_otherwise_is_no_notice() {
    let either = |observed: &str| ProbeResult {
        expected: vec![RIGHT.to_owned(), WRONG.to_owned()],
        ..read_eio(observed)
    };
    let shown_of = |observed: &str| {
        let mut campaign = boots(|boot| *results(boot) = vec![either(observed)]);
        *results(&mut campaign.boots[0]) = vec![either(RIGHT)];
        shown(&fate(&mutant(None), &campaign.boots[0], &campaign.boots[2]))
    };
    assert_eq!(shown_of(WRONG), "survived");
    expect![[r#"
        caught
        read-eio: read of 2 MiB with EIO in chunk 5 returns 0 bytes; the right kernel: returns EIO, 16 READs, several at once"#]].assert_eq(&shown_of("returns 0 bytes"));
}

#[test]
fn so_do_kernel_logs_workloads_and_the_guest() {
    check(
        |boot| {
            warn(boot, "fuse_io_end");
            boot.report.as_mut().unwrap().problems.push("the server ended".to_owned());
        },
        expect![[r#"
            caught
            boot: is broken: WARNING in fuse_io_end
            guest: the server ended"#]],
    );
    check(
        |boot| {
            let workloads = &mut boot.report.as_mut().unwrap().workloads;
            workloads[0].data = Some(DataCheck { compared_bytes: 9, wrong: vec!["byte 7".to_owned()] });
            workloads[1].end = EndOfProgram::TimedOut;
        },
        expect![[r#"
            caught
            dd-read: wrong data: byte 7
            aio-read: did not end in time: thread 0 read totals (55.02 MB/s) 64.00 MB in 0.02s"#]],
    );
    check(
        |boot| {
            boot.report = None;
            boot.record.outcome = Outcome::Hung { reason: "silent for 420 s".to_owned() };
        },
        expect![[r#"
            caught
            boot: is hung: silent for 420 s"#]],
    );
}

#[test]
fn a_lost_boot_says_nothing() {
    let lost =
        |boot: &mut BootData| boot.record.outcome = Outcome::Lost { reason: "QEMU is gone".to_owned() };
    check(lost, expect!["lost"]);
    assert_eq!(control_failures(&boots(lost).boots[2]), Err("its boot is lost: QEMU is gone".to_owned()));
}

/// A mark is a claim, and boots can refute it.
#[test]
fn an_equivalent_one_is_held_to_its_mark() {
    let equivalent = mutant(Some("one CPU"));
    let same = boots(|_| {});
    assert_eq!(fate(&equivalent, &same.boots[0], &same.boots[2]), Fate::Equivalent);
    let other = boots(|boot| *results(boot) = vec![read_eio(WRONG)]);
    assert_eq!(fate(&equivalent, &other.boots[0], &other.boots[2]).word(), "caught");
}

#[test]
fn what_the_right_kernel_fails_is_known_and_not_noticed() {
    let mut campaign = boots(|boot| *results(boot) = vec![read_eio(WRONG)]);
    *results(&mut campaign.boots[0]) = vec![read_eio(WRONG)];
    assert_eq!(fate(&mutant(None), &campaign.boots[0], &campaign.boots[2]), Fate::Survived);
    let failures = control_failures(&campaign.boots[0]).unwrap();
    expect!["read-eio: read of 2 MiB with EIO in chunk 5 returns 2 MiB, 17 READs, one at a time"].assert_eq(
        &failures.iter().map(|failure| format!("{}: {}", failure.by, failure.text)).collect::<String>(),
    );
    let report = campaign.boots[0].report.as_mut().unwrap();
    report.probes = None;
    report.workloads.clear();
    assert_eq!(control_failures(&campaign.boots[0]), Err("its boot ran no probe and no workload".to_owned()));
}
