//! The lab's command line: one line per command.

use std::process::ExitCode;

use clap::Parser as _;
use lab_core::text::escape::escape_for_terminal;
use xshell::Shell;
use xtask::commands::cli::{Cli, Command};
use xtask::commands::{CANNOT_TELL, bench, build_kernel, ci, compare, doctor, import_series, run_lab};

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli.command) {
        Ok(code) => code,
        Err(error) => {
            // Compilers, patches and file names are quoted in it.
            eprintln!("error: {}", escape_for_terminal(&format!("{error:#}")));
            ExitCode::from(CANNOT_TELL)
        }
    }
}

fn run(command: &Command) -> anyhow::Result<ExitCode> {
    let sh = Shell::new()?;
    match command {
        Command::RunLab(options) => run_lab::run_lab(&sh, options),
        Command::BuildKernel(options) => build_kernel::build_kernel(&sh, options),
        Command::Compare(options) => compare::compare(options),
        Command::ImportSeries(options) => import_series::import_series(&sh, options),
        Command::Bench(options) => bench::bench(&sh, options),
        Command::Ci => ci::ci(&sh),
        Command::Doctor(options) => doctor::doctor(&sh, options),
    }
}
