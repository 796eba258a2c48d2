//! From console bytes to kernel messages.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

/// How much is kept of the beginning and of the end of a line. The kernel's own lines are shorter; a kernel line
/// that follows a program's megabyte without a line feed is whole in the end.
const KEPT: usize = 8 << 10;

/// A line that printk wrote.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Message {
    /// Line of the console, from 1.
    pub(super) line: usize,
    /// The number in front, facility and level, if the console shows it.
    pub(super) level: Option<u16>,
    /// Kernel time, seconds.
    pub(super) seconds: f64,
    /// `T12` (a task) or `C0` (a CPU outside of tasks), with CONFIG_PRINTK_CALLER; else empty.
    pub(super) caller: String,
    /// What follows; the escape sequences of terminals are gone.
    pub(super) message: String,
}

/// Cuts a stream of bytes into lines, whatever the pieces in which it comes.
#[derive(Debug, Default)]
pub(super) struct Lines {
    head: Vec<u8>,
    tail: Vec<u8>,
    count: usize,
}

impl Lines {
    /// Takes bytes and gives the messages of the lines that they complete.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<Message> {
        let mut messages = Vec::new();
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.keep(piece);
            if piece.ends_with(b"\n") {
                messages.extend(self.take());
            }
        }
        messages
    }

    /// The message of the line that is begun and not ended, as if it ended here.
    pub(super) fn take(&mut self) -> Option<Message> {
        self.count += 1;
        self.tail.drain(..self.tail.len().saturating_sub(KEPT));
        self.head.append(&mut self.tail);
        let message = parse(&clean(&self.head), self.count);
        self.head.clear();
        message
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

/// The messages of a whole console.
pub(super) fn messages(console: &[u8]) -> impl Iterator<Item = Message> {
    let mut lines = Lines::default();
    console.split_inclusive(|&byte| byte == b'\n').filter_map(move |line| {
        lines.keep(line);
        lines.take()
    })
}

/// A line as text, without NUL, carriage returns at its end, and escape sequences; bytes that are no UTF-8
/// become U+FFFD.
pub(super) fn clean(line: &[u8]) -> String {
    // CSI and two-character sequences, e.g. what SeaBIOS sends before the first line of the kernel.
    static ESCAPES: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|[()][A-Z0-9]|[@-Z\\^_a-z])|\x00"));
    let text = String::from_utf8_lossy(line);
    let text = match ESCAPES.replace_all(&text, "") {
        Cow::Borrowed(_) => text,
        Cow::Owned(replaced) => Cow::Owned(replaced),
    };
    text.trim_end_matches(['\r', '\n']).to_owned()
}

/// What printk writes when another CPU cut it off (console_prepend_replay() in kernel/printk/printk.c): the line before is
/// a part of the one that comes next, whole.
const REPLAYED: &str = "** replaying previous printk message **";

/// Finds the timestamp. It need not stand at the line's start: firmware and programs leave lines unended. What
/// stands behind the first one is the message, whatever it looks like.
fn parse(text: &str, line: usize) -> Option<Message> {
    // print_time() in kernel/printk/printk.c: "[%5lu.%06lu]"; print_caller(): "[%6s]".
    static PREFIX: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?:<(\d{1,4})>)?\[((?: {4}\d| {3}\d\d| \d{4}| {2}\d{3}|\d{5,10})\.\d{6})\](?:\[ *([TC]\d+)\])? ",
        )
    });
    let text = text.rsplit_once(REPLAYED).map_or(text, |(_, rest)| rest);
    // An empty message has no space behind its prefix any more once ends of lines were trimmed by a collector.
    let padded = format!("{text} ");
    let found = PREFIX.captures(&padded)?;
    let group = |number| found.get(number).map_or("", |group| group.as_str());
    Some(Message {
        line,
        level: group(1).parse().ok(),
        seconds: group(2).trim().parse().ok()?,
        caller: group(3).to_owned(),
        message: text.get(found.get(0)?.end()..).unwrap_or_default().trim_end().to_owned(),
    })
}

/// Compiles a pattern of this module's own code.
#[expect(clippy::unwrap_used, reason = "the patterns are constants, and every one is compiled by a test")]
pub(super) fn pattern(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &[u8], expected: Option<(&str, &str)>) {
        let found = messages(input).next();
        let found = found.as_ref().map(|message| (&*message.caller, &*message.message));
        assert_eq!(found, expected, "{}", String::from_utf8_lossy(input));
    }

    #[test]
    fn only_lines_with_a_printk_timestamp_are_messages() {
        check(b"[    0.000000] Linux version 6.12", Some(("", "Linux version 6.12")));
        check(b"[    1.234567][    T1] hello\r\n", Some(("T1", "hello")));
        check(b"[12345.678901][   C12] hello\n", Some(("C12", "hello")));
        check(b"[123456.678901][T12345] hello", Some(("T12345", "hello")));
        check(b"<4>[    1.234567] hello", Some(("", "hello")));
        check(b"[    1.234567][    T1]", Some(("T1", "")));
        check(b"BUG: no timestamp", None);
        check(b"[1.5] BUG: a program's own", None);
        check(b"[ 1.234567] BUG: not padded as printk does", None);
        check(b"[    1.234567]BUG: no space", None);
        check(b"[2024-01-01 00:00:00] BUG: a date", None);
        check(b"", None);
        check(b"[    5.000000] BUG: KAS** replaying previous printk message **", None);
        check(
            b"[    5.000000] BUG: KAS** replaying previous printk message **[    5.000000] BUG: KASAN: x",
            Some(("", "BUG: KASAN: x")),
        );
    }

    #[test]
    fn what_stands_before_the_timestamp_does_not_hide_the_message() {
        check(
            b"\x1bc\x1b[?7l\x1b[2JBooting from ROM..\x1bc[    0.000000] Linux version",
            Some(("", "Linux version")),
        );
        check(b"host login: [    5.000000][   T10] BUG: x", Some(("T10", "BUG: x")));
        check(b"\0\0\xff\xfe[    5.000000] B\0UG: x", Some(("", "BUG: x")));
        // A quoted second one belongs to the message.
        check(b"[    5.000000] opt '[    6.000000] BUG: x'", Some(("", "opt '[    6.000000] BUG: x'")));
    }

    #[test]
    fn of_a_long_line_the_ends_are_kept() {
        let mut long = vec![b'x'; 3 << 20];
        long.extend(b"[    5.000000] BUG: behind it\nnext");
        let whole: Vec<_> = messages(&long).collect();
        assert_eq!(whole.len(), 1);
        assert_eq!(whole[0].message, "BUG: behind it");
        for size in [1, 7, 4096, KEPT, KEPT + 1, 5 * KEPT, 1 << 20] {
            let mut lines = Lines::default();
            let found: Vec<_> = long.chunks(size).flat_map(|piece| lines.push(piece)).collect();
            assert_eq!(found, whole, "pieces of {size}");
        }
    }

    #[test]
    fn lines_are_counted_from_one() {
        let numbers: Vec<_> =
            messages(b"junk\n[    5.000000] a\n\n[    5.000000] b").map(|m| m.line).collect();
        assert_eq!(numbers, [2, 4]);
    }
}
