//! Content of files that follows from its place, so that misplaced and missing blocks show.

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
    fn word(self, offset: u64) -> [u8; 8] {
        let word = match self {
            Stamp::Place => 0xa5 << 56 | offset,
            Stamp::Spread => (offset / 8 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15),
        };
        word.to_le_bytes()
    }

    /// The byte at this offset.
    fn byte(self, offset: u64) -> u8 {
        self.word(offset & !7)[(offset & 7) as usize]
    }

    /// Fills memory that is to be written at `offset`, which may be any below 2^56.
    pub fn fill(self, buffer: &mut [u8], offset: u64) {
        let (head, rest) = buffer.split_at_mut(unaligned(buffer.len(), offset));
        let (words, tail) = rest.as_chunks_mut();
        let begin = offset + head.len() as u64;
        let end = begin + 8 * words.len() as u64;
        (begin..).step_by(8).zip(words).for_each(|(at, target)| *target = self.word(at));
        let bytes = (offset..).zip(head).chain((end..).zip(tail));
        bytes.for_each(|(at, target)| *target = self.byte(at));
    }

    /// The first byte of what was read at `offset` that is not what [`Stamp::fill`] would have put there, as an offset in
    /// the file.
    pub fn first_difference(self, found: &[u8], offset: u64) -> Option<u64> {
        let (head, rest) = found.split_at(unaligned(found.len(), offset));
        let (words, tail) = rest.as_chunks();
        let begin = offset + head.len() as u64;
        let wrong_byte = |from: u64, found: &[u8]| {
            (from..).zip(found).find(|(at, found)| **found != self.byte(*at)).map(|(at, _)| at)
        };
        let wrong_word = || (begin..).step_by(8).zip(words).find(|(at, found)| **found != self.word(*at));
        wrong_byte(offset, head)
            .or_else(|| wrong_word().and_then(|(at, found)| wrong_byte(at, found)))
            .or_else(|| wrong_byte(begin + 8 * words.len() as u64, tail))
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
}
