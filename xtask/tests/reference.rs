//! The committed campaign, judged again by this version of the lab.

use std::path::Path;
use std::process::Command;

/// A change of the rules shows here: either it was not meant, or the stored text changes with it.
#[test]
#[expect(clippy::disallowed_methods, reason = "the program under test is started as a user would")]
fn the_reference_campaign_is_judged_as_before() {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the checkout");
    let stored = checkout.join("results/reference-default/comparison.txt");
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["compare", "reference-default"])
        .output()
        .expect("the lab starts");
    let stored = std::fs::read_to_string(stored).expect("the stored comparison");
    assert_eq!(String::from_utf8_lossy(&output.stdout), stored);
    assert_eq!(output.status.code(), Some(0));
}
