//! Native asynchronous I/O as the kernel has it, with all that a control block can say and a completion tells.

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd};
use std::time::Duration;

use anyhow::Context as _;

use crate::clock;
use crate::memory::Memory;
use crate::outcome::Outcome;

/// What a control block asks for (`include/uapi/linux/aio_abi.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opcode {
    /// IOCB_CMD_PREAD
    Read,
    /// IOCB_CMD_PWRITE
    Write,
    /// IOCB_CMD_FSYNC
    Fsync,
    /// IOCB_CMD_PREADV
    ReadPieces,
    /// IOCB_CMD_PWRITEV
    WritePieces,
}

impl Opcode {
    fn number(self) -> u16 {
        match self {
            Opcode::Read => 0,
            Opcode::Write => 1,
            Opcode::Fsync => 2,
            Opcode::ReadPieces => 7,
            Opcode::WritePieces => 8,
        }
    }
}

/// How long a completion is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// IOCB_FLAG_RESFD
const RESFD: u32 = 1;

/// Control blocks, at addresses that stay.
#[derive(Debug, Default)]
pub(crate) struct Commands {
    #[expect(clippy::vec_box, reason = "the kernel keeps their addresses, and the vector grows")]
    blocks: Vec<Box<libc::iocb>>,
    /// The segments of those that have some.
    pieces: Vec<Box<[libc::iovec]>>,
}

impl Commands {
    /// Nothing to do.
    pub(crate) fn new() -> Self {
        Commands::default()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Adds one between a file and memory from byte `at` of it on. Its completion carries its number, from 0.
    pub(crate) fn add(
        &mut self,
        opcode: Opcode,
        file: BorrowedFd<'_>,
        (memory, at, length): (&Memory, usize, usize),
        offset: u64,
    ) {
        self.push(opcode, file, (memory.at(at) as u64, length as u64), offset);
    }

    /// Adds one with segments of memory, each with begin and length.
    pub(crate) fn add_pieces(
        &mut self,
        opcode: Opcode,
        file: BorrowedFd<'_>,
        memory: &Memory,
        pieces: &[(usize, usize)],
        offset: u64,
    ) {
        let segment =
            |(at, length): &(usize, usize)| libc::iovec { iov_base: memory.at(*at).cast(), iov_len: *length };
        let pieces: Box<[libc::iovec]> = pieces.iter().map(segment).collect();
        self.push(opcode, file, (pieces.as_ptr() as u64, pieces.len() as u64), offset);
        self.pieces.push(pieces);
    }

    /// Adds an fsync(2).
    pub(crate) fn add_fsync(&mut self, file: BorrowedFd<'_>) {
        self.push(Opcode::Fsync, file, (0, 0), 0);
    }

    /// Has each completion add 1 to an eventfd.
    pub(crate) fn notify(&mut self, eventfd: BorrowedFd<'_>) {
        for block in &mut self.blocks {
            block.aio_flags = RESFD;
            block.aio_resfd = eventfd.as_raw_fd() as u32;
        }
    }

    /// The address of one, which its completion tells.
    pub(crate) fn address(&self, number: usize) -> u64 {
        self.blocks.get(number).map_or(0, |block| std::ptr::from_ref::<libc::iocb>(block) as u64)
    }

    fn push(&mut self, opcode: Opcode, file: BorrowedFd<'_>, (buffer, length): (u64, u64), offset: u64) {
        // SAFETY: an iocb is made of integers, for each of which zero is valid.
        let mut block: Box<libc::iocb> = Box::new(unsafe { std::mem::zeroed() });
        block.aio_data = self.blocks.len() as u64;
        block.aio_lio_opcode = opcode.number();
        block.aio_fildes = file.as_raw_fd() as u32;
        block.aio_buf = buffer;
        block.aio_nbytes = length;
        block.aio_offset = offset as i64;
        self.blocks.push(block);
    }
}

/// A completion (`struct io_event`).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Event {
    /// The number of its command.
    pub data: u64,
    /// The address of its control block.
    pub object: u64,
    /// Bytes, or an error number below zero.
    pub result: i64,
    /// Always 0, as far as anybody knows.
    pub result2: i64,
}

impl Event {
    /// What came of the command.
    pub(crate) fn outcome(&self) -> Outcome {
        match u64::try_from(self.result) {
            Ok(bytes) => Outcome::Bytes(bytes),
            Err(_) => Outcome::Error(-self.result as i32),
        }
    }
}

/// A context.
#[derive(Debug)]
pub(crate) struct Context(libc::c_ulong);

impl Context {
    /// For so many commands at a time.
    ///
    /// # Errors
    /// Those of io_setup(2).
    pub(crate) fn new(commands: u32) -> io::Result<Self> {
        let mut id: libc::c_ulong = 0;
        // SAFETY: `id` is zero and can be written to.
        let code = unsafe { libc::syscall(libc::SYS_io_setup, libc::c_long::from(commands), &raw mut id) };
        if code == 0 { Ok(Context(id)) } else { Err(io::Error::last_os_error()) }
    }

    /// io_submit(2) with all of the commands: how many the kernel took, or an error. Whoever calls keeps commands, memory
    /// and this value until all of them are complete or the context is destroyed; what memory is gone by then gives
    /// EFAULT.
    pub(crate) fn submit(&self, commands: &mut Commands) -> Outcome {
        let mut pointers: Vec<*mut libc::iocb> =
            commands.blocks.iter_mut().map(|block| std::ptr::from_mut::<libc::iocb>(block)).collect();
        // SAFETY: the pointers lead to control blocks that stay for the call; the kernel checks what these say.
        let code =
            unsafe { libc::syscall(libc::SYS_io_submit, self.0, pointers.len(), pointers.as_mut_ptr()) };
        Outcome::of(code as isize)
    }

    /// Waits until there are so many completions, or the time has passed, and gives those that there are.
    ///
    /// # Errors
    /// Those of io_getevents(2) but EINTR.
    pub(crate) fn events(&self, least: usize, limit: Duration) -> io::Result<Vec<Event>> {
        const ROOM: usize = 256;
        let limit = clock::long(limit);
        let limit =
            libc::timespec { tv_sec: limit.as_secs() as i64, tv_nsec: i64::from(limit.subsec_nanos()) };
        let mut events = vec![Event::default(); ROOM];
        loop {
            let (id, room) = (self.0, events.as_mut_ptr());
            // SAFETY: there is room for so many events, which any bytes are, and the time is valid.
            let code = unsafe {
                libc::syscall(libc::SYS_io_getevents, id, least, ROOM, room, std::ptr::from_ref(&limit))
            };
            match (usize::try_from(code), io::Error::last_os_error()) {
                (Ok(count), _) => {
                    events.truncate(count);
                    return Ok(events);
                }
                (Err(_), error) if error.kind() == io::ErrorKind::Interrupted => {}
                (Err(_), error) => return Err(error),
            }
        }
    }

    /// io_cancel(2) of one command.
    pub(crate) fn cancel(&self, commands: &Commands, number: usize) -> Outcome {
        let mut event = Event::default();
        let address = commands.address(number);
        // SAFETY: the kernel reads a control block and writes an event.
        let code = unsafe { libc::syscall(libc::SYS_io_cancel, self.0, address, &raw mut event) };
        Outcome::of(code as isize)
    }

    /// io_destroy(2).
    pub(crate) fn destroy(self) -> Outcome {
        let id = self.0;
        std::mem::forget(self);
        // SAFETY: nobody has the context any more.
        Outcome::of(unsafe { libc::syscall(libc::SYS_io_destroy, id) } as isize)
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: nobody has the context any more.
        unsafe { libc::syscall(libc::SYS_io_destroy, self.0) };
    }
}

/// What came of one command, or of its submission.
///
/// # Errors
/// If it completes never, or twice.
pub(crate) fn one_by_aio(commands: &mut Commands) -> anyhow::Result<Outcome> {
    let context = Context::new(8).context("io_setup(2)")?;
    match context.submit(commands) {
        Outcome::Bytes(1) => {}
        other @ (Outcome::Bytes(_) | Outcome::Error(_)) => return Ok(other),
    }
    let events = context.events(1, PATIENCE).context("io_getevents(2)")?;
    let [event] = events.as_slice() else { anyhow::bail!("{} completions of one command", events.len()) };
    let more = context.events(0, Duration::ZERO).context("io_getevents(2)")?;
    anyhow::ensure!(more.is_empty(), "a second completion of one command");
    anyhow::ensure!(event.object == commands.address(0), "the completion of another command");
    anyhow::ensure!(event.result2 == 0, "res2 of a completion is {}", event.result2);
    Ok(event.outcome())
}
