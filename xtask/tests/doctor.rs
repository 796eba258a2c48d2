//! What `doctor` shows and forgets, as its users run it.

use std::path::Path;
use std::process::{Command, Output};

/// Runs `doctor` with a cache of its own.
#[expect(clippy::disallowed_methods, reason = "the program under test is started as a user would")]
fn doctor(cache: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.arg("doctor").args(arguments).env("PATCHLAB_CACHE", cache).output().expect("the lab starts")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

#[test]
fn a_test_of_kvm_is_shown_and_forgotten() {
    let cache = tempfile::tempdir().expect("a temporary folder");
    let shown = doctor(cache.path(), &[]);
    assert!(text(&shown.stdout).contains("kvm test           not tested yet"), "{shown:?}");
    assert!(text(&shown.stdout).contains("memory for boots   "), "{shown:?}");

    let remembered = cache.path().join("machine/kvm-0123456789ab.toml");
    std::fs::write(&remembered, "works = false\ndetail = \"no\"\ntested = \"2026-11-22 22:18 UTC\"\n")
        .expect("a result");
    let forgotten = doctor(cache.path(), &["--forget"]);
    assert!(text(&forgotten.stderr).contains("forgotten: 1 results of tests of KVM"), "{forgotten:?}");
    assert!(!remembered.exists());
    let again = doctor(cache.path(), &["--forget"]);
    assert!(text(&again.stderr).contains("no result of a test of KVM was remembered"), "{again:?}");
}
