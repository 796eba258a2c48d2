//! Lines of a kernel's configuration and of fragments of one, and for which kernels a line of a fragment holds.
//!
//! ```text
//! CONFIG_A=y
//! # CONFIG_B is not set
//! CONFIG_C=y  # from 7.0
//! CONFIG_D=5  # until 6.19
//! CONFIG_E=y  # if known
//! CONFIG_F=y  # on arm64
//! CONFIG_G=y  # on x86-64 until 6.19
//! ```

use std::fmt;

use super::arch::Arch;

/// How conditions are written, for error messages.
const CONDITIONS: &str = "`# from 7.0`, `# until 6.19`, both in this order, or `# if known`; before it, or alone, `on x86-64` or `on arm64`";

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// An option and its value.
    Option(OptionLine<'a>),
    /// Empty, or a comment.
    Nothing,
    /// Neither; what is wrong with it, and the remedy.
    Wrong(String),
}

/// An option and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionLine<'a> {
    /// With `CONFIG_`.
    pub option: &'a str,
    /// As written behind `=`; `n` for an option that is to be off.
    pub value: &'a str,
    /// The line without its condition.
    pub text: &'a str,
    /// For which kernels it holds.
    pub condition: Condition,
}

/// For which kernels a line holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    arch: Option<Arch>,
    from: Option<KernelVersion>,
    until: Option<KernelVersion>,
    /// Whether a kernel without such an option does without it.
    pub if_known: bool,
}

/// The numbers of a kernel's version: of `7.3.0-rc7` 7, 3 and 0.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KernelVersion(Vec<u32>);

impl<'a> Line<'a> {
    /// Takes a line apart.
    pub fn of(line: &'a str) -> Self {
        let line = line.trim();
        let (option, rest) = match line.strip_prefix("# ").and_then(|rest| rest.split_once(" is not set")) {
            Some((option, rest)) if is_option(option) && ends(rest) => ((option, "n"), rest),
            Some(_) | None if line.is_empty() || line.starts_with('#') => return Line::Nothing,
            Some(_) | None => match assignment(line) {
                Some(found) => found,
                None => {
                    return Line::Wrong(format!(
                        "{line:?} is no option: write CONFIG_NAME=value, `# CONFIG_NAME is not set` or a comment"
                    ));
                }
            },
        };
        let (option, value) = option;
        let text = line[..line.len() - rest.len()].trim_end();
        match rest.trim().strip_prefix('#').map_or(Some(Condition::default()), Condition::parse) {
            Some(condition) => Line::Option(OptionLine { option, value, text, condition }),
            None => Line::Wrong(format!("{:?} is no condition: write {CONDITIONS}", rest.trim())),
        }
    }
}

/// `CONFIG_NAME=value`, and what comes after it.
fn assignment(line: &str) -> Option<((&str, &str), &str)> {
    let (option, rest) = line.split_once('=').filter(|(option, _)| is_option(option))?;
    // A text ends with a quote that has no backslash in front of it.
    let quoted = rest.strip_prefix('"').map(|text| {
        let mut escaped = false;
        let end = text.find(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        end.map_or(rest.len(), |end| end + 2)
    });
    let length = quoted.unwrap_or_else(|| rest.find(char::is_whitespace).unwrap_or(rest.len()));
    let (value, rest) = rest.split_at(length);
    (!value.is_empty() && ends(rest)).then_some(((option, value), rest))
}

/// Whether what comes after an option is nothing, or a condition.
fn ends(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with(char::is_whitespace) && rest.trim_start().starts_with('#')
}

fn is_option(name: &str) -> bool {
    name.strip_prefix("CONFIG_")
        .is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
}

impl Condition {
    fn parse(text: &str) -> Option<Self> {
        let version = |text: &str| KernelVersion::parse(text).filter(|version| version.to_string() == text);
        let words: Vec<&str> = text.split_whitespace().collect();
        let (arch, words) = match words[..] {
            ["on", arch, ref rest @ ..] => (Some(Arch::named(arch)?), rest),
            ref all => (None, all),
        };
        let (from, until, if_known) = match *words {
            [] if arch.is_some() => (None, None, false),
            ["if", "known"] => (None, None, true),
            ["from", from] => (Some(version(from)?), None, false),
            ["until", until] => (None, Some(version(until)?), false),
            ["from", from, "until", until] => (Some(version(from)?), Some(version(until)?), false),
            _ => return None,
        };
        Some(Condition { arch, from, until, if_known })
    }

    /// Whether the line is for a kernel of this architecture and version.
    pub fn holds(&self, arch: Arch, version: &KernelVersion) -> bool {
        self.is_on(arch)
            && self.from.as_ref().is_none_or(|from| version.up_to(from) >= *from)
            && self.until.as_ref().is_none_or(|until| version.up_to(until) <= *until)
    }

    /// Whether the line is for kernels of this architecture.
    pub(crate) fn is_on(&self, arch: Arch) -> bool {
        self.arch.is_none_or(|own| own == arch)
    }

    /// Whether the line is for every kernel of its architecture.
    pub(crate) fn is_always(&self) -> bool {
        Condition { arch: None, ..self.clone() } == Condition::default()
    }
}

impl KernelVersion {
    /// Reads what the Makefile of a kernel says, or a Debian version: `6.12.117`, `7.3.0-rc7`, `6.1.192-2`. None if it does not
    /// begin with two numbers.
    pub fn parse(text: &str) -> Option<Self> {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let numbers = text[..end].split('.').take(3).map(|number| number.parse().ok());
        let numbers: Vec<u32> = numbers.collect::<Option<_>>()?;
        (numbers.len() >= 2).then_some(KernelVersion(numbers))
    }

    /// As many of its numbers as another has: every 6.19.x is a 6.19.
    fn up_to(&self, other: &KernelVersion) -> KernelVersion {
        let numbers = self.0.iter().chain(&[0, 0, 0]).take(other.0.len());
        KernelVersion(numbers.copied().collect())
    }
}

impl fmt::Display for KernelVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.0.iter().map(u32::to_string).collect();
        formatter.write_str(&numbers.join("."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn option(line: &str) -> OptionLine<'_> {
        match Line::of(line) {
            Line::Option(option) => option,
            other @ (Line::Nothing | Line::Wrong(_)) => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn options() {
        let check = |line: &str, option: (&str, &str), text: &str| {
            let found = self::option(line);
            assert_eq!(((found.option, found.value), found.text), (option, text), "{line}");
        };
        check("CONFIG_X=y", ("CONFIG_X", "y"), "CONFIG_X=y");
        check(" CONFIG_X=0x10 ", ("CONFIG_X", "0x10"), "CONFIG_X=0x10");
        check("CONFIG_S=\"\"", ("CONFIG_S", "\"\""), "CONFIG_S=\"\"");
        check(
            "CONFIG_S=\"a # \\\" b\"  # if known",
            ("CONFIG_S", "\"a # \\\" b\""),
            "CONFIG_S=\"a # \\\" b\"",
        );
        check("# CONFIG_X is not set", ("CONFIG_X", "n"), "# CONFIG_X is not set");
        check("# CONFIG_X is not set  # until 6.19", ("CONFIG_X", "n"), "# CONFIG_X is not set");
        check("CONFIG_X=y\t# from 7.0", ("CONFIG_X", "y"), "CONFIG_X=y");
        for line in ["", "# why", "# CONFIG_X is not set here", "# from 7.0", "#"] {
            assert_eq!(Line::of(line), Line::Nothing, "{line}");
        }
    }

    #[test]
    fn lines_that_are_wrong() {
        let check = |line: &str, expected: &str| match Line::of(line) {
            Line::Wrong(message) => assert!(message.contains(expected), "{message}"),
            other @ (Line::Nothing | Line::Option(_)) => panic!("{line}: {other:?}"),
        };
        for line in ["FUSE_FS=y", "CONFIG_=y", "CONFIG_X", "CONFIG_X=", "CONFIG_X=y z", "CONFIG_S=\"a\"b"] {
            check(line, "is no option: write CONFIG_NAME=value");
        }
        for condition in [
            "why",
            "from",
            "from 7",
            "from 7.x",
            "from 7.0-rc1",
            "until 6.19 from 7.0",
            "if known from 7.0",
            "on",
            "on arm",
            "from 7.0 on arm64",
            "",
        ] {
            check(&format!("CONFIG_X=y  # {condition}"), "is no condition: write `# from 7.0`");
        }
    }

    #[test]
    fn for_which_kernels_a_line_holds() {
        let check = |condition: &str, expected: &[&str]| {
            let line = format!("CONFIG_X=y # {condition}");
            let versions = ["6.1.192", "6.12.117", "6.13", "6.19.3", "7.0.0-rc1", "7.3.4"];
            let holds = |version: &&str| {
                option(&line).condition.holds(Arch::X86_64, &KernelVersion::parse(version).unwrap())
            };
            assert_eq!(versions.into_iter().filter(holds).collect::<Vec<_>>(), expected, "{condition}");
        };
        check("from 7.0", &["7.0.0-rc1", "7.3.4"]);
        check("until 6.19", &["6.1.192", "6.12.117", "6.13", "6.19.3"]);
        check("from 6.12 until 6.19", &["6.12.117", "6.13", "6.19.3"]);
        check("from 6.12.118 until 6.19.2", &["6.13"]);
        check("until 6.12.116", &["6.1.192"]);
        check("from 6.12.117 until 6.13.0", &["6.12.117", "6.13"]);
        check("if known", &["6.1.192", "6.12.117", "6.13", "6.19.3", "7.0.0-rc1", "7.3.4"]);
        check("on x86-64 from 7.0", &["7.0.0-rc1", "7.3.4"]);
        check("on arm64", &[]);
        check("on arm64 until 6.19", &[]);
        assert!(option("CONFIG_X=y").condition.is_always());
        assert!(option("CONFIG_X=y # on arm64").condition.is_always());
        assert!(option("CONFIG_X=y # on arm64 if known").condition.if_known);
        assert!(!option("CONFIG_X=y # if known").condition.is_always());
    }

    #[test]
    fn versions() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(KernelVersion::parse(text).map(|version| version.to_string()).as_deref(), expected);
        };
        check("6.12.117", Some("6.12.117"));
        check("7.3.0-rc7", Some("7.3.0"));
        check("6.12.117-1~deb12u1", Some("6.12.117"));
        check("7.3~rc7-1~exp1", Some("7.3"));
        check("6", None);
        check("next-20260101", None);
        check("6..1", None);
        check("99999999999.1", None);
    }
}
