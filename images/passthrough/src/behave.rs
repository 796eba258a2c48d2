//! How the server behaves: what can change while it is mounted.
//!
//! Each request meets one behaviour, the one that holds when it arrives, and finishes under it.

use std::ops::Range;
use std::sync::OnceLock;

use anyhow::Context;
use lab_protocol::Behaviour;

use crate::device::Device;
use crate::fault::{Faults, Share};
use crate::model::Model;
use crate::order::ReplyQueue;
use crate::stats::Operation;
use crate::storage::await_exact_timers;

/// A behaviour with what it counts and whoever waits in it.
#[derive(Debug)]
pub(crate) struct Behaving {
    pub(crate) faults: Option<Faults>,
    pub(crate) model: Option<Model>,
    pub(crate) reply_queue: Option<ReplyQueue>,
    /// What is random in it is drawn from that.
    pub(crate) seed: u64,
}

impl Behaving {
    /// Nothing is counted yet. Waits until the server can sleep as exactly as it is to.
    ///
    /// # Errors
    /// If the kernel's timers are not exact, or it has no more descriptors.
    pub(crate) fn new(behaviour: &Behaviour) -> anyhow::Result<Self> {
        if behaviour.takes_time() {
            await_exact_timers()?;
        }
        Ok(Behaving {
            faults: Faults::new(&behaviour.faults).context("preparing the faults")?,
            model: Model::new(&behaviour.storage, behaviour.seed),
            reply_queue: ReplyQueue::new(behaviour),
            seed: behaviour.seed,
        })
    }

    /// What is left of a request by its fault, if it has one: see [`Faults::apply`].
    ///
    /// # Errors
    /// What the request is to be answered instead of being served.
    pub(crate) fn apply_fault(
        &self,
        operation: Operation,
        bytes: Range<u64>,
        device: &OnceLock<Device>,
    ) -> rustix::io::Result<Share> {
        self.faults.as_ref().map_or(Ok(Share::Whole), |faults| faults.apply(operation, bytes, device))
    }

    /// Lets go of what hangs, now that another behaviour holds.
    ///
    /// # Errors
    /// None that Linux documents.
    pub(crate) fn release(&self) -> rustix::io::Result<()> {
        self.faults.as_ref().map_or(Ok(()), Faults::release)
    }
}
