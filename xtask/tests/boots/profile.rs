//! Where instructions go: a loop of known length is found, and counting moves no figure.

use lab_core::campaign::Campaign;
use lab_core::evidence::profile::parse_folded;

use super::sandbox::TestCheckout;

/// Four reads of 2 MiB, in the kernel as it is and in one that counts to ten thousand in each.
const PLAN: &str = r#"
[variants.planted-loop]
series = ["planted-loop"]
[workloads.four-reads]
like = "small-dd-read"
samples = 1
[plans.planted-loop]
like = "ci"
baseline = "stock"
variants = ["stock", "planted-loop"]
scenarios = ["local"]
workloads = ["four-reads"]
probes = "none"
boots = 1
"#;

/// Two instructions for each round of the loop.
const LOOP: u64 = 20_000;
/// What is around the loop: its count, and the return.
const AROUND: u64 = 8;
/// How often `four-reads` reads.
const READS: u64 = 4;

#[test]
fn a_planted_loop_is_found_and_no_figure_moves() {
    let sandbox = TestCheckout::new(PLAN);
    sandbox.add_series("planted-loop");
    let profiled = sandbox.lab(&["run-lab", "--plan", "planted-loop", "--profile"]);
    let shown = sandbox.lab(&["compare", "--profile"]);
    shown.expect_code_in(&[0]);
    assert!(profiled.stdout.ends_with(&shown.stdout), "{profiled}");
    let with = sandbox.read_campaign();
    let first = shown.stdout.lines().nth(3).unwrap_or_default();
    assert!(first.starts_with("| kernel fuse_planted_loop "), "the largest difference comes first: {shown}");

    for (variant, least, most) in [("stock", 0, 0), ("planted-loop", READS * LOOP, READS * (LOOP + AROUND))] {
        let folded = sandbox.profile_of(variant);
        let workloads = parse_folded(&folded).expect("a profile");
        let count = workloads["four-reads"].get("kernel;fuse_planted_loop").copied().unwrap_or(0);
        assert!((least..=most).contains(&count), "{variant}: {count}");
        assert!(workloads["four-reads"].contains_key("user;/bin/passthrough"), "{variant}: {folded}");
    }

    sandbox.remove_campaigns();
    sandbox.lab(&["run-lab", "--plan", "planted-loop"]);
    let without = sandbox.read_campaign();
    // Without it each boot is repeated.
    let with = workloads(&with);
    assert_eq!([with.clone(), with].concat(), workloads(&without));
}

/// What each boot reported of its workload: output, times, requests.
fn workloads(campaign: &Campaign) -> Vec<String> {
    let reports = campaign.boots.iter().map(|boot| boot.report.as_ref().expect("a report"));
    reports.map(|report| format!("{:?}", report.workloads)).collect()
}
