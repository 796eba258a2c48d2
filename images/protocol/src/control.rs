//! What process 1 and the server say to each other over the server's standard input and output.
//!
//! One message a line. The server speaks first: [`ControlReply::Mounted`] once the mount is there, or
//! [`ControlReply::Error`] and a non-zero exit. It then answers each [`ControlCommand`] line; the end of its
//! input means the same as [`ControlCommand::Quit`].
//! Only the bytes of a request log are no line: they follow the [`ControlReply::Log`] that announces them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Behaviour, Negotiated, RequestStats};

/// One line of the server's standard output, as JSON: `{"mounted": {...}}`, `{"stats": {...}}`,
/// `{"log": {"bytes": ...}}`, `"behaving"`, `"acting"`, `{"refused": "..."}` or `{"error": "..."}`.
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
    /// The answer to [`ControlCommand::Behave`]: requests that arrive from now on meet the new behaviour.
    Behaving,
    /// The answer to [`ControlCommand::Act`].
    Acting,
    /// Nothing was done for a [`ControlCommand::Behave`], and why. The server goes on as before.
    Refused(String),
    /// The server ends with a non-zero exit code, and why; the same text goes to its standard error.
    Error(String),
}

/// One line of the server's standard input, as plain text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlCommand {
    /// `take`: report what was counted since the last time and start again from zero.
    Take,
    /// `log PLACE`: give the log of the requests since the last `take`; it is kept until the next one.
    Log {
        /// The place of the workload in the assignment, which the log tells.
        workload: u32,
    },
    /// `behave JSON`: the JSON takes the place of these settings for all requests that arrive from now on. Those that the
    /// server has finish as they began, but for those that hang ([`crate::Effect::Hang`]): they are answered with EIO.
    /// Faults count anew, and so do the figures of the storage.
    Behave(Box<Behaviour>),
    /// `act FILE`: the actions of the settings become due from now on, until the next `take`, which tells what became of them.
    /// Their times count from the last `take`.
    Act {
        /// The workload's file, as a path from the root of the mount.
        file: String,
    },
    /// `quit`: unmount and exit with 0. It has no reply line.
    Quit,
}

impl fmt::Display for ControlCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ControlCommand::Take => write!(f, "take"),
            ControlCommand::Log { workload } => write!(f, "log {workload}"),
            ControlCommand::Behave(behaviour) => {
                write!(f, "behave {}", serde_json::to_string(behaviour).map_err(|_| fmt::Error)?)
            }
            ControlCommand::Act { file } => write!(f, "act {file}"),
            ControlCommand::Quit => write!(f, "quit"),
        }
    }
}

/// Why a line is no command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandError {
    /// There is no such command.
    Unknown(String),
    /// The behaviour cannot be.
    Behaviour(String),
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CommandError::Unknown(line) => write!(
                f,
                "unknown command `{line}`; the commands are `take`, `log PLACE`, `behave JSON`, `act FILE` and `quit`"
            ),
            CommandError::Behaviour(why) => write!(f, "behaviour: {why}"),
        }
    }
}

impl std::error::Error for CommandError {}

impl FromStr for ControlCommand {
    type Err = CommandError;

    fn from_str(line: &str) -> Result<Self, CommandError> {
        let line = line.trim();
        if let Some(json) = line.strip_prefix("behave ") {
            return behaviour(json).map(ControlCommand::Behave).map_err(CommandError::Behaviour);
        }
        if let Some(file) = line.strip_prefix("act ") {
            return Ok(ControlCommand::Act { file: file.to_owned() });
        }
        let workload = line.strip_prefix("log ").and_then(|place| place.parse().ok());
        match (line, workload) {
            ("take", _) => Ok(ControlCommand::Take),
            (_, Some(workload)) => Ok(ControlCommand::Log { workload }),
            ("quit", _) => Ok(ControlCommand::Quit),
            (other, None) => Err(CommandError::Unknown(other.to_owned())),
        }
    }
}

/// One that is valid.
fn behaviour(json: &str) -> Result<Box<Behaviour>, String> {
    let behaviour: Box<Behaviour> = serde_json::from_str(json).map_err(|error| error.to_string())?;
    behaviour.check().map(|()| behaviour)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Effect, Fault, FaultOperation, Times};

    #[test]
    fn commands_are_their_own_text() {
        let fault = Fault {
            operation: FaultOperation::DATA,
            offset_kib: Some(640),
            after: 1,
            times: Times::Once,
            effect: Effect::Errno { errno: 28 },
        };
        let behaviour = Behaviour { faults: vec![fault], seed: 7, ..Behaviour::plain() };
        for command in [
            ControlCommand::Take,
            ControlCommand::Log { workload: 3 },
            ControlCommand::Behave(Box::new(behaviour)),
            ControlCommand::Act { file: "data-64-mib".to_owned() },
            ControlCommand::Quit,
        ] {
            assert_eq!(command.to_string().parse(), Ok(command.clone()));
            assert_eq!(format!("{command}\n").parse(), Ok(command.clone()));
            // A line has one end.
            assert!(!command.to_string().contains('\n'), "{command}");
        }
    }

    #[test]
    fn a_behaviour_that_cannot_be_is_told_apart_from_what_is_no_command() {
        let plain = serde_json::to_string(&Behaviour::plain()).unwrap();
        let windowed = plain.replace(r#""reply-window-us":0"#, r#""reply-window-us":5"#);
        for (json, expected) in [
            ("{}", "missing field `storage`"),
            (&plain.replace("seed", "sead"), "unknown field `sead`"),
            (&windowed, "`reply-window-us`: answers that go out when they are done are not collected"),
        ] {
            let parsed = format!("behave {json}").parse::<ControlCommand>();
            let Err(CommandError::Behaviour(why)) = parsed else { panic!("{json}: {parsed:?}") };
            assert!(why.starts_with(expected), "{why}");
        }
    }

    #[test]
    fn other_commands_are_refused() {
        for line in [
            "",
            "Take",
            "take all",
            "behave",
            "behaved {}",
            "act",
            "quit!",
            "log",
            "log x",
            "log -1",
            "log 4294967296",
        ] {
            assert!(line.parse::<ControlCommand>().is_err(), "{line}");
        }
    }
}
