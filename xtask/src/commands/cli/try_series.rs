//! The arguments of `try`.

use clap::Args;

use super::import_series::ImportSeries;
use super::values::Choice;

/// Arguments of `try`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask try thread.mbox
  cargo xtask try v2-0001-fix.patch --plan ci
  cargo xtask try BASE..BRANCH --git ~/linux")]
pub struct Try {
    /// The series.
    #[command(flatten)]
    pub import: ImportSeries,
    /// The plan of lab.toml to try it with, instead of the one that fits the files it changes.
    #[arg(long, value_name = "NAME")]
    pub plan: Option<String>,
    /// What of the plan, and in which form.
    #[command(flatten)]
    pub choice: Choice,
}
