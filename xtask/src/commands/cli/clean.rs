//! The arguments of `clean`.

use clap::Args;

use super::values::bytes;

/// Arguments of `clean`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask clean --dry-run
  cargo xtask clean
  cargo xtask clean --max-size 5GiB --yes
  cargo xtask clean --campaigns --dry-run")]
pub struct Clean {
    /// Only say what is there, and what would be removed.
    #[arg(long)]
    pub dry_run: bool,
    /// Instead of what is not needed: what was not used for longest, until the cache has no more than this, e.g. 5GiB.
    #[arg(long, value_name = "SIZE", value_parser = bytes, conflicts_with = "all")]
    pub max_size: Option<u64>,
    /// Everything, so that the next run begins with a download.
    #[arg(long)]
    pub all: bool,
    /// Instead of the cache: campaigns below results/ that git does not track.
    #[arg(long, conflicts_with_all = ["max_size", "all"])]
    pub campaigns: bool,
}
