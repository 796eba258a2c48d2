//! The command line.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use anyhow::{Context, bail};
use lexopt::prelude::*;

use crate::helper::{self, Wanted};
use crate::session::{Control, Mounting, Shown};
use crate::settings;

/// What `--help` prints.
pub const HELP: &str = "\
Passes a folder through a FUSE mount, and counts the requests.

Usage: passthrough --settings SETTINGS [--control] STORAGE MOUNT
       mount.fuse.passthrough STORAGE MOUNT -o OPTION,OPTION

  STORAGE              the folder that is passed through
  MOUNT                the folder to mount on
  --settings SETTINGS  how to serve, as JSON, or @FILE with the JSON in it (required); --example prints
                       settings to start from
  --control            take commands from standard input, one a line, and answer on standard output in
                       lines of JSON: first {\"mounted\": ...}; `take` is answered {\"stats\": ...} and
                       sets the counters to zero; `behave` with storage, order of answers, seed and faults as
                       JSON changes them; `quit` or the end of the input unmounts and ends
  --example            print settings: those of a plain server
  -h, --help           print this

By a name that begins with `mount.`, or with -o, it is a helper of mount(8): it ends when the mount is there, and
serves in the background. Options are the flags of mount(8), and settings: allow_other, threads=4.

Serves until it is unmounted or gets SIGINT or SIGTERM. Needs root, /dev/fuse and /proc.
";

/// What the command line asks for.
#[derive(Debug)]
pub enum Command {
    /// Print [`HELP`].
    Help,
    /// Print settings to start from.
    Example,
    /// Serve a mount.
    Serve(Box<Mounting>),
    /// Serve it in the background.
    Detach(Box<Mounting>),
    /// Nothing: it would be mounted.
    Good,
}

/// Reads the program's name and its arguments.
///
/// # Errors
/// If they do not say what to serve.
pub fn parse(program: &OsStr, arguments: Vec<OsString>) -> anyhow::Result<Command> {
    if helper::is_meant(program, &arguments) && !arguments.iter().any(|argument| argument == "--help") {
        return Ok(match helper::parse(program, arguments)? {
            (Wanted::Mount, mounting) => Command::Detach(Box::new(mounting)),
            (Wanted::Check, _) => Command::Good,
        });
    }
    let mut parser = lexopt::Parser::from_args(arguments);
    let mut wanted_settings = None;
    let mut control = Control::None;
    let mut folders = Vec::new();
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(Command::Help),
            Long("example") => return Ok(Command::Example),
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
    let (settings, shown) = (settings::load(&text)?, Shown::default());
    Ok(Command::Serve(Box::new(Mounting { settings, storage, mount, shown, control })))
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
        check_as("passthrough", arguments, expected);
    }

    fn check_as(program: &str, arguments: &[&str], expected: expect_test::Expect) {
        let text = match parse(program.as_ref(), arguments.iter().map(OsString::from).collect()) {
            Ok(Command::Help) => "help".to_owned(),
            Ok(Command::Good) => "good".to_owned(),
            Ok(Command::Detach(it)) => {
                format!("{} on {}, detached", it.storage.display(), it.mount.display())
            }
            Ok(Command::Example) => "example".to_owned(),
            Ok(Command::Serve(it)) => {
                format!("{} on {}, {:?}", it.storage.display(), it.mount.display(), it.control)
            }
            Err(error) => format!("{error:#}"),
        };
        expected.assert_eq(&text);
    }

    #[test]
    fn arguments() {
        use expect_test::expect;
        let settings = format!("--settings={}", settings::example().unwrap());
        let settings = settings.as_str();
        check(&["-h"], expect!["help"]);
        check(&["--example"], expect!["example"]);
        check(&[settings, "/a", "/b"], expect!["/a on /b, None"]);
        check(&["--control", "/a", settings, "/b"], expect!["/a on /b, Lines"]);
        check(&[settings, "/a"], expect!["give two folders: the storage and where to mount it (see --help)"]);
        check(&["/a", "/b"], expect!["give --settings (see --help)"]);
        check_as("/sbin/mount.fuse.passthrough", &["/proc", "/tmp"], expect!["/proc on /tmp, detached"]);
        check_as("/sbin/mount.fuse.passthrough", &["/proc", "/tmp", "-f"], expect!["good"]);
        check_as("mount.x", &["--help"], expect!["help"]);
        check(&["/proc", "/tmp", "-o", "rw"], expect!["/proc on /tmp, detached"]);
        check(
            &["--contrl", "/a", "/b"],
            expect!["reading the arguments (--help lists them): invalid option '--contrl'"],
        );
    }
}
