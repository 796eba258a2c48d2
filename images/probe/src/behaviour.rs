//! What can be changed in a server between two probes.

use lab_protocol::{Fault, ReplyOrder, ServerSettings, StorageSettings};

/// How a server behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behaviour {
    /// The storage.
    pub storage: StorageSettings,
    /// In which order requests are answered.
    pub reply_order: ReplyOrder,
    /// How long answers are collected for another order, microseconds.
    pub reply_window_us: u64,
    /// What random orders are drawn from.
    pub seed: u64,
    /// What goes wrong.
    pub faults: Vec<Fault>,
}

impl Behaviour {
    /// Nothing goes wrong, and each READ and WRITE takes this long.
    pub fn with_latency_us(latency_us: u64) -> Self {
        Behaviour {
            storage: StorageSettings { latency_us, ..StorageSettings::OFF },
            reply_order: ReplyOrder::Done,
            reply_window_us: 0,
            seed: 1,
            faults: Vec::new(),
        }
    }

    /// Settings with this behaviour.
    pub fn put_into(&self, settings: ServerSettings) -> ServerSettings {
        let Behaviour { storage, reply_order, reply_window_us, seed, faults } = self.clone();
        ServerSettings { storage, reply_order, reply_window_us, seed, faults, ..settings }
    }
}
