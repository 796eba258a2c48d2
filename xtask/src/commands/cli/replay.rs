//! The arguments of `replay`.

use clap::Args;

/// Arguments of `replay`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask replay reference-default 3
  cargo xtask replay reference-default 003-patched-local-1 --gdb")]
pub struct Replay {
    /// A campaign below results/, by name or path.
    pub campaign: String,
    /// Which boot: its number, of which the try counts that a comparison counts; or the name of the folder of a try.
    pub boot: String,
    /// QEMU waits for a debugger before the first instruction; prints the command that attaches gdb. No time limit holds then.
    #[arg(long)]
    pub gdb: bool,
}
