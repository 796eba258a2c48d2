//! `import-series` as a user runs it: from a folder of patches to one that the lab takes.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output, Stdio};

#[expect(clippy::disallowed_methods, reason = "the program under test is started as a user would")]
fn lab(checkout: &Path, arguments: &[&str], input: Stdio) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    // What `cargo run` would set: it tells the lab which checkout it belongs to.
    command.env("CARGO_MANIFEST_DIR", checkout.join("xtask"));
    command.current_dir(checkout).args(arguments).stdin(input).output().expect("the lab starts")
}

#[test]
fn a_folder_is_imported_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let checkout = folder.path();
    fs::create_dir(checkout.join("xtask")).expect("xtask");
    fs::create_dir(checkout.join("kernel-patches")).expect("kernel-patches");
    let series = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kernel-patches/sync-dio");
    let from = series.to_str().expect("a path in UTF-8");

    let first = lab(checkout, &["import-series", from, "--name", "copy"], Stdio::null());
    let printed = String::from_utf8_lossy(&first.stdout);
    assert_eq!(first.status.code(), Some(0), "{}", String::from_utf8_lossy(&first.stderr));
    assert!(printed.starts_with("imported 6 patches to kernel-patches/copy\n"), "{printed}");
    for entry in fs::read_dir(&series).expect("the series").flatten() {
        if entry.file_name() != "README.md" {
            let copy = fs::read(checkout.join("kernel-patches/copy").join(entry.file_name()));
            assert_eq!(copy.expect("the copy"), fs::read(entry.path()).expect("the patch"));
        }
    }

    let second = lab(checkout, &["import-series", from, "--name", "copy"], Stdio::null());
    let error = String::from_utf8_lossy(&second.stderr);
    assert_eq!(second.status.code(), Some(3), "{error}");
    assert!(error.contains("kernel-patches/copy is there already"), "{error}");
    assert_eq!(fs::read_dir(checkout.join("kernel-patches")).expect("the series").count(), 1);
}

#[test]
fn standard_input_is_imported() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let checkout = folder.path();
    fs::create_dir(checkout.join("xtask")).expect("xtask");
    fs::create_dir(checkout.join("kernel-patches")).expect("kernel-patches");
    let packed = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/packed/date-iso.patch.xz");
    let input = File::open(packed).expect("the patch");

    let run = lab(checkout, &["import-series", "-"], input.into());
    let printed = String::from_utf8_lossy(&run.stdout);
    assert_eq!(run.status.code(), Some(0), "{}", String::from_utf8_lossy(&run.stderr));
    assert!(printed.starts_with("imported 1 patch to kernel-patches/fuse-tab\n"), "{printed}");
}
