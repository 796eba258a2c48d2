//! What process 1 and the server say to each other over the server's standard input and output.
//!
//! One message a line. The server speaks first: [`ControlReply::Mounted`] once the mount is there, or
//! [`ControlReply::Error`] and a non-zero exit. It then answers each [`ControlCommand`] line; the end of its
//! input means the same as [`ControlCommand::Quit`].

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Negotiated, RequestStats};

/// One line of the server's standard output, as JSON: `{"mounted": {...}}`, `{"stats": {...}}` or
/// `{"error": "..."}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ControlReply {
    /// The mount is there and FUSE_INIT is answered.
    Mounted(Negotiated),
    /// The answer to [`ControlCommand::Take`].
    Stats(RequestStats),
    /// The server ends with a non-zero exit code, and why; the same text goes to its standard error.
    Error(String),
}

/// One line of the server's standard input, as plain text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlCommand {
    /// `take`: report what was counted since the last time and start again from zero.
    Take,
    /// `quit`: unmount and exit with 0. It has no reply line.
    Quit,
}

impl fmt::Display for ControlCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ControlCommand::Take => "take",
            ControlCommand::Quit => "quit",
        })
    }
}

impl FromStr for ControlCommand {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        match line.trim() {
            "take" => Ok(ControlCommand::Take),
            "quit" => Ok(ControlCommand::Quit),
            other => Err(format!("unknown command `{other}`; the commands are `take` and `quit`")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_their_own_text() {
        for command in [ControlCommand::Take, ControlCommand::Quit] {
            assert_eq!(command.to_string().parse(), Ok(command));
            assert_eq!(format!("{command}\n").parse(), Ok(command));
        }
    }

    #[test]
    fn other_commands_are_refused() {
        for line in ["", "Take", "take all", "quit!"] {
            assert!(line.parse::<ControlCommand>().is_err(), "{line}");
        }
    }
}
