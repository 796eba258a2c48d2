//! What the server of a scenario does by itself.

use std::ops::RangeInclusive;

use lab_protocol::{Action, Deed, FaultOperation, Knob, Moment, UnknownOperation};

use super::error::ConfigError;
use super::reader::{Field, Table};
use crate::text::suggest;

/// Requests before the one that an action is due at.
const REQUESTS: RangeInclusive<u64> = 0..=1_000_000_000;

/// When it is due at the latest, microseconds: a day, as long as the longest workload.
const TIME_US: RangeInclusive<u64> = 0..=86_400_000_000;

/// Offsets and lengths, bytes: a file of 1 TiB.
const BYTES: RangeInclusive<u64> = 0..=1 << 40;

/// Keys that belong to some deeds only, and what these are called.
const OWNED: [(&str, &str); 4] = [
    ("value", "knobs"),
    ("path", "deeds about a file"),
    ("offset-bytes", "deeds \"inval-inode\", \"store\" and \"retrieve\""),
    ("length-bytes", "deeds \"inval-inode\", \"store\" and \"retrieve\""),
];

/// A deed as it is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum DeedWord {
    Set(Knob),
    Abort,
    InvalInode,
    InvalAttr,
    InvalEntry,
    ExpireEntry,
    Delete,
    Store,
    Retrieve,
    Resend,
    IncEpoch,
    Prune,
}

impl DeedWord {
    const WITHOUT_KNOB: [(&str, DeedWord); 11] = [
        ("abort", DeedWord::Abort),
        ("inval-inode", DeedWord::InvalInode),
        ("inval-attr", DeedWord::InvalAttr),
        ("inval-entry", DeedWord::InvalEntry),
        ("expire-entry", DeedWord::ExpireEntry),
        ("delete", DeedWord::Delete),
        ("store", DeedWord::Store),
        ("retrieve", DeedWord::Retrieve),
        ("resend", DeedWord::Resend),
        ("inc-epoch", DeedWord::IncEpoch),
        ("prune", DeedWord::Prune),
    ];

    /// The keys that it has beside those of all.
    fn keys(self) -> &'static [&'static str] {
        match self {
            DeedWord::Set(_) => &["value"],
            DeedWord::InvalInode | DeedWord::Store | DeedWord::Retrieve => {
                &["path", "offset-bytes", "length-bytes"]
            }
            DeedWord::InvalAttr
            | DeedWord::InvalEntry
            | DeedWord::ExpireEntry
            | DeedWord::Delete
            | DeedWord::Prune => &["path"],
            DeedWord::Abort | DeedWord::Resend | DeedWord::IncEpoch => &[],
        }
    }
}

/// Reads one action.
pub(super) fn parse(table: &Table<'_>) -> Result<Action, ConfigError> {
    let table = table.clone().only(&[
        "operation",
        "after",
        "at-us",
        "do",
        "value",
        "path",
        "offset-bytes",
        "length-bytes",
    ])?;
    let knobs = Knob::ALL.iter().map(|knob| (knob.name(), DeedWord::Set(*knob)));
    let words: Vec<_> = knobs.chain(DeedWord::WITHOUT_KNOB).collect();
    let word = table.field("do").choice(&words)?;
    for (key, owners) in OWNED {
        if let Some(field) = table.optional(key).filter(|_| !word.keys().contains(&key)) {
            return Err(field.error(format!("belongs to {owners} only; remove it")));
        }
    }
    let action = Action { at: moment(&table)?, deed: deed(&table, word)? };
    let Err(mistake) = action.check() else { return Ok(action) };
    Err(table.field(mistake.key).error(mistake.to_string()))
}

/// At a request or at a time.
fn moment(table: &Table<'_>) -> Result<Moment, ConfigError> {
    let Some(time) = table.optional("at-us") else {
        let Some(operation) = table.optional("operation") else {
            let message = "an action needs a moment; add operation and after, or at-us";
            return Err(table.field("do").error(message));
        };
        let operation = operation.text()?;
        let after = table.field("after").number(REQUESTS)?;
        let operation = operation.text.parse().map_err(|UnknownOperation(name)| {
            operation.error(suggest::unknown("operation", &name, &FaultOperation::NAMES))
        })?;
        return Ok(Moment::Request { operation, after });
    };
    let other = ["operation", "after"].into_iter().find_map(|key| table.optional(key));
    match other {
        Some(field) => Err(field.error("an action with at-us is due at a time; remove it, or remove at-us")),
        None => Ok(Moment::Time { us: time.number(TIME_US)? }),
    }
}

fn deed(table: &Table<'_>, word: DeedWord) -> Result<Deed, ConfigError> {
    let path = || Ok::<_, ConfigError>(table.field("path").text()?.text.to_owned());
    let bytes = |key: &str| bytes(&table.field(key));
    let length = || table.field("length-bytes").number(0..=u32::MAX);
    Ok(match word {
        DeedWord::Set(knob) => Deed::Set { knob, value: table.field("value").number(knob.range())? },
        DeedWord::Abort => Deed::Abort,
        DeedWord::InvalInode => Deed::InvalInode {
            path: path()?,
            offset_bytes: bytes("offset-bytes")?,
            length_bytes: bytes("length-bytes")?,
        },
        DeedWord::InvalAttr => Deed::InvalAttr { path: path()? },
        DeedWord::InvalEntry => Deed::InvalEntry { path: path()? },
        DeedWord::ExpireEntry => Deed::ExpireEntry { path: path()? },
        DeedWord::Delete => Deed::Delete { path: path()? },
        DeedWord::Store => {
            Deed::Store { path: path()?, offset_bytes: bytes("offset-bytes")?, length_bytes: length()? }
        }
        DeedWord::Retrieve => {
            Deed::Retrieve { path: path()?, offset_bytes: bytes("offset-bytes")?, length_bytes: length()? }
        }
        DeedWord::Resend => Deed::Resend,
        DeedWord::IncEpoch => Deed::IncEpoch,
        DeedWord::Prune => Deed::Prune { path: path()? },
    })
}

fn bytes(field: &Field<'_>) -> Result<u64, ConfigError> {
    field.number(BYTES)
}
