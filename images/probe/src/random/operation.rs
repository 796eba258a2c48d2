//! One step of a sequence, and its text.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use super::conditions::Conditions;

/// No file grows beyond this, bytes.
pub(crate) const LARGEST: u64 = 2 << 20;

/// The most threads beside the main one.
pub(crate) const MOST_THREADS: u8 = 3;

/// A step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Something is done to a file.
    DrawnOperation(DrawnOperation),
    /// At least so many asynchronous requests are waited for.
    Reap(u8),
    /// All that is under way is waited for.
    Wait,
    /// All that is under way is waited for, and the files are read in every way, from a server that does what it should.
    Compare,
    /// The server behaves so from now on.
    Behave(Conditions),
}

/// What is done to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DrawnOperation {
    pub(crate) by: By,
    pub(crate) action: Action,
    pub(crate) way: Way,
    pub(crate) file: FileName,
    /// The first byte; the new size of a truncation.
    pub(crate) at: u64,
    /// How many; 0 where it has no meaning.
    pub(crate) length: u64,
    /// In how many pieces of memory: more than one makes it readv(2) or writev(2).
    pub(crate) pieces: u8,
    /// How far the memory begins behind the begin of a page.
    pub(crate) skew: u16,
}

impl DrawnOperation {
    /// Of the main thread, by the plain descriptor.
    pub(crate) fn plain(action: Action, file: FileName, at: u64, length: u64) -> Self {
        DrawnOperation { by: By::Main, action, way: Way::Buffered, file, at, length, pieces: 1, skew: 0 }
    }

    /// The bytes that it is about.
    pub(crate) fn range(&self) -> Range<u64> {
        self.at..self.at + self.length
    }
}

/// A word of the text for each value.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $value:ident = $word:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum $name { $($(#[$doc])* $value,)* }

        impl $name {
            pub(crate) fn word(self) -> &'static str {
                match self { $($name::$value => $word,)* }
            }

            pub(crate) fn of(word: &str) -> Option<Self> {
                match word { $($word => Some($name::$value),)* _ => None }
            }
        }
    };
}

words! {
    /// What is done.
    Action {
        /// pread(2), preadv(2), or an asynchronous read.
        Read = "read",
        /// pwrite(2), pwritev(2), or an asynchronous write.
        Write = "write",
        /// write(2) through a descriptor with O_APPEND, when nothing else is under way.
        Append = "append",
        /// Memory of a shared mapping is read.
        Load = "load",
        /// Memory of a shared mapping is written, when nothing else is under way.
        Store = "store",
        /// msync(2).
        Msync = "msync",
        /// ftruncate(2).
        Truncate = "truncate",
        /// fallocate(2) that extends the file.
        Allocate = "allocate",
        /// fallocate(2) that makes a hole.
        Punch = "punch",
        /// fsync(2).
        Fsync = "fsync",
        /// posix_fadvise(2) that drops cached pages.
        Drop = "drop",
        /// fstat(2).
        Stat = "stat",
        /// lseek(2) to the end.
        Seek = "seek",
    }
}

words! {
    /// Through which descriptor.
    Way {
        Direct = "direct",
        Buffered = "buffered",
        DirectReadOnly = "direct-rdonly",
        BufferedReadOnly = "buffered-rdonly",
        DirectAppend = "direct-append",
        BufferedAppend = "buffered-append",
    }
}

words! {
    /// Which file.
    FileName {
        A = "a",
        B = "b",
    }
}

/// Who does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// The thread that goes through the sequence.
    Main,
    /// Another one, from 1 on, while the main thread goes on.
    Thread(u8),
    /// The kernel: io_submit(2).
    Aio,
    /// The kernel: io_uring_enter(2).
    Uring,
}

impl Way {
    /// Whether the page cache is passed by.
    pub(crate) fn is_direct(self) -> bool {
        match self {
            Way::Direct | Way::DirectReadOnly | Way::DirectAppend => true,
            Way::Buffered | Way::BufferedReadOnly | Way::BufferedAppend => false,
        }
    }
}

impl Action {
    /// Whether it has bytes that are transferred, and so a way, pieces and a skew.
    pub(crate) fn transfers(self) -> bool {
        matches!(self, Action::Read | Action::Write | Action::Append)
    }

    /// Whether it is about a range of bytes.
    pub(crate) fn has_range(self) -> bool {
        self.transfers() || matches!(self, Action::Load | Action::Store | Action::Allocate | Action::Punch)
    }

    /// Whether it puts its stamp into the file.
    pub(crate) fn writes(self) -> bool {
        matches!(self, Action::Write | Action::Append | Action::Store)
    }
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            By::Main => write!(f, "main"),
            By::Thread(number) => write!(f, "thread-{number}"),
            By::Aio => write!(f, "aio"),
            By::Uring => write!(f, "uring"),
        }
    }
}

impl fmt::Display for DrawnOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.by, self.action.word(), self.file.word())?;
        if self.action.transfers() {
            write!(f, " {}", self.way.word())?;
        }
        if self.action == Action::Append {
            write!(f, " +{}", self.length)?;
        } else if self.action.has_range() {
            write!(f, " {}+{}", self.at, self.length)?;
        } else if self.action == Action::Truncate {
            write!(f, " {}", self.at)?;
        }
        if self.pieces > 1 {
            write!(f, " pieces={}", self.pieces)?;
        }
        if self.skew > 0 {
            write!(f, " skew={}", self.skew)?;
        }
        Ok(())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::DrawnOperation(operation) => operation.fmt(f),
            Step::Reap(least) => write!(f, "reap {least}"),
            Step::Wait => write!(f, "wait"),
            Step::Compare => write!(f, "compare"),
            Step::Behave(conditions) => write!(f, "behave{conditions}"),
        }
    }
}

impl FromStr for Step {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
        match first {
            "wait" => Ok(Step::Wait),
            "compare" => Ok(Step::Compare),
            "reap" => rest.parse().map(Step::Reap).map_err(|_| format!("`{rest}` is no number of requests")),
            "behave" => rest.parse().map(Step::Behave),
            _ => operation(first, rest).map(Step::DrawnOperation),
        }
    }
}

fn operation(by: &str, rest: &str) -> Result<DrawnOperation, String> {
    let by = match (by, by.strip_prefix("thread-").map(str::parse)) {
        ("main", _) => By::Main,
        ("aio", _) => By::Aio,
        ("uring", _) => By::Uring,
        (_, Some(Ok(number @ 1..=MOST_THREADS))) => By::Thread(number),
        _ => {
            return Err(format!(
                "`{by}` begins no step; those that do are main, thread-N, aio, uring, reap, wait, compare and behave"
            ));
        }
    };
    let mut words = rest.split_ascii_whitespace();
    let mut word = |what: &str| words.next().ok_or(format!("{what} is missing"));
    let action = word("what is done")?;
    let action = Action::of(action).ok_or_else(|| format!("`{action}` is nothing that can be done"))?;
    let file = word("the file")?;
    let file = FileName::of(file).ok_or_else(|| format!("`{file}` is no file; they are a and b"))?;
    let mut operation = DrawnOperation { by, ..DrawnOperation::plain(action, file, 0, 0) };
    if action.transfers() {
        let way = word("the descriptor")?;
        operation.way = Way::of(way).ok_or_else(|| format!("`{way}` is no descriptor"))?;
    }
    if action.has_range() {
        let text = word("the range")?;
        let (at, length) = text.split_once('+').ok_or_else(|| format!("`{text}` is no BEGIN+LENGTH"))?;
        operation.at = if at.is_empty() { 0 } else { number(at)? };
        operation.length = number(length)?;
    } else if action == Action::Truncate {
        operation.at = number(word("the size")?)?;
    }
    for word in words {
        match word.split_once('=') {
            Some(("pieces", value)) => operation.pieces = number(value)?.clamp(1, 16) as u8,
            Some(("skew", value)) => operation.skew = number(value)?.min(4095) as u16,
            _ => return Err(format!("`{word}` is not understood")),
        }
    }
    checked(operation)
}

fn number(text: &str) -> Result<u64, String> {
    text.parse()
        .ok()
        .filter(|number| *number <= LARGEST)
        .ok_or_else(|| format!("`{text}` is no number up to {LARGEST}"))
}

/// Refuses what would not be what it says: some operations are safe, or their results known, in the main thread only.
fn checked(operation: DrawnOperation) -> Result<DrawnOperation, String> {
    let kernel = matches!(operation.by, By::Aio | By::Uring);
    let fits = match operation.action {
        Action::Read | Action::Write => !kernel || operation.pieces == 1,
        Action::Append | Action::Load | Action::Store | Action::Msync | Action::Truncate => {
            operation.by == By::Main
        }
        Action::Allocate | Action::Punch | Action::Fsync | Action::Drop | Action::Stat | Action::Seek => {
            !kernel
        }
    };
    if !fits {
        return Err(format!("`{}` cannot do `{}`", operation.by, operation.action.word()));
    }
    if operation.range().end > LARGEST {
        return Err(format!("the range ends beyond {LARGEST}"));
    }
    Ok(operation)
}
