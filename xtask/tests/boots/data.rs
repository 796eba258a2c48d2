//! Kernels that lose data, and look fast with it.

use lab_core::plan::BootStep;
use lab_protocol::DataCheck;

use crate::sandbox::TestCheckout;

/// Of each workload of the first boot of a variant in a scenario: what the check of its data found. The last of its samples has it.
fn found(sandbox: &TestCheckout, scenario: &str, variant: &str) -> Vec<(String, DataCheck)> {
    let campaign = sandbox.read_campaign();
    let is_wanted = |step: &BootStep| step.variant == variant && step.scenario == scenario;
    let boot = campaign.boots.iter().find(|boot| is_wanted(&boot.record.boot)).expect("a boot");
    let report = boot.report.as_ref().expect("a report");
    let checked = |of: &lab_protocol::WorkloadReport| {
        (of.name.clone(), of.data.clone().unwrap_or_else(|| panic!("{}: not checked", of.name)))
    };
    let before = report.workloads.len() - campaign.file.plan.workloads.len();
    report.workloads[before..].iter().map(checked).collect()
}

/// Reads that end before their data is there, and reads and writes that leave a part out, are told with the place, in each
/// workload that they concern; of a kernel that does what it should nothing is told.
#[test]
fn kernels_that_lose_data() {
    let sandbox = TestCheckout::new(
        r#"
        [variants.early]
        series = ["reads-end-early"]
        [variants.short-reads]
        series = ["reads-leave-out-a-part"]
        [variants.short-writes]
        series = ["writes-leave-out-a-part"]
        [plans.wrong-data]
        like = "ci"
        baseline = "stock"
        variants = ["stock", "early", "short-reads", "short-writes"]
        scenarios = ["local", "remote"]
        boots = 1
        "#,
    );
    for series in ["reads-end-early", "reads-leave-out-a-part", "writes-leave-out-a-part"] {
        sandbox.add_series(series);
    }
    let run = sandbox.lab(&["run-lab", "--plan", "wrong-data"]);
    run.expect_code_in(&[1]);
    assert!(run.stdout.contains("wrong data: read, offset"), "the reader sees why: {run}");
    for (variant, expected) in [
        ("stock", [None; 4]),
        // In the order of the plan: reads and writes of dd, reads and writes of aio-stress.
        ("early", [Some("nothing was put there"), None, Some("nothing was put there"), None]),
        (
            "short-reads",
            [Some("offset 393216: nothing was put there"), None, Some("offset 393216: nothing"), None],
        ),
        (
            "short-writes",
            [
                None,
                Some("offset 393218: what belongs to offset 393216, instead of what was written"),
                None,
                Some("offset 393218: what belongs to offset 393216, instead of what was written"),
            ],
        ),
    ] {
        for scenario in ["local", "remote"] {
            for ((workload, check), expected) in found(&sandbox, scenario, variant).into_iter().zip(expected)
            {
                println!("{scenario} {variant} {workload}: {check:?}");
                let first = check.wrong.first().map(String::as_str);
                let is_right = match (first, expected) {
                    (None, None) => check.compared_bytes >= 8 << 20,
                    (Some(first), Some(expected)) => first.contains(expected),
                    _ => false,
                };
                assert!(is_right, "{scenario} {variant} {workload}: {check:?}, expected {expected:?}");
            }
        }
    }
}
