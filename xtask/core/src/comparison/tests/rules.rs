//! What counts and what does not: thresholds, arms of the same kernel, boots that are left out.

use expect_test::expect;
use lab_protocol::Splicing;

use super::*;
use crate::evidence::metric::Thresholds;
use crate::evidence::quiet::HostState;
use crate::plan::BootStep;

/// The changes of dd in the variants but the baseline.
fn changes(campaign: &Campaign) -> Vec<Change> {
    compare(campaign).unwrap().rows[0].cells.iter().filter_map(|cell| cell.change).collect()
}

fn boots(seconds: &[f64]) -> Vec<(f64, f64)> {
    seconds.iter().map(|&s| (s, 50.0)).collect()
}

/// dd of two kernels, with a threshold in percent: verdict, and the limit in percent.
fn check(clock: Clock, percent: f64, baseline: &[f64], other: &[f64], expected: (Verdict, Option<f64>)) {
    let arms = [arm("original", &[], &boots(baseline), 1), arm("patched", &["s"], &boots(other), 1)];
    let mut campaign = campaign(clock, &arms);
    campaign.file.plan.thresholds = Thresholds::uniform(percent);
    let change = changes(&campaign)[0];
    let limit = change.limit.map(|limit| (limit * 1e6).round() / 1e4);
    assert_eq!((change.verdict, limit), expected, "{clock:?} {percent} {baseline:?} {other:?}");
}

#[test]
fn a_small_threshold_with_two_boots() {
    let check = |percent, baseline: &[f64], other: &[f64], expected| {
        check(Clock::Virtual, percent, baseline, other, expected);
    };
    check(0.1, &[1.0, 1.0], &[1.005, 1.005], (Verdict::Worse, None));
    check(0.1, &[1.0, 1.0], &[0.995, 0.995], (Verdict::Better, None));
    check(0.1, &[1.0, 1.0], &[1.0, 1.0], (Verdict::Same, Some(0.0)));
    check(0.1, &[1.0, 1.0], &[1.0009, 1.0009], (Verdict::Same, Some(0.09)));
    check(0.1, &[1.0, 1.0], &[1.0011, 1.0011], (Verdict::Worse, None));
    // Of two pairs half the interval is 12.7 times half of what they differ by: here by 0.01 %, and by 0.6 %.
    check(0.1, &[1.0, 1.0], &[1.0050, 1.0051], (Verdict::Worse, None));
    check(0.1, &[1.0, 1.0], &[1.0000, 1.0001], (Verdict::Same, Some(0.0686)));
    check(0.1, &[1.0, 1.0], &[1.0000, 1.0060], (Verdict::Unclear, Some(4.1848)));
    check(0.0, &[1.0, 1.0], &[1.0, 1.0], (Verdict::Same, Some(0.0)));
    check(5.0, &[1.0, 1.0], &[1.04, 1.04], (Verdict::Same, Some(4.0)));
    check(5.0, &[1.0, 1.0], &[1.06, 1.06], (Verdict::Worse, None));
    check(5.0, &[1.0, 1.02], &[1.0, 1.0], (Verdict::Unclear, Some(14.5349)));
}

#[test]
fn how_many_samples_would_tell() {
    let needed = |other: &[f64]| {
        let arms = [arm("original", &[], &boots(&[1.0; 8]), 1), arm("patched", &["s"], &boots(other), 1)];
        let change = changes(&campaign(Clock::Virtual, &arms))[0];
        (change.verdict, change.samples_needed)
    };
    // Nearly no change, and half the interval is 1.79 %: 3.4 times as many pairs, 1.83 squared, would bring it to 0.98 %.
    assert_eq!(needed(&[0.98, 1.02, 0.98, 1.02, 0.98, 1.02, 0.98, 1.02]), (Verdict::Unclear, Some(27)));
    // The nearer to the threshold, the more.
    let (verdict, more) = needed(&[0.988, 1.028, 0.988, 1.028, 0.988, 1.028, 0.988, 1.028]);
    assert!(verdict == Verdict::Unclear && more > Some(100), "{more:?}");
    assert_eq!(needed(&[1.0; 8]), (Verdict::Same, None));
}

#[test]
fn limits_with_the_wall_clock() {
    let check = |percent, baseline: &[f64], other: &[f64], expected| {
        check(Clock::Wall, percent, baseline, other, expected);
    };
    let base = [1.0, 1.001, 1.002, 1.003, 1.004];
    // 5 against 5: the third ratio from each end, 1.004 / 1.001.
    check(1.0, &base, &base, (Verdict::Same, Some(0.2997)));
    check(0.1, &base, &base, (Verdict::Unclear, Some(0.2997)));
    let slower = base.map(|s| s * 1.02);
    check(1.0, &base, &slower, (Verdict::Worse, None));
    check(3.0, &base, &slower, (Verdict::Same, Some(2.3057)));
    // Significant, but how large it is cannot be said: the interval reaches over the threshold.
    check(2.1, &base, &slower, (Verdict::Unclear, Some(2.3057)));
}

/// What is no larger than a difference between two labels of one kernel is none, even if that one is owed to chance.
#[test]
fn a_change_has_to_exceed_what_the_baseline_does_against_itself() {
    let wide: Vec<f64> = (0..8).map(|n| 1.0 + f64::from(n) * 0.03).collect();
    let shifted = |by: f64| boots(&wide.iter().map(|s| s * by).collect::<Vec<_>>());
    let narrow = boots(&[1.05, 1.0501, 1.0502, 1.0503, 1.0504, 1.0505, 1.0506, 1.0507]);
    let arms = |control: Vec<(f64, f64)>, other: Vec<(f64, f64)>| {
        let arms = [
            Arm { name: "original", series: &[], boots: narrow.clone(), in_flight: 1 },
            Arm { name: "control", series: &[], boots: control, in_flight: 1 },
            Arm { name: "patched", series: &["s"], boots: other, in_flight: 1 },
        ];
        changes(&campaign(Clock::Wall, &arms)).iter().map(|change| change.verdict).collect::<Vec<_>>()
    };
    let other = || narrow.iter().map(|(s, aio)| (s * 1.03, *aio)).collect::<Vec<_>>();
    assert_eq!(arms(narrow.clone(), other()), [Verdict::Same, Verdict::Worse]);
    assert_eq!(arms(shifted(1.0), other()), [Verdict::Unclear, Verdict::Unclear]);
    assert_eq!(arms(shifted(1.2), other()), [Verdict::Unreliable, Verdict::Unreliable]);
}

#[test]
fn a_planted_slowdown_is_no_arm_of_the_same_kernel() {
    let arms = [
        arm("original", &[], &boots(&[1.0, 1.0]), 1),
        arm("again", &[], &boots(&[1.0, 1.0]), 1),
        arm("planted", &[], &boots(&[1.005, 1.005]), 1),
    ];
    let mut campaign = campaign(Clock::Virtual, &arms);
    campaign.file.plan.thresholds = Thresholds::uniform(0.1);
    campaign.file.plan.variants[2].planted_ns = Some(2000);
    let comparison = compare(&campaign).unwrap();
    let found: Vec<_> = changes(&campaign).iter().map(|change| change.verdict).collect();
    assert_eq!(found, [Verdict::Same, Verdict::Worse]);
    assert_eq!(comparison.conclusion.status, Status::Worse);
    let said = comparison.doubts.join("\n");
    assert!(said.contains("original and again are the same kernel") && !said.contains("planted"), "{said}");
    // Without the plant it is what the kernel does against itself, and nothing is believed.
    campaign.file.plan.variants[2].planted_ns = None;
    let comparison = compare(&campaign).unwrap();
    assert_eq!(changes(&campaign)[1].verdict, Verdict::Unreliable);
    assert_eq!(comparison.conclusion.status, Status::NoFinding);
    let said = comparison.doubts.join("\n");
    let expected = "slow, dd-read, throughput: planted, the same kernel as original, differs from it by -0.5 %: a change";
    assert!(said.contains(expected), "{said}");
}

fn mark_warm_up(step: &mut BootStep) {
    step.warm_up = true;
}

#[test]
fn boots_that_warm_up_are_kept_and_not_compared() {
    let arms = |first: f64| {
        let seconds = [first, 1.0, 1.001, 1.002, 1.003, 1.004];
        let mut campaign = campaign(
            Clock::Wall,
            &[arm("original", &[], &boots(&seconds), 1), arm("patched", &["s"], &boots(&seconds), 1)],
        );
        for number in [0, 6] {
            mark_warm_up(&mut campaign.boots[number].record.boot);
            mark_warm_up(&mut campaign.file.plan.boots[number]);
        }
        campaign
    };
    let [cold, warm] = [9.0, 1.0].map(|first| compare(&arms(first)).unwrap());
    assert_eq!(cold.rows[0].cells[0].samples.len(), 5);
    assert_eq!(cold.rows[0].cells[0].absent, 0);
    assert_eq!(cold.rows[0].cells[0].mean, warm.rows[0].cells[0].mean);
    let counted = cold.variants[0].boots;
    assert_eq!((counted.planned, counted.finished, counted.warm_up), (6, 6, 1));
    // What the kernel says in them counts.
    let mut warned = arms(1.0);
    warn(&mut warned.boots[6], "f");
    assert_eq!(status(&warned), Status::Worse);
}

#[test]
fn disturbed_boots_are_named_and_count() {
    let mut rows = compare(&campaign(Clock::Wall, &two_arms())).unwrap().rows;
    assert_eq!(doubts::disturbed(&rows), None);
    for row in &mut rows {
        row.cells[0].samples[1].disturbed = vec!["steal 4 %".to_owned()];
        row.cells[1].samples[0].disturbed = vec!["others 30 %".to_owned(), "memory 9 %".to_owned()];
    }
    assert_eq!(
        doubts::disturbed(&rows).unwrap(),
        "2 of the boots that are compared were disturbed from outside: boot 2 (steal 4 %); boot 3 (others 30 %, memory \
         9 %)"
    );
}

#[test]
fn requests_that_could_not_be_spliced_are_a_doubt() {
    let said = |fell_back: u64| {
        let mut campaign = campaign(Clock::Virtual, &two_arms());
        for (place, boot) in campaign.boots.iter_mut().enumerate() {
            let workload = &mut boot.report.as_mut().unwrap().workloads[0];
            let fell_back = if place >= 2 { fell_back } else { 0 };
            let splicing = Splicing { spliced: 500, copied: 12 - fell_back, fell_back };
            workload.requests.as_mut().unwrap().splicing = Some(splicing);
        }
        compare(&campaign)
            .unwrap()
            .doubts
            .into_iter()
            .filter(|doubt| doubt.contains("splic"))
            .collect::<Vec<_>>()
    };
    assert_eq!(said(0), [] as [String; 0]);
    assert_eq!(
        said(5),
        [
            "slow: splicing was asked for, but 10 of 2048 READs and WRITEs could not be spliced and were copied (patched): \
             these figures are not those of splicing"
        ]
    );
}

#[test]
fn too_few_boots_for_the_wall_clock() {
    let doubts = |count: usize| {
        let seconds: Vec<f64> = (0..count).map(|n| 1.0 + n as f64 / 100.0).collect();
        let arms = [arm("original", &[], &boots(&seconds), 1), arm("patched", &["s"], &boots(&seconds), 1)];
        compare(&campaign(Clock::Wall, &arms)).unwrap().doubts.join("\n")
    };
    assert!(doubts(3).contains("fewer than 4 boots"), "{}", doubts(3));
    // 2 / 70 for each of two cells.
    let expected = "4 boots against 4 cannot show a difference: the smallest p is 0.0286, and 2 cells are looked at, so \
                    that it is corrected to 0.06";
    assert!(doubts(4).contains(expected), "{}", doubts(4));
    assert!(!doubts(5).contains("cannot show"), "{}", doubts(5));
}

#[test]
fn another_variant_as_the_baseline() {
    let campaign = campaign(Clock::Virtual, &two_arms());
    let against =
        |name: &str| answer(&campaign, &Question { baseline: Some(name.to_owned()), ..Question::default() });
    let turned = against("patched").unwrap();
    let names: Vec<_> = turned.variants.iter().map(|variant| variant.name.as_str()).collect();
    assert_eq!((turned.baseline.as_str(), names), ("patched", vec!["patched", "original"]));
    assert_eq!(turned.rows[0].cells[1].change.unwrap().verdict, Verdict::Worse);
    assert_eq!(turned.conclusion.status, Status::Worse);
    assert_eq!(
        against("patchd").unwrap_err().to_string(),
        "--baseline: there is no variant `patchd`; did you mean `patched`? there are: original, patched"
    );
}

/// Arms of the same kernel are corrected by themselves: they take nothing from the others' chance to be seen.
#[test]
fn families_of_arms() {
    let slow = boots(&[1.0, 1.01, 1.02, 1.03, 1.04]);
    let fast = boots(&[0.5, 0.51, 0.52, 0.53, 0.54]);
    let arms = [
        Arm { name: "original", series: &[], boots: slow.clone(), in_flight: 1 },
        Arm { name: "again", series: &[], boots: slow.clone(), in_flight: 1 },
        Arm { name: "once-more", series: &[], boots: slow, in_flight: 1 },
        Arm { name: "patched", series: &["s"], boots: fast, in_flight: 1 },
    ];
    let change = changes(&campaign(Clock::Wall, &arms))[2];
    // 2 / 252, for dd and aio-stress.
    assert_eq!((change.p_corrected.unwrap() * 252.0).round(), 4.0);
    assert_eq!(change.verdict, Verdict::Better);
}

/// A boot that the host could move about is worth less, whatever the reason; with the virtual clock it does not matter.
#[test]
fn boots_that_were_not_bound_are_a_doubt() {
    let doubts = |clock, reasons: &[Option<&str>]| {
        let mut campaign = campaign(clock, &two_arms());
        for (boot, why) in campaign.boots.iter_mut().zip(reasons) {
            let not_pinned = why.map(str::to_owned);
            boot.record.host = Some(HostState { not_pinned, ..HostState::default() });
        }
        let doubts = compare(&campaign).unwrap().doubts;
        doubts.into_iter().filter(|doubt| doubt.contains("bound")).collect::<Vec<_>>().join("\n")
    };
    let (few, other) = (Some("there are too few"), Some("nobody asked for it"));
    expect![[r#"
        1 of 4 boots were not bound to CPUs of their own (nobody asked for it): the host may move them, and run others there
        2 of 4 boots were not bound to CPUs of their own (there are too few): the host may move them, and run others there"#]]
    .assert_eq(&doubts(Clock::Wall, &[few, None, other, few]));
    assert_eq!(doubts(Clock::Wall, &[None; 4]), "");
    assert_eq!(doubts(Clock::Virtual, &[few; 4]), "");
}

#[test]
fn only_what_is_asked_for_is_judged() {
    let slow = boots(&[1.0, 1.01]);
    let arms = [
        Arm { name: "original", series: &[], boots: slow.clone(), in_flight: 1 },
        Arm { name: "patched", series: &["s"], boots: boots(&[0.5, 0.51]), in_flight: 1 },
        Arm { name: "slower", series: &["t"], boots: boots(&[2.0, 2.01]), in_flight: 1 },
    ];
    let campaign = campaign(Clock::Virtual, &arms);
    let ask = |question: Question| answer(&campaign, &question);
    let named = |name: &str| vec![name.to_owned()];
    assert_eq!(ask(Question::default()).unwrap().conclusion.status, Status::Worse);
    let one = ask(Question { variants: named("patched"), ..Question::default() }).unwrap();
    let names: Vec<_> = one.variants.iter().map(|variant| variant.name.as_str()).collect();
    assert_eq!((names, one.conclusion.status), (vec!["original", "patched"], Status::NoFinding));
    assert!(one.rows.iter().chain(&one.other_metrics).all(|row| row.cells.len() == 2));

    let (scenario, workload) = (one.rows[0].scenario.clone(), one.rows[0].workload.clone());
    let all =
        Question { scenarios: vec![scenario], workloads: vec![workload.clone()], ..Question::default() };
    let row = ask(all.clone()).unwrap();
    assert!(row.rows.iter().all(|row| row.workload == workload));
    assert_eq!(all.options(), format!(" --scenarios {} --workloads {workload}", row.rows[0].scenario));
    for (question, expected) in [
        (
            Question { variants: named("slowr"), ..Question::default() },
            "--variants: there is no variant `slowr`; did you mean `slower`?",
        ),
        (
            Question { scenarios: named("x"), ..Question::default() },
            "--scenarios: there is no scenario `x`; ",
        ),
        (
            Question { workloads: named("x"), ..Question::default() },
            "--workloads: there is no workload `x`; ",
        ),
    ] {
        let error = ask(question).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}
