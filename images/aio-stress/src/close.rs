//! Closing a file and hearing what the kernel says of it.

use std::fs::File;
use std::io;
use std::os::fd::IntoRawFd;

/// Closes a file, which dropping it does without a word.
///
/// # Errors
/// Those of close(2), which is where some filesystems tell of data that was lost.
pub(crate) fn close(file: File) -> io::Result<()> {
    // SAFETY: the descriptor was the file's, which has given it up.
    match unsafe { libc::close(file.into_raw_fd()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
