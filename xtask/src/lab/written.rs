//! `lab.toml`, its job files and what it names, read from the checkout.

mod file;
mod inventory;
mod job;

use lab_core::plan::config::{Config, FRAGMENT_DIR};
use xshell::Shell;

use super::checkout::Checkout;

/// Reads `lab.toml` and the job files of its workloads, and checks that the checkout holds what it names.
///
/// # Errors
/// The first mistake in it, with its place and remedy.
pub(super) fn read(sh: &Shell, checkout: &Checkout) -> anyhow::Result<Config> {
    let text = file::read(sh, &checkout.join("lab.toml"))?;
    let config = Config::parse("lab.toml", &text)?;
    config.check_references(&inventory::list(sh, checkout.root())?)?;
    config.check_cpus(|fragment| {
        let path = checkout.join(FRAGMENT_DIR).join(fragment);
        sh.read_file(&path).map_err(|error| format!("{error}; make the fragment readable"))
    })?;
    Ok(config.with_jobs(|file| job::read(sh, checkout.root(), file))?)
}
