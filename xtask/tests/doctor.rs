//! What `doctor` shows and forgets, and what is refused before anything starts, as users run it.

use std::path::Path;
use std::process::{Command, Output};

/// Runs the lab with these variables, each with its value.
#[expect(clippy::disallowed_methods, reason = "the program under test is started as a user would")]
fn lab(arguments: &[&str], variables: &[(&str, &Path)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_patchlab"));
    command.args(arguments).envs(variables.iter().copied()).output().expect("the lab starts")
}

/// Runs `doctor` with a cache of its own.
fn doctor(cache: &Path, arguments: &[&str]) -> Output {
    lab(&[&["doctor"], arguments].concat(), &[("PATCHLAB_CACHE", cache)])
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

/// The line of `doctor` about something.
fn line<'a>(output: &'a Output, key: &str) -> &'a str {
    let lines = text(&output.stdout).lines();
    let mut values = lines.filter_map(|line| line.strip_prefix(key)?.strip_prefix(' '));
    values.next().unwrap_or_else(|| panic!("no {key}: {output:?}")).trim()
}

#[test]
fn a_test_of_kvm_is_shown_and_forgotten() {
    let cache = tempfile::tempdir().expect("a temporary folder");
    let shown = doctor(cache.path(), &[]);
    assert!(line(&shown, "kvm test").starts_with("not tested yet"), "{shown:?}");
    assert!(line(&shown, "memory for boots").ends_with(" MiB available"), "{shown:?}");

    std::fs::create_dir(cache.path().join("machine")).expect("a folder");
    let remembered = cache.path().join("machine/kvm-0123456789ab.toml");
    std::fs::write(&remembered, "works = false\ndetail = \"no\"\ntested = \"2026-11-22 22:18 UTC\"\n")
        .expect("a result");
    let forgotten = doctor(cache.path(), &["--forget"]);
    assert!(text(&forgotten.stderr).contains("forgotten: 1 results of tests of KVM"), "{forgotten:?}");
    assert!(!remembered.exists());
    let again = doctor(cache.path(), &["--forget"]);
    assert!(text(&again.stderr).contains("no result of a test of KVM was remembered"), "{again:?}");
}

#[test]
fn doctor_makes_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let looked = doctor(&folder.path().join("a/cache"), &["--forget"]);
    assert!(line(&looked, "cache").contains("/a/cache, not made yet, "), "{looked:?}");
    assert!(!line(&looked, "build sandbox").is_empty());
    assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 0);
}

/// What `doctor` shows of a lack, and with which line the dry run refuses it.
#[track_caller]
fn check(variables: &[(&str, &Path)], key: &str, expected: &str) {
    let shown = lab(&["doctor"], variables);
    assert!(line(&shown, key).ends_with(expected), "{shown:?}");
    assert_eq!(line(&shown, "result"), "the lab cannot run here as it is, see above", "{shown:?}");
    assert_eq!(shown.status.code(), Some(3));
    let refused = lab(&["run-lab", "--dry-run"], variables);
    assert_eq!(text(&refused.stdout), "", "{refused:?}");
    assert!(text(&refused.stderr).trim_end().ends_with(expected), "{refused:?}");
    assert_eq!(text(&refused.stderr).lines().count(), 1, "{refused:?}");
    assert_eq!(refused.status.code(), Some(3));
}

#[test]
fn a_temporary_folder_that_will_not_do() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    check(
        &[("TMPDIR", &folder.path().join("gone"))],
        "temporary folder",
        "/gone is no folder; set TMPDIR to another folder, such as /tmp",
    );
    let long = folder.path().join("x".repeat(100));
    std::fs::create_dir(&long).expect("a folder");
    check(
        &[("TMPDIR", &long)],
        "temporary folder",
        "and 107 are allowed; set TMPDIR to another folder, such as /tmp",
    );
}

#[test]
fn a_cache_that_will_not_do() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in ["my cache", "my:cache"] {
        check(
            &[("PATCHLAB_CACHE", &folder.path().join(name))],
            "cache",
            "has a blank or a colon, with which no kernel can be built; set PATCHLAB_CACHE to a folder without",
        );
    }
    assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 0);
}

#[test]
fn programs_that_are_missing() {
    let empty = tempfile::tempdir().expect("a temporary folder");
    let shown = lab(&["doctor"], &[("PATH", empty.path())]);
    assert_eq!(line(&shown, "qemu-system-x86_64"), "MISSING: package qemu-system-x86, for the boots");
    let result = line(&shown, "result");
    assert!(result.starts_with("packages are missing; ") && result.contains(" qemu-system-x86"), "{result}");
    assert_eq!(shown.status.code(), Some(3));
}
