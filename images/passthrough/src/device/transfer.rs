//! What READ and WRITE need of the way that their data goes, whichever it is.

use std::os::fd::BorrowedFd;

use rustix::io::Result;

use crate::stats::Moved;

/// Takes the data of a READ from the file, and sends it.
pub(crate) trait ReadReply<'a> {
    /// Has the data copied even if it could be spliced.
    fn copy(&mut self);

    /// Reads from a file; fewer bytes than `size` at its end only.
    ///
    /// # Errors
    /// Those of reading.
    fn load(&mut self, file: BorrowedFd<'_>, offset: u64, size: usize) -> Result<usize>;

    /// Has the answer consist of these zeros, which begin at a page.
    ///
    /// # Errors
    /// If there is no memory.
    fn load_zeros(&mut self, zeros: &'a [u8]) -> Result<usize>;

    /// How what is loaded got here.
    fn moved(&self) -> Moved;

    /// Sends what was loaded, so many bytes, or an error.
    ///
    /// # Errors
    /// If the kernel does not take the answer.
    fn send(self, result: Result<usize>) -> Result<()>;

    /// Sends what was copied, `loaded` bytes, and zeros up to `bytes`: more than was asked for, which is no use to anybody but
    /// a test.
    ///
    /// # Errors
    /// If the kernel takes neither this answer nor another.
    fn send_with_more(self, loaded: usize, bytes: usize) -> Result<()>;
}

/// The data of a WRITE, on its way to the file; what has been written is gone.
pub(crate) trait WriteData {
    /// Bytes that are left.
    fn len(&self) -> usize;

    /// Lets go of all but the first bytes.
    fn truncate(&mut self, length: usize);

    /// How what was written got to the file.
    fn moved(&self) -> Moved;

    /// Writes it, or the begin of it, as one write(2) does.
    ///
    /// # Errors
    /// Those of writing.
    fn store(&mut self, file: BorrowedFd<'_>, offset: u64) -> Result<usize>;
}
