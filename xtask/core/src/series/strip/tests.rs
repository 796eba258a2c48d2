//! Paths as people have them, and as git takes them.

use super::*;

fn converted(diff: &str, paths: &Paths) -> Result<String, String> {
    let converted = to_p1(diff.as_bytes(), paths)?;
    Ok(converted.map_or_else(|| "as it is".to_owned(), |new| String::from_utf8(new.diff).unwrap()))
}

#[track_caller]
fn check(diff: &str, expected: &str) {
    assert_eq!(converted(diff, &Paths::default()).as_deref(), Ok(expected), "{diff}");
}

#[test]
fn paths_in_git_form() {
    for diff in [
        "",
        "diff --git a/fs/x.c b/fs/x.c\nindex 1..2\n--- a/fs/x.c\n+++ b/fs/x.c\n",
        "diff --git a/new/x.c b/new/x.c\nnew file mode 100644\n--- /dev/null\n+++ b/new/x.c\n",
        "diff --git i/x w/x\n--- i/x\n+++ w/x\n",
        "diff --git a/fs/x b/fs/y\nrename from fs/x\nrename to fs/y\n",
        "diff -urN o/fs/x.c n/fs/x.c\n--- o/fs/x.c\t2026-11-26\n+++ n/fs/x.c\t2026-11-26\n",
        "--- linux.orig/fs/x.c\n+++ linux/fs/x.c\n",
        "--- linux/fs/x.c\n+++ linux/fs/x.c\n",
        "--- /dev/null\n+++ b/x.c\n",
        "--- /dev/null\n+++ linux/fs/x.c\n",
        "--- a/x\n+++ b/x\n@@ -1 +1 @@\n--- fs/no\n+++ fs/no\n",
        "--- /etc/passwd\n+++ /etc/passwd\n",
    ] {
        check(diff, "as it is");
    }
}

#[test]
fn paths_without_prefix() {
    check(
        "diff --git fs/x.c fs/x.c\nindex 1..2\n--- fs/x.c\n+++ fs/x.c\n@@ -1 +1 @@\n--- fs/x.c\n+++ fs/x.c\n",
        "diff --git a/fs/x.c b/fs/x.c\nindex 1..2\n--- a/fs/x.c\n+++ b/fs/x.c\n@@ -1 +1 @@\n--- fs/x.c\n+++ fs/x.c\n",
    );
    check("diff --git \"x\\t\" \"x\\t\"\n", "diff --git \"a/x\\t\" \"b/x\\t\"\n");
    check(
        "diff --git fs/x fs/y\nsimilarity index 90%\nrename from fs/x\nrename to fs/y\n--- fs/x\n+++ fs/y\n",
        "diff --git a/fs/x b/fs/y\nsimilarity index 90%\nrename from fs/x\nrename to fs/y\n--- a/fs/x\n+++ b/fs/y\n",
    );
    check(
        "diff --git fs/n.c fs/n.c\nnew file mode 100644\n--- /dev/null\n+++ fs/n.c\n",
        "diff --git a/fs/n.c b/fs/n.c\nnew file mode 100644\n--- /dev/null\n+++ b/fs/n.c\n",
    );
    check("--- fs/x.c.orig\t2026\n+++ fs/x.c\t2026\r\n", "--- a/fs/x.c.orig\t2026\n+++ b/fs/x.c\t2026\r\n");
    check("--- ./fs/x.c\n+++ ./fs/x.c\n", "--- a/fs/x.c\n+++ b/fs/x.c\n");
    check("--- Makefile\n+++ Makefile\n", "--- a/Makefile\n+++ b/Makefile\n");
    check("--- src/linux/fs/x.c\n+++ src/linux/fs/x.c\n", "--- a/fs/x.c\n+++ b/fs/x.c\n");
}

#[test]
fn paths_that_somebody_knows_better() {
    let check = |diff: &str, strip: Option<u32>, directory: Option<&str>, expected: &str| {
        let paths = Paths { strip, directory: directory.map(str::to_owned) };
        assert_eq!(converted(diff, &paths).as_deref(), Ok(expected), "{diff}");
    };
    let here = "--- ./file.c\n+++ ./file.c\n";
    check(here, None, Some("fs/fuse"), "--- a/fs/fuse/file.c\n+++ b/fs/fuse/file.c\n");
    check(here, Some(0), None, "--- a/file.c\n+++ b/file.c\n");
    check(here, Some(1), None, "as it is");
    check("--- x/y/z.c\n+++ x/y/z.c\n", Some(2), None, "--- a/z.c\n+++ b/z.c\n");
    check("--- x/y/z.c\n+++ x/y/z.c\n", Some(0), None, "--- a/x/y/z.c\n+++ b/x/y/z.c\n");
    let renamed = "diff --git a/x.c b/y.c\nrename from x.c\nrename to y.c\n";
    let moved = "diff --git a/fs/x.c b/fs/y.c\nrename from fs/x.c\nrename to fs/y.c\n";
    check(renamed, None, Some("fs"), moved);
    check("--- a/x.c\n+++ b/x.c\n", None, Some("fs"), "--- a/fs/x.c\n+++ b/fs/x.c\n");
}

#[test]
fn paths_that_say_too_little() {
    let error = converted("--- ./file.c\n+++ ./file.c\n", &Paths::default()).unwrap_err();
    let expected = "where its paths begin cannot be told (`./file.c`): say so with --directory, e.g. --directory fs/fuse";
    assert_eq!(error, expected);
    assert!(converted("--- file.c\n+++ file.c\n", &Paths::default()).is_err());
    // One that tells is enough.
    check("--- fs/x.c\n+++ fs/x.c\n--- x.c\n+++ x.c\n", "--- a/fs/x.c\n+++ b/fs/x.c\n--- a/x.c\n+++ b/x.c\n");
}
