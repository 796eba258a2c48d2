//! Libraries that QEMU loads: packages of this checkout, built for the host.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use xshell::{Shell, cmd};

use crate::build::cargo;
use crate::lab::cache::Cache;
use crate::lab::output::progress::Step;
use crate::lab::process::logged::begin_log;
use crate::machine::boot::Machine;

/// Builds the library of a package below `target/libraries` of the checkout.
///
/// # Errors
/// If it does not compile.
pub(crate) fn ensure(sh: &Shell, cache: &Cache, checkout: &Path, package: &str) -> anyhow::Result<PathBuf> {
    let _folder = sh.push_dir(checkout);
    let target = checkout.join("target/libraries");
    let log = cache.log(package);
    begin_log(&log)?;
    let build = cmd!(sh, "cargo build --release --locked --package {package} --target-dir {target}");
    cargo::run(build, &Step::begin(package), &log)
        .with_context(|| format!("building {package}, which QEMU loads"))?;
    Ok(target.join(format!("release/lib{}.so", package.replace('-', "_"))))
}

/// The machine with the library without which its boots would not repeat, if it needs one.
///
/// # Errors
/// As [`ensure`].
pub(crate) fn with_turns(
    sh: &Shell,
    cache: &Cache,
    checkout: &Path,
    machine: Machine,
) -> anyhow::Result<Machine> {
    let build = || ensure(sh, cache, checkout, "qemu-turns");
    let turns = machine.needs_turns().then(build).transpose()?;
    Ok(Machine { turns, ..machine })
}
