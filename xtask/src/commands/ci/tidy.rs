//! Checks of the tree itself, so that its documents and its form stay true.

mod imports;
mod markdown;
mod stages;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, bail};
use xshell::Shell;

use crate::lab::checkout::Checkout;
use crate::lab::output;
use crate::lab::process::{self, git};

/// Looks at every file that git knows.
///
/// # Errors
/// One error that lists everything that was found.
pub(super) fn check(sh: &Shell, checkout: &Checkout) -> anyhow::Result<()> {
    output::print("== tidy\n")?;
    let list = git::git(sh, checkout.root()).args(["ls-files", "--cached", "--others", "--exclude-standard"]);
    let listed = process::read(list).context("listing the checkout")?;
    // What is deleted in the working tree, or a capture in bytes, is no text to check.
    let read = |name: &str| Some((name.to_owned(), std::fs::read_to_string(checkout.join(name)).ok()?));
    let texts: BTreeMap<String, String> = listed.lines().filter_map(read).collect();
    let mut problems = Vec::new();
    for (name, text) in &texts {
        problems.extend(problems_of(name, text, |path| checkout.join(path).exists()));
    }
    problems.extend(markdown::unreached(&texts));
    let packages = stages::look(&texts)?;
    output::print(&stages::picture(&packages))?;
    problems.extend(packages.iter().flat_map(|package| package.problems()));
    if problems.is_empty() {
        return Ok(());
    }
    output::print(&problems.iter().map(|problem| format!("{problem}\n")).collect::<String>())?;
    bail!("{} problems, listed above", problems.len())
}

/// Everything wrong with one file, given its path in the checkout and its text.
fn problems_of(name: &str, text: &str, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let extension = Path::new(name).extension().and_then(|extension| extension.to_str());
    match extension {
        Some("rs") => {
            let of_file = module_comment(name, text).into_iter().chain(too_long(name, text));
            of_file.chain(starts_git(name, text)).collect()
        }
        Some("md") => {
            markdown::commands(name, text).into_iter().chain(markdown::paths(name, text, exists)).collect()
        }
        Some("toml") if name.ends_with("Cargo.toml") && name != "Cargo.toml" => {
            lints(name, text).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

fn module_comment(name: &str, text: &str) -> Option<String> {
    (!text.starts_with("//! "))
        .then(|| format!("{name}:1: starts without a `//!` line that says its subject"))
}

/// Tables, which may be long: one line an entry.
const TABLES: [&str; 1] = ["xtask/core/src/evidence/klog/skipped/table.rs"];
/// A longer file has more than one subject.
const MOST_LINES: usize = 400;

fn too_long(name: &str, text: &str) -> Option<String> {
    let is_test = name.ends_with("/tests.rs") || name.contains("/tests/");
    let lines = text.lines().count();
    (lines > MOST_LINES && !is_test && !TABLES.contains(&name))
        .then(|| format!("{name}:1: has {lines} lines, {MOST_LINES} are the most: split it by subject"))
}

/// What starts git so that it does not see the variables of a git that started us. The second one is a test of a package
/// that does not use the lab.
const STARTS_GIT: [&str; 2] = ["xtask/src/lab/process/git.rs", "images/passthrough/tests/it/trees.rs"];

fn starts_git(name: &str, text: &str) -> Vec<String> {
    let starts = |line: &str| {
        let program = line.split_once("cmd!(").and_then(|(_, rest)| rest.split_once('"'));
        program.is_some_and(|(_, rest)| rest.split([' ', '"']).next() == Some("git"))
    };
    let places = text.lines().zip(1..).filter(|(line, _)| !STARTS_GIT.contains(&name) && starts(line));
    places
        .map(|(_, number)| format!("{name}:{number}: starts git otherwise than by `process::git`"))
        .collect()
}

fn lints(name: &str, text: &str) -> Option<String> {
    let inherits = text
        .parse::<toml::Table>()
        .context("parsing")
        .is_ok_and(|table| table.get("lints").and_then(|lints| lints.get("workspace")).is_some());
    (!inherits).then(|| format!("{name}: does not inherit the workspace's lints"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, text: &str, expected: &[&str]) {
        assert_eq!(problems_of(name, text, |path| path == "xtask/src"), expected);
    }

    #[test]
    fn modules_say_their_subject() {
        check("a.rs", "//! Digests.\n", &[]);
        check("a.rs", "use std::fs;\n", &["a.rs:1: starts without a `//!` line that says its subject"]);
    }

    #[test]
    fn files_have_one_subject() {
        let long = format!("//! Digests.\n{}", "\n".repeat(400));
        check("src/a.rs", &long, &["src/a.rs:1: has 401 lines, 400 are the most: split it by subject"]);
        check("src/a.rs", &long[..long.len() - 1], &[]);
        check("src/a/tests.rs", &long, &[]);
        check(TABLES[0], &long, &[]);
    }

    #[test]
    fn commands_in_documents_are_real() {
        check("a.md", "run `cargo xtask run-lab --plan mail` and\n    cargo xtask ci   # all\n", &[]);
        check("a.md", "the form is `cargo xtask compare [CAMPAIGN]`\n", &[]);
        check(
            "a.md",
            "x\n`cargo xtask run-leb`\n",
            &["a.md:2: `cargo xtask run-leb`: error: unrecognized subcommand 'run-leb'"],
        );
    }

    #[test]
    fn paths_in_documents_exist() {
        check("docs/a.md", "`xtask/src` and `dd` and `/dev/kvm` and `fs/fuse/file.c`\n", &[]);
        check(
            "ARCHITECTURE.md",
            "see `xtask/gone.rs`\n",
            &["ARCHITECTURE.md:1: xtask/gone.rs does not exist"],
        );
    }

    #[test]
    fn git_is_started_in_one_place() {
        let text = |command: &str| format!("//! X.\nlet x = cmd!(sh, {command:?}).run();\n");
        let problem = "a.rs:2: starts git otherwise than by `process::git`";
        check("a.rs", &text("git clone x"), &[problem]);
        check("a.rs", &text("git"), &[problem]);
        check("a.rs", &text("gitk"), &[]);
        check("a.rs", "//! X.\nlet purpose = \"git am\";\n", &[]);
        check(STARTS_GIT[0], &text("git clone x"), &[]);
    }

    #[test]
    fn members_inherit_the_lints() {
        check("x/Cargo.toml", "[lints]\nworkspace = true\n", &[]);
        check("x/Cargo.toml", "[package]\n", &["x/Cargo.toml: does not inherit the workspace's lints"]);
    }
}
