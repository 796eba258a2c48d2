//! A started program: how it is started, waited for and killed, and how it ended.

use std::ffi::OsStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus};
use std::time::Instant;

use anyhow::Context as _;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::wait;

/// A program that was started and whose end is still to be collected.
#[derive(Debug)]
pub struct Process {
    pid: u32,
    pidfd: OwnedFd,
}

/// How a program ended, and what it used.
#[derive(Clone, Copy)]
pub struct Ended {
    /// Exit code or signal.
    pub status: ExitStatus,
    /// CPU time and the like.
    pub rusage: libc::rusage,
}

/// A command for a program of the image, with a fixed environment.
///
/// Nothing may be asked of it that `posix_spawn(3)` cannot do: the standard library then forks and needs a socket
/// pair, which a kernel without networking does not have.
#[expect(
    clippy::disallowed_methods,
    reason = "the guest starts programs itself: there is no shell around it"
)]
pub fn command(program: impl AsRef<OsStr>, args: &[impl AsRef<OsStr>]) -> Command {
    let mut command = Command::new(program);
    command.args(args).env_clear().env("PATH", "/bin").env("LC_ALL", "C");
    command
}

impl Process {
    /// Takes over the waiting for a child; its pipes are to be taken out of it first.
    ///
    /// # Errors
    /// If the kernel gives no descriptor for it.
    #[expect(clippy::needless_pass_by_value, reason = "nobody else may collect the end of the child")]
    pub fn new(child: Child) -> anyhow::Result<Self> {
        Process::of(Pid::from_child(&child))
    }

    /// The same for a child that was made by fork(2), or for a process that is nobody's child any more: process 1 is its parent.
    ///
    /// # Errors
    /// If the kernel gives no descriptor for it.
    pub fn of(pid: Pid) -> anyhow::Result<Self> {
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).context("opening a process descriptor")?;
        Ok(Process { pid: pid.as_raw_nonzero().get() as u32, pidfd })
    }

    /// Its number.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Becomes readable when it ends.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    /// Ends it for good. It may already have ended.
    pub fn kill(&self) {
        let _ = pidfd_send_signal(&self.pidfd, Signal::KILL);
    }

    /// Asks it to end. It may already have ended.
    pub fn terminate(&self) {
        let _ = pidfd_send_signal(&self.pidfd, Signal::TERM);
    }

    /// Whether it ends before the deadline. Its end is still to be collected, by whoever is its parent.
    ///
    /// # Errors
    /// If the kernel refuses to wait.
    pub fn ends_before(&self, deadline: Instant) -> io::Result<bool> {
        let [ended] = wait::readable([Some(self.fd())], deadline)?;
        Ok(ended)
    }

    /// Waits for its end and collects it; none if the deadline passes first. To be called again only if it was none.
    ///
    /// # Errors
    /// If the kernel refuses to wait.
    pub fn collect(&self, deadline: Instant) -> io::Result<Option<Ended>> {
        let [ended] = wait::readable([Some(self.fd())], deadline)?;
        if !ended {
            return Ok(None);
        }
        let mut status = 0;
        let mut rusage = MaybeUninit::<libc::rusage>::zeroed();
        // SAFETY: both pointers are valid for one value of their type.
        let result = unsafe { libc::wait4(self.pid as libc::pid_t, &raw mut status, 0, rusage.as_mut_ptr()) };
        if result < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: all bytes zero is a valid rusage, and the call has filled it.
        let rusage = unsafe { rusage.assume_init() };
        Ok(Some(Ended { status: ExitStatus::from_raw(status), rusage }))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn start(script: &str) -> Process {
        let args = ["-c".to_owned(), script.to_owned()];
        Process::new(command("/bin/sh", &args).spawn().unwrap()).unwrap()
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[test]
    fn ends_are_told_apart() {
        for (script, code, signal) in
            [("exit 0", Some(0), None), ("exit 7", Some(7), None), ("kill -9 $$", None, Some(9))]
        {
            let ended = start(script).collect(soon()).unwrap().unwrap();
            assert_eq!((ended.status.code(), ended.status.signal()), (code, signal), "{script}");
        }
    }

    #[test]
    fn a_program_that_does_not_end_is_killed() {
        let process = start("exec sleep 1000");
        assert!(process.collect(Instant::now()).unwrap().is_none());
        process.kill();
        let ended = process.collect(soon()).unwrap().unwrap();
        assert_eq!(ended.status.signal(), Some(9));
        process.kill();
    }

    #[test]
    fn the_environment_is_fixed() {
        let output = command("/bin/sh", &["-c".to_owned(), "export -p".to_owned()]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("PATH='/bin'") && !text.contains("HOME"), "{text}");
    }
}
