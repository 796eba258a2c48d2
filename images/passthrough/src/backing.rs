//! FUSE_PASSTHROUGH: backing files that are handed to the kernel, which then reads and writes them by itself.
//!
//! The kernel takes one backing file for an inode at a time (EBUSY for another one), so that all who have the file open
//! share one. It is given back with the last of them.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::{Arc, PoisonError, Weak};

use rustix::io::{Errno, Result};

use crate::device::Device;

/// FUSE_DEV_IOC_BACKING_OPEN: `_IOW(229, 1, struct fuse_backing_map)`.
const IOC_BACKING_OPEN: libc::Ioctl = 0x4010_e501;

/// FUSE_DEV_IOC_BACKING_CLOSE: `_IOW(229, 2, u32)`.
const IOC_BACKING_CLOSE: libc::Ioctl = 0x4004_e502;

/// `struct fuse_backing_map`
#[repr(C)]
struct BackingMap {
    fd: i32,
    flags: u32,
    padding: u64,
}

/// A backing file that the kernel holds.
#[derive(Debug)]
pub(crate) struct BackingId {
    device: Device,
    /// What the kernel calls it, from 1 on.
    pub(crate) number: i32,
}

impl BackingId {
    fn new(device: &Device, file: BorrowedFd<'_>) -> Result<Self> {
        let map = BackingMap { fd: file.as_raw_fd(), flags: 0, padding: 0 };
        // SAFETY: the call reads a structure of that layout at the address, which is valid.
        let number = unsafe { libc::ioctl(device.as_fd().as_raw_fd(), IOC_BACKING_OPEN, &raw const map) };
        match number {
            1.. => Ok(BackingId { device: device.clone(), number }),
            _ => Err(last_error()),
        }
    }

    /// The one that is shared, or a new one with this file.
    ///
    /// # Errors
    /// ELOOP if the file is on a stacked file system, EPERM without CAP_SYS_ADMIN.
    pub(crate) fn of(shared: &Shared, device: &Device, file: BorrowedFd<'_>) -> Result<Arc<Self>> {
        let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = shared.upgrade() {
            return Ok(known);
        }
        let new = Arc::new(BackingId::new(device, file)?);
        *shared = Arc::downgrade(&new);
        Ok(new)
    }
}

impl Drop for BackingId {
    fn drop(&mut self) {
        let number = self.number as u32;
        // SAFETY: the call reads one u32 at the address, which is valid. If the mount is gone, so is what it had.
        let _ = unsafe { libc::ioctl(self.device.as_fd().as_raw_fd(), IOC_BACKING_CLOSE, &raw const number) };
    }
}

fn last_error() -> Errno {
    std::io::Error::last_os_error().raw_os_error().map_or(Errno::IO, Errno::from_raw_os_error)
}

/// That of an inode, as long as somebody has it.
pub(crate) type Shared = std::sync::Mutex<Weak<BackingId>>;
