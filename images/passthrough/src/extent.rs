//! How much fsync(2) is to cover.

use std::os::fd::BorrowedFd;

use rustix::io::Result;

use crate::device::wire::FSYNC_FDATASYNC;

/// How much fsync(2) is to cover.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Extent {
    Data,
    DataAndMetadata,
}

impl Extent {
    /// What the flags of FSYNC and FSYNCDIR say.
    pub(crate) fn of(fsync_flags: u32) -> Self {
        if fsync_flags & FSYNC_FDATASYNC != 0 { Extent::Data } else { Extent::DataAndMetadata }
    }

    pub(crate) fn sync(self, fd: BorrowedFd<'_>) -> Result<()> {
        match self {
            Extent::Data => rustix::fs::fdatasync(fd),
            Extent::DataAndMetadata => rustix::fs::fsync(fd),
        }
    }
}
