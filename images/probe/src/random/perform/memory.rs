//! Memory for transfers, at a chosen distance from the begin of a page.

use std::ops::Range;

/// What direct I/O wants to be aligned to, bytes.
const PAGE: usize = 4096;

/// Bytes that stay where they are.
#[derive(Debug)]
pub(super) struct Memory {
    bytes: Vec<u8>,
    used: Range<usize>,
}

impl Memory {
    /// So many bytes, `skew` bytes behind the begin of a page, all of them `byte`.
    pub(super) fn new(length: u64, skew: u16, byte: u8) -> Self {
        let (length, skew) = (length as usize, usize::from(skew));
        let bytes = vec![byte; length + skew + PAGE];
        let begin = bytes.as_ptr().align_offset(PAGE) + skew;
        Memory { bytes, used: begin..begin + length }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(self.used.clone()).unwrap_or_default()
    }

    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.used.clone()).unwrap_or_default()
    }

    /// The same bytes in so many pieces; with three or more they begin and end anywhere in a page.
    pub(super) fn pieces(&mut self, count: u8) -> Vec<libc::iovec> {
        let length = self.used.len();
        let cut = |number: usize| length * number / usize::from(count.max(1));
        let base = self.bytes_mut().as_mut_ptr();
        let piece = |number: usize| {
            let begin = cut(number);
            libc::iovec { iov_base: base.wrapping_add(begin).cast(), iov_len: cut(number + 1) - begin }
        };
        (0..usize::from(count.max(1))).map(piece).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_the_whole() {
        let mut memory = Memory::new(1000, 24, 7);
        assert_eq!((memory.bytes().as_ptr() as usize % PAGE, memory.bytes()), (24, &[7; 1000][..]));
        let base = memory.bytes().as_ptr() as usize;
        let mut next = base;
        for piece in memory.pieces(7) {
            assert_eq!(piece.iov_base as usize, next);
            next += piece.iov_len;
        }
        assert_eq!(next, base + 1000);
    }
}
