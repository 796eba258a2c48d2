//! Checks of the tree itself, so that its documents and its form stay true.

use std::path::Path;

use anyhow::{Context as _, bail};
use clap::Parser as _;
use xshell::{Shell, cmd};

use crate::commands::cli::Cli;
use crate::lab::checkout::Checkout;

/// Looks at every file that git knows.
///
/// # Errors
/// One error that lists everything that was found.
pub(super) fn check(sh: &Shell, checkout: &Checkout) -> anyhow::Result<()> {
    println!("== tidy");
    let _folder = sh.push_dir(checkout.root());
    let listed = cmd!(sh, "git ls-files --cached --others --exclude-standard").quiet().read()?;
    let mut problems = Vec::new();
    for name in listed.lines() {
        let path = checkout.join(name);
        // Deleted in the working tree, or a capture in bytes: neither is text to check.
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        problems.extend(problems_of(name, &text, |path| checkout.join(path).exists()));
    }
    if problems.is_empty() {
        return Ok(());
    }
    problems.iter().for_each(|problem| println!("{problem}"));
    bail!("tidy: {} problems, listed above", problems.len())
}

/// Everything wrong with one file, given its path in the checkout and its text.
fn problems_of(name: &str, text: &str, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let extension = Path::new(name).extension().and_then(|extension| extension.to_str());
    match extension {
        Some("rs") => module_comment(name, text).into_iter().collect(),
        Some("md") => {
            let mut problems = commands(name, text);
            if name == "ARCHITECTURE.md" {
                problems.extend(paths(name, text, exists));
            }
            problems
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

fn lints(name: &str, text: &str) -> Option<String> {
    let inherits = text
        .parse::<toml::Table>()
        .context("parsing")
        .is_ok_and(|table| table.get("lints").and_then(|lints| lints.get("workspace")).is_some());
    (!inherits).then(|| format!("{name}: does not inherit the workspace's lints"))
}

/// Each `cargo xtask ...` in Markdown has to be one that the real parser takes.
fn commands(name: &str, text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for rest in line.split("cargo xtask ").skip(1) {
            let command = rest.split(['`', '#', '|', ')', ';', '&']).next().unwrap_or_default();
            let words: Vec<&str> = command.split_whitespace().collect();
            // A line that shows the form of a command names arguments in capitals or brackets.
            if words.is_empty() || words.iter().any(|word| word.starts_with(['[', '<', '.'])) {
                continue;
            }
            if let Err(error) =
                Cli::try_parse_from(std::iter::once("cargo xtask").chain(words.iter().copied()))
                && error.use_stderr()
            {
                let reason = error.to_string();
                let reason = reason.lines().next().unwrap_or_default();
                problems.push(format!("{name}:{}: `cargo xtask {}`: {reason}", number + 1, words.join(" ")));
            }
        }
    }
    problems
}

/// Each path that ARCHITECTURE.md gives in backquotes has to exist.
fn paths(name: &str, text: &str, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let mut problems = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for word in line.split('`').skip(1).step_by(2) {
            let looks_like_path = word.contains('/')
                && !word.starts_with('/')
                && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
            if looks_like_path && !exists(word) {
                problems.push(format!("{name}:{}: {word} does not exist", number + 1));
            }
        }
    }
    problems
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
    fn paths_in_the_architecture_exist() {
        check("ARCHITECTURE.md", "`xtask/src` and `dd` and `/dev/kvm`\n", &[]);
        check(
            "ARCHITECTURE.md",
            "see `xtask/gone.rs`\n",
            &["ARCHITECTURE.md:1: xtask/gone.rs does not exist"],
        );
    }

    #[test]
    fn members_inherit_the_lints() {
        check("x/Cargo.toml", "[lints]\nworkspace = true\n", &[]);
        check("x/Cargo.toml", "[package]\n", &["x/Cargo.toml: does not inherit the workspace's lints"]);
    }
}
