//! Pages of memory, mapped until they are dropped.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::ptr::NonNull;

/// A mapping for reading and writing.
#[derive(Debug)]
pub(crate) struct Pages {
    begin: NonNull<u8>,
    bytes: usize,
}

impl Pages {
    /// New ones, zeroed and all of them there.
    ///
    /// # Errors
    /// If there is not so much memory.
    pub(crate) fn new(bytes: usize) -> io::Result<Self> {
        Pages::map(bytes, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_POPULATE, -1)
    }

    /// The first bytes of a file, shared with it. To touch a page behind its end ends the process.
    ///
    /// # Errors
    /// If it cannot be mapped; for a file that is not open for reading and writing that is so.
    pub(crate) fn of_file(file: &File, bytes: usize) -> io::Result<Self> {
        Pages::map(bytes, libc::MAP_SHARED, file.as_raw_fd())
    }

    fn map(bytes: usize, flags: libc::c_int, fd: libc::c_int) -> io::Result<Self> {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory that is in use.
        let begin = unsafe { libc::mmap(std::ptr::null_mut(), bytes, access, flags, fd, 0) };
        if begin == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let begin = NonNull::new(begin.cast()).ok_or_else(|| io::Error::from(io::ErrorKind::OutOfMemory))?;
        Ok(Pages { begin, bytes })
    }

    /// Their length, bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The address of a byte.
    pub(crate) fn at(&self, offset: usize) -> *mut u8 {
        self.begin.as_ptr().wrapping_add(offset)
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: the mapping was made with this length, and nobody has it any more.
        unsafe { libc::munmap(self.begin.as_ptr().cast(), self.bytes) };
    }
}
