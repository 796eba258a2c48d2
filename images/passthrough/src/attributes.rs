//! Attributes of files, extended ones too, and of the file system.

use std::ffi::OsStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fuser::{FileAttr, INodeNo, TimeOrNow};
use rustix::fs::{
    AtFlags, FileType, Gid, Mode, Stat, StatVfs, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT, Uid, XattrFlags,
};
use rustix::io::Result;
use rustix::path::DecInt;

use crate::directory::file_type;
use crate::server::Server;
use crate::storage::path_of;

/// What SETATTR asks for.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub(crate) mode: Option<u32>,
    pub(crate) uid: Option<u32>,
    pub(crate) gid: Option<u32>,
    pub(crate) size: Option<u64>,
    pub(crate) accessed: Option<TimeOrNow>,
    pub(crate) modified: Option<TimeOrNow>,
}

/// An extended attribute or a list of their names; a request for 0 bytes asks for the size.
#[derive(Debug)]
pub(crate) enum Extended {
    Size(usize),
    Bytes(Vec<u8>),
}

impl Server {
    pub(crate) fn getattr(&self, number: INodeNo) -> Result<FileAttr> {
        let inode = self.inodes.get(number)?;
        Ok(attributes(number, &rustix::fs::fstat(&inode)?))
    }

    pub(crate) fn setattr(
        &self,
        number: INodeNo,
        handle: Option<u64>,
        changes: &Changes,
    ) -> Result<FileAttr> {
        let inode = self.inodes.get(number)?;
        if let Some(mode) = changes.mode {
            let mode = Mode::from_raw_mode(mode);
            rustix::fs::chmodat(&self.reopen.fds, DecInt::from_fd(&inode), mode, AtFlags::empty())?;
        }
        if changes.uid.is_some() || changes.gid.is_some() {
            let (owner, group) = (changes.uid.map(Uid::from_raw), changes.gid.map(Gid::from_raw));
            rustix::fs::chownat(&inode, "", owner, group, AtFlags::EMPTY_PATH)?;
        }
        if let Some(size) = changes.size {
            self.truncate(number, handle, size)?;
        }
        if changes.accessed.is_some() || changes.modified.is_some() {
            let times = Timestamps {
                last_access: timespec(changes.accessed),
                last_modification: timespec(changes.modified),
            };
            rustix::fs::utimensat(&inode, "", &times, AtFlags::EMPTY_PATH)?;
        }
        self.getattr(number)
    }

    pub(crate) fn statfs(&self, number: INodeNo) -> Result<StatVfs> {
        rustix::fs::fstatvfs(self.inodes.get(number)?)
    }

    pub(crate) fn getxattr(&self, number: INodeNo, name: &OsStr, size: u32) -> Result<Extended> {
        let path = path_of(self.inodes.get(number)?);
        if size == 0 {
            return rustix::fs::getxattr_query(&path, name).map(Extended::Size);
        }
        let mut value = vec![0; size as usize];
        let length = rustix::fs::getxattr(&path, name, &mut value[..])?;
        value.truncate(length);
        Ok(Extended::Bytes(value))
    }

    pub(crate) fn listxattr(&self, number: INodeNo, size: u32) -> Result<Extended> {
        let path = path_of(self.inodes.get(number)?);
        if size == 0 {
            return rustix::fs::listxattr_query(&path).map(Extended::Size);
        }
        let mut names = vec![0; size as usize];
        let length = rustix::fs::listxattr(&path, &mut names[..])?;
        names.truncate(length);
        Ok(Extended::Bytes(names))
    }

    pub(crate) fn setxattr(&self, number: INodeNo, name: &OsStr, value: &[u8], flags: i32) -> Result<()> {
        let flags = XattrFlags::from_bits_retain(flags as u32);
        rustix::fs::setxattr(path_of(self.inodes.get(number)?), name, value, flags)
    }

    pub(crate) fn removexattr(&self, number: INodeNo, name: &OsStr) -> Result<()> {
        rustix::fs::removexattr(path_of(self.inodes.get(number)?), name)
    }
}

/// The attributes in FUSE's form.
pub(crate) fn attributes(number: INodeNo, stat: &Stat) -> FileAttr {
    FileAttr {
        ino: number,
        size: stat.st_size as u64,
        blocks: stat.st_blocks as u64,
        atime: system_time(stat.st_atime, stat.st_atime_nsec),
        mtime: system_time(stat.st_mtime, stat.st_mtime_nsec),
        ctime: system_time(stat.st_ctime, stat.st_ctime_nsec),
        crtime: UNIX_EPOCH,
        kind: file_type(FileType::from_raw_mode(stat.st_mode)),
        perm: (stat.st_mode & 0o7777) as u16,
        nlink: stat.st_nlink as u32,
        uid: stat.st_uid,
        gid: stat.st_gid,
        // The kernel's own 32-bit encoding is the lower half of the C library's.
        rdev: stat.st_rdev as u32,
        blksize: stat.st_blksize as u32,
        flags: 0,
    }
}

fn system_time(seconds: i64, nanoseconds: u64) -> SystemTime {
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let base = if seconds < 0 { UNIX_EPOCH - whole } else { UNIX_EPOCH + whole };
    base + Duration::from_nanos(nanoseconds)
}

/// The time that a request asks for.
///
/// `fuser` 0.18 makes the times of requests so that, before 1970, the nanoseconds go back from it like the seconds; in
/// FUSE they go forward. The times of replies it takes as they are.
fn timespec(time: Option<TimeOrNow>) -> Timespec {
    let (tv_sec, tv_nsec) = match time {
        None => (0, UTIME_OMIT),
        Some(TimeOrNow::Now) => (0, UTIME_NOW),
        Some(TimeOrNow::SpecificTime(time)) => match time.duration_since(UNIX_EPOCH) {
            Ok(after) => (after.as_secs() as i64, after.subsec_nanos().into()),
            Err(before) => {
                let distance = before.duration();
                (-(distance.as_secs() as i64), distance.subsec_nanos().into())
            }
        },
    };
    Timespec { tv_sec, tv_nsec }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_kernel() {
        let distance = |seconds, nanoseconds| Duration::new(seconds, nanoseconds);
        for (time, seconds, nanoseconds) in [
            (UNIX_EPOCH, 0, 0),
            (UNIX_EPOCH + distance(1, 999_999_999), 1, 999_999_999),
            (UNIX_EPOCH - distance(1, 0), -1, 0),
            (UNIX_EPOCH - distance(1, 200_000_000), -2, 800_000_000),
            (UNIX_EPOCH + distance(1 << 40, 5), 1 << 40, 5),
        ] {
            assert_eq!(system_time(seconds, nanoseconds), time, "{seconds}, {nanoseconds}");
        }
        for (time, seconds, nanoseconds) in [
            (UNIX_EPOCH + distance(1, 999_999_999), 1, 999_999_999),
            (UNIX_EPOCH - distance(2, 800_000_000), -2, 800_000_000),
            (UNIX_EPOCH - distance(1, 0), -1, 0),
        ] {
            let found = timespec(Some(TimeOrNow::SpecificTime(time)));
            assert_eq!((found.tv_sec, found.tv_nsec), (seconds, nanoseconds), "{time:?}");
        }
        assert_eq!(timespec(None).tv_nsec, UTIME_OMIT);
        assert_eq!(timespec(Some(TimeOrNow::Now)).tv_nsec, UTIME_NOW);
    }
}
