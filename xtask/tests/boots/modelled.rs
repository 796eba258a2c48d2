//! Modelled storage in real boots: it takes the time that arithmetic says, merges what waits, and punishes disorder.

use serde_json::Value;

use super::sandbox::TestCheckout;
use super::{cell, evidence, row};

/// What one dd of the small files transfers, bytes.
const BYTES: f64 = 8.0 * 1_048_576.0;

/// By the virtual clock, so that neither this machine nor its load have a part in it.
#[test]
fn storage_behaves_as_it_is_modelled() {
    let sandbox = TestCheckout::new(
        r#"
        [plans.modelled]
        like = "ci"
        scenarios = ["latency-5ms", "merging", "in-order"]
        workloads = ["small-dd-read"]
        "#,
    );
    let run = sandbox.lab(&["run-lab", "--plan", "modelled"]);
    let comparison = sandbox.comparison();

    // 2048 requests of 4 KiB, one or two at a time, 5 ms each.
    for (variant, in_flight) in [("original", 1.0), ("stock", 2.0)] {
        let expected = 2048.0 / in_flight * 0.005;
        let found = BYTES / 1e6 / mean(&comparison, "latency-5ms", variant);
        assert!((found / expected - 1.0).abs() < 0.03, "{variant}: {found} s instead of {expected}");
    }

    let per_mib = |variant| {
        let merging = row(&comparison, "merging", "small-dd-read");
        evidence(merging, variant)["storage"]["operations-per-mib"]["most"].as_f64().expect("a ratio")
    };
    assert_eq!(per_mib("original"), 8.0, "128 KiB each: there is never a second one to merge with");
    assert!(per_mib("stock") <= 3.0, "{}", per_mib("stock"));

    let verdict = &cell(row(&comparison, "in-order", "small-dd-read"), "stock")["change"]["verdict"];
    assert_eq!(verdict, "worse", "{run}");
    run.expect_code_in(&[1]);
}

/// MB/s.
fn mean(comparison: &Value, scenario: &str, variant: &str) -> f64 {
    cell(row(comparison, scenario, "small-dd-read"), variant)["mean"].as_f64().expect("a mean")
}
