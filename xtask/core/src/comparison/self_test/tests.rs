//! Predictions, judgements and the table; no speed in them was measured, but for the figures of one prediction.

use expect_test::expect;
use lab_protocol::ServerSettings;

use super::judge::{Expectation, tolerance};
use super::predict::{BaselineFigures, predict};
use super::*;
use crate::comparison::{self, Verdict};
use crate::report::self_test::render;

#[test]
fn what_is_planted_comes_on_top() {
    let local = ServerSettings::example().storage;
    let remote = ServerSettings::example().with_latency_us(1000).storage;
    // dd reading 64 MiB at 1001 MB/s, as in the reference campaign.
    let seen = |most_in_flight| BaselineFigures {
        elapsed_s: 0.067042,
        requests: 512,
        most_in_flight,
        mean_in_flight: f64::from(most_in_flight) * 0.75,
    };
    let work = |ns| Some(Planted::WorkNs(ns));
    // 10 us in each request.
    let latency = Some(Planted::LatencyPermille(10));
    for (in_flight, planted, cpus, storage, expected) in [
        (1, None, 1, &local, "1.0000 Whole"),
        (1, work(655), 1, &local, "0.9950 Whole"),
        (1, work(1_310), 1, &local, "0.9901 Whole"),
        (1, work(6_550), 1, &local, "0.9524 Whole"),
        (1, work(26_200), 1, &local, "0.8333 Whole"),
        (1, work(26_200), 2, &remote, "0.8333 Whole"),
        (12, work(26_200), 1, &local, "0.8333 Whole"),
        (12, work(26_200), 2, &local, "0.8333 AtMost"),
        (12, work(26_200), 1, &remote, "0.8333 AtMost"),
        (1, latency, 1, &remote, "0.9290 Whole"),
        // Nine wait together.
        (12, latency, 1, &remote, "0.9916 AtMost"),
        (12, latency, 1, &local, "1.0000 Whole"),
    ] {
        let found = predict(seen(in_flight), planted, cpus, storage);
        assert_eq!(format!("{:.4} {:?}", found.ratio, found.reach), expected);
    }
}

fn change(verdict: Verdict, ratio: f64, interval: Option<(f64, f64)>) -> Change {
    Change {
        ratio: Some(ratio),
        ratio_of_means: Some(ratio),
        limit: None,
        verdict,
        samples_needed: None,
        p: interval.map(|_| 0.043),
        p_corrected: interval.map(|_| 0.043),
        interval,
        smallest_visible: None,
    }
}

fn judged(clock: Clock, planted: (u64, f64, Reach), change: &Change) -> String {
    let (planted_ns, ratio, reach) = planted;
    let threshold = match clock {
        Clock::Virtual => 0.001,
        Clock::Wall => 0.01,
    };
    match (Expectation { clock, threshold }).judge(
        (planted_ns > 0).then_some(Planted::WorkNs(planted_ns)),
        Some(Prediction { ratio, reach }),
        Some(change),
    ) {
        Judgement::AsItShouldBe => "right".to_owned(),
        Judgement::Wrong(why) => format!("wrong: {why}"),
        Judgement::CannotTell(why) => format!("cannot tell: {why}"),
    }
}

#[test]
fn judgements_on_the_virtual_clock() {
    use Reach::{AtMost, Whole};
    use Verdict::{Better, Failed, Same, Unclear, Worse};
    for (planted, verdict, found, expected) in [
        ((0, 1.0, Whole), Same, 1.0, "right"),
        ((0, 1.0, Whole), Worse, 0.998, "wrong: nothing was planted"),
        ((0, 1.0, Whole), Better, 1.002, "wrong: nothing was planted"),
        ((0, 1.0, Whole), Unclear, 1.0, "right"),
        ((1, 0.995, Whole), Unclear, 0.997, "wrong: what was planted was not found"),
        ((1, 0.8, AtMost), Unclear, 0.999, "right"),
        ((0, 1.0, Whole), Failed, 1.0, "wrong: the workload failed"),
        // Half a percent, found within 0.05 and 0.15 points of it.
        ((1, 0.995, Whole), Worse, 0.995, "right"),
        ((1, 0.995, Whole), Worse, 0.9969, "right"),
        ((1, 0.995, Whole), Worse, 0.9931, "right"),
        ((1, 0.995, Whole), Worse, 0.9971, "wrong: less than was planted"),
        ((1, 0.995, Whole), Worse, 0.9929, "wrong: more than was planted"),
        ((1, 0.995, Whole), Same, 0.9995, "wrong: what was planted was not found"),
        ((1, 0.995, Whole), Better, 1.002, "wrong: what was planted made it faster"),
        // A fifth, found within 2 and 0.15 points of it.
        ((1, 0.8, Whole), Worse, 0.820, "right"),
        ((1, 0.8, Whole), Worse, 0.822, "wrong: less than was planted"),
        ((1, 0.8, Whole), Worse, 0.778, "wrong: more than was planted"),
        // Less than what counts.
        ((1, 0.9995, Whole), Same, 0.9995, "right"),
        // What may hide.
        ((1, 0.8, AtMost), Same, 1.0, "right"),
        ((1, 0.8, AtMost), Worse, 0.99, "right"),
        ((1, 0.8, AtMost), Worse, 0.778, "wrong: more than was planted"),
        ((1, 0.8, AtMost), Better, 1.02, "wrong: what was planted made it faster"),
    ] {
        let text = judged(Clock::Virtual, planted, &change(verdict, found, None));
        assert_eq!(text, expected, "{planted:?} {verdict:?} {found}");
    }
}

#[test]
fn judgements_in_real_time() {
    use Reach::{AtMost, Whole};
    use Verdict::{Better, NotEnoughData, Same, Unclear, Unreliable, Worse};
    for (planted, verdict, interval, expected) in [
        ((0, 1.0, Whole), Same, (0.995, 1.005), "right"),
        ((0, 1.0, Whole), Unclear, (0.9, 1.1), "cannot tell: unclear"),
        ((0, 1.0, Whole), Unreliable, (0.9, 0.95), "wrong: nothing was planted"),
        ((0, 1.0, Whole), NotEnoughData, (0.9, 0.95), "cannot tell: too few"),
        ((1, 0.995, Whole), Same, (0.991, 0.999), "right"),
        ((1, 0.995, Whole), Unclear, (0.9, 1.1), "cannot tell: unclear"),
        ((1, 0.8, Whole), Worse, (0.7, 0.9), "right"),
        ((1, 0.8, Whole), Worse, (0.83, 0.9), "cannot tell: its interval says less than was planted"),
        ((1, 0.8, Whole), Worse, (0.7, 0.77), "cannot tell: its interval says more than was planted"),
        ((1, 0.8, AtMost), Worse, (0.83, 0.9), "right"),
        ((1, 0.8, Whole), Unreliable, (0.7, 0.9), "cannot tell: unreliable"),
        ((1, 0.8, Whole), Same, (0.995, 1.0), "wrong: what was planted was not found"),
        ((1, 0.8, Whole), Better, (1.1, 1.2), "wrong: what was planted made it faster"),
    ] {
        let middle = (interval.0 + interval.1) / 2.0;
        let text = judged(Clock::Wall, planted, &change(verdict, middle, Some(interval)));
        assert_eq!(text, expected, "{planted:?} {verdict:?} {interval:?}");
    }
    let rules = Expectation { clock: Clock::Wall, threshold: 0.01 };
    assert_eq!(
        rules.judge(None, None, None),
        Judgement::CannotTell("there is no figure".to_owned()),
        "a workload that failed everywhere"
    );
}

#[test]
fn a_tolerance_grows_with_what_was_planted() {
    for (ratio, expected) in [(1.0, 0.0015), (0.995, 0.002), (0.9, 0.0115)] {
        let found = tolerance(Prediction { ratio, reach: Reach::Whole });
        assert!((found - expected).abs() < 1e-12, "{ratio}: {found}");
    }
}

fn row(clock: Clock, workload: &str, planted: (u64, f64, Reach), change: Change) -> SelfTestRow {
    let (ns, ratio, reach) = planted;
    let planted = (ns > 0).then_some(Planted::WorkNs(ns));
    let prediction = Some(Prediction { ratio, reach });
    SelfTestRow {
        scenario: "fast".to_owned(),
        workload: workload.to_owned(),
        arm: planted.map_or("again".to_owned(), |_| format!("planted-{ns}ns")),
        planted,
        is_placebo: false,
        may_move: 0.0,
        prediction,
        samples: 6,
        alike: planted.is_none(),
        intervals: change.interval.map(|interval| (Method::PairedT, interval)).into_iter().collect(),
        judgement: Expectation { clock, threshold: 0.01 }.judge(planted, prediction, Some(&change)),
        change: Some(change),
    }
}

fn self_test(clock: Clock, rows: Vec<SelfTestRow>) -> SelfTest {
    SelfTest {
        campaign: "2026-01-02-self-test-built-1".to_owned(),
        clock,
        threshold: 0.01,
        scenarios: vec!["fast".to_owned()],
        rows,
        troubled_boots: 0,
    }
}

#[test]
fn a_table_without_statistics() {
    let row = |workload: &str, planted, verdict, found| {
        row(Clock::Virtual, workload, planted, change(verdict, found, None))
    };
    let mut rows = vec![
        row("dd-read", (0, 1.0, Reach::Whole), Verdict::Same, 1.0),
        row("dd-read", (6550, 0.952, Reach::Whole), Verdict::Worse, 0.9531),
        row("aio-read", (0, 1.0, Reach::Whole), Verdict::Same, 0.99999),
        row("aio-read", (6550, 0.9, Reach::Whole), Verdict::Worse, 0.91),
    ];
    let test = self_test(Clock::Virtual, rows.clone());
    assert_eq!(test.status(), Status::NoFinding);
    expect![[r#"
        self-test: 2026-01-02-self-test-built-1, virtual clock. The arms boot one kernel; in some of them
          the server works longer at each READ and WRITE, or storage takes longer. Placebos are kernels with
          a change that means nothing. A difference counts from 1 % on. Predicted is what the baseline's
          time and number of requests come to.

        scenario fast
        | workload | arm            | planted | predicted |   found | 95 % interval | n | verdict |                 |
        |----------|----------------|---------|-----------|---------|---------------|---|---------|-----------------|
        | dd-read  | again          |    none |   +0.00 % | +0.00 % |             - | 6 | same    | as it should be |
        |          | planted-6550ns | 6550 ns |   -4.80 % | -4.69 % |             - | 6 | worse   | as it should be |
        | aio-read | again          |    none |   +0.00 % | +0.00 % |             - | 6 | same    | as it should be |
        |          | planted-6550ns | 6550 ns |  -10.00 % | -9.00 % |             - | 6 | worse   | as it should be |

        The baseline and the baseline again took the same time to the nanosecond in 2 of 2 workloads.

        Passed (exit code 0): 4 of 4 rows are as they should be.
    "#]]
    .assert_eq(&render(&test));

    rows.truncate(1);
    rows.push(row_of_wrong_size());
    let test = self_test(Clock::Virtual, rows);
    assert_eq!(test.status(), Status::Worse);
    let text = render(&test);
    let end: Vec<&str> = text.lines().rev().take(5).collect();
    expect![[r#"
        FAILED (exit code 1): 1 of 2 rows are as they should be; 1 WRONG.

        The baseline and the baseline again took the same time to the nanosecond in 1 of 1 workloads.

        |          | planted-6550ns | 6550 ns |   -4.80 % | -1.00 % |             - | 6 | worse   | WRONG: less than was planted |"#]]
    .assert_eq(&end.join("\n"));
}

fn row_of_wrong_size() -> SelfTestRow {
    let change = change(Verdict::Worse, 0.99, None);
    row(Clock::Virtual, "dd-read", (6550, 0.952, Reach::Whole), change)
}

#[test]
fn an_upper_bound_is_explained() {
    let change = change(Verdict::Better, 1.03, None);
    let row = row(Clock::Virtual, "dd-read", (6550, 0.952, Reach::AtMost), change);
    expect![[r#"
        self-test: 2026-01-02-self-test-built-1, virtual clock. The arms boot one kernel; in some of them
          the server works longer at each READ and WRITE, or storage takes longer. Placebos are kernels with
          a change that means nothing. A difference counts from 1 % on. Predicted is what the baseline's
          time and number of requests come to.

        scenario fast
        | workload | arm            | planted |  predicted |   found | 95 % interval | n | verdict |                                        |
        |----------|----------------|---------|------------|---------|---------------|---|---------|----------------------------------------|
        | dd-read  | planted-6550ns | 6550 ns | <= -4.80 % | +3.00 % |             - | 6 | better  | WRONG: what was planted made it faster |

        <=: at most. Some of what is planted can hide while other requests wait or run on another CPU. Where
        many requests wait at once, a later answer can also put them into another order, which moves
        throughput by some percent in either direction: a row that is WRONG for that shows how large a
        difference says nothing about a kernel there.

        The baseline and the baseline again took the same time to the nanosecond in 0 of 0 workloads.

        FAILED (exit code 1): 0 of 1 rows are as they should be; 1 WRONG.
    "#]].assert_eq(&render(&self_test(Clock::Virtual, vec![row])));
}

#[test]
fn placebos_are_counted() {
    let placebo = |name: &str, verdict, found: f64| {
        let change = change(verdict, found, Some((found - 0.001, found + 0.001)));
        SelfTestRow {
            arm: format!("placebo-{name}"),
            is_placebo: true,
            ..row(Clock::Virtual, "dd-read", (0, 1.0, Reach::Whole), change)
        }
    };
    let planted = |found: f64, verdict| {
        let change = change(verdict, found, Some((found - 0.001, found + 0.001)));
        row(Clock::Virtual, "dd-read", (655, 0.995, Reach::Whole), change)
    };
    let mut rows = vec![
        placebo("a", Verdict::Same, 1.0001),
        placebo("b", Verdict::Unclear, 0.9995),
        planted(0.9951, Verdict::Worse),
    ];
    let shown = |rows: &[SelfTestRow]| render(&self_test(Clock::Virtual, rows.to_vec()));
    expect![[r#"
        self-test: 2026-01-02-self-test-built-1, virtual clock. The arms boot one kernel; in some of them
          the server works longer at each READ and WRITE, or storage takes longer. Placebos are kernels with
          a change that means nothing. A difference counts from 1 % on. Predicted is what the baseline's
          time and number of requests come to.

        scenario fast
        | workload | arm           | planted | predicted |   found |      95 % interval | n | verdict |                 |
        |----------|---------------|---------|-----------|---------|--------------------|---|---------|-----------------|
        | dd-read  | planted-655ns |  655 ns |   -0.50 % | -0.49 % | -0.59 % to -0.39 % | 6 | worse   | as it should be |

        The baseline and the baseline again took the same time to the nanosecond in 0 of 0 workloads.

        Placebos: 0 false alarms in 2 rows of 2 kernels (0.0 %); the largest change was -0.05 %.

        Planted slowdowns of 0.4 to 1.2 % that must show: 1 of 1 were found.

        95 % intervals that hold the true value: of placebos paired t 2 of 2 (100.0 %); of what was planted
        paired t 1 of 1 (100.0 %). Verdicts follow from paired t.

        Passed (exit code 0): 3 of 3 rows are as they should be.
    "#]].assert_eq(&shown(&rows));
    rows.extend([placebo("c", Verdict::Better, 1.02), planted(0.999, Verdict::Same)]);
    expect![[r#"
        self-test: 2026-01-02-self-test-built-1, virtual clock. The arms boot one kernel; in some of them
          the server works longer at each READ and WRITE, or storage takes longer. Placebos are kernels with
          a change that means nothing. A difference counts from 1 % on. Predicted is what the baseline's
          time and number of requests come to.

        scenario fast
        | workload | arm           | planted | predicted |   found |      95 % interval | n | verdict |                 |
        |----------|---------------|---------|-----------|---------|--------------------|---|---------|-----------------|
        | dd-read  | planted-655ns |  655 ns |   -0.50 % | -0.49 % | -0.59 % to -0.39 % | 6 | worse   | as it should be |
        |          | placebo-c     |    none |   +0.00 % | +2.00 % | +1.90 % to +2.10 % | 6 | better  | false alarm     |
        |          | planted-655ns |  655 ns |   -0.50 % | -0.10 % | -0.20 % to +0.00 % | 6 | same    | as it should be |

        The baseline and the baseline again took the same time to the nanosecond in 0 of 0 workloads.

        Placebos: 1 false alarm in 3 rows of 3 kernels (33.3 %); the largest change was +2.00 %.

        Planted slowdowns of 0.4 to 1.2 % that must show: 1 of 2 were found.

        95 % intervals that hold the true value: of placebos paired t 2 of 3 (66.7 %); of what was planted
        paired t 1 of 2 (50.0 %). Verdicts follow from paired t.

        FAILED (exit code 1): 4 of 5 rows are as they should be; 1 false alarm, too many.
    "#]].assert_eq(&shown(&rows));
}

/// Of twenty intervals of 95 % one does not hold the true value.
#[test]
fn one_alarm_in_twenty_is_no_fault() {
    let placebo = |verdict, found| SelfTestRow {
        is_placebo: true,
        ..row(Clock::Virtual, "dd-read", (0, 1.0, Reach::Whole), change(verdict, found, None))
    };
    let mut rows = vec![placebo(Verdict::Same, 1.0); 19];
    rows.push(placebo(Verdict::Better, 1.02));
    let test = self_test(Clock::Virtual, rows.clone());
    assert_eq!(test.status(), Status::NoFinding);
    let last = |test: &SelfTest| render(test).lines().last().map(str::to_owned).unwrap();
    expect!["  95 % have."].assert_eq(&last(&test));
    rows.push(placebo(Verdict::Worse, 0.98));
    let test = self_test(Clock::Virtual, rows);
    assert_eq!(test.status(), Status::Worse);
    expect!["FAILED (exit code 1): 19 of 21 rows are as they should be; 2 false alarms, too many."]
        .assert_eq(&last(&test));
}

#[test]
fn a_table_with_statistics() {
    let row = |planted, verdict, interval: (f64, f64)| {
        row(Clock::Wall, "dd-read", planted, change(verdict, (interval.0 + interval.1) / 2.0, Some(interval)))
    };
    let rows = vec![
        row((0, 1.0, Reach::Whole), Verdict::Unclear, (0.93, 1.05)),
        row((6550, 0.952, Reach::AtMost), Verdict::Worse, (0.94, 0.97)),
    ];
    let test = self_test(Clock::Wall, rows);
    assert_eq!(test.status(), Status::CannotTell);
    expect![[r#"
        self-test: 2026-01-02-self-test-built-1, wall clock. The arms boot one kernel; in some of them the
          server works longer at each READ and WRITE, or storage takes longer. Placebos are kernels with a
          change that means nothing. A difference counts from 1 % on. Predicted is what the baseline's time
          and number of requests come to.

        scenario fast
        | workload | arm            | planted |  predicted |   found |      95 % interval |     p | n | verdict |                      |
        |----------|----------------|---------|------------|---------|--------------------|-------|---|---------|----------------------|
        | dd-read  | again          |    none |    +0.00 % | -1.00 % | -7.00 % to +5.00 % | 0.043 | 6 | unclear | cannot tell: unclear |
        |          | planted-6550ns | 6550 ns | <= -4.80 % | -4.50 % | -6.00 % to -3.00 % | 0.043 | 6 | worse   | as it should be      |

        <=: at most. Some of what is planted can hide while other requests wait or run on another CPU.

        CANNOT TELL (exit code 2): 1 of 2 rows are as they should be; 1 cannot be told.
    "#]].assert_eq(&render(&test));
}

/// A boot without a result, or no result at all, is no success.
#[test]
fn what_is_missing_is_no_success() {
    let right = || row(Clock::Virtual, "dd-read", (0, 1.0, Reach::Whole), change(Verdict::Same, 1.0, None));
    let mut test = self_test(Clock::Virtual, vec![right()]);
    assert_eq!(test.status(), Status::NoFinding);
    test.troubled_boots = 1;
    assert_eq!(test.status(), Status::CannotTell);
    assert!(
        render(&test).contains(
            "CANNOT TELL (exit code 2): 1 of 1 rows are as they should be; 1 boot did not end well."
        )
    );
    assert_eq!(self_test(Clock::Virtual, Vec::new()).status(), Status::CannotTell);
}

fn built(clock: Clock, arms: &[(&'static str, Option<u64>, f64)], boots: usize) -> Campaign {
    let arms_built: Vec<_> = arms
        .iter()
        .map(|&(name, _, dd_s)| {
            let boots: Vec<_> = (0..boots).map(|boot| (dd_s + boot as f64 * 1e-5, 55.0)).collect();
            crate::fixtures::arm(name, &[], &boots, 1)
        })
        .collect();
    let mut campaign = crate::fixtures::campaign(clock, &arms_built);
    let plan = &mut campaign.file.plan;
    for (variant, (_, planted_ns, _)) in plan.variants.iter_mut().zip(arms) {
        variant.planted_ns = *planted_ns;
    }
    plan.workloads.truncate(1);
    plan.thresholds = crate::evidence::metric::Thresholds::uniform(0.1);
    campaign
}

/// 512 requests, with 1 ms planted in each, in 0.6 s.
#[test]
fn a_campaign_is_held_against_what_was_planted() {
    let test = |clock, planted_s, again_s, boots| {
        let arms =
            [("original", None, 0.6), ("again", None, again_s), ("planted", Some(1_000_000), planted_s)];
        let campaign = built(clock, &arms, boots);
        let comparison = comparison::compare(&campaign).unwrap();
        let test = super::check(&campaign, &comparison).unwrap();
        let line = |row: &SelfTestRow| {
            let verdict = row.change.map_or("-", |change| change.verdict.word());
            let alike = if row.alike { " alike" } else { "" };
            format!("{} {verdict}{alike} {:?}", row.arm, row.judgement)
        };
        let lines: Vec<_> = test.rows.iter().map(line).collect();
        format!("{:?}: {}", test.status(), lines.join(", "))
    };
    expect!["NoFinding: again same alike AsItShouldBe, planted worse AsItShouldBe"].assert_eq(&test(
        Clock::Virtual,
        1.112,
        0.6,
        2,
    ));
    expect![[r#"Worse: again same alike AsItShouldBe, planted worse Wrong("less than was planted")"#]]
        .assert_eq(&test(Clock::Virtual, 1.0, 0.6, 2));
    expect![[r#"Worse: again unreliable Wrong("nothing was planted"), planted worse AsItShouldBe"#]]
        .assert_eq(&test(Clock::Virtual, 1.112, 0.602, 2));
    // Planted arms boot the baseline's kernel, but are not taken for its noise.
    expect!["NoFinding: again same alike AsItShouldBe, planted worse AsItShouldBe"].assert_eq(&test(
        Clock::Wall,
        1.112,
        0.6,
        6,
    ));
}

#[test]
fn other_campaigns_are_no_self_tests() {
    let campaign = built(Clock::Virtual, &[("original", None, 0.6), ("again", None, 0.6)], 2);
    assert!(super::check(&campaign, &comparison::compare(&campaign).unwrap()).is_none());
}
