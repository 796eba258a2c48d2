//! From console bytes to kernel messages.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

/// How much is kept of the beginning and of the end of a line. The kernel's own lines are shorter; a kernel line
/// that follows a program's megabyte without a line feed is whole in the end.
pub(super) const KEPT: usize = 8 << 10;

/// A line that printk wrote.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Message {
    /// Line of the console, from 1.
    pub(super) line: usize,
    /// The number in front, facility and level, if the console shows it.
    pub(super) level: Option<u16>,
    /// Kernel time, seconds, if the line has it.
    pub(super) seconds: Option<f64>,
    /// `T12` (a task) or `C0` (a CPU outside of tasks), with CONFIG_PRINTK_CALLER; else empty.
    pub(super) caller: String,
    /// What follows; the escape sequences of terminals are gone.
    pub(super) message: String,
}

impl Message {
    /// A message, of which blanks at the end are no part.
    pub(super) fn new(
        line: usize,
        level: Option<u16>,
        seconds: Option<f64>,
        caller: &str,
        message: &str,
    ) -> Self {
        Self { line, level, seconds, caller: caller.to_owned(), message: message.trim_end().to_owned() }
    }

    /// Where in the log it stands.
    pub(super) fn place(&self) -> Place {
        Place { line: self.line, seconds: self.seconds }
    }
}

/// Where in a log something was said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place {
    line: usize,
    seconds: Option<f64>,
}

impl Place {
    /// Whether more than so many seconds lie between an earlier place and this one; so many lines if there is no time.
    pub(super) fn is_behind(self, earlier: Self, seconds: f64, lines: usize) -> bool {
        match (self.seconds, earlier.seconds) {
            (Some(now), Some(then)) => now - then > seconds,
            (None | Some(_), None) | (None, Some(_)) => self.line.saturating_sub(earlier.line) > lines,
        }
    }
}

/// Cuts a stream of bytes into lines, whatever the pieces in which it comes.
#[derive(Debug, Default)]
pub(super) struct Lines {
    head: Vec<u8>,
    tail: Vec<u8>,
    count: usize,
}

/// A line, its number, and what is kept of it.
pub(super) struct Line<'a> {
    pub(super) number: usize,
    pub(super) bytes: Cow<'a, [u8]>,
}

impl Lines {
    /// The next line, whole or what there is of it, is taken off the beginning of `bytes`; one that does not end there is kept.
    pub(super) fn next<'a>(&mut self, bytes: &mut &'a [u8]) -> Option<Line<'a>> {
        let Some(end) = memchr::memchr(b'\n', bytes) else {
            self.keep(bytes);
            *bytes = &[];
            return None;
        };
        let (line, rest) = bytes.split_at(end + 1);
        *bytes = rest;
        if self.is_at_start() && !is_long(line) {
            self.count += 1;
            return Some(Line { number: self.count, bytes: Cow::Borrowed(line) });
        }
        self.keep(line);
        Some(self.take())
    }

    /// The line that is begun and not ended, as if it ended here.
    pub(super) fn take<'a>(&mut self) -> Line<'a> {
        self.count += 1;
        self.tail.drain(..self.tail.len().saturating_sub(KEPT));
        let mut bytes = std::mem::take(&mut self.head);
        bytes.append(&mut self.tail);
        Line { number: self.count, bytes: Cow::Owned(bytes) }
    }

    /// Whether no line is begun.
    pub(super) fn is_at_start(&self) -> bool {
        self.head.is_empty()
    }

    /// Passes over so many lines.
    pub(super) fn skip(&mut self, lines: usize) {
        self.count += lines;
    }

    /// How many lines there were.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    fn keep(&mut self, piece: &[u8]) {
        let (head, tail) = piece.split_at(piece.len().min(KEPT - self.head.len()));
        self.head.extend_from_slice(head);
        self.tail.extend_from_slice(&tail[tail.len().saturating_sub(KEPT)..]);
        // Not on every piece: a megabyte that comes byte by byte would be moved a million times.
        if self.tail.len() > 4 * KEPT {
            self.tail.drain(..self.tail.len() - KEPT);
        }
    }
}

/// Whether something is left out of a line, so that its ends meet.
pub(super) fn is_long(line: &[u8]) -> bool {
    line.len() > 2 * KEPT
}

/// A line as text, without NUL, carriage returns at its end, and escape sequences; bytes that are no UTF-8
/// become U+FFFD.
pub(super) fn clean(line: &[u8]) -> Cow<'_, str> {
    // CSI and two-character sequences, e.g. what SeaBIOS sends before the first line of the kernel.
    static ESCAPES: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|[()][A-Z0-9]|[@-Z\\^_a-z])|\x00"));
    let text = String::from_utf8_lossy(line);
    if memchr::memchr2(b'\x1b', 0, line).is_none() {
        return match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim_end_matches(['\r', '\n'])),
            Cow::Owned(text) => Cow::Owned(text.trim_end_matches(['\r', '\n']).to_owned()),
        };
    }
    Cow::Owned(ESCAPES.replace_all(&text, "").trim_end_matches(['\r', '\n']).to_owned())
}

/// Compiles a pattern of this module's own code.
#[expect(clippy::unwrap_used, reason = "the patterns are constants, and every one is compiled by a test")]
pub(crate) fn pattern(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap()
}
