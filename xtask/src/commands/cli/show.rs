//! The arguments of `show`.

use clap::Args;

/// Arguments of `show`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask show
  cargo xtask show reference-default 7
  cargo xtask show reference-default 7 --full
  cargo xtask show reference-default 7 --console")]
pub struct Show {
    /// A campaign below results/, by name or path; the newest if none is named.
    pub campaign: Option<String>,
    /// One boot, by its number or the folder of a try: how it ended and why that is believed, findings, workloads, probes.
    pub boot: Option<String>,
    /// Print the console of the boot instead, control characters escaped.
    #[arg(long, requires = "boot")]
    pub console: bool,
    /// Print all lines of each finding, however many.
    #[arg(long, requires = "boot", conflicts_with = "console")]
    pub full: bool,
}
