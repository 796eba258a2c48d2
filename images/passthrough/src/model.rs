//! The model of the storage: when the operation that a READ or WRITE becomes is done.

use std::time::{Duration, Instant};

use lab_protocol::StorageSettings;

use crate::stats::Direction;

/// What a READ or WRITE asks of the storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Access {
    /// The inode's number.
    pub(crate) inode: u64,
    pub(crate) direction: Direction,
    /// Bytes from the begin of the file.
    pub(crate) offset: u64,
    /// Bytes.
    pub(crate) size: u32,
}

/// Storage that takes time.
#[derive(Debug)]
pub(crate) struct Model {
    latency: Duration,
}

/// An access that has begun.
#[derive(Debug)]
pub(crate) struct Ticket {
    done: Instant,
}

impl Model {
    /// None if the settings model nothing.
    pub(crate) fn new(settings: &StorageSettings, _seed: u64) -> Option<Self> {
        (!settings.is_off()).then(|| Model { latency: Duration::from_micros(settings.latency_us) })
    }

    /// Hands an access to the storage.
    pub(crate) fn begin(&self, _access: &Access) -> Ticket {
        Ticket { done: Instant::now() + self.latency }
    }

    /// Waits until the storage is done with an access.
    pub(crate) fn finish(&self, ticket: Ticket) {
        let left = ticket.done.saturating_duration_since(Instant::now());
        if !left.is_zero() {
            std::thread::sleep(left);
        }
    }
}
