//! What a boot with a shell has beside the image, which stays as it is: BusyBox, and a copy of a folder that is shared.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use lab_core::plan::Arch;
use lab_protocol::{SHARE_DIR, SHELL_PROGRAM};
use xshell::Shell;

use super::host;
use super::system::System;
use crate::build::target::Target;
use crate::lab::archive::ArchiveEntry;
use crate::machine::need::{Need, What, need};

/// The program that a boot with a shell takes from this machine.
pub(crate) const BUSYBOX: Need = need(What::Program("busybox"), "busybox-static", "the shell in the guest");

/// The most that is copied of a folder: it lies in the guest's memory, and for a moment twice.
pub(crate) const SHARED_MOST_BYTES: u64 = 256 << 20;

/// Checks that guests of this architecture can have a shell.
///
/// # Errors
/// If programs of this machine do not run there.
pub(crate) fn ensure_possible(arch: Arch) -> anyhow::Result<()> {
    ensure!(
        !Target::of(arch).is_foreign()?,
        "the shell in the guest is a program of this machine, and does not run on {}; take a plan with a machine of this \
         machine's arch",
        arch.name()
    );
    Ok(())
}

/// BusyBox, with its libraries if it needs some.
///
/// # Errors
/// If it is not there, or not for guests of this architecture.
pub(crate) fn busybox(sh: &Shell, arch: Arch) -> anyhow::Result<Vec<ArchiveEntry>> {
    ensure_possible(arch)?;
    let system = System { sh, target: Target::of(arch), foreign: None };
    let found = system.program("busybox", BUSYBOX.package)?;
    let files = host::with_closure(&system, found, SHELL_PROGRAM)?;
    files.iter().map(|file| Ok(ArchiveEntry::file(&file.guest_path, 0o755, file.read(sh)?))).collect()
}

/// A copy of a folder with all that is in it.
///
/// # Errors
/// If it is no folder, too large, or something in it cannot be read or is neither file, folder nor link.
pub(crate) fn shared(folder: &Path) -> anyhow::Result<Vec<ArchiveEntry>> {
    ensure!(folder.is_dir(), "--share: {} is no folder; name one", folder.display());
    let mut entries = vec![ArchiveEntry::folder(SHARE_DIR, 0o755)];
    let mut left_bytes = SHARED_MOST_BYTES;
    add(folder, SHARE_DIR, &mut entries, &mut left_bytes)?;
    Ok(entries)
}

fn add(
    folder: &Path,
    place: &str,
    entries: &mut Vec<ArchiveEntry>,
    left_bytes: &mut u64,
) -> anyhow::Result<()> {
    let purpose = |path: &Path| format!("--share: reading {}", path.display());
    for entry in fs::read_dir(folder).with_context(|| purpose(folder))? {
        let path = entry.with_context(|| purpose(folder))?.path();
        let data = fs::symlink_metadata(&path).with_context(|| purpose(&path))?;
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            bail!("--share: the name {} is not UTF-8; rename it, or share another folder", path.display());
        };
        let place = format!("{place}/{name}");
        let permissions = data.mode() & 0o777;
        if data.is_dir() {
            entries.push(ArchiveEntry::folder(&place, permissions));
            add(&path, &place, entries, left_bytes)?;
        } else if data.is_symlink() {
            let target = fs::read_link(&path).with_context(|| purpose(&path))?;
            entries.push(ArchiveEntry::link(&place, &target.to_string_lossy()));
        } else {
            ensure!(
                data.is_file(),
                "--share: {} is neither file, folder nor link; share a folder without it",
                path.display()
            );
            *left_bytes = left_bytes.checked_sub(data.len()).with_context(|| {
                format!(
                    "--share: {} has more than {} MiB, which the guest has in its memory; share a smaller folder",
                    folder.display(),
                    SHARED_MOST_BYTES >> 20
                )
            })?;
            let content = fs::read(&path).with_context(|| purpose(&path))?;
            entries.push(ArchiveEntry::file(&place, permissions, content));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_copied_with_links_and_permissions() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("a")).unwrap();
        fs::write(folder.path().join("a/run.sh"), "echo\n").unwrap();
        std::os::unix::fs::symlink("a/run.sh", folder.path().join("link")).unwrap();
        let permissions = |mode| std::os::unix::fs::PermissionsExt::from_mode(mode);
        fs::set_permissions(folder.path().join("a/run.sh"), permissions(0o750)).unwrap();
        fs::set_permissions(folder.path().join("a"), permissions(0o700)).unwrap();
        let entries = shared(folder.path()).unwrap();
        for expected in [
            ArchiveEntry::folder("/share/a", 0o700),
            ArchiveEntry::file("/share/a/run.sh", 0o750, b"echo\n".to_vec()),
            ArchiveEntry::link("/share/link", "a/run.sh"),
        ] {
            assert!(entries.contains(&expected), "{expected:?}");
        }
        assert_eq!(entries.len(), 4);
    }

    #[test]
    fn what_cannot_be_shared_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = |path: &Path| shared(path).unwrap_err().to_string();
        assert!(error(&folder.path().join("none")).ends_with("/none is no folder; name one"));
        let large = folder.path().join("large");
        fs::File::create(&large).unwrap().set_len(SHARED_MOST_BYTES + 1).unwrap();
        assert!(error(folder.path()).contains(" has more than 256 MiB"), "{}", error(folder.path()));
        fs::remove_file(large).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket")).unwrap();
        assert!(error(folder.path()).contains("socket is neither file, folder nor link"));
    }
}
