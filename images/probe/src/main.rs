//! The program: what is asked on the command line, and how it ends.

use std::process::ExitCode;

use probe::args::{self, Command};
use probe::random::command;
use probe::{groups, runner};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("probe: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    match args::parse(lexopt::Parser::from_env())? {
        Command::Help => print!("{}", args::HELP),
        Command::List => print!("{}", groups::list()),
        Command::Run(order) => runner::run(&order)?,
        Command::Random(order) => command::run(&order)?,
    }
    Ok(())
}
