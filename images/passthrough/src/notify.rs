//! Notifications: what the server tells the kernel without being asked.

use std::ffi::OsStr;
use std::io::IoSlice;
use std::mem::size_of;
use std::os::unix::ffi::OsStrExt;

use rustix::io::Result;
use zerocopy::IntoBytes;

use crate::device::Device;
use crate::device::wire::{
    EXPIRE_ONLY, NotifyDeleteOut, NotifyInvalEntryOut, NotifyInvalInodeOut, NotifyPruneOut,
    NotifyRetrieveOut, NotifyStoreOut, OutHeader, notify,
};
use crate::inodes::NodeId;

/// How the kernel is to take that a name is not what it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// It goes from the cache.
    Invalid,
    /// It is asked for again before it is used.
    Expired,
}

/// Which bytes of a file a notification is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cached {
    /// Attributes alone.
    Attributes,
    /// And pages from this byte on, so many bytes; 0 for all.
    Pages { offset: u64, length: u64 },
}

/// Each gives what the kernel answers: ENOENT for what it does not know, EINVAL if it has no such notification.
impl Device {
    pub(crate) fn inval_inode(&self, node: NodeId, cached: Cached) -> Result<()> {
        let (off, len) = match cached {
            Cached::Attributes => (-1, 0),
            Cached::Pages { offset, length } => (offset as i64, length as i64),
        };
        self.notify(notify::INVAL_INODE, &[NotifyInvalInodeOut { ino: node.0, off, len }.as_bytes()])
    }

    pub(crate) fn inval_entry(&self, parent: NodeId, name: &OsStr, how: Entry) -> Result<()> {
        let flags = match how {
            Entry::Invalid => 0,
            Entry::Expired => EXPIRE_ONLY,
        };
        let out = NotifyInvalEntryOut { parent: parent.0, namelen: name.len() as u32, flags };
        self.notify(notify::INVAL_ENTRY, &[out.as_bytes(), name.as_bytes(), b"\0"])
    }

    pub(crate) fn delete(&self, parent: NodeId, child: NodeId, name: &OsStr) -> Result<()> {
        let out =
            NotifyDeleteOut { parent: parent.0, child: child.0, namelen: name.len() as u32, padding: 0 };
        self.notify(notify::DELETE, &[out.as_bytes(), name.as_bytes(), b"\0"])
    }

    pub(crate) fn store(&self, node: NodeId, offset: u64, data: &[u8]) -> Result<()> {
        let out = NotifyStoreOut { nodeid: node.0, offset, size: data.len() as u32, padding: 0 };
        self.notify(notify::STORE, &[out.as_bytes(), data])
    }

    /// The data comes as a request, NOTIFY_REPLY, with this number.
    pub(crate) fn retrieve(&self, number: u64, node: NodeId, offset: u64, size: u32) -> Result<()> {
        let out = NotifyRetrieveOut { notify_unique: number, nodeid: node.0, offset, size, padding: 0 };
        self.notify(notify::RETRIEVE, &[out.as_bytes()])
    }

    pub(crate) fn resend(&self) -> Result<()> {
        self.notify(notify::RESEND, &[])
    }

    pub(crate) fn inc_epoch(&self) -> Result<()> {
        self.notify(notify::INC_EPOCH, &[])
    }

    pub(crate) fn prune(&self, node: NodeId) -> Result<()> {
        let out = NotifyPruneOut { count: 1, padding: 0, spare: 0 };
        self.notify(notify::PRUNE, &[out.as_bytes(), node.0.as_bytes()])
    }

    fn notify(&self, code: i32, parts: &[&[u8]]) -> Result<()> {
        let length = size_of::<OutHeader>() + parts.iter().map(|part| part.len()).sum::<usize>();
        // Not an answer, since no request has this number.
        let header = OutHeader { len: length as u32, error: code, unique: 0 };
        let all: Vec<IoSlice<'_>> =
            [header.as_bytes()].iter().chain(parts).map(|part| IoSlice::new(part)).collect();
        rustix::io::writev(self, &all).map(drop)
    }
}
