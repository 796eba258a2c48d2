//! What an ELF program needs to run: its loader and its libraries, read from the file without running anything.

/// The parts of an ELF file that name other files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Needs {
    /// The loader (`PT_INTERP`).
    pub(super) interpreter: Option<String>,
    /// Names of libraries (`DT_NEEDED`), in order.
    pub(super) libraries: Vec<String>,
    /// Where they are looked for first (`DT_RPATH`, `DT_RUNPATH`), separated by colons, unexpanded.
    pub(super) search: Vec<String>,
}

const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;
const PT_INTERP: u32 = 3;
const DT_NULL: u64 = 0;
const DT_NEEDED: u64 = 1;
const DT_STRTAB: u64 = 5;
const DT_RPATH: u64 = 15;
const DT_RUNPATH: u64 = 29;
const EM_X86_64: u16 = 62;

/// Reads what a 64-bit little-endian x86-64 ELF file needs (System V ABI, chapters 4 and 5). None if it is no such
/// file or is damaged.
pub(super) fn needs(file: &[u8]) -> Option<Needs> {
    const CLASS_64: u8 = 2;
    const LITTLE_ENDIAN: u8 = 1;
    if !file.starts_with(b"\x7fELF")
        || file.get(4..6)? != [CLASS_64, LITTLE_ENDIAN]
        || half(file, 18)? != EM_X86_64
    {
        return None;
    }
    let segments = segments(file)?;
    let mut needs = Needs::default();
    for segment in &segments {
        match segment.kind {
            PT_INTERP => needs.interpreter = Some(text(file, segment.offset)?),
            PT_DYNAMIC => read_dynamic(file, &segments, segment, &mut needs)?,
            _ => {}
        }
    }
    Some(needs)
}

struct Segment {
    kind: u32,
    offset: u64,
    address: u64,
    size: u64,
}

fn segments(file: &[u8]) -> Option<Vec<Segment>> {
    let table = long(file, 32)?;
    let (size, count) = (u64::from(half(file, 54)?), u64::from(half(file, 56)?));
    let segment = |index: u64| -> Option<Segment> {
        let at = table.checked_add(index * size)?;
        Some(Segment {
            kind: word(file, at)?,
            offset: long(file, at.checked_add(8)?)?,
            address: long(file, at.checked_add(16)?)?,
            size: long(file, at.checked_add(32)?)?,
        })
    };
    (0..count).map(segment).collect()
}

fn read_dynamic(file: &[u8], segments: &[Segment], dynamic: &Segment, needs: &mut Needs) -> Option<()> {
    let mut entries = Vec::new();
    for index in 0..dynamic.size / 16 {
        let at = dynamic.offset.checked_add(index * 16)?;
        match (long(file, at)?, long(file, at.checked_add(8)?)?) {
            (DT_NULL, _) => break,
            entry => entries.push(entry),
        }
    }
    let (_, address) = entries.iter().find(|(tag, _)| *tag == DT_STRTAB)?;
    let strings = offset_of(segments, *address)?;
    for (tag, value) in entries {
        let into = match tag {
            DT_NEEDED => &mut needs.libraries,
            DT_RPATH | DT_RUNPATH => &mut needs.search,
            _ => continue,
        };
        into.push(text(file, strings.checked_add(value)?)?);
    }
    Some(())
}

/// Where in the file an address lies.
fn offset_of(segments: &[Segment], address: u64) -> Option<u64> {
    let holds = |segment: &&Segment| {
        segment.kind == PT_LOAD
            && address.checked_sub(segment.address).is_some_and(|within| within < segment.size)
    };
    let segment = segments.iter().find(holds)?;
    (address - segment.address).checked_add(segment.offset)
}

fn half(file: &[u8], at: u64) -> Option<u16> {
    bytes(file, at).map(u16::from_le_bytes)
}

fn word(file: &[u8], at: u64) -> Option<u32> {
    bytes(file, at).map(u32::from_le_bytes)
}

fn long(file: &[u8], at: u64) -> Option<u64> {
    bytes(file, at).map(u64::from_le_bytes)
}

fn bytes<const N: usize>(file: &[u8], at: u64) -> Option<[u8; N]> {
    file.get(usize::try_from(at).ok()?..)?.first_chunk().copied()
}

fn text(file: &[u8], at: u64) -> Option<String> {
    let rest = file.get(usize::try_from(at).ok()?..)?;
    let end = rest.iter().position(|&byte| byte == 0)?;
    String::from_utf8(rest[..end].to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file with one loaded segment over all of it, at address 0x10000, and a dynamic section.
    fn file(interpreter: &str, entries: &[(u64, &str)]) -> Vec<u8> {
        const BASE: u64 = 0x10000;
        const HEADERS: usize = 64 + 3 * 56;
        let mut strings = vec![0];
        let mut dynamic = Vec::new();
        for (tag, string) in entries {
            dynamic.extend([*tag, strings.len() as u64]);
            strings.extend(string.bytes().chain([0]));
        }
        let at_strings = HEADERS + interpreter.len() + 1;
        let at_dynamic = at_strings + strings.len();
        dynamic.extend([DT_STRTAB, BASE + at_strings as u64, DT_NULL, 0, DT_NEEDED, 1]);
        let dynamic: Vec<u8> = dynamic.into_iter().flat_map(u64::to_le_bytes).collect();
        let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0\x01\0\0\0".to_vec();
        file.extend([0_u64, 64, 0].into_iter().flat_map(u64::to_le_bytes));
        file.extend([0, 0, 0, 0, 64, 0, 56, 0, 3, 0, 0, 0, 0, 0, 0, 0]);
        let total = (at_dynamic + dynamic.len()) as u64;
        for (kind, offset, size) in [
            (PT_INTERP, HEADERS as u64, interpreter.len() as u64 + 1),
            (PT_LOAD, 0, total),
            (PT_DYNAMIC, at_dynamic as u64, dynamic.len() as u64),
        ] {
            file.extend(kind.to_le_bytes());
            file.extend(0_u32.to_le_bytes());
            let words = [offset, BASE + offset, BASE + offset, size, size, 8];
            file.extend(words.into_iter().flat_map(u64::to_le_bytes));
        }
        file.extend(interpreter.bytes().chain([0]));
        file.extend(strings);
        file.extend(dynamic);
        file
    }

    #[test]
    fn needs_are_read() {
        let elf = file(
            "/lib64/ld.so",
            &[(DT_NEEDED, "libaio.so.1"), (DT_RUNPATH, "$ORIGIN/a:/b"), (DT_NEEDED, "libc.so.6")],
        );
        let expected = Needs {
            interpreter: Some("/lib64/ld.so".to_owned()),
            libraries: vec!["libaio.so.1".to_owned(), "libc.so.6".to_owned()],
            search: vec!["$ORIGIN/a:/b".to_owned()],
        };
        assert_eq!(needs(&elf), Some(expected));
        // No part of the file may be missing, and none leads to a panic.
        for length in 0..elf.len() - 16 {
            assert_eq!(needs(&elf[..length]), None, "{length}");
        }
    }

    #[test]
    fn other_files_are_refused() {
        let elf = file("/lib64/ld.so", &[]);
        for (at, value) in [(0, b'x'), (4, 1), (5, 2), (18, 3)] {
            let mut other = elf.clone();
            other[at] = value;
            assert_eq!(needs(&other), None, "byte {at}");
        }
        assert_eq!(needs(b"#!/bin/sh\n"), None);
    }

    #[test]
    fn damage_does_not_panic() {
        let elf = file("/lib64/ld.so", &[(DT_NEEDED, "libc.so.6")]);
        for at in 0..elf.len() {
            let mut damaged = elf.clone();
            damaged[at] = 0xff;
            let _ = needs(&damaged);
        }
    }

    #[test]
    fn this_program_needs_a_c_library() {
        let file = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let needs = needs(&file).unwrap();
        assert!(needs.libraries.iter().any(|name| name.starts_with("libc.so")), "{needs:?}");
        assert!(needs.interpreter.is_some());
    }
}
