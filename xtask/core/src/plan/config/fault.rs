//! The faults of a scenario: what goes wrong in its server.

use std::ops::RangeInclusive;

use lab_protocol::{Effect, Fault, Times, UnknownOperation};

use super::error::ConfigError;
use super::reader::Table;
use crate::text::suggest;

/// The most requests that a fault spares, and the largest file, KiB, in which it is.
const MANY: RangeInclusive<u64> = 0..=1_000_000_000;

/// The longest delay, microseconds.
const LONGEST_US: u64 = 10_000_000;

/// Reads one of them.
pub(super) fn parse(table: &Table<'_>) -> Result<Fault, ConfigError> {
    let table = table.clone().only(&[
        "operation",
        "offset-kib",
        "after",
        "times",
        "effect",
        "errno",
        "bytes",
        "delay-us",
    ])?;
    let operation = table.field("operation").text()?;
    let effect = table.field("effect");
    let word = effect.choice(&[
        ("eio", EffectWord::Eio),
        ("errno", EffectWord::Errno),
        ("short", EffectWord::Short),
        ("oversize", EffectWord::Oversize),
        ("delay", EffectWord::Delay),
        ("hang", EffectWord::Hang),
        ("die", EffectWord::Die),
    ])?;
    for (key, of, owners) in [
        ("errno", &[EffectWord::Errno][..], "effect \"errno\""),
        ("bytes", &[EffectWord::Short, EffectWord::Oversize], "effects \"short\" and \"oversize\""),
        ("delay-us", &[EffectWord::Delay], "effect \"delay\""),
    ] {
        if let Some(field) = table.optional(key).filter(|_| !of.contains(&word)) {
            return Err(field.error(format!("belongs to the {owners} only; remove it")));
        }
    }
    let fault = Fault {
        offset_kib: table.optional("offset-kib").map(|field| field.number(MANY)).transpose()?,
        after: table.field("after").number(MANY)?,
        times: table.field("times").choice(&[("once", Times::Once), ("always", Times::Always)])?,
        effect: match word {
            EffectWord::Eio => Effect::Eio,
            EffectWord::Errno => Effect::Errno { errno: table.field("errno").number(0..=u16::MAX)? },
            EffectWord::Oversize => Effect::Oversize { bytes: table.field("bytes").number(0..=1 << 20)? },
            EffectWord::Short => Effect::Short { bytes: table.field("bytes").number(0..=1 << 20)? },
            EffectWord::Delay => Effect::Delay { us: table.field("delay-us").number(1..=LONGEST_US)? },
            EffectWord::Hang => Effect::Hang,
            EffectWord::Die => Effect::Die,
        },
        // After the other keys, whose mistakes are told first.
        operation: operation.text.parse().map_err(|UnknownOperation(name)| {
            operation.error(suggest::unknown("operation", &name, &Fault::OPERATIONS))
        })?,
    };
    let Err(mistake) = fault.check() else { return Ok(fault) };
    let message = mistake.to_string();
    Err(table.field(mistake.key()).error(message))
}

/// An effect as it is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum EffectWord {
    Eio,
    Errno,
    Short,
    Oversize,
    Delay,
    Hang,
    Die,
}
