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

/// What the list says of a campaign is what `compare` says, also when it is remembered.
#[test]
#[expect(clippy::disallowed_methods, reason = "the program under test is started as a user would")]
fn the_list_says_of_a_campaign_what_compare_says() {
    let cache = tempfile::tempdir().expect("a folder");
    xtask::lab::cache::Cache::open(cache.path()).expect("a cache");
    let list = || {
        let output = Command::new(env!("CARGO_BIN_EXE_patchlab"))
            .args(["list", "campaigns", "--format", "json"])
            .env("PATCHLAB_CACHE", cache.path())
            .output()
            .expect("the lab starts");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let first = list();
    assert!(cache.path().join("machine/headlines.json").is_file());
    assert_eq!(list(), first);
    let listed: serde_json::Value = serde_json::from_str(&first).expect("JSON");
    let campaigns = listed["campaigns"].as_array().expect("the campaigns");
    let word = |campaign: &serde_json::Value, key: &str| campaign[key].as_str().expect(key).to_owned();
    let references = campaigns.iter().filter(|campaign| word(campaign, "name").starts_with("reference-"));
    let results = Path::new(env!("CARGO_MANIFEST_DIR")).join("../results");
    let mut seen = 0;
    for campaign in references {
        let name = word(campaign, "name");
        let stored = fs::read_to_string(results.join(&name).join("comparison.txt")).expect("its comparison");
        let said = stored.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(&word(campaign, "headline")), "{name}: {campaign}");
        assert_eq!(campaign["done"], campaign["boots"], "{name}");
        seen += 1;
    }
    assert!(seen >= 5, "{first}");
}
