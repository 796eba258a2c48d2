//! The system calls of native asynchronous I/O (io_setup(2) and its companions), which the C library lacks.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

/// What one request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// IOCB_CMD_PREAD
    Read,
    /// IOCB_CMD_PWRITE
    Write,
}

/// A control block: one request, as io_submit(2) takes it.
#[repr(transparent)]
pub struct Control(libc::iocb);

impl Control {
    /// A request that moves `length` bytes between `memory` and `file` at `offset`; its completion carries
    /// `data`.
    pub fn new(
        transfer: Transfer,
        file: BorrowedFd<'_>,
        memory: *mut u8,
        length: usize,
        offset: u64,
        data: u64,
    ) -> Self {
        // SAFETY: an iocb is made of integers, for each of which zero is valid.
        let mut iocb: libc::iocb = unsafe { std::mem::zeroed() };
        iocb.aio_data = data;
        // include/uapi/linux/aio_abi.h
        iocb.aio_lio_opcode = match transfer {
            Transfer::Read => 0,
            Transfer::Write => 1,
        };
        iocb.aio_fildes = file.as_raw_fd() as u32;
        iocb.aio_buf = memory as u64;
        iocb.aio_nbytes = length as u64;
        iocb.aio_offset = offset as i64;
        Control(iocb)
    }
}

/// The completion of one request (`struct io_event`).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// What the request was given.
    pub data: u64,
    object: u64,
    result: i64,
    result2: i64,
}

impl Event {
    /// The bytes that were transferred.
    ///
    /// # Errors
    /// What read(2) or write(2) would have said.
    pub fn result(&self) -> io::Result<u64> {
        u64::try_from(self.result).map_err(|_| io::Error::from_raw_os_error(-self.result as i32))
    }
}

/// A context: a queue of requests and a ring of completions.
#[derive(Debug)]
pub struct Context(libc::c_ulong);

impl Context {
    /// A context for at least `events` requests at a time.
    ///
    /// # Errors
    /// Those of io_setup(2): EAGAIN beyond `fs.aio-max-nr`, ENOSYS without CONFIG_AIO.
    pub fn new(events: u32) -> io::Result<Self> {
        let mut id: libc::c_ulong = 0;
        // SAFETY: `id` is valid for writing and zero, as io_setup(2) asks.
        let code = unsafe { libc::syscall(libc::SYS_io_setup, libc::c_long::from(events), &raw mut id) };
        checked(code).map(|_| Context(id))
    }

    /// Submits requests in order and gives how many were taken; 0 stands for EAGAIN, "no room now".
    ///
    /// # Errors
    /// Those of io_submit(2) for the first request.
    ///
    /// # Safety
    /// The memory and the file of each request must stay valid until its completion was returned by
    /// [`Context::events`] or the context is dropped, and nobody else may use the memory until then.
    pub unsafe fn submit(&self, controls: &mut [Control]) -> io::Result<usize> {
        let mut pointers: Vec<*mut Control> = controls.iter_mut().map(std::ptr::from_mut).collect();
        let count = pointers.len() as libc::c_long;
        // SAFETY: the pointers are valid for the call, and the kernel copies what they point to; for the rest
        // the caller answers.
        let code = unsafe { libc::syscall(libc::SYS_io_submit, self.0, count, pointers.as_mut_ptr()) };
        match checked(code) {
            Err(error) if error.raw_os_error() == Some(libc::EAGAIN) => Ok(0),
            result => result,
        }
    }

    /// Waits for at least `least` completions, or until `limit` has passed, and gives those that there are, at
    /// most as many as `events` has room for.
    ///
    /// # Errors
    /// Those of io_getevents(2) but EINTR.
    pub fn events(&self, least: usize, events: &mut [Event], limit: Option<Duration>) -> io::Result<usize> {
        let limit = limit.map(|limit| libc::timespec {
            tv_sec: limit.as_secs() as libc::time_t,
            tv_nsec: limit.subsec_nanos().into(),
        });
        let limit = limit.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
        let room = events.len();
        loop {
            // SAFETY: `events` has room for the maximum that is given, and any bytes are valid events; the
            // timespec is valid or null.
            let code = unsafe {
                libc::syscall(libc::SYS_io_getevents, self.0, least, room, events.as_mut_ptr(), limit)
            };
            match checked(code) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }
}

impl Drop for Context {
    /// Waits for the requests that are still running.
    fn drop(&mut self) {
        // SAFETY: the context is valid and used by nobody any more.
        unsafe { libc::syscall(libc::SYS_io_destroy, self.0) };
    }
}

fn checked(code: libc::c_long) -> io::Result<usize> {
    usize::try_from(code).map_err(|_| io::Error::last_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn what_is_written_is_read() {
        let file = tempfile::tempfile().unwrap();
        let context = Context::new(4).unwrap();
        let mut memory = *b"abcdefgh";
        let at = memory.as_mut_ptr();
        let mut writes = [
            Control::new(Transfer::Write, file.as_fd(), at, 4, 0, 7),
            Control::new(Transfer::Write, file.as_fd(), at.wrapping_add(4), 4, 4, 8),
        ];
        let mut events = [Event::default(); 4];
        // SAFETY: the memory outlives the wait.
        assert_eq!(unsafe { context.submit(&mut writes) }.unwrap(), 2);
        assert_eq!(context.events(2, &mut events, None).unwrap(), 2);
        let mut seen: Vec<(u64, u64)> =
            events[..2].iter().map(|event| (event.data, event.result().unwrap())).collect();
        seen.sort();
        assert_eq!(seen, [(7, 4), (8, 4)]);

        let mut copy = [0; 16];
        let mut reads = [Control::new(Transfer::Read, file.as_fd(), copy.as_mut_ptr(), 16, 0, 9)];
        // SAFETY: the memory outlives the wait.
        unsafe { context.submit(&mut reads) }.unwrap();
        assert_eq!(context.events(1, &mut events, None).unwrap(), 1);
        assert_eq!((events[0].data, events[0].result().unwrap()), (9, 8));
        assert_eq!(&copy[..9], b"abcdefgh\0");
    }

    #[test]
    fn errors_come_with_the_event_or_the_submission() {
        let context = Context::new(1).unwrap();
        let mut byte = 0u8;
        let directory = std::fs::File::open("/").unwrap();
        let mut controls = [Control::new(Transfer::Read, directory.as_fd(), &raw mut byte, 1, 0, 0)];
        // SAFETY: nothing is submitted: a directory has no read.
        let error = unsafe { context.submit(&mut controls) }.unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EINVAL));
        let event = Event { result: -i64::from(libc::EIO), ..Event::default() };
        assert_eq!(event.result().unwrap_err().raw_os_error(), Some(libc::EIO));
    }

    #[test]
    fn a_wait_without_completions_ends_at_its_limit() {
        let context = Context::new(1).unwrap();
        let waited = context.events(1, &mut [Event::default()], Some(Duration::from_millis(1)));
        assert_eq!(waited.unwrap(), 0);
    }
}
