//! What verified data looks like: each byte follows from its place in the file.

/// Spreads the bits of the word's number, so that neighbouring words share no bytes by accident.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

fn byte(position: u64) -> u8 {
    let word = (position / 8 + 1).wrapping_mul(SPREAD);
    word.to_le_bytes()[(position % 8) as usize]
}

/// Fills memory that is to be written at `offset`.
pub fn fill(memory: &mut [u8], offset: u64) {
    for (position, target) in (offset..).zip(memory) {
        *target = byte(position);
    }
}

/// The first byte that is not what [`fill`] would have put there, as an offset in the file.
pub fn first_difference(memory: &[u8], offset: u64) -> Option<u64> {
    (offset..).zip(memory).find(|(position, found)| **found != byte(*position)).map(|(position, _)| position)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moved_or_changed_byte_is_found() {
        let mut memory = vec![0; 4096];
        fill(&mut memory, 65536 + 3);
        assert_eq!(first_difference(&memory, 65536 + 3), None);
        assert_eq!(first_difference(&memory[5..], 65536 + 8), None);
        for wrong_place in [0, 4096, 65536 + 4, 65536 + 3 + 512, 131_072 + 3] {
            assert!(first_difference(&memory, wrong_place).is_some(), "{wrong_place}");
        }
        memory[1000] ^= 1;
        assert_eq!(first_difference(&memory, 65536 + 3), Some(65536 + 3 + 1000));
    }
}
