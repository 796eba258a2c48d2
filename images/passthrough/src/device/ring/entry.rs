//! The memory of one entry: the kernel has it from each command until that is complete, and nobody else.

use std::mem::size_of;

use lab_protocol::Operation;
use rustix::io::Result;
use zerocopy::IntoBytes;

use super::Received;
use super::pool::Pool;
use crate::device::channel::OTHER_REQUESTS;
use crate::device::memory::{Pages, Sharing, page_size};
use crate::device::request::parse_write_head;
use crate::device::wire::{InHeader, OutHeader, RingEntry, Take};

/// `struct fuse_uring_req_header`: the header of request or answer, the arguments of the operation, and the rest.
const HEADERS: usize = 288;
const ARGUMENTS: usize = 128;
const ABOUT: usize = 256;

/// FUSE_URING_ENT_ZERO_COPY: the data is in pages of the caller.
const ZERO_COPY: u64 = 1 << 0;

/// In its first page are the headers, and at the page's end the head of the request is put together, right before the
/// payload: so a request lies there as one that was read from the device.
pub(super) struct Entry {
    pages: Pages,
    /// `struct iovec` twice: where headers and payload are.
    pub(super) segments: [libc::iovec; 2],
    commit: u64,
}

/// An entry, and where the request in it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(super) entry: usize,
    /// Bytes before the payload and in it.
    head: usize,
    pub(super) tail: usize,
    /// Where its buffer is in the pool, if there is one.
    pub(super) buffer: usize,
    pub(super) data: Data,
}

impl Place {
    /// Whether the data of a READ or WRITE is not copied on its way from or to the caller.
    pub(crate) fn is_with_caller(self) -> bool {
        self.data == Data::WithCaller
    }
}

/// Where the data of a request lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Data {
    /// Behind its head, as all of it that is not the data of a WRITE.
    Behind,
    /// That of a WRITE, in its buffer of the pool.
    InPool,
    /// In the caller's pages.
    WithCaller,
}

impl Entry {
    /// With room for a payload of so many bytes, or without if there is a pool.
    ///
    /// # Errors
    /// If there is no memory.
    pub(super) fn new(payload: Option<usize>) -> Result<Self> {
        let mut pages = Pages::new(page_size() + payload.unwrap_or(OTHER_REQUESTS), Sharing::Private)?;
        let begin = pages.as_mut_ptr();
        let headers = libc::iovec { iov_base: begin.cast(), iov_len: HEADERS };
        let behind = match payload {
            // Within the pages, which are that long.
            Some(_) => libc::iovec {
                iov_base: begin.wrapping_add(page_size()).cast(),
                iov_len: pages.len() - page_size(),
            },
            None => libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 },
        };
        Ok(Entry { pages, segments: [headers, behind], commit: 0 })
    }

    /// Puts the head of the request before its payload; none if there is less than a request.
    pub(super) fn place(&mut self, entry: usize, pool: Option<&Pool>) -> Option<Place> {
        let header = InHeader::take(&mut &self.pages[..HEADERS])?;
        let about = RingEntry::take(&mut &self.pages[ABOUT..HEADERS])?;
        self.commit = about.commit_id;
        let (tail, buffer) = (about.payload_sz as usize, about.offset as usize);
        let head = (header.len as usize).checked_sub(tail)?;
        let arguments = head.checked_sub(size_of::<InHeader>())?;
        if arguments > ABOUT - ARGUMENTS {
            return None;
        }
        let begin = page_size() - head;
        self.pages.copy_within(..size_of::<InHeader>(), begin);
        self.pages.copy_within(ARGUMENTS..ARGUMENTS + arguments, begin + size_of::<InHeader>());
        let is_write = header.opcode == u32::from(Operation::Write.opcode());
        let data = match pool {
            _ if about.flags & ZERO_COPY != 0 => Data::WithCaller,
            Some(_) if is_write => Data::InPool,
            Some(pool) => {
                let behind = self.pages.get_mut(page_size()..page_size() + tail)?;
                behind.copy_from_slice(pool.buffer(buffer).get(..tail)?);
                Data::Behind
            }
            None => Data::Behind,
        };
        (data != Data::Behind || tail <= self.pages.len() - page_size()).then_some(Place {
            entry,
            head,
            tail,
            buffer,
            data,
        })
    }

    /// The request of a place.
    pub(super) fn received(&self, place: Place) -> Received<'_> {
        let begin = page_size() - place.head;
        match parse_write_head(&self.pages[begin..page_size()]).filter(|_| place.data != Data::Behind) {
            Some((header, asked)) => Received::Write(header, asked),
            // A READ whose data goes to the caller's pages has no payload itself.
            None => {
                let tail = if place.data == Data::Behind { place.tail } else { 0 };
                Received::Whole(&self.pages[begin..page_size() + tail])
            }
        }
    }

    /// Room for a payload, without a pool.
    pub(super) fn payload(&mut self) -> &mut [u8] {
        &mut self.pages[page_size()..]
    }

    /// Writes the headers of an answer; gives what the command has to name it by.
    pub(super) fn write_answer(&mut self, unique: u64, error: i32, length: usize) -> u64 {
        let header = OutHeader { len: (size_of::<OutHeader>() + length) as u32, error, unique };
        self.pages[..size_of::<OutHeader>()].copy_from_slice(header.as_bytes());
        let about = RingEntry { commit_id: self.commit, payload_sz: length as u32, ..RingEntry::default() };
        self.pages[ABOUT..HEADERS].copy_from_slice(about.as_bytes());
        self.commit
    }
}

// SAFETY: the pointers in it are to memory that it owns.
unsafe impl Send for Entry {}
