//! What cannot be imported, and what the user is told.

use super::*;

/// Imports a mailbox and expects an error and nothing else.
#[track_caller]
fn check_error(mails: &[String], expected: Expect) {
    let fixture = ImportFixture::new();
    fixture.write("series.mbox", mailbox(mails));
    let error = fixture.import("series.mbox", |options| options.name = Some("s".to_owned())).unwrap_err();
    expected.assert_eq(&error);
    assert_eq!(fs::read_dir(fixture.path("kernel-patches")).unwrap().count(), 0, "something was left");
}

/// One mail with a diff.
fn patch(header: &str) -> String {
    format!("From: a@b\n{header}\n\nWhy.\n---\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n")
}

#[test]
fn gaps() {
    let mut mails = thread(Letter::plain);
    mails.remove(3);
    check_error(
        &mails,
        expect![
            "importing a series from series.mbox: patch 3 of 6 is missing: add its mail, or take the others with --patches 1-2,4-6"
        ],
    );
    check_error(
        &mails[..3],
        expect![
            "importing a series from series.mbox: patches 3, 4, 5 and 6 of 6 are missing: add their mails, or take the others with --patches 1-2"
        ],
    );
    check_error(
        &[patch("Subject: [PATCH 5/9999] x"), patch("Subject: [PATCH 7/9999] x")],
        expect![
            "importing a series from series.mbox: patches 1, 2, 3, 4, 6 and 9992 more of 9999 are missing: add their mails, or take the others with --patches 5,7"
        ],
    );
    check_error(
        &mails[..1],
        expect![
            "importing a series from series.mbox: patches 1, 2, 3, 4, 5 and 6 of 6 are missing: add their mails"
        ],
    );
}

#[test]
fn wrong_numbers() {
    check_error(
        &[patch("Subject: [PATCH 3/2] x"), patch("Subject: [PATCH 1/2] x")],
        expect![
            "importing a series from series.mbox: series.mbox, mail 1 `[PATCH 3/2] x` is number 3 of 2: number the patches anew"
        ],
    );
    check_error(
        &[patch("Subject: [PATCH 1/0] x")],
        expect![
            "importing a series from series.mbox: series.mbox `[PATCH 1/0] x` is number 1 of 0: number the patches anew"
        ],
    );
}

#[test]
fn duplicates() {
    let mut mails = thread(Letter::plain);
    mails.push(mails[2].replace("io->err = 0", "io->err = 1").replace("attr.ia_valid", "attr->ia_valid"));
    check_error(
        &mails,
        expect![
            "importing a series from series.mbox: patch 2 of 6 is there twice, with different content (series.mbox, mail 3 `[PATCH 2/6] fuse: do not truncate after a failed direct writ…` and series.mbox, mail 8 `[PATCH 2/6] fuse: do not truncate after a failed direct writ…`): remove one"
        ],
    );
}

#[test]
fn versions() {
    let mut mails = thread(Letter::plain);
    let second = thread(|letter| letter.plain().replace("[PATCH", "[PATCH v2").replace("@x>", "@y>"));
    mails.extend(second[..3].to_vec());
    check_error(
        &mails,
        expect![
            "importing a series from series.mbox: versions are mixed: v1 `fuse: one direct request at a time` (6 of 6 patches) and v2 `fuse: one direct request at a time` (2 of 6 patches); choose one with --version N"
        ],
    );
    let fixture = ImportFixture::new();
    fixture.write("series.mbox", mailbox(&mails));
    let error =
        |version| fixture.import("series.mbox", |options| options.version = Some(version)).unwrap_err();
    expect!["importing a series from series.mbox: patches 3, 4, 5 and 6 of 6 are missing: add their mails, or take the others with --patches 1-2"]
        .assert_eq(&error(2));
    expect!["importing a series from series.mbox: no patch of version 3: there is v1 `fuse: one direct request at a time` (6 of 6 patches) and v2 `fuse: one direct request at a time` (2 of 6 patches)"].assert_eq(&error(3));
    fixture.import("series.mbox", |options| options.version = Some(1)).unwrap();
}

#[test]
fn several_series() {
    let mut mails = thread(Letter::plain);
    mails.extend(thread(|letter| letter.plain().replace("fuse: ", "xfs: ").replace("@x>", "@xfs>")));
    check_error(
        &mails,
        expect![
            "importing a series from series.mbox: several series are mixed: v1 `fuse: one direct request at a time` (6 of 6 patches) and v1 `xfs: one direct request at a time` (6 of 6 patches); choose one with --subject TEXT"
        ],
    );
    mails.push(patch("Subject: [PATCH 1/1] other"));
    check_error(
        &mails,
        expect![
            "importing a series from series.mbox: several series are mixed: v1 `other` (1 of 1 patch), v1 `fuse: one direct request at a time` (6 of 6 patches) and v1 `xfs: one direct request at a time` (6 of 6 patches); choose one with --subject TEXT"
        ],
    );
    let sent = |title: &str| patch(&format!("Subject: [PATCH] {title}\nMessage-ID: <{title}@x>"));
    check_error(
        &[sent("one"), sent("two")],
        expect![
            "importing a series from series.mbox: several series are mixed: v1 `one` (1 patch) and v1 `two` (1 patch); choose one with --subject TEXT, or give them as files in a folder, named in their order, if they belong together"
        ],
    );
    let fixture = ImportFixture::new();
    fixture.write("series.mbox", mailbox(&mails));
    let subject = |options: &mut ImportRequest| options.subject = Some("btrfs".to_owned());
    expect!["importing a series from series.mbox: no patch with `btrfs` in a subject: there is v1 `other` (1 of 1 patch), v1 `fuse: one direct request at a time` (6 of 6 patches) and v1 `xfs: one direct request at a time` (6 of 6 patches)"].assert_eq(&fixture.import("series.mbox", subject).unwrap_err());
}

#[test]
fn no_patch() {
    check_error(
        &[],
        expect![
            "importing a series from series.mbox: neither a mail nor a patch in it: is it empty? save the mails that hold the diffs"
        ],
    );
    check_error(
        &["From: a@b\nSubject: lunch\n\nAt twelve.\n".to_owned()],
        expect![
            "importing a series from series.mbox: no patch in it (1 mail: `lunch`: not a patch): save the mails that hold the diffs"
        ],
    );
    check_error(
        &["From: a@b\nSubject: [PATCH] x\n\nSee http://x/y.diff\n".to_owned()],
        expect![
            "importing a series from series.mbox: series.mbox `[PATCH] x` holds no diff: is its patch on a server, or in HTML? save it as plain text"
        ],
    );
    check_error(
        &["From: a@b\nSubject: [PATCH 1/1] x\n\nSee http://x/y.diff\n".to_owned()],
        expect![
            "importing a series from series.mbox: series.mbox `[PATCH 1/1] x` holds no diff: is its patch on a server, or in HTML? save it as plain text"
        ],
    );
}

#[test]
fn unusable_texts() {
    check_error(
        &[patch("Subject: [PATCH 1/1]")],
        expect!["importing a series from series.mbox: series.mbox `[PATCH 1/1]` has no title: give it one"],
    );
    check_error(
        &[patch("Subject: [PATCH] x").replace("Why", "W\0hy")],
        expect![
            "importing a series from series.mbox: series.mbox `[PATCH] x` holds NUL bytes: save it as `git format-patch` does"
        ],
    );
    check_error(
        &[patch("Subject: [PATCH] x").replace("@@ -1 +1 @@", "@@ -1,2 +1,2 @@")],
        expect![
            "importing a series from series.mbox: series.mbox `[PATCH] x`: git cannot read its diff, as if lines were wrapped or cut: error: corrupt patch at line 13"
        ],
    );
    check_error(
        &[patch("Subject: [PATCH] x").replace("b/x", "b/../../x")],
        expect![[
            r#"importing a series from series.mbox: series s: patch 0001-x.patch: the path "../../x" leads out of the tree; a patch that does this is not applied"#
        ]],
    );
    check_error(
        &[patch("Subject: [PATCH] x").replace("Why", &"why ".repeat(2 << 20))],
        expect![
            "importing a series from series.mbox: series.mbox `[PATCH] x` has 8388648 bytes, 4194304 are allowed: split it"
        ],
    );
    check_error(
        &[patch("Subject: [PATCH] x\nContent-Transfer-Encoding: base64")],
        expect![
            "importing a series from series.mbox: series.mbox `[PATCH] x`: its base64 or quoted-printable text is broken: fetch it again"
        ],
    );
}

#[test]
fn files_that_are_none() {
    let fixture = ImportFixture::new();
    fs::create_dir(fixture.path("empty")).unwrap();
    fixture.write("series.mbox.gz", b"\x1f\x8b\x08");
    let error = |from: &str| fixture.import(from, |_| ()).unwrap_err();
    expect!["importing a series from missing.mbox: opening it: No such file or directory (os error 2)"]
        .assert_eq(&error("missing.mbox"));
    expect!["importing a series from empty: neither a mail nor a patch in it: is it empty? save the mails that hold the diffs"]
        .assert_eq(&error("empty"));
    expect!["importing a series from series.mbox.gz: unpacking series.mbox.gz, which is damaged: fetch it again: unexpected end of file"]
        .assert_eq(&error("series.mbox.gz"));
    // Endless, and no regular file.
    let zero =
        fixture.import("", |options| options.from = SeriesOrigin::Files("/dev/zero".into())).unwrap_err();
    expect!["importing a series from /dev/zero: zero is neither a file nor a folder: save it as a file"]
        .assert_eq(&zero);
}

#[test]
fn names() {
    let fixture = ImportFixture::new();
    fixture.write("series.mbox", mailbox(&[patch("Subject: [PATCH] do it"), String::new()]));
    fixture.write("nameless.mbox", mailbox(&[patch("Subject: [PATCH] 。、")]));
    fixture.import("series.mbox", |_| ()).unwrap();
    let before = fixture.files();
    let error = |from: &str, name: Option<&str>| {
        fixture.import(from, |options| options.name = name.map(str::to_owned)).unwrap_err()
    };
    expect!["importing a series from series.mbox: kernel-patches/do-it is there already: remove it, or give another name with --name"].assert_eq(&error("series.mbox", None));
    expect!["the subject `。、` makes no name: give one with --name"]
        .assert_eq(&error("nameless.mbox", None));
    expect![
        "`../x` is no safe name; use 1 to 40 of a-z, 0-9, `.`, `_`, `-`, the first a letter or digit, no `..`"
    ]
    .assert_eq(&error("series.mbox", Some("../x")));
    assert_eq!(fixture.files(), before);
    fixture.import("series.mbox", |options| options.name = Some("another".to_owned())).unwrap();
    let unfinished =
        thread(|letter| letter.plain().replace("fuse: one direct request at a time", "*** SUBJECT HERE ***"));
    fixture.write("unfinished.mbox", mailbox(&unfinished));
    let summary = fixture.import("unfinished.mbox", |_| ()).unwrap();
    assert!(summary.contains("kernel-patches/fuse-stop-offering-asynchronous-direct-i\n"), "{summary}");
}
