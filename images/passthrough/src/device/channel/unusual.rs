//! Answers to READ that no file gives: zeros, and more than was asked for, which is no use to anybody but a test.

use std::io::IoSlice;

use rustix::io::{Errno, Result};

use super::super::sent;
use super::data::ReadAnswer;
use super::{Channel, SPLICE_FROM, Way};
use crate::stats::Moved;

impl<'a> ReadAnswer<'a> {
    /// Has the answer consist of these zeros, which begin at a page and live as long as the pipe.
    ///
    /// # Errors
    /// Those of vmsplice(2).
    pub(super) fn fill(&mut self, zeros: &'a [u8]) -> Result<usize> {
        self.moved = self.channel.copied(zeros.len());
        self.zeros = Some(zeros);
        if let Some(pipe) =
            self.channel.pipe.as_mut().filter(|_| self.way == Way::Splice && zeros.len() >= SPLICE_FROM)
        {
            self.moved = Moved::Spliced;
            pipe.load_memory(zeros)?;
        }
        Ok(zeros.len())
    }

    /// Sends what was copied, `loaded` bytes, and zeros up to `bytes`.
    ///
    /// # Errors
    /// If the kernel takes neither this answer nor another.
    pub(super) fn send_too_much(self, loaded: usize, bytes: usize) -> Result<()> {
        let Channel { device, buffer, .. } = self.channel;
        let loaded = if self.zeros.is_some() { 0 } else { loaded };
        let more = vec![0; bytes - loaded];
        let begin = buffer.outgoing(self.unique, loaded, bytes);
        let result = rustix::io::writev(&*device, &[IoSlice::new(begin), IoSlice::new(&more)]);
        // The kernel refuses it (EINVAL), and has let the request fail. If it has not, somebody still waits; if it has, this is
        // no error.
        sent(result).or_else(|_| device.answer(self.unique, Err(Errno::IO)))
    }
}
