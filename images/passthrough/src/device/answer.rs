//! Answers to requests other than READ, whose data has a way of its own.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use rustix::fs::{FileType, StatVfs};
use zerocopy::IntoBytes;

use super::wire::{
    Attr, AttrOut, CopyFileRangeOut, CreateOut, Dirent, Direntplus, EntryOut, GetxattrOut, IoctlOut,
    LseekOut, OpenOut, StatfsOut, Statx, StatxOut, WriteOut,
};

/// What follows the header of an answer that says no error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Nothing,
    Bytes(Vec<u8>),
    Entry(EntryOut),
    Attr(AttrOut),
    Statx(Box<StatxOut>),
    Opened(OpenOut),
    Created(CreateOut),
    Written(WriteOut),
    Statfs(StatfsOut),
    XattrSize(GetxattrOut),
    Position(LseekOut),
    Copied(CopyFileRangeOut),
}

impl Answer {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match self {
            Answer::Nothing => &[],
            Answer::Bytes(bytes) => bytes,
            Answer::Entry(it) => it.as_bytes(),
            Answer::Attr(it) => it.as_bytes(),
            Answer::Statx(it) => it.as_bytes(),
            Answer::Opened(it) => it.as_bytes(),
            Answer::Created(it) => it.as_bytes(),
            Answer::Written(it) => it.as_bytes(),
            Answer::Statfs(it) => it.as_bytes(),
            Answer::XattrSize(it) => it.as_bytes(),
            Answer::Position(it) => it.as_bytes(),
            Answer::Copied(it) => it.as_bytes(),
        }
    }

    pub(crate) fn written(bytes: u32) -> Self {
        Answer::Written(WriteOut { size: bytes, padding: 0 })
    }

    pub(crate) fn statfs(found: &StatVfs) -> Self {
        Answer::Statfs(StatfsOut {
            blocks: found.f_blocks,
            bfree: found.f_bfree,
            bavail: found.f_bavail,
            files: found.f_files,
            ffree: found.f_ffree,
            bsize: found.f_bsize as u32,
            namelen: found.f_namemax as u32,
            frsize: found.f_frsize as u32,
            ..StatfsOut::default()
        })
    }
}

/// How long the kernel may trust what it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Valid {
    pub(crate) entries: Duration,
    pub(crate) attributes: Duration,
}

/// An entry that the kernel may trust for so long. Its generation is 0: a number stands for one file as long as the
/// kernel knows it.
pub(crate) fn entry(attr: Attr, valid: Valid) -> EntryOut {
    EntryOut {
        nodeid: attr.ino,
        generation: 0,
        entry_valid: valid.entries.as_secs(),
        attr_valid: valid.attributes.as_secs(),
        entry_valid_nsec: valid.entries.subsec_nanos(),
        attr_valid_nsec: valid.attributes.subsec_nanos(),
        attr,
    }
}

/// That there is no such entry, which the kernel may trust for so long.
pub(crate) fn no_entry(valid: Duration) -> EntryOut {
    entry(Attr::default(), Valid { entries: valid, attributes: Duration::ZERO })
}

/// Attributes that the kernel may trust for so long.
pub(crate) fn attr(attr: Attr, valid: Duration) -> AttrOut {
    AttrOut { attr_valid: valid.as_secs(), attr_valid_nsec: valid.subsec_nanos(), dummy: 0, attr }
}

/// What statx(2) says, which the kernel may trust for so long.
pub(crate) fn statx(stat: Statx, valid: Duration) -> StatxOut {
    let (attr_valid, attr_valid_nsec) = (valid.as_secs(), valid.subsec_nanos());
    StatxOut { attr_valid, attr_valid_nsec, stat, ..StatxOut::default() }
}

/// What a good ioctl(2) gave.
pub(crate) fn controlled(data: &[u8]) -> Answer {
    let mut bytes = IoctlOut::default().as_bytes().to_vec();
    bytes.extend_from_slice(data);
    Answer::Bytes(bytes)
}

/// An open file with its FOPEN flags.
pub(crate) fn opened(handle: u64, open_flags: u32) -> OpenOut {
    OpenOut { fh: handle, open_flags, backing_id: 0 }
}

/// Whether a listing has room for more entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    Left,
    Full,
}

/// The answer to READDIR or READDIRPLUS.
#[derive(Debug)]
pub(crate) struct Listing {
    bytes: Vec<u8>,
    size: usize,
}

impl Listing {
    /// An empty one for at most `size` bytes.
    pub(crate) fn new(size: u32) -> Self {
        Listing { bytes: Vec::new(), size: size as usize }
    }

    /// Adds an entry to the answer to a READDIR; `next` is where to go on behind it. What has no room is not added.
    pub(crate) fn add(&mut self, ino: u64, next: u64, kind: FileType, name: &OsStr) -> Room {
        let dirent = dirent(ino, next, kind, name);
        self.append(dirent.as_bytes(), name)
    }

    /// Adds an entry with its attributes to the answer to a READDIRPLUS.
    pub(crate) fn add_with(&mut self, entry: EntryOut, next: u64, name: &OsStr) -> Room {
        let kind = FileType::from_raw_mode(entry.attr.mode);
        let both = Direntplus { entry, dirent: dirent(entry.attr.ino, next, kind, name) };
        self.append(both.as_bytes(), name)
    }

    fn append(&mut self, head: &[u8], name: &OsStr) -> Room {
        let end = (self.bytes.len() + head.len() + name.len()).next_multiple_of(8);
        if end > self.size {
            return Room::Full;
        }
        self.bytes.extend_from_slice(head);
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.resize(end, 0);
        Room::Left
    }

    pub(crate) fn into_answer(self) -> Answer {
        Answer::Bytes(self.bytes)
    }
}

fn dirent(ino: u64, next: u64, kind: FileType, name: &OsStr) -> Dirent {
    // DT_DIR and the like are those bits of the mode.
    Dirent { ino, off: next, namelen: name.len() as u32, kind: kind.as_raw_mode() >> 12 }
}

#[cfg(test)]
mod tests {
    use super::super::wire::Take;
    use super::*;

    #[test]
    fn entries_are_padded_and_end_where_the_room_does() {
        let mut listing = Listing::new(24 + 8 + 24 + 8);
        let file = FileType::RegularFile;
        assert_eq!(listing.add(5, 1, file, OsStr::new("a")), Room::Left);
        // One byte more than fits, padded to eight.
        assert_eq!(listing.add(6, 2, file, OsStr::new("nine char")), Room::Full);
        assert_eq!(listing.add(7, 2, FileType::Directory, OsStr::new("eight ch")), Room::Left);
        assert_eq!(listing.add(8, 3, file, OsStr::new("")), Room::Full);
        let Answer::Bytes(bytes) = listing.into_answer() else { panic!("not bytes") };
        let mut rest = &bytes[..];
        assert_eq!(Dirent::take(&mut rest), Some(Dirent { ino: 5, off: 1, namelen: 1, kind: 8 }));
        assert_eq!(u64::take(&mut rest), Some(u64::from(b'a').to_le()));
        assert_eq!(Dirent::take(&mut rest), Some(Dirent { ino: 7, off: 2, namelen: 8, kind: 4 }));
        assert_eq!(rest, b"eight ch");
    }

    #[test]
    fn entries_with_attributes_carry_their_kind_twice() {
        let attr = Attr { ino: 9, mode: libc::S_IFLNK | 0o777, ..Attr::default() };
        let valid = Duration::from_millis(1500);
        let entry = entry(attr, Valid { entries: valid, attributes: valid });
        let mut listing = Listing::new(152 + 8);
        assert_eq!(listing.add_with(entry, 4, OsStr::new("link")), Room::Left);
        assert_eq!(listing.add_with(entry, 5, OsStr::new("more")), Room::Full);
        let Answer::Bytes(bytes) = listing.into_answer() else { panic!("not bytes") };
        let dirent = Dirent { ino: 9, off: 4, namelen: 4, kind: 10 };
        assert_eq!(Direntplus::take(&mut &bytes[..]), Some(Direntplus { entry, dirent }));
        assert_eq!((entry.nodeid, entry.entry_valid, entry.attr_valid_nsec), (9, 1, 500_000_000));
        assert_eq!(&bytes[152..], b"link\0\0\0\0");
    }

    #[test]
    fn names_and_attributes_have_times_of_their_own() {
        let valid = Valid { entries: Duration::from_millis(2250), attributes: Duration::from_secs(7) };
        let found = entry(Attr { ino: 9, ..Attr::default() }, valid);
        assert_eq!((found.entry_valid, found.entry_valid_nsec), (2, 250_000_000));
        assert_eq!((found.attr_valid, found.attr_valid_nsec), (7, 0));
        let none = no_entry(Duration::from_millis(1001));
        assert_eq!((none.nodeid, none.entry_valid, none.entry_valid_nsec), (0, 1, 1_000_000));
        assert_eq!((none.attr_valid, none.attr_valid_nsec), (0, 0));
    }
}
