//! Programs that run for long: what they print goes to a log, and is looked at as it comes.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{Read, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;

use anyhow::{Context as _, bail};
use xshell::Cmd;

use super::tied::Tree;
use super::{LOOK, end_of};
use crate::lab::interrupt::Interrupt;
use crate::lab::output::detail;

/// How many of the last lines the error of a program that failed has.
const LAST_LINES: usize = 10;

/// What a line of a program is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// It goes to the log.
    Kept,
    /// It only says how far the program is.
    OfProgress,
}

/// Runs a command to its end. What it prints goes to the end of the file `log`, which is there, each line after `look` has seen it; a carriage
/// return ends a line, too.
///
/// # Errors
/// If it fails: with its last lines, and where all of them are. If it cannot be started, or the user stops it.
pub(crate) fn run_logged(
    command: Cmd<'_>,
    log: &Path,
    look: &mut dyn FnMut(&str) -> Line,
) -> anyhow::Result<()> {
    let interrupt = Interrupt::of_process();
    interrupt.check()?;
    let shown = command.to_string();
    let purpose = || format!("writing to {}", log.display());
    let mut kept = File::options().append(true).open(log).with_context(purpose)?;
    let (reader, writer) = std::io::pipe().context("making a pipe")?;
    let mut command = Command::from(command);
    let messages = writer.try_clone().context("making a pipe")?;
    command.stdin(Stdio::null()).stdout(writer).stderr(messages);
    let tree = Tree::start(command)?;
    let (sender, lines) = channel();
    thread::spawn(move || send_lines(reader, &sender));
    let mut last = VecDeque::new();
    loop {
        match lines.recv_timeout(LOOK) {
            Ok(line) => {
                if look(&line) == Line::OfProgress {
                    continue;
                }
                kept.write_all(format!("{line}\n").as_bytes()).with_context(purpose)?;
                detail(|| format!("  {line}"));
                if !line.trim().is_empty() {
                    last.push_back(line);
                    last.drain(..last.len().saturating_sub(LAST_LINES));
                }
            }
            // Dropping the tree ends it.
            Err(RecvTimeoutError::Timeout) => interrupt.check()?,
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    let status = end_of(tree, &interrupt)?;
    if !status.success() {
        bail!("`{shown}` ended with {status}{}", tail(&Vec::from(last), log));
    }
    Ok(())
}

/// The end of an error: the last lines that a program printed, and where all of them are.
pub(crate) fn tail(last: &[String], log: &Path) -> String {
    let lines: String = last.iter().map(|line| format!("\n  {line}")).collect();
    let said = if last.is_empty() { " and said nothing" } else { "; its last lines:" };
    format!("{said}{lines}\nfull log: {}", log.display())
}

/// The last lines of a text that are not empty.
pub(crate) fn last_lines(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].iter().map(|line| line.trim_end().to_owned()).collect()
}

/// An empty file in the folder for logs, which is made if it is not there.
///
/// # Errors
/// If it cannot be made.
pub(crate) fn begin_log(log: &Path) -> anyhow::Result<()> {
    let make = || {
        log.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(log, "")
    };
    make().with_context(|| format!("writing {}", log.display()))
}

/// Sends each line, without its end, until there is none or nobody who wants it. The sender goes with the thread.
fn send_lines(mut reader: impl Read, sender: &Sender<String>) {
    let (mut line, mut buffer) = (Vec::new(), [0; 1 << 14]);
    let send = |line: &mut Vec<u8>| {
        let text = String::from_utf8_lossy(line).into_owned();
        line.clear();
        sender.send(text).is_ok()
    };
    while let Ok(length) = reader.read(&mut buffer)
        && length > 0
    {
        for &byte in &buffer[..length] {
            let goes_on = match byte {
                b'\n' | b'\r' => send(&mut line),
                _ => {
                    line.push(byte);
                    true
                }
            };
            if !goes_on {
                return;
            }
        }
    }
    if !line.is_empty() {
        send(&mut line);
    }
}

/// Reads what is written to the end of a log, as it comes.
pub(crate) struct Follow {
    file: File,
    rest: Vec<u8>,
}

impl Follow {
    /// From what is there now.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub(crate) fn from_now(log: &Path) -> anyhow::Result<Self> {
        let mut file = File::open(log).with_context(|| format!("opening {}", log.display()))?;
        file.seek(SeekFrom::End(0)).with_context(|| format!("reading {}", log.display()))?;
        Ok(Follow { file, rest: Vec::new() })
    }

    /// The whole lines that have come since it was asked last.
    pub(crate) fn lines(&mut self) -> String {
        // What cannot be read now is read later.
        let _ = self.file.read_to_end(&mut self.rest);
        let whole = self.rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let lines: Vec<u8> = self.rest.drain(..whole).collect();
        String::from_utf8_lossy(&lines).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use xshell::{Shell, cmd};

    use super::*;

    #[test]
    fn a_program_that_fails_shows_its_last_lines_and_its_log() {
        let sh = Shell::new().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("logs/program.log");
        begin_log(&log).unwrap();
        let script =
            "for n in $(seq 14); do echo line $n; done; printf 'a 1/2\\ra 2/2\\r' >&2; echo why >&2; exit 7";
        let mut seen = 0;
        let error = run_logged(cmd!(sh, "sh -c {script}"), &log, &mut |line| {
            seen += 1;
            if line.contains("/2") { Line::OfProgress } else { Line::Kept }
        });
        let error = error.unwrap_err().to_string();
        let lines = (6..=14).map(|n| format!("\n  line {n}")).collect::<String>();
        let end =
            format!(" ended with exit status: 7; its last lines:{lines}\n  why\nfull log: {}", log.display());
        assert!(error.ends_with(&end), "{error}");
        assert_eq!(seen, 17);
        let kept = fs::read_to_string(&log).unwrap();
        assert!(kept.starts_with("line 1\nline 2\n") && kept.ends_with("line 14\nwhy\n"), "{kept}");
        // The next one begins with an empty log, and one that says nothing says so.
        begin_log(&log).unwrap();
        let error = run_logged(cmd!(sh, "false"), &log, &mut |_| Line::Kept).unwrap_err().to_string();
        assert!(error.contains("ended with exit status: 1 and said nothing\nfull log: "), "{error}");
        assert_eq!(fs::read_to_string(&log).unwrap(), "");
    }

    #[test]
    fn a_log_is_followed_line_by_line() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        fs::write(&log, "older\n").unwrap();
        let mut follow = Follow::from_now(&log).unwrap();
        let append = |text: &[u8]| File::options().append(true).open(&log).unwrap().write_all(text).unwrap();
        append(b"one\ntw");
        assert_eq!(follow.lines(), "one\n");
        assert_eq!(follow.lines(), "");
        append(b"o\nthree\n");
        assert_eq!(follow.lines(), "two\nthree\n");
    }
}
