//! Archives that the kernel unpacks as its first file system (cpio, form `newc`).

use std::collections::BTreeMap;
use std::io::Write as _;

use anyhow::Context as _;
use cpio::newc;

/// Archives end at a multiple of this, as those of cpio(1) do; the kernel needs a multiple of 4 to find the next one
/// (Documentation/driver-api/early-userspace/buffer-format.rst).
const BLOCK: usize = 512;

/// One name in an archive.
#[derive(Clone, Debug, PartialEq)]
pub struct ArchiveEntry {
    /// Absolute.
    path: String,
    /// Type and permissions, as in `stat.st_mode`.
    mode: u32,
    /// Major and minor number of a device.
    device: (u32, u32),
    content: Vec<u8>,
}

impl ArchiveEntry {
    /// A regular file.
    pub fn file(path: &str, permissions: u32, content: Vec<u8>) -> Self {
        ArchiveEntry { path: path.to_owned(), mode: 0o100_000 | permissions, device: (0, 0), content }
    }

    /// A folder.
    pub fn folder(path: &str, permissions: u32) -> Self {
        ArchiveEntry {
            path: path.to_owned(),
            mode: 0o040_000 | permissions,
            device: (0, 0),
            content: Vec::new(),
        }
    }

    /// A symbolic link.
    pub(crate) fn link(path: &str, target: &str) -> Self {
        let content = target.as_bytes().to_vec();
        ArchiveEntry { path: path.to_owned(), mode: 0o120_777, device: (0, 0), content }
    }

    /// A character device. Only its description goes into the archive, so no special rights are needed.
    pub(crate) fn character_device(path: &str, permissions: u32, major: u32, minor: u32) -> Self {
        let mode = 0o020_000 | permissions;
        ArchiveEntry { path: path.to_owned(), mode, device: (major, minor), content: Vec::new() }
    }
}

/// An archive of `entries` and the folders above them. It depends on nothing else: names are sorted, everything
/// belongs to root, and times are zero.
///
/// # Errors
/// If a file is larger than 4 GiB.
pub fn write(entries: &[ArchiveEntry]) -> anyhow::Result<Vec<u8>> {
    let mut sorted = BTreeMap::new();
    for entry in entries {
        for (at, _) in entry.path.match_indices('/').filter(|(at, _)| *at > 0) {
            let above = &entry.path[..at];
            sorted.entry(above).or_insert_with(|| ArchiveEntry::folder(above, 0o755));
        }
    }
    sorted.extend(entries.iter().map(|entry| (entry.path.as_str(), entry.clone())));
    let mut archive = Vec::new();
    for (number, (path, entry)) in (1..).zip(sorted) {
        archive = append(archive, number, &entry).with_context(|| format!("adding {path}"))?;
    }
    let mut archive = newc::trailer(archive)?;
    archive.resize(archive.len().next_multiple_of(BLOCK), 0);
    Ok(archive)
}

fn append(archive: Vec<u8>, number: u32, entry: &ArchiveEntry) -> anyhow::Result<Vec<u8>> {
    let size = u32::try_from(entry.content.len()).context("4 GiB is the limit for a file")?;
    let mut writer = newc::Builder::new(entry.path.trim_start_matches('/'))
        .ino(number)
        .mode(entry.mode)
        .rdev_major(entry.device.0)
        .rdev_minor(entry.device.1)
        .write(archive, size);
    writer.write_all(&entry.content)?;
    Ok(writer.finish()?)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn list(mut archive: &[u8]) -> String {
        let mut text = String::new();
        loop {
            let mut reader = newc::Reader::new(archive).unwrap();
            if reader.entry().is_trailer() {
                return text;
            }
            let mut content = Vec::new();
            std::io::Read::read_to_end(&mut reader, &mut content).unwrap();
            let entry = reader.entry().clone();
            let (name, mode, number) = (entry.name(), entry.mode(), entry.ino());
            let (owner, time) = (entry.uid() + entry.gid(), entry.mtime());
            let device = (entry.rdev_major(), entry.rdev_minor());
            let content = String::from_utf8(content).unwrap();
            text += &format!("{number} {mode:o} {name} {device:?} owner {owner} time {time} `{content}`\n");
            archive = reader.finish().unwrap();
        }
    }

    fn entries() -> Vec<ArchiveEntry> {
        vec![
            ArchiveEntry::file("/lib/a/odd.so", 0o755, b"12345".to_vec()),
            ArchiveEntry::file("/init", 0o755, b"1234".to_vec()),
            ArchiveEntry::folder("/dev", 0o700),
            ArchiveEntry::character_device("/dev/console", 0o600, 5, 1),
            ArchiveEntry::file("/lib/b", 0o644, Vec::new()),
        ]
    }

    #[test]
    fn names_are_sorted_and_folders_come_first() {
        expect![[r#"
            1 40700 dev (0, 0) owner 0 time 0 ``
            2 20600 dev/console (5, 1) owner 0 time 0 ``
            3 100755 init (0, 0) owner 0 time 0 `1234`
            4 40755 lib (0, 0) owner 0 time 0 ``
            5 40755 lib/a (0, 0) owner 0 time 0 ``
            6 100755 lib/a/odd.so (0, 0) owner 0 time 0 `12345`
            7 100644 lib/b (0, 0) owner 0 time 0 ``
        "#]]
        .assert_eq(&list(&write(&entries()).unwrap()));
    }

    #[test]
    fn the_order_of_the_entries_does_not_matter() {
        let mut reversed = entries();
        reversed.reverse();
        assert_eq!(write(&entries()).unwrap(), write(&reversed).unwrap());
    }

    #[test]
    fn another_archive_can_be_appended() {
        for length in 0..8 {
            let archive = write(&[ArchiveEntry::file("/file", 0o644, vec![b'x'; length])]).unwrap();
            assert_eq!(archive.len() % BLOCK, 0);
            assert!(archive.starts_with(b"070701"));
        }
    }
}
