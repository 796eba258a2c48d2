//! ioctl(2): what chattr(1) and lsattr(1) read and set, passed to the storage. Nothing else is known here.

use std::os::fd::{AsFd, AsRawFd};

use rustix::fs::OFlags;
use rustix::io::{Errno, Result};

use crate::device::answer::{self, Answer};
use crate::device::wire::IoctlIn;
use crate::inodes::NodeId;
use crate::server::Server;

/// What one of the calls hands over, and in which direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transfer {
    Get(usize),
    Set(usize),
}

/// The flags of FS_IOC_GETFLAGS and FS_IOC_SETFLAGS are an `int`, whatever the numbers of the calls say (`long`).
const FLAGS: usize = 4;

/// `struct fsxattr` of `include/uapi/linux/fs.h`.
const EXTENDED: usize = 28;

impl Transfer {
    /// ENOTTY for calls that are not known.
    fn of(call: u32) -> Result<Self> {
        match call {
            // FS_IOC_GETFLAGS and FS_IOC_SETFLAGS: `_IOR('f', 1, long)` and `_IOW('f', 2, long)`.
            0x8008_6601 => Ok(Transfer::Get(FLAGS)),
            0x4008_6602 => Ok(Transfer::Set(FLAGS)),
            // FS_IOC_FSGETXATTR and FS_IOC_FSSETXATTR: `_IOR('X', 31, struct fsxattr)` and `_IOW('X', 32, struct fsxattr)`.
            0x801c_581f => Ok(Transfer::Get(EXTENDED)),
            0x401c_5820 => Ok(Transfer::Set(EXTENDED)),
            _ => Err(Errno::NOTTY),
        }
    }
}

impl Server {
    /// Whether the caller may was decided by the kernel, which knows these calls as well.
    pub(crate) fn control(&self, number: NodeId, asked: &IoctlIn, data: &[u8]) -> Result<Answer> {
        let transfer = Transfer::of(asked.cmd)?;
        let file = self.reopen.open(self.inodes.get(number)?, OFlags::RDONLY | OFlags::NONBLOCK)?;
        let mut memory = [0; EXTENDED];
        match transfer {
            Transfer::Get(size) => {
                call(&file, asked.cmd, &mut memory)?;
                Ok(answer::controlled(&memory[..size]))
            }
            Transfer::Set(size) => {
                memory[..size].copy_from_slice(data.get(..size).ok_or(Errno::INVAL)?);
                call(&file, asked.cmd, &mut memory)?;
                Ok(answer::controlled(&[]))
            }
        }
    }
}

/// One of the calls that [`Transfer::of`] knows.
fn call(file: impl AsFd, call: u32, memory: &mut [u8; EXTENDED]) -> Result<()> {
    // SAFETY: each of the calls reads or writes at most so many bytes, which are there.
    match unsafe { libc::ioctl(file.as_fd().as_raw_fd(), call as libc::Ioctl, memory.as_mut_ptr()) } {
        0 => Ok(()),
        _ => Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_have_their_numbers() {
        // `_IOR` and `_IOW` of `include/uapi/asm-generic/ioctl.h`.
        let number = |direction: u32, size: usize, kind: u8, number: u32| {
            direction << 30 | (size as u32) << 16 | u32::from(kind) << 8 | number
        };
        let long = size_of::<libc::c_long>();
        for (call, expected) in [
            (number(2, long, b'f', 1), Ok(Transfer::Get(FLAGS))),
            (number(1, long, b'f', 2), Ok(Transfer::Set(FLAGS))),
            (number(2, EXTENDED, b'X', 31), Ok(Transfer::Get(EXTENDED))),
            (number(1, EXTENDED, b'X', 32), Ok(Transfer::Set(EXTENDED))),
            (libc::FIONREAD as u32, Err(Errno::NOTTY)),
        ] {
            assert_eq!(Transfer::of(call), expected, "{call:#x}");
        }
    }
}
