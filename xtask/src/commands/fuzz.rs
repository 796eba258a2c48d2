//! `fuzz`: the readers of foreign text tried with damaged inputs, by a program of its own.

use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use xshell::{Shell, cmd};

use super::{FAILED, cli};
use crate::lab::checkout::Checkout;
use crate::lab::interrupt::Interrupt;
use crate::lab::process;

/// `cargo xtask fuzz`: builds the program and runs it with the same options.
///
/// # Errors
/// If it does not build. What it finds it says itself.
pub fn fuzz(sh: &Shell, options: &cli::Fuzz) -> anyhow::Result<ExitCode> {
    ensure!(
        options.inputs.is_empty() || options.target.len() == 1,
        "--inputs: which target reads them? name one with --target"
    );
    let checkout = Checkout::open()?;
    let _folder = sh.push_dir(checkout.root());
    let arguments = options.arguments().context("looking for the working folder")?;
    let manner = cli::Manner::passed_on();
    let command =
        cmd!(sh, "cargo run --quiet --profile fuzz --package lab-fuzz -- {arguments...} {manner...}");
    Interrupt::of_process().has_to_save();
    let status = process::status(command).context("running the cases")?;
    // A signal that ended it leaves no code.
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(ExitCode::from(code.unwrap_or(FAILED)))
}
