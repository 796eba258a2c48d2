//! The arguments of `bench`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Arguments of `bench`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask bench
  cargo xtask bench --rounds 3 --only load-tools
  cargo xtask bench --only throughput,small-files --beside ../before/target/release/passthrough
  cargo xtask bench --rounds 5 --only judge")]
pub struct Bench {
    /// How often everything is measured, each time in another order.
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub rounds: u32,
    /// Size of the file that is read and written, MiB; it is held in memory.
    #[arg(long, value_name = "MIB", default_value_t = 512, value_parser = clap::value_parser!(u32).range(16..=65536))]
    pub file_mib: u32,
    /// Only these parts.
    #[arg(long, value_enum, value_name = "PART", value_delimiter = ',')]
    pub only: Vec<BenchPart>,
    /// Another build of our server, to be measured beside this one.
    #[arg(long, value_name = "PROGRAM")]
    pub beside: Option<PathBuf>,
}

impl Bench {
    /// Whether this part is measured.
    pub fn wants(&self, part: BenchPart) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }

    /// Whether anything is measured that needs servers, mounts and the rights of root.
    pub fn wants_servers(&self) -> bool {
        self.only.is_empty() || self.only.iter().any(|&part| part != BenchPart::Judge)
    }

    /// The options as words of a command line.
    pub(crate) fn arguments(&self) -> Vec<OsString> {
        let named = |part: &BenchPart| part.to_possible_value().map(|value| value.get_name().to_owned());
        let only: Vec<String> = self.only.iter().filter_map(named).collect();
        let always = [format!("--rounds={}", self.rounds), format!("--file-mib={}", self.file_mib)];
        let only = (!only.is_empty()).then(|| format!("--only={}", only.join(",")));
        // Not with the equals sign: a path need not be text.
        let beside = self.beside.iter().flat_map(|path| ["--beside".into(), path.clone().into_os_string()]);
        always.into_iter().chain(only).map(OsString::from).chain(beside).collect()
    }
}

/// What `bench` measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BenchPart {
    /// dd with direct I/O through each server, and the servers' memory.
    Throughput,
    /// Many empty files made, looked at and removed through each server.
    SmallFiles,
    /// aio-stress beside fio.
    LoadTools,
    /// The judge of kernel logs beside grep.
    Judge,
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use clap::Parser as _;

    use crate::commands::cli::{Cli, Command};

    #[test]
    fn options_of_the_benchmark_are_passed_on() {
        let parse = |words: &[OsString]| {
            let words = ["cargo xtask", "bench"].map(OsString::from).into_iter().chain(words.iter().cloned());
            let Command::Bench(options) = Cli::try_parse_from(words).unwrap().command else {
                panic!("another command");
            };
            options
        };
        for words in [
            &[][..],
            &["--rounds", "3", "--only", "load-tools,throughput"],
            &["--file-mib=16", "--beside=/a b/passthrough"],
        ] {
            let options = parse(&words.iter().map(OsString::from).collect::<Vec<_>>());
            assert_eq!(format!("{options:?}"), format!("{:?}", parse(&options.arguments())));
        }
    }
}
