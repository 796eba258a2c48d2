//! What a user wants of what was read, and what orders it.

use super::numbers::Numbers;

/// What is wanted, where there is more.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// The series of this version.
    pub version: Option<u32>,
    /// The series with this text in a subject.
    pub subject: Option<String>,
    /// These patches of the series.
    pub patches: Option<Numbers>,
    /// The mail with this Message-ID; of a cover letter its patches.
    pub message_id: Option<String>,
}

/// What says in which order patches come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// A `series` file, or the names of files with patches. What subjects say does not count.
    Queue(String),
    /// The numbers in the subjects if they are those of one series, or else the names of the files.
    Names,
    /// The numbers in the subjects; of patches that never went by mail their places in the file.
    Places,
    /// The numbers in the subjects.
    Unknown,
}
