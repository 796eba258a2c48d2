//! What a series must not do, refused before any of it is applied.
//!
//! Two looks: at the text of the patches, and at what git made of them. The second one does not depend on
//! how a patch is written.

use anyhow::{bail, ensure};

use super::diff::{self, FileChange};
use super::{Patch, Series, paths};

/// Binary data above this size is refused: a patch to a kernel brings no more than a logo.
const MAX_BINARY_BYTES: u64 = 1 << 20;

/// Checks the text of every patch.
///
/// # Errors
/// Names series, patch and path: a path that leaves the tree or that git acts upon, a link that leaves the
/// tree, a submodule, a mode that is none of git's, oversized binary data, a mail whose body is encoded.
pub fn scan(series: &Series) -> anyhow::Result<()> {
    for patch in &series.patches {
        if let Some(fault) = patch_fault(patch) {
            bail!(
                "series {}: patch {}: {fault}; a patch that does this is not applied",
                series.name,
                patch.file
            );
        }
    }
    Ok(())
}

fn patch_fault(patch: &Patch) -> Option<String> {
    let text = String::from_utf8_lossy(&patch.text);
    encoding_fault(&text).or_else(|| diff::parse(&patch.text).iter().find_map(change_fault))
}

/// `git am` decodes mails. What would be decoded cannot be checked here.
fn encoding_fault(text: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let value = value.trim().to_ascii_lowercase();
        let is_fault = match name.to_ascii_lowercase().as_str() {
            "content-transfer-encoding" => !matches!(value.as_str(), "7bit" | "8bit" | "binary"),
            "content-type" => value.starts_with("multipart/"),
            _ => false,
        };
        is_fault
            .then(|| format!("its body is encoded (`{}`): save it as `git format-patch` does", line.trim()))
    })
}

fn change_fault(change: &FileChange) -> Option<String> {
    let path = change.paths.last().map_or("", String::as_str);
    if let Some(fault) = change.paths.iter().find_map(|path| paths::fault(path)) {
        return Some(fault);
    }
    if change.overlong {
        return Some(format!("a hunk for {path:?} has more lines than its header says"));
    }
    if change.binary_without_data {
        return Some(format!(
            "the binary data of {path:?} is missing: make it with `git format-patch --binary`"
        ));
    }
    if let Some(bytes) = change.binary_bytes.iter().find(|bytes| **bytes > MAX_BINARY_BYTES) {
        return Some(format!("{bytes} bytes of binary data for {path:?}, {MAX_BINARY_BYTES} are allowed"));
    }
    change.modes.iter().find_map(|mode| mode_fault(change, path, mode)).or_else(|| attributes_fault(change))
}

fn mode_fault(change: &FileChange, path: &str, mode: &str) -> Option<String> {
    match mode {
        "100644" | "100755" => None,
        "160000" => Some(format!("{path:?} is a submodule")),
        "120000" => match change.added.as_slice() {
            [] if change.binary_bytes.is_empty() => None,
            [target] => paths::link_fault(path, target),
            [] | [..] => Some(format!("the link {path:?} has no usable target")),
        },
        other => Some(format!("{path:?} has the mode {other}")),
    }
}

/// A `.gitattributes` may choose how differences are shown; anything else changes what a checkout writes.
fn attributes_fault(change: &FileChange) -> Option<String> {
    let path = change.paths.iter().find(|path| path.rsplit('/').next() == Some(".gitattributes"))?;
    let harmless =
        |attribute: &str| attribute.trim_start_matches(['-', '!']).split('=').next() == Some("diff");
    let bad = change.added.iter().find(|line| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with('#') && !line.split_whitespace().skip(1).all(harmless)
    })?;
    Some(format!("{path:?} sets attributes other than diff: {:?}", bad.trim()))
}

/// Checks what git made of a series. `raw` is the output of `git diff --raw -z --no-renames --abbrev=40`;
/// `link_target` reads the object of a link.
///
/// # Errors
/// As [`scan`], without the name of the patch.
pub fn check_changes(
    raw: &str,
    mut link_target: impl FnMut(&str) -> anyhow::Result<String>,
) -> anyhow::Result<()> {
    let mut fields = raw.split('\0');
    while let Some(header) = fields.next().filter(|field| !field.is_empty()) {
        let path = fields.next().unwrap_or_default();
        let columns: Vec<&str> = header.split(' ').collect();
        let [_, mode, _, object, _] = columns[..] else { bail!("unknown line of git diff: {header:?}") };
        if let Some(fault) = paths::fault(path) {
            bail!("{fault}");
        }
        match mode {
            // Gone, or an ordinary file.
            "000000" | "100644" | "100755" => {}
            "120000" => {
                if let Some(fault) = paths::link_fault(path, &link_target(object)?) {
                    bail!("{fault}");
                }
            }
            other => ensure!(false, "{path:?} has the mode {other}"),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scanned(text: &str) -> String {
        let patch = Patch { file: "0001-x.patch".into(), subject: "x".into(), text: text.into() };
        match scan(&Series::new("s", vec![patch])) {
            Ok(()) => "fine".to_owned(),
            Err(error) => format!("{error:#}"),
        }
    }

    fn check(text: &str, expected: &str) {
        let result = scanned(text);
        if expected == "fine" {
            assert_eq!(result, "fine", "{text}");
        } else {
            assert!(result.starts_with("series s: patch 0001-x.patch: "), "{result}");
            assert!(result.contains(expected), "expected {expected:?} in {result:?} for\n{text}");
        }
    }

    /// A new file at `path` in git's form.
    fn new_file(path: &str, mode: &str, content: &str) -> String {
        format!(
            "diff --git a/{path} b/{path}\nnew file mode {mode}\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+{content}\n"
        )
    }

    #[test]
    fn ordinary_changes() {
        check(&new_file("fs/x.c", "100644", "int x;"), "fine");
        check(&new_file("tools/x.sh", "100755", "#!/bin/sh"), "fine");
        check(&new_file("fs/.gitignore", "100644", "*.o"), "fine");
        check(&new_file("fs/link", "120000", "fuse/file.c"), "fine");
        check(&new_file(".gitattributes", "100644", "*.c diff=cpp"), "fine");
        check("Content-Transfer-Encoding: 8bit\n\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n", "fine");
        check("diff --git a/x b/y\nsimilarity index 100%\nrename from x\nrename to y\n", "fine");
    }

    #[test]
    fn paths_out_of_the_tree() {
        check(&new_file("../x", "100644", "x"), "leads out of the tree");
        check(&new_file("fs/../../x", "100644", "x"), "leads out of the tree");
        check("--- /etc/passwd\n+++ /etc/passwd\n@@ -1 +1 @@\n-a\n+b\n", "is absolute");
        check("--- a/x\n+++ b//etc/passwd\n@@ -1 +1 @@\n-a\n+b\n", "is absolute");
        check("--- a/../../x\n+++ b/../../x\n@@ -1 +1 @@\n-a\n+b\n", "leads out of the tree");
        check(
            "diff --git \"a/\\056\\056/x\" \"b/\\056\\056/x\"\nnew file mode 100644\n",
            "leads out of the tree",
        );
        check("diff --git a/x b/y\nrename from x\nrename to ../y\n", "leads out of the tree");
        check("diff --git a/x b/y\ncopy from x\ncopy to /y\n", "is absolute");
    }

    #[test]
    fn names_that_git_acts_upon() {
        check(&new_file(".git/hooks/post-checkout", "100755", "#!/bin/sh"), "git acts upon");
        check(&new_file("fs/.GIT/config", "100644", "x"), "git acts upon");
        check(&new_file(".gitmodules", "100644", "x"), "git acts upon");
        check("--- a/.git/config\n+++ b/.git/config\n@@ -1 +1 @@\n-a\n+b\n", "git acts upon");
        check("diff --git a/x b/y\nrename from x\nrename to .git/hooks/update\n", "git acts upon");
        check(&new_file("fs/.gitattributes", "100644", "*.c filter=evil"), "attributes other than diff");
        check(&new_file(".gitattributes", "100644", "* text eol=crlf"), "attributes other than diff");
    }

    #[test]
    fn links_submodules_and_modes() {
        check(&new_file("fs/link", "120000", "/etc/passwd"), "absolute target");
        check(&new_file("fs/link", "120000", "../../etc"), "leaves the tree");
        check(&new_file("sub", "160000", "Subproject commit 1234"), "submodule");
        check(&new_file("dev", "060000", "x"), "mode 060000");
        let retarget = "diff --git a/l b/l\nindex 1..2 120000\n--- a/l\n+++ b/l\n@@ -1 +1 @@\n-x\n+/etc\n";
        check(retarget, "absolute target");
        check(
            "diff --git a/l b/l\nnew file mode 120000\nGIT binary patch\nliteral 9\nzc$\n",
            "no usable target",
        );
    }

    #[test]
    fn data_that_cannot_be_checked() {
        check("diff --git a/x b/x\nGIT binary patch\nliteral 99999999\nz\n", "99999999 bytes of binary data");
        check("diff --git a/x b/x\nGIT binary patch\nliteral 99\nz\n", "fine");
        check("diff --git a/x b/x\nBinary files a/x and b/x differ\n", "git format-patch --binary");
        check(
            "--- o/x\n+++ n/x\n@@ -1 +1 @@\n-a\n+b\nBinary files o/logo and n/logo differ\n",
            "the binary data of \"logo\" is missing",
        );
        check("Content-Transfer-Encoding: base64\n\nZGlmZg==\n", "its body is encoded");
        check("Content-Type: multipart/mixed; boundary=x\n\n", "its body is encoded");
        check("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n+c\n", "more lines than its header says");
    }

    #[test]
    fn what_git_made_of_it() {
        let check = |raw: &str, target: &str, expected: &str| {
            let result = check_changes(raw, |_| Ok(target.to_owned()));
            let result = result.map_or_else(|error| format!("{error:#}"), |()| "fine".to_owned());
            assert!(result.contains(expected), "{result:?} for {raw:?}");
        };
        check("", "", "fine");
        check(":100644 100644 aa bb M\0fs/x.c\0:100644 000000 aa bb D\0fs/y.c\0", "", "fine");
        check(":000000 120000 aa bb A\0fs/l\0", "x.c", "fine");
        check(":000000 120000 aa bb A\0l\0", "../x", "leaves the tree");
        check(":000000 160000 aa bb A\0l\0", "", "mode 160000");
        check(":000000 100644 aa bb A\0.gitmodules\0", "", "git acts upon");
    }
}
