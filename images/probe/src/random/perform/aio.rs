//! libaio.

use std::io;
use std::time::Duration;

use aio_stress::aio::{Batch, Context, Event, IoRequest, Transfer};

use super::queue::{Interface, MOST, Request, Taken};
use crate::random::operation::Action;

/// A context of io_setup(2).
pub(super) struct Aio(Context);

impl Aio {
    /// # Errors
    /// If the kernel gives none.
    pub(super) fn new() -> io::Result<Self> {
        Context::new(MOST as u32).map(Aio)
    }
}

impl Interface for Aio {
    unsafe fn submit(&mut self, request: &Request<'_>) -> io::Result<Taken> {
        let mut batch = Batch::new(1);
        batch.push(IoRequest {
            transfer: if request.action == Action::Read { Transfer::Read } else { Transfer::Write },
            file: request.file,
            memory: request.memory,
            length: request.length,
            offset: request.offset,
            data: request.step as u64,
        });
        // SAFETY: the caller keeps memory and file.
        Ok(match unsafe { self.0.submit(&mut batch) } {
            Ok(taken) if !taken.is_empty() => Taken::Yes,
            Ok(_) => Taken::Refused(io::Error::from_raw_os_error(libc::EAGAIN)),
            Err(error) => Taken::Refused(error),
        })
    }

    fn completions(&mut self, least: usize, limit: Duration) -> io::Result<Vec<(usize, io::Result<u64>)>> {
        let mut events = [Event::default(); MOST];
        let count = self.0.events(least, &mut events, Some(limit))?;
        Ok(events.iter().take(count).map(|event| (event.data as usize, event.result())).collect())
    }
}
