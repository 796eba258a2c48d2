//! Whether a source can be had here, and a disk has room for what is about to be written.

use std::path::Path;

use anyhow::bail;
use lab_core::plan::Source;

use crate::lab::cache::Cache;
use crate::lab::process::path::find_program;
use crate::lab::{cache, files};

/// What a first kernel takes: source and objects.
const FIRST_KERNEL_BYTES: u64 = super::SOURCE_NEEDED_BYTES + (1 << 30);

/// Checks that a source which is not in the cache could be put there, and a first kernel be built of it.
///
/// # Errors
/// If not, with what to do.
pub(crate) fn ensure_possible(cache: &Cache, source: &Source) -> anyhow::Result<()> {
    if let Source::Debian { package, .. } = source
        && find_program("apt-get").is_none()
    {
        bail!(
            "the kernel source {package} is a package of Debian, and this machine has no apt-get to fetch it; set `source` in \
             lab.toml to a tarball, a git repository or a tree"
        );
    }
    ensure_space(cache.existing(), FIRST_KERNEL_BYTES)
}

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
