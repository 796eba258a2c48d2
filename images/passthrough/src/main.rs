//! The program `passthrough`: see `--help`.

use std::ffi::OsString;
use std::process::ExitCode;

use lab_protocol::ControlReply;
use passthrough::args::{self, Command};
use passthrough::{session, settings};

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let control = args::wants_control(&arguments);
    let Err(error) = run(arguments) else { return ExitCode::SUCCESS };
    let text = format!("{error:#}");
    eprintln!("passthrough: {text}");
    if control {
        // If standard output is gone, standard error has said it.
        let _ = session::say(&ControlReply::Error(text));
    }
    ExitCode::FAILURE
}

fn run(arguments: Vec<OsString>) -> anyhow::Result<()> {
    match args::parse(arguments)? {
        Command::Help => print!("{}", args::HELP),
        Command::Example => println!("{}", settings::example()?),
        Command::Serve(mounting) => session::run(&mounting)?,
    }
    Ok(())
}
