//! Files that are there whole or not at all.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;

/// Writes `content` to `path` so that a reader sees the old file or the new one and a crash leaves no part of
/// either: temporary file in the same folder, sync, rename, sync of the folder.
///
/// # Errors
/// If the folder cannot be written to; `path` is then unchanged.
pub fn write_atomically(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let write = || -> std::io::Result<()> {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut temporary = tempfile::Builder::new()
            .prefix(".tmp-")
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
            .tempfile_in(folder)?;
        temporary.write_all(content)?;
        temporary.as_file().sync_all()?;
        temporary.persist(path).map_err(|error| error.error)?;
        File::open(folder)?.sync_all()
    };
    write().with_context(|| format!("writing {}", path.display()))
}

/// Waits until everything that was written to the file system of `folder` is on the disk.
///
/// # Errors
/// If the disk does not take it.
pub(crate) fn sync_file_system(folder: &Path) -> anyhow::Result<()> {
    let sync = || -> std::io::Result<()> { Ok(rustix::fs::syncfs(File::open(folder)?)?) };
    sync().with_context(|| format!("writing {} to the disk", folder.display()))
}

/// Makes a new folder that is still there after a crash.
///
/// # Errors
/// If it is there already ([`std::io::ErrorKind::AlreadyExists`]), or cannot be made.
pub(crate) fn make_folder(path: &Path) -> std::io::Result<()> {
    fs::create_dir(path)?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent)?.sync_all()
}

/// Makes the finished folder `temporary` appear at `target` in one step. If `target` is already there, another
/// process was first: then `temporary` is removed, since both hold the same content.
///
/// # Errors
/// If neither renaming nor removing works.
pub fn publish_folder(temporary: &Path, target: &Path) -> anyhow::Result<()> {
    let purpose = || format!("moving {} to {}", temporary.display(), target.display());
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent).with_context(purpose)?;
    }
    match fs::rename(temporary, target) {
        Ok(()) => Ok(()),
        Err(_) if target.is_dir() => fs::remove_dir_all(temporary).with_context(purpose),
        Err(error) => Err(error).with_context(purpose),
    }
}

/// Bytes that a process without special rights can still write to the file system that holds `folder`.
///
/// # Errors
/// If `folder` does not exist.
pub(crate) fn free_bytes(folder: &Path) -> anyhow::Result<u64> {
    let stat = rustix::fs::statvfs(folder)
        .with_context(|| format!("asking for free space at {}", folder.display()))?;
    Ok(stat.f_bavail * stat.f_frsize)
}

/// Whether this process can make files in `folder`.
pub(crate) fn is_writable(folder: &Path) -> bool {
    use rustix::fs::{Access, access};

    access(folder, Access::WRITE_OK | Access::EXEC_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_replaces_the_whole_file_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record");
        write_atomically(&path, b"a longer first content").unwrap();
        write_atomically(&path, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_write_that_fails_says_where() {
        let error = write_atomically(Path::new("/proc/nonexistent/record"), b"").unwrap_err();
        assert!(format!("{error:#}").starts_with("writing /proc/nonexistent/record: "), "{error:#}");
    }

    #[test]
    fn the_second_of_two_publishers_gives_way() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("store/key");
        for content in ["first", "second"] {
            let temporary = folder.path().join("temporary");
            fs::create_dir(&temporary).unwrap();
            fs::write(temporary.join("file"), content).unwrap();
            publish_folder(&temporary, &target).unwrap();
            assert!(!temporary.exists());
        }
        assert_eq!(fs::read_to_string(target.join("file")).unwrap(), "first");
    }
}
