//! What the kernel has open, and how requests name it.

use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};

use rustix::fs::OFlags;
use rustix::io::Result;

use crate::backing::BackingId;
use crate::device::wire::init;
use crate::inodes::{Inode, NodeId, Numbering};
use crate::server::Server;

/// A file that the kernel has open.
#[derive(Debug)]
pub(crate) struct OpenFile {
    pub(crate) inode: Arc<Inode>,
    /// None if the backing file is opened for each request.
    pub(crate) kept: Option<OwnedFd>,
    /// With FUSE_PASSTHROUGH: by what the kernel reads and writes the backing file.
    #[expect(dead_code, reason = "the kernel has it as long as this is held")]
    pub(crate) backing: Option<Arc<BackingId>>,
}

/// A file or directory as a request names it: by its inode, and by the handle that OPEN gave it. Where OPEN is answered
/// ENOSYS the kernel does without, and the handle of all that it has open is 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Handle {
    pub(crate) node: NodeId,
    pub(crate) fh: u64,
}

impl Handle {
    /// What the kernel says if there was no OPEN.
    pub(crate) const NONE: u64 = 0;
}

/// A directory that the kernel has open.
#[derive(Debug)]
pub(crate) struct Directory {
    pub(crate) numbering: Numbering,
    pub(crate) stream: Mutex<OwnedFd>,
}

impl Server {
    /// The open file that a request names.
    ///
    /// # Errors
    /// EBADF if it is not open.
    pub(crate) fn file(&self, handle: Handle) -> Result<Arc<OpenFile>> {
        if handle.fh == Handle::NONE && self.agreed().has(init::NO_OPEN_SUPPORT) {
            let inode = self.inodes.get(handle.node)?;
            return Ok(Arc::new(OpenFile { inode, kept: None, backing: None }));
        }
        self.files.get(handle.fh)
    }

    /// The open directory that a request names.
    ///
    /// # Errors
    /// EBADF if it is not open.
    pub(crate) fn directory(&self, handle: Handle) -> Result<Arc<Directory>> {
        if handle.fh == Handle::NONE && self.agreed().has(init::NO_OPENDIR_SUPPORT) {
            return self.open_directory(handle.node).map(Arc::new);
        }
        self.directories.get(handle.fh)
    }

    /// Opens a directory on the storage.
    ///
    /// # Errors
    /// Those of open(2).
    pub(crate) fn open_directory(&self, number: NodeId) -> Result<Directory> {
        let inode = self.inodes.get(number)?;
        let stream = self.reopen.open(&inode, OFlags::RDONLY | OFlags::DIRECTORY)?;
        let numbering = self.inodes.numbering(rustix::fs::fstat(&stream)?.st_dev);
        Ok(Directory { numbering, stream: Mutex::new(stream) })
    }

    /// Keeps the handle free that stands for what was never opened, if there will be such.
    pub(crate) fn keep_handles_free(&self) -> Result<()> {
        if self.agreed().has(init::NO_OPEN_SUPPORT) {
            let inode = self.inodes.get(NodeId::ROOT)?;
            self.files.insert(OpenFile { inode, kept: None, backing: None });
        }
        if self.agreed().has(init::NO_OPENDIR_SUPPORT) {
            self.directories.insert(self.open_directory(NodeId::ROOT)?);
        }
        Ok(())
    }
}
