//! Open files and their data.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use arc_swap::Guard;
use lab_protocol::OpenMode;
use lab_protocol::random::splitmix64;
use rustix::fs::{FallocateFlags, OFlags, SeekFrom};
use rustix::io::{Errno, Result};

use crate::backing::BackingId;
use crate::behave::Behaving;
use crate::callers::Rights;
use crate::clock;
use crate::device::transfer::{ReadReply, WriteData};
use crate::device::wire::{
    CopyFileRangeIn, FOPEN_PASSTHROUGH, OPEN_KILL_SUIDGID, OpenIn, OpenOut, ReadIn, WRITE_CACHE,
    WRITE_KILL_SUIDGID, WriteIn, init,
};
use crate::extent::Extent;
use crate::fault::Share;
use crate::inodes::{Inode, NodeId};
use crate::log::Pending;
use crate::model::{Access, Ticket};
use crate::open::{Handle, OpenFile};
use crate::privileges::WithoutFsetid;
use crate::server::Server;
use crate::stats::{Answered, Arrival, Direction, Moved, Place};
use crate::storage::{backing_flags, close, may_access, readable};

/// FMODE_EXEC, which the kernel leaves in the flags of execve(2).
const EXECUTED: u32 = 0x20;

/// A READ or WRITE from its receipt to its answer.
#[derive(Debug)]
struct DataRequest {
    /// How the server behaved when it arrived.
    behaving: Guard<Arc<Behaving>>,
    arrival: Arrival,
    pending: Option<Pending>,
    size: u32,
    /// What its fault leaves of it.
    share: Result<Share>,
    ticket: Option<Ticket>,
}

/// A WRITE that is served and not answered.
#[derive(Debug)]
pub(crate) struct Written {
    request: DataRequest,
    result: Result<usize>,
}

impl DataRequest {
    /// The file, if the request is to be served.
    fn file_to_serve(&self, file: Result<Arc<OpenFile>>) -> Result<Arc<OpenFile>> {
        self.share.and(file)
    }

    /// The bytes that may be transferred of those that are asked for.
    fn allowed(&self) -> usize {
        self.share.map_or(0, |share| share.of(self.size)) as usize
    }

    /// What the answer is to say after so many bytes were transferred.
    fn claim(&self, result: Result<usize>) -> Result<usize> {
        result.map(|bytes| self.share.map_or(bytes, |share| share.claimed(self.size, bytes)))
    }
}

/// The backing file during one request.
enum Backing<'a> {
    Kept(BorrowedFd<'a>),
    ForThisRequest(OwnedFd),
}

impl Backing<'_> {
    /// Closes the file if it was opened for this request, after it was written to.
    ///
    /// # Errors
    /// Those of close(2), where file systems say what they could not write (NFS, quota).
    fn close(self) -> Result<()> {
        match self {
            Backing::Kept(_) => Ok(()),
            Backing::ForThisRequest(fd) => close(fd),
        }
    }
}

impl AsFd for Backing<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Backing::Kept(fd) => *fd,
            Backing::ForThisRequest(fd) => fd.as_fd(),
        }
    }
}

impl Server {
    /// Opens a file for the kernel if these rights allow it.
    pub(crate) fn open(&self, number: NodeId, asked: &OpenIn, rights: Rights) -> Result<OpenOut> {
        if self.agreed().has(init::NO_OPEN_SUPPORT) {
            return Err(Errno::NOSYS);
        }
        let inode = self.inodes.get(number)?;
        // With OpenMode::PerRequest this is for the check alone, as in fusexmp.
        let fd = self.open_with(&inode, asked, rights)?;
        self.keep_open(inode, fd)
    }

    fn open_with(&self, inode: &Inode, asked: &OpenIn, rights: Rights) -> Result<OwnedFd> {
        let _acting = match rights.take()? {
            // Who may execute a file need not be allowed to read it.
            Some(acting) if asked.flags & EXECUTED != 0 => {
                may_access(inode, libc::X_OK as u32)?;
                drop(acting);
                None
            }
            acting => acting,
        };
        // The kernel has taken it off unless FUSE_ATOMIC_O_TRUNC is in force.
        let truncate = OFlags::from_bits_retain(asked.flags) & OFlags::TRUNC;
        let kills = !truncate.is_empty()
            && (asked.open_flags & OPEN_KILL_SUIDGID != 0 || self.agreed().has(init::HANDLE_KILLPRIV));
        // Ends before the other, under which it began.
        let _unprivileged = kills.then(WithoutFsetid::enter).transpose()?;
        self.reopen.open(inode, self.backing_flags(asked.flags as i32) | truncate)
    }

    /// The flags for opening the backing file for the kernel.
    pub(crate) fn backing_flags(&self, requested: i32) -> OFlags {
        let flags = backing_flags(requested);
        if self.settings.writeback_cache { readable(flags) } else { flags }
    }

    /// The answer about a file that was just opened.
    pub(crate) fn keep_open(&self, inode: Arc<Inode>, fd: OwnedFd) -> Result<OpenOut> {
        self.note_size(&inode);
        let open_flags = self.agreed().file_flags;
        let backing = match self.device.get().filter(|_| open_flags & FOPEN_PASSTHROUGH != 0) {
            Some(device) => Some(BackingId::of(&inode.backing, device, fd.as_fd())?),
            None => None,
        };
        let backing_id = backing.as_ref().map_or(0, |backing| backing.number);
        let kept = match self.settings.open {
            OpenMode::Kept => Some(fd),
            OpenMode::PerRequest => None,
        };
        let fh = self.files.insert(OpenFile { inode, kept, backing });
        Ok(OpenOut { fh, open_flags, backing_id })
    }

    /// Serves a READ from start to end; the answer gets the data, less than was asked for at the end of the file only.
    ///
    /// # Errors
    /// If the kernel does not take the answer.
    pub(crate) fn read<'a>(
        &'a self,
        node: NodeId,
        asked: &ReadIn,
        mut answer: impl ReadReply<'a>,
    ) -> Result<()> {
        let file = self.file(Handle { node, fh: asked.fh });
        let request = self.count_and_begin(&file, Direction::Read, asked.offset, asked.size);
        let result = request.file_to_serve(file).and_then(|file| {
            if matches!(request.share, Ok(Share::AndMore(_))) {
                answer.copy();
            }
            if let Some(null) = &self.null_storage {
                return answer.load_zeros(null.read(&file.inode, asked.offset, request.allowed()));
            }
            let backing = self.backing(&file, OFlags::RDONLY)?;
            answer.load(backing.as_fd(), asked.offset, request.allowed())
        });
        self.count_way(result, answer.moved());
        let mut sent = Ok(());
        self.answer(request, result, |claimed| {
            sent = match (result, claimed) {
                (Ok(loaded), Ok(claimed)) if claimed > loaded => answer.send_with_more(loaded, claimed),
                _ => answer.send(result),
            };
        });
        sent
    }

    /// Serves a WRITE but for its answer, for which [`Server::answer_write`] is to be called.
    pub(crate) fn write(&self, node: NodeId, asked: &WriteIn, mut data: impl WriteData) -> Written {
        let file = self.file(Handle { node, fh: asked.fh });
        let request = self.count_and_begin(&file, Direction::Write, asked.offset, asked.size);
        data.truncate(request.allowed());
        let result = request.file_to_serve(file).and_then(|file| {
            if let Some(null) = &self.null_storage {
                let end = asked.offset.saturating_add(data.len() as u64);
                return null
                    .write(&file.inode, end, || self.backing(&file, OFlags::WRONLY))
                    .map(|()| data.len());
            }
            let backing = self.backing(&file, OFlags::WRONLY)?;
            let written = self.write_as_asked(backing.as_fd(), &mut data, asked)?;
            backing.close().map(|()| written)
        });
        self.count_way(result, data.moved());
        Written { request, result }
    }

    /// Answers a WRITE when its turn has come; `send` gets the count that was written.
    ///
    /// # Errors
    /// Those of `send`.
    pub(crate) fn answer_write(
        &self,
        Written { request, result }: Written,
        send: impl FnOnce(Result<usize>) -> Result<()>,
    ) -> Result<()> {
        let mut sent = Ok(());
        self.answer(request, result, |result| sent = send(result));
        sent
    }

    /// Counts the way of data that got where it was to go, if that is asked for.
    fn count_way(&self, result: Result<usize>, moved: Moved) {
        if self.settings.splice && result.is_ok() {
            self.stats.count_way(moved);
        }
    }

    /// Counts a request, lets its fault happen, and hands it to the storage.
    fn count_and_begin(
        &self,
        file: &Result<Arc<OpenFile>>,
        direction: Direction,
        offset: u64,
        size: u32,
    ) -> DataRequest {
        let place =
            file.as_ref().map_or(Place::InOrder, |file| file.inode.place_after_last(direction, offset, size));
        let behaving = self.behaving.load();
        let arrival = self.stats.count_arrival(direction, size, place, clock::now_ns());
        let inode = file.as_ref().map_or(0, |file| file.inode.number.0);
        let access = Access { inode, direction, offset, size };
        let pending = self.log.as_ref().map(|log| log.data_arrived(&access, &arrival));
        self.burn.run(|| splitmix64(behaving.seed, arrival.number));
        let bytes = offset..offset.saturating_add(size.into());
        let share = behaving.apply_fault(direction.into(), bytes, &self.device);
        let storage = behaving.model.as_ref().zip(share.ok());
        let ticket = storage.map(|(model, share)| model.begin(&Access { size: share.of(size), ..access }));
        // Within the time that the storage takes, if it takes any.
        self.observer.step_aside_if_sampled(arrival.number, arrival.most_in_flight);
        DataRequest { behaving, arrival, pending, size, share, ticket }
    }

    /// Answers a request when the storage is done with it and its turn has come.
    fn answer(&self, request: DataRequest, result: Result<usize>, send: impl FnOnce(Result<usize>)) {
        let result = request.claim(result);
        let DataRequest { behaving, arrival, pending, ticket, .. } = request;
        if let (Some(model), Some(ticket)) = (&behaving.model, ticket) {
            model.finish(ticket);
        }
        let send = || {
            // Before the answer goes out: the kernel may send the next request at once.
            let answer = if result.is_ok() { Answered::Good } else { Answered::Failed };
            let now_ns = clock::now_ns();
            self.stats.answer(&arrival, answer, now_ns);
            if let (Some(log), Some(pending)) = (&self.log, pending) {
                log.add(&pending, result, now_ns);
            }
            send(result);
        };
        match &behaving.reply_queue {
            Some(queue) => queue.pass(arrival.number, send),
            None => send(),
        }
    }

    fn backing<'a>(&self, file: &'a OpenFile, flags: OFlags) -> Result<Backing<'a>> {
        Ok(match &file.kept {
            Some(fd) => Backing::Kept(fd.as_fd()),
            None => Backing::ForThisRequest(self.reopen.open(&file.inode, flags)?),
        })
    }

    pub(crate) fn flush(&self, handle: Handle) -> Result<()> {
        // Closing a copy passes on what close(2) of the backing file would say (NFS, quota).
        match &self.file(handle)?.kept {
            Some(fd) => close(rustix::io::dup(fd)?),
            None => Ok(()),
        }
    }

    pub(crate) fn release(&self, handle: u64) -> Result<()> {
        self.files.remove(handle).map(drop)
    }

    pub(crate) fn fsync(&self, handle: Handle, extent: Extent) -> Result<()> {
        let file = self.file(handle)?;
        let backing = self.backing(&file, OFlags::RDONLY)?;
        extent.sync(backing.as_fd())
    }

    pub(crate) fn fallocate(&self, handle: Handle, offset: u64, length: u64, mode: i32) -> Result<()> {
        let file = self.file(handle)?;
        let mode = FallocateFlags::from_bits_retain(mode as u32);
        let backing = self.backing(&file, OFlags::WRONLY)?;
        rustix::fs::fallocate(backing.as_fd(), mode, offset, length)?;
        self.note_size(&file.inode);
        backing.close()
    }

    /// Where nothing but the size is kept, keeps it as it is now. What cannot be asked has the size that it had.
    pub(crate) fn note_size(&self, inode: &Inode) {
        if self.null_storage.is_some()
            && let Ok(stat) = rustix::fs::fstat(inode)
        {
            inode.note_size(stat.st_size as u64);
        }
    }

    pub(crate) fn lseek(&self, handle: Handle, offset: i64, whence: i32) -> Result<u64> {
        let file = self.file(handle)?;
        let offset = u64::try_from(offset).map_err(|_| Errno::NXIO)?;
        // The kernel does the other kinds by itself.
        let position = match whence {
            libc::SEEK_DATA => SeekFrom::Data(offset),
            libc::SEEK_HOLE => SeekFrom::Hole(offset),
            _ => return Err(Errno::INVAL),
        };
        rustix::fs::seek(self.backing(&file, OFlags::RDONLY)?, position)
    }

    /// Copies at most so many bytes within the storage, from a file with this inode.
    pub(crate) fn copy_file_range(&self, node: NodeId, asked: &CopyFileRangeIn, most: u64) -> Result<usize> {
        let source = self.file(Handle { node, fh: asked.fh_in })?;
        let file = self.file(Handle { node: NodeId(asked.nodeid_out), fh: asked.fh_out })?;
        let (mut read_at, mut write_at) = (asked.off_in, asked.off_out);
        let source = self.backing(&source, OFlags::RDONLY)?;
        let target = self.backing(&file, OFlags::WRONLY)?;
        let (reader, writer) = (source.as_fd(), target.as_fd());
        let copied = rustix::fs::copy_file_range(
            reader,
            Some(&mut read_at),
            writer,
            Some(&mut write_at),
            most as usize,
        )?;
        self.note_size(&file.inode);
        target.close().map(|()| copied)
    }

    pub(crate) fn truncate(&self, number: NodeId, handle: Option<u64>, size: u64) -> Result<()> {
        let file = handle.map(|fh| self.file(Handle { node: number, fh })).transpose()?;
        match file.as_ref().and_then(|file| file.kept.as_ref()) {
            Some(fd) => rustix::fs::ftruncate(fd, size),
            None => {
                let fd = self.reopen.open(self.inodes.get(number)?, OFlags::WRONLY)?;
                rustix::fs::ftruncate(&fd, size)?;
                close(fd)
            }
        }
    }
}

impl Server {
    /// Writes once, as write(2) does, so that a short count is the caller's to see. Pages from the kernel's cache
    /// (FUSE_WRITE_CACHE) are written in full or fail: nobody waits for the count, and the rest would be lost.
    fn write_as_asked(
        &self,
        fd: BorrowedFd<'_>,
        data: &mut impl WriteData,
        asked: &WriteIn,
    ) -> Result<usize> {
        let asks = |flag: u32| asked.write_flags & flag != 0;
        let kills = asks(WRITE_KILL_SUIDGID) || self.agreed().has(init::HANDLE_KILLPRIV);
        let _unprivileged = kills.then(WithoutFsetid::enter).transpose()?;
        let mut written = data.store(fd, asked.offset)?;
        while asks(WRITE_CACHE) && data.len() > 0 {
            written += match data.store(fd, asked.offset + written as u64)? {
                0 => return Err(Errno::IO),
                more => more,
            };
        }
        Ok(written)
    }
}
