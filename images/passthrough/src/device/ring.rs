//! FUSE over io_uring: what one thread receives requests and sends answers with.
//!
//! The kernel has a queue for each CPU that the machine may have. A thread registers some entries with one queue; the
//! kernel puts a request into one and completes it, and the thread answers with a command that hands the entry back for
//! the next request. All that a thread has answered goes to the kernel in the call in which it waits for more. Each thread
//! has an io_uring of its own, so that no two threads meet at one.
//!
//! INIT comes before there is a ring, and FORGET and INTERRUPT always come from `/dev/fuse`, as do answers to what came there.
//!
//! [`entry`] is the memory of requests, [`pool`] what the entries of a queue can share, [`data`] the data of READ and WRITE.

pub(crate) mod data;
mod entry;
pub(crate) mod pool;

use std::collections::VecDeque;
use std::io;
use std::mem::size_of;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;

use io_uring::{IoUring, cqueue, opcode, squeue, types};
use rustix::io::{Errno, Result};
use zerocopy::IntoBytes;

use self::data::{RingData, RingRead};
use self::entry::Entry;
pub(crate) use self::entry::Place;
use self::pool::{POOL_INDEX, Pool};
use super::Device;
use super::answer::Answer;
use super::wire::{InHeader, RingCommand, WriteIn};

/// FUSE_IO_URING_CMD_REGISTER: gives an entry to a queue.
const REGISTER: u32 = 1;

/// FUSE_IO_URING_CMD_COMMIT_AND_FETCH: answers what an entry has, and gives it back.
const COMMIT_AND_FETCH: u32 = 2;

/// What a transfer between a file and a caller's pages is called among completions; entries are called by their index.
const TRANSFER: u64 = u64::MAX;

/// What a thread of a ring is about.
#[derive(Clone, Debug)]
pub(crate) struct Seat {
    /// What its commands go to.
    pub(crate) device: Device,
    /// The queue that it serves.
    pub(crate) queue: u16,
    /// Entries that it has.
    pub(crate) depth: u32,
    /// The largest payload, bytes.
    pub(crate) payload: usize,
    /// Buffers that the queue has; none if each entry has its own.
    pub(crate) pool: Option<Arc<Pool>>,
}

/// The io_uring of one thread, with its entries.
pub(crate) struct Ring {
    uring: IoUring<squeue::Entry128, cqueue::Entry>,
    device: Device,
    queue: u16,
    pool: Option<Arc<Pool>>,
    entries: Vec<Entry>,
    /// Entries that had a request while something else was waited for, and what was not 0 among them.
    early: VecDeque<usize>,
    early_error: Option<i32>,
}

/// What became of waiting for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// An entry has one.
    Request(Place),
    /// There will be none: the connection has ended.
    End,
}

/// A request that has come.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Received<'a> {
    /// With all of its bytes, as read(2) from the device would give them.
    Whole(&'a [u8]),
    /// A WRITE whose data is elsewhere.
    Write(InHeader, WriteIn),
}

impl Ring {
    /// Registers the entries. To be called by the thread that serves them: the kernel copies requests in its name.
    ///
    /// # Errors
    /// If there can be no io_uring, or the kernel does not take the entries.
    pub(crate) fn new(seat: &Seat) -> io::Result<Self> {
        // One place more, for a transfer.
        let uring = IoUring::builder().setup_single_issuer().setup_defer_taskrun().build(seat.depth + 1)?;
        if let Some(pool) = &seat.pool {
            pool.register_with(&uring, seat.depth)?;
        }
        let own = if seat.pool.is_none() { Some(seat.payload) } else { None };
        let entries = (0..seat.depth).map(|_| Entry::new(own)).collect::<Result<_>>()?;
        let mut ring = Ring {
            uring,
            device: seat.device.clone(),
            queue: seat.queue,
            pool: seat.pool.clone(),
            entries,
            early: VecDeque::new(),
            early_error: None,
        };
        for index in 0..ring.entries.len() {
            ring.register(index)?;
        }
        ring.uring.submit()?;
        // A command is complete when its entry has a request, or could not be registered.
        ring.keep_completions();
        match ring.early_error.take() {
            None => Ok(ring),
            Some(code) => Err(io::Error::from_raw_os_error(code)),
        }
    }

    fn register(&mut self, index: usize) -> io::Result<()> {
        let pages = self.pool.as_ref().map_or(0, |pool| pool.index_of_pages(index));
        let command = RingCommand { qid: self.queue, address: pages.into(), ..RingCommand::default() };
        let address = self.entries[index].segments.as_ptr() as u64;
        let mut submission = self.command(REGISTER, &command, Some(address), index);
        set_length(&mut submission, 2);
        self.push(&submission)
    }

    fn command(
        &self,
        operation: u32,
        command: &RingCommand,
        address: Option<u64>,
        index: usize,
    ) -> squeue::Entry128 {
        let registered = self.pool.as_ref().filter(|pool| pool.is_registered());
        build_command(&self.device, operation, command)
            .addr(address)
            .buf_index(registered.map(|_| POOL_INDEX))
            .build()
            .user_data(index as u64)
    }

    fn push(&mut self, submission: &squeue::Entry128) -> io::Result<()> {
        // SAFETY: what it points to is memory of an entry, or of the pool, which live as long as the ring, or pages that the
        // kernel holds.
        let pushed = unsafe { self.uring.submission().push(submission) };
        // There is a place for each entry, which has one command at a time, and one for a transfer.
        pushed.map_err(io::Error::other)
    }

    /// Keeps what has come; gives the result of a transfer, if it is among that.
    fn keep_completions(&mut self) -> Option<i32> {
        let mut transferred = None;
        for completion in self.uring.completion() {
            match (completion.user_data(), completion.result()) {
                (TRANSFER, result) => transferred = Some(result),
                (index, 0) => self.early.push_back(index as usize),
                (_, code) => self.early_error = Some(-code),
            }
        }
        transferred
    }

    /// Hands over what was answered, and waits for a request.
    ///
    /// # Errors
    /// If io_uring fails.
    pub(crate) fn receive(&mut self) -> io::Result<Arrival> {
        loop {
            if let Some(index) = self.early.pop_front() {
                return self.place(index).map(Arrival::Request);
            }
            match self.early_error {
                None => {}
                // The connection is gone, or this process is about to be.
                Some(libc::ENOTCONN | libc::ECONNABORTED | libc::ECANCELED) => return Ok(Arrival::End),
                Some(code) => return Err(io::Error::from_raw_os_error(code)),
            }
            match self.uring.submit_and_wait(1) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => drop(result?),
            }
            self.keep_completions();
        }
    }

    fn place(&mut self, index: usize) -> io::Result<Place> {
        let pool = self.pool.as_deref();
        self.entries[index]
            .place(index, pool)
            .ok_or_else(|| io::Error::other("the kernel sent less than a request through io_uring"))
    }

    /// A request that has come.
    pub(crate) fn received(&self, place: Place) -> Received<'_> {
        self.entries[place.entry].received(place)
    }

    /// The data of a WRITE that is elsewhere.
    pub(crate) fn payload(&mut self, place: Place) -> RingData<'_> {
        data::payload(self, place)
    }

    /// Answers a request, at once or when this thread waits for the next one.
    ///
    /// # Errors
    /// If io_uring fails.
    pub(crate) fn answer(
        &mut self,
        place: Place,
        unique: u64,
        result: Result<&Answer>,
        at_once: bool,
    ) -> io::Result<()> {
        let room = self.room(place);
        let (error, length) = match result.map(Answer::as_bytes) {
            Ok(bytes) if bytes.len() <= room.len() => {
                room[..bytes.len()].copy_from_slice(bytes);
                (0, bytes.len())
            }
            // Nothing that was asked for is larger than what was said in FUSE_INIT.
            Ok(_) => (-libc::EIO, 0),
            Err(error) => (-error.raw_os_error(), 0),
        };
        self.commit(place, unique, error, length, at_once)
    }

    /// Where the data of a READ goes.
    pub(crate) fn read_answer(&mut self, place: Place, unique: u64, at_once: bool) -> RingRead<'_> {
        RingRead::new(self, place, unique, at_once)
    }

    /// The place of the caller's pages among the registered buffers, with a pool.
    fn index_of_pages(&self, place: Place) -> Option<u16> {
        self.pool.as_ref().map(|pool| pool.index_of_pages(place.entry))
    }

    /// Where the payload of an answer goes, or that of a WRITE lies.
    fn room(&mut self, place: Place) -> &mut [u8] {
        match &self.pool {
            Some(pool) => pool.buffer(place.buffer),
            None => self.entries[place.entry].payload(),
        }
    }

    fn commit(
        &mut self,
        place: Place,
        unique: u64,
        error: i32,
        length: usize,
        at_once: bool,
    ) -> io::Result<()> {
        let commit_id = self.entries[place.entry].write_answer(unique, error, length);
        let command = RingCommand { commit_id, qid: self.queue, ..RingCommand::default() };
        let submission = self.command(COMMIT_AND_FETCH, &command, None, place.entry);
        self.push(&submission)?;
        if at_once {
            self.uring.submit()?;
        }
        Ok(())
    }

    /// Has io_uring transfer data, and waits for it. What was answered goes out with it.
    fn transfer(&mut self, submission: squeue::Entry) -> Result<usize> {
        let submission = squeue::Entry128::from(submission).user_data(TRANSFER);
        self.push(&submission).map_err(|error| errno(&error))?;
        loop {
            match self.uring.submit_and_wait(1) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => drop(result.map_err(|error| errno(&error))?),
            }
            match self.keep_completions() {
                Some(result @ 0..) => return Ok(result as usize),
                Some(code) => return Err(Errno::from_raw_os_error(-code)),
                // A request came first.
                None => {}
            }
        }
    }
}

/// A command to a device with what is in its additional part.
fn build_command(device: &Device, operation: u32, command: &RingCommand) -> opcode::UringCmd80 {
    let mut bytes = [0; 80];
    bytes[..size_of::<RingCommand>()].copy_from_slice(command.as_bytes());
    opcode::UringCmd80::new(types::Fd(device.as_fd().as_raw_fd()), operation).cmd(bytes)
}

/// Sets a field that the crate has no name for.
fn set_length(submission: &mut squeue::Entry128, length: u32) {
    /// Of `len` in `struct io_uring_sqe`.
    const OFFSET: usize = 24;
    const _: () = assert!(size_of::<squeue::Entry128>() == 128, "struct io_uring_sqe with SQE128");
    // SAFETY: the type is `repr(C)` around that structure, which has a u32 at this offset.
    unsafe { std::ptr::from_mut(submission).cast::<u8>().add(OFFSET).cast::<u32>().write(length) };
}

/// The number of an error.
pub(crate) fn errno(error: &io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::IO, Errno::from_raw_os_error)
}
