//! FUSE over io_uring: what one thread receives requests and sends answers with.
//!
//! The kernel has a queue for each CPU that the machine may have. A thread registers some entries with one queue, each with
//! memory of its own; the kernel copies a request into one and completes it, and the thread answers with a command that
//! hands the entry back for the next request. All that a thread has answered goes to the kernel in the call in which it
//! waits for more. Each thread has an io_uring of its own, so that no two threads meet at one.
//!
//! INIT comes before there is a ring, and FORGET and INTERRUPT always come from `/dev/fuse`, as do answers to what came there.

use std::collections::VecDeque;
use std::io;
use std::mem::size_of;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use io_uring::{IoUring, cqueue, opcode, squeue, types};
use rustix::io::{Errno, Result};
use zerocopy::IntoBytes;

use super::Device;
use super::answer::Answer;
use super::channel::read_fully;
use super::memory::{Pages, Sharing, page_size};
use super::reply::ReadReply;
use super::wire::{InHeader, OutHeader, RingCommand, RingEntry, Take};
use crate::stats::Moved;

/// FUSE_IO_URING_CMD_REGISTER: gives an entry to a queue.
const REGISTER: u32 = 1;

/// FUSE_IO_URING_CMD_COMMIT_AND_FETCH: answers what an entry has, and gives it back.
const COMMIT_AND_FETCH: u32 = 2;

/// `struct fuse_uring_req_header`: the header of request or answer, the arguments of the operation, and the rest.
const HEADERS: usize = 288;
const ARGUMENTS: usize = 128;
const ABOUT: usize = 256;

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
}

/// The io_uring of one thread, with its entries.
pub(crate) struct Ring {
    uring: IoUring<squeue::Entry128, cqueue::Entry>,
    device: Device,
    queue: u16,
    entries: Vec<Entry>,
    /// Entries that had a request before all were registered.
    early: VecDeque<usize>,
}

/// Memory for a request and its answer. The kernel has it from each command until it is complete, and nobody else.
///
/// In the first page are the headers, and at its end the head of the request is put together, right before the payload: so
/// a request lies there as one that was read from the device.
struct Entry {
    pages: Pages,
    /// `struct iovec` twice: where headers and payload are.
    segments: [libc::iovec; 2],
    commit: u64,
}

/// What became of waiting for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// An entry has one.
    Request(Place),
    /// There will be none: the connection has ended.
    End,
}

/// An entry, and where the request in it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    entry: usize,
    /// Bytes before the payload and in it.
    head: usize,
    tail: usize,
}

impl Ring {
    /// Registers the entries. To be called by the thread that serves them: the kernel copies requests in its name.
    ///
    /// # Errors
    /// If there can be no io_uring, or the kernel does not take the entries.
    pub(crate) fn new(seat: &Seat) -> io::Result<Self> {
        let uring = IoUring::builder().setup_single_issuer().setup_defer_taskrun().build(seat.depth)?;
        let entry = |_| Entry::new(seat.payload);
        let entries = (0..seat.depth).map(entry).collect::<Result<_>>()?;
        let (device, early) = (seat.device.clone(), VecDeque::new());
        let mut ring = Ring { uring, device, queue: seat.queue, entries, early };
        for index in 0..ring.entries.len() {
            ring.register(index)?;
        }
        ring.uring.submit()?;
        // A command is complete when its entry has a request, or could not be registered.
        for completion in ring.uring.completion() {
            match completion.result() {
                0 => ring.early.push_back(completion.user_data() as usize),
                code => return Err(io::Error::from_raw_os_error(-code)),
            }
        }
        Ok(ring)
    }

    fn register(&mut self, index: usize) -> io::Result<()> {
        let entry = &mut self.entries[index];
        let address = entry.segments.as_ptr() as u64;
        let command = RingCommand { qid: self.queue, ..RingCommand::default() };
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
        let mut bytes = [0; 80];
        bytes[..size_of::<RingCommand>()].copy_from_slice(command.as_bytes());
        opcode::UringCmd80::new(types::Fd(self.device.as_fd().as_raw_fd()), operation)
            .cmd(bytes)
            .addr(address)
            .build()
            .user_data(index as u64)
    }

    fn push(&mut self, submission: &squeue::Entry128) -> io::Result<()> {
        // SAFETY: what it points to is memory of an entry, which lives as long as the ring, and the ring's end waits for all.
        let pushed = unsafe { self.uring.submission().push(submission) };
        // There are as many places as entries, and each has one command at a time.
        pushed.map_err(io::Error::other)
    }

    /// Hands over what was answered, and waits for a request.
    ///
    /// # Errors
    /// If io_uring fails.
    pub(crate) fn receive(&mut self) -> io::Result<Arrival> {
        if let Some(index) = self.early.pop_front() {
            return self.place(index).map(Arrival::Request);
        }
        loop {
            let completion = self.uring.completion().next();
            if let Some(completion) = completion {
                match completion.result() {
                    0 => return self.place(completion.user_data() as usize).map(Arrival::Request),
                    // The connection is gone, or this process is about to be.
                    code if [libc::ENOTCONN, libc::ECONNABORTED, libc::ECANCELED].contains(&-code) => {
                        return Ok(Arrival::End);
                    }
                    code => return Err(io::Error::from_raw_os_error(-code)),
                }
            }
            match self.uring.submit_and_wait(1) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => drop(result?),
            }
        }
    }

    /// Puts the head of the request in an entry before its payload.
    fn place(&mut self, index: usize) -> io::Result<Place> {
        let incomplete = || io::Error::other("the kernel sent less than a request through io_uring");
        let entry = &mut self.entries[index];
        let headers = &entry.pages[..HEADERS];
        let header = InHeader::take(&mut &headers[..]).ok_or_else(incomplete)?;
        let about = RingEntry::take(&mut &headers[ABOUT..]).ok_or_else(incomplete)?;
        entry.commit = about.commit_id;
        let tail = about.payload_sz as usize;
        let head = (header.len as usize).checked_sub(tail).ok_or_else(incomplete)?;
        let arguments = head.checked_sub(size_of::<InHeader>()).ok_or_else(incomplete)?;
        if arguments > ABOUT - ARGUMENTS || tail > entry.pages.len() - page_size() {
            return Err(incomplete());
        }
        let begin = page_size() - head;
        entry.pages.copy_within(..size_of::<InHeader>(), begin);
        entry.pages.copy_within(ARGUMENTS..ARGUMENTS + arguments, begin + size_of::<InHeader>());
        Ok(Place { entry: index, head, tail })
    }

    /// The bytes of a request, as read(2) from the device would give them.
    pub(crate) fn request(&self, place: Place) -> &[u8] {
        &self.entries[place.entry].pages[page_size() - place.head..page_size() + place.tail]
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
        let payload = self.entries[place.entry].payload();
        let (error, length) = match result.map(Answer::as_bytes) {
            Ok(bytes) if bytes.len() <= payload.len() => {
                payload[..bytes.len()].copy_from_slice(bytes);
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
        RingRead { ring: self, place, unique, at_once }
    }

    fn commit(
        &mut self,
        place: Place,
        unique: u64,
        error: i32,
        length: usize,
        at_once: bool,
    ) -> io::Result<()> {
        let entry = &mut self.entries[place.entry];
        let header = OutHeader { len: (size_of::<OutHeader>() + length) as u32, error, unique };
        entry.pages[..size_of::<OutHeader>()].copy_from_slice(header.as_bytes());
        let about = RingEntry { commit_id: entry.commit, payload_sz: length as u32, ..RingEntry::default() };
        entry.pages[ABOUT..HEADERS].copy_from_slice(about.as_bytes());
        let command = RingCommand { commit_id: entry.commit, qid: self.queue, ..RingCommand::default() };
        let submission = self.command(COMMIT_AND_FETCH, &command, None, place.entry);
        self.push(&submission)?;
        if at_once {
            self.uring.submit()?;
        }
        Ok(())
    }
}

impl Entry {
    fn new(payload: usize) -> Result<Self> {
        let mut pages = Pages::new(page_size() + payload, Sharing::Private)?;
        let begin = pages.as_mut_ptr();
        let segment = |offset: usize, length| libc::iovec {
            // Within the pages, which are that long.
            iov_base: begin.wrapping_add(offset).cast(),
            iov_len: length,
        };
        let segments = [segment(0, HEADERS), segment(page_size(), pages.len() - page_size())];
        Ok(Entry { pages, segments, commit: 0 })
    }

    fn payload(&mut self) -> &mut [u8] {
        &mut self.pages[page_size()..]
    }
}

// SAFETY: the pointers in it are to memory that it owns.
unsafe impl Send for Entry {}

/// Sets a field that the crate has no name for.
fn set_length(submission: &mut squeue::Entry128, length: u32) {
    /// Of `len` in `struct io_uring_sqe`.
    const OFFSET: usize = 24;
    const _: () = assert!(size_of::<squeue::Entry128>() == 128, "struct io_uring_sqe with SQE128");
    // SAFETY: the type is `repr(C)` around that structure, which has a u32 at this offset.
    unsafe { std::ptr::from_mut(submission).cast::<u8>().add(OFFSET).cast::<u32>().write(length) };
}

/// The answer to a READ, from the file to an entry.
pub(crate) struct RingRead<'a> {
    ring: &'a mut Ring,
    place: Place,
    unique: u64,
    at_once: bool,
}

impl RingRead<'_> {
    fn commit(self, error: i32, length: usize) -> Result<()> {
        let RingRead { ring, place, unique, at_once } = self;
        ring.commit(place, unique, error, length, at_once).map_err(|error| errno(&error))
    }
}

impl ReadReply for RingRead<'_> {
    fn copy(&mut self) {}

    fn load(&mut self, file: BorrowedFd<'_>, offset: u64, size: usize) -> Result<usize> {
        let payload = self.ring.entries[self.place.entry].payload();
        let size = size.min(payload.len());
        read_fully(file, &mut payload[..size], offset)
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

/// The number of an error.
pub(crate) fn errno(error: &io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::IO, Errno::from_raw_os_error)
}
