//! The QEMU process: started so that it cannot outlive the lab, ended by its own id only.

use std::io::Write as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use lab_core::evidence::capture::End;
use lab_core::plan::Binding;
use rustix::process::{Pid, Signal};

use super::pin;
use crate::lab::output;
use crate::lab::process::tied;

/// How much of the console QEMU can write ahead of the reader: what Linux allows an unprivileged user.
const CONSOLE_PIPE_BYTES: usize = 1 << 20;

/// What ended QEMU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// It had ended before it was asked to.
    Itself,
    /// SIGTERM.
    Terminate,
    /// SIGKILL.
    Kill,
}

/// A running QEMU; ended on drop.
#[derive(Debug)]
pub(super) struct Qemu {
    child: Child,
}

impl Qemu {
    /// Starts QEMU with its standard input, output and error piped, bound as a whole to the CPUs of `binding` if any are named,
    /// and with a library if one is given.
    ///
    /// The calling thread must live as long as QEMU shall: the kernel ends QEMU when that thread ends.
    pub(super) fn start(
        program: &str,
        arguments: &[String],
        binding: &Binding,
        library: Option<&Path>,
    ) -> anyhow::Result<Self> {
        let mut command = tied::command(program);
        if let Some((folder, name)) =
            library.and_then(|library| Some((library.parent()?, library.file_name()?)))
        {
            // A path that is named here must not have blanks or colons: that of a checkout may.
            command.current_dir(folder).env("LD_PRELOAD", Path::new(".").join(name));
        }
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(cpus) = pin::cpu_set(binding.vcpus.iter().chain(&binding.others)) {
            // SAFETY: between fork and exec only a system call is made, no memory is allocated and no lock taken.
            unsafe { command.pre_exec(move || Ok(rustix::thread::sched_setaffinity(None, &cpus)?)) };
        }
        output::detail(|| tied::shown(&command));
        let child = command.spawn().with_context(|| format!("starting {program}"))?;
        Ok(Qemu { child })
    }

    /// Its process id; that of no other process until QEMU has ended.
    pub(super) fn pid(&self) -> Option<Pid> {
        i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)
    }

    /// Standard output and error, each once.
    pub(super) fn take_output(
        &mut self,
    ) -> anyhow::Result<(std::process::ChildStdout, std::process::ChildStderr)> {
        let stdout = self.child.stdout.take().context("taking QEMU's output")?;
        // QEMU writes the console byte by byte, and the guest waits while the pipe is full: room for a whole console
        // keeps the reader's pace out of guest time. A kernel that allows less gives less, which costs nothing else.
        let _ = rustix::pipe::fcntl_setpipe_size(&stdout, CONSOLE_PIPE_BYTES);
        let stderr = self.child.stderr.take().context("taking QEMU's output")?;
        Ok((stdout, stderr))
    }

    /// Its process id.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// How QEMU has ended, if it has.
    pub(super) fn ended(&mut self) -> Option<End> {
        let of = |status: ExitStatus| End::Exited { code: status.code(), signal: status.signal() };
        // An error means that there is no such child any more.
        let gone = Some(End::Exited { code: None, signal: None });
        self.child.try_wait().map_or(gone, |status| status.map(of))
    }

    /// Asks QEMU to end, and makes it if it has not done so after a grace period.
    pub(super) fn end(&mut self) -> By {
        const GRACE: Duration = Duration::from_secs(3);
        if self.ended().is_some() {
            return By::Itself;
        }
        self.signal(Signal::TERM);
        let asked = Instant::now();
        while self.ended().is_none() && asked.elapsed() < GRACE {
            std::thread::sleep(Duration::from_millis(10));
        }
        if self.ended().is_some() {
            return By::Terminate;
        }
        self.signal(Signal::KILL);
        let _ = self.child.wait();
        By::Kill
    }

    /// Types a key on the console. One that QEMU does not take is no reason to stop.
    pub(super) fn press(&mut self, key: u8) {
        if let Some(console) = &mut self.child.stdin {
            let _ = console.write_all(&[key]);
        }
    }

    fn signal(&mut self, signal: Signal) {
        // As long as the child was not waited for, its id cannot belong to another process.
        if self.ended().is_none()
            && let Some(pid) = self.pid()
        {
            let _ = rustix::process::kill_process(pid, signal);
        }
    }
}

impl Drop for Qemu {
    fn drop(&mut self) {
        if self.ended().is_none() {
            self.end();
        }
    }
}
