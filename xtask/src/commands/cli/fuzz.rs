//! The arguments of `fuzz`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Arguments of `fuzz`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask fuzz
  cargo xtask fuzz --target judge,frames --seconds 600 --seed 7
  cargo xtask fuzz --target judge --seconds 10 --inputs ~/logs")]
pub struct Fuzz {
    /// Only these readers.
    #[arg(long, value_enum, value_name = "TARGET", value_delimiter = ',')]
    pub target: Vec<FuzzTarget>,
    /// How long each is tried.
    #[arg(long, value_name = "S", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub seconds: u32,
    /// What the cases are drawn from; a number that is printed, if none is given. The same one gives the same cases.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Files, or folders of files, that are tried as they are and damaged, before those that the lab has. For one target.
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub inputs: Vec<PathBuf>,
}

impl Fuzz {
    /// The options as words of a command line that is run elsewhere.
    ///
    /// # Errors
    /// If there is no working folder.
    pub(crate) fn arguments(&self) -> std::io::Result<Vec<OsString>> {
        let mut words = vec![OsString::from(format!("--seconds={}", self.seconds))];
        if !self.target.is_empty() {
            let names: Vec<String> = self.target.iter().map(|target| target.name()).collect();
            words.push(format!("--target={}", names.join(",")).into());
        }
        words.extend(self.seed.map(|seed| format!("--seed={seed}").into()));
        for path in &self.inputs {
            words.extend(["--inputs".into(), std::path::absolute(path)?.into_os_string()]);
        }
        Ok(words)
    }
}

/// What `fuzz` tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FuzzTarget {
    /// lab.toml and the jobs that it names, as far as to a plan.
    LabToml,
    /// Series as they lie in their folder, and what they must not do.
    Series,
    /// What is imported: mailboxes, mails, logs, diffs.
    Mailbox,
    /// What a guest sends: frames, reports, request logs.
    Frames,
    /// Kernel logs.
    Judge,
    /// What is read back from disk: records, campaigns, symbols, profiles.
    Record,
    /// Requests of a kernel to the FUSE server.
    Requests,
    /// What load tools and suites print.
    Tools,
    /// Makefiles, Kconfig files, configuration fragments.
    Kbuild,
    /// A campaign through the comparison and all its forms.
    Campaign,
    /// C code that faults and placebos are put into.
    Mutants,
}

impl FuzzTarget {
    /// What users write.
    pub fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use crate::commands::cli::{Cli, Command};

    #[test]
    fn options_are_passed_on() {
        let parse = |words: &[std::ffi::OsString]| {
            let words = ["cargo xtask", "fuzz"].map(Into::into).into_iter().chain(words.iter().cloned());
            let Command::Fuzz(options) = Cli::try_parse_from(words).unwrap().command else {
                panic!("another command");
            };
            options
        };
        let all = ["--target", "lab-toml,judge", "--seed", "18446744073709551615", "--inputs", "/a", "/b"];
        for words in [&[][..], &["--seconds=600"], &all] {
            let options = parse(&words.iter().map(Into::into).collect::<Vec<_>>());
            assert_eq!(format!("{options:?}"), format!("{:?}", parse(&options.arguments().unwrap())));
        }
    }
}
