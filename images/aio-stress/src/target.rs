//! Where the results for programs go.

use std::ffi::OsString;
use std::path::PathBuf;

/// Where the document goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// `-`
    StandardOutput,
    /// This file, which is replaced.
    File(PathBuf),
}

impl Target {
    /// What an argument names.
    pub fn new(argument: OsString) -> Self {
        if argument == "-" { Target::StandardOutput } else { Target::File(argument.into()) }
    }
}
