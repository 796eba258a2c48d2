//! Buffers that the entries of a queue share (protocol 7.46): the kernel takes one for a request that has data, and says which.

use std::io;
use std::sync::Arc;

use io_uring::{IoUring, cqueue, squeue};
use lab_protocol::RingBuffers;

use super::build_command;
use crate::device::Device;
use crate::device::memory::{Pages, Sharing};
use crate::device::wire::RingCommand;

/// FUSE_IO_URING_CMD_ADD_QUEUE: makes a queue before it has entries.
const ADD_QUEUE: u32 = 3;

/// FUSE_IO_URING_CMD_ADD_BUFPOOL: gives a queue its pool.
const ADD_BUFPOOL: u32 = 4;

/// FUSE_URING_ZERO_COPY: the requests of a queue can do without copying.
const ZERO_COPY: u64 = 1 << 0;

/// The place of a pool among the buffers that are registered with an io_uring. Those of callers' pages follow.
pub(super) const POOL_INDEX: u16 = 0;

/// The least that the kernel takes for the size of a buffer (FUSE_MIN_READ_BUFFER).
const LEAST: usize = 8192;

/// The pool of one queue.
#[derive(Debug)]
pub(crate) struct Pool {
    pages: Pages,
    /// The size of each of its buffers.
    buffer: usize,
    kind: RingBuffers,
}

impl Pool {
    /// Makes a queue with a pool of so many buffers.
    ///
    /// # Errors
    /// If there is no memory, or the kernel does not take it.
    pub(crate) fn new(
        device: &Device,
        queue: u16,
        buffers: usize,
        payload: usize,
        kind: RingBuffers,
    ) -> io::Result<Arc<Self>> {
        let buffer = payload.max(LEAST);
        let pool = Pool { pages: Pages::new(buffers * buffer, Sharing::Private)?, buffer, kind };
        let flags = if kind == RingBuffers::ZeroCopy { ZERO_COPY } else { 0 };
        let make = RingCommand { flags, qid: queue, ..RingCommand::default() };
        run(device, ADD_QUEUE, &make, None)?;
        let give = RingCommand {
            qid: queue,
            address: pool.pages.extent().0.as_ptr() as u64,
            length: (buffers * buffer) as u32,
            ..RingCommand::default()
        };
        run(device, ADD_BUFPOOL, &give, pool.is_registered().then_some(POOL_INDEX))?;
        Ok(Arc::new(pool))
    }

    /// Whether its memory is registered with each io_uring that uses it.
    pub(super) fn is_registered(&self) -> bool {
        match self.kind {
            RingBuffers::RegisteredPool | RingBuffers::ZeroCopy => true,
            RingBuffers::Own | RingBuffers::Pool => false,
        }
    }

    /// Registers the pool, and keeps a place for the pages of each entry's caller.
    pub(super) fn register_with(
        &self,
        uring: &IoUring<squeue::Entry128, cqueue::Entry>,
        depth: u32,
    ) -> io::Result<()> {
        if !self.is_registered() {
            return Ok(());
        }
        uring.submitter().register_buffers_sparse(1 + depth)?;
        let (begin, length) = self.pages.extent();
        let all = libc::iovec { iov_base: begin.as_ptr().cast(), iov_len: length };
        // SAFETY: the pool outlives each io_uring that has it.
        unsafe { uring.submitter().register_buffers_update(POOL_INDEX.into(), &[all], None) }.map(drop)
    }

    /// The place of the pages of an entry's caller among the registered buffers; 0 where requests are copied.
    pub(super) fn index_of_pages(&self, entry: usize) -> u16 {
        if self.kind == RingBuffers::ZeroCopy { POOL_INDEX + 1 + entry as u16 } else { 0 }
    }

    /// The buffer at this place, or what there is of it.
    ///
    /// The kernel gives a buffer to one entry at a time, and says so to the thread that has the entry.
    #[expect(clippy::mut_from_ref, reason = "each buffer has one user at a time, whom the kernel has told")]
    pub(super) fn buffer(&self, offset: usize) -> &mut [u8] {
        let (begin, all) = self.pages.extent();
        let offset = offset.min(all);
        let length = self.buffer.min(all - offset);
        // SAFETY: within the pages; nobody else has this part of them, as said above, and nobody refers to the whole.
        unsafe { std::slice::from_raw_parts_mut(begin.as_ptr().add(offset), length) }
    }
}

// SAFETY: its memory is used in parts, each by the thread to which the kernel has given it.
unsafe impl Sync for Pool {}

/// Has the kernel do a command that is done at once.
fn run(device: &Device, operation: u32, command: &RingCommand, buffer: Option<u16>) -> io::Result<()> {
    let mut uring: IoUring<squeue::Entry128, cqueue::Entry> = IoUring::builder().build(1)?;
    let submission = build_command(device, operation, command).buf_index(buffer).build();
    // SAFETY: it points to nothing but the pool, which the caller keeps.
    unsafe { uring.submission().push(&submission) }.map_err(io::Error::other)?;
    uring.submit_and_wait(1)?;
    match uring.completion().next().map(|completion| completion.result()) {
        Some(0..) => Ok(()),
        Some(code) => Err(io::Error::from_raw_os_error(-code)),
        None => Err(io::Error::other("io_uring has lost a command")),
    }
}
