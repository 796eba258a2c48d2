//! What documents say: commands, paths, and that each page is found.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use clap::Parser as _;

use crate::commands::cli::Cli;

/// The page from which each other one is reached.
const ENTRANCE: &str = "README.md";
/// Where pages lie that have to be reached.
const PAGES: &str = "docs/";

/// How commands begin: in the checkout, and where they are quoted or typed elsewhere.
const BEGINNINGS: [&str; 3] = ["cargo xtask ", "`patchlab ", "$ patchlab "];

/// Each command in Markdown has to be one that the real parser takes.
pub(super) fn commands(name: &str, text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for rest in BEGINNINGS.iter().flat_map(|beginning| line.split(beginning).skip(1)) {
            let command = rest.split(['`', '#', '|', ')', ';', '&', '>', '\\']).next().unwrap_or_default();
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

/// Folders at the top of the checkout: a path that begins with one of them is a path of the checkout.
const TOP: [&str; 5] = ["docs/", "images/", "kernel-patches/", "results/", "xtask/"];

/// Each path of the checkout that a document gives in backquotes has to exist.
pub(super) fn paths(name: &str, text: &str, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let mut problems = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for word in line.split('`').skip(1).step_by(2) {
            let looks_like_path = TOP.iter().any(|folder| word.starts_with(folder))
                && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
            if looks_like_path && !exists(word) {
                problems.push(format!("{name}:{}: {word} does not exist", number + 1));
            }
        }
    }
    problems
}

/// Pages that no link leads to, from the entrance on. `texts` are the Markdown files by path.
pub(super) fn unreached(texts: &BTreeMap<String, String>) -> Vec<String> {
    let mut reached = BTreeSet::new();
    let mut next = vec![ENTRANCE.to_owned()];
    while let Some(page) = next.pop() {
        let Some(text) = texts.get(&page) else { continue };
        if reached.insert(page.clone()) {
            next.extend(links(&page, text));
        }
    }
    let pages = texts.keys().filter(|page| page.starts_with(PAGES));
    let lost = pages.filter(|page| !reached.contains(*page));
    lost.map(|page| format!("{page}:1: no link leads from {ENTRANCE} to this page")).collect()
}

/// The files that a page links to, `[text](target)`, as paths of the checkout.
fn links(page: &str, text: &str) -> Vec<String> {
    let folder = Path::new(page).parent().unwrap_or(Path::new(""));
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
    targets.filter(|target| !target.is_empty()).map(|target| plain(&folder.join(target))).collect()
}

/// `docs/../README.md` -> `README.md`.
fn plain(path: &Path) -> String {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                plain.pop();
            }
            Component::Normal(name) => plain.push(name),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    plain.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_found_over_links() {
        let check = |pages: &[(&str, &str)], expected: &[&str]| {
            let texts = pages.iter().map(|(page, text)| ((*page).to_owned(), (*text).to_owned())).collect();
            assert_eq!(unreached(&texts), expected);
        };
        let lost = "docs/b.md:1: no link leads from README.md to this page";
        check(&[("README.md", "see [a](docs/a.md#part)"), ("docs/a.md", "")], &[]);
        check(
            &[("README.md", "[a](docs/a.md)"), ("docs/a.md", "[b](b.md), [c](../x.md)"), ("docs/b.md", "")],
            &[],
        );
        check(&[("README.md", "docs/b.md"), ("docs/b.md", "[itself](b.md)")], &[lost]);
        check(
            &[("README.md", ""), ("docs/a.md", "[b](b.md)"), ("docs/b.md", "[a](a.md)")],
            &["docs/a.md:1: no link leads from README.md to this page", lost],
        );
    }
}
