//! The arguments of `timeline`.

use clap::Args;

/// Arguments of `timeline`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask run-lab --plan timeline
  cargo xtask timeline
  cargo xtask timeline reference-timeline --workloads aio-read")]
pub struct Timeline {
    /// A campaign below results/, by name or path; the newest if none is named.
    pub campaign: Option<String>,
    /// The scenario; the first one with a request log if none is named.
    #[arg(long, value_name = "NAME")]
    pub scenarios: Option<String>,
    /// The workload; the first one if none is named.
    #[arg(long, value_name = "NAME")]
    pub workloads: Option<String>,
    /// Only this boot; otherwise the first one of each variant.
    #[arg(long, value_name = "N")]
    pub boot: Option<u32>,
}
