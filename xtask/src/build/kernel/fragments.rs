//! Configuration fragments: what they ask for, what of it was lost, and how two configurations differ.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::bail;

/// A configuration fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fragment {
    /// File below `images/kernel/`.
    pub(crate) name: String,
    /// Its content.
    pub(crate) text: String,
}

impl Fragment {
    /// What it asks for: its lines without comments, so that a better word in one of them builds no kernel anew.
    /// `# CONFIG_X is not set` is no comment.
    pub(crate) fn meaning(&self) -> String {
        let counts =
            |line: &&str| !line.is_empty() && (!line.starts_with('#') || line.ends_with(" is not set"));
        self.text.lines().map(str::trim).filter(counts).fold(String::new(), |text, line| text + line + "\n")
    }
}

/// One option that a fragment asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// With `CONFIG_`.
    pub(crate) option: String,
    /// As written behind `=`; `n` for an option that is to be off.
    pub(crate) value: String,
    /// Where it is asked for, `file:line`.
    pub(crate) place: String,
}

/// An option that the resolved configuration does not have as asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lost {
    pub(crate) wanted: Wanted,
    /// What the resolved configuration has; `n` for nothing.
    pub(crate) got: String,
}

/// Everything that the fragments ask for. Of two values for one option the later one counts.
///
/// # Errors
/// If a line is neither an option nor a comment, or asks for a module: the guest loads none.
pub(super) fn parse(fragments: &[Fragment]) -> anyhow::Result<Vec<Wanted>> {
    let mut all: Vec<Wanted> = Vec::new();
    for fragment in fragments {
        for (number, line) in fragment.text.lines().enumerate() {
            let place = format!("{}:{}", fragment.name, number + 1);
            match line_option(line) {
                Line::Option(option, "m") => {
                    bail!("{place}: {option}=m: the guest loads no modules, write =y");
                }
                Line::Option(option, value) => {
                    all.retain(|wanted| wanted.option != option);
                    all.push(Wanted { option: option.to_owned(), value: value.to_owned(), place });
                }
                Line::Nothing => {}
                Line::Unknown => bail!(
                    "{place}: {line:?} is no option: write CONFIG_NAME=value, `# CONFIG_NAME is not set` or a comment"
                ),
            }
        }
    }
    Ok(all)
}

/// The fragments as one text for kconfig, with what they ask for last alone, so that it does not warn.
pub(super) fn all_config(wanted: &[Wanted]) -> String {
    wanted
        .iter()
        .map(|Wanted { option, value, .. }| match value.as_str() {
            "n" => format!("# {option} is not set\n"),
            value => format!("{option}={value}\n"),
        })
        .collect()
}

/// What of `wanted` is not in the resolved configuration.
pub(super) fn lost(wanted: &[Wanted], resolved: &str) -> Vec<Lost> {
    let resolved = values(resolved);
    wanted
        .iter()
        .filter_map(|wanted| {
            let got = resolved.get(wanted.option.as_str()).copied().unwrap_or("n");
            (got != wanted.value).then(|| Lost { wanted: wanted.clone(), got: got.to_owned() })
        })
        .collect()
}

/// One line about a lost option. `defined` says whether any Kconfig file of the source defines it.
pub(super) fn explain(lost: &Lost, defined: Defined) -> String {
    let Lost { wanted: Wanted { option, value, place }, got } = lost;
    let reason = match (defined, got.as_str()) {
        (Defined::No, _) => "this source has no such option".to_owned(),
        (Defined::Yes, "n") => "its dependencies are not met".to_owned(),
        (Defined::Yes, got) if value == "n" => {
            format!("it is {got}: another option selects it, or it is always on")
        }
        (Defined::Yes, got) => format!("it is {got}: out of range, or another choice was taken"),
    };
    format!("{option}={value} ({place}): {reason}")
}

/// Whether a source knows an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Defined {
    Yes,
    No,
}

/// The options that two resolved configurations have different values for, each as `CONFIG_X: y, then n`,
/// sorted by name.
pub(crate) fn difference(a: &str, b: &str) -> Vec<String> {
    let (a, b) = (values(a), values(b));
    let names: BTreeSet<&str> = a.keys().chain(b.keys()).copied().collect();
    let value = |map: &BTreeMap<&str, &str>, name| map.get(name).copied().unwrap_or("n").to_owned();
    names
        .into_iter()
        .map(|name| (name, value(&a, name), value(&b, name)))
        .filter(|(_, a, b)| a != b)
        .map(|(name, a, b)| format!("{name}: {a}, then {b}"))
        .collect()
}

/// How many options are `y`.
pub(super) fn built_in(resolved: &str) -> usize {
    values(resolved).values().filter(|value| **value == "y").count()
}

fn values(resolved: &str) -> BTreeMap<&str, &str> {
    resolved
        .lines()
        .filter_map(|line| match line_option(line) {
            Line::Option(option, value) => Some((option, value)),
            Line::Nothing | Line::Unknown => None,
        })
        .collect()
}

enum Line<'a> {
    Option(&'a str, &'a str),
    Nothing,
    Unknown,
}

fn line_option(line: &str) -> Line<'_> {
    let line = line.trim();
    let is_name = |name: &str| {
        name.strip_prefix("CONFIG_").is_some_and(|rest| {
            !rest.is_empty() && rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        })
    };
    let off = line.strip_prefix("# ").and_then(|rest| rest.strip_suffix(" is not set"));
    if let Some(name) = off.filter(|name| is_name(name)) {
        return Line::Option(name, "n");
    }
    if line.is_empty() || line.starts_with('#') {
        return Line::Nothing;
    }
    match line.split_once('=') {
        Some((name, value)) if is_name(name) && !value.is_empty() => Line::Option(name, value),
        Some(_) | None => Line::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fragment(name: &str, text: &str) -> Fragment {
        Fragment { name: name.into(), text: text.into() }
    }

    #[test]
    fn the_later_value_counts() {
        let wanted = parse(&[
            fragment("a", "# why\n\nCONFIG_X=y\nCONFIG_S=\"text = 1\"\n"),
            fragment("b", "# CONFIG_X is not set\nCONFIG_N=0x10\nCONFIG_M=n\n"),
        ])
        .unwrap();
        assert_eq!(
            all_config(&wanted),
            "CONFIG_S=\"text = 1\"\n# CONFIG_X is not set\nCONFIG_N=0x10\n# CONFIG_M is not set\n"
        );
        assert_eq!(wanted[1].place, "b:1");
    }

    #[test]
    fn comments_do_not_make_another_kernel() {
        let meaning = |text: &str| fragment("a", text).meaning();
        assert_eq!(
            meaning("# why\n\n CONFIG_X=y \n# CONFIG_Y is not set\n"),
            "CONFIG_X=y\n# CONFIG_Y is not set\n"
        );
        assert_eq!(meaning("# for X\nCONFIG_X=y\n"), meaning("CONFIG_X=y\n\n# a better word\n"));
        for other in
            ["CONFIG_X=m\n", "# CONFIG_X is not set\n", "CONFIG_Y=y\n", "CONFIG_X=y\nCONFIG_Y=y\n", ""]
        {
            assert_ne!(meaning("CONFIG_X=y\n"), meaning(other), "{other}");
        }
    }

    #[test]
    fn lines_that_are_no_option() {
        let check = |line: &str, expected: &str| {
            let error = parse(&[fragment("a.config", &format!("\n{line}\n"))]).unwrap_err().to_string();
            assert!(error.starts_with("a.config:2: ") && error.contains(expected), "{error}");
        };
        check("FUSE_FS=y", "is no option");
        check("CONFIG_=y", "is no option");
        check("CONFIG_X", "is no option");
        check("CONFIG_X=", "is no option");
        check("CONFIG_X=m", "the guest loads no modules");
    }

    #[test]
    fn lost_options() {
        let check = |text: &str, resolved: &str, defined: Defined, expected: &[&str]| {
            let wanted = parse(&[fragment("f", text)]).unwrap();
            let lines: Vec<String> =
                lost(&wanted, resolved).iter().map(|lost| explain(lost, defined)).collect();
            assert_eq!(lines, expected);
        };
        check("CONFIG_X=y", "CONFIG_X=y\n", Defined::Yes, &[]);
        check("# CONFIG_X is not set", "", Defined::Yes, &[]);
        check("# CONFIG_X is not set", "# CONFIG_X is not set", Defined::Yes, &[]);
        check("CONFIG_X=y", "", Defined::No, &["CONFIG_X=y (f:1): this source has no such option"]);
        check(
            "CONFIG_X=y",
            "# CONFIG_X is not set",
            Defined::Yes,
            &["CONFIG_X=y (f:1): its dependencies are not met"],
        );
        check(
            "\nCONFIG_N=5",
            "CONFIG_N=7",
            Defined::Yes,
            &["CONFIG_N=5 (f:2): it is 7: out of range, or another choice was taken"],
        );
        check(
            "# CONFIG_X is not set",
            "CONFIG_X=y",
            Defined::Yes,
            &["CONFIG_X=n (f:1): it is y: another option selects it, or it is always on"],
        );
    }

    #[test]
    fn differences() {
        let check = |a: &str, b: &str, expected: &[&str]| assert_eq!(difference(a, b), expected);
        check("CONFIG_A=y\n# CONFIG_B is not set\n", "CONFIG_A=y\n", &[]);
        check("# Linux 6.12\nCONFIG_A=y\n", "# Linux 6.13\nCONFIG_A=y\n", &[]);
        check(
            "CONFIG_A=y\nCONFIG_N=1\n",
            "CONFIG_N=2\nCONFIG_C=y\n",
            &["CONFIG_A: y, then n", "CONFIG_C: n, then y", "CONFIG_N: 1, then 2"],
        );
        assert_eq!(built_in("CONFIG_A=y\nCONFIG_N=1\nCONFIG_B=y\n"), 2);
    }
}
