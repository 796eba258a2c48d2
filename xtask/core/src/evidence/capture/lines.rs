//! Lines of JSON with a bound: what a monitor says, as long as nobody makes it talk without end.

use std::collections::VecDeque;

/// Makes lines of bytes, keeps the first and the last of them, and says in their place how many were cut.
///
/// The first lines say what QEMU is, the last why it ended; a guest that causes events without end must not take the
/// host's memory. A line that is cut would be no JSON any more: one that is too long goes as a whole.
#[derive(Clone, Debug)]
pub struct CappedLines {
    half_bytes: usize,
    head: Vec<String>,
    /// What may still be added to the head, bytes.
    head_left_bytes: usize,
    tail: VecDeque<String>,
    tail_bytes: usize,
    cut: u64,
    /// The line that has not ended yet; what is too long of it is only counted.
    pending: Vec<u8>,
    pending_bytes: u64,
}

impl CappedLines {
    /// Keeps lines of up to `capacity` bytes in all, each of up to half of that.
    pub fn new(capacity: usize) -> Self {
        let half_bytes = capacity / 2;
        CappedLines {
            half_bytes,
            head: Vec::new(),
            head_left_bytes: half_bytes,
            tail: VecDeque::new(),
            tail_bytes: 0,
            cut: 0,
            pending: Vec::new(),
            pending_bytes: 0,
        }
    }

    /// Adds bytes, with which a line need not end.
    pub fn push(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.pending_bytes += piece.len() as u64;
            let room = self.half_bytes - self.pending.len();
            self.pending.extend_from_slice(&piece[..piece.len().min(room)]);
            if piece.ends_with(b"\n") {
                self.end_line();
            }
        }
    }

    /// What was kept. Lines in the place of others say what was cut; they are JSON as the others are.
    pub fn lines(&self) -> Vec<String> {
        let cut = (self.cut > 0).then(|| mark(&format!("{} lines cut here", self.cut)));
        let unended = (self.pending_bytes > 0)
            .then(|| mark(&format!("{} bytes of a line that did not end", self.pending_bytes)));
        self.head.iter().cloned().chain(cut).chain(self.tail.iter().cloned()).chain(unended).collect()
    }

    fn end_line(&mut self) {
        let (pending, bytes) = (std::mem::take(&mut self.pending), std::mem::take(&mut self.pending_bytes));
        self.keep(match pending.len() as u64 == bytes {
            true => String::from_utf8_lossy(&pending).trim_end().to_owned(),
            false => mark(&format!("a line of {bytes} bytes cut here")),
        });
    }

    fn keep(&mut self, line: String) {
        // An empty line takes memory as well.
        let cost = |line: &str| line.len() + size_of::<String>();
        if self.tail.is_empty() && cost(&line) <= self.head_left_bytes {
            self.head_left_bytes -= cost(&line);
            self.head.push(line);
            return;
        }
        self.tail_bytes += cost(&line);
        self.tail.push_back(line);
        // The last line stays, however long it is: no line is longer than one half.
        while self.tail_bytes > self.half_bytes
            && self.tail.len() > 1
            && let Some(first) = self.tail.pop_front()
        {
            self.tail_bytes -= cost(&first);
            self.cut += 1;
        }
    }
}

fn mark(what: &str) -> String {
    format!(r#"{{"patchlab": "{what}"}}"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(capacity: usize, pieces: &[&[u8]]) -> Vec<String> {
        let mut lines = CappedLines::new(capacity);
        pieces.iter().for_each(|piece| lines.push(piece));
        lines.lines()
    }

    #[test]
    fn lines_are_put_together_from_pieces() {
        let expected = ["{\"a\": 1}", "{\"b\": 2}"];
        assert_eq!(kept(1 << 10, &[b"{\"a\": 1}\r\n{\"b\": 2}\r\n"]), expected);
        assert_eq!(kept(1 << 10, &[b"{\"a\"", b": 1}\r", b"\n", b"", b"{\"b\": 2}\n"]), expected);
        assert_eq!(
            kept(1 << 10, &[b"{}\n{\"event"]),
            ["{}", r#"{"patchlab": "7 bytes of a line that did not end"}"#]
        );
    }

    #[test]
    fn of_many_lines_the_first_and_the_last_are_kept() {
        let mut lines = CappedLines::new(1000);
        for n in 0..1_000_000 {
            lines.push(format!("{{\"n\": {n}}}\n").as_bytes());
        }
        let kept = lines.lines();
        assert_eq!(kept[0], r#"{"n": 0}"#);
        assert_eq!(kept.last().unwrap(), r#"{"n": 999999}"#);
        assert!(kept.len() < 40, "{}", kept.len());
        let cut = 1_000_000 - (kept.len() - 1);
        assert!(kept.contains(&format!(r#"{{"patchlab": "{cut} lines cut here"}}"#)), "{kept:?}");
    }

    #[test]
    fn a_line_that_is_too_long_takes_no_other_with_it() {
        let long = vec![b'x'; 300];
        let expected = ["{}", r#"{"patchlab": "a line of 601 bytes cut here"}"#, r#"{"event": "SHUTDOWN"}"#];
        assert_eq!(kept(400, &[b"{}\n", &long, &long, b"\n{\"event\": \"SHUTDOWN\"}\n"]), expected);
        let mut unended = CappedLines::new(400);
        (0..10_000).for_each(|_| unended.push(&long));
        assert!(unended.pending.len() <= 200, "{}", unended.pending.len());
        assert_eq!(unended.lines(), [r#"{"patchlab": "3000000 bytes of a line that did not end"}"#]);
    }
}
