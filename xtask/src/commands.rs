//! The commands, each a short story in the order of what happens.

pub mod bench;
pub mod build_kernel;
pub mod ci;
pub mod cli;
pub mod compare;
pub mod doctor;
mod each_patch;
pub mod import_series;
pub mod mutants;
pub mod probe;
pub mod run_lab;

use std::process::ExitCode;

use lab_core::text::escape::escape_for_terminal;

/// What a command returns that could not tell, as opposed to what it found.
pub const CANNOT_TELL: u8 = 2;

/// What a program of the lab returns; of an error it says what was wrong.
pub fn end(result: anyhow::Result<ExitCode>) -> ExitCode {
    result.unwrap_or_else(|error| {
        // Compilers, patches and file names are quoted in it.
        eprintln!("error: {}", escape_for_terminal(&format!("{error:#}")));
        ExitCode::from(CANNOT_TELL)
    })
}
