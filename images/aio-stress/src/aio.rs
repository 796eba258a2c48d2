//! The system calls of native asynchronous I/O (io_setup(2) and its companions), which the C library lacks.

use std::cell::UnsafeCell;
use std::io;
use std::ops::Range;
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

/// One request.
#[derive(Clone, Copy, Debug)]
pub struct IoRequest<'a> {
    /// The direction.
    pub transfer: Transfer,
    /// Between this file
    pub file: BorrowedFd<'a>,
    /// and this memory,
    pub memory: *mut u8,
    /// bytes of it,
    pub length: usize,
    /// from this byte of the file on.
    pub offset: u64,
    /// What its completion carries.
    pub data: u64,
}

/// Requests in the order in which they are submitted. The room for them, and the pointers to it that io_submit(2)
/// takes, are made once; the kernel copies what it takes, so that the room can be used again at once.
#[derive(Debug)]
pub struct Batch {
    controls: Box<[UnsafeCell<libc::iocb>]>,
    /// To each of `controls`.
    pointers: Box<[*mut libc::iocb]>,
    taken: usize,
    length: usize,
}

// SAFETY: the pointers lead to memory that moves with the value, and to nothing else.
unsafe impl Send for Batch {}

impl Batch {
    /// An empty batch with room for `most` requests.
    pub fn new(most: usize) -> Self {
        // SAFETY: an iocb is made of integers, for each of which zero is valid.
        let control = || UnsafeCell::new(unsafe { std::mem::zeroed() });
        let controls: Box<[_]> = std::iter::repeat_with(control).take(most).collect();
        let pointers = controls.iter().map(UnsafeCell::get).collect();
        Batch { controls, pointers, taken: 0, length: 0 }
    }

    /// Forgets all requests.
    pub fn clear(&mut self) {
        (self.taken, self.length) = (0, 0);
    }

    /// Adds a request.
    ///
    /// # Panics
    /// If there is no room for it.
    pub fn push(&mut self, request: IoRequest<'_>) {
        let control = self.controls[self.length].get_mut();
        control.aio_data = request.data;
        // include/uapi/linux/aio_abi.h
        control.aio_lio_opcode = match request.transfer {
            Transfer::Read => 0,
            Transfer::Write => 1,
        };
        control.aio_fildes = request.file.as_raw_fd() as u32;
        control.aio_buf = request.memory as u64;
        control.aio_nbytes = request.length as u64;
        control.aio_offset = request.offset as i64;
        self.length += 1;
    }

    /// How many requests were added.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether none was added.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The requests that were added and that the kernel has not taken yet, by number.
    pub fn waiting(&self) -> Range<usize> {
        self.taken..self.length
    }

    /// What the completion of a request carries, by its number.
    pub fn data(&self, number: usize) -> u64 {
        // SAFETY: nobody writes but `push`, which has this value to itself.
        unsafe { (*self.controls[number].get()).aio_data }
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

    /// Submits the requests that are waiting, in order, and gives the numbers of those that were taken; none stands
    /// for EAGAIN, "no room now".
    ///
    /// # Errors
    /// Those of io_submit(2) for the first request.
    ///
    /// # Safety
    /// The memory and the file of each request must stay valid until its completion was returned by
    /// [`Context::events`] or the context is dropped, and nobody else may use the memory until then.
    pub unsafe fn submit(&self, batch: &mut Batch) -> io::Result<Range<usize>> {
        let waiting = batch.waiting();
        let pointers = &mut batch.pointers[waiting.clone()];
        // SAFETY: the pointers lead to control blocks that nobody holds; for what these lead to the caller
        // answers.
        let code =
            unsafe { libc::syscall(libc::SYS_io_submit, self.0, pointers.len(), pointers.as_mut_ptr()) };
        let count = match checked(code) {
            Err(error) if error.raw_os_error() == Some(libc::EAGAIN) => 0,
            result => result?,
        };
        batch.taken += count;
        Ok(waiting.start..batch.taken)
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
    use std::fs::File;
    use std::os::fd::AsFd;

    fn request<'a>(transfer: Transfer, file: &'a File, memory: &mut [u8], offset: u64) -> IoRequest<'a> {
        let data = 7 + offset;
        let (length, memory) = (memory.len(), memory.as_mut_ptr());
        IoRequest { transfer, file: file.as_fd(), memory, length, offset, data }
    }

    #[test]
    fn what_is_written_is_read() {
        let file = tempfile::tempfile().unwrap();
        let context = Context::new(4).unwrap();
        let (mut first, mut second) = (*b"abcd", *b"efgh");
        let mut batch = Batch::new(2);
        batch.push(request(Transfer::Write, &file, &mut first, 0));
        batch.push(request(Transfer::Write, &file, &mut second, 4));
        let mut events = [Event::default(); 4];
        // SAFETY: the memory outlives the wait.
        assert_eq!(unsafe { context.submit(&mut batch) }.unwrap(), 0..2);
        assert_eq!((batch.waiting(), batch.data(0), batch.data(1)), (2..2, 7, 11));
        assert_eq!(context.events(2, &mut events, None).unwrap(), 2);
        let mut seen: Vec<(u64, u64)> =
            events[..2].iter().map(|event| (event.data, event.result().unwrap())).collect();
        seen.sort();
        assert_eq!(seen, [(7, 4), (11, 4)]);

        let mut copy = [0; 16];
        batch.clear();
        batch.push(request(Transfer::Read, &file, &mut copy, 0));
        // SAFETY: the memory outlives the wait.
        assert_eq!(unsafe { context.submit(&mut batch) }.unwrap(), 0..1);
        assert_eq!(context.events(1, &mut events, None).unwrap(), 1);
        assert_eq!((events[0].data, events[0].result().unwrap()), (7, 8));
        assert_eq!(&copy[..9], b"abcdefgh\0");
    }

    #[test]
    fn a_full_queue_takes_a_part() {
        let file = tempfile::tempfile().unwrap();
        let context = Context::new(1).unwrap();
        // The kernel makes the ring larger than was asked for, by the number of CPUs and whole pages.
        let most = 20_000;
        let mut batch = Batch::new(most);
        let mut byte = [1];
        (0..most as u64).for_each(|offset| batch.push(request(Transfer::Write, &file, &mut byte, offset)));
        // SAFETY: the memory outlives the context.
        let taken = unsafe { context.submit(&mut batch) }.unwrap();
        assert!(taken.start == 0 && taken.end > 0 && taken.end < most, "{taken:?}");
        assert_eq!(batch.waiting(), taken.end..most);
        // SAFETY: as above.
        assert_eq!(unsafe { context.submit(&mut batch) }.unwrap(), taken.end..taken.end);
        assert_eq!(context.events(1, &mut [Event::default()], None).unwrap(), 1);
        assert_eq!(file.metadata().unwrap().len(), taken.end as u64);
    }

    #[test]
    fn errors_come_with_the_event_or_the_submission() {
        let context = Context::new(1).unwrap();
        let directory = File::open("/").unwrap();
        let mut batch = Batch::new(1);
        batch.push(request(Transfer::Read, &directory, &mut [0], 0));
        // SAFETY: nothing is submitted: a directory has no read.
        let error = unsafe { context.submit(&mut batch) }.unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EINVAL));
        assert_eq!(batch.waiting(), 0..1);
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
