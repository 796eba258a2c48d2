//! The program `passthrough`: see `--help`.

use std::ffi::OsString;
use std::process::ExitCode;

use lab_protocol::ControlReply;
use passthrough::args::{self, Command};
use passthrough::{detached, session, settings};

/// What mount(8) calls a mount that failed.
const MOUNT_FAILED: u8 = 32;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    let program = arguments.next().unwrap_or_default();
    let arguments: Vec<OsString> = arguments.collect();
    let control = args::wants_control(&arguments);
    let (error, code) = match args::parse(&program, arguments) {
        Ok(command) => {
            let code =
                if matches!(command, Command::Detach(_)) { MOUNT_FAILED.into() } else { ExitCode::FAILURE };
            (run(command).err(), code)
        }
        Err(error) => (Some(error), ExitCode::FAILURE),
    };
    let Some(error) = error else { return ExitCode::SUCCESS };
    let text = format!("{error:#}");
    eprintln!("passthrough: {text}");
    if control {
        // If standard output is gone, standard error has said it.
        let _ = session::say(&ControlReply::Error(text));
    }
    code
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Help => print!("{}", args::HELP),
        Command::Example => println!("{}", settings::example()?),
        Command::Serve(mounting) => session::run(&mounting)?,
        Command::Detach(mounting) => detached::run(*mounting)?,
        Command::Good => {}
    }
    Ok(())
}
