//! Storage that keeps no data, so that what is measured is the way to the server and back.
//!
//! READ gives zeros, up to the end of the file, and WRITE takes what comes. No file is touched for either, and the server
//! copies nothing: zeros are sent from where they are, and what was written lies where the device has put it. Sizes are right
//! all the same, since the kernel decides by them: a WRITE that goes past the end makes the backing file longer, with a hole,
//! and only such a one costs a call. So times of a file change with its size alone. Everything else - names, attributes,
//! truncation - happens on the backing file as always. A file that somebody else makes longer or shorter has its new size
//! from the next OPEN on.

use std::os::fd::AsFd;
use std::sync::{Mutex, PoisonError};

use rustix::io::Result;

use crate::device::memory::{Pages, Sharing};
use crate::inodes::Inode;

/// What such storage needs.
#[derive(Debug)]
pub(crate) struct NullStorage {
    /// As many as an answer has at most.
    zeros: Pages,
    /// Held while a file is made longer: of two that do it, the shorter one must not come last.
    growth: Mutex<()>,
}

impl NullStorage {
    /// For READs of at most `request_bytes`.
    ///
    /// # Errors
    /// If there is no memory.
    pub(crate) fn new(request_bytes: usize) -> Result<Self> {
        let zeros = Pages::new(request_bytes, Sharing::Private)?;
        Ok(NullStorage { zeros, growth: Mutex::new(()) })
    }

    /// What a READ gets: less than `size` at the end of the file only.
    pub(crate) fn read(&self, inode: &Inode, offset: u64, size: usize) -> &[u8] {
        let left = usize::try_from(inode.size().saturating_sub(offset)).unwrap_or(usize::MAX);
        &self.zeros[..size.min(left).min(self.zeros.len())]
    }

    /// Takes a WRITE that ends at `end`; `file` gives the backing file if it is needed.
    ///
    /// # Errors
    /// If the file cannot become that long.
    pub(crate) fn write<F: AsFd>(
        &self,
        inode: &Inode,
        end: u64,
        file: impl FnOnce() -> Result<F>,
    ) -> Result<()> {
        if end <= inode.size() {
            return Ok(());
        }
        let _alone = self.growth.lock().unwrap_or_else(PoisonError::into_inner);
        if end > inode.size() {
            rustix::fs::ftruncate(file()?, end)?;
            inode.note_size(end);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;

    use super::*;
    use crate::inodes::Inodes;

    #[test]
    fn a_file_is_as_long_as_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let root = OwnedFd::from(std::fs::File::open(folder.path()).unwrap());
        let stat = rustix::fs::fstat(&root).unwrap();
        let inodes = Inodes::new(root, &stat);
        let file = tempfile::tempfile().unwrap();
        let stat = rustix::fs::fstat(&file).unwrap();
        let inode = inodes.look_up(file.try_clone().unwrap().into(), &stat);
        let null = NullStorage::new(8192).unwrap();
        let length = || file.metadata().unwrap().len();
        assert_eq!(null.read(&inode, 0, 4096).len(), 0);
        for (end, expected) in [(100, 100), (5000, 5000), (4096, 5000)] {
            null.write(&inode, end, || Ok(&file)).unwrap();
            assert_eq!((inode.size(), length()), (expected, expected), "{end}");
        }
        // No file is asked for that does not become longer.
        null.write(&inode, 5000, || -> Result<OwnedFd> { Err(rustix::io::Errno::IO) }).unwrap();
        for (offset, size, expected) in
            [(0, 4096, 4096), (4096, 4096, 904), (5000, 1, 0), (u64::MAX, 1, 0), (0, 1 << 20, 5000)]
        {
            let read = null.read(&inode, offset, size);
            assert!(read.len() == expected && read.iter().all(|byte| *byte == 0), "{offset}");
        }
        inode.note_size(1 << 30);
        assert_eq!(null.read(&inode, 0, 1 << 20).len(), 8192);
    }

    #[test]
    fn of_writes_at_one_time_the_longest_counts() {
        let folder = tempfile::tempdir().unwrap();
        let root = OwnedFd::from(std::fs::File::open(folder.path()).unwrap());
        let inodes = Inodes::new(root.try_clone().unwrap(), &rustix::fs::fstat(&root).unwrap());
        let file = tempfile::tempfile().unwrap();
        let inode = inodes.look_up(file.try_clone().unwrap().into(), &rustix::fs::fstat(&file).unwrap());
        let null = NullStorage::new(4096).unwrap();
        std::thread::scope(|scope| {
            for thread in 1..=4 {
                let (null, inode, file) = (&null, &inode, &file);
                scope.spawn(move || {
                    (1..=500).for_each(|end| null.write(inode, end * thread, || Ok(file)).unwrap());
                });
            }
        });
        assert_eq!((inode.size(), file.metadata().unwrap().len()), (2000, 2000));
    }
}
