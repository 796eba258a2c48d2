//! The arguments of `list`.

use clap::{Args, ValueEnum};

/// Arguments of `list`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask list
  cargo xtask list campaigns
  cargo xtask list plans variants --format json")]
pub struct List {
    /// What is listed; everything if nothing is named.
    #[arg(value_enum, value_name = "WHAT")]
    pub what: Vec<Listed>,
    /// How it is printed.
    #[arg(long, value_enum, value_name = "FORM", default_value = "table")]
    pub format: ListFormat,
}

/// What has names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Listed {
    /// What is run: boots, kernels, and whether these are built.
    Plans,
    /// Kernels, each with its source and series.
    Variants,
    /// What workloads have their files on.
    Scenarios,
    /// Load tools with their arguments.
    Workloads,
    /// What was run, newest first, and what it says.
    Campaigns,
}

/// How names are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// For a terminal.
    Table,
    /// For programs.
    Json,
}
