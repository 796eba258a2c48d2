//! Asynchronous requests that are under way with one interface of the kernel.

use std::collections::BTreeMap;
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use super::files::Files;
use super::worker::{EventCounter, Finished, Task};
use crate::random::operation::Action;

/// The most requests under way.
pub(super) const MOST: usize = 64;

/// An interface that takes requests and tells later what came of them.
pub(super) trait Interface {
    /// Hands one request to the kernel.
    ///
    /// # Errors
    /// If the interface fails, and cannot be used again.
    ///
    /// # Safety
    /// If it was taken, memory and file stay until its completion.
    unsafe fn submit(&mut self, request: &Request<'_>) -> io::Result<Taken>;

    /// Waits for so many completions, if not longer than `limit`, and gives those that there are, with their steps.
    ///
    /// # Errors
    /// If the interface fails.
    fn completions(&mut self, least: usize, limit: Duration) -> io::Result<Vec<(usize, io::Result<u64>)>>;
}

/// A transfer.
pub(super) struct Request<'a> {
    pub(super) step: usize,
    pub(super) action: Action,
    pub(super) file: BorrowedFd<'a>,
    pub(super) memory: *mut u8,
    pub(super) length: usize,
    pub(super) offset: u64,
}

/// Whether the kernel has it.
#[derive(Debug)]
pub(super) enum Taken {
    Yes,
    Refused(io::Error),
}

/// Requests that were submitted and have not completed.
pub(super) struct Queue {
    /// Not dropped while requests are under way that do not end: that would wait for them.
    interface: ManuallyDrop<Box<dyn Interface>>,
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
    pub(super) fn new(interface: Box<dyn Interface>) -> Self {
        Queue { interface: ManuallyDrop::new(interface), under_way: ManuallyDrop::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.under_way.len()
    }

    /// Hands a request to the kernel; what it does not take is finished.
    pub(super) fn submit(
        &mut self,
        files: &Files,
        counter: &EventCounter,
        mut task: Task,
    ) -> io::Result<Option<Finished>> {
        let begin = counter.next();
        let operation = task.operation;
        let memory = task.memory.bytes_mut();
        let request = Request {
            step: task.step,
            action: operation.action,
            file: files.file(operation.file).by(operation.way).as_fd(),
            memory: memory.as_mut_ptr(),
            length: memory.len(),
            offset: operation.at,
        };
        // SAFETY: the memory is kept in `under_way`, and the files live as long as the run does; where requests do not
        // end, neither is freed.
        match unsafe { self.interface.submit(&request) }? {
            Taken::Refused(error) => {
                Ok(Some(Finished { task, begin, end: counter.next(), result: Err(error) }))
            }
            Taken::Yes => {
                self.under_way.insert(task.step, (begin, task));
                Ok(None)
            }
        }
    }

    /// Waits for so many of the requests that are under way, if not longer than `limit`, and gives those that have completed.
    pub(super) fn reap(
        &mut self,
        counter: &EventCounter,
        least: usize,
        limit: Duration,
    ) -> io::Result<Vec<Reaped>> {
        let completions = self.interface.completions(least, limit)?;
        let at = counter.next();
        let reaped = completions.into_iter().map(|(step, result)| match self.under_way.remove(&step) {
            Some((begin, task)) => Reaped::Finished(Box::new(Finished { task, begin, end: at, result })),
            None => Reaped::Again { step, at },
        });
        Ok(reaped.collect())
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        if self.under_way.is_empty() {
            // SAFETY: neither is used again.
            unsafe {
                ManuallyDrop::drop(&mut self.interface);
                ManuallyDrop::drop(&mut self.under_way);
            }
        }
    }
}
