//! The files that workloads read and write.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use lab_protocol::stamp::Stamp;

const CHUNK: usize = 1 << 20;

/// The files that were stamped, each with the time of its last change just after.
#[derive(Debug, Default)]
pub(crate) struct Files(BTreeMap<PathBuf, Changed>);

/// When a file was changed last: seconds and nanoseconds.
pub(crate) type Changed = (i64, i64);

impl Files {
    /// Makes sure that `path` is a file of `bytes` (a multiple of 1 MiB) without holes and with stamped content, and says
    /// whether it had to be written. A file that was written to since, by whomever, is stamped again.
    ///
    /// # Errors
    /// If it cannot be written, most likely because the storage is too small.
    pub(crate) fn ensure(&mut self, path: &Path, bytes: u64) -> anyhow::Result<Made> {
        if self.0.get(path).is_some_and(|changed| is_whole(path, bytes, *changed)) {
            return Ok(Made::WasThere);
        }
        let changed = write_file(path, bytes).with_context(|| {
            format!(
                "writing {} of {} MiB (raise storage-mib if there is no space)",
                path.display(),
                bytes >> 20
            )
        })?;
        self.0.insert(path.to_owned(), changed);
        Ok(Made::Written)
    }

    /// Takes the file as it is for one that was just stamped: somebody else has done it.
    ///
    /// # Errors
    /// If it is not there.
    pub(crate) fn adopt(&mut self, path: &Path) -> anyhow::Result<()> {
        let found = fs::metadata(path).with_context(|| format!("looking at {}", path.display()))?;
        self.0.insert(path.to_owned(), changed(&found));
        Ok(())
    }
}

/// When a file was changed last.
pub(crate) fn changed(file: &fs::Metadata) -> Changed {
    (file.mtime(), file.mtime_nsec())
}

/// Whether a file had to be written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Made {
    /// It was there in full size.
    WasThere,
    /// It was written.
    Written,
}

fn is_whole(path: &Path, bytes: u64, since: Changed) -> bool {
    let is_whole =
        |file: fs::Metadata| file.len() == bytes && file.blocks() * 512 >= bytes && changed(&file) == since;
    fs::metadata(path).is_ok_and(is_whole)
}

/// Writes over what there is: the file keeps its memory, so that each workload finds the same.
fn write_file(path: &Path, bytes: u64) -> io::Result<Changed> {
    let mut file = File::options().write(true).create(true).truncate(false).open(path)?;
    let mut buffer = vec![0; CHUNK];
    for offset in (0..bytes).step_by(CHUNK) {
        Stamp::Place.fill(&mut buffer, offset);
        file.write_all(&buffer)?;
    }
    if file.metadata()?.len() > bytes {
        file.set_len(bytes)?;
    }
    Ok(changed(&file.metadata()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_written_only_if_they_are_not_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let mut files = Files::default();
        let mut ensure = || files.ensure(&path, 2 << 20).unwrap();
        assert_eq!(ensure(), Made::Written);
        let content = fs::read(&path).unwrap();
        assert_eq!(content.len(), 2 << 20);
        assert_eq!(content[(1 << 20) + 8..][..8], [0x08, 0, 0x10, 0, 0, 0, 0, 0xa5]);
        assert_eq!(ensure(), Made::WasThere);
        // Too short, too long, and of the right size with a hole.
        for size in [(2 << 20) - 1, (2 << 20) + 1, 0] {
            let file = File::options().write(true).open(&path).unwrap();
            file.set_len(size).unwrap();
            file.set_len(size.max(if size == 0 { 2 << 20 } else { 0 })).unwrap();
            assert_eq!(ensure(), Made::Written, "{size}");
            assert_eq!(fs::read(&path).unwrap(), content);
        }
        // Of the right size, with other content.
        let file = File::options().write(true).open(&path).unwrap();
        std::os::unix::fs::FileExt::write_all_at(&file, b"x", 4096).unwrap();
        // Whatever the kernel's clock makes of so short a time.
        file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(ensure(), Made::Written);
        assert_eq!(fs::read(&path).unwrap(), content);
        assert_eq!(ensure(), Made::WasThere);
        file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
        files.adopt(&path).unwrap();
        assert_eq!(files.ensure(&path, 2 << 20).unwrap(), Made::WasThere);
    }

    #[test]
    fn no_space_is_an_error_with_a_remedy() {
        let error = Files::default().ensure(Path::new("/dev/full"), 1 << 20).unwrap_err();
        assert_eq!(
            format!("{error:#}"),
            "writing /dev/full of 1 MiB (raise storage-mib if there is no space): No space left on device (os error 28)"
        );
    }
}
