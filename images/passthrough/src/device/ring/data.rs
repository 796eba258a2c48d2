//! The data of READ and WRITE on its way between a file and an entry, or the caller's pages.

use std::os::fd::{AsRawFd, BorrowedFd};

use io_uring::{opcode, types};
use rustix::io::{Errno, Result};

use super::entry::{Data, Place};
use super::pool::POOL_INDEX;
use super::{Ring, errno};
use crate::device::channel::data::{Payload, read_fully};
use crate::device::transfer::{ReadReply, WriteData};
use crate::stats::Moved;

/// The answer to a READ.
pub(crate) struct RingRead<'a> {
    ring: &'a mut Ring,
    place: Place,
    unique: u64,
    at_once: bool,
}

/// The data of a WRITE that does not lie behind its head.
pub(crate) enum RingData<'a> {
    /// In its buffer of the pool.
    InPool(Payload<'a>),
    /// In pages of the caller.
    WithCaller(CallersData<'a>),
}

/// Pages of the caller of a WRITE.
pub(crate) struct CallersData<'a> {
    ring: &'a mut Ring,
    /// Their place among the registered buffers.
    index: u16,
    done: usize,
    left: usize,
}

/// The data of a WRITE.
pub(super) fn payload(ring: &mut Ring, place: Place) -> RingData<'_> {
    if place.data == Data::WithCaller {
        let index = ring.index_of_pages(place).unwrap_or(POOL_INDEX);
        return RingData::WithCaller(CallersData { ring, index, done: 0, left: place.tail });
    }
    let buffer = ring.room(place);
    let length = place.tail.min(buffer.len());
    RingData::InPool(Payload::Bytes { bytes: &buffer[..length], moved: Moved::Copied })
}

impl CallersData<'_> {
    fn store(&mut self, file: BorrowedFd<'_>, offset: u64) -> Result<usize> {
        // What is registered has no address of its own: it begins at 0.
        let from = self.done as *const u8;
        let write = opcode::WriteFixed::new(types::Fd(file.as_raw_fd()), from, self.left as u32, self.index);
        let stored = self.ring.transfer(write.offset(offset).build())?;
        self.done += stored;
        self.left -= stored.min(self.left);
        Ok(stored)
    }
}

impl WriteData for RingData<'_> {
    fn len(&self) -> usize {
        match self {
            RingData::InPool(data) => data.len(),
            RingData::WithCaller(data) => data.left,
        }
    }

    fn truncate(&mut self, length: usize) {
        match self {
            RingData::InPool(data) => data.truncate(length),
            RingData::WithCaller(data) => data.left = length.min(data.left),
        }
    }

    fn moved(&self) -> Moved {
        Moved::Copied
    }

    fn store(&mut self, file: BorrowedFd<'_>, offset: u64) -> Result<usize> {
        match self {
            RingData::InPool(data) => data.store(file, offset),
            RingData::WithCaller(data) => data.store(file, offset),
        }
    }
}

impl<'a> RingRead<'a> {
    pub(super) fn new(ring: &'a mut Ring, place: Place, unique: u64, at_once: bool) -> Self {
        RingRead { ring, place, unique, at_once }
    }

    fn commit(self, error: i32, length: usize) -> Result<()> {
        let RingRead { ring, place, unique, at_once } = self;
        ring.commit(place, unique, error, length, at_once).map_err(|error| errno(&error))
    }

    /// Reads to the caller's pages until they are full or the file ends.
    fn load_to_caller(
        &mut self,
        index: u16,
        file: BorrowedFd<'_>,
        offset: u64,
        size: usize,
    ) -> Result<usize> {
        let mut filled = 0;
        while filled < size {
            // What is registered has no address of its own: it begins at 0.
            let (to, left) = (filled as *mut u8, (size - filled) as u32);
            let read = opcode::ReadFixed::new(types::Fd(file.as_raw_fd()), to, left, index);
            match self.ring.transfer(read.offset(offset + filled as u64).build()) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }
}

impl<'a> ReadReply<'a> for RingRead<'_> {
    fn copy(&mut self) {}

    fn load(&mut self, file: BorrowedFd<'_>, offset: u64, size: usize) -> Result<usize> {
        match self.ring.index_of_pages(self.place).filter(|_| self.place.data == Data::WithCaller) {
            Some(index) => self.load_to_caller(index, file, offset, size),
            None => {
                let room = self.ring.room(self.place);
                let size = size.min(room.len());
                read_fully(file, &mut room[..size], offset)
            }
        }
    }

    /// The kernel takes data from here alone, where there may be some of another request.
    fn load_zeros(&mut self, zeros: &'a [u8]) -> Result<usize> {
        let room = self.ring.room(self.place);
        let size = zeros.len().min(room.len());
        room[..size].fill(0);
        Ok(size)
    }

    fn moved(&self) -> Moved {
        Moved::Copied
    }

    fn send(self, result: Result<usize>) -> Result<()> {
        match result {
            Ok(loaded) => self.commit(0, loaded),
            Err(error) => self.commit(-error.raw_os_error(), 0),
        }
    }

    /// The kernel sees by the length that it is too much, and lets the request fail.
    fn send_with_more(self, _loaded: usize, bytes: usize) -> Result<()> {
        self.commit(0, bytes)
    }
}
