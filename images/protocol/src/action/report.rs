//! What became of actions.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What became of an action in one turn of a workload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ActionReport {
    /// When it was begun, nanoseconds of guest time since the counting began; none if it was not.
    pub begin_ns: Option<u64>,
    /// When it had ended; none if it had not.
    pub end_ns: Option<u64>,
    /// READs and WRITEs in flight when it was begun.
    pub in_flight: u32,
    /// What came of it.
    pub result: ActionResult,
}

/// What came of an action.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActionResult {
    /// The turn ended before.
    #[default]
    NeverDue,
    /// It was begun and had not ended when the counts were asked for.
    Unfinished,
    /// The kernel took it.
    Done,
    /// A knob is set; both as the kernel gave them.
    Changed {
        /// What it was.
        from: u64,
        /// What it is.
        to: u64,
    },
    /// The kernel took data.
    Stored {
        /// How much.
        bytes: u64,
    },
    /// Data came back.
    Retrieved {
        /// How much.
        bytes: u64,
        /// The offset in the file of the first byte that is not that of the storage.
        wrong_at: Option<u64>,
    },
    /// It failed.
    Failed {
        /// The error: the kernel's answer, or why there was nothing to be asked.
        why: String,
    },
}

impl ActionResult {
    /// Why it is not what was wanted, if it is not.
    pub fn mishap(&self) -> Option<String> {
        match self {
            ActionResult::NeverDue => Some("it never came due".to_owned()),
            ActionResult::Unfinished => Some("it had not ended when the workload had".to_owned()),
            ActionResult::Retrieved { wrong_at: Some(offset), .. } => {
                Some(format!("what came back differs from the storage at offset {offset}"))
            }
            ActionResult::Failed { why } => Some(why.clone()),
            ActionResult::Done
            | ActionResult::Changed { .. }
            | ActionResult::Stored { .. }
            | ActionResult::Retrieved { wrong_at: None, .. } => None,
        }
    }
}

impl fmt::Display for ActionResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(mishap) = self.mishap() {
            return f.write_str(&mishap);
        }
        match self {
            ActionResult::Changed { from, to } => write!(f, "{from} -> {to}"),
            ActionResult::Stored { bytes } => write!(f, "{bytes} bytes taken"),
            ActionResult::Retrieved { bytes, .. } => write!(f, "{bytes} bytes came back"),
            ActionResult::Done
            | ActionResult::NeverDue
            | ActionResult::Unfinished
            | ActionResult::Failed { .. } => f.write_str("done"),
        }
    }
}
