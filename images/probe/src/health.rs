//! What must be so after each probe, whatever it did: the kernel is not tainted, and no page stays pinned.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::clock;
use crate::vmstat::Counters;

/// How long pages may stay pinned after the last answer: on a machine with other work they belong to someone else.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the kernel says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Health {
    tainted: u64,
    /// Pages that are pinned; none if the kernel does not count them.
    pinned: Option<i64>,
}

impl Health {
    /// Asks the kernel.
    ///
    /// # Errors
    /// If `/proc` cannot be read.
    pub(crate) fn read() -> anyhow::Result<Self> {
        let tainted = fs::read_to_string("/proc/sys/kernel/tainted").context("reading taint flags")?;
        let tainted = tainted.trim().parse().context("reading taint flags")?;
        Ok(Health { tainted, pinned: Counters::read()?.pinned() })
    }

    /// What has become worse since `self`, after waiting for what may take some time.
    ///
    /// # Errors
    /// If `/proc` cannot be read.
    pub(crate) fn fault_since(self) -> anyhow::Result<Option<String>> {
        let deadline = Instant::now() + clock::long(PATIENCE);
        loop {
            let now = Health::read()?;
            if now.tainted != self.tainted {
                return Ok(Some(format!("the kernel tainted itself: {} -> {}", self.tainted, now.tainted)));
            }
            let left = match (self.pinned, now.pinned) {
                (Some(before), Some(after)) => after - before,
                (None, _) | (_, None) => 0,
            };
            if left <= 0 {
                return Ok(None);
            }
            if Instant::now() > deadline {
                return Ok(Some(format!("{left} pages stay pinned")));
            }
            clock::pause(Duration::from_millis(5));
        }
    }
}
