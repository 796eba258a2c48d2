//! Children that end with the lab, whatever ends it.
//!
//! The kernel's death signal reaches the child alone. What a child has started itself, as make does, is reached
//! through its process group, by a guard in that group which notices that the lab is gone.
//!
//! Own, since `std` and `cmd!` know neither death signals nor guards.

use std::ffi::OsStr;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rustix::process::{Pid, Signal};

use crate::lab::output::detail;

/// A program to be started by itself: not through `cmd!`, which waits for its end.
///
/// The calling thread must live as long as the program shall: the kernel ends the program when that thread ends.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = grouped(program);
    die_with_lab(&mut command);
    command
}

/// A command as a shell would show it.
pub(crate) fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let quoted = words.map(|word| {
        let word = word.to_string_lossy();
        let is_plain = |c: char| c.is_alphanumeric() || "-_=+./:,@%^~".contains(c);
        match !word.is_empty() && word.chars().all(is_plain) {
            true => word.into_owned(),
            false => format!("'{}'", word.replace('\'', "'\\''")),
        }
    });
    let folder = command.get_current_dir().map(|folder| format!("  (in {})", folder.display()));
    format!("$ {}{}", quoted.collect::<Vec<_>>().join(" "), folder.unwrap_or_default())
}

fn grouped(program: impl AsRef<OsStr>) -> Command {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place: cmd! knows neither groups nor death signals"
    )]
    let mut command = Command::new(program);
    // Ctrl-C on the terminal reaches the lab only, which then ends the program in order.
    command.process_group(0);
    command
}

fn die_with_lab(command: &mut Command) {
    let lab = rustix::process::getpid();
    // SAFETY: between fork and exec only system calls are made, no memory is allocated and no lock taken.
    unsafe {
        command.pre_exec(move || {
            rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
            // The lab may have ended between the fork and the line above; the signal is lost then.
            match rustix::process::getppid() == Some(lab) {
                true => Ok(()),
                false => Err(std::io::Error::other("the lab has ended")),
            }
        });
    }
}

/// Something that is done when the lab has ended, whatever ended it, or when this is dropped.
#[derive(Debug)]
pub(crate) struct AtTheEnd {
    /// None once it is dropped.
    lifeline: Option<ChildStdin>,
    child: Child,
}

impl AtTheEnd {
    /// Has a shell wait, with no death signal: it has to outlive the lab by a moment.
    ///
    /// # Errors
    /// If it cannot be started.
    pub(crate) fn run(script: &str) -> anyhow::Result<Self> {
        let waiting = format!("trap '' HUP INT TERM TTOU; read line; {script}");
        let mut child = grouped("sh")
            .args(["-c", &waiting])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("starting what waits for the end of the lab")?;
        Ok(AtTheEnd { lifeline: child.stdin.take(), child })
    }
}

impl Drop for AtTheEnd {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        let _ = self.child.wait();
    }
}

/// What the guard runs: the end of its input says that the lab has ended. Its group is the one of the program.
const GUARD: &str = "trap '' HUP INT TERM; read line; kill -KILL 0";

/// A program with everything that it has started, in one process group; ended on drop.
#[derive(Debug)]
pub(crate) struct Tree {
    /// Leads the group, so that the group's number is not given to another one while it lives.
    guard: Child,
    #[expect(dead_code, reason = "the kernel closes it when the lab ends, which the guard sees")]
    lifeline: ChildStdin,
    child: Child,
}

impl Tree {
    /// Starts `command` in a group of its own.
    ///
    /// # Errors
    /// If it or the guard cannot be started.
    pub(crate) fn start(mut program: Command) -> anyhow::Result<Self> {
        let name = program.get_program().to_string_lossy().into_owned();
        // Without a death signal: it has to outlive the lab by a moment.
        let mut guard = grouped("sh")
            .args(["-c", GUARD])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("starting the guard of {name}"))?;
        let lifeline = guard.stdin.take().context("taking the guard's input")?;
        let group = guard.id().cast_signed();
        die_with_lab(&mut program);
        detail(|| shown(&program));
        match program.process_group(group).spawn() {
            Ok(child) => Ok(Tree { guard, lifeline, child }),
            Err(error) => {
                let _ = guard.kill();
                let _ = guard.wait();
                Err(error).with_context(|| format!("starting {name}"))
            }
        }
    }

    /// The program's standard input, once.
    ///
    /// # Errors
    /// If it is no pipe.
    pub(crate) fn stdin(&mut self) -> anyhow::Result<ChildStdin> {
        self.child.stdin.take().context("taking the program's input")
    }

    /// The program's standard output, once.
    ///
    /// # Errors
    /// If it is no pipe.
    pub(crate) fn stdout(&mut self) -> anyhow::Result<ChildStdout> {
        self.child.stdout.take().context("taking the program's output")
    }

    /// The program's standard error, once.
    ///
    /// # Errors
    /// If it is no pipe.
    pub(crate) fn stderr(&mut self) -> anyhow::Result<ChildStderr> {
        self.child.stderr.take().context("taking the program's messages")
    }

    /// How the program ended, if it has; what it has started may still be there.
    ///
    /// # Errors
    /// If the system does not know it.
    pub(crate) fn try_wait(&mut self) -> std::io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Waits until the program ends; what it has started may still be there.
    ///
    /// # Errors
    /// If the system does not know it.
    pub(crate) fn wait(&mut self) -> std::io::Result<ExitStatus> {
        self.child.wait()
    }

    /// Asks everything in the group to end, and makes it after a grace period.
    pub(crate) fn end(&mut self) {
        const GRACE: Duration = Duration::from_secs(3);
        let asked = Instant::now();
        self.signal(Signal::TERM);
        while matches!(self.child.try_wait(), Ok(None)) && asked.elapsed() < GRACE {
            std::thread::sleep(Duration::from_millis(10));
        }
        self.signal(Signal::KILL);
        let _ = self.child.wait();
        let _ = self.guard.wait();
    }

    fn signal(&mut self, signal: Signal) {
        // As long as the guard was not waited for, its number cannot be that of another group.
        if matches!(self.guard.try_wait(), Ok(None))
            && let Some(group) = Pid::from_raw(self.guard.id().cast_signed())
        {
            let _ = rustix::process::kill_process_group(group, signal);
        }
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        match self.child.try_wait() {
            Ok(None) => self.end(),
            Ok(Some(_)) | Err(_) => {
                self.signal(Signal::KILL);
                let _ = self.guard.wait();
            }
        }
    }
}

#[cfg(test)]
mod tests;
