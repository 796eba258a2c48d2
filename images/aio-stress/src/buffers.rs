//! Memory for the records: one block for all of them.

use std::fs::OpenOptions;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::ptr::NonNull;

use anyhow::{Context, ensure};

/// Where the memory comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// Private pages of the process.
    Private,
    /// A System V shared memory segment.
    Shm,
    /// A file in `/dev/shm`.
    Shmfs,
}

/// Equal buffers in one block of memory, each of which starts at a multiple of the alignment.
#[derive(Debug)]
pub struct Buffers {
    block: NonNull<u8>,
    block_bytes: usize,
    memory: Memory,
    first: usize,
    stride: usize,
    record: usize,
    count: usize,
}

// SAFETY: the block belongs to this value alone; what is in a buffer is touched through raw pointers only, by
// the one thread that the buffer was given to.
unsafe impl Send for Buffers {}
// SAFETY: as above; the methods themselves only compute addresses.
unsafe impl Sync for Buffers {}

impl Buffers {
    /// Allocates `count` buffers of `record` bytes and touches each page, so that none is faulted in while the
    /// clock runs.
    ///
    /// # Errors
    /// If there is not so much memory of this kind.
    pub fn new(memory: Memory, count: usize, record: u64, alignment: u64) -> anyhow::Result<Self> {
        let layout = || -> Option<(usize, usize, usize, usize)> {
            let (record, alignment) = (usize::try_from(record).ok()?, usize::try_from(alignment).ok()?);
            let stride = record.checked_next_multiple_of(alignment)?;
            // The block itself is aligned to a page at least.
            let bytes = stride.checked_mul(count)?.checked_add(alignment)?;
            Some((record, alignment, stride, bytes))
        };
        let (record, alignment, stride, block_bytes) =
            layout().context("buffers larger than the address space")?;
        ensure!(block_bytes > 0 && record > 0, "buffers of no bytes");
        let mebibytes = block_bytes >> 20;
        let block = allocate(memory, block_bytes)
            .with_context(|| format!("allocating {mebibytes} MB for {count} buffers ({memory:?})"))?;
        // SAFETY: the block has this length and nobody else knows it yet.
        unsafe { block.as_ptr().write_bytes(0, block_bytes) };
        let first = block.as_ptr().align_offset(alignment);
        Ok(Buffers { block, block_bytes, memory, first, stride, record, count })
    }

    /// The address of a buffer.
    ///
    /// # Panics
    /// If there is no such buffer.
    pub fn address(&self, index: usize) -> *mut u8 {
        assert!(index < self.count, "buffer {index} of {}", self.count);
        // SAFETY: the block was made large enough for `count` strides behind `first`.
        unsafe { self.block.as_ptr().add(self.first + index * self.stride) }
    }

    /// The content of a buffer.
    ///
    /// # Safety
    /// No request that uses the buffer may be running, and nobody else may hold its content.
    #[expect(
        clippy::mut_from_ref,
        reason = "the caller answers for it, as the kernel changes the memory too"
    )]
    pub unsafe fn content(&self, index: usize) -> &mut [u8] {
        // SAFETY: `address` is valid for `record` bytes, all of which are initialised.
        unsafe { std::slice::from_raw_parts_mut(self.address(index), self.record) }
    }
}

impl Drop for Buffers {
    fn drop(&mut self) {
        let block = self.block.as_ptr().cast();
        // SAFETY: the block was made by the counterpart of the call that takes it away.
        unsafe {
            match self.memory {
                Memory::Private | Memory::Shmfs => libc::munmap(block, self.block_bytes),
                Memory::Shm => libc::shmdt(block),
            }
        };
    }
}

fn allocate(memory: Memory, bytes: usize) -> io::Result<NonNull<u8>> {
    match memory {
        Memory::Private => map(bytes, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1),
        Memory::Shmfs => {
            let path = format!("/dev/shm/aio-stress.{}", std::process::id());
            let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
            // The mapping keeps it.
            std::fs::remove_file(&path)?;
            file.set_len(bytes as u64)?;
            map(bytes, libc::MAP_SHARED, file.as_raw_fd())
        }
        Memory::Shm => shared_segment(bytes),
    }
}

fn map(bytes: usize, flags: i32, file: i32) -> io::Result<NonNull<u8>> {
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a new mapping at an address of the kernel's choice touches no memory that is in use.
    let block = unsafe { libc::mmap(std::ptr::null_mut(), bytes, access, flags, file, 0) };
    if block == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { given(block) }
}

fn shared_segment(bytes: usize) -> io::Result<NonNull<u8>> {
    // SAFETY: the calls make, attach and mark a new segment at an address of the kernel's choice. Marked
    // for removal, it goes with the last that is attached to it.
    unsafe {
        let id = libc::shmget(libc::IPC_PRIVATE, bytes, libc::IPC_CREAT | 0o600);
        if id < 0 {
            return Err(io::Error::last_os_error());
        }
        let block = libc::shmat(id, std::ptr::null(), 0);
        let attached = if block as isize == -1 { Err(io::Error::last_os_error()) } else { given(block) };
        libc::shmctl(id, libc::IPC_RMID, std::ptr::null_mut());
        attached
    }
}

fn given(block: *mut libc::c_void) -> io::Result<NonNull<u8>> {
    NonNull::new(block.cast()).ok_or_else(|| io::Error::from(io::ErrorKind::OutOfMemory))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_aligned_apart_and_zero() {
        for memory in [Memory::Private, Memory::Shm, Memory::Shmfs] {
            for (record, alignment) in [(65536, 4096), (1000, 512), (4096, 65536), (1, 1), (3000, 2 << 20)] {
                let buffers = Buffers::new(memory, 3, record, alignment).unwrap();
                for index in 0..3 {
                    assert_eq!(
                        buffers.address(index) as u64 % alignment,
                        0,
                        "{memory:?} {record} {alignment}"
                    );
                    // SAFETY: no request runs.
                    let content = unsafe { buffers.content(index) };
                    assert!(content.iter().all(|byte| *byte == 0), "{memory:?}: overlaps");
                    content.fill(index as u8 + 1);
                }
            }
        }
    }

    #[test]
    fn too_much_is_an_error() {
        let error = Buffers::new(Memory::Private, usize::MAX, 1 << 40, 4096).unwrap_err();
        assert_eq!(error.to_string(), "buffers larger than the address space");
        assert!(Buffers::new(Memory::Private, 1, 1 << 60, 4096).is_err());
    }
}
