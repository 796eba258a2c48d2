//! Names: looking them up, making, linking, renaming and removing them.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RenameFlags};
use rustix::io::Result;
use rustix::path::DecInt;

use crate::attributes::attributes;
use crate::device::wire::{Attr, CreateIn, MkdirIn, MknodIn, OpenOut, init};
use crate::inodes::NodeId;
use crate::privileges::Masked;
use crate::server::Server;

/// Opens the object itself, whatever it is, for nothing but being named.
const HOLD: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

impl Server {
    /// Finds an entry, and counts the lookup.
    pub(crate) fn lookup(&self, parent: NodeId, name: &OsStr) -> Result<Attr> {
        let parent = self.inodes.get(parent)?;
        if name == "." {
            // Asked for with FUSE_EXPORT_SUPPORT only, and of files as well: by what was a handle of theirs.
            return self.look_up_fd(self.reopen.open(&parent, OFlags::PATH)?);
        }
        self.look_up_fd(rustix::fs::openat(&parent, name, HOLD, Mode::empty())?)
    }

    fn look_up_fd(&self, fd: OwnedFd) -> Result<Attr> {
        let stat = rustix::fs::fstat(&fd)?;
        let inode = self.inodes.look_up(fd, &stat);
        Ok(attributes(inode.number, &stat))
    }

    /// Makes and opens a file; gives its handle as well.
    pub(crate) fn create(&self, parent: NodeId, name: &OsStr, asked: &CreateIn) -> Result<(Attr, OpenOut)> {
        let _masked = self.mask(asked.umask)?;
        let (mode, flags) = (asked.mode, asked.flags as i32);
        let parent = self.inodes.get(parent)?;
        let making = OFlags::from_bits_retain(flags as u32) & (OFlags::EXCL | OFlags::TRUNC);
        let flags = self.backing_flags(flags) | making | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&parent, name, flags, Mode::from_raw_mode(mode))?;
        self.look_up_and_keep_open(file)
    }

    /// Makes and opens a file without a name; gives its handle as well.
    pub(crate) fn tmpfile(&self, parent: NodeId, asked: &CreateIn) -> Result<(Attr, OpenOut)> {
        let _masked = self.mask(asked.umask)?;
        let (mode, flags) = (asked.mode, asked.flags as i32);
        let parent = self.inodes.get(parent)?;
        // Whether it may get a name later (O_EXCL) is the storage's to know.
        let making = OFlags::from_bits_retain(flags as u32) & OFlags::EXCL;
        let flags = self.backing_flags(flags) | making | OFlags::TMPFILE | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&parent, c".", flags, Mode::from_raw_mode(mode))?;
        self.look_up_and_keep_open(file)
    }

    fn look_up_and_keep_open(&self, file: OwnedFd) -> Result<(Attr, OpenOut)> {
        // By descriptor: the name may belong to another file by now.
        let attributes = self.look_up_fd(self.reopen.open(&file, OFlags::PATH)?)?;
        let inode = self.inodes.get(NodeId(attributes.ino))?;
        Ok((attributes, self.keep_open(inode, file)?))
    }

    pub(crate) fn mknod(&self, parent: NodeId, name: &OsStr, asked: &MknodIn) -> Result<Attr> {
        let _masked = self.mask(asked.umask)?;
        let (kind, mode) = (FileType::from_raw_mode(asked.mode), Mode::from_raw_mode(asked.mode));
        rustix::fs::mknodat(self.inodes.get(parent)?, name, kind, mode, asked.rdev.into())?;
        self.lookup(parent, name)
    }

    pub(crate) fn mkdir(&self, parent: NodeId, name: &OsStr, asked: &MkdirIn) -> Result<Attr> {
        let _masked = self.mask(asked.umask)?;
        rustix::fs::mkdirat(self.inodes.get(parent)?, name, Mode::from_raw_mode(asked.mode))?;
        self.lookup(parent, name)
    }

    /// Lets the storage take the umask off the mode, unless the kernel has done so.
    fn mask(&self, umask: u32) -> Result<Option<Masked>> {
        self.agreed().has(init::DONT_MASK).then(|| Masked::enter(umask)).transpose()
    }

    pub(crate) fn symlink(&self, parent: NodeId, name: &OsStr, target: &OsStr) -> Result<Attr> {
        rustix::fs::symlinkat(target, self.inodes.get(parent)?, name)?;
        self.lookup(parent, name)
    }

    pub(crate) fn link(&self, number: NodeId, parent: NodeId, name: &OsStr) -> Result<Attr> {
        let (inode, folder) = (self.inodes.get(number)?, self.inodes.get(parent)?);
        let by_descriptor = DecInt::from_fd(&inode);
        rustix::fs::linkat(&self.reopen.fds, by_descriptor, &folder, name, AtFlags::SYMLINK_FOLLOW)?;
        // By descriptor, as in `create`.
        self.look_up_fd(self.reopen.open(&inode, OFlags::PATH)?)
    }

    pub(crate) fn readlink(&self, number: NodeId) -> Result<Vec<u8>> {
        Ok(rustix::fs::readlinkat(self.inodes.get(number)?, "", Vec::new())?.into_bytes())
    }

    pub(crate) fn unlink(&self, parent: NodeId, name: &OsStr) -> Result<()> {
        rustix::fs::unlinkat(self.inodes.get(parent)?, name, AtFlags::empty())
    }

    pub(crate) fn rmdir(&self, parent: NodeId, name: &OsStr) -> Result<()> {
        rustix::fs::unlinkat(self.inodes.get(parent)?, name, AtFlags::REMOVEDIR)
    }

    /// `from` and `to` are folder and name.
    pub(crate) fn rename(&self, from: (NodeId, &OsStr), to: (NodeId, &OsStr), flags: u32) -> Result<()> {
        let (old_parent, new_parent) = (self.inodes.get(from.0)?, self.inodes.get(to.0)?);
        let flags = RenameFlags::from_bits_retain(flags);
        rustix::fs::renameat_with(&old_parent, from.1, &new_parent, to.1, flags)
    }
}
