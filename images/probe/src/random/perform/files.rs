//! The two files of a run, open in every way and mapped.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use anyhow::Context;
use rustix::fs::{Advice, FallocateFlags, Mode, OFlags};

use super::memory::Memory;
use crate::pages::Pages;
use crate::random::operation::{Action, DrawnOperation, FileName, LARGEST, Way};

/// Both files.
#[derive(Debug)]
pub(super) struct Files {
    a: OpenFile,
    b: OpenFile,
}

/// One of them. It is removed with the value.
#[derive(Debug)]
pub(super) struct OpenFile {
    direct: File,
    buffered: File,
    direct_read_only: File,
    buffered_read_only: File,
    direct_append: File,
    buffered_append: File,
    mapping: Mapping,
    path: PathBuf,
    /// The same file below the server.
    pub(super) stored: PathBuf,
}

impl Files {
    /// New empty files with names that end in their number.
    pub(super) fn create(mount: &Path, storage: &Path, number: u32) -> anyhow::Result<Self> {
        let open = |file: FileName| {
            // What a run that was killed has left is not in the way.
            let name = format!("random-{}-{}-{number}", file.word(), std::process::id());
            OpenFile::create(mount.join(&name), storage.join(&name))
        };
        Ok(Files { a: open(FileName::A)?, b: open(FileName::B)? })
    }

    pub(super) fn file(&self, file: FileName) -> &OpenFile {
        match file {
            FileName::A => &self.a,
            FileName::B => &self.b,
        }
    }
}

impl OpenFile {
    fn create(path: PathBuf, stored: PathBuf) -> anyhow::Result<Self> {
        let open = |flags: OFlags| {
            let fd = rustix::fs::open(&path, flags | OFlags::CLOEXEC, Mode::from_raw_mode(0o600));
            fd.map(File::from).with_context(|| format!("opening {}", path.display()))
        };
        let buffered = open(OFlags::RDWR | OFlags::CREATE | OFlags::EXCL)?;
        let mapping = Mapping::new(&buffered).with_context(|| format!("mapping {}", path.display()))?;
        Ok(OpenFile {
            direct: open(OFlags::RDWR | OFlags::DIRECT)?,
            direct_read_only: open(OFlags::RDONLY | OFlags::DIRECT)?,
            buffered_read_only: open(OFlags::RDONLY)?,
            direct_append: open(OFlags::WRONLY | OFlags::DIRECT | OFlags::APPEND)?,
            buffered_append: open(OFlags::WRONLY | OFlags::APPEND)?,
            buffered,
            mapping,
            path,
            stored,
        })
    }

    pub(super) fn by(&self, way: Way) -> &File {
        match way {
            Way::Direct => &self.direct,
            Way::Buffered => &self.buffered,
            Way::DirectReadOnly => &self.direct_read_only,
            Way::BufferedReadOnly => &self.buffered_read_only,
            Way::DirectAppend => &self.direct_append,
            Way::BufferedAppend => &self.buffered_append,
        }
    }

    /// As fstat(2) says.
    pub(super) fn size(&self) -> io::Result<u64> {
        Ok(rustix::fs::fstat(&self.buffered)?.st_size as u64)
    }

    /// Where the kernel has the end of the file: memory behind it is not there (SIGBUS). While a write extends the file fstat(2)
    /// may say more, since it gives the server's answer, which the kernel does not take over then.
    pub(super) fn end_in_kernel(&self) -> io::Result<u64> {
        Ok(rustix::fs::seek(&self.buffered, rustix::fs::SeekFrom::End(0))?)
    }

    /// Does what an operation says, with its memory, and gives the count or the size that comes of it.
    pub(super) fn perform(&self, operation: &DrawnOperation, memory: &mut Memory) -> io::Result<u64> {
        let DrawnOperation { action, at, length, .. } = *operation;
        let file = &self.buffered;
        match action {
            Action::Read | Action::Write | Action::Append => return self.transfer(operation, memory),
            Action::Load => self.mapping.load(at, memory.bytes_mut()),
            Action::Store => self.mapping.store(at, memory.bytes()),
            Action::Msync => self.mapping.sync(self.size()?)?,
            Action::Truncate => file.set_len(at)?,
            Action::Allocate => rustix::fs::fallocate(file, FallocateFlags::empty(), at, length)?,
            Action::Punch => {
                let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
                rustix::fs::fallocate(file, hole, at, length)?;
            }
            Action::Fsync => file.sync_all()?,
            Action::Drop => {
                self.mapping.let_go()?;
                rustix::fs::fadvise(file, 0, None, Advice::DontNeed)?;
            }
            Action::Stat => return self.size(),
            Action::Seek => return self.end_in_kernel(),
        }
        Ok(length)
    }

    fn transfer(&self, operation: &DrawnOperation, memory: &mut Memory) -> io::Result<u64> {
        let pieces = memory.pieces(operation.pieces);
        let (fd, at) = (self.by(operation.way).as_raw_fd(), operation.at as libc::off_t);
        let (list, count) = (pieces.as_ptr(), pieces.len() as libc::c_int);
        // The calls with one piece of memory and with several are different ones in the kernel.
        let one = pieces.first().filter(|_| count == 1);
        // SAFETY: the pieces lie in memory that this function has to itself, and any bytes may be put there.
        let code = unsafe {
            match (operation.action, one) {
                (Action::Read, Some(piece)) => libc::pread(fd, piece.iov_base, piece.iov_len, at),
                (Action::Read, None) => libc::preadv(fd, list, count, at),
                (Action::Append, Some(piece)) => libc::write(fd, piece.iov_base, piece.iov_len),
                (Action::Append, None) => libc::writev(fd, list, count),
                (_, Some(piece)) => libc::pwrite(fd, piece.iov_base, piece.iov_len, at),
                (_, None) => libc::pwritev(fd, list, count, at),
            }
        };
        u64::try_from(code).map_err(|_| io::Error::last_os_error())
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        // If the server is gone, the file is in the storage only.
        if std::fs::remove_file(&self.path).is_err() {
            let _ = std::fs::remove_file(&self.stored);
        }
    }
}

/// A shared mapping of all that the file may grow to.
#[derive(Debug)]
struct Mapping(Pages);

// SAFETY: the memory stays mapped until the value is dropped, and is accessed by copies through pointers only, in the main
// thread.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    fn new(file: &File) -> io::Result<Self> {
        Pages::of_file(file, LARGEST as usize).map(Mapping)
    }

    /// Reads memory; the caller has seen that the file has these bytes, and nobody else cuts it.
    fn load(&self, at: u64, into: &mut [u8]) {
        let length = into.len().min(LARGEST.saturating_sub(at) as usize);
        // SAFETY: within the mapping. The kernel may change the bytes meanwhile, which a copy by pointers allows.
        unsafe { std::ptr::copy_nonoverlapping(self.0.at(at as usize), into.as_mut_ptr(), length) }
    }

    fn store(&self, at: u64, bytes: &[u8]) {
        let length = bytes.len().min(LARGEST.saturating_sub(at) as usize);
        // SAFETY: as above.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.0.at(at as usize), length) }
    }

    fn sync(&self, size: u64) -> io::Result<()> {
        // SAFETY: within the mapping.
        checked(unsafe { libc::msync(self.0.at(0).cast(), size.min(LARGEST) as usize, libc::MS_SYNC) })
    }

    /// Forgets the entries of the page table: mapped pages are not dropped from the page cache.
    fn let_go(&self) -> io::Result<()> {
        // SAFETY: the mapping is shared: its pages stay in the file.
        checked(unsafe { libc::madvise(self.0.at(0).cast(), LARGEST as usize, libc::MADV_DONTNEED) })
    }
}

fn checked(code: libc::c_int) -> io::Result<()> {
    if code == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
