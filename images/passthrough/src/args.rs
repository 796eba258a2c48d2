//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context, bail};
use lexopt::prelude::*;

use crate::session::{Control, Mounting};
use crate::settings;

/// What `--help` prints.
pub const HELP: &str = "\
Passes a folder through a FUSE mount, and counts the requests.

Usage: passthrough --settings SETTINGS [--control] STORAGE MOUNT

  STORAGE              the folder that is passed through
  MOUNT                the folder to mount on
  --settings SETTINGS  how to serve, as JSON, or @FILE with the JSON in it (required), e.g.
                       {\"threads\": 16, \"clone-fd\": true, \"request-kib\": 128, \"max-background\": 12,
                        \"async-dio\": true, \"open\": \"kept\", \"attribute-timeout-ms\": 1000,
                        \"getxattr\": \"enosys\", \"storage-latency-us\": 0, \"die-after-requests\": 0}
                       open: kept, per-request; getxattr: passthrough, enosys
  --control            take commands from standard input, one a line, and answer on standard output in
                       lines of JSON: first {\"mounted\": ...}; `take` is answered {\"stats\": ...} and
                       sets the counters to zero; `quit` or the end of the input unmounts and ends
  -h, --help           print this

Serves until it is unmounted or gets SIGINT or SIGTERM. Needs root, /dev/fuse and /proc.
";

/// What the command line asks for.
#[derive(Debug)]
pub enum Command {
    /// Print [`HELP`].
    Help,
    /// Serve a mount.
    Serve(Mounting),
}

/// Reads the arguments, without the program's name.
///
/// # Errors
/// If they do not say what to serve.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> anyhow::Result<Command> {
    let mut parser = lexopt::Parser::from_args(arguments);
    let mut wanted_settings = None;
    let mut control = Control::None;
    let mut folders = Vec::new();
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(Command::Help),
            Long("settings") => wanted_settings = Some(parser.value()?.string()?),
            Long("control") => control = Control::Lines,
            Value(folder) => folders.push(PathBuf::from(folder)),
            Short(_) | Long(_) => {
                return Err(argument.unexpected()).context("reading the arguments (--help lists them)");
            }
        }
    }
    let Ok([storage, mount]) = <[PathBuf; 2]>::try_from(folders) else {
        bail!("give two folders: the storage and where to mount it (see --help)");
    };
    let Some(text) = wanted_settings else { bail!("give --settings (see --help)") };
    Ok(Command::Serve(Mounting { settings: settings::load(&text)?, storage, mount, control }))
}

/// Whether the arguments ask for the line protocol, even if they are wrong otherwise: then errors are told
/// in it as well.
pub fn wants_control(arguments: &[OsString]) -> bool {
    arguments.iter().any(|argument| argument == "--control")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(arguments: &[&str], expected: expect_test::Expect) {
        let text = match parse(arguments.iter().map(OsString::from)) {
            Ok(Command::Help) => "help".to_owned(),
            Ok(Command::Serve(it)) => {
                format!("{} on {}, {:?}", it.storage.display(), it.mount.display(), it.control)
            }
            Err(error) => format!("{error:#}"),
        };
        expected.assert_eq(&text);
    }

    const SETTINGS: &str = r#"--settings={"threads": 1, "clone-fd": false, "request-kib": 128,
        "max-background": 12, "async-dio": true, "open": "kept", "attribute-timeout-ms": 1000,
        "getxattr": "passthrough", "storage-latency-us": 0, "die-after-requests": 0}"#;

    #[test]
    fn arguments() {
        use expect_test::expect;
        check(&["-h"], expect!["help"]);
        check(&[SETTINGS, "/a", "/b"], expect!["/a on /b, None"]);
        check(&["--control", "/a", SETTINGS, "/b"], expect!["/a on /b, Lines"]);
        check(&[SETTINGS, "/a"], expect!["give two folders: the storage and where to mount it (see --help)"]);
        check(&["/a", "/b"], expect!["give --settings (see --help)"]);
        check(
            &["--contrl", "/a", "/b"],
            expect!["reading the arguments (--help lists them): invalid option '--contrl'"],
        );
    }

    #[test]
    fn the_example_in_the_help_is_valid() {
        let json = &HELP[HELP.find('{').unwrap()..=HELP.find("0}").unwrap() + 1];
        settings::load(json).unwrap();
    }
}
