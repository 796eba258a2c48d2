//! The lab's command line: one line per command.

use std::process::ExitCode;

use clap::Parser as _;
use xshell::Shell;
use xtask::cli::{Cli, Command};

/// What the lab could not tell, as opposed to what it found.
const CANNOT_TELL: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli.command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(CANNOT_TELL)
        }
    }
}

fn run(command: &Command) -> anyhow::Result<ExitCode> {
    let sh = Shell::new()?;
    match command {
        Command::RunLab(options) => xtask::run_lab::run_lab(&sh, options),
        Command::BuildKernel(options) => xtask::build_kernel::build_kernel(&sh, options),
        Command::Compare(options) => xtask::compare::compare(&sh, options),
        Command::ImportSeries(options) => xtask::import::import_series(&sh, options),
        Command::Bench(options) => xtask::bench::bench(&sh, options),
        Command::Ci => xtask::ci::ci(&sh),
        Command::Doctor => xtask::doctor::doctor(&sh),
    }
}
