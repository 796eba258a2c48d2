//! `bench`: the server, the load tool and the judge measured on this machine, by a program of its own.

use std::ffi::OsString;
use std::path::PathBuf;
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
    let options = &cli::Bench { beside: beside(options)?, ..options.clone() };
    let _folder = sh.push_dir(checkout.root());
    // The program has nobody to ask. Without the rights of root it cannot measure, and says so.
    if options.wants_servers() && rustix::process::geteuid().is_root() {
        host::require(sh, host::arch()?, &PROGRAMS)?;
    }
    let manner = cli::Manner::passed_on();
    let arguments = options.arguments().into_iter().chain(manner.into_iter().map(OsString::from));
    let command = cmd!(sh, "cargo run --quiet --package lab-bench -- {arguments...}");
    // It unmounts what it has mounted when a signal comes, and says nothing: that is said here.
    Interrupt::of_process().has_to_save();
    let status = process::status(command).context("running the benchmark")?;
    // A signal that ended it leaves no code; nothing is kept of an unfinished benchmark.
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(ExitCode::from(code.unwrap_or(FAILED)))
}

/// The other build of the server, for a program that runs in another folder.
fn beside(options: &cli::Bench) -> anyhow::Result<Option<PathBuf>> {
    let find = |path: &PathBuf| {
        let found = path.canonicalize().ok().filter(|path| path.is_file());
        found.with_context(|| {
            format!(
                "--beside: there is no program {}; give the path of one that another checkout has built with `cargo build --release --package passthrough`",
                path.display()
            )
        })
    };
    options.beside.as_ref().map(find).transpose()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Words {
        #[command(flatten)]
        options: cli::Bench,
    }

    #[test]
    fn another_build_has_to_be_there() {
        let check = |path: &str| {
            let words = ["cargo xtask", "--only", "judge", "--beside", path];
            let options = Words::parse_from(words).options;
            beside(&options).map_err(|error| error.to_string())
        };
        let here = std::env::current_exe().unwrap();
        assert_eq!(check(here.to_str().unwrap()), Ok(Some(here.canonicalize().unwrap())));
        for absent in ["/", "/no/such/passthrough"] {
            let error = check(absent).unwrap_err();
            assert!(error.starts_with(&format!("--beside: there is no program {absent}; give")), "{error}");
        }
    }
}
