//! Two commits compared, as campaigns of one kernel each.

use expect_test::{Expect, expect};

use super::*;
use crate::fixtures::{arm, campaign, probe, probed, two_arms, warn};
use crate::plan::Clock;

/// A campaign of one kernel that dd reads with in these seconds.
pub(crate) fn point(name: &str, seconds: f64) -> Campaign {
    let boots = [(seconds, 55.0), (seconds * 1.0005, 55.01), (seconds * 0.9995, 55.02)];
    let mut campaign = campaign(Clock::Virtual, &[arm("kernel", &[], &boots, 1)]);
    campaign.file.plan.baseline = "kernel".to_owned();
    campaign.name = name.to_owned();
    for boot in &mut campaign.boots {
        // Kernels that are not the same program.
        boot.record.kernel.bzimage_sha256 = format!("{name:0>64}");
    }
    campaign
}

fn shown(difference: &Difference) -> String {
    let row = |of: &RowChange| {
        let ratio = of.change.and_then(|change| change.ratio).map(|ratio| format!("{ratio:.3}"));
        let verdict = of.change.map(|change| change.verdict.word());
        format!("{} {} {}\n", of.row.text(), ratio.unwrap_or_default(), verdict.unwrap_or_default())
    };
    let rows: String = difference.rows.iter().map(row).collect();
    format!("{rows}step {}, worse {}\n", difference.is_step(), difference.is_worse())
}

fn check(left: &Campaign, right: &Campaign, expected: Expect) {
    expected.assert_eq(&match difference(("a", left), ("b", right)) {
        Ok(difference) => shown(&difference),
        Err(error) => format!("{error:#}"),
    });
}

#[test]
fn commits_are_compared_sample_by_sample_across_campaigns() {
    check(
        &point("1", 0.6),
        &point("2", 0.6),
        expect![[r#"
        slow dd-read 1.000 same
        slow aio-read 1.000 same
        step false, worse false
    "#]],
    );
    check(
        &point("1", 0.6),
        &point("2", 0.64),
        expect![[r#"
        slow dd-read 0.938 worse
        slow aio-read 1.000 same
        step true, worse true
    "#]],
    );
    check(
        &point("1", 0.64),
        &point("2", 0.6),
        expect![[r#"
        slow dd-read 1.067 better
        slow aio-read 1.000 same
        step true, worse false
    "#]],
    );
}

/// What two campaigns of one kernel each give is what one campaign of both kernels would have given.
#[test]
fn two_campaigns_say_what_one_would() {
    let both = campaign(Clock::Virtual, &two_arms());
    let alone = |name: &'static str| {
        let mut alone = both.clone();
        alone.file.plan.baseline = name.to_owned();
        alone.file.plan.variants.retain(|variant| variant.name == name);
        alone.file.plan.boots.retain(|step| step.variant == name);
        alone.boots.retain(|boot| boot.record.boot.variant == name);
        alone
    };
    let joined = joined(("original", &alone("original")), ("patched", &alone("patched"))).unwrap();
    let changes = |campaign: &Campaign| {
        let rows = compare(campaign).unwrap().rows;
        rows.into_iter().map(|row| row.cells.last().unwrap().change.unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(changes(&joined), changes(&both));
}

#[test]
fn what_was_measured_otherwise_is_not_compared() {
    let left = point("1", 0.6);
    let changed = |change: &dyn Fn(&mut Campaign)| {
        let mut right = point("2", 0.6);
        change(&mut right);
        format!("{:#}\n", difference(("a", &left), ("b", &right)).unwrap_err())
    };
    let changes: [&dyn Fn(&mut Campaign); 4] = [
        &|right| right.file.setup.image_sha256 = "1".repeat(64),
        &|right| right.file.plan.seed = 2,
        &|right| right.file.plan.workloads.truncate(1),
        &|right| right.file.plan.machine.clock = Clock::Wall,
    ];
    expect![[r#"
        1 and 2 were not measured in the same way: another image-sha256
        1 and 2 were not measured in the same way: another seed
        1 and 2 were not measured in the same way: another workload
        1 and 2 were not measured in the same way: real time of different hours is not compared
    "#]]
    .assert_eq(&changes.map(changed).concat());
    // The kernel's own configuration may be another one, and that is told.
    let mut right = point("2", 0.6);
    right.file.setup.kernel_config_sha256 = "2".repeat(64);
    for boot in &mut right.boots {
        boot.record.setup.kernel_config_sha256 = "2".repeat(64);
    }
    assert!(difference(("a", &left), ("b", &right)).unwrap().is_configured_otherwise);
}

#[test]
fn probes_and_findings_are_steps_too() {
    let says = |name: &str, observed: &str| {
        let mut campaign = point(name, 0.6);
        probed(&mut campaign, 0, vec![probe("read-eof", "a read at the end", observed, "")]);
        campaign
    };
    let difference = difference(("a", &says("1", "returns 0")), ("b", &says("2", "fails with EIO"))).unwrap();
    let [change] = &difference.probes[..] else { panic!("{:?}", difference.probes) };
    assert_eq!(change.seen, ["returns 0", "fails with EIO"]);
    assert!(difference.is_step());

    let mut warned = point("2", 0.6);
    warn(&mut warned.boots[0], "fuse_direct_io");
    let both = [point("1", 0.6), warned];
    let appears = super::difference(("a", &both[0]), ("b", &both[1])).unwrap();
    assert_eq!((appears.new_findings.len(), appears.gone_findings.len()), (1, 0));
    assert!(appears.is_step() && appears.is_worse());
    let goes = super::difference(("b", &both[1]), ("a", &both[0])).unwrap();
    assert_eq!((goes.new_findings.len(), goes.gone_findings.len()), (0, 1));
    assert!(goes.is_step() && !goes.is_worse());
}

/// Around the mean that is shown, and as wide as samples scatter.
#[test]
fn a_figure_has_an_interval() {
    let figures = figures(&point("1", 0.6)).unwrap();
    let dd = &figures[0];
    let (mean, (low, high)) = (dd.mean.unwrap(), dd.interval.unwrap());
    assert!(low < mean && mean < high, "{low} {mean} {high}");
    // Three samples that are 0.05 % apart: 4.3 times 0.0005 by the root of 3.
    assert!((high / mean - 1.001_24).abs() < 0.000_02, "{}", high / mean);
    assert_eq!(dd.samples, 3);
}
