//! What the lab writes for other programs, read by other programs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use jsonschema::Validator;
use lab_core::campaign::Campaign;
use lab_core::comparison::compare;
use lab_core::fixtures::{arm, campaign, probe, probed, step_by_step, two_arms, warn};
use lab_core::plan::Clock;
use lab_core::report::Format;
use serde_json::Value;

fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the checkout").to_owned()
}

#[expect(clippy::disallowed_methods, reason = "the program under test is started as a user would")]
fn lab(campaign: &str, format: &str) -> Output {
    let arguments = ["compare", campaign, "--format", format];
    let output =
        Command::new(env!("CARGO_BIN_EXE_patchlab")).args(arguments).output().expect("the lab starts");
    assert!(!output.stdout.is_empty(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn reference_campaigns() -> Vec<String> {
    let entries = fs::read_dir(checkout().join("results")).expect("the campaigns");
    let names = entries.map(|entry| entry.expect("a campaign").file_name().display().to_string());
    let names: Vec<String> = names.filter(|name| name.starts_with("reference-")).collect();
    assert!(names.contains(&"reference-default".to_owned()), "{names:?}");
    names
}

fn schema() -> Value {
    let text = fs::read_to_string(checkout().join("docs/comparison.schema.json")).expect("the schema");
    serde_json::from_str(&text).expect("JSON")
}

fn validator() -> Validator {
    let schema = schema();
    jsonschema::meta::validate(&schema).expect("a schema");
    jsonschema::validator_for(&schema).expect("a schema")
}

fn mistakes(validator: &Validator, text: &str) -> Vec<String> {
    let value: Value = serde_json::from_str(text).expect("JSON");
    validator.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// Campaigns that have what the committed ones do not.
fn built() -> Vec<Campaign> {
    let mut troubled = campaign(Clock::Virtual, &two_arms());
    warn(&mut troubled.boots[2], "fuse_aio_complete");
    troubled.boots[3].report = None;
    troubled.damaged = vec!["boot-009: no record".to_owned()];
    probed(&mut troubled, 0, vec![probe("read", "read", "returns 1", "returns 1")]);
    probed(&mut troubled, 2, vec![probe("read", "read", "returns 2", "returns 1")]);
    let boots = [(1.0, 50.0), (1.01, 50.1), (1.02, 50.2), (1.03, 50.3)];
    let wall = campaign(Clock::Wall, &[arm("original", &[], &boots, 1), arm("patched", &["s"], &boots, 12)]);
    let mut never_run = campaign(Clock::Virtual, &two_arms());
    never_run.boots.clear();
    vec![troubled, wall, step_by_step(campaign(Clock::Virtual, &two_arms())), never_run]
}

#[test]
fn json_is_what_the_schema_says() {
    let validator = validator();
    for name in reference_campaigns() {
        let text = String::from_utf8(lab(&name, "json").stdout).expect("UTF-8");
        assert_eq!(mistakes(&validator, &text), [""; 0], "{name}");
    }
    for campaign in built() {
        let text = Format::Json.render(&compare(&campaign).expect("a comparison")).expect("its text");
        assert_eq!(mistakes(&validator, &text), [""; 0]);
        // What the schema does not know is a change of the form.
        let mut value: Value = serde_json::from_str(&text).expect("JSON");
        value["variants"][0]["new"] = Value::from(1);
        value["schema"] = Value::from(1);
        assert_eq!(mistakes(&validator, &value.to_string()).len(), 2);
    }
}

/// `junitparser verify` ends with 1 if a case is red: so does the comparison.
#[test]
#[ignore = "needs a module of Python; `cargo xtask ci` installs it and runs this"]
#[expect(clippy::disallowed_methods, reason = "a foreign program")]
fn junit_is_read_by_junitparser() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut codes = Vec::new();
    for name in reference_campaigns() {
        let output = lab(&name, "junit");
        let path = folder.path().join(format!("{name}.xml"));
        fs::write(&path, &output.stdout).expect("the file");
        let verify = ["-m", "junitparser", "verify"];
        let read = Command::new("/usr/bin/python3").args(verify).arg(&path).output().expect("Python starts");
        let said = String::from_utf8_lossy(&read.stderr);
        // Of a self-test the cases are those of the comparison, and the exit code says whether the lab is right.
        if name != "reference-self-test" {
            assert_eq!(read.status.code(), output.status.code(), "{name}: {said}");
        }
        assert_eq!(said, "", "{name}");
        codes.push(output.status.code());
    }
    assert!(codes.contains(&Some(0)) && codes.contains(&Some(1)), "{codes:?}");
}
