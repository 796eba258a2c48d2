//! What sequences are run on: a mount, a folder, or a fake.

use super::history::History;
use super::sequence::Sequence;

/// What sequences are run on.
pub(crate) trait Subject {
    /// Runs a sequence on fresh files.
    ///
    /// # Errors
    /// If something other than the sequence's operations fails.
    fn run(&mut self, sequence: &Sequence) -> anyhow::Result<History>;

    /// Whether another one can be run.
    fn can_go_on(&self) -> bool;
}
