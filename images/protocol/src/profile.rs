//! What guest and host agree on for profiles: how the guest marks a workload, and how its code is named.

/// The first line of what the plugin writes.
pub const HEADER: &str = "patchlab profile 1";

/// Where the kernel's half of the address space begins.
pub const FIRST_KERNEL_ADDRESS: u64 = 0xffff_8000_0000_0000;

/// The number of the kernel among the address spaces.
pub const KERNEL_SPACE: u32 = 0;

/// Bytes of a page.
pub const PAGE_BYTES: usize = 4096;

/// What a mark means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A workload is about to be started.
    Begin,
    /// It has ended.
    End,
}

/// On x86-64 `nopl NUMBER(%rax,%rax,1)`, up to the number: it does nothing, and no compiler makes it with these numbers.
const NOP: [u8; 4] = [0x0f, 0x1f, 0x84, 0x00];

/// The number of [`Mark::Begin`].
pub const BEGIN: u32 = 0x4c61_6201;

/// The number of [`Mark::End`].
pub const END: u32 = 0x4c61_6202;

/// On arm64 `movz xzr, #NUMBER`, with the lower half of the number. Its bytes are no instruction of x86-64.
pub const fn arm64_mark(number: u32) -> u32 {
    0xd280_001f | (number & 0xffff) << 5
}

/// The mark that an instruction is, if it is one.
pub fn mark_of(code: &[u8]) -> Option<Mark> {
    let word = |bytes: &[u8]| Some(u32::from_le_bytes(bytes.try_into().ok()?));
    let marks = match code.strip_prefix(&NOP) {
        Some(number) => (word(number)?, BEGIN, END),
        None => (word(code)?, arm64_mark(BEGIN), arm64_mark(END)),
    };
    match marks {
        (found, begin, _) if found == begin => Some(Mark::Begin),
        (found, _, end) if found == end => Some(Mark::End),
        _ => None,
    }
}

/// What a page of code is known by: quick rather than safe, since it tells the pages of one image apart (FNV-1a, over words).
pub fn page_digest(page: &[u8; PAGE_BYTES]) -> u64 {
    page.as_chunks().0.iter().fold(0xcbf2_9ce4_8422_2325, |digest, word| {
        (digest ^ u64::from_le_bytes(*word)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
