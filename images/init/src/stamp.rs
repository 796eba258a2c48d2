//! The files that workloads read and write.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use anyhow::Context as _;
use lab_protocol::stamp::Stamp;

const CHUNK: usize = 1 << 20;

/// Makes sure that `path` is a file of `bytes` (a multiple of 1 MiB) without holes, with stamped content if it has
/// to be written, and says whether it was.
///
/// # Errors
/// If it cannot be written, most likely because the storage is too small.
pub(crate) fn ensure_file(path: &Path, bytes: u64) -> anyhow::Result<Made> {
    if is_whole(path, bytes) {
        return Ok(Made::WasThere);
    }
    write_file(path, bytes).with_context(|| {
        format!("writing {} of {} MiB (raise storage-mib if there is no space)", path.display(), bytes >> 20)
    })?;
    Ok(Made::Written)
}

/// Whether a file had to be written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Made {
    /// It was there in full size.
    WasThere,
    /// It was written.
    Written,
}

fn is_whole(path: &Path, bytes: u64) -> bool {
    let is_whole = |file: fs::Metadata| file.len() == bytes && file.blocks() * 512 >= bytes;
    fs::metadata(path).is_ok_and(is_whole)
}

fn write_file(path: &Path, bytes: u64) -> io::Result<()> {
    let mut file = File::create(path)?;
    let mut buffer = vec![0; CHUNK];
    for offset in (0..bytes).step_by(CHUNK) {
        Stamp::Place.fill(&mut buffer, offset);
        file.write_all(&buffer)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_written_only_if_they_are_not_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let ensure = || ensure_file(&path, 2 << 20).unwrap();
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
    }

    #[test]
    fn no_space_is_an_error_with_a_remedy() {
        let error = ensure_file(Path::new("/dev/full"), 1 << 20).unwrap_err();
        assert_eq!(
            format!("{error:#}"),
            "writing /dev/full of 1 MiB (raise storage-mib if there is no space): No space left on device (os error 28)"
        );
    }
}
