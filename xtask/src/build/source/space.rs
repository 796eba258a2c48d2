//! Whether a disk has room for what is about to be written.

use std::path::Path;

use anyhow::bail;

use crate::lab::{cache, files};

/// Checks before a long job what would else fail in its middle.
///
/// # Errors
/// If the file system of `folder` has less than `needed_bytes`; says how to use another.
pub(crate) fn ensure_space(folder: &Path, needed_bytes: u64) -> anyhow::Result<()> {
    match shortage(folder, files::free_bytes(folder)?, needed_bytes) {
        Some(message) => bail!(message),
        None => Ok(()),
    }
}

fn shortage(folder: &Path, free_bytes: u64, needed_bytes: u64) -> Option<String> {
    let gib = |bytes: u64| bytes as f64 / f64::from(1 << 30);
    (free_bytes < needed_bytes).then(|| {
        format!(
            "not enough space in {}: {:.1} GiB free, {:.1} GiB needed; set {} to a folder on a larger disk",
            folder.display(),
            gib(free_bytes),
            gib(needed_bytes),
            cache::VARIABLE
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortages() {
        let check = |free_mib: u64, needed_mib: u64, expected: Option<&str>| {
            assert_eq!(shortage(Path::new("/c"), free_mib << 20, needed_mib << 20).as_deref(), expected);
        };
        check(4096, 2560, None);
        check(2560, 2560, None);
        check(
            512,
            2560,
            Some(
                "not enough space in /c: 0.5 GiB free, 2.5 GiB needed; set PATCHLAB_CACHE to a folder on a larger disk",
            ),
        );
    }
}
