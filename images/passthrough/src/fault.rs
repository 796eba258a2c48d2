//! A fault that the server is told to have: its own death in the middle of the work.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts down to the server's death.
#[derive(Debug)]
pub(crate) struct Fault {
    requests_left: AtomicU64,
}

impl Fault {
    /// Death at the READ or WRITE with this number; none for 0.
    pub(crate) fn new(die_after_requests: u64) -> Option<Self> {
        (die_after_requests > 0).then(|| Fault { requests_left: AtomicU64::new(die_after_requests) })
    }

    /// Notes that a READ or WRITE was received; does not return from the one that is the last.
    pub(crate) fn arrive(&self) {
        if self.requests_left.fetch_sub(1, Ordering::Relaxed) == 1 {
            std::process::abort();
        }
    }
}
