//! Requests that a kernel sends to the FUSE server.

use super::Target;
use crate::inputs::Checkout;

pub(super) struct Requests;

/// The bytes of a request before its argument.
const HEAD: usize = 40;

/// One of each form: its number and its argument, from words of 32 bits and from text.
const FORMS: [(u32, &[u32], &[u8]); 16] = [
    (1, &[], b"file\0"),
    (2, &[5, 0], b""),
    (4, &[1; 22], b""),
    (6, &[], b"link\0../target\0"),
    (8, &[0o100_644, 0, 0o22, 0], b"node\0"),
    (12, &[9, 0], b"old\0new\0"),
    (15, &[3, 0, 4096, 0, 131_072, 2, 77, 0, 0, 0], b""),
    (16, &[3, 0, 8192, 0, 5, 1, 77, 0, 2, 0], b"bytes"),
    (21, &[3, 1], b"user.x\0abc"),
    (22, &[64, 0], b"user.x\0"),
    (26, &[7, 41, 131_072, 1 << 30, 16, 0, 0], b""),
    (35, &[1, 0o100_644, 0o22, 0], b"f\0"),
    (36, &[6, 0], b""),
    (42, &[3, 0, 10, 0, 1, 0, 11, 0, 2, 0, 12, 0, 3, 0], b""),
    (45, &[9, 0, 1, 0], b"old\0new\0"),
    (47, &[1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0], b""),
];

impl Target for Requests {
    fn inputs(&self, _: &Checkout) -> anyhow::Result<Vec<Vec<u8>>> {
        Ok(FORMS.iter().map(|(opcode, words, text)| request(*opcode, words, text)).collect())
    }

    fn check(&self, case: &[u8]) {
        passthrough::apart::take_apart(case);
    }

    /// With the length that it has, and now and then as another operation.
    fn mended(&self, mut case: Vec<u8>) -> Vec<u8> {
        let length = (case.len() as u32).to_le_bytes();
        case.iter_mut().zip(length).for_each(|(old, new)| *old = new);
        // Extensions are of no more than a few bytes.
        case.iter_mut().skip(HEAD - 4).take(1).for_each(|low| *low %= 4);
        case.iter_mut().skip(HEAD - 3).take(1).for_each(|high| *high = 0);
        case
    }
}

fn request(opcode: u32, words: &[u32], text: &[u8]) -> Vec<u8> {
    let length = HEAD + 4 * words.len() + text.len();
    let head = [length as u32, opcode, 6, 0, 7, 0, 1000, 100, 42, 0];
    let words = head.iter().chain(words).flat_map(|word| word.to_le_bytes());
    words.chain(text.iter().copied()).collect()
}
