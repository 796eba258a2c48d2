//! How much a patch changes of each file, as `git diff --stat` counts it.

use super::{Patch, diff};

/// One file of a patch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileStat {
    /// Its path; of a file that is renamed the new one.
    pub path: String,
    /// Lines that are added.
    pub added: usize,
    /// Lines that are removed.
    pub removed: usize,
}

impl Patch {
    /// The files that it changes, in the order of the patch.
    pub fn stat(&self) -> Vec<FileStat> {
        let of = |change: diff::FileChange| {
            let path = change.paths.last().cloned().unwrap_or_default();
            FileStat { path, added: change.added.len(), removed: change.removed.len() }
        };
        diff::parse(&self.text).into_iter().map(of).collect()
    }
}
