//! The requests as `fuser` hands them over: each is counted, served and answered.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use fuser::{
    AccessFlags, BsdFileFlags, CopyFileRangeFlags, Errno, FileAttr, FileHandle, Filesystem, FopenFlags,
    Generation, INodeNo, IoctlFlags, KernelConfig, LockOwner, OpenFlags, PollEvents, PollFlags, PollNotifier,
    RenameFlags, ReplyAttr, ReplyBmap, ReplyCreate, ReplyData, ReplyDirectory, ReplyDirectoryPlus,
    ReplyEmpty, ReplyEntry, ReplyIoctl, ReplyLock, ReplyLseek, ReplyOpen, ReplyPoll, ReplyStatfs, ReplyWrite,
    ReplyXattr, Request, TimeOrNow, WriteFlags,
};
use lab_protocol::Getxattr;
use rustix::io::Result;

use crate::attributes::{Changes, Extended};
use crate::data::Extent;
use crate::directory::Room;
use crate::negotiate::negotiate;
use crate::server::Server;
use crate::stats::Operation;

/// The generation of every inode: a number stands for one file as long as the kernel knows it.
const GENERATION: Generation = Generation(0);

/// Connects a [`Server`] to `fuser`.
#[derive(Debug)]
pub(crate) struct Requests(pub(crate) Arc<Server>);

fn code(error: rustix::io::Errno) -> Errno {
    Errno::from_i32(error.raw_os_error())
}

fn full_if(full: bool) -> Room {
    if full { Room::Full } else { Room::Left }
}

impl Requests {
    /// Counts a request, serves it unless its fault forbids that, and logs it. READ and WRITE do so by themselves.
    fn serve<'a, T>(
        &'a self,
        operation: Operation,
        serve: impl FnOnce(&'a Server) -> Result<T>,
    ) -> Result<T> {
        let pending = self.0.pending(operation);
        let result = self.0.admit(operation).and_then(serve);
        self.0.record(pending, result.as_ref().map(|_| 0).map_err(|error| *error));
        result
    }

    /// Counts a request that is not served, and gives its answer: `answer` unless its fault has another.
    fn refuse(&self, operation: Operation, answer: Errno) -> Errno {
        let refused: Result<()> =
            self.serve(operation, |_| Err(rustix::io::Errno::from_raw_os_error(answer.code())));
        refused.map_or_else(code, |()| answer)
    }

    fn entry(&self, result: Result<FileAttr>, reply: ReplyEntry) {
        match result {
            Ok(attributes) => reply.entry(&self.0.attribute_timeout(), &attributes, GENERATION),
            Err(error) => reply.error(code(error)),
        }
    }

    /// How the kernel is to treat a file that it has opened.
    fn open_flags(&self) -> FopenFlags {
        match self.0.settings.direct_io {
            true => FopenFlags::FOPEN_DIRECT_IO,
            false => FopenFlags::empty(),
        }
    }

    fn attr(&self, result: Result<FileAttr>, reply: ReplyAttr) {
        match result {
            Ok(attributes) => reply.attr(&self.0.attribute_timeout(), &attributes),
            Err(error) => reply.error(code(error)),
        }
    }
}

fn empty(result: Result<()>, reply: ReplyEmpty) {
    match result {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(code(error)),
    }
}

fn opened(result: Result<u64>, flags: FopenFlags, reply: ReplyOpen) {
    match result {
        Ok(handle) => reply.opened(FileHandle(handle), flags),
        Err(error) => reply.error(code(error)),
    }
}

fn extended(result: Result<Extended>, reply: ReplyXattr) {
    match result {
        Ok(Extended::Size(size)) => reply.size(size as u32),
        Ok(Extended::Bytes(bytes)) => reply.data(&bytes),
        Err(error) => reply.error(code(error)),
    }
}

impl Filesystem for Requests {
    fn init(&mut self, _: &Request, config: &mut KernelConfig) -> io::Result<()> {
        let server = &self.0;
        server.stats.count(Operation::Init);
        let negotiated = negotiate(config, &server.settings)?;
        server.negotiated.set(negotiated).map_err(|_| io::Error::other("FUSE_INIT came twice"))
    }

    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        self.entry(self.serve(Operation::Lookup, |server| server.lookup(parent, name)), reply);
    }

    fn forget(&self, _: &Request, ino: INodeNo, nlookup: u64) {
        self.0.stats.count(Operation::Forget);
        self.0.inodes.forget(ino, nlookup);
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        self.attr(self.serve(Operation::Getattr, |server| server.getattr(ino)), reply);
    }

    fn setattr(
        &self,
        _: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
        size: Option<u64>,
        accessed: Option<TimeOrNow>,
        modified: Option<TimeOrNow>,
        _: Option<SystemTime>,
        fh: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let changes = Changes { mode, uid, gid, size, accessed, modified };
        let handle = fh.map(|fh| fh.0);
        self.attr(self.serve(Operation::Setattr, |server| server.setattr(ino, handle, &changes)), reply);
    }

    fn readlink(&self, _: &Request, ino: INodeNo, reply: ReplyData) {
        match self.serve(Operation::Readlink, |server| server.readlink(ino)) {
            Ok(target) => reply.data(&target),
            Err(error) => reply.error(code(error)),
        }
    }

    // The kernel has taken the umask off the mode already.
    fn mknod(
        &self,
        _: &Request,
        dir: INodeNo,
        name: &OsStr,
        mode: u32,
        _: u32,
        rdev: u32,
        reply: ReplyEntry,
    ) {
        self.entry(self.serve(Operation::Mknod, |server| server.mknod(dir, name, mode, rdev)), reply);
    }

    fn mkdir(&self, _: &Request, parent: INodeNo, name: &OsStr, mode: u32, _: u32, reply: ReplyEntry) {
        self.entry(self.serve(Operation::Mkdir, |server| server.mkdir(parent, name, mode)), reply);
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        empty(self.serve(Operation::Unlink, |server| server.unlink(parent, name)), reply);
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        empty(self.serve(Operation::Rmdir, |server| server.rmdir(parent, name)), reply);
    }

    fn symlink(&self, _: &Request, parent: INodeNo, name: &OsStr, target: &Path, reply: ReplyEntry) {
        self.entry(self.serve(Operation::Symlink, |server| server.symlink(parent, name, target)), reply);
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        newparent: INodeNo,
        newname: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        // The kernel sends RENAME2 only if there are flags.
        let operation = if flags.is_empty() { Operation::Rename } else { Operation::Rename2 };
        empty(
            self.serve(operation, |server| server.rename((parent, name), (newparent, newname), flags.bits())),
            reply,
        );
    }

    fn link(&self, _: &Request, ino: INodeNo, newparent: INodeNo, newname: &OsStr, reply: ReplyEntry) {
        self.entry(self.serve(Operation::Link, |server| server.link(ino, newparent, newname)), reply);
    }

    fn open(&self, _: &Request, ino: INodeNo, flags: OpenFlags, reply: ReplyOpen) {
        let result = self.serve(Operation::Open, |server| server.open(ino, flags.0));
        opened(result, self.open_flags(), reply);
    }

    fn create(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        _: u32,
        flags: i32,
        reply: ReplyCreate,
    ) {
        match self.serve(Operation::Create, |server| server.create(parent, name, mode, flags)) {
            Ok((attributes, handle)) => {
                let (timeout, flags) = (self.0.attribute_timeout(), self.open_flags());
                reply.created(&timeout, &attributes, GENERATION, FileHandle(handle), flags);
            }
            Err(error) => reply.error(code(error)),
        }
    }

    fn read(
        &self,
        _: &Request,
        _: INodeNo,
        fh: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        // Counted by itself.
        self.0.read(fh.0, offset, size, |result| match result {
            Ok(data) => reply.data(data),
            Err(error) => reply.error(code(error)),
        });
    }

    fn write(
        &self,
        _: &Request,
        _: INodeNo,
        fh: FileHandle,
        offset: u64,
        data: &[u8],
        flags: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        self.0.write(fh.0, offset, data, flags, |result| match result {
            Ok(written) => reply.written(written),
            Err(error) => reply.error(code(error)),
        });
    }

    fn flush(&self, _: &Request, _: INodeNo, fh: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        empty(self.serve(Operation::Flush, |server| server.flush(fh.0)), reply);
    }

    fn release(
        &self,
        _: &Request,
        _: INodeNo,
        fh: FileHandle,
        _: OpenFlags,
        _: Option<LockOwner>,
        _: bool,
        reply: ReplyEmpty,
    ) {
        empty(self.serve(Operation::Release, |server| server.release(fh.0)), reply);
    }

    fn fsync(&self, _: &Request, _: INodeNo, fh: FileHandle, datasync: bool, reply: ReplyEmpty) {
        empty(self.serve(Operation::Fsync, |server| server.fsync(fh.0, Extent::of(datasync))), reply);
    }

    fn opendir(&self, _: &Request, ino: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        let result = self.serve(Operation::Opendir, |server| server.opendir(ino));
        opened(result, FopenFlags::empty(), reply);
    }

    fn readdir(&self, _: &Request, _: INodeNo, fh: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        let result = self.serve(Operation::Readdir, |server| {
            server.readdir(fh.0, offset, |entry| {
                Ok(full_if(reply.add(entry.ino, entry.next, entry.kind, entry.name)))
            })
        });
        match result {
            Ok(()) => reply.ok(),
            Err(error) => reply.error(code(error)),
        }
    }

    fn readdirplus(
        &self,
        _: &Request,
        _: INodeNo,
        fh: FileHandle,
        offset: u64,
        mut reply: ReplyDirectoryPlus,
    ) {
        let timeout = self.0.attribute_timeout();
        let result = self.serve(Operation::Readdirplus, |server| {
            server.readdirplus(fh.0, offset, |entry, attributes| {
                let (ino, next, name) = (attributes.ino, entry.next, entry.name);
                full_if(reply.add(ino, next, name, &timeout, attributes, GENERATION))
            })
        });
        match result {
            Ok(()) => reply.ok(),
            Err(error) => reply.error(code(error)),
        }
    }

    fn releasedir(&self, _: &Request, _: INodeNo, fh: FileHandle, _: OpenFlags, reply: ReplyEmpty) {
        empty(self.serve(Operation::Releasedir, |server| server.releasedir(fh.0)), reply);
    }

    fn fsyncdir(&self, _: &Request, _: INodeNo, fh: FileHandle, datasync: bool, reply: ReplyEmpty) {
        empty(self.serve(Operation::Fsyncdir, |server| server.fsyncdir(fh.0, Extent::of(datasync))), reply);
    }

    fn statfs(&self, _: &Request, ino: INodeNo, reply: ReplyStatfs) {
        match self.serve(Operation::Statfs, |server| server.statfs(ino)) {
            Ok(s) => reply.statfs(
                s.f_blocks,
                s.f_bfree,
                s.f_bavail,
                s.f_files,
                s.f_ffree,
                s.f_bsize as u32,
                s.f_namemax as u32,
                s.f_frsize as u32,
            ),
            Err(error) => reply.error(code(error)),
        }
    }

    fn setxattr(
        &self,
        _: &Request,
        ino: INodeNo,
        name: &OsStr,
        value: &[u8],
        flags: i32,
        _: u32,
        reply: ReplyEmpty,
    ) {
        empty(self.serve(Operation::Setxattr, |server| server.setxattr(ino, name, value, flags)), reply);
    }

    fn getxattr(&self, _: &Request, ino: INodeNo, name: &OsStr, size: u32, reply: ReplyXattr) {
        match self.0.settings.getxattr {
            Getxattr::Passthrough => {
                extended(self.serve(Operation::Getxattr, |server| server.getxattr(ino, name, size)), reply);
            }
            Getxattr::Enosys => reply.error(self.refuse(Operation::Getxattr, Errno::ENOSYS)),
        }
    }

    fn listxattr(&self, _: &Request, ino: INodeNo, size: u32, reply: ReplyXattr) {
        extended(self.serve(Operation::Listxattr, |server| server.listxattr(ino, size)), reply);
    }

    fn removexattr(&self, _: &Request, ino: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        empty(self.serve(Operation::Removexattr, |server| server.removexattr(ino, name)), reply);
    }

    fn fallocate(
        &self,
        _: &Request,
        _: INodeNo,
        fh: FileHandle,
        offset: u64,
        length: u64,
        mode: i32,
        reply: ReplyEmpty,
    ) {
        empty(self.serve(Operation::Fallocate, |server| server.fallocate(fh.0, offset, length, mode)), reply);
    }

    fn lseek(&self, _: &Request, _: INodeNo, fh: FileHandle, offset: i64, whence: i32, reply: ReplyLseek) {
        match self.serve(Operation::Lseek, |server| server.lseek(fh.0, offset, whence)) {
            Ok(offset) => reply.offset(offset as i64),
            Err(error) => reply.error(code(error)),
        }
    }

    fn copy_file_range(
        &self,
        _: &Request,
        _: INodeNo,
        fh_in: FileHandle,
        offset_in: u64,
        _: INodeNo,
        fh_out: FileHandle,
        offset_out: u64,
        length: u64,
        _: CopyFileRangeFlags,
        reply: ReplyWrite,
    ) {
        let (from, to) = ((fh_in.0, offset_in), (fh_out.0, offset_out));
        match self.serve(Operation::CopyFileRange, |server| server.copy_file_range(from, to, length)) {
            Ok(copied) => reply.written(copied),
            Err(error) => reply.error(code(error)),
        }
    }

    // From here on: what the kernel does by itself, because it is answered ENOSYS or was not asked for it.

    fn access(&self, _: &Request, _: INodeNo, _: AccessFlags, reply: ReplyEmpty) {
        reply.error(self.refuse(Operation::Access, Errno::ENOSYS));
    }

    // Locks are the kernel's: neither FUSE_POSIX_LOCKS nor FUSE_FLOCK_LOCKS is asked for, and it keeps them for the mount.
    // All of that works (owners, waiting, deadlocks, signals, the end of a process), and whoever uses the storage comes
    // through the mount. Passed on to the backing file they would be worse: each owner would need a descriptor of its
    // own, each waiting lock a thread, and a waiting process could not be killed, because `fuser` hides INTERRUPT.

    fn getlk(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        _: LockOwner,
        _: u64,
        _: u64,
        _: i32,
        _: u32,
        reply: ReplyLock,
    ) {
        reply.error(self.refuse(Operation::Getlk, Errno::ENOSYS));
    }

    fn setlk(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        _: LockOwner,
        _: u64,
        _: u64,
        _: i32,
        _: u32,
        _: bool,
        reply: ReplyEmpty,
    ) {
        reply.error(self.refuse(Operation::Setlk, Errno::ENOSYS));
    }

    fn bmap(&self, _: &Request, _: INodeNo, _: u32, _: u64, reply: ReplyBmap) {
        reply.error(self.refuse(Operation::Bmap, Errno::ENOSYS));
    }

    fn ioctl(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        _: IoctlFlags,
        _: u32,
        _: &[u8],
        _: u32,
        reply: ReplyIoctl,
    ) {
        // Not ENOSYS: ioctl(2) callers know this one.
        reply.error(self.refuse(Operation::Ioctl, Errno::from_i32(libc::ENOTTY)));
    }

    fn poll(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        _: PollNotifier,
        _: PollEvents,
        _: PollFlags,
        reply: ReplyPoll,
    ) {
        reply.error(self.refuse(Operation::Poll, Errno::ENOSYS));
    }
}
