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
    let mail = format!(
        "From 1234\nFrom: J <j@x>\nDate: 2024-01-05 10:00:00 +0100\nSubject: [PATCH v2 2/2] fuse: do\n it\n\nWhy.\n---\n{DIFF}"
    );
    let series = loaded(&[
        ("README.md", b"# claim"),
        ("0002-fuse-do-it.patch", mail.as_bytes()),
        ("0001-plain-diff.patch", DIFF.as_bytes()),
    ])
    .unwrap();
    let subjects: Vec<&str> = series.patches.iter().map(|patch| patch.subject.as_str()).collect();
    assert_eq!(subjects, ["plain-diff", "fuse: do it"]);
    let bare = String::from_utf8(series.patches[0].as_mail()).unwrap();
    assert!(bare.contains("Subject: [PATCH] plain-diff\n"), "{bare}");
    // Not a byte is changed, so that the digest stays.
    assert_eq!(series.patches[1].as_mail(), mail.as_bytes());
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
        &[("fuse-x.patch", diff)],
        expect![
            "loading series s: fuse-x.patch is neither README.md nor mutants.toml nor named NNNN-subject.patch: let `cargo xtask import-series kernel-patches/s --name NAME` make a series of it"
        ],
    );
    check_error(
        &[("series", b"0001-x.patch")],
        expect![
            "loading series s: series is neither README.md nor mutants.toml nor named NNNN-subject.patch: let `cargo xtask import-series kernel-patches/s --name NAME` make a series of it"
        ],
    );
    check_error(
        &[("0001-x.patch", diff), ("v2-0001-x.patch", diff)],
        expect![
            "loading series s: two versions lie in it (v1, e.g. 0001-x.patch, and v2, e.g. v2-0001-x.patch): move one elsewhere"
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
        expect![
            "loading series s: 0003-x.patch comes where 0002 is missing: add that patch, or let `cargo xtask import-series kernel-patches/s --name NAME` make a series of it"
        ],
    );
    check_error(
        &[("0001-x.patch", diff), ("0001-y.patch", diff)],
        expect![
            "loading series s: 0001-y.patch has a number that is taken or too low (0001-x.patch): renumber the patches from 0001"
        ],
    );
    check_error(
        &[(
            "0001-x.patch",
            &[diff, b"From 1 Mon Sep 17 00:00:00 2001\nFrom: a@b\nDate: 2024-01-05\n\n", diff].concat(),
        )],
        expect![
            "loading series s: 0001-x.patch holds 2 patches: `cargo xtask import-series FILE` makes a series of it"
        ],
    );
    check_error(
        &[("0000-cover-letter.patch", b"Subject: [PATCH 0/2] x\n\ntext\n")],
        expect![
            "loading series s: no patch in it, only a cover letter: add files named 0001-subject.patch, as `git format-patch` makes them"
        ],
    );
    check_error(
        &[("0001-x.patch", b"--- ./x.c\n+++ ./x.c\n@@ -1 +1 @@\n-a\n+b\n")],
        expect![
            "loading series s: 0001-x.patch: where its paths begin cannot be told (`./x.c`): say so with --directory, e.g. --directory fs/fuse"
        ],
    );
    check_error(
        &[("0001-x.patch", &[diff, b"\0"].concat())],
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

/// The names that `git format-patch` gives, and what lies beside them when one has worked on them.
#[test]
fn names_of_patches() {
    let check = |names: &[&str]| {
        let files: Vec<(&str, &[u8])> = names.iter().map(|name| (*name, DIFF.as_bytes())).collect();
        let found = loaded(&files).map(|series| series.patches.into_iter().map(|patch| patch.file).collect());
        let found: Vec<String> = found.unwrap_or_else(|error| vec![format!("{error:#}")]);
        assert_eq!(found, names[..found.len()], "{names:?}");
        assert!(names[found.len()..].iter().all(|name| !name.starts_with('v') && !name.ends_with('x')));
    };
    check(&["0001-a.patch", "0002-b.patch", "0002-b.patch~", "0002-b.patch.orig", ".0001-a.patch.swp"]);
    check(&["v2-0001-a.patch", "v2-0002-b.patch", "README.md", "mutants.toml"]);
    check(&["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"]);
    check(&["1-step.patch", "2-step.patch"]);
    check(&["0001-a.diff", "0002-b.txt"]);
}

#[test]
fn what_git_would_not_take_is_made_to_be_taken() {
    let cover = b"From: J <j@x>\nDate: 2024-01-05\nSubject: [PATCH 0/2] x\n\ntext\n";
    let attached = "From 1 Mon Sep 17 00:00:00 2001\nFrom: J <j@x>\nDate: Fri, 5 Jan 2024 10:00:00 +0000\n\
                    Subject: [PATCH 1/2] fuse: one\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"b\"\n\n\
                    --b\nContent-Type: text/plain; charset=UTF-8; format=fixed\n\n\nWhy.\n---\n x | 2\n\n\
                    --b\nContent-Type: text/x-patch; name=\"1.patch\"\n\n";
    let attached = format!("{attached}{DIFF}\n--b--\n\n");
    let bare = format!("Do it.\n\nWhy.\n{}", DIFF.replace("a/x", "fs/x").replace("b/x", "fs/x"));
    let files: [(&str, &[u8]); 3] = [
        ("0000-cover-letter.patch", cover),
        ("0001-fuse-one.patch", attached.as_bytes()),
        ("0002-two.patch", bare.as_bytes()),
    ];
    let series = loaded(&files).unwrap();
    assert_eq!(series.patches.len(), 2);
    expect![[r#"
        From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001
        From: J <j@x>
        Date: Fri, 5 Jan 2024 10:00:00 +0000
        Subject: [PATCH] fuse: one

        Why.
        ---
         x | 2
        diff --git a/x b/x
        --- a/x
        +++ b/x
        @@ -1 +1 @@
        -a
        +b
    "#]]
    .assert_eq(&String::from_utf8(series.patches[0].text.clone()).unwrap());
    expect![[r#"
        From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001
        From: patchlab <patchlab@localhost>
        Date: Sat, 1 Jan 2000 00:00:00 +0000
        Subject: [PATCH] Do it.

        Why.
        ---
        diff --git a/fs/x b/fs/x
        --- a/fs/x
        +++ b/fs/x
        @@ -1 +1 @@
        -a
        +b
    "#]]
    .assert_eq(&String::from_utf8(series.patches[1].text.clone()).unwrap());
    let latin1 = [DIFF.as_bytes(), b"@@ -9 +9 @@\n-\xf6\n+\xfc\n"].concat();
    assert_eq!(loaded(&[("0001-x.patch", &latin1)]).unwrap().patches[0].text, latin1);
}

#[test]
fn symbols_that_a_series_adds() {
    let text = "--- a/fs/Kconfig\n+++ b/fs/Kconfig\n@@ -1 +1,3 @@\n config OLD\n+config NEW_ONE\n+menuconfig ANOTHER\n\
                --- a/fs/x.c\n+++ b/fs/x.c\n@@ -1 +1,2 @@\n a\n+config NOT_THIS\n";
    let patch = Patch { file: "0001-x.patch".into(), subject: "x".into(), text: text.into() };
    assert_eq!(Series::new("s", vec![patch]).added_symbols(), ["ANOTHER", "NEW_ONE"]);
}
