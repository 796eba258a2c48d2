//! What the kernel has open, and how requests name it.

use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};

use crate::backing::BackingId;
use crate::inodes::{Inode, NodeId, Numbering};

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
