//! The arguments of all commands: how the lab speaks meanwhile.

use anyhow::bail;
use clap::Args;

use crate::lab::output::{self, Consent, Verbosity};

/// Arguments of all commands.
#[derive(Clone, Copy, Debug, Default, Args)]
#[command(next_help_heading = "Options of all commands")]
pub struct Manner {
    /// Says nothing but the answer, errors, and what you have to know.
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Says more: the programs that are started and what they say, why something is built. `build-kernel --each-patch` names every
    /// symbol that a patch changes, however many, and `mutants` says of each mutant what noticed it.
    #[arg(long, short, global = true)]
    pub verbose: bool,
    /// Says yes beforehand: Debian packages that are missing are installed without a question, as they are if the environment
    /// variable CI is set or there is no terminal; and `clean` removes without one.
    #[arg(long, short, global = true)]
    pub yes: bool,
}

impl Manner {
    /// That of this process, as words for a program of the lab that it starts and that asks nobody.
    pub(crate) fn passed_on() -> Vec<String> {
        let verbosity = match output::Manner::chosen().verbosity {
            Verbosity::Quiet => Some("--quiet"),
            Verbosity::Normal => None,
            Verbosity::Verbose => Some("--verbose"),
        };
        verbosity.into_iter().chain(["--yes"]).map(str::to_owned).collect()
    }
}

impl TryFrom<Manner> for output::Manner {
    type Error = anyhow::Error;

    fn try_from(manner: Manner) -> anyhow::Result<Self> {
        let verbosity = match (manner.quiet, manner.verbose) {
            // clap sees it only if both stand on one side of the command.
            (true, true) => bail!("--quiet and --verbose contradict each other: give one of them"),
            (true, false) => Verbosity::Quiet,
            (false, true) => Verbosity::Verbose,
            (false, false) => Verbosity::Normal,
        };
        Ok(output::Manner { verbosity, consent: if manner.yes { Consent::Given } else { Consent::Asked } })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::Cli;
    use super::*;

    #[test]
    fn before_and_after_the_command() {
        let manner = |arguments: &[&str]| {
            output::Manner::try_from(Cli::try_parse_from([&["xtask"], arguments].concat())?.manner)
        };
        let of = |verbosity, consent| output::Manner { verbosity, consent };
        for (arguments, expected) in [
            (&["build-kernel"][..], of(Verbosity::Normal, Consent::Asked)),
            (&["build-kernel", "--verbose"], of(Verbosity::Verbose, Consent::Asked)),
            (&["--quiet", "run-lab", "--yes"], of(Verbosity::Quiet, Consent::Given)),
            (&["-y", "mutants", "-q", "async-dio"], of(Verbosity::Quiet, Consent::Given)),
        ] {
            assert_eq!(manner(arguments).unwrap(), expected, "{arguments:?}");
        }
        for both in [["--quiet", "build-kernel", "--verbose"], ["build-kernel", "--quiet", "--verbose"]] {
            assert!(manner(&both).is_err(), "{both:?}");
        }
    }
}
