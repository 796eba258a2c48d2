//! What the kernel has open.

use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};

use crate::inodes::{Inode, NodeId, Numbering};

/// A file that the kernel has open.
#[derive(Debug)]
pub(crate) struct OpenFile {
    pub(crate) inode: Arc<Inode>,
    /// None if the backing file is opened for each request.
    pub(crate) kept: Option<OwnedFd>,
}

/// A directory that the kernel has open.
#[derive(Debug)]
pub(crate) struct Directory {
    pub(crate) number: NodeId,
    pub(crate) numbering: Numbering,
    pub(crate) stream: Mutex<OwnedFd>,
}
