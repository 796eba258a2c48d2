//! Attributes of files, extended ones too, and of the file system.

use std::ffi::OsStr;

use rustix::fs::{
    AtFlags, Gid, Mode, Stat, StatVfs, Statx, StatxFlags, StatxTimestamp, Timespec, Timestamps, UTIME_NOW,
    UTIME_OMIT, Uid, XattrFlags,
};
use rustix::io::Result;
use rustix::path::DecInt;

use crate::device::wire::{self, Attr, SetattrIn, StatxIn, SxTime, fattr, init};
use crate::inodes::NodeId;
use crate::privileges::WithoutFsetid;
use crate::server::Server;
use crate::storage::{may_access, path_of};

/// An extended attribute or a list of their names; a request for 0 bytes asks for the size.
#[derive(Debug)]
pub(crate) enum Extended {
    Size(usize),
    Bytes(Vec<u8>),
}

impl Server {
    pub(crate) fn getattr(&self, number: NodeId) -> Result<Attr> {
        let inode = self.inodes.get(number)?;
        Ok(attributes(number, &rustix::fs::fstat(&inode)?))
    }

    /// With what the kernel does not ask for otherwise: the time of its birth, and what chattr(1) sets.
    pub(crate) fn statx(&self, number: NodeId, asked: &StatxIn) -> Result<wire::Statx> {
        let inode = self.inodes.get(number)?;
        let (flags, mask) = (asked.sx_flags, StatxFlags::from_bits_retain(asked.sx_mask));
        let flags = AtFlags::EMPTY_PATH | AtFlags::from_bits_retain(flags) & SYNC;
        Ok(everything(number, &rustix::fs::statx(&inode, "", flags, mask)?))
    }

    /// Whether this thread may use a file so: for access(2) and chdir(2), about which the kernel asks when it does not
    /// decide by itself.
    pub(crate) fn access(&self, number: NodeId, mask: u32) -> Result<()> {
        may_access(&*self.inodes.get(number)?, mask)
    }

    pub(crate) fn setattr(&self, number: NodeId, asked: &SetattrIn) -> Result<Attr> {
        let inode = self.inodes.get(number)?;
        let asks = |bit: u32| asked.valid & bit != 0;
        if asks(fattr::MODE) {
            let mode = Mode::from_raw_mode(asked.mode & 0o7777);
            rustix::fs::chmodat(&self.reopen.fds, DecInt::from_fd(&inode), mode, AtFlags::empty())?;
        }
        if asks(fattr::UID | fattr::GID) {
            let owner = asks(fattr::UID).then(|| Uid::from_raw(asked.uid));
            let group = asks(fattr::GID).then(|| Gid::from_raw(asked.gid));
            rustix::fs::chownat(&inode, "", owner, group, AtFlags::EMPTY_PATH)?;
        }
        if asks(fattr::SIZE) {
            let kills = asks(fattr::KILL_SUIDGID) || self.agreed().has(init::HANDLE_KILLPRIV);
            let _unprivileged = kills.then(WithoutFsetid::enter).transpose()?;
            self.truncate(number, asks(fattr::FH).then_some(asked.fh), asked.size)?;
            self.note_size(&inode);
        }
        if asks(fattr::ATIME | fattr::MTIME) {
            rustix::fs::utimensat(&inode, "", &times(asked), AtFlags::EMPTY_PATH)?;
        }
        self.getattr(number)
    }

    pub(crate) fn statfs(&self, number: NodeId) -> Result<StatVfs> {
        rustix::fs::fstatvfs(self.inodes.get(number)?)
    }

    pub(crate) fn getxattr(&self, number: NodeId, name: &OsStr, size: u32) -> Result<Extended> {
        let path = path_of(self.inodes.get(number)?);
        if size == 0 {
            return rustix::fs::getxattr_query(&path, name).map(Extended::Size);
        }
        let mut value = vec![0; size as usize];
        let length = rustix::fs::getxattr(&path, name, &mut value[..])?;
        value.truncate(length);
        Ok(Extended::Bytes(value))
    }

    pub(crate) fn listxattr(&self, number: NodeId, size: u32) -> Result<Extended> {
        let path = path_of(self.inodes.get(number)?);
        if size == 0 {
            return rustix::fs::listxattr_query(&path).map(Extended::Size);
        }
        let mut names = vec![0; size as usize];
        let length = rustix::fs::listxattr(&path, &mut names[..])?;
        names.truncate(length);
        Ok(Extended::Bytes(names))
    }

    pub(crate) fn setxattr(&self, number: NodeId, name: &OsStr, value: &[u8], flags: i32) -> Result<()> {
        let flags = XattrFlags::from_bits_retain(flags as u32);
        rustix::fs::setxattr(path_of(self.inodes.get(number)?), name, value, flags)
    }

    pub(crate) fn removexattr(&self, number: NodeId, name: &OsStr) -> Result<()> {
        rustix::fs::removexattr(path_of(self.inodes.get(number)?), name)
    }
}

/// Which attributes may be old ones.
const SYNC: AtFlags = AtFlags::STATX_FORCE_SYNC.union(AtFlags::STATX_DONT_SYNC);

/// What statx(2) says, in FUSE's form.
fn everything(number: NodeId, found: &Statx) -> wire::Statx {
    let time = |it: &StatxTimestamp| SxTime { seconds: it.tv_sec, nanoseconds: it.tv_nsec, reserved: 0 };
    wire::Statx {
        mask: found.stx_mask,
        blksize: found.stx_blksize,
        attributes: found.stx_attributes.bits(),
        nlink: found.stx_nlink,
        uid: found.stx_uid,
        gid: found.stx_gid,
        mode: found.stx_mode,
        spare0: 0,
        ino: number.0,
        size: found.stx_size,
        blocks: found.stx_blocks,
        attributes_mask: found.stx_attributes_mask.bits(),
        atime: time(&found.stx_atime),
        btime: time(&found.stx_btime),
        ctime: time(&found.stx_ctime),
        mtime: time(&found.stx_mtime),
        rdev_major: found.stx_rdev_major,
        rdev_minor: found.stx_rdev_minor,
        dev_major: found.stx_dev_major,
        dev_minor: found.stx_dev_minor,
        spare2: [0; 14],
    }
}

/// The attributes in FUSE's form.
pub(crate) fn attributes(number: NodeId, stat: &Stat) -> Attr {
    Attr {
        ino: number.0,
        size: stat.st_size as u64,
        blocks: stat.st_blocks as u64,
        // Seconds have a sign, which FUSE keeps in 64 bits without one; nanoseconds go forward from them.
        atime: stat.st_atime as u64,
        mtime: stat.st_mtime as u64,
        ctime: stat.st_ctime as u64,
        atimensec: stat.st_atime_nsec as u32,
        mtimensec: stat.st_mtime_nsec as u32,
        ctimensec: stat.st_ctime_nsec as u32,
        mode: stat.st_mode,
        nlink: stat.st_nlink as u32,
        uid: stat.st_uid,
        gid: stat.st_gid,
        // The kernel's own 32-bit encoding is the lower half of the C library's.
        rdev: stat.st_rdev as u32,
        blksize: stat.st_blksize as u32,
        flags: 0,
    }
}

/// The times that a request sets.
fn times(asked: &SetattrIn) -> Timestamps {
    let time = |set: u32, now: u32, seconds: u64, nanoseconds: u32| {
        let (tv_sec, tv_nsec) = match (asked.valid & set != 0, asked.valid & now != 0) {
            (false, _) => (0, UTIME_OMIT),
            (true, true) => (0, UTIME_NOW),
            (true, false) => (seconds as i64, nanoseconds.into()),
        };
        Timespec { tv_sec, tv_nsec }
    };
    Timestamps {
        last_access: time(fattr::ATIME, fattr::ATIME_NOW, asked.atime, asked.atimensec),
        last_modification: time(fattr::MTIME, fattr::MTIME_NOW, asked.mtime, asked.mtimensec),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_kernel() {
        for (valid, seconds, nanoseconds, expected) in [
            (fattr::ATIME, 1, 999_999_999, [(1, 999_999_999), (0, UTIME_OMIT)]),
            // 1.2 seconds before 1970.
            (fattr::ATIME | fattr::MTIME, -2, 800_000_000, [(-2, 800_000_000); 2]),
            (fattr::MTIME | fattr::MTIME_NOW, 5, 6, [(0, UTIME_OMIT), (0, UTIME_NOW)]),
            (fattr::ATIME | fattr::ATIME_NOW | fattr::MTIME, 5, 6, [(0, UTIME_NOW), (5, 6)]),
            (fattr::SIZE, 5, 6, [(0, UTIME_OMIT); 2]),
        ] {
            let (time, nsec) = (seconds as i64 as u64, nanoseconds);
            let asked = SetattrIn {
                valid,
                atime: time,
                mtime: time,
                atimensec: nsec,
                mtimensec: nsec,
                ..SetattrIn::default()
            };
            let found = times(&asked);
            let pair = |time: Timespec| (time.tv_sec, time.tv_nsec);
            assert_eq!([pair(found.last_access), pair(found.last_modification)], expected, "{valid:#x}");
        }
    }

    #[test]
    fn attributes_keep_their_bits() {
        let mut stat = rustix::fs::stat("/proc/self/exe").unwrap();
        (stat.st_atime, stat.st_atime_nsec, stat.st_rdev) = (-2, 800_000_000, 0x1_0305);
        let found = attributes(NodeId(7), &stat);
        assert_eq!((found.ino, found.mode, found.size), (7, stat.st_mode, stat.st_size as u64));
        assert_eq!((found.atime, found.atimensec, found.rdev), (-2i64 as u64, 800_000_000, 0x1_0305));
    }
}
