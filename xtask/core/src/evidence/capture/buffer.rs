//! A buffer with a bound that keeps the beginning and the end of what it is given.

use std::collections::VecDeque;

/// Keeps the first and the last bytes, each up to half of its capacity, and counts all.
///
/// The first lines of a console say what was booted, the last what happened to it; a kernel that prints without
/// end must not take the host's memory.
#[derive(Clone, Debug)]
pub struct CappedBuffer {
    half: usize,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    received: u64,
}

impl CappedBuffer {
    /// A buffer that keeps up to `capacity` bytes.
    pub fn new(capacity: usize) -> Self {
        CappedBuffer { half: capacity / 2, head: Vec::new(), tail: VecDeque::new(), received: 0 }
    }

    /// Adds bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.received += bytes.len() as u64;
        let (first, rest) = bytes.split_at(bytes.len().min(self.half - self.head.len()));
        self.head.extend_from_slice(first);
        self.tail.extend(&rest[rest.len().saturating_sub(self.half)..]);
        self.tail.drain(..self.tail.len().saturating_sub(self.half));
    }

    /// Bytes that were added in all.
    pub fn received_bytes(&self) -> u64 {
        self.received
    }

    /// What was kept. If bytes had to go, a line in their place says how many.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.head.clone();
        let lost = self.received - (self.head.len() + self.tail.len()) as u64;
        if lost > 0 {
            bytes.extend(format!("\n[patchlab: {lost} bytes cut here]\n").bytes());
        }
        bytes.extend(&self.tail);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(capacity: usize, pieces: &[&str]) -> String {
        let mut buffer = CappedBuffer::new(capacity);
        pieces.iter().for_each(|piece| buffer.push(piece.as_bytes()));
        assert_eq!(buffer.received_bytes(), pieces.concat().len() as u64);
        String::from_utf8(buffer.bytes()).unwrap()
    }

    #[test]
    fn what_fits_is_kept_whole() {
        assert_eq!(kept(8, &["abc", "", "defgh"]), "abcdefgh");
    }

    #[test]
    fn of_what_does_not_fit_the_middle_is_cut() {
        let expected = "abcd\n[patchlab: 3 bytes cut here]\nhijk";
        assert_eq!(kept(8, &["abcdefghijk"]), expected);
        assert_eq!(kept(8, &["ab", "cdefg", "hi", "jk"]), expected);
        assert_eq!(kept(8, &["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"]), expected);
    }
}
