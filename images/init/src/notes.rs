//! The build id of the running kernel, from its ELF notes.

/// The GNU build id in `notes` (the content of `/sys/kernel/notes`), hexadecimal.
///
/// Each note is three little-endian words (length of the name, length of the description, type), the name and
/// the description, both padded to four bytes (ELF specification, "Note Section").
pub(crate) fn build_id(mut notes: &[u8]) -> Option<String> {
    const NT_GNU_BUILD_ID: u32 = 3;
    loop {
        let name_length = take_word(&mut notes)?;
        let description_length = take_word(&mut notes)?;
        let kind = take_word(&mut notes)?;
        let name = take_padded(&mut notes, name_length)?;
        let description = take_padded(&mut notes, description_length)?;
        if kind == NT_GNU_BUILD_ID && name == b"GNU\0" {
            return Some(description.iter().map(|byte| format!("{byte:02x}")).collect());
        }
    }
}

fn take_word(bytes: &mut &[u8]) -> Option<u32> {
    let (word, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u32::from_le_bytes(*word))
}

fn take_padded<'a>(bytes: &mut &'a [u8], length: u32) -> Option<&'a [u8]> {
    let length = usize::try_from(length).ok()?;
    let content = bytes.get(..length)?;
    // The padding of the last note may be missing.
    *bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    Some(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(name: &[u8], kind: u32, description: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend((name.len() as u32).to_le_bytes());
        bytes.extend((description.len() as u32).to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        for part in [name, description] {
            bytes.extend(part);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        bytes
    }

    #[test]
    fn build_ids_are_found_among_other_notes() {
        let xen = note(b"Xen\0", 3, b"not this one");
        let other = note(b"GNU\0", 1, &[0; 16]);
        let odd = note(b"Linux\0", 257, b"\x01");
        let id = note(b"GNU\0", 3, &[0xde, 0xad, 0xbe, 0xef, 0x01]);
        let unpadded = &id[..id.len() - 3];
        let cut = &id[..id.len() - 4];
        let absurd = [4, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 3, 0, 0, 0, b'G', b'N', b'U', 0];
        for (notes, expected) in [
            (vec![], None),
            (id.clone(), Some("deadbeef01")),
            ([xen.as_slice(), &other, &odd, &id].concat(), Some("deadbeef01")),
            ([odd.as_slice(), unpadded].concat(), Some("deadbeef01")),
            ([xen.as_slice(), &other].concat(), None),
            (cut.to_vec(), None),
            (absurd.to_vec(), None),
        ] {
            assert_eq!(build_id(&notes).as_deref(), expected, "{notes:02x?}");
        }
    }
}
