//! Asynchronous requests of libaio.

use std::collections::BTreeMap;
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::AsFd;
use std::time::Duration;

use aio_stress::aio::{Batch, Context, Event, IoRequest, Transfer};

use super::files::Files;
use super::worker::{Finished, Order, Task};
use crate::random::operation::Action;

/// The most requests under way.
const MOST: usize = 64;

/// Requests that were submitted and have not completed.
#[derive(Debug)]
pub(super) struct Queue {
    /// Not dropped while requests are under way that do not end: that would wait for them.
    context: ManuallyDrop<Context>,
    under_way: ManuallyDrop<BTreeMap<usize, (u64, Task)>>,
}

/// What came out of the queue.
#[derive(Debug)]
pub(super) enum Reaped {
    Finished(Box<Finished>),
    /// The completion of a request that had completed before, at this time.
    Again {
        step: usize,
        at: u64,
    },
}

impl Queue {
    pub(super) fn new() -> io::Result<Self> {
        let context = ManuallyDrop::new(Context::new(MOST as u32)?);
        Ok(Queue { context, under_way: ManuallyDrop::default() })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.under_way.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.under_way.len() == MOST
    }

    /// Hands a request to the kernel; what cannot be submitted is finished.
    pub(super) fn submit(&mut self, files: &Files, order: &Order, mut task: Task) -> Option<Finished> {
        let begin = order.next();
        let operation = task.operation;
        let memory = task.memory.bytes_mut();
        let mut batch = Batch::new(1);
        batch.push(IoRequest {
            transfer: if operation.action == Action::Read { Transfer::Read } else { Transfer::Write },
            file: files.file(operation.file).by(operation.way).as_fd(),
            memory: memory.as_mut_ptr(),
            length: memory.len(),
            offset: operation.at,
            data: task.step as u64,
        });
        // SAFETY: the memory is kept in `under_way`, and the files live as long as the run does; where requests do not
        // end, neither is freed.
        let result = unsafe { self.context.submit(&mut batch) };
        let refused = match result {
            Ok(taken) if !taken.is_empty() => None,
            Ok(_) => Some(io::Error::from_raw_os_error(libc::EAGAIN)),
            Err(error) => Some(error),
        };
        match refused {
            Some(error) => Some(Finished { task, begin, end: order.next(), result: Err(error) }),
            None => {
                self.under_way.insert(task.step, (begin, task));
                None
            }
        }
    }

    /// Waits for at least so many requests, of those that are under way, and gives those that have completed; none if
    /// that takes longer than `limit`.
    pub(super) fn reap(&mut self, order: &Order, least: usize, limit: Duration) -> io::Result<Vec<Reaped>> {
        let mut events = [Event::default(); MOST];
        let least = least.min(self.under_way.len());
        let count = self.context.events(least, &mut events, Some(limit))?;
        let at = order.next();
        let reaped = events.iter().take(count).map(|event| {
            let step = event.data as usize;
            match self.under_way.remove(&step) {
                Some((begin, task)) => {
                    Reaped::Finished(Box::new(Finished { task, begin, end: at, result: event.result() }))
                }
                None => Reaped::Again { step, at },
            }
        });
        Ok(reaped.collect())
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        if self.under_way.is_empty() {
            // SAFETY: neither is used again.
            unsafe {
                ManuallyDrop::drop(&mut self.context);
                ManuallyDrop::drop(&mut self.under_way);
            }
        }
    }
}
