//! What lies in a file, held against what must lie there.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;

use lab_protocol::DataCheck;
use lab_protocol::stamp::{Difference, Found, POISON, Stamp};

use crate::access::{Extent, Written};

/// How much is looked at in one go, bytes.
const CHUNK: usize = 1 << 20;

/// What must lie in a part of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// What the file was made with.
    Stamps,
    /// What a tool wrote.
    Written(Written, Extent),
}

impl Content {
    /// The first byte that is wrong of what lies at `offset`, a multiple of eight.
    fn check(self, found: &[u8], offset: u64) -> Option<Difference> {
        match self {
            Content::Stamps => Stamp::Place.check(found, offset),
            Content::Written(Written::Zeros, Extent::Whole) => not_zero(found, offset),
            Content::Written(Written::Stamps(stamp), Extent::Whole) => stamp.check(found, offset),
            // Records are whole words, so each word is all of the one or all of the other.
            Content::Written(written, Extent::Some) => {
                let mut words = (offset..).step_by(8).zip(found.chunks(8));
                words.find_map(|(at, word)| {
                    let wrong = Content::Written(written, Extent::Whole).check(word, at)?;
                    Stamp::Place.check(word, at).map(|_| wrong)
                })
            }
        }
    }

    fn name(self) -> &'static str {
        match self {
            Content::Stamps => "what was there before",
            Content::Written(_, Extent::Whole) => "what was written",
            Content::Written(_, Extent::Some) => "what was written or there before",
        }
    }
}

fn not_zero(found: &[u8], offset: u64) -> Option<Difference> {
    static ZEROS: [u8; CHUNK] = [0; CHUNK];
    // The C library compares faster than a loop.
    if ZEROS.get(..found.len()) == Some(found) {
        return None;
    }
    let at = found.iter().position(|byte| *byte != 0)?;
    let (byte, word) = (found.get(at)?, found.get(at & !7..).and_then(|rest| rest.first_chunk()));
    let found = word.map_or(Found::Other(*byte), |word| Stamp::Place.origin(*word, *byte));
    Some(Difference { offset: offset + at as u64, found })
}

/// Compares a part of a file with what must lie there, and notes what is wrong first.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn compare(
    file: &File,
    range: Range<u64>,
    content: Content,
    check: &mut DataCheck,
) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    let mut offset = range.start;
    while offset < range.end {
        let length = (range.end - offset).min(CHUNK as u64) as usize;
        let count = file.read_at(buffer.get_mut(..length).unwrap_or_default(), offset)?;
        let found = buffer.get(..count).unwrap_or_default();
        if count == 0 {
            check.wrong.push(format!("storage, offset {offset}: the file ends here"));
            return Ok(());
        }
        check.compared_bytes += count as u64;
        if let Some(wrong) = content.check(found, offset) {
            check.wrong.push(format!("storage, {wrong}, instead of {}", content.name()));
            return Ok(());
        }
        offset += count as u64;
    }
    Ok(())
}

/// Fills a part of a file with what no tool writes.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn poison(file: &File, range: Range<u64>) -> io::Result<()> {
    let buffer = vec![POISON; CHUNK];
    for offset in range.clone().step_by(CHUNK) {
        let length = (range.end - offset).min(CHUNK as u64) as usize;
        file.write_all_at(buffer.get(..length).unwrap_or_default(), offset)?;
    }
    Ok(())
}

/// Compares two files, `first` read in blocks of `CHUNK` into aligned memory, since it may be open for direct I/O.
///
/// # Errors
/// If one cannot be read.
pub(crate) fn same(first: &File, second: &File, how: &str, check: &mut DataCheck) -> io::Result<()> {
    let mut left = Aligned::new(CHUNK);
    let mut right = vec![0; CHUNK];
    let mut offset = 0;
    loop {
        left.content().fill(POISON);
        let count = first.read_at(left.content(), offset)?;
        let other = second.read_at(&mut right, offset)?;
        if count != other {
            let (count, other) = (offset + count as u64, offset + other as u64);
            check.wrong.push(format!("{how}: {count} bytes can be read, of {other} in the storage"));
            return Ok(());
        }
        if count == 0 {
            return Ok(());
        }
        let (found, expected) = (left.content().get(..count), right.get(..count));
        check.compared_bytes += count as u64;
        if found != expected {
            let pairs = found.unwrap_or_default().iter().zip(expected.unwrap_or_default());
            let at = pairs.take_while(|(found, expected)| found == expected).count();
            check.wrong.push(format!("{how}, offset {}: not what is in the storage", offset + at as u64));
            return Ok(());
        }
        offset += count as u64;
    }
}

/// Memory that begins at a page, as direct I/O wants it.
#[derive(Debug)]
pub(crate) struct Aligned {
    memory: Vec<u8>,
    begin: usize,
    length: usize,
}

impl Aligned {
    const PAGE: usize = 4096;

    pub(crate) fn new(length: usize) -> Self {
        let memory = vec![0; length + Self::PAGE];
        let begin = memory.as_ptr().align_offset(Self::PAGE);
        Aligned { memory, begin, length }
    }

    pub(crate) fn content(&mut self) -> &mut [u8] {
        self.memory.get_mut(self.begin..self.begin + self.length).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    const MIB: usize = 1 << 20;

    fn file_with(content: &[u8]) -> File {
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(content, 0).unwrap();
        file
    }

    fn stamps(stamp: Stamp) -> Vec<u8> {
        let mut content = vec![0; 3 * MIB];
        stamp.fill(&mut content, 0);
        content
    }

    fn check(content: &[u8], range: Range<u64>, expected_content: Content, expected: Expect) {
        let mut check = DataCheck { compared_bytes: 0, wrong: Vec::new() };
        compare(&file_with(content), range, expected_content, &mut check).unwrap();
        expected.assert_eq(&format!("{} bytes: {:?}", check.compared_bytes, check.wrong));
    }

    #[test]
    fn what_was_left_out_or_misplaced_shows() {
        let whole = |stamp| Content::Written(stamp, Extent::Whole);
        let some = |stamp| Content::Written(stamp, Extent::Some);
        let zeros = Written::Zeros;
        let all = 0..3 * MIB as u64;
        let mut content = stamps(Stamp::Place);
        check(&content, all.clone(), Content::Stamps, expect!["3145728 bytes: []"]);
        check(
            &content,
            8..4096,
            whole(zeros),
            expect![[
                r#"4088 bytes: ["storage, offset 8: what belongs to offset 8, instead of what was written"]"#
            ]],
        );
        check(&content, all.clone(), some(zeros), expect!["3145728 bytes: []"]);
        // All is written but one part of 128 KiB.
        content[..2 * MIB].fill(0);
        Stamp::Place.fill(&mut content[MIB + 393_216..MIB + 524_288], (MIB + 393_216) as u64);
        check(
            &content,
            0..2 * MIB as u64,
            whole(zeros),
            expect![[
                r#"2097152 bytes: ["storage, offset 1441794: what belongs to offset 1441792, instead of what was written"]"#
            ]],
        );
        check(&content, all.clone(), some(zeros), expect!["3145728 bytes: []"]);
        check(
            &content,
            0..4096,
            Content::Stamps,
            expect![[r#"4096 bytes: ["storage, offset 7: zeros, instead of what was there before"]"#]],
        );
        // What belongs elsewhere.
        let (from, to) = (2 * MIB + 4096, 2 * MIB + 8192);
        content.copy_within(from..from + 4096, to);
        check(
            &content,
            2 * MIB as u64..3 * MIB as u64,
            Content::Stamps,
            expect![[
                r#"1048576 bytes: ["storage, offset 2105345: what belongs to offset 2101248, instead of what was there before"]"#
            ]],
        );
        check(
            &content,
            all.clone(),
            some(zeros),
            expect![[
                r#"3145728 bytes: ["storage, offset 2105345: what belongs to offset 2101248, instead of what was written or there before"]"#
            ]],
        );
        content[to + 100] = 7;
        check(
            &content,
            to as u64..to as u64 + 8192,
            whole(zeros),
            expect![[
                r#"8192 bytes: ["storage, offset 2105345: what belongs to offset 2101248, instead of what was written"]"#
            ]],
        );
        check(
            &content,
            0..4 * MIB as u64,
            some(Written::Stamps(Stamp::Spread)),
            expect![[
                r#"1048576 bytes: ["storage, offset 0: zeros, instead of what was written or there before"]"#
            ]],
        );
        let spread = stamps(Stamp::Spread);
        check(&spread, all.clone(), whole(Written::Stamps(Stamp::Spread)), expect!["3145728 bytes: []"]);
        check(
            &spread[..2 * MIB],
            all,
            whole(Written::Stamps(Stamp::Spread)),
            expect![[r#"2097152 bytes: ["storage, offset 2097152: the file ends here"]"#]],
        );
    }

    #[test]
    fn poison_is_neither_zero_nor_a_stamp() {
        let file = file_with(&stamps(Stamp::Place));
        poison(&file, 4096..2 * MIB as u64 + 512).unwrap();
        let mut check = DataCheck { compared_bytes: 0, wrong: Vec::new() };
        let zeros = Content::Written(Written::Zeros, Extent::Some);
        compare(&file, 0..4096, Content::Stamps, &mut check).unwrap();
        compare(&file, 0..8192, Content::Stamps, &mut check).unwrap();
        compare(&file, 0..8192, zeros, &mut check).unwrap();
        compare(&file, 2 * MIB as u64 + 512..3 * MIB as u64, Content::Stamps, &mut check).unwrap();
        expect![[r#"
            DataCheck {
                compared_bytes: 1068544,
                wrong: [
                    "storage, offset 4096: nothing was put there, instead of what was there before",
                    "storage, offset 4096: nothing was put there, instead of what was written or there before",
                ],
            }
        "#]].assert_debug_eq(&check);
    }

    #[test]
    fn files_that_differ() {
        let content = stamps(Stamp::Place);
        let shown = |first: &[u8]| {
            let mut check = DataCheck { compared_bytes: 0, wrong: Vec::new() };
            same(&file_with(first), &file_with(&content), "direct", &mut check).unwrap();
            format!("{} bytes: {:?}", check.compared_bytes, check.wrong)
        };
        expect!["3145728 bytes: []"].assert_eq(&shown(&content));
        expect![[r#"2097152 bytes: ["direct: 2097157 bytes can be read, of 3145728 in the storage"]"#]]
            .assert_eq(&shown(&content[..2 * MIB + 5]));
        let mut other = content.clone();
        other[2 * MIB + 12_345] ^= 1;
        expect![[r#"3145728 bytes: ["direct, offset 2109497: not what is in the storage"]"#]]
            .assert_eq(&shown(&other));
    }
}
