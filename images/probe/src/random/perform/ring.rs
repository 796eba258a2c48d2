//! io_uring(7).

use std::io;
use std::os::fd::AsRawFd as _;
use std::time::Duration;

use io_uring::types::{Fd, SubmitArgs, Timespec};
use io_uring::{IoUring, opcode};

use super::queue::{Interface, MOST, Request, Taken};
use crate::random::operation::Action;

/// Both rings, of submissions and of completions.
pub(super) struct Ring(IoUring);

/// Whether this kernel has io_uring for this process: it may be built without it, and an administrator may have it off.
///
/// # Errors
/// If a ring cannot be made for another reason.
pub(crate) fn is_there() -> io::Result<bool> {
    match IoUring::new(1) {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EPERM)) => Ok(false),
        Err(error) => Err(error),
    }
}

impl Ring {
    /// # Errors
    /// If the kernel gives none.
    pub(super) fn new() -> io::Result<Self> {
        IoUring::new(MOST as u32).map(Ring)
    }
}

impl Interface for Ring {
    unsafe fn submit(&mut self, request: &Request<'_>) -> io::Result<Taken> {
        let (fd, at, length) = (Fd(request.file.as_raw_fd()), request.memory, request.length as u32);
        let entry = if request.action == Action::Read {
            opcode::Read::new(fd, at, length).offset(request.offset).build()
        } else {
            opcode::Write::new(fd, at, length).offset(request.offset).build()
        };
        // SAFETY: the caller keeps memory and file.
        unsafe { self.0.submission().push(&entry.user_data(request.step as u64)) }
            .map_err(io::Error::other)?;
        // What was not taken stays in the ring, which is not used again then.
        match self.0.submit()? {
            0 => Err(io::Error::other("the kernel took no request from the ring")),
            _ => Ok(Taken::Yes),
        }
    }

    fn completions(&mut self, least: usize, limit: Duration) -> io::Result<Vec<(usize, io::Result<u64>)>> {
        let limit = Timespec::from(limit);
        let args = SubmitArgs::new().timespec(&limit);
        while let Err(error) = self.0.submitter().submit_with_args(least, &args) {
            match error.raw_os_error() {
                Some(libc::EINTR) => {}
                Some(libc::ETIME) => break,
                _ => return Err(error),
            }
        }
        let result = |code: i32| u64::try_from(code).map_err(|_| io::Error::from_raw_os_error(-code));
        let completions = self.0.completion();
        Ok(completions.map(|entry| (entry.user_data() as usize, result(entry.result()))).collect())
    }
}
