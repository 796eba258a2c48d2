//! Open directories and their entries.

use std::ffi::OsStr;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::sync::{Mutex, PoisonError};

use fuser::{FileAttr, FileType, INodeNo};
use rustix::fs::{AtFlags, OFlags, RawDir, RawDirEntry, SeekFrom};
use rustix::io::{Errno, Result};

use crate::data::Extent;
use crate::inodes::Numbering;
use crate::server::Server;

/// A directory that the kernel has open.
#[derive(Debug)]
pub(crate) struct Directory {
    number: INodeNo,
    numbering: Numbering,
    stream: Mutex<OwnedFd>,
}

/// Whether a reply has room for more entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    Left,
    Full,
}

/// One entry as getdents64(2) gives it.
pub(crate) struct Entry<'a> {
    pub(crate) ino: INodeNo,
    /// Where the next entry is read from.
    pub(crate) next: u64,
    pub(crate) kind: FileType,
    pub(crate) name: &'a OsStr,
}

impl Server {
    pub(crate) fn opendir(&self, number: INodeNo) -> Result<u64> {
        let inode = self.inodes.get(number)?;
        let stream = self.reopen.open(&inode, OFlags::RDONLY | OFlags::DIRECTORY)?;
        let numbering = self.inodes.numbering(rustix::fs::fstat(&stream)?.st_dev);
        Ok(self.directories.insert(Directory { number, numbering, stream: Mutex::new(stream) }))
    }

    /// Gives the entries from `offset` on to `add` until it has no room.
    ///
    /// # Errors
    /// Only before the first entry is added: an answer with an error has no entries, and those that were looked up for it
    /// would never be forgotten. The next request meets the error.
    pub(crate) fn readdir(
        &self,
        handle: u64,
        offset: u64,
        mut add: impl FnMut(&Entry<'_>) -> Result<Room>,
    ) -> Result<()> {
        let directory = self.directories.get(handle)?;
        let stream = directory.stream.lock().unwrap_or_else(PoisonError::into_inner);
        // Always from the asked position: the last reply may not have had room for all that was read.
        rustix::fs::seek(&*stream, SeekFrom::Start(offset))?;
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut entries = RawDir::new(&*stream, &mut buffer);
        let mut added = 0;
        while let Some(entry) = entries.next() {
            let room = entry.and_then(|entry| {
                add(&Entry {
                    ino: directory.numbering.shown(entry.ino()),
                    next: entry.next_entry_cookie(),
                    kind: self.kind_of(&stream, &entry)?,
                    name: OsStr::from_bytes(entry.file_name().to_bytes()),
                })
            });
            match room {
                Ok(Room::Left) => added += 1,
                Ok(Room::Full) => break,
                Err(_) if added > 0 => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Not every file system says the kind with the name.
    fn kind_of(&self, stream: &OwnedFd, entry: &RawDirEntry<'_>) -> Result<FileType> {
        let mut kind = entry.file_type();
        if kind == rustix::fs::FileType::Unknown {
            let stat = rustix::fs::statat(stream, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW)?;
            kind = rustix::fs::FileType::from_raw_mode(stat.st_mode);
        }
        Ok(file_type(kind))
    }

    /// The same with attributes: each entry but `.` and `..` that `add` takes is looked up.
    pub(crate) fn readdirplus(
        &self,
        handle: u64,
        offset: u64,
        mut add: impl FnMut(&Entry<'_>, &FileAttr) -> Room,
    ) -> Result<()> {
        let number = self.directories.get(handle)?.number;
        self.readdir(handle, offset, |entry| {
            if entry.name == "." || entry.name == ".." {
                // Not looked up, so that the kernel will not forget it; the number is for show.
                return Ok(add(entry, &FileAttr { ino: entry.ino, kind: entry.kind, ..NOT_LOOKED_UP }));
            }
            let attributes = match self.lookup(number, entry.name) {
                Ok(attributes) => attributes,
                // Gone since it was read: not an entry any more.
                Err(Errno::NOENT) => return Ok(Room::Left),
                Err(error) => return Err(error),
            };
            let room = add(entry, &attributes);
            if room == Room::Full {
                self.inodes.forget(attributes.ino, 1);
            }
            Ok(room)
        })
    }

    pub(crate) fn releasedir(&self, handle: u64) -> Result<()> {
        self.directories.remove(handle).map(drop)
    }

    pub(crate) fn fsyncdir(&self, handle: u64, extent: Extent) -> Result<()> {
        let directory = self.directories.get(handle)?;
        let stream = directory.stream.lock().unwrap_or_else(PoisonError::into_inner);
        extent.sync(stream.as_fd())
    }
}

const NOT_LOOKED_UP: FileAttr = FileAttr {
    ino: INodeNo(0),
    size: 0,
    blocks: 0,
    atime: std::time::UNIX_EPOCH,
    mtime: std::time::UNIX_EPOCH,
    ctime: std::time::UNIX_EPOCH,
    crtime: std::time::UNIX_EPOCH,
    kind: FileType::Directory,
    perm: 0,
    nlink: 0,
    uid: 0,
    gid: 0,
    rdev: 0,
    blksize: 0,
    flags: 0,
};

/// The kind for a reply, which has no word for "unknown".
pub(crate) fn file_type(kind: rustix::fs::FileType) -> FileType {
    match kind {
        rustix::fs::FileType::Directory => FileType::Directory,
        rustix::fs::FileType::Symlink => FileType::Symlink,
        rustix::fs::FileType::Fifo => FileType::NamedPipe,
        rustix::fs::FileType::Socket => FileType::Socket,
        rustix::fs::FileType::CharacterDevice => FileType::CharDevice,
        rustix::fs::FileType::BlockDevice => FileType::BlockDevice,
        rustix::fs::FileType::RegularFile | rustix::fs::FileType::Unknown => FileType::RegularFile,
    }
}
