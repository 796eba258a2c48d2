//! The arguments of `shell`.

use std::path::PathBuf;

use clap::Args;

/// Arguments of `shell`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask shell stock
  cargo xtask shell patched --scenarios remote --share ~/tests
  echo 'uname -r; ls -l /mnt' | cargo xtask shell stock")]
pub struct ShellBoot {
    /// The variant of lab.toml that is booted.
    pub variant: String,
    /// The plan of lab.toml whose machine, configuration and image it gets, but with the wall clock.
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub plan: String,
    /// The scenario that is set up, instead of the plan's first: its server is started and mounted.
    #[arg(long, value_name = "NAME")]
    pub scenarios: Option<String>,
    /// Start no server.
    #[arg(long)]
    pub no_server: bool,
    /// Have a copy of this folder at /share in the guest, read-only; at most 256 MiB.
    #[arg(long, value_name = "DIR")]
    pub share: Option<PathBuf>,
}
