//! A file as the page cache shows it: to read(2), or through a shared mapping.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use crate::pages::Pages;

/// The pages of a file in memory, shared with it.
#[derive(Debug)]
pub(crate) struct Mapped(Pages);

// SAFETY: the pages are touched with volatile accesses alone, as memory that others change too.
unsafe impl Sync for Mapped {}

impl Mapped {
    /// The first bytes of a file, which has to have them: to touch a page behind its end ends the process.
    ///
    /// # Errors
    /// If it cannot be mapped; for a file that is not open for writing that is so.
    pub(crate) fn new(file: &File, bytes: usize) -> io::Result<Self> {
        Pages::of_file(file, bytes).map(Mapped)
    }

    /// Loads from the file's byte `offset` on, word by word.
    pub(crate) fn load(&self, into: &mut [u8], offset: u64) {
        let words = self.words(into.len(), offset);
        for (word, target) in words.zip(into.as_chunks_mut().0) {
            // SAFETY: the word is inside the mapping and aligned, and any bytes are a word.
            *target = unsafe { word.read_volatile() }.to_ne_bytes();
        }
    }

    /// Stores there, word by word.
    pub(crate) fn store(&self, from: &[u8], offset: u64) {
        let words = self.words(from.len(), offset);
        for (word, source) in words.zip(from.as_chunks().0) {
            // SAFETY: as above; whoever else looks at the mapping does so with volatile accesses.
            unsafe { word.write_volatile(u64::from_ne_bytes(*source)) };
        }
    }

    /// The words from there on, as far as the mapping reaches.
    fn words(&self, length: usize, offset: u64) -> impl Iterator<Item = *mut u64> {
        let begin = (offset as usize).next_multiple_of(8);
        let end = (begin + length).min(self.0.bytes());
        (begin..end).step_by(8).map(|at| self.0.at(at).cast())
    }
}

/// A way to look at the page cache.
#[derive(Debug)]
pub(crate) enum View {
    /// read(2) without O_DIRECT.
    Buffered(File),
    /// Loads from a shared mapping.
    Mapped(Mapped),
}

impl View {
    /// What it shows of a range of whole words inside the file.
    ///
    /// # Errors
    /// If read(2) gives less, or an error.
    pub(crate) fn look(&self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut content = vec![0; length];
        match self {
            View::Buffered(file) => file.read_exact_at(&mut content, offset)?,
            View::Mapped(mapped) => mapped.load(&mut content, offset),
        }
        Ok(content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::PAGE;

    #[test]
    fn both_views_show_the_file_and_stores_reach_it() {
        let file = tempfile::tempfile().unwrap();
        let content: Vec<u8> = (0..2 * PAGE).map(|at| (at % 251) as u8).collect();
        file.write_all_at(&content, 0).unwrap();
        let mapped = Mapped::new(&file, content.len()).unwrap();
        mapped.store(&[7; 64], 4096);
        let views = [View::Mapped(mapped), View::Buffered(file)];
        for view in &views {
            assert_eq!(view.look(4096, 72).unwrap(), [[7; 64].as_slice(), &content[4160..4168]].concat());
        }
        // Behind its end there is an error, no silence.
        assert!(views[1].look(8192, 8).is_err());
    }
}
