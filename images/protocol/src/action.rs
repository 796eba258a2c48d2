//! What the server does by itself while a workload runs: it notifies the kernel, or turns a knob of the connection.

mod knob;
mod report;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::FaultOperation;

pub use knob::{Knob, KnobPlace};
pub use report::{ActionReport, ActionResult};

/// Something that the server does once in each turn of a workload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Action {
    /// When.
    pub at: Moment,
    /// What.
    #[serde(rename = "do")]
    pub deed: Deed,
}

/// When an action is due, counted anew in each turn of a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// When a request arrives, which is served meanwhile.
    Request {
        /// Of this kind.
        operation: FaultOperation,
        /// After so many of that kind.
        after: u64,
    },
    /// At a time.
    Time {
        /// Microseconds of guest time from when the server begins to count, which is right before the tool's start.
        us: u64,
    },
}

/// What is done. The names of files are paths from the root of the mount; [`Action::FILE`] in them stands for the workload's
/// file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// A knob of the connection is set. It is put back when the turn ends.
    Set {
        /// Which.
        knob: Knob,
        /// To what.
        value: u64,
    },
    /// The connection is aborted.
    Abort,
    /// FUSE_NOTIFY_INVAL_INODE: cached pages and attributes of a file go.
    InvalInode {
        /// The file.
        path: String,
        /// The first byte.
        offset_bytes: u64,
        /// How many; 0 for all that follow.
        length_bytes: u64,
    },
    /// The same for attributes alone.
    InvalAttr {
        /// The file.
        path: String,
    },
    /// FUSE_NOTIFY_INVAL_ENTRY: a cached name goes.
    InvalEntry {
        /// The name.
        path: String,
    },
    /// The same with FUSE_EXPIRE_ONLY: it is asked for again before it is used.
    ExpireEntry {
        /// The name.
        path: String,
    },
    /// FUSE_NOTIFY_DELETE: a name is said to be gone. The storage keeps it.
    Delete {
        /// The name.
        path: String,
    },
    /// FUSE_NOTIFY_STORE: what the storage has goes to the page cache, up to the end of the file.
    Store {
        /// The file.
        path: String,
        /// The first byte.
        offset_bytes: u64,
        /// How many.
        length_bytes: u32,
    },
    /// FUSE_NOTIFY_RETRIEVE: what the page cache has comes back, and is held against what the storage has.
    Retrieve {
        /// The file.
        path: String,
        /// The first byte.
        offset_bytes: u64,
        /// How many at most. The kernel sends no more than one request holds.
        length_bytes: u32,
    },
    /// FUSE_NOTIFY_RESEND: requests that are not answered are sent once more.
    Resend,
    /// FUSE_NOTIFY_INC_EPOCH: all cached names are asked for again.
    IncEpoch,
    /// FUSE_NOTIFY_PRUNE: an inode that nobody uses is forgotten.
    Prune {
        /// The file.
        path: String,
    },
}

/// The most that one notification moves, bytes.
const MOST_BYTES: u32 = 1 << 20;

/// What is wrong with an action: the key that it is about, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionMistake {
    /// The key.
    pub key: &'static str,
    message: String,
}

impl fmt::Display for ActionMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Action {
    /// Stands for the name of the workload's file in paths.
    pub const FILE: &str = "{file}";

    /// Checks what types do not say.
    ///
    /// # Errors
    /// The first mistake.
    pub fn check(&self) -> Result<(), ActionMistake> {
        let mistake = |key, message| Err(ActionMistake { key, message });
        if let Some(path) = self.deed.path()
            && let Err(message) = check_path(path, self.deed.is_about_a_name())
        {
            return mistake("path", message);
        }
        match self.deed {
            Deed::Set { knob, value } if !knob.range().contains(&value) => {
                let (range, name) = (knob.range(), knob.name());
                let (least, most) = (range.start(), range.end());
                mistake(
                    "value",
                    format!("{value} is no value of {name}; use a number from {least} to {most}"),
                )
            }
            Deed::Store { length_bytes, .. } | Deed::Retrieve { length_bytes, .. }
                if !(1..=MOST_BYTES).contains(&length_bytes) =>
            {
                let message =
                    format!("{length_bytes} bytes cannot be moved; use a number from 1 to {MOST_BYTES}");
                mistake("length-bytes", message)
            }
            Deed::Set { .. }
            | Deed::Abort
            | Deed::InvalInode { .. }
            | Deed::InvalAttr { .. }
            | Deed::InvalEntry { .. }
            | Deed::ExpireEntry { .. }
            | Deed::Delete { .. }
            | Deed::Store { .. }
            | Deed::Retrieve { .. }
            | Deed::Resend
            | Deed::IncEpoch
            | Deed::Prune { .. } => Ok(()),
        }
    }
}

impl Deed {
    /// As settings name it.
    pub fn name(&self) -> &'static str {
        match self {
            Deed::Set { knob, .. } => knob.name(),
            Deed::Abort => "abort",
            Deed::InvalInode { .. } => "inval-inode",
            Deed::InvalAttr { .. } => "inval-attr",
            Deed::InvalEntry { .. } => "inval-entry",
            Deed::ExpireEntry { .. } => "expire-entry",
            Deed::Delete { .. } => "delete",
            Deed::Store { .. } => "store",
            Deed::Retrieve { .. } => "retrieve",
            Deed::Resend => "resend",
            Deed::IncEpoch => "inc-epoch",
            Deed::Prune { .. } => "prune",
        }
    }

    /// The file that it is about.
    pub fn path(&self) -> Option<&str> {
        match self {
            Deed::InvalInode { path, .. }
            | Deed::InvalAttr { path }
            | Deed::InvalEntry { path }
            | Deed::ExpireEntry { path }
            | Deed::Delete { path }
            | Deed::Store { path, .. }
            | Deed::Retrieve { path, .. }
            | Deed::Prune { path } => Some(path),
            Deed::Set { .. } | Deed::Abort | Deed::Resend | Deed::IncEpoch => None,
        }
    }

    /// Whether it is about a name in a folder, which the root is not.
    fn is_about_a_name(&self) -> bool {
        matches!(self, Deed::InvalEntry { .. } | Deed::ExpireEntry { .. } | Deed::Delete { .. })
    }
}

impl fmt::Display for Deed {
    /// In few words, e.g. `retrieve {file}, 4096 bytes from 0`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        match self {
            Deed::Set { value, .. } => write!(f, "{name} = {value}"),
            Deed::InvalInode { path, offset_bytes, length_bytes: 0 } => {
                write!(f, "{name} {path} from {offset_bytes}")
            }
            Deed::InvalInode { path, offset_bytes, length_bytes } => {
                write!(f, "{name} {path}, {length_bytes} bytes from {offset_bytes}")
            }
            Deed::Store { path, offset_bytes, length_bytes }
            | Deed::Retrieve { path, offset_bytes, length_bytes } => {
                write!(f, "{name} {path}, {length_bytes} bytes from {offset_bytes}")
            }
            Deed::InvalAttr { path }
            | Deed::InvalEntry { path }
            | Deed::ExpireEntry { path }
            | Deed::Delete { path }
            | Deed::Prune { path } => write!(f, "{name} {path}"),
            Deed::Abort | Deed::Resend | Deed::IncEpoch => f.write_str(name),
        }
    }
}

impl fmt::Display for Moment {
    /// E.g. `at read 100` or `at 20000 us`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Moment::Request { operation, after } => write!(f, "at {operation} {}", after.saturating_add(1)),
            Moment::Time { us } => write!(f, "at {us} us"),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.at, self.deed)
    }
}

/// A path below the mount, without detours.
fn check_path(path: &str, has_to_be_a_name: bool) -> Result<(), String> {
    let shown = path.escape_debug();
    if path == "." && !has_to_be_a_name {
        return Ok(());
    }
    let is_good = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains('\0');
    if path.split('/').all(is_good) {
        return Ok(());
    }
    let root = if has_to_be_a_name { "" } else { ", or \".\" for the root" };
    Err(format!(
        "`{shown}` is no path below the mount; use one such as \"folder/file\" or \"{}\"{root}",
        Action::FILE
    ))
}

#[cfg(test)]
mod tests;
