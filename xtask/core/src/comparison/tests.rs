//! Comparisons of campaigns that are built here; no speed in them was measured.

mod data;
mod metrics;
mod rules;
mod servers;
mod suites;

use expect_test::expect;
use lab_protocol::EndOfProgram;

use super::*;
use crate::campaign::BootData;
use crate::evidence::outcome::Outcome;
use crate::fixtures::{Arm, arm, campaign, step_by_step, two_arms, warn};
use crate::plan::Clock;

fn verdicts(campaign: &Campaign) -> Vec<Verdict> {
    let comparison = compare(campaign).unwrap();
    let cells = comparison.rows.iter().flat_map(|row| &row.cells);
    cells.filter_map(|cell| Some(cell.change?.verdict)).collect()
}

fn status(campaign: &Campaign) -> Status {
    compare(campaign).unwrap().conclusion.status
}

/// dd of the baseline against dd of another kernel.
fn check(clock: Clock, baseline: &[f64], other: &[f64], expected: Verdict) {
    let boots = |seconds: &[f64]| seconds.iter().map(|&s| (s, 50.0)).collect::<Vec<_>>();
    let campaign = campaign(
        clock,
        &[arm("original", &[], &boots(baseline), 1), arm("patched", &["s"], &boots(other), 1)],
    );
    assert_eq!(verdicts(&campaign)[0], expected, "{clock:?} {baseline:?} {other:?}");
}

#[test]
fn verdicts_with_the_virtual_clock() {
    let check = |baseline: &[f64], other: &[f64], expected| check(Clock::Virtual, baseline, other, expected);
    check(&[1.0, 1.001], &[0.5, 0.5], Verdict::Better);
    check(&[1.0, 1.001], &[2.0, 2.001], Verdict::Worse);
    check(&[1.0, 1.0], &[1.0, 1.0], Verdict::Same);
    check(&[1.0, 1.0], &[1.009, 1.009], Verdict::Same);
    check(&[1.0, 1.0], &[1.011, 1.011], Verdict::Worse);
    check(&[1.0, 1.0], &[0.985, 0.985], Verdict::Better);
    // Two pairs say little if they differ, and much if they do not.
    check(&[1.0, 1.02], &[1.03, 1.03], Verdict::Unclear);
    check(&[1.0, 1.0], &[1.0, 1.02], Verdict::Unclear);
    check(&[1.0, 1.02], &[0.5, 0.51], Verdict::Better);
    // Pairs are of equal samples: what moves both is no difference.
    check(&[1.0, 1.1, 1.2, 1.05], &[1.02, 1.122, 1.224, 1.071], Verdict::Worse);
    check(&[1.0, 1.1, 1.2, 1.05], &[1.02, 1.0, 1.224, 1.15], Verdict::Unclear);
    check(&[1.0], &[0.5], Verdict::NotEnoughData);
    check(&[1.0, 1.0], &[0.5], Verdict::NotEnoughData);
}

#[test]
fn verdicts_with_the_wall_clock() {
    let check = |baseline: &[f64], other: &[f64], expected| check(Clock::Wall, baseline, other, expected);
    check(&[1.0, 1.1, 1.2], &[0.1, 0.1, 0.1], Verdict::NotEnoughData);
    check(&[1.0, 1.1, 1.2, 1.3, 1.4], &[0.5, 0.6, 0.7, 0.8, 0.9], Verdict::Better);
    check(&[0.5, 0.6, 0.7, 0.8, 0.9], &[1.0, 1.1, 1.2, 1.3, 1.4], Verdict::Worse);
    // Separated, and still less than 1 %.
    check(&[1.0, 1.0001, 1.0002, 1.0003, 1.0004], &[0.999, 0.9991, 0.9992, 0.9993, 0.9994], Verdict::Same);
    // p = 0.0159 of 4 against 5, and 0.0317 after the correction for two rows.
    check(&[1.0, 1.1, 1.2, 1.3], &[0.5, 0.6, 0.7, 0.8, 0.9], Verdict::Better);
    // p = 0.0286 of 4 against 4 does not survive the correction.
    check(&[1.0, 1.1, 1.2, 1.3], &[0.5, 0.6, 0.7, 0.8], Verdict::Unclear);
    check(&[1.0, 1.1, 1.2, 1.3, 1.4], &[0.9, 1.05, 1.15, 1.25, 1.5], Verdict::Unclear);
}

#[test]
fn a_difference_between_labels_of_one_kernel_spoils_its_row() {
    let fast: Vec<_> = [0.7, 0.71, 0.72, 0.73, 0.74, 0.75].map(|s| (s, 50.0)).to_vec();
    let slow: Vec<_> = [1.0, 1.01, 1.02, 1.03, 1.04, 1.05].map(|s| (s, 50.0)).to_vec();
    let faster: Vec<_> = [0.2, 0.21, 0.22, 0.23, 0.24, 0.25].map(|s| (s, 50.0)).to_vec();
    let arms = [
        arm("original", &[], &slow, 1),
        arm("control", &[], &fast, 1),
        arm("near", &["s"], &fast, 1),
        arm("far", &["t"], &faster, 1),
    ];
    let found = verdicts(&campaign(Clock::Wall, &arms));
    assert_eq!(found[..3], [Verdict::Unreliable, Verdict::Unreliable, Verdict::Better]);
}

#[test]
fn exit_codes() {
    let good = campaign(Clock::Virtual, &two_arms());
    assert_eq!(status(&good), Status::NoFinding);

    let [original, patched] = two_arms();
    let slower = campaign(
        Clock::Virtual,
        &[
            Arm { name: "original", series: &[], ..patched },
            Arm { name: "patched", series: &["s"], ..original },
        ],
    );
    assert_eq!(status(&slower), Status::Worse);

    let changed = |change: &dyn Fn(&mut Campaign)| {
        let mut campaign = good.clone();
        change(&mut campaign);
        status(&campaign)
    };
    assert_eq!(changed(&|c| warn(&mut c.boots[2], "f")), Status::Worse);
    assert_eq!(
        changed(&|c| c.boots[2].record.outcome = Outcome::Hung { reason: "silence".into() }),
        Status::Worse
    );
    assert_eq!(
        changed(&|c| c.boots[2].report.as_mut().unwrap().workloads[0].end = EndOfProgram::Exit(1)),
        Status::Worse
    );
    assert_eq!(
        changed(&|c| c.boots[2].record.outcome = Outcome::Lost { reason: "disk full".into() }),
        Status::CannotTell
    );
    assert_eq!(changed(&|c| _ = c.boots.remove(2)), Status::CannotTell);
    assert_eq!(changed(&|c| c.damaged.push("boot-003: checksum".into())), Status::CannotTell);
    assert_eq!(
        changed(&|c| c.boots[0].report.as_mut().unwrap().workloads[0].end = EndOfProgram::TimedOut),
        Status::CannotTell
    );
    assert_eq!(changed(&|c| c.boots.clear()), Status::CannotTell);
    // The same in both kernels says nothing about the series.
    let both = |c: &mut Campaign| c.boots.iter_mut().for_each(|boot| warn(boot, "f"));
    assert_eq!(changed(&both), Status::CannotTell);
}

#[test]
fn what_differs_in_more_than_the_variant_is_refused() {
    let refused = |change: &dyn Fn(&mut BootData)| {
        let mut campaign = campaign(Clock::Virtual, &two_arms());
        change(&mut campaign.boots[3]);
        compare(&campaign).unwrap_err().to_string()
    };
    for (error, expected) in [
        (refused(&|boot| boot.record.setup.image_sha256 = "other".into()), "image-sha256 is \"1a1a"),
        (
            refused(&|boot| boot.record.setup.memory_mib = 1024),
            "memory-mib is 512 in boot-001 and 1024 in boot-004; only",
        ),
        (
            refused(&|boot| boot.record.setup.clock = Clock::Wall),
            "clock is \"virtual\" in boot-001 and \"wall\" in boot-004",
        ),
        (refused(&|boot| boot.record.kernel.digest = "other".into()), "patched is the kernel "),
        (refused(&|boot| boot.record.boot.number = 99), "no such boot as that of boot-004"),
    ] {
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn doubts_are_said() {
    let doubts = |campaign: &Campaign| compare(campaign).unwrap().doubts.join("\n");
    let one_phase = doubts(&campaign(Clock::Virtual, &two_arms()));
    assert!(one_phase.starts_with("all samples start at the same phase"), "{one_phase}");
    assert_eq!(one_phase.lines().count(), 1, "{one_phase}");
    let mut perturbed = campaign(Clock::Virtual, &two_arms());
    perturbed.file.plan.machine.phase_range_us = 4000;
    assert_eq!(doubts(&perturbed), "");

    let mut otherwise = campaign(Clock::Virtual, &two_arms());
    otherwise.boots[1].recorded = Some(Outcome::Broken { reason: "warning: in \u{1b}[31m".to_owned() });
    assert_eq!(
        doubts(&otherwise).lines().next(),
        Some(
            r"boot 2 (original, slow) was recorded as broken (warning: in \x1b[31m); by the rules of this lab it is finished"
        )
    );

    let mut equal = campaign(Clock::Virtual, &two_arms());
    let baseline = equal.boots[0].record.kernel.bzimage_sha256.clone();
    equal.boots[2..].iter_mut().for_each(|boot| boot.record.kernel.bzimage_sha256 = baseline.clone());
    assert!(doubts(&equal).starts_with("THE KERNELS ARE EQUAL: original and patched"), "{}", doubts(&equal));

    // Four arms of one kernel are one doubt and not six.
    let four = ["original", "again", "thrice", "patched"];
    let arms: Vec<Arm> = four.iter().map(|name| arm(name, &[], &[(0.1, 600.0)], 1)).collect();
    let mut equal = campaign(Clock::Virtual, &arms);
    equal.boots.iter_mut().for_each(|boot| boot.record.kernel.bzimage_sha256 = baseline.clone());
    let told = doubts(&equal);
    let about: Vec<&str> = told.lines().filter(|line| line.contains(" are the same ")).collect();
    assert_eq!(about.len(), 1, "{told}");
    assert!(about[0].contains("original, again, thrice and patched are the same "), "{told}");

    let wall = doubts(&campaign(Clock::Wall, &two_arms()));
    assert!(wall.contains("emulated: order of magnitude only") && wall.contains("a second time"), "{wall}");

    let mut other = campaign(Clock::Virtual, &two_arms());
    for boot in &mut other.boots[2..] {
        boot.report.as_mut().unwrap().negotiated.as_mut().unwrap().max_write = 4096;
    }
    let said = doubts(&other);
    assert!(
        said.contains("original and patched: server and kernel agreed on max_write 131072 / 4096 (slow)"),
        "{said}"
    );

    // What no kernel gives is told as such; what one of them gives is a difference between them.
    let refusing = |from: usize| {
        let mut campaign = campaign(Clock::Virtual, &two_arms());
        for (place, boot) in campaign.boots[from..].iter_mut().enumerate() {
            let agreed = boot.report.as_mut().unwrap().negotiated.as_mut().unwrap();
            agreed.refused = vec![format!("PASSTHROUGH came with protocol 7.40; reason {}", place / 2)];
        }
        doubts(&campaign)
    };
    let expected =
        "slow: the server asked for what original did not give: PASSTHROUGH came with protocol 7.40";
    assert!(refusing(0).contains(expected), "{}", refusing(0));
    assert!(!refusing(2).contains("did not give"), "{}", refusing(2));

    // The same sample twice: a kernel that gives another figure is no function of its input.
    let mut loose = campaign(Clock::Virtual, &[arm("original", &[], &[(1.0, 50.0), (1.05, 50.0)], 1)]);
    loose.boots[1].report.as_mut().unwrap().workloads[0].sample = 1;
    let said = doubts(&loose);
    let expected = "differ by up to 5.00 % (original, slow, dd-read, boots 1 and 2): with the virtual";
    assert!(said.contains(expected), "{said}");
}

#[test]
fn findings_are_counted_by_boot() {
    let mut campaign = campaign(Clock::Virtual, &two_arms());
    warn(&mut campaign.boots[0], "old");
    warn(&mut campaign.boots[2], "new");
    warn(&mut campaign.boots[3], "new");
    warn(&mut campaign.boots[3], "new");
    let rows = compare(&campaign).unwrap().findings;
    let shown: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                row.finding.title.as_str(),
                row.presence.iter().map(|p| (p.boots, p.of)).collect::<Vec<_>>(),
                row.is_new_with(1),
                row.is_gone_with(1),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("WARNING in new", vec![(0, 2), (2, 2)], true, false),
            ("WARNING in old", vec![(1, 2), (0, 2)], false, true),
        ]
    );
    assert!((rows[0].unseen_share.unwrap() - 0.7764).abs() < 1e-4);
    assert_eq!(rows[1].unseen_share, None);
}

#[test]
fn what_is_known_is_listed_and_makes_no_difference() {
    let mut campaign = campaign(Clock::Virtual, &two_arms());
    warn(&mut campaign.boots[0], "old");
    warn(&mut campaign.boots[2], "new");
    warn(&mut campaign.boots[2], "follows");
    campaign.boots.iter_mut().for_each(|boot| boot.record.outcome = Outcome::Finished);
    let known = |title: &str| Known { title: title.to_owned(), kind: None, reason: format!("why {title}") };
    campaign.file.plan.known = vec![known("*in new"), known("*in old"), known("*in none"), known("*in ol*")];
    let shown = |campaign: &Campaign| {
        let compared = compare(campaign).unwrap();
        let row = |row: &FindingRow| {
            let known = row.known.as_deref().unwrap_or("counts");
            let after = row.after.as_deref().unwrap_or("nothing");
            let (new, gone) = (row.is_new_with(1), row.is_gone_with(1));
            format!("{}: {known}; after {after}; new {new}, gone {gone}\n", row.finding.title)
        };
        let rows: String = compared.findings.iter().map(row).collect();
        let unused: Vec<_> = compared.unused_known.iter().map(|known| known.title.clone()).collect();
        format!("{rows}unused {}; {:?}\n", unused.join(", "), compared.conclusion.status)
    };
    expect![[r#"
        WARNING in follows: counts; after WARNING in new; new true, gone false
        WARNING in new: why *in new; after nothing; new false, gone false
        WARNING in old: why *in old; after nothing; new false, gone false
        unused *in none, *in ol*; Worse
    "#]]
    .assert_eq(&shown(&campaign));
    campaign.file.plan.known.push(known("*follows"));
    expect![[r#"
        WARNING in new: why *in new; after nothing; new false, gone false
        WARNING in follows: why *follows; after WARNING in new; new false, gone false
        WARNING in old: why *in old; after nothing; new false, gone false
        unused *in none, *in ol*; NoFinding
    "#]]
    .assert_eq(&shown(&campaign));
}

/// The step of a series, and each row that differs with its verdict.
fn shown_steps(campaign: Campaign) -> Vec<String> {
    let line = |step: &PatchEffect| {
        let rows = step.differences.iter();
        let rows = rows.map(|row| format!("{} {}", row.workload, row.change.verdict.word()));
        let rows = rows.collect::<Vec<_>>().join(", ");
        format!("{} after {}: {rows}; {} unknown", step.variant, step.before, step.unknown)
    };
    compare(&step_by_step(campaign)).unwrap().steps.iter().map(line).collect()
}

#[test]
fn steps_are_judged_against_the_step_before() {
    let steps = shown_steps(campaign(
        Clock::Virtual,
        &[
            arm("original", &[], &[(1.0, 50.0), (1.0, 50.0)], 1),
            arm("s-1", &["a"], &[(0.5, 50.0), (0.5, 50.0)], 1),
            // Against the baseline it is faster still.
            arm("s-2", &["b"], &[(0.6, 50.0), (0.6, 50.0)], 1),
            arm("s-3", &["c"], &[(0.6, 50.0)], 1),
        ],
    ));
    assert_eq!(
        steps,
        [
            "s-1 after original: dd-read better; 0 unknown",
            "s-2 after s-1: dd-read worse; 0 unknown",
            "s-3 after s-2: ; 2 unknown",
        ]
    );
}

/// With the wall clock nothing is believed that is smaller than what the baseline does against itself.
#[test]
fn steps_with_a_control() {
    let boots = |seconds: f64| (0..8).map(|n| (seconds + f64::from(n) / 1000.0, 50.0)).collect::<Vec<_>>();
    let arms = |control: f64| {
        shown_steps(campaign(
            Clock::Wall,
            &[
                arm("original", &[], &boots(1.0), 1),
                arm("again", &[], &boots(control), 1),
                arm("s-1", &["a"], &boots(0.9), 1),
                arm("s-2", &["b"], &boots(0.5), 1),
            ],
        ))
    };
    let both = ["s-1 after original: dd-read better; 0 unknown", "s-2 after s-1: dd-read better; 0 unknown"];
    assert_eq!(arms(1.0), both);
    assert_eq!(arms(0.8), ["s-1 after original: ; 1 unknown", both[1]]);
}
