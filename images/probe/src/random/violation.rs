//! Something that no kernel may do.

use super::history::Completion;

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) kind: Kind,
    /// The step that saw it.
    pub(crate) step: usize,
    /// When that ended.
    pub(crate) end: u64,
    /// What it is, with the step as its subject where there is no other.
    pub(crate) text: String,
}

/// Which kind. A shrunk sequence has to fail in the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A wrong byte.
    Byte,
    /// An old byte, read through the page cache.
    StalePage,
    /// A transfer came short or had too much.
    Count,
    /// A wrong size.
    Size,
    /// Kernel and server have other sizes of a file when nothing is under way.
    Split,
    /// An error without a reason.
    Error,
    /// A second end.
    Twice,
    /// No end.
    Never,
}

impl Kind {
    /// What a kernel does that does it: equal for equal kernels, whatever the seed.
    pub(crate) fn observed(self) -> &'static str {
        match self {
            Kind::Byte => "has a wrong byte",
            Kind::StalePage => "reads stale pages from the page cache",
            Kind::Count => "transfers a wrong count of bytes",
            Kind::Size => "has a wrong size",
            Kind::Split => "has another size than the server's file",
            Kind::Error => "fails without reason",
            Kind::Twice => "completes a request twice",
            Kind::Never => "never completes a request",
        }
    }
}

impl Violation {
    /// One that a completion shows.
    pub(crate) fn new(kind: Kind, completion: &Completion, text: String) -> Self {
        Violation { kind, step: completion.step, end: completion.end, text }
    }
}
