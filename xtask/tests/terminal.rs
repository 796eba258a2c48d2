//! What the program does to the terminal and to the machine when it only looks.

use std::path::Path;
use std::process::{Command, Output};

#[expect(clippy::disallowed_methods, reason = "the program under test is started as a user would")]
fn compare(checkout: &Path, cache: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.arg("compare").env("CARGO_MANIFEST_DIR", checkout.join("xtask")).env("PATCHLAB_CACHE", cache);
    command.output().expect("the lab starts")
}

/// Names of files, compilers' output and subjects of patches are quoted in errors, and may hold anything.
#[test]
fn an_error_does_not_act_on_the_terminal() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = compare(&folder.path().join("\u{1b}]0;title\u{7}"), folder.path());
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{text:?}");
    assert!(text.contains("\\x1b]0;title\\x07/xtask"), "{text:?}");
    assert!(!text.contains(['\u{1b}', '\u{7}']), "{text:?}");
}

/// Comparing reads, and leaves nothing behind.
#[test]
fn comparing_makes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (checkout, cache) = (folder.path().join("lab"), folder.path().join("cache"));
    std::fs::create_dir_all(checkout.join("xtask")).expect("a checkout");
    let output = compare(&checkout, &cache);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{text:?}");
    assert!(text.contains("no campaign below"), "{text:?}");
    assert!(!cache.exists());
    assert!(!checkout.join("results").exists());
}
