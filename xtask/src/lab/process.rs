//! Other programs: run to their end, found, and started so that they end with the lab.

pub(crate) mod git;
pub(crate) mod logged;
pub mod path;
pub mod tied;

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use xshell::Cmd;

use super::interrupt::Interrupt;
use super::output::detail;
use tied::Tree;

/// How often it is looked whether a signal came.
const LOOK: Duration = Duration::from_millis(50);

/// Runs a command to its end, whatever its exit status; what it prints is in the result.
///
/// # Errors
/// If it cannot be started, or the user stops it: then it has ended, with all that it started.
pub fn output(command: Cmd<'_>) -> anyhow::Result<Output> {
    output_while(command, || ())
}

/// The same, with `look` called again and again while it runs.
///
/// # Errors
/// As [`output`].
pub(crate) fn output_while(command: Cmd<'_>, look: impl FnMut()) -> anyhow::Result<Output> {
    finish(command.into(), Vec::new(), &Interrupt::of_process(), look)
}

/// The same with something to read on its standard input.
///
/// # Errors
/// As [`output`].
pub(crate) fn output_of_input(command: Cmd<'_>, input: impl Into<Vec<u8>>) -> anyhow::Result<Output> {
    finish(command.into(), input.into(), &Interrupt::of_process(), || ())
}

/// Runs a command and gives what it prints, trimmed.
///
/// # Errors
/// If it fails: with its messages; and as [`output`].
pub fn read(command: Cmd<'_>) -> anyhow::Result<String> {
    text(output(command)?)
}

/// The same with something to read on its standard input.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_of_input(command: Cmd<'_>, input: impl Into<Vec<u8>>) -> anyhow::Result<String> {
    text(output_of_input(command, input)?)
}

fn text(output: Output) -> anyhow::Result<String> {
    ensure!(output.status.success(), "{}", messages(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Runs a command that prints for itself.
///
/// # Errors
/// If it fails; and as [`output`].
pub fn run(command: Cmd<'_>) -> anyhow::Result<()> {
    let shown = command.to_string();
    let status = status(command)?;
    ensure!(status.success(), "`{shown}` ended with {status}");
    Ok(())
}

/// Runs a command that prints for itself, whatever its exit status.
///
/// # Errors
/// As [`output`].
pub(crate) fn status(command: Cmd<'_>) -> anyhow::Result<ExitStatus> {
    let mut command = Command::from(command);
    command.stdin(Stdio::null());
    end_of(Tree::start(command)?, &Interrupt::of_process())
}

fn finish(
    mut command: Command,
    input: Vec<u8>,
    interrupt: &Interrupt,
    mut look: impl FnMut(),
) -> anyhow::Result<Output> {
    interrupt.check()?;
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut tree = Tree::start(command)?;
    let (mut stdin, stdout, stderr) = (tree.stdin()?, tree.stdout()?, tree.stderr()?);
    let (closed, streams) = channel();
    let stdout = read_in_thread(stdout, closed.clone(), |_| ());
    let stderr = read_in_thread(stderr, closed, |line| detail(|| format!("  {}", line.trim_end())));
    thread::spawn(move || {
        // A program that reads no further than it has to is no error of the lab.
        let _ = stdin.write_all(&input);
    });
    while !matches!(streams.recv_timeout(LOOK), Err(RecvTimeoutError::Disconnected)) {
        // Dropping the tree ends it.
        interrupt.check()?;
        look();
    }
    let status = end_of(tree, interrupt)?;
    let bytes = |reader: JoinHandle<Vec<u8>>| reader.join().unwrap_or_default();
    Ok(Output { status, stdout: bytes(stdout), stderr: bytes(stderr) })
}

/// Reads to the end, and gives each line to `tell` as it comes; the sender goes with the thread.
fn read_in_thread(
    reader: impl Read + Send + 'static,
    closed: Sender<()>,
    tell: impl Fn(&str) + Send + 'static,
) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let (mut reader, mut bytes) = (BufReader::new(reader), Vec::new());
        let mut begin = 0;
        while matches!(reader.read_until(b'\n', &mut bytes), Ok(length) if length > 0) {
            tell(&String::from_utf8_lossy(&bytes[begin..]));
            begin = bytes.len();
        }
        drop(closed);
        bytes
    })
}

fn end_of(mut tree: Tree, interrupt: &Interrupt) -> anyhow::Result<ExitStatus> {
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = tree.try_wait().context("waiting for a program")? {
            return Ok(status);
        }
        interrupt.check()?;
        thread::sleep(pause);
        pause = LOOK.min(pause * 2);
    }
}

/// What a program wrote to standard error, on one line and without its hints.
pub(crate) fn messages(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("hint:"));
    let joined = lines.collect::<Vec<_>>().join("; ");
    if joined.is_empty() { "failed without a message".to_owned() } else { joined }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::interrupt::Interrupted;
    use xshell::{Shell, cmd};

    #[test]
    fn a_program_gets_its_input_and_gives_its_output() {
        let sh = Shell::new().unwrap();
        // More than a pipe holds, so that reading and writing have to go on side by side.
        let text = "0123456789abcde\n".repeat(1 << 16);
        assert_eq!(read_of_input(cmd!(sh, "cat"), text.as_str()).unwrap(), text.trim());
        let script = "echo out; echo 'hint: no' >&2; echo err >&2; exit 3";
        let output = output(cmd!(sh, "sh -c {script}")).unwrap();
        assert_eq!((output.status.code(), &output.stdout[..]), (Some(3), &b"out\n"[..]));
        assert_eq!(read(cmd!(sh, "sh -c {script}")).unwrap_err().to_string(), "err");
        let error = format!("{:#}", read(cmd!(sh, "no-such-program --version")).unwrap_err());
        assert!(error.starts_with("starting no-such-program: "), "{error}");
        // One that reads nothing.
        assert_eq!(read_of_input(cmd!(sh, "true"), text).unwrap(), "");
    }

    /// A program that would go on for ever, with one that it has started and that keeps its output open.
    #[test]
    fn a_signal_ends_a_program_and_what_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let pid = folder.path().join("pid");
        let interrupt = Interrupt::default();
        let sh = Shell::new().unwrap();
        let script = "trap '' INT; sleep 600 & echo $! >pid.new; mv pid.new pid; wait";
        let _folder = sh.push_dir(folder.path());
        let command: Command = cmd!(sh, "sh -c {script}").into();
        let ended = thread::scope(|scope| {
            let running = scope.spawn(|| finish(command, Vec::new(), &interrupt, || ()));
            while !pid.exists() {
                assert!(!running.is_finished());
                thread::sleep(Duration::from_millis(5));
            }
            interrupt.set();
            running.join().unwrap()
        });
        assert!(ended.unwrap_err().is::<Interrupted>());
        let pid = std::fs::read_to_string(&pid).unwrap();
        let status = std::fs::read_to_string(format!("/proc/{}/status", pid.trim())).unwrap_or_default();
        let goes_on = |line: &str| line.starts_with("State:") && !line.contains(['Z', 'X']);
        assert!(!status.lines().any(goes_on), "{status}");
    }
}
