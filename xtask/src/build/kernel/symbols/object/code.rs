//! What is an architecture's own in an object: relocations, and branches to other functions.

use iced_x86::{Decoder, DecoderOptions, OpKind};
use object::Architecture;
use object::elf::{
    R_AARCH64_ABS16, R_AARCH64_ABS32, R_AARCH64_ABS64, R_AARCH64_PREL16, R_AARCH64_PREL32, R_AARCH64_PREL64,
    R_X86_64_64, R_X86_64_PC32, R_X86_64_PLT32, RelocationType,
};

/// Bytes of an instruction of arm64.
const WORD: usize = 4;

/// The code of an architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    X86_64,
    Arm64,
}

/// A call or jump out of a range, without a relocation.
pub(super) struct Branch {
    /// Where its distance is, from the start of the range.
    pub(super) at: usize,
    /// Where it leads to.
    pub(super) target: u64,
}

impl Code {
    /// That of an object.
    pub(super) fn of(architecture: Architecture) -> Option<Self> {
        let known = [(Architecture::X86_64, Code::X86_64), (Architecture::Aarch64, Code::Arm64)];
        known.into_iter().find(|(known, _)| *known == architecture).map(|(_, code)| code)
    }

    /// How many bytes hold what a relocation puts in. Of an instruction of arm64 none: it has zeros where an address comes, and
    /// its other bits are the instruction's.
    pub(super) fn width(self, kind: RelocationType) -> usize {
        match (self, kind) {
            (Code::X86_64, R_X86_64_64) | (Code::Arm64, R_AARCH64_ABS64 | R_AARCH64_PREL64) => 8,
            (Code::X86_64, _) | (Code::Arm64, R_AARCH64_ABS32 | R_AARCH64_PREL32) => 4,
            (Code::Arm64, R_AARCH64_ABS16 | R_AARCH64_PREL16) => 2,
            (Code::Arm64, _) => 0,
        }
    }

    /// How far behind its value the place of a relocation may be. A relative one of x86-64 counts from the end of the instruction:
    /// four bytes on, or more if a constant follows.
    pub(super) fn ahead(self, kind: RelocationType) -> &'static [u64] {
        match (self, kind) {
            (Code::X86_64, R_X86_64_PC32 | R_X86_64_PLT32) => &[4, 5, 8, 6],
            (Code::X86_64 | Code::Arm64, _) => &[0],
        }
    }

    /// Whether a relocation is an address as a whole.
    pub(super) fn is_address(self, kind: RelocationType) -> bool {
        match self {
            Code::X86_64 => kind == R_X86_64_64,
            Code::Arm64 => kind == R_AARCH64_ABS64,
        }
    }

    /// Calls and jumps out of the function that has these bytes, which lie at `start`. Instructions are decoded, since any byte of
    /// one of x86-64 may look like a call.
    pub(super) fn branches(self, bytes: &[u8], start: u64) -> Vec<Branch> {
        let all = match self {
            Code::X86_64 => x86_64(bytes, start),
            Code::Arm64 => arm64(bytes, start),
        };
        let end = start + bytes.len() as u64;
        all.into_iter().filter(|branch| !(start..end).contains(&branch.target)).collect()
    }

    /// Takes its distance out of a branch.
    pub(super) fn without_distance(self, branch: &mut [u8]) {
        match (self, branch) {
            (Code::X86_64, branch) => branch.fill(0),
            (Code::Arm64, [low @ .., high]) => {
                low.fill(0);
                *high &= OPCODE;
            }
            (Code::Arm64, []) => {}
        }
    }
}

/// The length of a distance on both.
pub(super) const DISTANCE_BYTES: usize = 4;

fn x86_64(bytes: &[u8], start: u64) -> Vec<Branch> {
    let mut found = Vec::new();
    let mut decoder = Decoder::with_ip(64, bytes, start, DecoderOptions::NONE);
    while decoder.can_decode() {
        let position = decoder.position();
        let instruction = decoder.decode();
        let constants = decoder.get_constant_offsets(&instruction);
        if instruction.op0_kind() == OpKind::NearBranch64 && constants.immediate_size() == DISTANCE_BYTES {
            let at = position + constants.immediate_offset();
            found.push(Branch { at, target: instruction.near_branch64() });
        }
    }
    found
}

/// The bits of the last byte of `b` and `bl` that are no distance.
const OPCODE: u8 = 0b1111_1100;

/// `b` and `bl` of the Arm Architecture Reference Manual: 26 bits, signed, count instructions. Conditional branches lead out of no
/// function: they do not reach far enough.
fn arm64(bytes: &[u8], start: u64) -> Vec<Branch> {
    let words = bytes.as_chunks::<WORD>().0.iter().enumerate();
    let branch = |(number, word): (usize, &[u8; WORD])| {
        let word = u32::from_le_bytes(*word);
        let at = number * WORD;
        // Shifted to the left, so that the sign is the highest bit.
        let distance = (word << 6).cast_signed() >> 4;
        let target = start.wrapping_add(at as u64).wrapping_add_signed(distance.into());
        (word & 0x7c00_0000 == 0x1400_0000).then_some(Branch { at, target })
    };
    words.filter_map(branch).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As objdump shows them: `bl` and `b` forth and back, a `ret`, and a conditional branch.
    #[test]
    fn branches_of_arm64() {
        let words: [u32; 5] = [0x9400_0010, 0x17ff_ffff, 0x97ff_fff0, 0xd65f_03c0, 0x5400_0101];
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let found = Code::Arm64.branches(&bytes, 0x1000);
        let found: Vec<(usize, u64)> = found.iter().map(|branch| (branch.at, branch.target)).collect();
        assert_eq!(found, [(0, 0x1040), (8, 0x1008 - 0x40)]);
        let mut call = 0x97ff_fff0_u32.to_le_bytes();
        Code::Arm64.without_distance(&mut call);
        assert_eq!(u32::from_le_bytes(call), 0x9400_0000);
    }
}
