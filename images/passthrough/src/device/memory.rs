//! Memory in whole pages.

use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

use rustix::io::Result;
use rustix::mm::{MapFlags, ProtFlags};

/// Zeroed pages, which cost memory as far as they are touched.
#[derive(Debug)]
pub(crate) struct Pages {
    begin: NonNull<u8>,
    length: usize,
}

/// What becomes of pages that the kernel holds when they are written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// Usual memory. In rare cases (after swapping, after fork(2)) this process gets a copy and the kernel keeps the old.
    Private,
    /// Kernel and process always see the same.
    Shared,
}

impl Pages {
    /// At least so many bytes.
    ///
    /// # Errors
    /// If there is no memory.
    pub(crate) fn new(bytes: usize, sharing: Sharing) -> Result<Self> {
        let length = bytes.next_multiple_of(page_size());
        let flags = match sharing {
            Sharing::Private => MapFlags::PRIVATE,
            Sharing::Shared => MapFlags::SHARED,
        };
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: the kernel chooses the place, so that nothing that exists is touched.
        let begin = unsafe { rustix::mm::mmap_anonymous(std::ptr::null_mut(), length, access, flags)? };
        NonNull::new(begin.cast()).map(|begin| Pages { begin, length }).ok_or(rustix::io::Errno::NOMEM)
    }

    /// Where they begin, and how many bytes they are: for parts that have users of their own, so that nobody refers to the
    /// whole.
    pub(crate) fn extent(&self) -> (NonNull<u8>, usize) {
        (self.begin, self.length)
    }
}

/// The size of a page.
pub(crate) fn page_size() -> usize {
    rustix::param::page_size()
}

impl Deref for Pages {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: the mapping is that long, initialised by the kernel, and lives as long as `self`.
        unsafe { std::slice::from_raw_parts(self.begin.as_ptr(), self.length) }
    }
}

impl DerefMut for Pages {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and nobody else in this process has its address.
        unsafe { std::slice::from_raw_parts_mut(self.begin.as_ptr(), self.length) }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: it is the whole mapping of `new`, to which no reference is left. munmap(2) cannot fail for it.
        let _ = unsafe { rustix::mm::munmap(self.begin.as_ptr().cast(), self.length) };
    }
}

// SAFETY: it owns its memory like a box.
unsafe impl Send for Pages {}

// SAFETY: without `&mut` it is only read.
unsafe impl Sync for Pages {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_whole_aligned_and_zeroed() {
        for sharing in [Sharing::Private, Sharing::Shared] {
            let mut pages = Pages::new(page_size() + 1, sharing).unwrap();
            assert_eq!(pages.len(), 2 * page_size());
            assert_eq!(pages.as_ptr() as usize % page_size(), 0);
            assert!(pages.iter().all(|byte| *byte == 0));
            pages.fill(7);
            assert!(pages.iter().all(|byte| *byte == 7));
        }
    }
}
