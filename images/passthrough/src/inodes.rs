//! The inodes that the kernel knows, each held by an `O_PATH` descriptor until the kernel forgets it.
//!
//! An inode has the number that it has on the storage, so that `st_ino` is the real one. The descriptor keeps
//! the number from being used for another file as long as the kernel may mean this one. Files of file systems
//! mounted below the storage get numbers with the top bit set, made of the number there and one of the file system: a
//! file that was forgotten has the same number again, as programs that look for hard links expect. So the number follows
//! from the file, and only what has another number is remembered by its file as well.
//!
//! No descriptor is closed under the lock: with the last one of a file that has no name any more goes all of its memory, for
//! which no other thread is to wait.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};

use rustix::fs::Stat;
use rustix::io::{Errno, Result};

use crate::backing;
use crate::device::wire;
use crate::stats::{Direction, Place};

/// The number by which the kernel names an inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NodeId(pub(crate) u64);

impl NodeId {
    /// The folder that is passed through.
    pub(crate) const ROOT: NodeId = NodeId(wire::ROOT);
}

/// Marks an inode number that is not the storage's own.
const FOREIGN: u64 = 1 << 63;

/// Bits of a foreign number that are the number on its own file system; those above say which.
const FOREIGN_BITS: u32 = 48;

/// File systems below the storage that can be told apart in a number. 0 is for files whose number is made up.
const MOST_FOREIGN: u64 = 0x7fff;

/// "No request came before": no request ends at this offset.
const NO_PREDECESSOR: u64 = u64::MAX;

/// A file, directory or other object that the kernel has looked up.
#[derive(Debug)]
pub(crate) struct Inode {
    /// The number by which the kernel names it.
    pub(crate) number: NodeId,
    /// Opened with `O_PATH`.
    fd: OwnedFd,
    /// Where the last READ and the last WRITE ended.
    ends: [AtomicU64; 2],
    /// What the kernel reads and writes by itself, as long as somebody has it open so.
    pub(crate) backing: backing::Shared,
    /// How long the file is, for storage that keeps nothing else.
    size: AtomicU64,
}

impl AsFd for Inode {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Inode {
    fn new(number: NodeId, fd: OwnedFd) -> Self {
        Inode {
            number,
            fd,
            ends: [const { AtomicU64::new(NO_PREDECESSOR) }; 2],
            backing: backing::Shared::default(),
            size: AtomicU64::new(0),
        }
    }

    /// The size that was noted last.
    pub(crate) fn size(&self) -> u64 {
        self.size.load(Relaxed)
    }

    pub(crate) fn note_size(&self, bytes: u64) {
        self.size.store(bytes, Relaxed);
    }

    /// Notes a READ or WRITE, and says whether it starts where the one received before it ended.
    ///
    /// "Received" is the order in which the threads come here; two threads on two CPUs may pass each other
    /// between the device and this line.
    pub(crate) fn place_after_last(&self, direction: Direction, offset: u64, size: u32) -> Place {
        let previous = self.ends[direction as usize].swap(offset.wrapping_add(size.into()), Relaxed);
        match previous == offset || previous == NO_PREDECESSOR {
            true => Place::InOrder,
            false => Place::OutOfOrder,
        }
    }
}

/// Every inode that the kernel knows.
#[derive(Debug)]
pub(crate) struct Inodes {
    table: RwLock<Table>,
}

#[derive(Debug)]
struct Table {
    by_number: BTreeMap<u64, Known>,
    /// The root, and files whose numbers are made up.
    exceptions: BTreeMap<(u64, u64), u64>,
    device: u64,
    /// The other file systems, numbered from 1 in the order in which they were met.
    devices: BTreeMap<u64, u64>,
    made_up: u64,
}

/// How the files of one file system are numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Numbering {
    /// As on the storage.
    Own,
    /// With the number of the file system.
    Foreign(u64),
}

impl Numbering {
    /// None if the number has to be made up.
    fn number(self, ino: u64) -> Option<u64> {
        match self {
            // 1 is the root, whatever number it has on the storage.
            Numbering::Own => (ino != NodeId::ROOT.0 && ino < FOREIGN).then_some(ino),
            Numbering::Foreign(device) => ((1..=MOST_FOREIGN).contains(&device) && ino >> FOREIGN_BITS == 0)
                .then_some(FOREIGN | device << FOREIGN_BITS | ino),
        }
    }

    /// The number to show with a name, which nobody has looked up.
    pub(crate) fn shown(self, ino: u64) -> NodeId {
        NodeId(self.number(ino).unwrap_or(ino))
    }
}

#[derive(Debug)]
struct Known {
    inode: Arc<Inode>,
    file: (u64, u64),
    lookups: u64,
}

impl Inodes {
    /// A table that knows the root only.
    pub(crate) fn new(root: OwnedFd, stat: &Stat) -> Self {
        let file = (stat.st_dev, stat.st_ino);
        let inode = Arc::new(Inode::new(NodeId::ROOT, root));
        let number = NodeId::ROOT.0;
        Inodes {
            table: RwLock::new(Table {
                by_number: [(number, Known { inode, file, lookups: 1 })].into(),
                exceptions: [(file, number)].into(),
                device: stat.st_dev,
                devices: BTreeMap::new(),
                made_up: FOREIGN,
            }),
        }
    }

    /// The inode that the kernel calls `number`.
    ///
    /// # Errors
    /// ESTALE if there is none.
    pub(crate) fn get(&self, number: NodeId) -> Result<Arc<Inode>> {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        table.by_number.get(&number.0).map(|known| known.inode.clone()).ok_or(Errno::STALE)
    }

    /// The number by which the kernel knows a file, or would if it did.
    pub(crate) fn number(&self, stat: &Stat) -> NodeId {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        match table.exceptions.get(&(stat.st_dev, stat.st_ino)) {
            Some(known) => NodeId(*known),
            None => table.numbering(stat.st_dev).shown(stat.st_ino),
        }
    }

    /// How the files of the file system `device` are numbered.
    pub(crate) fn numbering(&self, device: u64) -> Numbering {
        self.table.write().unwrap_or_else(PoisonError::into_inner).numbering(device)
    }

    /// Counts one more lookup of the file behind `fd`, and gives its inode; `fd` is closed if it is known.
    pub(crate) fn look_up(&self, fd: OwnedFd, stat: &Stat) -> Arc<Inode> {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        let file = (stat.st_dev, stat.st_ino);
        let number = table.number_of(file);
        let known = match table.by_number.entry(number) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let inode = Inode::new(NodeId(number), fd);
                inode.note_size(stat.st_size as u64);
                place.insert(Known { inode: Arc::new(inode), file, lookups: 0 })
            }
        };
        known.lookups += 1;
        known.inode.clone()
    }

    /// The kernel drops `lookups` of its lookups; with the last one the inode goes.
    pub(crate) fn forget(&self, number: NodeId, lookups: u64) {
        if number == NodeId::ROOT {
            return;
        }
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        let gone = table.forget(number, lookups);
        drop(table);
        drop(gone);
    }

    /// Makes the next READ and WRITE of each file the first one.
    pub(crate) fn forget_order(&self) {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        for end in table.by_number.values().flat_map(|known| &known.inode.ends) {
            end.store(NO_PREDECESSOR, Relaxed);
        }
    }

    /// How many inodes are known, the root included.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.table.read().unwrap_or_else(PoisonError::into_inner).by_number.len()
    }
}

impl Table {
    fn numbering(&mut self, device: u64) -> Numbering {
        if device == self.device {
            return Numbering::Own;
        }
        let next = self.devices.len() as u64 + 1;
        Numbering::Foreign(*self.devices.entry(device).or_insert(next))
    }

    fn number_of(&mut self, file: (u64, u64)) -> u64 {
        if let Some(known) = self.exceptions.get(&file) {
            return *known;
        }
        let (device, ino) = file;
        self.numbering(device).number(ino).unwrap_or_else(|| {
            self.made_up += 1;
            self.exceptions.insert(file, self.made_up);
            self.made_up
        })
    }

    /// What goes with the last lookup, to be closed when nobody waits for the table.
    fn forget(&mut self, number: NodeId, lookups: u64) -> Option<Known> {
        let Entry::Occupied(mut entry) = self.by_number.entry(number.0) else { return None };
        let known = entry.get_mut();
        known.lookups = known.lookups.saturating_sub(lookups);
        if known.lookups > 0 {
            return None;
        }
        let known = entry.remove();
        self.exceptions.remove(&known.file);
        Some(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &std::path::Path) -> (OwnedFd, Stat) {
        let fd = OwnedFd::from(std::fs::File::open(path).unwrap());
        let stat = rustix::fs::fstat(&fd).unwrap();
        (fd, stat)
    }

    #[test]
    fn an_inode_lives_until_its_last_lookup_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "").unwrap();
        let (root, root_stat) = open(folder.path());
        let inodes = Inodes::new(root, &root_stat);
        let (fd, stat) = open(&path);
        let first = inodes.look_up(fd, &stat).number;
        assert_eq!(first.0, stat.st_ino);
        assert_eq!(inodes.look_up(open(&path).0, &stat).number, first);
        inodes.forget(first, 1);
        assert_eq!(inodes.get(first).unwrap().number, first);
        inodes.forget(first, 1);
        assert_eq!(inodes.get(first).unwrap_err(), Errno::STALE);
        assert_eq!(inodes.count(), 1);
        inodes.forget(NodeId::ROOT, 5);
        assert_eq!(inodes.look_up(open(folder.path()).0, &root_stat).number, NodeId::ROOT);
    }

    #[test]
    fn files_of_other_file_systems_get_other_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let (root, root_stat) = open(folder.path());
        let inodes = Inodes::new(root, &root_stat);
        let (own, foreign, third) = (root_stat.st_dev, root_stat.st_dev + 1, root_stat.st_dev + 2);
        let at = |device: u64, ino: u64| {
            let (fd, mut stat) = open(folder.path());
            (stat.st_dev, stat.st_ino) = (device, ino);
            inodes.look_up(fd, &stat).number.0
        };
        for (device, ino, expected) in [
            (own, 7, 7),
            (foreign, 7, FOREIGN | 1 << 48 | 7),
            (third, 7, FOREIGN | 2 << 48 | 7),
            (foreign, 1, FOREIGN | 1 << 48 | 1),
            // What fits nowhere is counted.
            (own, 1, FOREIGN + 1),
            (own, 7 | FOREIGN, FOREIGN + 2),
            (foreign, 7 | 1 << 48, FOREIGN + 3),
            (own, 1, FOREIGN + 1),
        ] {
            assert_eq!(at(device, ino), expected, "{ino} on {device}");
        }
        assert_eq!(inodes.numbering(third).shown(9).0, FOREIGN | 2 << 48 | 9);
        assert_eq!(inodes.numbering(own).shown(9).0, 9);
        // The same again after it was forgotten.
        inodes.forget(NodeId(FOREIGN | 2 << 48 | 7), 1);
        assert_eq!(at(third, 7), FOREIGN | 2 << 48 | 7);
    }

    #[test]
    fn order_is_per_direction() {
        let inode = Inode::new(NodeId(2), open("/".as_ref()).0);
        for (direction, offset, size, expected) in [
            (Direction::Read, 4096, 4096, Place::InOrder),
            (Direction::Read, 8192, 4096, Place::InOrder),
            (Direction::Write, 0, 4096, Place::InOrder),
            (Direction::Read, 12288, 4096, Place::InOrder),
            (Direction::Read, 20480, 4096, Place::OutOfOrder),
            (Direction::Read, 16384, 4096, Place::OutOfOrder),
            (Direction::Write, 4096, 1, Place::InOrder),
            (Direction::Write, 4096, 1, Place::OutOfOrder),
        ] {
            assert_eq!(
                inode.place_after_last(direction, offset, size),
                expected,
                "{direction:?} at {offset}"
            );
        }
    }
}
