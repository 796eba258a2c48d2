//! The arguments of `build-kernel`.

use clap::Args;

/// Arguments of `build-kernel`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask build-kernel
  cargo xtask build-kernel stock patched
  cargo xtask build-kernel --each-patch async-dio")]
pub struct BuildKernel {
    /// Variants of lab.toml; all of them if none is named.
    pub variants: Vec<String>,
    /// Configure them as this plan of lab.toml does, and build all of its variants if none is named.
    #[arg(long, value_name = "NAME")]
    pub plan: Option<String>,
    /// Build a series patch by patch and say what each patch changes in the kernel that is built: warnings, size,
    /// functions and data. A variant of lab.toml has to list the series; what stands before it there is applied
    /// first. The exit code is 1 if a step does not build or adds a warning.
    #[arg(long, value_name = "SERIES", conflicts_with = "variants")]
    pub each_patch: Option<String>,
    /// Fetch the newest version of a Debian source package, even if the cache has one.
    #[arg(long)]
    pub refresh_source: bool,
}
