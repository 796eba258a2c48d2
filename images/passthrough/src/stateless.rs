//! Open files and directories as requests name them; and what is used without having been opened, where OPEN and OPENDIR
//! are answered ENOSYS (FUSE_NO_OPEN_SUPPORT, FUSE_NO_OPENDIR_SUPPORT).

use std::sync::{Arc, Mutex};

use rustix::fs::OFlags;
use rustix::io::Result;

use crate::device::wire::init;
use crate::inodes::NodeId;
use crate::open::{Directory, Handle, OpenFile};
use crate::server::Server;

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
