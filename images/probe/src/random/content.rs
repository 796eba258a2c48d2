//! What writes put into files, and the way back from bytes to the write that they come from.
//!
//! Each word of eight bytes, aligned in the file, follows from its place and from the number of the step that wrote it. So
//! a word that was read names its write. No byte is zero: zero is what was never written.

use std::ops::Range;

/// Where bytes come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// They are zero: never written, or cut off, or punched out.
    Zero,
    /// The step with this place in the sequence.
    Step(usize),
    /// Less than a word, or a word of several writes, or of none: the bytes themselves, by their place in the word.
    Bytes([u8; 8]),
}

impl Source {
    /// The byte at a place of the file.
    pub(crate) fn byte(self, at: u64) -> u8 {
        let bytes = match self {
            Source::Zero => return 0,
            Source::Step(step) => word(step, at / 8),
            Source::Bytes(bytes) => bytes,
        };
        bytes.get((at % 8) as usize).copied().unwrap_or_default()
    }
}

/// A piece of a file with one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// Its bytes.
    pub(crate) range: Range<u64>,
    /// Where they come from.
    pub(crate) source: Source,
}

/// From so many pieces on the rest of a file is left out: only a file full of foreign bytes has them.
const MOST_RUNS: usize = 4096;

/// The word with this number that a step writes. The constants are those of splitmix64.
fn word(step: usize, number: u64) -> [u8; 8] {
    let mixed = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        ^ (step as u64 + 1).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    ((mixed ^ (mixed >> 29)) | 0x0101_0101_0101_0101).to_le_bytes()
}

/// Puts into memory what a step writes from `at` on.
pub(crate) fn fill(memory: &mut [u8], at: u64, step: usize) {
    let (head, rest) = memory.split_at_mut(unaligned(memory.len(), at));
    let begin = at + head.len() as u64;
    let (words, tail) = rest.as_chunks_mut();
    let end = begin + 8 * words.len() as u64;
    (begin / 8..).zip(words).for_each(|(number, target)| *target = word(step, number));
    let edges = (at..).zip(head).chain((end..).zip(tail));
    edges.for_each(|(at, target)| *target = Source::Step(step).byte(at));
}

/// What memory is filled with before it is read into: no write has these bytes in a row.
pub(crate) const UNTOUCHED: u8 = 0xee;

/// Says where bytes at `at` come from; `steps` are those that may have written there, the latest last.
pub(crate) fn decode(bytes: &[u8], at: u64, steps: &[usize]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let (head, rest) = bytes.split_at(unaligned(bytes.len(), at));
    let begin = at + head.len() as u64;
    push_bytes(&mut runs, head, at);
    let (words, tail) = rest.as_chunks::<8>();
    for (number, found) in (begin / 8..).zip(words) {
        let is = |source| match source {
            Source::Zero => *found == [0; 8],
            Source::Step(step) => *found == word(step, number),
            Source::Bytes(_) => false,
        };
        let range = number * 8..number * 8 + 8;
        if let Some(last) = runs.last_mut()
            && is(last.source)
        {
            last.range.end = range.end;
            continue;
        }
        if runs.len() == MOST_RUNS {
            return runs;
        }
        let known = std::iter::once(Source::Zero).chain(steps.iter().rev().copied().map(Source::Step));
        let source = known.into_iter().find(|source| is(*source)).unwrap_or(Source::Bytes(*found));
        runs.push(Run { range, source });
    }
    push_bytes(&mut runs, tail, begin + 8 * words.len() as u64);
    runs
}

/// Adds less than a word.
fn push_bytes(runs: &mut Vec<Run>, bytes: &[u8], at: u64) {
    if bytes.is_empty() {
        return;
    }
    let mut placed = [0; 8];
    placed.iter_mut().skip((at % 8) as usize).zip(bytes).for_each(|(place, byte)| *place = *byte);
    runs.push(Run { range: at..at + bytes.len() as u64, source: Source::Bytes(placed) });
}

/// How many of so many bytes at `at` lie before the first whole word.
fn unaligned(length: usize, at: u64) -> usize {
    length.min((at.wrapping_neg() & 7) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_name_their_write() {
        let mut file = vec![0; 64];
        fill(&mut file[8..48], 8, 3);
        fill(&mut file[19..40], 19, 5);
        let runs = decode(&file, 0, &[3, 5, 7]);
        let sources: Vec<_> = runs.iter().map(|run| (run.range.clone(), run.source)).collect();
        let mut both = [0; 8];
        both.copy_from_slice(&file[16..24]);
        assert_eq!(
            sources,
            [
                (0..8, Source::Zero),
                (8..16, Source::Step(3)),
                (16..24, Source::Bytes(both)),
                (24..40, Source::Step(5)),
                (40..48, Source::Step(3)),
                (48..64, Source::Zero),
            ]
        );
        for (at, byte) in (0..).zip(&file) {
            let run = runs.iter().find(|run| run.range.contains(&at)).unwrap();
            assert_eq!(run.source.byte(at), *byte);
        }
    }

    #[test]
    fn pieces_of_words_are_told_as_bytes() {
        let mut file = vec![0; 13];
        fill(&mut file, 3, 1);
        let runs = decode(&file, 3, &[1]);
        assert_eq!(runs.iter().map(|run| run.range.clone()).collect::<Vec<_>>(), [3..8, 8..16]);
        assert_eq!(runs[0].source.byte(5), file[2]);
        assert_eq!(runs[1].source, Source::Step(1));
    }

    #[test]
    fn no_byte_that_is_written_is_zero() {
        let mut memory = vec![0; 4096];
        fill(&mut memory, 1 << 20, 41);
        assert!(memory.iter().all(|byte| *byte != 0));
    }
}
