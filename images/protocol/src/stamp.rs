//! Content of files that follows from its place, so that misplaced and missing blocks show.

use std::fmt;

/// Memory that is to be read into is filled with this byte before. No word of [`Stamp::Place`] consists of it, so that a
/// read that ends before its data is there, or leaves a part out, shows.
pub const POISON: u8 = 0xee;

/// Words that are compared before somebody asks whether they were right.
const RUN: usize = 512;

/// The smallest part that a kernel moves or forgets as a whole.
const PAGE: usize = 4096;

/// How each aligned word of eight bytes, little-endian, follows from its offset in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamp {
    /// It is the offset with the top byte set, so that no word is zero and no page is taken for a hole. Whoever looks at the
    /// file sees where a block belongs.
    Place,
    /// The bits of the word's number are spread, so that neighbouring words share no bytes by accident: what is wrong shows
    /// at its first byte.
    Spread,
}

impl Stamp {
    /// The word at this offset, a multiple of eight.
    fn word(self, offset: u64) -> u64 {
        match self {
            Stamp::Place => 0xa5 << 56 | offset,
            Stamp::Spread => (offset / 8 + 1).wrapping_mul(self.step()),
        }
    }

    /// By how much each word is more than the one before it: to add is all that long runs of words take.
    fn step(self) -> u64 {
        match self {
            Stamp::Place => 8,
            Stamp::Spread => 0x9e37_79b9_7f4a_7c15,
        }
    }

    /// The byte at this offset.
    fn byte(self, offset: u64) -> u8 {
        self.word(offset & !7).to_le_bytes()[(offset & 7) as usize]
    }

    /// Fills memory that is to be written at `offset`, which may be any below 2^56.
    pub fn fill(self, buffer: &mut [u8], offset: u64) {
        let (head, rest) = buffer.split_at_mut(unaligned(buffer.len(), offset));
        let (words, tail) = rest.as_chunks_mut();
        let begin = offset + head.len() as u64;
        let end = begin + 8 * words.len() as u64;
        let mut word = self.word(begin);
        for target in words {
            *target = word.to_le_bytes();
            word = word.wrapping_add(self.step());
        }
        let bytes = (offset..).zip(head).chain((end..).zip(tail));
        bytes.for_each(|(at, target)| *target = self.byte(at));
    }

    /// Whether all words are right, without a look at each by itself.
    fn is_right(self, words: &[[u8; 8]], offset: u64) -> bool {
        let (mut word, mut differences) = (self.word(offset), 0);
        for found in words {
            differences |= u64::from_le_bytes(*found) ^ word;
            word = word.wrapping_add(self.step());
        }
        differences == 0
    }

    /// The first byte of what was read at `offset` that is not what [`Stamp::fill`] would have put there, as an offset in
    /// the file.
    pub fn first_difference(self, found: &[u8], offset: u64) -> Option<u64> {
        let (head, rest) = found.split_at(unaligned(found.len(), offset));
        let (words, tail) = rest.as_chunks();
        let begin = offset + head.len() as u64;
        let run = |at: u64| begin + (at * RUN as u64 * 8);
        let wrong_byte = |from: u64, found: &[u8]| {
            (from..).zip(found).find(|(at, found)| **found != self.byte(*at)).map(|(at, _)| at)
        };
        let wrong_run = || (0..).zip(words.chunks(RUN)).find(|(at, found)| !self.is_right(found, run(*at)));
        wrong_byte(offset, head)
            .or_else(|| wrong_run().and_then(|(at, found)| wrong_byte(run(at), found.as_flattened())))
            .or_else(|| wrong_byte(begin + 8 * words.len() as u64, tail))
    }
}

impl Stamp {
    /// The last page of what was read at `offset` whose first word is wrong, as an offset in the file.
    ///
    /// A look at a word of each page takes microseconds, from the last one to the first, so that what is still on its way
    /// does not arrive meanwhile. What arrives in order arrives at the end last.
    pub fn glance(self, found: &[u8], offset: u64) -> Option<u64> {
        let skipped = unaligned(found.len(), offset);
        let pages = (skipped..found.len()).step_by(PAGE);
        let wrong = |at: &usize| {
            let word = found.get(*at..*at + 8);
            word.is_some_and(|word| word != self.word(offset + *at as u64).to_le_bytes())
        };
        pages.rev().find(wrong).map(|at| offset + at as u64)
    }

    /// The same as [`Stamp::first_difference`], with what stands there instead.
    pub fn check(self, found: &[u8], offset: u64) -> Option<Difference> {
        let at = self.first_difference(found, offset)?;
        let word = (at & !7).checked_sub(offset).and_then(|begin| found.get(begin as usize..)?.first_chunk());
        let byte = found.get((at - offset) as usize).copied().unwrap_or_default();
        Some(Difference {
            offset: at,
            found: word.map_or(Found::Other(byte), |word| self.origin(*word, byte)),
        })
    }

    /// What a word looks like that is wrong at `byte`.
    pub fn origin(self, word: [u8; 8], byte: u8) -> Found {
        let number = u64::from_le_bytes(word);
        match (word, self) {
            ([POISON, POISON, POISON, POISON, POISON, POISON, POISON, POISON], _) => Found::Poison,
            ([0, 0, 0, 0, 0, 0, 0, 0], _) => Found::Zeros,
            (_, Stamp::Place) if number >> 40 == 0xa5 << 16 && number & 7 == 0 => {
                Found::From(number & !(0xff << 56))
            }
            (_, Stamp::Place | Stamp::Spread) => Found::Other(byte),
        }
    }
}

/// The first wrong byte, and what stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its offset in the file.
    pub offset: u64,
    /// What the word around it looks like.
    pub found: Found,
}

/// What stands where something else belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// [`POISON`]: nothing was put there.
    Poison,
    /// Zeros.
    Zeros,
    /// What belongs to this offset of the file.
    From(u64),
    /// Another byte.
    Other(u8),
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "offset {}: ", self.offset)?;
        match self.found {
            Found::Poison => f.write_str("nothing was put there"),
            Found::Zeros => f.write_str("zeros"),
            Found::From(offset) => write!(f, "what belongs to offset {offset}"),
            Found::Other(byte) => write!(f, "a wrong byte, {byte:#04x}"),
        }
    }
}

/// How many of so many bytes at `offset` lie before the first whole word.
fn unaligned(length: usize, offset: u64) -> usize {
    length.min((offset.wrapping_neg() & 7) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_its_offset_and_none_is_zero() {
        let mut buffer = [0; 24];
        Stamp::Place.fill(&mut buffer, 0x0102_0304_0500);
        let expected = [
            [0x00, 0x05, 0x04, 0x03, 0x02, 0x01, 0x00, 0xa5],
            [0x08, 0x05, 0x04, 0x03, 0x02, 0x01, 0x00, 0xa5],
            [0x10, 0x05, 0x04, 0x03, 0x02, 0x01, 0x00, 0xa5],
        ];
        assert_eq!(buffer, *expected.as_flattened());
    }

    #[test]
    fn chunks_join() {
        let (mut whole, mut parts) = ([0; 64], [0; 64]);
        Stamp::Place.fill(&mut whole, 0);
        Stamp::Place.fill(&mut parts[..40], 0);
        Stamp::Place.fill(&mut parts[40..], 40);
        assert_eq!(whole, parts);
    }

    #[test]
    fn parts_may_begin_and_end_anywhere() {
        for stamp in [Stamp::Place, Stamp::Spread] {
            let mut whole = [0; 64];
            stamp.fill(&mut whole, 1 << 32);
            for (begin, end) in (0..=64).flat_map(|begin| (begin..=64).map(move |end| (begin, end))) {
                let (mut part, offset) = (vec![0; end - begin], (1 << 32) + begin as u64);
                stamp.fill(&mut part, offset);
                assert_eq!(part, whole[begin..end], "{begin} to {end}");
                assert_eq!(stamp.first_difference(&part, offset), None, "{begin} to {end}");
                for at in 0..part.len() {
                    part[at] ^= 0x10;
                    let wrong = stamp.first_difference(&part, offset);
                    assert_eq!(wrong, Some(offset + at as u64), "{begin} to {end}");
                    part[at] ^= 0x10;
                }
            }
        }
    }

    #[test]
    fn no_byte_of_a_spread_word_is_that_of_its_neighbour() {
        let mut expected = [0; 16];
        expected[..8].copy_from_slice(&0x9e37_79b9_7f4a_7c15_u64.to_le_bytes());
        expected[8..].copy_from_slice(&0x3c6e_f372_fe94_f82a_u64.to_le_bytes());
        let mut buffer = [0; 16];
        Stamp::Spread.fill(&mut buffer, 0);
        assert_eq!(buffer, expected);
        assert!((0..8).all(|at| buffer[at] != buffer[at + 8]));
    }

    #[test]
    fn a_moved_or_changed_byte_is_found() {
        let mut memory = vec![0; 4096];
        Stamp::Spread.fill(&mut memory, 65536 + 3);
        assert_eq!(Stamp::Spread.first_difference(&memory, 65536 + 3), None);
        assert_eq!(Stamp::Spread.first_difference(&memory[5..], 65536 + 8), None);
        for wrong_place in [0, 4096, 65536 + 4, 65536 + 3 + 512, 131_072 + 3] {
            assert!(Stamp::Spread.first_difference(&memory, wrong_place).is_some(), "{wrong_place}");
        }
        memory[1000] ^= 1;
        assert_eq!(Stamp::Spread.first_difference(&memory, 65536 + 3), Some(65536 + 3 + 1000));
    }
    #[test]
    fn what_stands_there_instead_is_told() {
        let mut right = vec![0; 3 * PAGE];
        let offset = 1 << 20;
        Stamp::Place.fill(&mut right, offset);
        let shown = |found: &[u8]| Stamp::Place.check(found, offset).map(|wrong| wrong.to_string());
        assert_eq!(shown(&right), None);
        let with = |range: std::ops::Range<usize>, content: &[u8]| {
            let mut found = right.clone();
            found[range].copy_from_slice(content);
            shown(&found).unwrap()
        };
        assert_eq!(with(4096..4104, &[POISON; 8]), "offset 1052672: nothing was put there");
        assert_eq!(with(8192..12288, &[0; 4096]), "offset 1056769: zeros");
        let neighbour = right[8192..12288].to_vec();
        assert_eq!(with(4096..8192, &neighbour), "offset 1052673: what belongs to offset 1056768");
        assert_eq!(with(22..23, b"x"), "offset 1048598: a wrong byte, 0x78");
        // The word of the wrong byte lies partly before what was read.
        let mut odd = right[3..].to_vec();
        odd[1] ^= 1;
        let wrong = Stamp::Place.check(&odd, offset + 3).unwrap();
        assert_eq!(wrong, Difference { offset: offset + 4, found: Found::Other(1) });
    }

    #[test]
    fn a_glance_sees_each_page_that_is_wrong_as_a_whole() {
        for offset in [0, 1 << 20, 4096 + 512, 3] {
            let mut memory = vec![0; 4 * PAGE];
            Stamp::Place.fill(&mut memory, offset);
            assert_eq!(Stamp::Place.glance(&memory, offset), None, "{offset}");
            for page in 0..4 {
                let mut found = memory.clone();
                found[page * PAGE..][..PAGE].fill(POISON);
                let wrong = Stamp::Place.glance(&found, offset).unwrap();
                assert_eq!((wrong - offset) as usize / PAGE, page, "{offset}");
            }
            let early = vec![POISON; 4 * PAGE];
            assert_eq!(Stamp::Place.glance(&early, offset).map(|at| (at - offset) as usize / PAGE), Some(3));
        }
        assert_eq!(Stamp::Place.glance(b"short", 0), None);
        assert_eq!(Stamp::Place.glance(&[], 8), None);
    }
}
