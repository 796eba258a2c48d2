//! What is under way with libaio and with io_uring.

use std::io;
use std::time::Duration;

use anyhow::Context as _;

use super::aio::Aio;
use super::files::Files;
use super::queue::{MOST, Queue, Reaped};
use super::ring::Ring;
use super::worker::{EventCounter, Finished, Task};
use crate::random::operation::By;

/// Both.
pub(super) struct Queues {
    aio: Queue,
    /// From its first request on: not every kernel has io_uring.
    ring: Option<Queue>,
}

/// What came of waiting.
pub(super) struct Waited {
    pub(super) reaped: Vec<Reaped>,
    /// Nothing has completed for too long.
    pub(super) is_stuck: bool,
}

impl Queues {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Queues { aio: Queue::new(Box::new(Aio::new()?)), ring: None })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.aio.len() == 0 && self.ring.as_ref().is_none_or(|ring| ring.len() == 0)
    }

    /// Whether whoever does this operation has no room for one more.
    pub(super) fn is_full(&self, by: By) -> bool {
        match by {
            By::Aio => self.aio.len() >= MOST,
            By::Uring => self.ring.as_ref().is_some_and(|ring| ring.len() >= MOST),
            By::Main | By::Thread(_) => false,
        }
    }

    /// Hands a request to the kernel; what it does not take is finished.
    pub(super) fn submit(
        &mut self,
        files: &Files,
        counter: &EventCounter,
        task: Task,
    ) -> anyhow::Result<Option<Finished>> {
        let queue = match (task.operation.by, &mut self.ring) {
            (By::Uring, Some(ring)) => ring,
            (By::Uring, none) => none.insert(Queue::new(Box::new(Ring::new().context("making a ring")?))),
            (By::Aio | By::Main | By::Thread(_), _) => &mut self.aio,
        };
        queue.submit(files, counter, task).context("submitting a request")
    }

    /// Waits for so many requests, first of libaio and then of io_uring, each time no longer than `limit`, and gives all that
    /// have completed.
    pub(super) fn reap(
        &mut self,
        counter: &EventCounter,
        least: usize,
        limit: Duration,
    ) -> anyhow::Result<Waited> {
        let mut waited = Waited { reaped: Vec::new(), is_stuck: false };
        for queue in std::iter::once(&mut self.aio).chain(&mut self.ring) {
            let wanted = least.saturating_sub(waited.reaped.len()).min(queue.len());
            let reaped = queue.reap(counter, wanted, limit).context("waiting for completions")?;
            waited.is_stuck |= wanted > 0 && reaped.is_empty();
            waited.reaped.extend(reaped);
        }
        Ok(waited)
    }
}
