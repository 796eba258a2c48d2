//! Files that were compressed.

use std::io::Read;

use anyhow::{Context as _, bail, ensure};
use flate2::read::MultiGzDecoder;
use lzma_rust2::XzReader;
use ruzstd::decoding::StreamingDecoder;

/// What a file may ask for while it is unpacked: as much as `xz -9` needs, and some more.
const MEMORY_KIB: u32 = 128 << 10;

/// What `bytes` hold, at most `limit` bytes of it.
///
/// # Errors
/// If they are damaged, or packed in another way.
pub(super) fn unpacked(name: &str, bytes: Vec<u8>, limit: u64) -> anyhow::Result<Vec<u8>> {
    let mut plain = Vec::new();
    let read = match bytes.as_slice() {
        [0x1f, 0x8b, ..] => MultiGzDecoder::new(bytes.as_slice()).take(limit).read_to_end(&mut plain),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => {
            XzReader::new_mem_limit(bytes.as_slice(), true, MEMORY_KIB).take(limit).read_to_end(&mut plain)
        }
        [0x28, 0xb5, 0x2f, 0xfd, ..] => zstd(&bytes, limit, &mut plain),
        [b'B', b'Z', b'h', ..] | [b'P', b'K', 3, 4, ..] => {
            bail!("{name} is compressed with bzip2 or zip: unpack it first, or pack it with gzip, xz or zstd")
        }
        _ => return checked(name, bytes),
    };
    read.with_context(|| format!("unpacking {name}, which is damaged: fetch it again"))?;
    checked(name, plain)
}

/// One frame after the other.
fn zstd(mut bytes: &[u8], limit: u64, plain: &mut Vec<u8>) -> std::io::Result<usize> {
    while !bytes.is_empty() && (plain.len() as u64) < limit {
        let left = limit - plain.len() as u64;
        let frame = StreamingDecoder::new(&mut bytes).map_err(std::io::Error::other)?;
        frame.take(left).read_to_end(plain)?;
    }
    Ok(plain.len())
}

fn checked(name: &str, bytes: Vec<u8>) -> anyhow::Result<Vec<u8>> {
    let is_archive = bytes.get(257..262) == Some(b"ustar");
    ensure!(!is_archive, "{name} is a tar archive: unpack it and give the folder");
    Ok(bytes)
}

/// The name of a file before it was compressed.
pub(super) fn plain_name(name: &str) -> &str {
    [".gz", ".xz", ".zst"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name)
}
