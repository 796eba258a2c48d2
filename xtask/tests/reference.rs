//! The committed campaigns, judged again by this version of the lab.

use std::fs;
use std::path::Path;
use std::process::Command;

/// A change of the rules shows here: either it was not meant, or the stored text changes with it.
#[test]
#[expect(clippy::disallowed_methods, reason = "the program under test is started as a user would")]
fn the_reference_campaigns_are_judged_as_before() {
    let results = Path::new(env!("CARGO_MANIFEST_DIR")).join("../results");
    let entries = fs::read_dir(&results).expect("the campaigns");
    let names = entries.map(|entry| entry.expect("a campaign").file_name().display().to_string());
    let names: Vec<String> = names.filter(|name| name.starts_with("reference-")).collect();
    assert!(names.contains(&"reference-default".to_owned()), "{names:?}");
    for name in names {
        let output = Command::new(env!("CARGO_BIN_EXE_patchlab"))
            .args(["compare", &name, "--evidence"])
            .output()
            .expect("the lab starts");
        let stored = results.join(&name).join("comparison.txt");
        let stored = fs::read_to_string(stored).expect("the stored comparison");
        assert_eq!(String::from_utf8_lossy(&output.stdout), stored, "{name}");
        // What it comes to stands in its last paragraph.
        let code =
            stored.rsplit_once("(exit code ").and_then(|(_, rest)| rest.split_once(')')).expect("a code").0;
        assert_eq!(output.status.code().map(|code| code.to_string()).as_deref(), Some(code), "{name}");
    }
}
