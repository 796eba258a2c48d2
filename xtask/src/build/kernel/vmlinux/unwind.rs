//! How a debugger gets from a function to its caller, without debug information: the kernel's own tables for that (ORC), in the
//! form that debuggers read (`.debug_frame`, DWARF 5, 6.4).
//!
//! A kernel with frame pointers has no such tables, and a debugger needs none.

use anyhow::{Context as _, ensure};
use object::read::elf::ElfFile64;
use object::{LittleEndian, Object as _, ObjectSection as _};

/// The bytes of one place in the tables: `struct orc_entry` of arch/x86/include/asm/orc_types.h.
const ENTRY_BYTES: usize = 6;

/// How many places one description has: with one of each, half of it would be heads.
const PLACES: usize = 64;

/// Numbers of registers in DWARF for x86-64: System V ABI, AMD64 supplement, figure 3.36.
const RBP: u8 = 6;
const RSP: u8 = 7;
const RETURN_ADDRESS: u8 = 16;

/// From `address` on the caller is found so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    address: u64,
    rule: Option<Rule>,
}

/// How the caller's frame is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rule {
    /// Where the frame begins.
    frame: Frame,
    /// Where, from there, the caller's RBP lies; none if it is still in the register.
    rbp: Option<i16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frame {
    /// This far from what is in the register.
    At(u8, u16),
    /// This far from what lies where the register points, itself so far from it.
    Behind(u8, i16, u16),
}

/// The section for a kernel that has tables.
///
/// # Errors
/// If the tables are not what they should be.
pub(super) fn debug_frame(program: &[u8]) -> anyhow::Result<Option<Vec<u8>>> {
    let file = ElfFile64::<LittleEndian>::parse(program).context("what is packed is no 64-bit ELF file")?;
    let section = |name: &str| file.section_by_name(name);
    let (Some(addresses), Some(entries)) = (section(".orc_unwind_ip"), section(".orc_unwind")) else {
        return Ok(None);
    };
    // With it came another form of the entries, in Linux 6.4.
    let form = if section(".orc_header").is_some() { Form::From6_4 } else { Form::Before };
    let places = places(addresses.address(), addresses.data()?, entries.data()?, form)?;
    Ok(Some(written(&places)))
}

/// The form of an entry's last two bytes.
#[derive(Clone, Copy, Debug)]
enum Form {
    Before,
    From6_4,
}

fn places(start: u64, addresses: &[u8], entries: &[u8], form: Form) -> anyhow::Result<Vec<Place>> {
    let (addresses, rest) = addresses.as_chunks::<4>();
    let (entries, rest_of_entries) = entries.as_chunks::<ENTRY_BYTES>();
    ensure!(
        rest.is_empty() && rest_of_entries.is_empty() && addresses.len() == entries.len(),
        "the kernel's tables for unwinding have {} addresses and {} entries",
        addresses.len(),
        entries.len()
    );
    let place = |(at, (address, entry)): (u64, (&[u8; 4], &[u8; ENTRY_BYTES]))| Place {
        address: (start + 4 * at).wrapping_add_signed(i32::from_le_bytes(*address).into()),
        rule: rule(entry, form),
    };
    Ok((0..).zip(addresses.iter().zip(entries)).map(place).collect())
}

/// None where there is no caller, or the frame is that of an interrupt or a system call.
fn rule(entry: &[u8; ENTRY_BYTES], form: Form) -> Option<Rule> {
    let [sp_low, sp_high, bp_low, bp_high, registers, kind] = *entry;
    let (sp_offset, bp_offset) =
        (i16::from_le_bytes([sp_low, sp_high]), i16::from_le_bytes([bp_low, bp_high]));
    let is_call = match form {
        Form::Before => kind & 0b11 == 0 && kind & 0b100 == 0,
        Form::From6_4 => kind & 0b111 == 2,
    };
    let offset = u16::try_from(sp_offset).ok();
    let frame = match registers & 0xf {
        2 => Frame::At(1, offset?),
        3 => Frame::At(5, offset?),
        4 => Frame::At(RBP, offset?),
        5 => Frame::At(RSP, offset?),
        6 => Frame::At(10, offset?),
        7 => Frame::At(13, offset?),
        8 => Frame::Behind(RBP, sp_offset, 0),
        9 => Frame::Behind(RSP, 0, offset?),
        _ => return None,
    };
    let rbp = match registers >> 4 {
        0 => None,
        1 => Some(bp_offset),
        // Where it lies depends on the register itself.
        _ => return None,
    };
    is_call.then_some(Rule { frame, rbp })
}

/// The section: one head for all, and descriptions of some places each.
fn written(places: &[Place]) -> Vec<u8> {
    // Version 1, no augmentation, addresses count by 1, offsets by -8.
    let mut section = framed(&[&[0xff; 4][..], &[1, 0, 1, 0x78, RETURN_ADDRESS]].concat());
    for (number, some) in places.chunks(PLACES).enumerate() {
        // Where the last one ends is not known.
        let next = places.get((number + 1) * PLACES).or(some.last());
        let (Some(first), Some(next)) = (some.first(), next) else { continue };
        let mut body = [&[0; 4][..], &first.address.to_le_bytes()].concat();
        body.extend(next.address.saturating_sub(first.address).to_le_bytes());
        let mut at = first.address;
        for place in some {
            // DW_CFA_advance_loc4.
            let distance = u32::try_from(place.address.saturating_sub(at)).unwrap_or(u32::MAX);
            body.push(0x04);
            body.extend(distance.to_le_bytes());
            at = place.address;
            place.write(&mut body);
        }
        section.extend(framed(&body));
    }
    section
}

/// With its length in front, and filled up with DW_CFA_nop to whole words.
fn framed(body: &[u8]) -> Vec<u8> {
    let length = (body.len() + 4).next_multiple_of(8) - 4;
    let mut framed = (length as u32).to_le_bytes().to_vec();
    framed.extend(body);
    framed.resize(length + 4, 0);
    framed
}

impl Place {
    /// All rules, whatever held before.
    fn write(self, body: &mut Vec<u8>) {
        let Some(Rule { frame, rbp }) = self.rule else {
            // DW_CFA_def_cfa, DW_CFA_undefined: nobody called this.
            body.extend([0x0c, RSP, 8, 0x07, RETURN_ADDRESS]);
            return;
        };
        match frame {
            // DW_CFA_def_cfa.
            Frame::At(register, offset) => {
                body.extend([0x0c, register]);
                body.extend(unsigned(offset.into()));
            }
            // DW_CFA_def_cfa_expression: DW_OP_breg, DW_OP_deref, DW_OP_plus_uconst.
            Frame::Behind(register, inner, outer) => {
                let mut expression = vec![0x70 + register];
                expression.extend(signed(inner.into()));
                expression.extend([0x06, 0x23]);
                expression.extend(unsigned(outer.into()));
                body.extend([0x0f, expression.len() as u8]);
                body.extend(expression);
            }
        }
        // DW_CFA_offset: the return address lies right below the frame.
        body.extend([0x80 | RETURN_ADDRESS, 1]);
        match rbp {
            // DW_CFA_offset_extended_sf.
            Some(offset) => {
                body.extend([0x11, RBP]);
                body.extend(signed((offset / -8).into()));
            }
            // DW_CFA_same_value.
            None => body.extend([0x08, RBP]),
        }
    }
}

/// LEB128.
fn unsigned(mut value: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

fn signed(mut value: i32) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        let is_negative = low & 0x40 != 0;
        if (value == 0 && !is_negative) || (value == -1 && is_negative) {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Examples of DWARF 5, 7.6.
    #[test]
    fn numbers() {
        for (value, bytes) in [(2, &[2][..]), (127, &[127]), (128, &[0x80, 1]), (12857, &[0xb9, 0x64])] {
            assert_eq!(unsigned(value), bytes, "{value}");
        }
        for (value, bytes) in
            [(2, &[2][..]), (-2, &[0x7e]), (127, &[0xff, 0]), (-127, &[0x81, 0x7f]), (-129, &[0xff, 0x7e])]
        {
            assert_eq!(signed(value), bytes, "{value}");
        }
    }

    /// Entries as objtool writes them, by `struct orc_entry` before and from Linux 6.4 on.
    #[test]
    fn rules() {
        let plain = Some(Rule { frame: Frame::At(RSP, 8), rbp: None });
        assert_eq!(rule(&[8, 0, 0, 0, 0x05, 0], Form::Before), plain);
        assert_eq!(rule(&[8, 0, 0, 0, 0x05, 2], Form::From6_4), plain);
        let saved = Some(Rule { frame: Frame::At(RBP, 16), rbp: Some(-16) });
        assert_eq!(rule(&[16, 0, 0xf0, 0xff, 0x14, 2], Form::From6_4), saved);
        // Registers that an interrupt saved; the end of a stack; nothing known.
        for kind in [0, 1, 3, 4] {
            assert_eq!(rule(&[8, 0, 0, 0, 0x05, kind], Form::From6_4), None, "{kind}");
        }
        for kind in [1, 2, 4] {
            assert_eq!(rule(&[8, 0, 0, 0, 0x05, kind], Form::Before), None, "{kind}");
        }
        assert_eq!(rule(&[0, 0, 0, 0, 0, 2], Form::From6_4), None);
    }
}
