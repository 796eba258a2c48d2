//! How the server behaves: what can change while it is mounted.
//!
//! Each request meets one behaviour, the one that holds when it arrives, and finishes under it.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use anyhow::Context;
use lab_protocol::Behaviour;

use crate::actions::Actions;
use crate::device::Device;
use crate::fault::{Faults, Share};
use crate::model::Model;
use crate::order::ReplyQueue;
use crate::stats::Operation;
use crate::storage::await_exact_timers;

/// A behaviour with what it counts and whoever waits in it.
#[derive(Debug)]
pub(crate) struct Behaving {
    /// What is looked for in each request; none if there is nothing, which costs requests least.
    watch: Option<Watch>,
    pub(crate) model: Option<Model>,
    pub(crate) reply_queue: Option<ReplyQueue>,
    /// What is random in it is drawn from that.
    pub(crate) seed: u64,
}

/// What requests are looked at for.
#[derive(Debug)]
struct Watch {
    faults: Option<Faults>,
    /// They outlive the behaviour.
    actions: Option<Arc<Actions>>,
}

impl Behaving {
    /// Nothing is counted yet; `actions` are those of the server. Waits until the server can sleep as exactly as it is to.
    ///
    /// # Errors
    /// If the kernel's timers are not exact, or it has no more descriptors.
    pub(crate) fn new(behaviour: &Behaviour, actions: Option<&Arc<Actions>>) -> anyhow::Result<Self> {
        if behaviour.takes_time() {
            await_exact_timers()?;
        }
        let faults = Faults::new(&behaviour.faults).context("preparing the faults")?;
        let is_watching = faults.is_some() || actions.is_some();
        Ok(Behaving {
            watch: is_watching.then(|| Watch { faults, actions: actions.cloned() }),
            model: Model::new(&behaviour.storage, behaviour.seed),
            reply_queue: ReplyQueue::new(behaviour),
            seed: behaviour.seed,
        })
    }

    /// Shows a request to whoever waits for it, and gives what is left of it by its fault, if it has one: see
    /// [`Faults::apply`].
    ///
    /// # Errors
    /// What the request is to be answered instead of being served.
    pub(crate) fn apply_fault(
        &self,
        operation: Operation,
        bytes: Range<u64>,
        device: &OnceLock<Device>,
    ) -> rustix::io::Result<Share> {
        let Some(Watch { faults, actions }) = &self.watch else { return Ok(Share::Whole) };
        if let Some(actions) = actions {
            actions.notice(operation);
        }
        faults.as_ref().map_or(Ok(Share::Whole), |faults| faults.apply(operation, bytes, device))
    }

    /// Whether something may go wrong.
    pub(crate) fn has_faults(&self) -> bool {
        self.faults().is_some()
    }

    /// Whether requests are never answered now.
    pub(crate) fn is_hanging(&self) -> bool {
        self.faults().is_some_and(Faults::are_hanging)
    }

    /// Lets go of what hangs, now that another behaviour holds.
    ///
    /// # Errors
    /// None that Linux documents.
    pub(crate) fn release(&self) -> rustix::io::Result<()> {
        self.faults().map_or(Ok(()), Faults::release)
    }

    fn faults(&self) -> Option<&Faults> {
        self.watch.as_ref()?.faults.as_ref()
    }
}
