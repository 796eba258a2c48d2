//! Loading: folders as they should be and as they should not.

use expect_test::{Expect, expect};

use super::*;

const DIFF: &str = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n";

fn loaded(files: &[(&str, &[u8])]) -> anyhow::Result<Series> {
    let files = files.iter().map(|(name, content)| ((*name).to_owned(), content.to_vec()));
    Series::from_files("s", files.collect())
}

fn check_error(files: &[(&str, &[u8])], expected: Expect) {
    expected.assert_eq(&format!("{:#}", loaded(files).unwrap_err()));
}

#[test]
fn a_series() {
    let mail = format!("From 1234\nSubject: [PATCH v2 2/2] fuse: do\n it\n\nWhy.\n---\n{DIFF}");
    let series = loaded(&[
        ("README.md", b"# claim"),
        ("0002-fuse-do-it.patch", mail.as_bytes()),
        ("0001-plain-diff.patch", DIFF.as_bytes()),
    ])
    .unwrap();
    let subjects: Vec<&str> = series.patches.iter().map(|patch| patch.subject.as_str()).collect();
    assert_eq!(subjects, ["plain-diff", "fuse: do it"]);
    assert!(series.patches[0].as_mail().contains("Subject: [PATCH] plain-diff\n"));
    assert_eq!(series.patches[1].as_mail(), mail);
}

#[test]
fn prefixes() {
    let whole = loaded(&[("0001-a.patch", DIFF.as_bytes()), ("0002-b.patch", DIFF.as_bytes())]).unwrap();
    let first = loaded(&[("0001-a.patch", DIFF.as_bytes())]).unwrap();
    assert_eq!(whole.prefix(1), first);
    assert_eq!(whole.prefix(2), whole);
    assert_ne!(first.digest, whole.digest);
}

#[test]
fn malformed() {
    let diff = DIFF.as_bytes();
    check_error(
        &[],
        expect![
            "loading series s: no patch in it: add files named 0001-subject.patch, as `git format-patch` makes them"
        ],
    );
    check_error(
        &[("README.md", b"")],
        expect![
            "loading series s: no patch in it: add files named 0001-subject.patch, as `git format-patch` makes them"
        ],
    );
    check_error(
        &[("notes.txt", b"")],
        expect![
            "loading series s: notes.txt is neither README.md nor mutants.toml nor named NNNN-subject.patch: rename it or move it elsewhere"
        ],
    );
    check_error(
        &[("1-x.patch", diff)],
        expect![
            "loading series s: 1-x.patch is neither README.md nor mutants.toml nor named NNNN-subject.patch: rename it or move it elsewhere"
        ],
    );
    check_error(
        &[("0000-x.patch", diff)],
        expect![
            "loading series s: 0000-x.patch has a number that is taken or too low (numbers start at 0001): renumber the patches from 0001"
        ],
    );
    check_error(
        &[("0001-x.patch", diff), ("0003-x.patch", diff)],
        expect!["loading series s: 0003-x.patch comes where 0002 is missing: add that patch or renumber"],
    );
    check_error(
        &[("0001-x.patch", diff), ("0001-y.patch", diff)],
        expect![
            "loading series s: 0001-y.patch has a number that is taken or too low (0001-x.patch): renumber the patches from 0001"
        ],
    );
    check_error(
        &[("0001-x.patch", b"a\n\xff")],
        expect!["loading series s: 0001-x.patch is not UTF-8 at line 2: convert it, e.g. with iconv"],
    );
    check_error(
        &[("0001-x.patch", b"a\0")],
        expect!["loading series s: 0001-x.patch holds NUL bytes: save it as `git format-patch` does"],
    );
    check_error(
        &[("0001-x.patch", b"Subject: cover letter\n\ntext\n")],
        expect![
            "loading series s: 0001-x.patch holds no diff: remove it (a cover letter belongs into README.md)"
        ],
    );
    check_error(
        &[("0001-x.patch", &vec![b'\n'; 5 << 20])],
        expect!["loading series s: 0001-x.patch has 5242880 bytes, 4194304 are allowed: split it"],
    );
}

#[test]
fn symbols_that_a_series_adds() {
    let text = "--- a/fs/Kconfig\n+++ b/fs/Kconfig\n@@ -1 +1,3 @@\n config OLD\n+config NEW_ONE\n+menuconfig ANOTHER\n\
                --- a/fs/x.c\n+++ b/fs/x.c\n@@ -1 +1,2 @@\n a\n+config NOT_THIS\n";
    let patch = Patch::new("0001-x.patch", text.to_owned());
    assert_eq!(Series::new("s", vec![patch]).added_symbols(), ["ANOTHER", "NEW_ONE"]);
}
