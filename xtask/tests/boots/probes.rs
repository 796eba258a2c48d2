//! What callers see of kernels, probed and held against what is said of them.

use serde_json::Value;

use crate::sandbox::TestCheckout;

/// The probe of this name in a comparison.
fn probe<'a>(comparison: &'a Value, name: &str) -> &'a Value {
    let probes = comparison["behaviour"]["probes"].as_array().expect("probes");
    probes.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("no probe {name}"))
}

/// The same kernel three times: as what it is, as nothing, and as what it is not. With one of the kernel's errors in the
/// middle of a read the synchronous baseline gives what came before it.
#[test]
fn a_kernel_is_what_is_said_of_it() {
    let sandbox = TestCheckout::new(
        r#"
        [variants.unstated]
        series = []
        [variants.misstated]
        series = []
        behaviour = "synchronous"
        [plans.said]
        like = "behaviour"
        variants = ["original", "stock", "unstated", "misstated"]
        "#,
    );
    let run = sandbox.lab(&["run-lab", "--plan", "said"]);
    run.expect_code_in(&[1]);
    let comparison = sandbox.comparison();
    let variants = comparison["behaviour"]["variants"].as_array().expect("variants");
    let probes = comparison["behaviour"]["probes"].as_array().map(Vec::len);
    for (variant, failing) in variants.iter().zip([false, false, true, true]) {
        assert_eq!(variant["not-probed"], Value::Null, "{variant}");
        assert_eq!(variant["unexpected"].as_u64().map(|count| count > 0), Some(failing), "{variant}");
    }
    for stated in &variants[..2] {
        assert_eq!(stated["as-expected"].as_u64().map(|count| count as usize), probes, "{stated}");
    }
    let verdicts: Vec<&Value> =
        (1..4).map(|place| &probe(&comparison, "read-eio")["cells"][place]["verdict"]).collect();
    assert_eq!(verdicts, ["expected-difference", "unexpected", "unexpected"]);
    let evidence = sandbox.stored_comparison();
    let words = evidence.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("lab.toml states no `behaviour` of unstated"), "{evidence}");
}

/// The quick ones run once for each kernel, beside workloads whose figures they leave alone.
#[test]
fn quick_probes_beside_workloads() {
    let sandbox = TestCheckout::new(
        r#"
        [plans.unprobed]
        like = "ci"
        workloads = ["small-dd-read"]
        probes = "none"
        [plans.probed]
        like = "unprobed"
        probes = "quick"
        "#,
    );
    let values = |comparison: &Value| {
        let rows = comparison["rows"].as_array().expect("rows");
        let cells = rows.iter().flat_map(|row| row["cells"].as_array().expect("cells"));
        let samples = cells.flat_map(|cell| cell["samples"].as_array().expect("samples"));
        samples.map(|sample| sample["value"].as_f64().expect("a figure")).collect::<Vec<_>>()
    };
    sandbox.lab(&["run-lab", "--plan", "unprobed"]).expect_code_in(&[0]);
    let unprobed = values(&sandbox.comparison());
    sandbox.remove_campaigns();
    let run = sandbox.lab(&["run-lab", "--plan", "probed"]);
    let comparison = sandbox.comparison();
    assert_eq!(values(&comparison), unprobed, "probes move no figure: {run}");
    for variant in comparison["behaviour"]["variants"].as_array().expect("variants") {
        assert_eq!((&variant["planned"], &variant["probed"]), (&1.into(), &1.into()), "{variant}");
        assert!(variant["as-expected"].as_u64().is_some_and(|count| count > 0), "{variant}");
    }
    run.expect_code_in(&[0]);
}
