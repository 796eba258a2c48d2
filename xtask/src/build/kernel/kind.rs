//! How much of a kernel is to be compiled, by what its object directory has.

use std::fmt;

use super::fragments;

/// The option that names the compiler. Every object depends on it.
const COMPILER: &str = "CONFIG_CC_VERSION_TEXT";

/// What a build begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BuildKind {
    /// Nothing.
    Full,
    /// A whole kernel of another compiler, of which nothing can be used.
    OtherCompiler,
    /// A part of a kernel.
    GoesOn,
    /// A whole kernel, maybe with other values of some options, which a series can bring: what depends on them is compiled.
    Incremental {
        /// How many options.
        options: usize,
    },
}

impl BuildKind {
    /// By the resolved configuration before, if there is one, and now.
    pub(super) fn of(before: Option<&str>, now: &str, is_linked: bool) -> Self {
        let Some(before) = before else { return BuildKind::Full };
        let differences = fragments::difference(before, now);
        if differences.iter().any(|line| line.starts_with(COMPILER)) {
            BuildKind::OtherCompiler
        } else if is_linked {
            BuildKind::Incremental { options: differences.len() }
        } else {
            BuildKind::GoesOn
        }
    }

    /// Whether every file is compiled.
    pub(super) fn is_whole(self) -> bool {
        match self {
            BuildKind::Full | BuildKind::OtherCompiler => true,
            BuildKind::GoesOn | BuildKind::Incremental { .. } => false,
        }
    }

    /// Whether the build says of the changed files only how long they take and what the compiler warns of.
    pub(super) fn is_incremental(self) -> bool {
        match self {
            BuildKind::Full | BuildKind::OtherCompiler | BuildKind::GoesOn => false,
            BuildKind::Incremental { .. } => true,
        }
    }
}

impl fmt::Display for BuildKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BuildKind::Full => write!(formatter, "full"),
            BuildKind::OtherCompiler => write!(formatter, "full: the objects here are of another compiler"),
            BuildKind::GoesOn => write!(formatter, "goes on where one ended too early"),
            BuildKind::Incremental { options: 0 } => write!(formatter, "incremental"),
            BuildKind::Incremental { options: 1 } => write!(formatter, "incremental, 1 option is another"),
            BuildKind::Incremental { options } => {
                write!(formatter, "incremental, {options} options are others")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_is_incremental_only_if_it_can_use_a_whole_kernel() {
        let check = |before: Option<&str>, is_linked: bool, expected: &str, is_incremental: bool| {
            let now = "CONFIG_CC_VERSION_TEXT=\"gcc 12\"\nCONFIG_A=y\n";
            let kind = BuildKind::of(before, now, is_linked);
            assert_eq!((kind.to_string().as_str(), kind.is_incremental()), (expected, is_incremental));
        };
        let same = "CONFIG_CC_VERSION_TEXT=\"gcc 12\"\nCONFIG_A=y\n# CONFIG_B is not set\n";
        check(None, false, "full", false);
        check(Some(same), true, "incremental", true);
        check(Some(same), false, "goes on where one ended too early", false);
        let other = "CONFIG_CC_VERSION_TEXT=\"gcc 13\"\nCONFIG_A=y\n";
        check(Some(other), true, "full: the objects here are of another compiler", false);
        check(Some(other), false, "full: the objects here are of another compiler", false);
        let options = "CONFIG_CC_VERSION_TEXT=\"gcc 12\"\nCONFIG_B=y\n";
        check(Some(options), true, "incremental, 2 options are others", true);
        check(Some("CONFIG_CC_VERSION_TEXT=\"gcc 12\"\n"), true, "incremental, 1 option is another", true);
    }
}
