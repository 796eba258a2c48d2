//! The kernel's side of a mount: `/dev/fuse`, the requests that come from it and the answers that go to it.
//!
//! An own layer instead of a FUSE crate, because the lab counts every request that the kernel sends and must not have
//! some of them hidden, answered or split by a library; and because data can only be spliced by what owns the device.
//!
//! [`wire`] has the structures of the protocol, [`request`] takes requests apart, [`answer`] puts answers together,
//! [`channel`] is what one thread receives and sends with, [`ring`] the same through io_uring, [`pipe`] moves pages, [`memory`] holds them, and [`mount`]
//! makes the mount and takes it away.

pub(crate) mod answer;
pub(crate) mod channel;
pub(crate) mod memory;
pub(crate) mod mount;
mod pipe;
pub(crate) mod request;
pub(crate) mod ring;
pub(crate) mod transfer;
pub(crate) mod wire;

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::{Errno, Result};

const PATH: &str = "/dev/fuse";

/// FUSE_DEV_IOC_CLONE: `_IOR(229, 0, u32)`.
const IOC_CLONE: libc::Ioctl = 0x8004_e500;

/// A descriptor that requests come from; it is closed when the last copy of this is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Device(Arc<OwnedFd>);

impl AsFd for Device {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// What became of asking for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Receipt {
    /// It is there, with so many bytes.
    Request(usize),
    /// There is none; ask again.
    Again,
    /// There will be none: the file system is unmounted.
    End,
}

impl Device {
    /// One without a mount.
    fn open() -> Result<Self> {
        rustix::fs::openat(CWD, PATH, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())
            .map(|fd| Device(Arc::new(fd)))
    }

    /// Another descriptor for the same mount, with a list of its own of the requests that it has to answer
    /// (FUSE_DEV_IOC_CLONE): threads that have one each do not meet at one lock.
    ///
    /// # Errors
    /// If the kernel is older than 4.2.
    pub(crate) fn cloned(&self) -> io::Result<Self> {
        let clone = Device::open()?;
        let mut of = self.0.as_raw_fd() as u32;
        // SAFETY: the call reads one u32 at the address, which is valid.
        let result = unsafe { libc::ioctl(clone.0.as_raw_fd(), IOC_CLONE, &raw mut of) };
        if result == 0 { Ok(clone) } else { Err(io::Error::last_os_error()) }
    }

    /// Whether the file system is unmounted or its connection aborted.
    pub(crate) fn has_ended(&self) -> bool {
        let mut polled = [PollFd::new(&self.0, PollFlags::empty())];
        let polling = rustix::event::poll(&mut polled, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }));
        polling.is_ok() && polled[0].revents().contains(PollFlags::ERR)
    }
}

/// What read(2) or splice(2) from the device said.
///
/// # Errors
/// If the connection broke, ECONNABORTED if somebody aborted it.
fn receipt(result: Result<usize>) -> Result<Receipt> {
    match result {
        Ok(bytes) => Ok(Receipt::Request(bytes)),
        // ENOENT: the request was aborted while it was received.
        Err(Errno::INTR | Errno::AGAIN | Errno::NOENT) => Ok(Receipt::Again),
        Err(Errno::NODEV) => Ok(Receipt::End),
        Err(error) => Err(error),
    }
}

/// What write(2) or splice(2) to the device said. That nobody waits for the answer any more is no error: the request was
/// aborted (ENOENT), or the file system is gone, which the next receipt tells.
fn sent(result: Result<usize>) -> Result<()> {
    match result {
        Ok(_) | Err(Errno::NOENT | Errno::NODEV | Errno::CONNABORTED) => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_breaks_the_connection_is_an_error() {
        for (result, expected) in [
            (Ok(40), Ok(Receipt::Request(40))),
            (Err(Errno::INTR), Ok(Receipt::Again)),
            (Err(Errno::AGAIN), Ok(Receipt::Again)),
            (Err(Errno::NOENT), Ok(Receipt::Again)),
            (Err(Errno::NODEV), Ok(Receipt::End)),
            (Err(Errno::CONNABORTED), Err(Errno::CONNABORTED)),
            (Err(Errno::INVAL), Err(Errno::INVAL)),
        ] {
            assert_eq!(receipt(result), expected);
        }
        for (result, expected) in [
            (Ok(16), Ok(())),
            (Err(Errno::NOENT), Ok(())),
            (Err(Errno::NODEV), Ok(())),
            (Err(Errno::INVAL), Err(Errno::INVAL)),
        ] {
            assert_eq!(sent(result), expected);
        }
    }
}
