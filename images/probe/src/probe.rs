//! A probe: its name, why it exists, what it needs, and what it does.

use serde::{Deserialize, Serialize};

use lab_protocol::{Behaviour, Effect, Fault, FaultOperation, ReplyOrder, Times};

use crate::fixture::Fixture;
use crate::stage::Stage;

/// Storage takes this long unless a probe says otherwise, microseconds: long enough for all requests of a call to be sent
/// before the first is answered.
const LATENCY_US: u64 = 500;

/// How long a probe may take unless it says otherwise, seconds of guest time.
const LIMIT_S: u64 = 10;

/// What a probe does, in a child process of its own.
pub type Run = Box<dyn Fn(&mut Stage<'_>) -> anyhow::Result<Observation>>;

/// One probe.
pub struct Probe {
    /// Lower case, digits and dashes; unique.
    pub name: String,
    /// What is done, as the start of a sentence.
    pub title: String,
    /// Why it is worth asking.
    pub why: String,
    /// Whether it is in the quick set.
    pub quick: bool,
    /// The server that it needs.
    pub fixture: Fixture,
    /// How that server behaves.
    pub behaviour: Behaviour,
    /// How long it may take, seconds of guest time; longer than any kernel needs.
    pub limit_s: u64,
    /// What it does.
    pub run: Run,
}

impl Probe {
    /// A probe of the whole set on the usual server.
    pub fn new(
        name: impl Into<String>,
        title: impl Into<String>,
        why: impl Into<String>,
        run: impl Fn(&mut Stage<'_>) -> anyhow::Result<Observation> + 'static,
    ) -> Self {
        let mut behaviour = Behaviour::plain();
        behaviour.storage.latency_us = LATENCY_US;
        Probe {
            name: name.into(),
            title: title.into(),
            why: why.into(),
            quick: false,
            fixture: Fixture::Usual,
            behaviour,
            limit_s: LIMIT_S,
            run: Box::new(run),
        }
    }

    /// In the quick set as well.
    pub fn quick(mut self) -> Self {
        self.quick = true;
        self
    }

    /// In the quick set as well, or not.
    pub fn quick_if(mut self, quick: bool) -> Self {
        self.quick = quick;
        self
    }

    /// On another server.
    pub fn on(mut self, fixture: Fixture) -> Self {
        self.fixture = fixture;
        self
    }

    /// On storage that takes this long.
    pub fn latency_us(mut self, latency_us: u64) -> Self {
        self.behaviour.storage.latency_us = latency_us;
        self
    }

    /// With answers in another order.
    pub fn replies(mut self, order: ReplyOrder, window_us: u64) -> Self {
        (self.behaviour.reply_order, self.behaviour.reply_window_us) = (order, window_us);
        self
    }

    /// With a fault.
    pub fn fault(mut self, fault: Fault) -> Self {
        self.behaviour.faults.push(fault);
        self
    }

    /// With another limit.
    pub fn limit_s(mut self, limit_s: u64) -> Self {
        self.limit_s = limit_s;
        self
    }
}

/// A fault in the request that contains this offset.
pub fn fault_at(operation: FaultOperation, offset_kib: u64, times: Times, effect: Effect) -> Fault {
    Fault { operation, offset_kib: Some(offset_kib), after: 0, times, effect }
}

/// What a probe saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// With a verb, as the end of the sentence that the title begins.
    pub observed: String,
    /// What no kernel may do.
    pub fault: Option<String>,
    /// More for whoever looks closer.
    pub details: Vec<String>,
}

impl Observation {
    /// Nothing but a sentence.
    pub fn new(observed: impl Into<String>) -> Self {
        Observation { observed: observed.into(), fault: None, details: Vec::new() }
    }

    /// With a fault, if there is one and none before it.
    pub fn fault_if_any(mut self, fault: Option<String>) -> Self {
        self.fault = self.fault.or(fault);
        self
    }

    /// With more for whoever looks closer.
    pub fn details(mut self, details: impl IntoIterator<Item = String>) -> Self {
        self.details.extend(details);
        self
    }
}
