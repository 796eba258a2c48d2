//! How the build of a kernel failed.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;

/// The kernel does not build: what is wrong lies in the source as it is patched.
#[derive(Debug)]
pub struct BuildFailed {
    /// What was to be made.
    pub target: String,
    /// The first errors, each a line; never empty unless nothing was printed.
    pub errors: Vec<String>,
    /// Everything that was printed.
    pub log: PathBuf,
}

impl fmt::Display for BuildFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "make {}: {} (full log: {})", self.target, self.errors.join("; "), self.log.display())
    }
}

impl Error for BuildFailed {}
