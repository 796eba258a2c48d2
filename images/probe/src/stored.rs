//! What the storage holds after a write: which of its bytes are new, which are old, and whether any is neither.

use lab_protocol::stamp::Stamp;

use crate::outcome::size;

/// What a file had before a write.
pub(crate) const OLD: Stamp = Stamp::Place;
/// What is written.
pub(crate) const NEW: Stamp = Stamp::Spread;

/// The granularity at which content is judged, bytes.
const BLOCK: usize = 512;

/// What is found of one write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Ranges that are new, bytes of the file.
    pub new: Vec<(u64, u64)>,
    /// The first byte that is neither new, nor old, nor a hole behind the old end.
    pub wrong: Option<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    New,
    Old,
}

/// Looks at the content of a file that had `old_size` bytes, all of it old, after a write at `begin` of `length`
/// bytes. Outside that range nothing may be new.
pub(crate) fn look(content: &[u8], old_size: u64, begin: u64, length: u64) -> Stored {
    let mut stored = Stored { new: Vec::new(), wrong: None };
    let ends = [begin, begin + length, old_size, content.len() as u64];
    let mut at = 0;
    while at < content.len() as u64 {
        // A block ends early where what is expected changes.
        let next = (at / BLOCK as u64 + 1) * BLOCK as u64;
        let next =
            ends.iter().copied().filter(|end| *end > at).fold(next, u64::min).min(content.len() as u64);
        let block = &content[at as usize..next as usize];
        let inside = at >= begin && at < begin + length;
        match judge(block, at, old_size, inside) {
            None => {
                stored.wrong.get_or_insert(at);
            }
            Some(Content::Old) => {}
            Some(Content::New) => match stored.new.last_mut() {
                Some(last) if last.1 == at => last.1 = next,
                Some(_) | None => stored.new.push((at, next)),
            },
        }
        at = next;
    }
    stored
}

fn judge(block: &[u8], at: u64, old_size: u64, inside: bool) -> Option<Content> {
    if inside && NEW.first_difference(block, at).is_none() {
        return Some(Content::New);
    }
    let is_old = if at < old_size {
        OLD.first_difference(block, at).is_none()
    } else {
        block.iter().all(|byte| *byte == 0)
    };
    is_old.then_some(Content::Old)
}

impl Stored {
    /// `all stored`, `640 KiB stored`, `all but 640-768 KiB stored`.
    pub fn words(&self, begin: u64, length: u64) -> String {
        let end = begin + length;
        match self.new.as_slice() {
            [] => "nothing stored".to_owned(),
            [(from, to)] if (*from, *to) == (begin, end) => "all stored".to_owned(),
            [(from, to)] if *from == begin => format!("the first {} stored", size(to - from)),
            ranges => {
                let mut missing = Vec::new();
                let mut at = begin;
                for (from, to) in ranges {
                    if *from > at {
                        missing.push((at - begin, from - begin));
                    }
                    at = *to;
                }
                if at < end {
                    missing.push((at - begin, end - begin));
                }
                let text = |(from, to): &(u64, u64)| format!("{}-{} KiB", from >> 10, to >> 10);
                let missing: Vec<String> = missing.iter().map(text).collect();
                format!("all stored but {}", missing.join(" and "))
            }
        }
    }

    /// The fault, if a byte is wrong.
    pub fn fault(&self) -> Option<String> {
        self.wrong.map(|at| format!("the storage holds neither old nor new data at byte {at}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(size: usize, new: &[(usize, usize)]) -> Vec<u8> {
        let mut bytes = vec![0; size];
        OLD.fill(&mut bytes, 0);
        for (from, to) in new {
            NEW.fill(&mut bytes[*from..*to], *from as u64);
        }
        bytes
    }

    #[test]
    fn what_is_stored_is_told() {
        const K: usize = 1024;
        for (new, expected) in [
            (vec![], "nothing stored"),
            (vec![(K, 9 * K)], "all stored"),
            (vec![(K, 5 * K)], "the first 4 KiB stored"),
            (vec![(K, 3 * K), (4 * K, 9 * K)], "all stored but 2-3 KiB"),
            (vec![(2 * K, 3 * K), (4 * K, 8 * K)], "all stored but 0-1 KiB and 2-3 KiB and 7-8 KiB"),
        ] {
            let stored = look(&content(16 * K, &new), 16 << 10, 1 << 10, 8 << 10);
            assert_eq!((stored.words(1 << 10, 8 << 10).as_str(), stored.wrong), (expected, None));
        }
    }

    #[test]
    fn misplaced_and_stray_bytes_are_wrong() {
        let mut bytes = content(4096, &[(512, 1024)]);
        assert_eq!(look(&bytes, 4096, 512, 512).wrong, None);
        // New data outside the range.
        assert_eq!(look(&bytes, 4096, 1024, 512).wrong, Some(512));
        bytes[700] ^= 1;
        assert_eq!(look(&bytes, 4096, 512, 512).wrong, Some(512));
        // Beyond the old end a hole is nothing new.
        let mut bytes = content(1024, &[]);
        bytes.resize(2048, 0);
        assert_eq!(look(&bytes, 1024, 1024, 1024), Stored { new: vec![], wrong: None });
        // But old data there comes from nowhere.
        OLD.fill(&mut bytes[1536..], 1536);
        assert_eq!(look(&bytes, 1024, 1024, 1024).wrong, Some(1536));
    }

    #[test]
    fn odd_borders_are_seen() {
        let mut bytes = content(3000, &[]);
        NEW.fill(&mut bytes[700..1300], 700);
        assert_eq!(look(&bytes, 3000, 700, 600).new, [(700, 1300)]);
    }
}
