//! The answer to a READ, whichever way it goes.

use std::os::fd::BorrowedFd;

use rustix::io::Result;

use super::channel::ReadAnswer;
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

impl<'a> ReadReply<'a> for ReadAnswer<'a> {
    fn copy(&mut self) {
        ReadAnswer::copy(self);
    }

    fn load(&mut self, file: BorrowedFd<'_>, offset: u64, size: usize) -> Result<usize> {
        ReadAnswer::load(self, file, offset, size)
    }

    fn load_zeros(&mut self, zeros: &'a [u8]) -> Result<usize> {
        ReadAnswer::load_zeros(self, zeros)
    }

    fn moved(&self) -> Moved {
        ReadAnswer::moved(self)
    }

    fn send(self, result: Result<usize>) -> Result<()> {
        ReadAnswer::send(self, result)
    }

    fn send_with_more(self, loaded: usize, bytes: usize) -> Result<()> {
        ReadAnswer::send_with_more(self, loaded, bytes)
    }
}
