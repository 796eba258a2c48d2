//! What a program writes: the head and the tail are kept, whatever its length.

use std::collections::VecDeque;

/// Bytes as they come, of which the first and the last are kept.
#[derive(Debug)]
pub struct Capture {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    half: usize,
    cut_bytes: u64,
}

impl Capture {
    /// A capture that keeps at most `limit` bytes, half of them from the start.
    pub fn new(limit: usize) -> Self {
        Capture { head: Vec::new(), tail: VecDeque::new(), half: limit / 2, cut_bytes: 0 }
    }

    /// Adds bytes that the program wrote.
    pub fn push(&mut self, bytes: &[u8]) {
        let (first, rest) = bytes.split_at(bytes.len().min(self.half - self.head.len()));
        self.head.extend(first);
        self.tail.extend(rest);
        let excess = self.tail.len().saturating_sub(self.half);
        self.tail.drain(..excess);
        self.cut_bytes += excess as u64;
    }

    /// The text; invalid UTF-8 is replaced, and a line tells how much is missing.
    pub fn into_text(self) -> String {
        let Capture { head, tail, cut_bytes, .. } = self;
        let tail: Vec<u8> = tail.into();
        if cut_bytes == 0 {
            return String::from_utf8_lossy(&[head, tail].concat()).into_owned();
        }
        let (head, tail) = (String::from_utf8_lossy(&head), String::from_utf8_lossy(&tail));
        format!("{head}\n[{cut_bytes} bytes are cut here]\n{tail}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(limit: usize, pieces: &[&[u8]], expected: &str) {
        let mut capture = Capture::new(limit);
        pieces.iter().for_each(|piece| capture.push(piece));
        assert_eq!(capture.into_text(), expected, "{pieces:?}");
    }

    #[test]
    fn head_and_tail_are_kept() {
        check(8, &[], "");
        check(8, &[b"abc"], "abc");
        check(8, &[b"abcd", b"efgh"], "abcdefgh");
        check(8, &[b"abcdefgh"], "abcdefgh");
        check(8, &[b"abcdefghi"], "abcd\n[1 bytes are cut here]\nfghi");
        check(8, &[b"ab", b"cdefghij", b"klmnop"], "abcd\n[8 bytes are cut here]\nmnop");
        check(
            8,
            &[b"a", b"b", b"c", b"d", b"e", b"f", b"g", b"h", b"i"],
            "abcd\n[1 bytes are cut here]\nfghi",
        );
        check(8, &[b"a\xff\0"], "a\u{fffd}\0");
    }

    #[test]
    fn a_character_over_the_border_of_head_and_tail_stays_whole() {
        check(4, &["aä".as_bytes()], "aä");
    }

    #[test]
    fn memory_is_bounded() {
        let mut capture = Capture::new(1 << 10);
        (0..1000).for_each(|_| capture.push(&[b'x'; 4096]));
        assert!(capture.head.len() + capture.tail.len() == 1 << 10);
    }
}
