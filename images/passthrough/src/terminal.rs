//! Letting go of the terminal, when the mount is there and the server goes on in the background.

use rustix::fs::{CWD, Mode, OFlags};

/// Lets go of what belongs to whoever started this process, so that nobody waits for its end.
///
/// # Errors
/// If there is no `/dev/null`.
pub(crate) fn let_go() -> rustix::io::Result<()> {
    let null = rustix::fs::openat(CWD, "/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    rustix::stdio::dup2_stderr(&null)?;
    rustix::process::chdir("/")
}
