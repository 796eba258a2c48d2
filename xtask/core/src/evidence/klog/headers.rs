//! Which lines begin a finding.
//!
//! The headers are those of reports that the kernel prints when something is wrong; the suppressions are lines
//! that look like one and are none. Both stand in `headers/table.rs`.

mod table;

use std::fmt;
use std::sync::LazyLock;

use regex::{Regex, RegexSet};
use serde::{Deserialize, Serialize};

use super::line::pattern;
use super::needed::{Needed, texts_of};
use table::{HARMLESS, TABLE};

/// What sort of report a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// An exception in kernel mode: bad address, bad instruction, division by zero, `BUG()`.
    Oops,
    /// Invalid memory access found by KASAN.
    Kasan,
    /// Use of uninitialised memory found by KMSAN.
    Kmsan,
    /// Data race found by KCSAN.
    Kcsan,
    /// Invalid memory access found by KFENCE.
    Kfence,
    /// Undefined behaviour found by UBSAN.
    Ubsan,
    /// Locking rules violated, found by lockdep.
    Lockdep,
    /// `WARN()` and other lines that begin with `WARNING:`.
    Warning,
    /// A grace period of RCU does not end.
    RcuStall,
    /// A CPU does not schedule.
    SoftLockup,
    /// A CPU does not take interrupts.
    HardLockup,
    /// A work item does not end.
    WorkqueueLockup,
    /// A task sleeps uninterruptibly for too long.
    HungTask,
    /// Memory ran out.
    Oom,
    /// An allocation failed that the kernel thinks worth a report.
    AllocationFailure,
    /// The kernel gave up.
    Panic,
    /// Memory or a reference that nobody holds any more.
    Leak,
    /// A reference count that went wrong.
    Refcount,
    /// A linked list whose pointers do not fit together.
    ListCorruption,
    /// A slab object that was written to out of turn.
    Slab,
    /// An indirect call of a function of another type.
    Cfi,
    /// An error that the hardware reported.
    MachineCheck,
    /// An interrupt that no driver handled.
    Irq,
    /// Other lines with `BUG:`, and objects in use after their end.
    Bug,
    /// Other lines with `INFO:`.
    Info,
    /// The kernel started a second time in one boot.
    Reboot,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// How a header relates to a report of the same caller that is still open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Begins a report.
    Own,
    /// Begins a report of which a WARNING or a BUG() is the next part.
    Preface,
    /// Belongs to the open report, if there is one.
    Part,
    /// The end of everything.
    Panic,
}

/// A row of the table.
#[derive(Debug)]
pub(super) struct Header {
    /// What sort of report it begins.
    pub(super) kind: Kind,
    /// How it relates to an open report.
    pub(super) role: Role,
    /// The title, if the line itself has none of use; else empty.
    pub(super) title: &'static str,
}

/// A header that was found in a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Match {
    /// The row of the table.
    pub(super) header: &'static Header,
    /// Byte in the message at which it begins.
    pub(super) start: usize,
}

impl Match {
    /// Whether it is the header of a kind that says nothing but the kind: `INFO:`, `WARNING:`.
    pub(super) fn is_bare(self, kind: Kind) -> bool {
        self.header.kind == kind && self.header.title.is_empty()
    }
}

static HEADERS: LazyLock<Vec<(Header, Regex)>> = LazyLock::new(|| {
    let row = |&(text, kind, role, title): &(&str, Kind, Role, &'static str)| {
        (Header { kind, role, title }, pattern(&header(text)))
    };
    TABLE.iter().map(row).collect()
});

/// All headers and all suppressions at once: nearly no line of a log matches any.
static ANY: LazyLock<RegexSet> = LazyLock::new(|| set(TABLE.iter().map(|row| header(row.0)).collect()));
static ANY_HARMLESS: LazyLock<RegexSet> =
    LazyLock::new(|| set(HARMLESS.iter().map(|&text| text.to_owned()).collect()));

static NEEDED: LazyLock<Needed> = LazyLock::new(|| Needed::new(texts()));

/// Texts of which each line with a header holds one.
#[expect(clippy::unwrap_used, reason = "each row has one, which a test sees to")]
pub(super) fn texts() -> Vec<Vec<u8>> {
    TABLE.iter().flat_map(|row| texts_of(row.0).unwrap()).collect()
}

/// The header of a kernel that starts a second time.
pub(super) fn reboot() -> Match {
    static REBOOT: Header = Header { kind: Kind::Reboot, role: Role::Own, title: "unexpected reboot" };
    Match { header: &REBOOT, start: 0 }
}

/// A header inside a word is none: `ODEBUG:`, `BIN_INFO:`. But a line that has lost its end is followed by the next one
/// without a space (`doneBUG: KASAN: `), and what has several fixed words is a header there as well.
fn header(text: &str) -> String {
    let several_words = text.contains(' ') && !text.starts_with(r"BUG [");
    format!("{}(?<header>{text})", if several_words { "(?:^|[^A-Z_])" } else { "(?:^|[^A-Za-z0-9_])" })
}

#[expect(clippy::unwrap_used, reason = "the patterns are constants, and every one is compiled by a test")]
pub(super) fn set(patterns: Vec<String>) -> RegexSet {
    RegexSet::new(patterns).unwrap()
}

/// The first header in a message, if it has one that counts.
pub(super) fn find(message: &str) -> Option<Match> {
    NEEDED.find(message.as_bytes())?;
    let candidates = ANY.matches(message).into_iter().filter_map(|index| {
        let (header, regex) = &HEADERS[index];
        let start = regex.captures(message)?.name("header")?.start();
        Some(Match { header, start })
    });
    // min_by_key gives the first of equals, and candidates come in the order of the table.
    let first = candidates.min_by_key(|candidate| candidate.start)?;
    let harmless = ANY_HARMLESS.is_match(message) || in_quotes(&message[..first.start]);
    (!harmless).then_some(first)
}

/// Whether a quotation is open at the end of `before`: the header is then text that was handed to the kernel,
/// such as a mount option. An apostrophe between letters opens none.
fn in_quotes(before: &str) -> bool {
    let double = before.matches('"').count() % 2 == 1;
    let mut single = false;
    let mut previous = ' ';
    let mut characters = before.chars().peekable();
    while let Some(character) = characters.next() {
        let apostrophe = previous.is_alphanumeric() && characters.peek().is_some_and(|c| c.is_alphanumeric());
        single ^= character == '\'' && !apostrophe;
        previous = character;
    }
    double || single || before.ends_with('`')
}

#[cfg(test)]
mod tests;
