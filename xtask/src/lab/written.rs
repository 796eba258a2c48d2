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
    read_with(sh, checkout, "")
}

/// The same as if `addition` stood at its end.
///
/// # Errors
/// As [`read`].
pub(super) fn read_with(sh: &Shell, checkout: &Checkout, addition: &str) -> anyhow::Result<Config> {
    let text = file::read(sh, &checkout.join("lab.toml"))? + addition;
    let config = Config::parse("lab.toml", &text)?;
    config.check_references(&inventory::list(sh, checkout.root())?)?;
    let fragment = |name: &str| {
        let path = checkout.join(FRAGMENT_DIR).join(name);
        sh.read_file(&path).map_err(|error| format!("{error}; make the fragment readable"))
    };
    config.check_cpus(fragment)?;
    let config = config.with_debug_kernels(fragment)?;
    Ok(config.with_jobs(|file| job::read(sh, checkout.root(), file))?)
}

#[cfg(test)]
mod tests {
    use lab_core::plan::{Overrides, resolve};

    use super::*;

    /// Whatever a user adds to it has to be sound, and nothing more.
    #[test]
    fn the_lab_toml_of_this_checkout_is_sound() {
        let sh = Shell::new().unwrap();
        let config = read(&sh, &Checkout::open().unwrap()).unwrap_or_else(|error| panic!("{error:#}"));
        assert!(config.plans.contains_key("default"));
        for name in config.plans.keys() {
            let plan = resolve(&config, name, &Overrides::default());
            assert!(plan.is_ok_and(|plan| !plan.boots.is_empty()), "{name}");
        }
    }
}
