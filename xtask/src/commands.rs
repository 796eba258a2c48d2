//! The commands, each a short story in the order of what happens.

pub mod bench;
pub mod build_kernel;
pub mod ci;
pub mod cli;
pub mod compare;
pub mod doctor;
mod each_patch;
mod flame_graph;
pub mod import_series;
pub mod mutants;
mod preflight;
pub mod probe;
pub mod replay;
pub mod run_lab;
pub mod try_series;

use std::process::ExitCode;

use lab_core::text::escape::escape_for_terminal;

use crate::lab::interrupt::{self, Interrupt};
use crate::lab::output::{self, Unwritable};

/// What a command returns that could not tell, as opposed to what it found.
pub const CANNOT_TELL: u8 = 2;

/// What a command returns whose result standard output did not take.
pub const UNWRITTEN: u8 = 3;

/// What a command returns whose reader has gone, as of a program that SIGPIPE ended.
const READER_HAS_GONE: u8 = 141;

/// Says that a signal has ended this command.
pub fn tell_interrupted(signal: i32) {
    output::tell(&escape_for_terminal(&interrupt::sentence(signal, &interrupt::command_text())));
}

/// What a program of the lab returns; of an error it says what was wrong.
pub fn end(result: anyhow::Result<ExitCode>) -> ExitCode {
    let error = match result {
        Ok(code) => return code,
        Err(error) => error,
    };
    // Whatever failed then, failed because of it.
    if let Some(signal) = Interrupt::of_process().signal() {
        tell_interrupted(signal);
        return ExitCode::from(interrupt::exit_code(signal));
    }
    let unwritable = error.chain().find_map(|cause| cause.downcast_ref::<Unwritable>());
    if unwritable.is_some_and(Unwritable::reader_has_gone) {
        return ExitCode::from(READER_HAS_GONE);
    }
    // Compilers, patches and file names are quoted in it.
    output::tell(&format!("error: {}", escape_for_terminal(&format!("{error:#}"))));
    ExitCode::from(if unwritable.is_some() { UNWRITTEN } else { CANNOT_TELL })
}
