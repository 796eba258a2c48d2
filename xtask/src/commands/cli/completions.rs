//! The arguments of `completions`.

use clap::{Args, ValueEnum};

/// Arguments of `completions`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask completions bash
  cargo xtask completions zsh
  cargo xtask completions fish")]
pub struct Completions {
    /// The shell.
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: Shell,
}

/// A shell that completes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// `source <(patchlab completions bash)` in ~/.bashrc.
    Bash,
    /// `source <(patchlab completions zsh)` in ~/.zshrc, behind compinit.
    Zsh,
    /// `patchlab completions fish | source` in ~/.config/fish/config.fish.
    Fish,
}
