//! io_uring(7): one request at a time.

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd};

use anyhow::Context as _;
use io_uring::types::Fd;
use io_uring::{IoUring, opcode, squeue};

use crate::memory::Memory;
use crate::outcome::Outcome;

/// Whose memory a request uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Buffers {
    /// That of the request.
    Own,
    /// Memory that was registered before, whose pages the kernel holds.
    Fixed,
}

/// A ring for requests with one piece of memory.
pub struct Ring<'a> {
    ring: IoUring,
    memory: &'a Memory,
    buffers: Buffers,
}

impl<'a> Ring<'a> {
    /// # Errors
    /// If the kernel has no io_uring, or the memory cannot be registered.
    pub fn new(memory: &'a Memory, buffers: Buffers) -> anyhow::Result<Self> {
        let ring = IoUring::new(8).context("making a ring (is CONFIG_IO_URING set?)")?;
        if buffers == Buffers::Fixed {
            let segment = libc::iovec { iov_base: memory.at(0).cast(), iov_len: memory.len() };
            // SAFETY: the memory outlives the ring.
            unsafe { ring.submitter().register_buffers(&[segment]) }.context("registering memory")?;
        }
        Ok(Ring { ring, memory, buffers })
    }

    /// Reads so many bytes to the begin of the memory.
    ///
    /// # Errors
    /// If the ring fails.
    pub fn read(&mut self, file: BorrowedFd<'_>, length: usize, offset: u64) -> io::Result<Outcome> {
        let (fd, at, length) = (Fd(file.as_raw_fd()), self.memory.at(0), length as u32);
        let entry = match self.buffers {
            Buffers::Own => opcode::Read::new(fd, at, length).offset(offset).build(),
            Buffers::Fixed => opcode::ReadFixed::new(fd, at, length, 0).offset(offset).build(),
        };
        self.wait_for(entry)
    }

    /// Writes so many bytes from the begin of the memory.
    ///
    /// # Errors
    /// If the ring fails.
    pub fn write(&mut self, file: BorrowedFd<'_>, length: usize, offset: u64) -> io::Result<Outcome> {
        let (fd, at, length) = (Fd(file.as_raw_fd()), self.memory.at(0), length as u32);
        let entry = match self.buffers {
            Buffers::Own => opcode::Write::new(fd, at, length).offset(offset).build(),
            Buffers::Fixed => opcode::WriteFixed::new(fd, at, length, 0).offset(offset).build(),
        };
        self.wait_for(entry)
    }

    fn wait_for(&mut self, entry: squeue::Entry) -> io::Result<Outcome> {
        // SAFETY: file and memory outlive the request, which is waited for here.
        unsafe { self.ring.submission().push(&entry) }.map_err(io::Error::other)?;
        self.ring.submit_and_wait(1)?;
        let completion = self.ring.completion().next().ok_or(io::ErrorKind::WouldBlock)?;
        Ok(match u64::try_from(completion.result()) {
            Ok(bytes) => Outcome::Bytes(bytes),
            Err(_) => Outcome::Error(-completion.result()),
        })
    }
}
