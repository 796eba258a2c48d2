//! The arguments of `doctor`.

use clap::Args;

/// Arguments of `doctor`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask doctor
  cargo xtask doctor --forget")]
pub struct Doctor {
    /// Forget what tests of KVM showed, so that the next plan which asks for it tests it again. A failure is forgotten
    /// after a day in any case.
    #[arg(long)]
    pub forget: bool,
}
