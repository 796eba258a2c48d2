//! How the server behaves while a sequence runs, as far as it is drawn, and its text.

use std::fmt;
use std::str::FromStr;

use lab_protocol::{
    Distribution, Effect, Fault, FaultOperation, ReplyOrder, ServerSettings, StorageSettings, Times,
};

/// Storage latency, the order of replies, and a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Conditions {
    pub(crate) latency_us: u64,
    pub(crate) jitter_us: u64,
    pub(crate) order: ReplyOrder,
    /// What random replies and latencies are drawn from.
    pub(crate) seed: u64,
    pub(crate) fault: Option<DrawnFault>,
}

/// One READ or WRITE goes wrong, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DrawnFault {
    pub(crate) on: FaultOn,
    /// So many requests are spared at first.
    pub(crate) after: u64,
    /// The bytes that are transferred all the same; none for EIO.
    pub(crate) short: Option<u32>,
}

/// Which requests a fault hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultOn {
    Reads,
    Writes,
}

/// How long replies are collected where they are sent in another order, microseconds.
const WINDOW_US: u64 = 300;

impl Conditions {
    /// Storage without latency, and nothing out of order or wrong.
    pub(crate) const PLAIN: Conditions =
        Conditions { latency_us: 0, jitter_us: 0, order: ReplyOrder::Done, seed: 0, fault: None };

    /// Puts them into the settings of a server.
    pub(crate) fn apply(&self, settings: &mut ServerSettings) {
        settings.storage = StorageSettings {
            latency_us: self.latency_us,
            distribution: Distribution::Uniform,
            jitter_us: self.jitter_us,
            ..StorageSettings::OFF
        };
        settings.reply_order = self.order;
        settings.reply_window_us = match self.order {
            ReplyOrder::Done => 0,
            ReplyOrder::Reversed | ReplyOrder::Random => WINDOW_US,
        };
        settings.seed = self.seed;
        settings.faults = self.fault.iter().map(DrawnFault::fault).collect();
    }
}

impl DrawnFault {
    fn fault(&self) -> Fault {
        let operation = match self.on {
            FaultOn::Reads => "read",
            FaultOn::Writes => "write",
        };
        let operation = operation.parse().unwrap_or(FaultOperation::DATA);
        let effect = self.short.map_or(Effect::Eio, |bytes| Effect::Short { bytes });
        Fault { operation, offset_kib: None, after: self.after, times: Times::Once, effect }
    }
}

impl fmt::Display for Conditions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Conditions { latency_us, jitter_us, order, seed, fault } = self;
        if *latency_us > 0 {
            write!(f, " latency={latency_us}")?;
        }
        if *jitter_us > 0 {
            write!(f, " jitter={jitter_us}")?;
        }
        match order {
            ReplyOrder::Done => {}
            ReplyOrder::Reversed => write!(f, " order=reversed")?,
            ReplyOrder::Random => write!(f, " order=random")?,
        }
        if *seed > 0 {
            write!(f, " seed={seed}")?;
        }
        let Some(DrawnFault { on, after, short }) = fault else { return Ok(()) };
        let on = match on {
            FaultOn::Reads => "read",
            FaultOn::Writes => "write",
        };
        match short {
            None => write!(f, " fault={on},eio,{after}"),
            Some(bytes) => write!(f, " fault={on},short-{bytes},{after}"),
        }
    }
}

impl FromStr for Conditions {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut conditions = Conditions::PLAIN;
        for word in text.split_ascii_whitespace() {
            let known = match word.split_once('=') {
                Some(("latency", value)) => value.parse().map(|us| conditions.latency_us = us).is_ok(),
                Some(("jitter", value)) => value.parse().map(|us| conditions.jitter_us = us).is_ok(),
                Some(("seed", value)) => value.parse().map(|seed| conditions.seed = seed).is_ok(),
                Some(("order", "reversed")) => set(&mut conditions.order, ReplyOrder::Reversed),
                Some(("order", "random")) => set(&mut conditions.order, ReplyOrder::Random),
                Some(("fault", value)) => {
                    conditions.fault = fault(value);
                    conditions.fault.is_some()
                }
                _ => false,
            };
            if !known {
                return Err(format!("`{word}` says nothing of how the server behaves"));
            }
        }
        Ok(conditions)
    }
}

fn set(order: &mut ReplyOrder, to: ReplyOrder) -> bool {
    *order = to;
    true
}

fn fault(text: &str) -> Option<DrawnFault> {
    let [on, effect, after] = <[&str; 3]>::try_from(text.split(',').collect::<Vec<_>>()).ok()?;
    let on = match on {
        "read" => FaultOn::Reads,
        "write" => FaultOn::Writes,
        _ => return None,
    };
    let short = match effect {
        "eio" => None,
        _ => Some(effect.strip_prefix("short-")?.parse().ok()?),
    };
    Some(DrawnFault { on, after: after.parse().ok()?, short })
}
