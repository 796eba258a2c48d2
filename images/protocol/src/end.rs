//! How a program of the guest ended.

use serde::{Deserialize, Serialize};

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndOfProgram {
    /// It returned this exit code.
    Exit(i32),
    /// This signal ended it.
    Signal(i32),
    /// It did not end within the limit and was killed.
    TimedOut,
    /// It did not end within the limit and could not be killed.
    Unkillable,
    /// It could not be started, and why.
    NotStarted(String),
}
