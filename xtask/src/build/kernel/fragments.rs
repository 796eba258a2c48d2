//! Configuration fragments: what they ask for, what of it was lost, and how two configurations differ.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::bail;
use lab_core::plan::Arch;
use lab_core::series::needed::Asked;
use lab_core::text::kconfig::{KernelVersion, Line, OptionLine};

/// The name of what the lab asks for by itself, among fragments.
pub(crate) const AUTO: &str = "auto";

/// A configuration fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fragment {
    /// File below `images/kernel/`, or [`AUTO`].
    pub(crate) name: String,
    /// Its content.
    pub(crate) text: String,
}

impl Fragment {
    /// What it asks of a kernel: the lines that hold for it, without conditions and comments, so that a better word in one of
    /// them builds no kernel anew, nor does a line for other kernels.
    pub(crate) fn meaning(&self, arch: Arch, version: &KernelVersion) -> String {
        let options = self.text.lines().filter_map(|line| option(line, arch, version));
        options.fold(String::new(), |text, line| text + line.text + "\n")
    }
}

fn option<'a>(line: &'a str, arch: Arch, version: &KernelVersion) -> Option<OptionLine<'a>> {
    match Line::of(line) {
        Line::Option(option) if option.condition.holds(arch, version) => Some(option),
        Line::Option(_) | Line::Nothing | Line::Wrong(_) => None,
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
    /// Whether a source without such an option does without it.
    pub(crate) if_known: bool,
}

impl Wanted {
    /// Whether the lab asks for it by itself: then it may be lost.
    pub(super) fn is_by_lab(&self) -> bool {
        self.place == AUTO
    }

    /// Whether it is the option of this name, given without `CONFIG_`.
    pub(super) fn is(&self, name: &str) -> bool {
        self.option.strip_prefix("CONFIG_") == Some(name)
    }
}

/// An option that the resolved configuration does not have as asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lost {
    pub(crate) wanted: Wanted,
    /// What the resolved configuration has; `n` for nothing.
    pub(crate) got: String,
}

impl Lost {
    /// Whether this fragment asks for it.
    pub(super) fn is_of(&self, fragment: &Fragment) -> bool {
        fragment.text.lines().any(|line| {
            matches!(Line::of(line), Line::Option(OptionLine { option, .. }) if option == self.wanted.option)
        })
    }
}

/// Everything that the fragments ask of a kernel. Of two values for one option the later one counts.
///
/// # Errors
/// If a line, for whatever kernel, is neither an option nor a comment, or asks for a module: the guest loads none.
pub(super) fn parse<'a>(
    fragments: impl IntoIterator<Item = &'a Fragment>,
    arch: Arch,
    version: &KernelVersion,
) -> anyhow::Result<Vec<Wanted>> {
    let mut all: Vec<Wanted> = Vec::new();
    for fragment in fragments {
        for (number, line) in fragment.text.lines().enumerate() {
            let place = match fragment.name.as_str() {
                AUTO => AUTO.to_owned(),
                name => format!("{name}:{}", number + 1),
            };
            match Line::of(line) {
                Line::Option(OptionLine { option, value: "m", .. }) => {
                    bail!("{place}: {option}=m: the guest loads no modules, write =y");
                }
                Line::Option(OptionLine { option, value, condition, .. }) => {
                    if condition.holds(arch, version) {
                        all.retain(|wanted| wanted.option != option);
                        let (option, value) = (option.to_owned(), value.to_owned());
                        all.push(Wanted { option, value, place, if_known: condition.if_known });
                    }
                }
                Line::Nothing => {}
                Line::Wrong(message) => bail!("{place}: {message}"),
            }
        }
    }
    Ok(all)
}

/// What the fragments ask of a kernel of this architecture and version.
///
/// # Errors
/// As [`parse`].
pub(crate) fn asked(
    fragments: &[Fragment],
    arch: Arch,
    version: &KernelVersion,
) -> anyhow::Result<Vec<Asked>> {
    let asked = |Wanted { option, value, place, .. }: Wanted| {
        let option = option.trim_start_matches("CONFIG_").to_owned();
        Asked { option, value, place }
    };
    Ok(parse(fragments, arch, version)?.into_iter().map(asked).collect())
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
            // Some options were on or off once, and are numbers now.
            let is_off = wanted.value == "n" && matches!(got, "0" | "0x0");
            (got != wanted.value && !is_off).then(|| Lost { wanted: wanted.clone(), got: got.to_owned() })
        })
        .collect()
}

/// One line about a lost option. `defined` says whether any Kconfig file of the source defines it.
pub(super) fn explain(lost: &Lost, defined: Defined) -> String {
    let Lost { wanted: Wanted { option, value, place, .. }, got } = lost;
    let reason = match (defined, got.as_str()) {
        (Defined::No, _) => {
            "this source has no such option; write `# if known` behind it if such a kernel does without it, or \
             `# until` and the last version that has it"
                .to_owned()
        }
        (Defined::Yes, "n") => "its dependencies are not met".to_owned(),
        (Defined::Yes, got) if value == "n" => {
            format!("it is {got}: another option selects it, or it is always on")
        }
        (Defined::Yes, got) => format!("it is {got}: out of range, or another choice was taken"),
    };
    format!("{option}={value} ({place}): {reason}")
}

/// One line about an option that the lab turned on in vain.
pub(super) fn not_taken(lost: &Lost) -> String {
    let Lost { wanted: Wanted { option, .. }, got } = lost;
    format!(
        "{option}=y, which the lab turns on by itself, is not taken by the kernel's own configuration: it is {got}"
    )
}

/// One line about the options that a source does without.
pub(super) fn without(lost: &[Lost]) -> String {
    let options = lost.iter().map(|Lost { wanted, .. }| format!("{} ({})", wanted.option, wanted.place));
    format!("this source has no {}; its kernels do without", options.collect::<Vec<_>>().join(", "))
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
        .filter_map(|line| match Line::of(line) {
            Line::Option(OptionLine { option, value, .. }) => Some((option, value)),
            Line::Nothing | Line::Wrong(_) => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fragment(name: &str, text: &str) -> Fragment {
        Fragment { name: name.into(), text: text.into() }
    }

    fn version(text: &str) -> KernelVersion {
        KernelVersion::parse(text).unwrap()
    }

    fn parse(fragments: &[Fragment]) -> anyhow::Result<Vec<Wanted>> {
        super::parse(fragments, Arch::X86_64, &version("6.12.117"))
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
        let meaning = |text: &str| fragment("a", text).meaning(Arch::X86_64, &version("6.12.117"));
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

    /// A line for other kernels, or one that says that it holds for this one, makes no other kernel.
    #[test]
    fn conditions() {
        let fragment = fragment(
            "a",
            "CONFIG_A=y  # if known\nCONFIG_B=y  # until 6.19\nCONFIG_C=y # from 7.0\n# CONFIG_B is not set  # from 7.1\n",
        );
        let meaning = |text: &str| fragment.meaning(Arch::X86_64, &version(text));
        assert_eq!(meaning("6.12.117"), "CONFIG_A=y\nCONFIG_B=y\n");
        assert_eq!(meaning("7.0.1"), "CONFIG_A=y\nCONFIG_C=y\n");
        assert_eq!(meaning("7.3.4"), "CONFIG_A=y\nCONFIG_C=y\n# CONFIG_B is not set\n");
        let wanted =
            |text: &str| super::parse(std::slice::from_ref(&fragment), Arch::X86_64, &version(text)).unwrap();
        assert_eq!(all_config(&wanted("6.1")), "CONFIG_A=y\nCONFIG_B=y\n");
        assert_eq!(all_config(&wanted("7.1")), "CONFIG_A=y\nCONFIG_C=y\n# CONFIG_B is not set\n");
        assert_eq!(wanted("7.0").iter().map(|wanted| wanted.if_known).collect::<Vec<_>>(), [true, false]);
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
        check("CONFIG_X=m  # from 7.0", "the guest loads no modules");
        check("CONFIG_X=y  # since 7.0", "is no condition");
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
        check("# CONFIG_X is not set", "CONFIG_X=0", Defined::Yes, &[]);
        check("# CONFIG_X is not set", "CONFIG_X=0x0", Defined::Yes, &[]);
        check(
            "CONFIG_X=y",
            "",
            Defined::No,
            &[
                "CONFIG_X=y (f:1): this source has no such option; write `# if known` behind it if such a kernel does \
               without it, or `# until` and the last version that has it",
            ],
        );
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
