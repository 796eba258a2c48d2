//! Logs as they lie there: plain, or packed with gzip, xz or zstd, which their first bytes say and not their names.

use std::io::{self, BufReader, Cursor, Read};

use anyhow::{Context as _, bail};
use flate2::read::MultiGzDecoder;
use lzma_rust2::XzReader;
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// What a file may ask for while it is unpacked, KiB: as much as `xz -9` and `zstd --long` need, and some more.
const MEMORY_KIB: u32 = 132 << 10;

/// Enough to see what a file is, bytes: an archive of tar says so at 257.
const HEAD: usize = 512;

/// What the file holds, piece by piece.
///
/// # Errors
/// If it is packed in a way that is not read here, or cannot be read.
pub(super) fn unpacked(name: &str, source: impl Read + 'static) -> anyhow::Result<Box<dyn Read>> {
    let (head, source) = begun(source).context("it cannot be read: look at the disk, or copy it first")?;
    let packed: Box<dyn Read> = match head.as_slice() {
        [0x1f, 0x8b, ..] => Box::new(MultiGzDecoder::new(source)),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => Box::new(XzReader::new_mem_limit(source, true, MEMORY_KIB)),
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Box::new(Zstd::new(source)),
        [b'B', b'Z', b'h', ..] => bail!(other(name, "bzip2", "bzip2 -dc")),
        [b'P', b'K', 3, 4, ..] => bail!(other(name, "zip", "unzip -p")),
        [4, 0x22, 0x4d, 0x18, ..] => bail!(other(name, "lz4", "lz4 -dc")),
        _ => return plain(name, &head, source),
    };
    let (head, source) = begun(packed).map_err(|error| anyhow::anyhow!(sentence(name, &error)))?;
    plain(name, &head, source)
}

fn plain(name: &str, head: &[u8], source: impl Read + 'static) -> anyhow::Result<Box<dyn Read>> {
    if head.get(257..262) == Some(b"ustar") {
        bail!(other(name, "tar", "tar -xOf"));
    }
    Ok(Box::new(source))
}

fn other(name: &str, packed_with: &str, program: &str) -> String {
    format!("it is packed with {packed_with}, which is not read here: {program} {name} | cargo xtask judge -")
}

/// Why a file could not be read to its end.
pub(super) fn sentence(name: &str, error: &io::Error) -> String {
    let unpack = match name {
        "-" => "fetch it again, or unpack it first".to_owned(),
        _ => format!("fetch it again, or see what gzip, xz or zstd -t says of {name}"),
    };
    format!("it cannot be read to its end ({error}): {unpack}")
}

/// The first bytes, and everything.
fn begun<R: Read>(mut source: R) -> io::Result<(Vec<u8>, impl Read)> {
    let mut head = Vec::new();
    source.by_ref().take(HEAD as u64).read_to_end(&mut head)?;
    Ok((head.clone(), BufReader::with_capacity(64 << 10, Cursor::new(head).chain(source))))
}

/// Frames of zstd, one after the other, with those between that hold no data.
struct Zstd<R> {
    source: R,
    decoder: FrameDecoder,
    is_in_frame: bool,
}

impl<R: Read> Zstd<R> {
    fn new(source: R) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(u64::from(MEMORY_KIB) << 10);
        Self { source, decoder, is_in_frame: false }
    }

    /// Whether another frame begins.
    fn next_frame(&mut self) -> io::Result<bool> {
        loop {
            let mut magic = Vec::new();
            self.source.by_ref().take(4).read_to_end(&mut magic)?;
            let [first, rest @ ..] = magic.as_slice() else { return Ok(false) };
            if (0x50..=0x5f).contains(first) && rest == [0x2a, 0x4d, 0x18] {
                let mut size = [0; 4];
                self.source.read_exact(&mut size)?;
                let size = u64::from(u32::from_le_bytes(size));
                io::copy(&mut self.source.by_ref().take(size), &mut io::sink())?;
                continue;
            }
            let mut frame = magic.as_slice().chain(&mut self.source);
            self.decoder.reset(&mut frame).map_err(io::Error::other)?;
            return Ok(true);
        }
    }
}

impl<R: Read> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.is_in_frame {
                while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                    self.decoder
                        .decode_blocks(&mut self.source, BlockDecodingStrategy::UptoBlocks(1))
                        .map_err(io::Error::other)?;
                }
                let size = self.decoder.read(buffer)?;
                if size > 0 || buffer.is_empty() {
                    return Ok(size);
                }
            }
            self.is_in_frame = self.next_frame()?;
            if !self.is_in_frame {
                return Ok(0);
            }
        }
    }
}
