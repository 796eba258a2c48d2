//! io_uring(7): one request at a time.

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd};

use anyhow::Context as _;
use io_uring::types::Fd;
use io_uring::{IoUring, opcode, squeue};
use lab_protocol::NOT_PROBED;

use crate::memory::Memory;
use crate::outcome::Outcome;
use crate::probe::Observation;

/// What a probe says on a kernel that has no io_uring, or must not be asked for it; nothing on any other.
pub(crate) fn missing() -> Option<Observation> {
    // A ring that is made and thrown away would end in the middle of the next one's requests, and interrupt them. Without
    // parameters there is none.
    // SAFETY: the kernel reads no memory at this address, and says EFAULT.
    unsafe { libc::syscall(libc::SYS_io_uring_setup, 0, std::ptr::null_mut::<libc::c_void>()) };
    let reason = match io::Error::last_os_error().raw_os_error() {
        Some(libc::ENOSYS) => "no io_uring",
        // The setting kernel.io_uring_disabled, since Linux 6.6.
        Some(libc::EPERM) => "io_uring is switched off",
        // A probe that uses it fails, and says why.
        _ => return None,
    };
    Some(Observation::new(format!("{NOT_PROBED}{reason}")))
}

/// Whose memory a request uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Buffers {
    /// That of the request.
    Own,
    /// Memory that was registered before, whose pages the kernel holds.
    Fixed,
}

/// A ring for requests with one piece of memory.
pub(crate) struct Ring<'a> {
    ring: IoUring,
    memory: &'a Memory,
    buffers: Buffers,
}

impl<'a> Ring<'a> {
    /// # Errors
    /// If there can be no ring, or the memory cannot be registered.
    pub(crate) fn new(memory: &'a Memory, buffers: Buffers) -> anyhow::Result<Self> {
        let ring = IoUring::new(8).context("making a ring")?;
        if buffers == Buffers::Fixed {
            let segment = libc::iovec { iov_base: memory.at(0).cast(), iov_len: memory.len() };
            // SAFETY: the memory outlives the ring.
            unsafe { ring.submitter().register_buffers(&[segment]) }.context("registering memory")?;
        }
        Ok(Ring { ring, memory, buffers })
    }

    /// Reads so many bytes to the begin of the memory.
    ///
    /// # Errors
    /// If the ring fails.
    pub(crate) fn read(&mut self, file: BorrowedFd<'_>, length: usize, offset: u64) -> io::Result<Outcome> {
        let (fd, at, length) = (Fd(file.as_raw_fd()), self.memory.at(0), length as u32);
        let entry = match self.buffers {
            Buffers::Own => opcode::Read::new(fd, at, length).offset(offset).build(),
            Buffers::Fixed => opcode::ReadFixed::new(fd, at, length, 0).offset(offset).build(),
        };
        self.wait_for(entry)
    }

    /// Writes so many bytes from the begin of the memory.
    ///
    /// # Errors
    /// If the ring fails.
    pub(crate) fn write(&mut self, file: BorrowedFd<'_>, length: usize, offset: u64) -> io::Result<Outcome> {
        let (fd, at, length) = (Fd(file.as_raw_fd()), self.memory.at(0), length as u32);
        let entry = match self.buffers {
            Buffers::Own => opcode::Write::new(fd, at, length).offset(offset).build(),
            Buffers::Fixed => opcode::WriteFixed::new(fd, at, length, 0).offset(offset).build(),
        };
        self.wait_for(entry)
    }

    fn wait_for(&mut self, entry: squeue::Entry) -> io::Result<Outcome> {
        // SAFETY: file and memory outlive the request, which is waited for here.
        unsafe { self.ring.submission().push(&entry) }.map_err(io::Error::other)?;
        self.ring.submit_and_wait(1)?;
        let completion = self.ring.completion().next().ok_or(io::ErrorKind::WouldBlock)?;
        Ok(match u64::try_from(completion.result()) {
            Ok(bytes) => Outcome::Bytes(bytes),
            Err(_) => Outcome::Error(-completion.result()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Has io_uring_setup(2) fail like this in the thread that calls, from now on.
    fn refuse_rings(error: libc::c_int) {
        let step = |code: u32, jt, jf, k| libc::sock_filter { code: code as u16, jt, jf, k };
        let (load, jump) = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, libc::BPF_JMP | libc::BPF_JEQ);
        // The number of the call is the first field of what a filter sees.
        let mut filter = [
            step(load, 0, 0, 0),
            step(jump, 0, 1, libc::SYS_io_uring_setup as u32),
            step(libc::BPF_RET, 0, 0, libc::SECCOMP_RET_ERRNO | error as u32),
            step(libc::BPF_RET, 0, 0, libc::SECCOMP_RET_ALLOW),
        ];
        let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
        // SAFETY: the kernel copies the filter, which holds for this thread alone.
        let set = unsafe {
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
            libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program)
        };
        assert_eq!(set, 0, "{}", io::Error::last_os_error());
    }

    fn said_if_refused_with(error: libc::c_int) -> Option<String> {
        let asking = std::thread::spawn(move || {
            refuse_rings(error);
            missing()
        });
        asking.join().unwrap().map(|said| said.observed)
    }

    #[test]
    fn a_kernel_with_rings_is_probed() {
        let memory = Memory::new(1).unwrap();
        assert_eq!(missing().is_none(), Ring::new(&memory, Buffers::Own).is_ok());
    }

    #[test]
    fn a_kernel_without_rings_is_not_probed_and_no_failure() {
        let said = said_if_refused_with(libc::ENOSYS);
        assert_eq!(said.as_deref(), Some("is not probed: no io_uring"));
        let said = said_if_refused_with(libc::EPERM);
        assert_eq!(said.as_deref(), Some("is not probed: io_uring is switched off"));
        // Whatever else it says, it has io_uring.
        assert_eq!(said_if_refused_with(libc::ENOMEM), None);
    }
}
