//! The arguments of `judge`.

use clap::{Args, ValueEnum};

/// Arguments of `judge`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask judge console.log
  cargo xtask judge --texts crash.log.xz journal.txt
  dmesg | cargo xtask judge -
  cargo xtask judge --format json *.log.gz")]
pub struct Judge {
    /// Logs of any form, also packed with gzip, xz or zstd; - is standard input.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<String>,
    /// How it is printed.
    #[arg(long, value_enum, value_name = "FORM", default_value = "table")]
    pub format: JudgeFormat,
    /// Print the text of each report below its title; the form for programs has it always.
    #[arg(long)]
    pub texts: bool,
}

/// How findings are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum JudgeFormat {
    /// For a terminal.
    Table,
    /// For programs.
    Json,
}
