//! The commands, each a short story in the order of what happens.

pub mod bench;
pub mod build_kernel;
pub mod ci;
pub mod clean;
pub mod cli;
pub mod compare;
pub mod completions;
pub mod doctor;
mod each_patch;
mod flame_graph;
pub mod fuzz;
pub mod import_series;
pub mod judge;
mod lines;
pub mod list;
pub mod mutants;
mod preflight;
pub mod probe;
pub mod replay;
pub mod run_lab;
pub mod shell;
pub mod show;
pub mod timeline;
pub mod try_series;
pub mod watch;

use std::process::ExitCode;

use clap::Parser;
use lab_core::comparison::NoAnswer;
use lab_core::evidence::build::BuildFailed;
use lab_core::text::escape::escape_for_terminal;

use crate::lab::called;
use crate::lab::interrupt::{self, Interrupt};
use crate::lab::output::{self, Unwritable};

/// What a command returns that found something against what it looked at.
pub const FOUND: u8 = 1;

/// What a command returns if what was measured does not suffice for an answer.
pub const CANNOT_TELL: u8 = 2;

/// What a command returns that could not do its work: bad input, something missing on this machine, a full disk, a refusal.
pub const FAILED: u8 = 3;

/// What a command returns whose reader has gone, as of a program that SIGPIPE ended.
const READER_HAS_GONE: u8 = 141;

/// The command line of a program of the lab; or, of one that is wrong or asks for help, what it returns.
///
/// # Errors
/// The exit code, after the message was printed.
pub fn parse<Arguments: Parser>() -> Result<Arguments, ExitCode> {
    let command = called::by_its_name(Arguments::command());
    let parsed = command.try_get_matches().and_then(|matches| Arguments::from_arg_matches(&matches));
    parsed.map_err(|error| {
        // Whoever asks for help and does not read it has it.
        let _ = error.print();
        if error.use_stderr() { ExitCode::from(FAILED) } else { ExitCode::SUCCESS }
    })
}

/// Says that a signal has ended this command.
pub fn tell_interrupted(signal: i32) {
    output::close();
    output::warn(&escape_for_terminal(&interrupt::sentence(signal, &interrupt::command_text())));
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
    output::warn(&format!("error: {}", escape_for_terminal(&format!("{error:#}"))));
    ExitCode::from(code(&error))
}

/// What kind of error it is.
fn code(error: &anyhow::Error) -> u8 {
    match error {
        error if error.is::<BuildFailed>() || error.is::<ci::CheckFailed>() => FOUND,
        error if error.is::<NoAnswer>() => CANNOT_TELL,
        _ => FAILED,
    }
}

#[cfg(test)]
mod tests {
    use anyhow::{Context as _, anyhow};

    use super::*;

    #[test]
    fn an_error_has_the_code_of_its_kind() {
        let failed = BuildFailed { target: "vmlinux".into(), errors: Vec::new(), log: "build.log".into() };
        let wrapped =
            |error: anyhow::Error| Err::<(), _>(error).context("doing it").context("all").unwrap_err();
        for (error, expected) in [
            (failed.into(), FOUND),
            (NoAnswer("no boots".into()).into(), CANNOT_TELL),
            (anyhow!("there is no plan"), FAILED),
            (std::io::Error::from(std::io::ErrorKind::StorageFull).into(), FAILED),
        ] {
            let error = wrapped(error);
            assert_eq!(code(&error), expected, "{error:#}");
        }
    }
}
