//! What is done with the files.

use crate::aio::Transfer;

/// What is done with the files, in the order in which it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// `-o 0`
    Write,
    /// `-o 1`
    Read,
    /// `-o 2`
    RandomWrite,
    /// `-o 3`
    RandomRead,
}

impl Stage {
    /// By their numbers.
    pub const ALL: [Stage; 4] = [Stage::Write, Stage::Read, Stage::RandomWrite, Stage::RandomRead];

    /// As it is printed.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Write => "write",
            Stage::Read => "read",
            Stage::RandomWrite => "random write",
            Stage::RandomRead => "random read",
        }
    }

    /// What each of its requests does.
    pub fn transfer(self) -> Transfer {
        match self {
            Stage::Write | Stage::RandomWrite => Transfer::Write,
            Stage::Read | Stage::RandomRead => Transfer::Read,
        }
    }
}
