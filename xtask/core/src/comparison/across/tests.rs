//! Two campaigns that are built here; no speed in them was measured.

use expect_test::expect;

use super::*;
use crate::campaign::KernelBase;
use crate::evidence::metric::Thresholds;
use crate::fixtures::{Arm, arm, campaign, two_arms};
use crate::plan::{Arch, fixed_machine};
use crate::report;

/// dd in seconds, of the baseline and of another kernel.
fn two(original: f64, patched: f64) -> Campaign {
    let boots = |seconds: f64| vec![(seconds, 50.0); 2];
    let arm = |name, series, boots| Arm { name, series, boots, in_flight: 1 };
    campaign(Clock::Virtual, &[arm("original", &[], boots(original)), arm("patched", &["s"], boots(patched))])
}

fn put(left: &Campaign, right: &Campaign) -> anyhow::Result<Across> {
    across([left, right], &Question::default())
}

#[test]
fn effects_that_agree() {
    let check = |left: (f64, f64), right: (f64, f64), expected: Agreement| {
        let found = put(&two(left.0, left.1), &two(right.0, right.1)).unwrap();
        assert_eq!(found.rows[0].cells[1].agreement, Some(expected), "{left:?} {right:?}");
        assert_eq!(found.rows[0].cells[0].agreement, None);
        assert_eq!(found.status, expected, "{left:?} {right:?}");
    };
    check((1.0, 0.5), (1.0, 0.5), Agreement::Agree);
    check((1.0, 0.5), (2.0, 0.9), Agreement::Agree);
    check((1.0, 1.0), (2.0, 2.0), Agreement::Agree);
    check((1.0, 0.5), (1.0, 1.0), Agreement::Disagree);
    check((1.0, 0.5), (1.0, 2.0), Agreement::Disagree);
    // A change of 1.2 % counts in one of them only, and the other one rules out what is larger than 1 %.
    check((1.0, 1.012), (1.0, 1.008), Agreement::Disagree);
    let mut short = two(1.0, 0.5);
    short.boots.pop();
    assert_eq!(put(&two(1.0, 0.5), &short).unwrap().status, Agreement::CannotTell);
}

#[test]
fn a_difference_that_the_other_does_not_rule_out() {
    let strict = {
        let mut campaign = two(1.0, 1.008);
        campaign.file.plan.thresholds = Thresholds::uniform(0.5);
        campaign
    };
    let seconds = [0.9955, 1.0045, 0.9955, 1.0045].map(|seconds| (seconds, 50.0));
    let loose = [arm("original", &[], &[(1.0, 50.0); 4], 1), arm("patched", &["s"], &seconds, 1)];
    let found = put(&strict, &campaign(Clock::Virtual, &loose)).unwrap();
    let verdicts = found.rows[0].cells[1].effects.map(|effect| effect.map(|change| change.verdict));
    assert_eq!(verdicts, [Some(Verdict::Worse), Some(Verdict::Same)]);
    assert_eq!(found.status, Agreement::Agree);
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let refused = |change: &dyn Fn(&mut Campaign)| {
        let mut other = two(1.0, 0.5);
        other.name = "other".to_owned();
        change(&mut other);
        format!("{:#}", put(&two(1.0, 0.5), &other).unwrap_err())
    };
    let setups = |campaign: &mut Campaign, change: &dyn Fn(&mut crate::campaign::Setup)| {
        campaign.boots.iter_mut().for_each(|boot| change(&mut boot.record.setup));
    };
    for (error, expected) in [
        (
            refused(&|c| setups(c, &|setup| setup.cpu_model = "max".into())),
            "comparing 2026-01-02-built and other: cpu-model is qemu64 and max; figures are comparable only if accelerator, \
             machine, cpu-model, cpus, memory-mib are equal",
        ),
        (refused(&|c| setups(c, &|setup| setup.memory_mib = 1024)), "memory-mib is 512 and 1024"),
        (refused(&|c| setups(c, &|setup| setup.accelerator = "kvm".into())), "accelerator is tcg and kvm"),
        (
            refused(&|c| setups(c, &|setup| setup.clock = Clock::Wall)),
            "the wall clock: real time of different hosts or days cannot be compared",
        ),
        (refused(&|c| c.boots.clear()), "other has no boots"),
        (
            refused(&|c| c.file.plan.workloads.clear()),
            "other only probed, and figures are what two campaigns",
        ),
        (
            refused(&|c| c.file.plan.scenarios[0].server.as_mut().unwrap().threads = 3),
            "no row in common: scenario slow has other settings in the two",
        ),
        (
            refused(&|c| c.file.plan.scenarios[0].name = "x".into()),
            "scenario slow is only in 2026-01-02-built",
        ),
    ] {
        assert!(error.contains(expected), "{error}");
    }
    let wall = campaign(Clock::Wall, &two_arms());
    assert!(put(&wall, &wall).is_err());
}

#[test]
fn what_is_left_out_is_said() {
    let mut other = two(1.0, 0.5);
    other.name = "other".to_owned();
    other.file.plan.workloads[1].args.push("-v".to_owned());
    other.file.plan.baseline = "patched".to_owned();
    let found = put(&two(1.0, 0.5), &other).unwrap();
    assert_eq!(
        found.left_out,
        [
            "workload aio-read has other arguments in the two",
            "effects: the baselines are original and patched; --baseline names one for both",
        ]
    );
    assert_eq!((found.rows.len(), found.status), (1, Agreement::CannotTell));
    let question = Question { baseline: Some("original".to_owned()), ..Question::default() };
    let found = across([&two(1.0, 0.5), &other], &question).unwrap();
    assert_eq!(found.status, Agreement::Agree);
    let lone = campaign(Clock::Virtual, &[arm("original", &[], &[(1.0, 50.0), (1.0, 50.0)], 1)]);
    let found = put(&two(1.0, 0.5), &lone).unwrap();
    assert_eq!(found.left_out, ["variant patched is only in 2026-01-02-built"]);
}

/// Where campaigns have several sources, the setup says only that of the baseline.
#[test]
fn the_source_of_each_variant_is_said() {
    let with = |source: &str| {
        let mut campaign = two(1.0, 0.5);
        for boot in &mut campaign.boots {
            let source = match boot.record.boot.variant.as_str() {
                "original" => boot.record.setup.kernel_source.clone(),
                _ => source.to_owned(),
            };
            let base = KernelBase { source, config_sha256: "c0".repeat(32), compiler: "gcc".to_owned() };
            boot.record.kernel.base = Some(base);
        }
        campaign
    };
    let sources = |left: &Campaign, right: &Campaign| {
        let differences = put(left, right).unwrap().differences.into_iter();
        let sources = differences.filter(|unlike| unlike.name.contains("source"));
        sources.map(|unlike| (unlike.name, unlike.values)).collect::<Vec<_>>()
    };
    let both = |left: &str, right: &str| [left.to_owned(), right.to_owned()];
    let of_patched = |values| vec![("source patched".to_owned(), values)];
    assert_eq!(sources(&with("linux 7.3"), &with("linux 7.3")), []);
    assert_eq!(sources(&with("linux 7.3"), &with("linux 7.4")), of_patched(both("linux 7.3", "linux 7.4")));
    let old = "linux-source-6.12 6.12.117-1~deb12u1";
    assert_eq!(sources(&two(1.0, 0.5), &with("linux 7.4")), of_patched(both(old, "linux 7.4")));
    assert_eq!(sources(&two(1.0, 0.5), &two(1.0, 0.5)), []);
}

#[test]
fn another_qemu_is_a_doubt_where_it_may_give_other_figures() {
    let mut other = two(1.0, 0.5);
    for boot in &mut other.boots {
        boot.record.setup.qemu_version = "10.0.13".to_owned();
    }
    let found = put(&two(1.0, 0.5), &other).unwrap();
    let text = report::across::render(&found, 100);
    assert!(text.contains("\n\nDoubts:\n- QEMU 7.2.22 and 10.0.13: firmware"), "{text}");

    let fixed = |mut campaign: Campaign| {
        for boot in &mut campaign.boots {
            boot.record.setup.machine = fixed_machine(Arch::X86_64).to_owned();
        }
        campaign
    };
    let found = put(&fixed(two(1.0, 0.5)), &fixed(other)).unwrap();
    assert_eq!(found.doubts, [""; 0]);
}

#[test]
fn side_by_side() {
    let mut other = two(1.0031, 0.998);
    other.name = "2026-01-09-built".to_owned();
    other.file.host.cpu = "another CPU".to_owned();
    for boot in &mut other.boots {
        boot.record.setup.kernel_source = "linux-source-6.13 6.13.1".to_owned();
        boot.record.setup.image_sha256 = "2b".repeat(32);
    }
    let found = put(&two(1.0, 0.5), &other).unwrap();
    let text = report::across::render(&found, 100);
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    expect![[r#"
        A: 2026-01-02-built (plan built, begun 2026-01-02T03:04:05Z, baseline original); by itself: nothing
           speaks against a variant
        B: 2026-01-09-built (plan built, begun 2026-01-02T03:04:05Z, baseline original); by itself: nothing
           speaks against a variant
        equal: clock virtual, accelerator tcg, cpu-model qemu64, cpus 1, machine microvm, memory-mib 512
        differs (A / B):
        - image-sha256: 1a1a1a1a1a1a / 2b2b2b2b2b2b
        - kernel-source: linux-source-6.12 6.12.117-1~deb12u1 / linux-source-6.13 6.13.1
        - host cpu: some CPU / another CPU

        scenario slow, throughput
        | workload       | variant  |     A |     B |   B by A |     effect A |          effect B | agree |
        |----------------|----------|-------|-------|----------|--------------|-------------------|-------|
        | dd-read MB/s   | original | 67.11 | 66.90 |  -0.31 % |              |                   |       |
        |                | patched  | 134.2 | 67.24 | -49.90 % | x2.00 better | same within 0.6 % |    NO |
        | aio-read MiB/s | original | 50.00 | 50.00 |  +0.00 % |              |                   |       |
        |                | patched  | 50.00 | 50.00 |  +0.00 % |        equal |             equal |   yes |

        B by A: the second campaign's value by the first one's. Effects are those of the variant against the
        baseline within each campaign; they agree if both find the same, or one finds a difference that the
        other does not rule out.

        Conclusion: they DISAGREE about 1 of 2 effects (exit code 1).
        Every throughput within 99.60 % (largest: patched, slow, dd-read).
    "#]]
    .assert_eq(&text);
    let json = report::json::render(&found).unwrap();
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["status"], "disagree");
    assert_eq!(value["rows"][0]["cells"][1]["effects"][1]["verdict"], "same");
    assert_eq!(value["rows"][0]["cells"][1]["agreement"], "disagree");
}
