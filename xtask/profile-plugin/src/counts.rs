//! How often each instruction was executed, in windows between marks.

use std::collections::HashMap;
use std::fmt::Write as _;

use lab_protocol::profile::{FIRST_KERNEL_ADDRESS, HEADER, KERNEL_SPACE, Mark, PAGE_BYTES, page_digest};

/// Counters are allocated so many at a time, and never moved: QEMU's translated code has their addresses.
const CHUNK: usize = 4096;

/// The counters of one run.
pub(crate) struct Counts {
    chunks: Vec<*mut [u64; CHUNK]>,
    /// Which counter an instruction has.
    places: Option<HashMap<(u32, u64), usize>>,
    /// The address spaces of user code, by what its page holds.
    spaces: Option<HashMap<u64, u32>>,
    /// What the counters said at each mark.
    marks: Vec<(Mark, Vec<u64>)>,
}

// SAFETY: the chunks are owned here, and reached only through the lock around this; beside that QEMU's one thread for all
// CPUs adds to them, which does not run while it calls.
unsafe impl Send for Counts {}

impl Counts {
    pub(crate) const fn new() -> Self {
        Counts { chunks: Vec::new(), places: None, spaces: None, marks: Vec::new() }
    }

    /// Whose code this is: the kernel's, or that of a program, known by a page of it.
    pub(crate) fn space(&mut self, address: u64, page: &dyn Fn() -> Option<[u8; PAGE_BYTES]>) -> u32 {
        if address >= FIRST_KERNEL_ADDRESS {
            return KERNEL_SPACE;
        }
        let digest = page().map_or(0, |page| page_digest(&page));
        let spaces = self.spaces.get_or_insert_default();
        let next = spaces.len() as u32 + 1;
        *spaces.entry(digest).or_insert(next)
    }

    /// The counter of an instruction, the same one however often it is translated.
    pub(crate) fn counter(&mut self, space: u32, address: u64) -> *mut u64 {
        let places = self.places.get_or_insert_default();
        let next = places.len();
        let place = *places.entry((space, address)).or_insert(next);
        if place / CHUNK == self.chunks.len() {
            self.chunks.push(Box::into_raw(Box::new([0; CHUNK])));
        }
        self.chunks[place / CHUNK].cast::<u64>().wrapping_add(place % CHUNK)
    }

    /// Keeps what all counters say now.
    pub(crate) fn mark(&mut self, mark: Mark) {
        let now = self.now();
        self.marks.push((mark, now));
    }

    fn now(&self) -> Vec<u64> {
        let count = self.places.as_ref().map_or(0, HashMap::len);
        let one = |place: usize| {
            let counter = self.chunks[place / CHUNK].cast::<u64>().wrapping_add(place % CHUNK);
            // SAFETY: the counter lies within a chunk, and chunks are never freed.
            unsafe { counter.read_volatile() }
        };
        (0..count).map(one).collect()
    }

    /// Everything between a begin and the end after it. A window that was not ended lasts to the end of the run.
    pub(crate) fn to_text(&self) -> String {
        let mut text = format!("{HEADER}\n");
        let mut spaces: Vec<(u32, u64)> =
            self.spaces.iter().flatten().map(|(digest, space)| (*space, *digest)).collect();
        spaces.sort_unstable();
        for (space, digest) in spaces {
            let _ = writeln!(text, "space {space} {digest:016x}");
        }
        let mut places: Vec<((u32, u64), usize)> =
            self.places.iter().flatten().map(|(key, at)| (*key, *at)).collect();
        places.sort_unstable();
        let rest = self.now();
        for (begin, end) in self.windows(&rest) {
            let _ = writeln!(text, "window");
            for &((space, address), place) in &places {
                let at = |counters: &[u64]| counters.get(place).copied().unwrap_or(0);
                let count = at(end) - at(begin);
                if count > 0 {
                    let _ = writeln!(text, "{space} {address:x} {count}");
                }
            }
        }
        let _ = writeln!(text, "end");
        text
    }

    fn windows<'a>(&'a self, rest: &'a [u64]) -> Vec<(&'a [u64], &'a [u64])> {
        let mut windows = Vec::new();
        let mut open: Option<&[u64]> = None;
        for (mark, counters) in &self.marks {
            match (mark, open.take()) {
                (Mark::Begin, before) => {
                    windows.extend(before.map(|begin| (begin, &counters[..])));
                    open = Some(counters);
                }
                (Mark::End, Some(begin)) => windows.push((begin, &counters[..])),
                (Mark::End, None) => {}
            }
        }
        windows.extend(open.map(|begin| (begin, rest)));
        windows
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    const KERNEL: u64 = 0xffff_ffff_8100_0000;

    fn execute(counts: &mut Counts, address: u64, page: u8, times: u64) {
        let space = counts.space(address, &|| Some([page; PAGE_BYTES]));
        let counter = counts.counter(space, address);
        // SAFETY: the counter was just given, and nobody else has it.
        unsafe { *counter += times };
    }

    #[test]
    fn only_what_lies_in_a_window_is_told() {
        let mut counts = Counts::new();
        execute(&mut counts, KERNEL, 0, 100);
        counts.mark(Mark::End);
        counts.mark(Mark::Begin);
        execute(&mut counts, KERNEL, 0, 7);
        execute(&mut counts, 0x40_1000, 1, 5);
        // The same address in another program.
        execute(&mut counts, 0x40_1000, 2, 3);
        counts.mark(Mark::End);
        execute(&mut counts, KERNEL, 0, 1000);
        counts.mark(Mark::Begin);
        execute(&mut counts, 0x40_1000, 2, 1);
        let digests = [1, 2].map(|byte| format!("{:016x}", page_digest(&[byte; PAGE_BYTES])));
        let text = digests
            .iter()
            .zip(["FIRST", "SECOND"])
            .fold(counts.to_text(), |text, (digest, name)| text.replace(digest, name));
        expect![[r#"
            patchlab profile 1
            space 1 FIRST
            space 2 SECOND
            window
            0 ffffffff81000000 7
            1 401000 5
            2 401000 3
            window
            2 401000 1
            end
        "#]]
        .assert_eq(&text);
    }

    /// Translated code has the addresses: they stay what they are, however many there are.
    #[test]
    fn counters_do_not_move() {
        let mut counts = Counts::new();
        let first = counts.counter(0, 0);
        let all: Vec<*mut u64> = (0..3 * CHUNK as u64).map(|address| counts.counter(0, address)).collect();
        assert_eq!((all[0], counts.counter(0, 0)), (first, first));
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), 3 * CHUNK);
    }
}
