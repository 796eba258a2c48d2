//! What process 1 and the server say to each other over the server's standard input and output.
//!
//! One message a line. The server speaks first: [`ControlReply::Mounted`] once the mount is there, or
//! [`ControlReply::Error`] and a non-zero exit. It then answers each [`ControlCommand`] line; the end of its
//! input means the same as [`ControlCommand::Quit`].
//! Only the bytes of a request log are no line: they follow the [`ControlReply::Log`] that announces them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Negotiated, RequestStats};

/// One line of the server's standard output, as JSON: `{"mounted": {...}}`, `{"stats": {...}}`,
/// `{"log": {"bytes": ...}}` or `{"error": "..."}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ControlReply {
    /// The mount is there and FUSE_INIT is answered.
    Mounted(Negotiated),
    /// The answer to [`ControlCommand::Take`].
    Stats(Box<RequestStats>),
    /// The answer to [`ControlCommand::Log`]: a [`crate::log::RequestLog`] follows the line.
    Log {
        /// Its length.
        bytes: u64,
    },
    /// The server ends with a non-zero exit code, and why; the same text goes to its standard error.
    Error(String),
}

/// One line of the server's standard input, as plain text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlCommand {
    /// `take`: report what was counted since the last time and start again from zero.
    Take,
    /// `log PLACE`: give the log of the requests since the last `take`; it is kept until the next one.
    Log {
        /// The place of the workload in the assignment, which the log tells.
        workload: u32,
    },
    /// `quit`: unmount and exit with 0. It has no reply line.
    Quit,
}

impl fmt::Display for ControlCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ControlCommand::Take => write!(f, "take"),
            ControlCommand::Log { workload } => write!(f, "log {workload}"),
            ControlCommand::Quit => write!(f, "quit"),
        }
    }
}

impl FromStr for ControlCommand {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let line = line.trim();
        let workload = line.strip_prefix("log ").and_then(|place| place.parse().ok());
        match (line, workload) {
            ("take", _) => Ok(ControlCommand::Take),
            (_, Some(workload)) => Ok(ControlCommand::Log { workload }),
            ("quit", _) => Ok(ControlCommand::Quit),
            (other, None) => {
                Err(format!("unknown command `{other}`; the commands are `take`, `log PLACE` and `quit`"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_their_own_text() {
        for command in [ControlCommand::Take, ControlCommand::Log { workload: 3 }, ControlCommand::Quit] {
            assert_eq!(command.to_string().parse(), Ok(command));
            assert_eq!(format!("{command}\n").parse(), Ok(command));
        }
    }

    #[test]
    fn other_commands_are_refused() {
        for line in ["", "Take", "take all", "quit!", "log", "log x", "log -1", "log 4294967296"] {
            assert!(line.parse::<ControlCommand>().is_err(), "{line}");
        }
    }
}
