//! Something done in a copy of this process, so that whoever started it can act meanwhile.

use std::io::{self, Read as _, Write as _};

use anyhow::Context as _;
use rustix::process::{Pid, Signal, WaitOptions};

/// A copy at work.
#[derive(Debug)]
pub(crate) struct Apart {
    pid: Pid,
    said: io::PipeReader,
}

/// Has a copy of this process do something and say what came of it. This process may have one thread only.
///
/// # Errors
/// If there can be no copy.
pub(crate) fn start(act: impl FnOnce() -> String) -> anyhow::Result<Apart> {
    let (said, mut writer) = io::pipe().context("making a pipe")?;
    // SAFETY: a probe that uses this has one thread, so that the copy is whole.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
        let said = writer.write_all(act().as_bytes());
        // SAFETY: nothing is left to be done that another exit would do.
        unsafe { libc::_exit(i32::from(said.is_err())) }
    }
    let pid = Pid::from_raw(pid).filter(|_| pid > 0);
    let pid = pid.with_context(|| format!("starting a copy: {}", io::Error::last_os_error()))?;
    Ok(Apart { pid, said })
}

impl Apart {
    /// Waits for its end, and gives what it said.
    ///
    /// # Errors
    /// If it could not say it.
    pub(crate) fn end(mut self) -> anyhow::Result<String> {
        let mut text = String::new();
        self.said.read_to_string(&mut text).context("listening to a copy")?;
        let status = rustix::process::waitpid(Some(self.pid), WaitOptions::empty())
            .context("waiting for a copy")?
            .context("a copy that ended has not ended")?;
        match status.1.exit_status() {
            Some(0) => Ok(text),
            Some(_) | None => anyhow::bail!("a copy of the probe ended with {:?}", status.1),
        }
    }
}
