//! Tar archives in the forms that GNU tar, git and Python write: ustar, GNU and pax. Nothing is written to a file system.
//!
//! Crate `tar` reads the headers. Own are the limits, the end mark and the pax records: the crate holds extension
//! headers of any size in memory, takes a cut archive for a whole one, and ends a record's value at a line feed.

use std::cell::Cell;
use std::io::{self, Read};

use anyhow::{Context as _, bail, ensure};

/// Longer names and pax headers are refused: paths end at 4096 bytes on Linux.
const MAX_EXTENSION_BYTES: u64 = 1 << 16;

/// One entry.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TarEntry {
    /// As written in the archive.
    pub(crate) path: String,
    pub(crate) content: Content,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Content {
    Folder,
    File {
        /// Permissions.
        mode: u32,
        bytes: u64,
    },
    /// Symbolic link.
    Link {
        target: String,
    },
}

/// Gives each entry to `take`, in the order of the archive, with a reader of its content.
///
/// # Errors
/// If the archive is damaged or cut, or holds what a source has no use for: devices, hard links. Those of `take`.
pub(super) fn read(
    input: impl Read,
    mut take: impl FnMut(TarEntry, &mut dyn Read) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let at_end = Cell::new(false);
    let mut archive = tar::Archive::new(Counted { input, at_end: &at_end });
    let mut extension = Extension::default();
    for entry in archive.entries().context(DAMAGED)?.raw(true) {
        ensure!(!at_end.get(), CUT);
        let mut entry = entry.context(DAMAGED)?;
        match entry.header().entry_type().as_byte() {
            b'L' => extension.path = Some(text(trim(&extended(&mut entry)?))?),
            b'K' => extension.target = Some(text(trim(&extended(&mut entry)?))?),
            b'x' => pax(&extended(&mut entry)?, &mut extension)?,
            // Comments for the whole archive, e.g. git's commit id.
            b'g' => drop(extended(&mut entry)?),
            kind => {
                let described = entry_of(entry.header(), kind, std::mem::take(&mut extension))?;
                take(described, &mut entry)?;
            }
        }
    }
    ensure!(!at_end.get(), "the archive ends before its end mark");
    Ok(())
}

const DAMAGED: &str = "it is no tar archive, or damaged";
const CUT: &str = "the archive is cut";

/// An input that notes whether more was asked for than there is: crate `tar` takes the end of the input for the end
/// mark.
struct Counted<'a, R> {
    input: R,
    at_end: &'a Cell<bool>,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.input.read(buffer)?;
        self.at_end.set(self.at_end.get() || (bytes == 0 && !buffer.is_empty()));
        Ok(bytes)
    }
}

/// What an extension header says about the entry behind it.
#[derive(Default)]
struct Extension {
    path: Option<String>,
    target: Option<String>,
    bytes: Option<u64>,
}

fn entry_of(header: &tar::Header, kind: u8, extension: Extension) -> anyhow::Result<TarEntry> {
    let path = match extension.path {
        Some(path) => path,
        None => text(&header.path_bytes())?,
    };
    let bytes = header.entry_size().context(DAMAGED)?;
    let content = match kind {
        b'0' | b'7' => {
            // Written only where a header has no room for the size: from 8 GiB on.
            ensure!(extension.bytes.is_none_or(|stated| stated == bytes), "{path:?} is larger than 8 GiB");
            Content::File { mode: header.mode().context("file mode out of range")?, bytes }
        }
        b'2' => Content::Link {
            target: match extension.target {
                Some(target) => target,
                None => text(&header.link_name_bytes().unwrap_or_default())?,
            },
        },
        b'5' => Content::Folder,
        b'1' => bail!("{path:?} is a hard link: make the tarball with --hard-dereference"),
        other => bail!("{path:?} has the entry type {:?}", char::from(other)),
    };
    Ok(TarEntry { path, content })
}

/// The content of an extension header.
fn extended(entry: &mut tar::Entry<'_, impl Read>) -> anyhow::Result<Vec<u8>> {
    let bytes = entry.header().entry_size().context(DAMAGED)?;
    ensure!(bytes <= MAX_EXTENSION_BYTES, "a header of {bytes} bytes");
    let mut content = Vec::new();
    entry.read_to_end(&mut content).context("reading a header")?;
    ensure!(content.len() as u64 == bytes, CUT);
    Ok(content)
}

/// Lines of the form `<length> <key>=<value>\n`.
fn pax(mut rest: &[u8], extension: &mut Extension) -> anyhow::Result<()> {
    while !rest.is_empty() {
        let record = || -> Option<(&[u8], &[u8], &[u8])> {
            let space = rest.iter().position(|byte| *byte == b' ')?;
            let length: usize = str::from_utf8(&rest[..space]).ok()?.parse().ok()?;
            let line = rest.get(space + 1..length)?.strip_suffix(b"\n")?;
            let equals = line.iter().position(|byte| *byte == b'=')?;
            Some((&line[..equals], &line[equals + 1..], &rest[length..]))
        };
        let (key, value, after) = record().context("a damaged pax header")?;
        match key {
            b"path" => extension.path = Some(text(value)?),
            b"linkpath" => extension.target = Some(text(value)?),
            b"size" => extension.bytes = Some(text(value)?.parse().context("a damaged size")?),
            _ => {}
        }
        rest = after;
    }
    Ok(())
}

/// Up to the first NUL.
fn trim(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

fn text(bytes: &[u8]) -> anyhow::Result<String> {
    String::from_utf8(bytes.to_vec())
        .map_err(|_| anyhow::anyhow!("the name {:?} is not UTF-8", String::from_utf8_lossy(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: usize = 512;

    fn header(name: &str, kind: u8, size: usize, target: &str) -> Vec<u8> {
        let mut block = vec![0; BLOCK];
        block[..name.len()].copy_from_slice(name.as_bytes());
        block[100..108].copy_from_slice(b"0000755\0");
        block[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
        block[156] = kind;
        block[157..157 + target.len()].copy_from_slice(target.as_bytes());
        block[257..263].copy_from_slice(b"ustar\0");
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum::<u32>() + 8 * u32::from(b' ');
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        block
    }

    fn entry(name: &str, kind: u8, content: &[u8]) -> Vec<u8> {
        let mut bytes = header(name, kind, content.len(), "");
        bytes.extend(content);
        bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
        bytes
    }

    fn listed(parts: &[Vec<u8>]) -> anyhow::Result<Vec<String>> {
        let mut bytes = parts.concat();
        bytes.extend([0; 2 * BLOCK]);
        let mut found = Vec::new();
        read(bytes.as_slice(), |entry, input| {
            let mut content = String::new();
            input.read_to_string(&mut content)?;
            found.push(format!("{} {:?} {content:?}", entry.path, entry.content));
            Ok(())
        })?;
        Ok(found)
    }

    #[test]
    fn entries() {
        let long = format!("l/{}", "x".repeat(200));
        let pax = format!("{} path={long}\n", 200 + 2 + 7 + 3);
        let found = listed(&[
            entry("g", b'g', b"11 comment=\n"),
            entry("l/", b'5', b""),
            entry("l/a", b'0', b"hello"),
            header("l/b", b'2', 0, "a"),
            entry("@", b'L', format!("{long}\0").as_bytes()),
            entry("cut", b'0', b"1"),
            entry("@", b'x', pax.as_bytes()),
            entry("cut", b'0', b"22"),
        ]);
        assert_eq!(
            found.unwrap(),
            [
                "l/ Folder \"\"".to_owned(),
                "l/a File { mode: 493, bytes: 5 } \"hello\"".to_owned(),
                "l/b Link { target: \"a\" } \"\"".to_owned(),
                format!("{long} File {{ mode: 493, bytes: 1 }} \"1\""),
                format!("{long} File {{ mode: 493, bytes: 2 }} \"22\""),
            ]
        );
    }

    #[test]
    fn what_is_not_read() {
        let check = |parts: &[Vec<u8>], expected: &str| {
            let error = format!("{:#}", listed(parts).unwrap_err());
            assert!(error.contains(expected), "{error}");
        };
        check(&[entry("l/a", b'1', b"")], "is a hard link");
        check(&[entry("l/a", b'3', b"")], "has the entry type '3'");
        check(&[vec![b'x'; BLOCK]], "no tar archive, or damaged");
        check(&[entry("@", b'x', b"99 path=x\n")], "damaged pax header");
        let cut = entry("l/a", b'0', b"hello")[..BLOCK + 5].to_vec();
        let mut entries = 0;
        let count = |_, _: &mut dyn Read| {
            entries += 1;
            Ok(())
        };
        assert!(read(cut.as_slice(), count).is_err());
        assert_eq!(entries, 1);
        let ignore = |_, _: &mut dyn Read| Ok(());
        assert!(read(&b""[..], ignore).is_err());
        // Whole entries, and no end mark.
        assert!(read(entry("l/a", b'0', b"hello").as_slice(), ignore).is_err());
        check(&[entry("@", b'L', &vec![b'x'; (1 << 16) + 1])], "a header of 65537 bytes");
    }
}
