//! Options that the lab turns on by itself for series, and those that it leaves off, with the reason.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An option that the lab turns on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TurnedOn {
    /// With `CONFIG_`.
    pub option: String,
    /// The series that need it.
    pub series: Vec<String>,
    /// What for.
    pub reason: Reason,
}

/// Why an option is turned on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The series adds it.
    Added,
    /// It builds files that the series changes.
    Builds(Vec<String>),
    /// This option needs it.
    Needed(String),
}

/// An option that series need and that the lab leaves off.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOff {
    /// With `CONFIG_`: the option that is needed.
    pub option: String,
    /// What stands against it, as the end of a sentence that begins with `auto`.
    pub why: String,
}

impl Reason {
    /// Takes another reason in: files that are built count most.
    pub(super) fn join(&mut self, other: Reason) {
        match (&mut *self, other) {
            (Reason::Builds(files), Reason::Builds(more)) => {
                files.extend(more);
                files.sort();
                files.dedup();
            }
            (Reason::Needed(_), other @ Reason::Builds(_)) => *self = other,
            (Reason::Builds(_) | Reason::Added | Reason::Needed(_), _) => {}
        }
    }
}

impl fmt::Display for TurnedOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "turned on for series {}: {}=y (", self.series.join(", "), self.option)?;
        match &self.reason {
            Reason::Added => write!(f, "the series adds it)"),
            Reason::Builds(files) => match &files[..] {
                [first, others @ ..] if !others.is_empty() => {
                    write!(f, "it builds {first} and {} more)", others.len())
                }
                files => write!(f, "it builds {})", files.concat()),
            },
            Reason::Needed(option) => write!(f, "{option} needs it)"),
        }
    }
}
