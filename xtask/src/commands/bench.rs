//! `bench`: the server, the load tool and the judge measured on this machine, by a program of its own.

use std::process::ExitCode;

use anyhow::Context as _;
use lab_core::plan::Carried;
use lab_protocol::Tool;
use xshell::{Shell, cmd};

use super::{FAILED, cli};
use crate::lab::checkout::Checkout;
use crate::lab::interrupt::Interrupt;
use crate::lab::process;
use crate::machine::host;

/// What the benchmark needs beside what all need: libfuse's servers, and the load tool beside aio-stress.
pub const PROGRAMS: [Carried; 2] = [Carried::Libfuse, Carried::Tool(Tool::Fio)];

/// `cargo xtask bench`: builds the program and runs it with the same options.
///
/// # Errors
/// If it does not build. What it cannot measure it says itself.
pub fn bench(sh: &Shell, options: &cli::Bench) -> anyhow::Result<ExitCode> {
    let checkout = Checkout::open()?;
    let _folder = sh.push_dir(checkout.root());
    // The program has nobody to ask. Without the rights of root it cannot measure, and says so.
    if options.wants_servers() && rustix::process::geteuid().is_root() {
        host::require(sh, host::arch()?, &PROGRAMS)?;
    }
    let manner = cli::Manner::passed_on();
    let arguments = options.arguments().into_iter().chain(manner);
    let command = cmd!(sh, "cargo run --quiet --package lab-bench -- {arguments...}");
    // It unmounts what it has mounted when a signal comes, and says nothing: that is said here.
    Interrupt::of_process().has_to_save();
    let status = process::status(command).context("running the benchmark")?;
    // A signal that ended it leaves no code; nothing is kept of an unfinished benchmark.
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(ExitCode::from(code.unwrap_or(FAILED)))
}
