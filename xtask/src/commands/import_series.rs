//! `import-series`: a new folder below `kernel-patches/`.

use std::process::ExitCode;

use xshell::Shell;

use super::cli;
use crate::lab::checkout::Checkout;
use crate::lab::output;
use crate::series::import::{ImportRequest, import};

/// `cargo xtask import-series`: writes a new folder below `kernel-patches/`, or nothing.
///
/// # Errors
/// If there is not exactly one whole series, it is unsafe or malformed, or the folder is already there.
pub fn import_series(sh: &Shell, options: &cli::ImportSeries) -> anyhow::Result<ExitCode> {
    let checkout = Checkout::open()?;
    let cli::ImportSeries { from, git, name, version, subject, patches, message_id, directory } =
        options.clone();
    let wanted = ImportRequest { from, git, name, version, subject, patches, message_id, directory };
    output::print(&import(sh, &checkout.join("kernel-patches"), &wanted)?)?;
    Ok(ExitCode::SUCCESS)
}
