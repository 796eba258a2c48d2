//! The arguments of `probe`.

use clap::Args;

/// Arguments of `probe`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask probe --list
  cargo xtask probe --host
  cargo xtask probe --host --only read-eio,write-eio")]
pub struct Probe {
    /// Run the probes on this machine's kernel, as root, each on a FUSE server of its own in a private mount namespace.
    #[arg(long, required_unless_present = "list", conflicts_with = "list")]
    pub host: bool,
    /// Only list the probes: name, what is done, and why.
    #[arg(long)]
    pub list: bool,
    /// Only these probes.
    #[arg(long, value_name = "NAME", value_delimiter = ',', conflicts_with = "list")]
    pub only: Vec<String>,
    /// Hold them against this table of expected results, a file of images/probe/expected/ without .toml.
    #[arg(long, value_name = "TABLE", conflicts_with = "list")]
    pub expected: Option<String>,
}
