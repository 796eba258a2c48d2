//! More than one CPU on the virtual clock.

use super::sandbox::TestCheckout;
use super::{cell, outcomes, row};

/// One workload of one tenth of a second in one boot, which is repeated.
const PLAN: &str = r#"
[machines.two-cpus]
like = "virtual-smp"
cpus = 2
[plans.two-cpus]
like = "ci"
machine = "two-cpus"
scenarios = ["remote"]
workloads = ["small-dd-read"]
probes = "none"
boots = 1
"#;

/// The guest has both CPUs, two boots that start alike are alike, and the report says what one clock for both means.
#[test]
fn two_cpus_on_one_clock_repeat() {
    let sandbox = TestCheckout::new(PLAN);
    let run = sandbox.lab(&["run-lab", "--plan", "two-cpus"]);
    run.expect_code_in(&[0, 1]);
    let comparison = sandbox.comparison();
    let row = row(&comparison, "remote", "small-dd-read");
    for variant in ["original", "stock"] {
        assert_eq!(outcomes(&comparison, variant), "2 finished of 2");
        assert_eq!(cell(row, variant)["repeat"]["spread"], 0.0, "{variant}");
    }
    let campaign = sandbox.read_campaign();
    for variant in ["original", "stock"] {
        let of_variant = campaign.boots.iter().filter(|boot| boot.folder.contains(variant));
        let seen =
            of_variant.map(|boot| boot.report.as_ref().map(|report| format!("{:?}", report.workloads)));
        let [first, again] = &seen.collect::<Vec<_>>()[..] else { panic!("{variant}") };
        assert_eq!(first, again, "{variant}: to the nanosecond");
    }
    for boot in &campaign.boots {
        let console = String::from_utf8_lossy(&boot.console);
        assert!(console.contains("smp: Brought up 1 node, 2 CPUs"), "{}", boot.folder);
    }
    let evidence = sandbox.stored_comparison();
    let words = evidence.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("2 vCPUs, one clock for the instructions of all CPUs"), "{evidence}");
}
