//! A reader for tar archives in the forms that GNU tar, git and Python write: ustar, GNU and pax.
//!
//! Format: POSIX.1-2017, `pax`, and the GNU tar manual, "Basic Tar Format".

use std::io::{self, Read};

use anyhow::{Context as _, bail, ensure};

const BLOCK: usize = 512;

/// Longer names and pax headers are refused: paths end at 4096 bytes on Linux.
const MAX_EXTENSION_BYTES: u64 = 1 << 16;

/// An archive that is read from front to back. Between two calls of [`Archive::next_entry`], reading gives
/// the content of the last entry.
pub(super) struct Archive<R> {
    input: R,
    content_left: u64,
    padding: u64,
}

/// One entry.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
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

/// What an extension header says about the entry behind it.
#[derive(Default)]
struct Extension {
    path: Option<String>,
    target: Option<String>,
    bytes: Option<u64>,
}

impl<R: Read> Archive<R> {
    pub(super) fn new(input: R) -> Self {
        Archive { input, content_left: 0, padding: 0 }
    }

    /// The next entry; none at the end mark.
    ///
    /// # Errors
    /// If the archive is damaged or cut, or holds what a source has no use for: devices, hard links.
    pub(super) fn next_entry(&mut self) -> anyhow::Result<Option<Entry>> {
        let mut extension = Extension::default();
        loop {
            self.skip_content()?;
            let mut block = [0; BLOCK];
            self.input.read_exact(&mut block).context("the archive ends before its end mark")?;
            if block.iter().all(|byte| *byte == 0) {
                return Ok(None);
            }
            check_sum(&block)?;
            let size = number(&block[124..136])?;
            self.content_left = size;
            self.padding = size.next_multiple_of(BLOCK as u64) - size;
            match block[156] {
                b'L' => extension.path = Some(text(trim(&self.extension()?))?),
                b'K' => extension.target = Some(text(trim(&self.extension()?))?),
                b'x' => pax(&self.extension()?, &mut extension)?,
                // Comments for the whole archive, e.g. git's commit id.
                b'g' => drop(self.extension()?),
                kind => return self.entry(&block, kind, extension).map(Some),
            }
        }
    }

    fn entry(&mut self, block: &[u8; BLOCK], kind: u8, extension: Extension) -> anyhow::Result<Entry> {
        if let Some(bytes) = extension.bytes {
            self.content_left = bytes;
            self.padding = bytes.next_multiple_of(BLOCK as u64) - bytes;
        }
        let path = match extension.path {
            Some(path) => path,
            None => header_path(block)?,
        };
        let content = match kind {
            b'0' | 0 | b'7' => {
                let mode = u32::try_from(number(&block[100..108])?).context("file mode out of range")?;
                Content::File { mode, bytes: self.content_left }
            }
            b'2' => Content::Link {
                target: match extension.target {
                    Some(target) => target,
                    None => text(trim(&block[157..257]))?,
                },
            },
            b'5' => Content::Folder,
            b'1' => bail!("{path:?} is a hard link: make the tarball with --hard-dereference"),
            other => bail!("{path:?} has the entry type {:?}", char::from(other)),
        };
        Ok(Entry { path, content })
    }

    fn extension(&mut self) -> anyhow::Result<Vec<u8>> {
        ensure!(self.content_left <= MAX_EXTENSION_BYTES, "a header of {} bytes", self.content_left);
        let mut content = Vec::new();
        self.read_to_end(&mut content).context("reading a header")?;
        Ok(content)
    }

    fn skip_content(&mut self) -> anyhow::Result<()> {
        let rest = self.content_left + self.padding;
        let skipped =
            io::copy(&mut (&mut self.input).take(rest), &mut io::sink()).context("reading the archive")?;
        ensure!(skipped == rest, "the archive is cut");
        self.content_left = 0;
        self.padding = 0;
        Ok(())
    }
}

impl<R: Read> Read for Archive<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = (&mut self.input).take(self.content_left).read(buffer)?;
        self.content_left -= read as u64;
        Ok(read)
    }
}

fn header_path(block: &[u8; BLOCK]) -> anyhow::Result<String> {
    let name = text(trim(&block[..100]))?;
    // In GNU's own form (`ustar  `) this field holds other things.
    let prefix = if &block[257..263] == b"ustar\0" { text(trim(&block[345..500]))? } else { String::new() };
    Ok(if prefix.is_empty() { name } else { format!("{prefix}/{name}") })
}

fn check_sum(block: &[u8; BLOCK]) -> anyhow::Result<()> {
    let sum: u64 = block
        .iter()
        .enumerate()
        .map(|(at, byte)| if (148..156).contains(&at) { u64::from(b' ') } else { u64::from(*byte) })
        .sum();
    ensure!(number(&block[148..156]).is_ok_and(|stored| stored == sum), "it is no tar archive, or damaged");
    Ok(())
}

/// Octal digits, or, with the top bit set, a big-endian number.
fn number(field: &[u8]) -> anyhow::Result<u64> {
    if field[0] & 0x80 != 0 {
        let (high, low) = field.split_at(field.len() - 8);
        ensure!(
            high[0] == 0x80 && high[1..].iter().all(|byte| *byte == 0) || high.is_empty(),
            "number out of range"
        );
        return Ok(low.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)));
    }
    let digits = text(trim(field))?;
    let digits = digits.trim();
    if digits.is_empty() {
        return Ok(0);
    }
    u64::from_str_radix(digits, 8).with_context(|| format!("{digits:?} is not an octal number"))
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
        let mut archive = Archive::new(bytes.as_slice());
        let mut found = Vec::new();
        while let Some(entry) = archive.next_entry()? {
            let mut content = String::new();
            archive.read_to_string(&mut content)?;
            found.push(format!("{} {:?} {content:?}", entry.path, entry.content));
        }
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
        let mut archive = Archive::new(cut.as_slice());
        archive.next_entry().unwrap();
        assert!(archive.next_entry().is_err());
        assert!(Archive::new(&b""[..]).next_entry().is_err());
    }
}
