//! What an ELF program needs to run: its loader and its libraries, read from the file without running anything.
//!
//! Crate `object` reads the file. Own is the way by segments alone, as a loader goes: sections may be stripped.

use object::LittleEndian;
use object::elf::{
    DT_NEEDED, DT_NULL, DT_RPATH, DT_RUNPATH, DT_STRTAB, Dyn64, FileHeader64, Machine, PT_LOAD,
    ProgramHeader64,
};
use object::read::StringTable;
use object::read::elf::{Dyn as _, FileHeader as _, ProgramHeader as _};

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

type Segments<'a> = &'a [ProgramHeader64<LittleEndian>];

/// Reads what a 64-bit little-endian ELF file for a machine needs (System V ABI, chapters 4 and 5). None if it is no such
/// file or is damaged.
pub(super) fn needs(file: &[u8], machine: Machine) -> Option<Needs> {
    let header = FileHeader64::<LittleEndian>::parse(file).ok()?;
    let endian = header.endian().ok()?;
    if header.e_machine(endian) != machine {
        return None;
    }
    let segments = header.program_headers(endian, file).ok()?;
    let mut needs = Needs::default();
    for segment in segments {
        if let Some(path) = segment.interpreter(endian, file).ok()? {
            needs.interpreter = Some(text(path)?);
        }
        if let Some(entries) = segment.dynamic(endian, file).ok()? {
            read_dynamic(file, segments, entries, &mut needs)?;
        }
    }
    Some(needs)
}

fn read_dynamic(
    file: &[u8],
    segments: Segments<'_>,
    entries: &[Dyn64<LittleEndian>],
    needs: &mut Needs,
) -> Option<()> {
    let entries = || {
        let entries = entries.iter().map(|entry| (entry.d_tag(LittleEndian), entry.d_val(LittleEndian)));
        entries.take_while(|(tag, _)| *tag != DT_NULL)
    };
    let (_, address) = entries().find(|(tag, _)| *tag == DT_STRTAB)?;
    let strings = StringTable::new(file, offset_of(segments, address)?, file.len() as u64);
    for (tag, value) in entries() {
        let into = match tag {
            DT_NEEDED => &mut needs.libraries,
            DT_RPATH | DT_RUNPATH => &mut needs.search,
            _ => continue,
        };
        into.push(text(strings.get(u32::try_from(value).ok()?).ok()?)?);
    }
    Some(())
}

/// Where in the file an address lies.
fn offset_of(segments: Segments<'_>, address: u64) -> Option<u64> {
    segments.iter().filter(|segment| segment.p_type(LittleEndian) == PT_LOAD).find_map(|segment| {
        let within = address.checked_sub(segment.p_vaddr(LittleEndian))?;
        let (offset, size) = segment.file_range(LittleEndian);
        (within < size).then(|| offset.checked_add(within)).flatten()
    })
}

fn text(bytes: &[u8]) -> Option<String> {
    String::from_utf8(bytes.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use object::elf::{EM_AARCH64, EM_X86_64};

    use super::*;

    fn needs(file: &[u8]) -> Option<Needs> {
        super::needs(file, EM_X86_64)
    }

    const PT_LOAD: u32 = 1;
    const PT_DYNAMIC: u32 = 2;
    const PT_INTERP: u32 = 3;
    const DT_NULL: u64 = 0;
    const DT_NEEDED: u64 = 1;
    const DT_STRTAB: u64 = 5;
    const DT_RUNPATH: u64 = 29;

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
        assert_eq!(super::needs(&elf, EM_AARCH64), None);
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
        let needs =
            [EM_X86_64, EM_AARCH64].into_iter().find_map(|machine| super::needs(&file, machine)).unwrap();
        assert!(needs.libraries.iter().any(|name| name.starts_with("libc.so")), "{needs:?}");
        assert!(needs.interpreter.is_some());
    }
}
