//! Memory that requests read from and write to: pages of its own, so that a part of it can be taken away.

use std::fs::File;
use std::io;

use crate::pages::Pages;

/// The size of a page, bytes.
pub(crate) const PAGE: usize = 4096;

/// Zeroed pages that begin at a page's begin.
#[derive(Debug)]
pub struct Memory(Pages);

impl Memory {
    /// So many bytes; each page is there.
    ///
    /// # Errors
    /// If there is not so much memory.
    pub fn new(bytes: usize) -> io::Result<Self> {
        Pages::new(bytes.max(1).next_multiple_of(PAGE)).map(Memory)
    }

    /// The first bytes of a file, shared with it and loaded; the file has to have them, and is open for reading and writing.
    /// [`Memory::content`] is not to be asked for: others may change it.
    ///
    /// # Errors
    /// If it cannot be mapped.
    pub fn of_file(file: &File, bytes: usize) -> io::Result<Self> {
        let pages = Pages::of_file(file, bytes)?;
        // Reads each page; a mapping that is populated for writing would make them dirty.
        for page in (0..bytes).step_by(PAGE) {
            // SAFETY: the byte is inside the mapping, and the file has it.
            unsafe { pages.at(page).read_volatile() };
        }
        Ok(Memory(pages))
    }

    /// Its length.
    pub fn len(&self) -> usize {
        self.0.bytes()
    }

    /// Never: there is one page at least.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The address of a byte.
    pub fn at(&self, offset: usize) -> *mut u8 {
        self.0.at(offset)
    }

    /// The content. No request may be using it, and no page of it may be gone.
    pub fn content(&self) -> &[u8] {
        // SAFETY: the mapping has this length and is initialised.
        unsafe { std::slice::from_raw_parts(self.at(0), self.len()) }
    }

    /// The content, to be changed. No request may be using it, and no page of it may be gone.
    pub fn content_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and this value is borrowed as a whole.
        unsafe { std::slice::from_raw_parts_mut(self.at(0), self.len()) }
    }

    /// Takes one page away: whoever touches it gets EFAULT or SIGSEGV from now on, and its content is not to be asked for.
    pub fn remove_page(&self, page: usize) {
        // A page that is unmapped would make room for the next mapping of whoever needs one.
        // SAFETY: only this mapping is changed, and nobody holds its content: that would be a borrow of it.
        unsafe { libc::mprotect(self.at(page * PAGE).cast(), PAGE, libc::PROT_NONE) };
    }
}
