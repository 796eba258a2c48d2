//! The data of READ and WRITE on its way between a file and the device.

use std::io::IoSlice;
use std::os::fd::BorrowedFd;

use rustix::io::{Errno, Result};

use super::super::pipe::Pipe;
use super::super::sent;
use super::super::transfer::{ReadReply, WriteData};
use super::{Buffer, Channel, SPLICE_FROM, Way};
use crate::stats::Moved;

/// The answer to a READ, from the file to the device.
#[derive(Debug)]
pub(crate) struct ReadAnswer<'a> {
    pub(super) channel: &'a mut Channel,
    pub(super) unique: u64,
    pub(super) way: Way,
    /// How that got here which is loaded.
    pub(super) moved: Moved,
    /// What is loaded, if it is no file's.
    pub(super) zeros: Option<&'a [u8]>,
}

impl<'a> ReadReply<'a> for ReadAnswer<'a> {
    fn copy(&mut self) {
        self.way = Way::Copy;
    }

    fn load(&mut self, file: BorrowedFd<'_>, offset: u64, size: usize) -> Result<usize> {
        self.moved = self.channel.copied(size);
        if let Some(pipe) =
            self.channel.pipe.as_mut().filter(|_| self.way == Way::Splice && size >= SPLICE_FROM)
        {
            self.moved = Moved::Spliced;
            match pipe.load(file, offset, size) {
                // The storage cannot, and is not asked again by this thread.
                Err(Errno::INVAL) => self.channel.pipe = None,
                // The pipe has no room, or there is no memory for it.
                Err(Errno::AGAIN | Errno::NOMEM) => {}
                loaded => return loaded,
            }
            self.moved = Moved::FellBack;
        }
        let room = self.channel.buffer.data();
        let size = size.min(room.len());
        read_fully(file, &mut room[..size], offset)
    }

    fn moved(&self) -> Moved {
        self.moved
    }

    fn send(self, result: Result<usize>) -> Result<()> {
        let Channel { device, buffer, pipe, .. } = self.channel;
        let loaded = match result {
            Ok(loaded) => loaded,
            Err(error) => return device.answer(self.unique, Err(error)),
        };
        match (self.moved, pipe) {
            (Moved::Spliced, Some(pipe)) => sent(pipe.send(device, self.unique))
                // The storage has shortened the file meanwhile, or failed only now. The data may be out of the pipe, so that
                // there is nothing else to send; if the kernel has answered with the error by itself, this is no error.
                .or_else(|_| device.answer(self.unique, Err(Errno::IO))),
            _ => sent(match self.zeros {
                Some(zeros) => {
                    let header = buffer.outgoing(self.unique, 0, loaded);
                    rustix::io::writev(&*device, &[IoSlice::new(header), IoSlice::new(zeros)])
                }
                None => rustix::io::write(&*device, buffer.outgoing(self.unique, loaded, loaded)),
            }),
        }
    }

    fn load_zeros(&mut self, zeros: &'a [u8]) -> Result<usize> {
        self.fill(zeros)
    }

    fn send_with_more(self, loaded: usize, bytes: usize) -> Result<()> {
        self.send_too_much(loaded, bytes)
    }
}

/// The data of a WRITE, from the device to the file; what has been written is gone.
#[derive(Debug)]
pub(crate) enum Payload<'a> {
    /// In memory.
    Bytes {
        /// Those that are to be written.
        bytes: &'a [u8],
        /// How they got there.
        moved: Moved,
    },
    /// In a pipe.
    Pipe {
        /// With nothing else in it.
        pipe: &'a mut Pipe,
        /// Bytes that are to be written.
        left: usize,
        /// For what cannot be spliced.
        buffer: &'a mut Buffer,
    },
}

impl WriteData for Payload<'_> {
    fn len(&self) -> usize {
        match self {
            Payload::Bytes { bytes, .. } => bytes.len(),
            Payload::Pipe { left, .. } => *left,
        }
    }

    fn truncate(&mut self, length: usize) {
        match self {
            Payload::Bytes { bytes, .. } => *bytes = &bytes[..length.min(bytes.len())],
            Payload::Pipe { left, .. } => *left = length.min(*left),
        }
    }

    fn moved(&self) -> Moved {
        match self {
            Payload::Bytes { moved, .. } => *moved,
            Payload::Pipe { .. } => Moved::Spliced,
        }
    }

    fn store(&mut self, file: BorrowedFd<'_>, offset: u64) -> Result<usize> {
        if let Payload::Pipe { pipe, left, .. } = self {
            match pipe.store(file, offset, *left) {
                // The file cannot be spliced to, or has this error for write(2) as well.
                Err(Errno::INVAL) => self.take_out()?,
                stored => {
                    *left -= stored?;
                    return stored;
                }
            }
        }
        let Payload::Bytes { bytes, .. } = self else { return Ok(0) };
        let stored = rustix::io::retry_on_intr(|| rustix::io::pwrite(file, bytes, offset))?;
        *bytes = &bytes[stored..];
        Ok(stored)
    }
}

impl Payload<'_> {
    /// Takes what is in the pipe to memory.
    fn take_out(&mut self) -> Result<()> {
        let none = Payload::Bytes { bytes: &[], moved: Moved::FellBack };
        if let Payload::Pipe { pipe, left, buffer } = std::mem::replace(self, none) {
            let bytes = &mut buffer.data()[..left];
            pipe.take(bytes)?;
            *self = Payload::Bytes { bytes, moved: Moved::FellBack };
        }
        Ok(())
    }
}

/// Reads until the buffer is full or the file ends: FUSE takes a short reply for the end of the file.
pub(crate) fn read_fully(fd: BorrowedFd<'_>, buffer: &mut [u8], offset: u64) -> Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match rustix::io::pread(fd, &mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
