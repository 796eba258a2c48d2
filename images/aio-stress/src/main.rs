//! The program `aio-stress`: see `--help`.

use std::process::ExitCode;

use aio_stress::options::{self, Command};
use aio_stress::{help, run};

fn main() -> ExitCode {
    // A write beyond the limit of file sizes is to fail with EFBIG, not to end the process without a word.
    // SAFETY: no handler is installed.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
    let result = match options::parse(std::env::args_os().skip(1)) {
        Ok(Command::Help) => {
            print!("{}", help::HELP);
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
