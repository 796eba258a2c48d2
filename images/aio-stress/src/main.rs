//! The program `aio-stress`: see `--help`.

use std::process::ExitCode;

use aio_stress::options::{self, Command};
use aio_stress::run;

fn main() -> ExitCode {
    let result = match options::parse(std::env::args_os().skip(1)) {
        Ok(Command::Help) => {
            print!("{}", options::HELP);
            Ok(())
        }
        Ok(Command::Run(options)) => run::run(&options),
        Err(error) => Err(error),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("aio-stress: {error:#}");
            ExitCode::FAILURE
        }
    }
}
