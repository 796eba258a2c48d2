//! Open directories and their entries.

use std::ffi::OsStr;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::sync::PoisonError;

use rustix::fs::{AtFlags, FileType, RawDir, RawDirEntry, SeekFrom};
use rustix::io::{Errno, Result};

use crate::device::answer::{self, Room};
use crate::device::wire::{Attr, EntryOut, init};
use crate::extent::Extent;
use crate::inodes::NodeId;
use crate::open::Handle;
use crate::server::Server;

/// One entry as getdents64(2) gives it.
pub(crate) struct Entry<'a> {
    pub(crate) ino: NodeId,
    /// Where the next entry is read from.
    pub(crate) next: u64,
    pub(crate) kind: FileType,
    pub(crate) name: &'a OsStr,
}

impl Server {
    pub(crate) fn opendir(&self, number: NodeId) -> Result<u64> {
        if self.agreed().has(init::NO_OPENDIR_SUPPORT) {
            return Err(Errno::NOSYS);
        }
        Ok(self.directories.insert(self.open_directory(number)?))
    }

    /// Gives the entries from `offset` on to `add` until it has no room.
    ///
    /// # Errors
    /// Only before the first entry is added: an answer with an error has no entries, and those that were looked up for it
    /// would never be forgotten. The next request meets the error.
    pub(crate) fn readdir(
        &self,
        handle: Handle,
        offset: u64,
        mut add: impl FnMut(&Entry<'_>) -> Result<Room>,
    ) -> Result<()> {
        let directory = self.directory(handle)?;
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
        if kind == FileType::Unknown {
            let stat = rustix::fs::statat(stream, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW)?;
            kind = FileType::from_raw_mode(stat.st_mode);
        }
        Ok(kind)
    }

    /// The same with attributes: each entry but `.` and `..` that `add` takes is looked up.
    pub(crate) fn readdirplus(
        &self,
        handle: Handle,
        offset: u64,
        mut add: impl FnMut(&Entry<'_>, EntryOut) -> Room,
    ) -> Result<()> {
        let number = handle.node;
        self.readdir(handle, offset, |entry| {
            if entry.name == "." || entry.name == ".." {
                // Not looked up, so that the kernel will not forget it; the number is for show.
                return Ok(add(entry, named_only(entry)));
            }
            let attributes = match self.lookup(number, entry.name) {
                Ok(attributes) => attributes,
                // Gone since it was read: not an entry any more.
                Err(Errno::NOENT) => return Ok(Room::Left),
                // The caller may read the names in the directory, and nothing of what they are.
                Err(Errno::ACCESS) => return Ok(add(entry, named_only(entry))),
                Err(error) => return Err(error),
            };
            let room = add(entry, answer::entry(attributes, self.valid()));
            if room == Room::Full {
                self.inodes.forget(NodeId(attributes.ino), 1);
            }
            Ok(room)
        })
    }

    pub(crate) fn releasedir(&self, handle: u64) -> Result<()> {
        self.directories.remove(handle).map(drop)
    }

    pub(crate) fn fsyncdir(&self, handle: Handle, extent: Extent) -> Result<()> {
        let directory = self.directory(handle)?;
        let stream = directory.stream.lock().unwrap_or_else(PoisonError::into_inner);
        extent.sync(stream.as_fd())
    }
}

/// An entry without an inode, which the kernel takes for its name alone.
fn named_only(entry: &Entry<'_>) -> EntryOut {
    let attr = Attr { ino: entry.ino.0, mode: entry.kind.as_raw_mode(), ..Attr::default() };
    EntryOut { attr, ..EntryOut::default() }
}
