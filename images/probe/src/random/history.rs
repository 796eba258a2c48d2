//! What was seen when a sequence ran.

use std::ops::Range;

use super::content::Run;
use super::operation::FileName;

/// Everything that was seen, in any order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct History {
    pub(crate) completions: Vec<Completion>,
}

/// One operation ended. Times are places in one order of all begins and ends: what ended at 5 was over before what began
/// at 6 did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Completion {
    /// Its place in the sequence.
    pub(crate) step: usize,
    pub(crate) begin: u64,
    pub(crate) end: u64,
    pub(crate) result: Seen,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// It has no result, or there was nothing to do.
    Done,
    /// So many bytes of these were written.
    Wrote { range: Range<u64>, count: u64 },
    /// Of the bytes that were asked for, so many came.
    Read { range: Range<u64>, count: u64, runs: Vec<Run> },
    /// The size of the file.
    Size(u64),
    /// An error, by its number.
    Failed(i32),
    /// Both files as they are when nothing is under way.
    Compared(Vec<View>),
}

/// A file, read in every way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) file: FileName,
    /// As fstat(2) on the mount says.
    pub(crate) size: u64,
    /// Through the mount, around the page cache.
    pub(crate) direct: Vec<Run>,
    /// Through the mount and the page cache.
    pub(crate) buffered: Vec<Run>,
    /// Below the server.
    pub(crate) stored: Vec<Run>,
    /// How many bytes each of the three has.
    pub(crate) lengths: [u64; 3],
}
