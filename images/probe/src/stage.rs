//! What a probe works with: files on the mount, and what the server saw of it.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use rustix::fs::{CWD, Mode, OFlags};

use crate::memory::Memory;
use crate::mounted::Mounted;
use crate::outcome::Outcome;
use crate::requests::Requests;
use crate::stored::{self, OLD, Stored};

/// How long requests may go on after their caller has got its answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a probe works with.
#[derive(Debug)]
pub struct Stage<'a> {
    /// The server.
    pub mounted: &'a mut Mounted,
    /// What random things are drawn from.
    pub seed: u64,
    storage: PathBuf,
    mount: PathBuf,
    files: u32,
}

impl<'a> Stage<'a> {
    /// On this server, with these folders.
    pub fn new(mounted: &'a mut Mounted, storage: &Path, mount: &Path, seed: u64) -> Self {
        Stage { mounted, seed, storage: storage.to_owned(), mount: mount.to_owned(), files: 0 }
    }

    /// A file of so many bytes with old data, opened for direct reads and writes; the requests so far are forgotten.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn file(&mut self, size: u64) -> anyhow::Result<TestFile> {
        self.file_with(size, OFlags::RDWR | OFlags::DIRECT)
    }

    /// The same, opened in another way.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn file_with(&mut self, size: u64, flags: OFlags) -> anyhow::Result<TestFile> {
        // The kernel knows the names of earlier probes, and may remember what was behind them.
        let name = format!("{}-{}", std::process::id(), self.files);
        self.files += 1;
        let file = TestFile::make(&self.storage.join(&name), self.mount.join(&name), size, flags);
        let file = file.with_context(|| format!("making a file of {size} bytes"))?;
        self.mounted.forget_requests()?;
        Ok(file)
    }

    /// What the server passes through.
    pub fn storage(&self) -> &Path {
        &self.storage
    }

    /// Where a name is on the mount.
    pub fn path(&self, name: &str) -> PathBuf {
        self.mount.join(name)
    }

    /// What the server has seen since the last file was made, when all of it is answered.
    ///
    /// # Errors
    /// If the server does not answer.
    pub fn requests(&mut self) -> anyhow::Result<Requests> {
        self.mounted.await_idle(PATIENCE);
        self.mounted.requests()
    }

    /// The most background requests that may be at the server at once.
    pub fn max_background(&self) -> u32 {
        self.mounted.fixture.max_background()
    }
}

/// A file on the mount.
#[derive(Debug)]
pub struct TestFile {
    /// As the caller sees it.
    pub file: File,
    /// Where it is on the mount.
    pub path: PathBuf,
    backing: PathBuf,
    old_size: u64,
}

impl TestFile {
    fn make(backing: &Path, path: PathBuf, size: u64, flags: OFlags) -> anyhow::Result<Self> {
        let mut content = vec![0; size as usize];
        OLD.fill(&mut content, 0);
        fs::write(backing, content)?;
        let file = rustix::fs::openat(CWD, &path, flags | OFlags::CLOEXEC, Mode::empty())?;
        Ok(TestFile { file: file.into(), path, backing: backing.to_owned(), old_size: size })
    }

    /// Its descriptor.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// One more, opened in another way.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn open_again(&self, flags: OFlags) -> io::Result<File> {
        Ok(rustix::fs::openat(CWD, &self.path, flags | OFlags::CLOEXEC, Mode::empty())?.into())
    }

    /// pread(2) into memory from byte `at` of it on.
    pub fn read(&self, memory: &Memory, at: usize, length: usize, offset: u64) -> Outcome {
        let fd = self.file.as_raw_fd();
        // SAFETY: the kernel writes to pages of `memory` alone; those that are gone give EFAULT.
        Outcome::of(unsafe { libc::pread(fd, memory.at(at).cast(), length, offset as i64) })
    }

    /// pwrite(2) from memory from byte `at` of it on.
    pub fn write(&self, memory: &Memory, at: usize, length: usize, offset: u64) -> Outcome {
        let fd = self.file.as_raw_fd();
        // SAFETY: the kernel only reads; pages that are gone give EFAULT.
        Outcome::of(unsafe { libc::pwrite(fd, memory.at(at).cast(), length, offset as i64) })
    }

    /// preadv(2) into pieces of memory, each with begin and length.
    pub fn read_pieces(&self, memory: &Memory, pieces: &[(usize, usize)], offset: u64) -> Outcome {
        let (fd, pieces) = (self.file.as_raw_fd(), segments(memory, pieces));
        // SAFETY: as for `read`.
        Outcome::of(unsafe { libc::preadv(fd, pieces.as_ptr(), pieces.len() as i32, offset as i64) })
    }

    /// pwritev(2) from pieces of memory.
    pub fn write_pieces(&self, memory: &Memory, pieces: &[(usize, usize)], offset: u64) -> Outcome {
        let (fd, pieces) = (self.file.as_raw_fd(), segments(memory, pieces));
        // SAFETY: as for `write`.
        Outcome::of(unsafe { libc::pwritev(fd, pieces.as_ptr(), pieces.len() as i32, offset as i64) })
    }

    /// What the storage holds.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn stored_content(&self) -> anyhow::Result<Vec<u8>> {
        fs::read(&self.backing).context("reading the storage")
    }

    /// What the storage holds after a write of new data.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn stored(&self, begin: u64, length: u64) -> anyhow::Result<Stored> {
        Ok(stored::look(&self.stored_content()?, self.old_size, begin, length))
    }

    /// Its size on the storage.
    ///
    /// # Errors
    /// If it cannot be asked for.
    pub fn stored_size(&self) -> anyhow::Result<u64> {
        Ok(fs::metadata(&self.backing).context("asking for the size on the storage")?.size())
    }

    /// What is wrong with its size as fstat(2) gives it.
    ///
    /// # Errors
    /// If it cannot be asked for.
    pub fn size_fault(&self) -> anyhow::Result<Option<String>> {
        // Not by the standard library, which asks for more than that, with statx(2).
        let seen = rustix::fs::fstat(&self.file).context("fstat(2)")?.st_size as u64;
        let stored = self.stored_size()?;
        Ok((seen != stored).then(|| format!("fstat(2) gives {seen} bytes, the storage has {stored}")))
    }
}

fn segments(memory: &Memory, pieces: &[(usize, usize)]) -> Vec<libc::iovec> {
    let segment =
        |(at, length): &(usize, usize)| libc::iovec { iov_base: memory.at(*at).cast(), iov_len: *length };
    pieces.iter().map(segment).collect()
}
