//! What goes wrong by setting, at which requests.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use lab_protocol::{Effect, Fault};

use crate::stats::Direction;

/// The faults of a server.
#[derive(Debug)]
pub(crate) struct Faults {
    faults: Vec<Armed>,
}

#[derive(Debug)]
struct Armed {
    fault: Fault,
    seen: AtomicU64,
}

impl Faults {
    /// None if nothing goes wrong.
    pub(crate) fn new(faults: &[Fault]) -> Option<Self> {
        let armed = |fault: &Fault| Armed { fault: fault.clone(), seen: AtomicU64::new(0) };
        (!faults.is_empty()).then(|| Faults { faults: faults.iter().map(armed).collect() })
    }

    /// What goes wrong with a READ or WRITE.
    pub(crate) fn strike(&self, _direction: Direction, _offset: u64, _size: u32) -> Option<Effect> {
        let hits = |armed: &&Armed| armed.seen.fetch_add(1, Relaxed) == armed.fault.after;
        self.faults.iter().find(hits).map(|armed| armed.fault.effect)
    }
}
