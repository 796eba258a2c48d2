//! How a boot ended.

mod judge;
mod recorded;

use serde::{Deserialize, Serialize};

pub use judge::BootEvidence;
pub(crate) use judge::{judge, shutdown_reason};
pub(crate) use recorded::watched_of;

/// A boot ends as exactly one of these. The first three are results about the kernel and count for its variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Outcome {
    /// The whole report came, the end mark is on the console, and QEMU reports a shutdown by the guest.
    Finished,
    /// The kernel said something that it must never say, tainted itself, or ended the machine in a way that it must not.
    /// Nothing that the host did.
    Broken {
        /// The first cause, one line.
        reason: String,
    },
    /// No progress within a limit.
    Hung {
        /// Which limit, and what was last seen.
        reason: String,
    },
    /// QEMU or the host failed; says nothing about the kernel and is run again.
    Lost {
        /// What failed.
        reason: String,
    },
}

impl Outcome {
    /// One word for tables.
    pub fn word(&self) -> &'static str {
        match self {
            Outcome::Finished => "finished",
            Outcome::Broken { .. } => "broken",
            Outcome::Hung { .. } => "hung",
            Outcome::Lost { .. } => "lost",
        }
    }

    /// Why it did not end well; empty for [`Outcome::Finished`].
    pub fn reason(&self) -> &str {
        match self {
            Outcome::Finished => "",
            Outcome::Broken { reason } | Outcome::Hung { reason } | Outcome::Lost { reason } => reason,
        }
    }
}
