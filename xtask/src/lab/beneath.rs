//! Files in a folder that others can write to: no link is followed, and nothing but a regular file is opened.
//!
//! Own, since `std` can refuse a link at the end of a path only, and a link may lie anywhere in it.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;

/// Opens `path`, relative to `folder`, for reading.
///
/// # Errors
/// If it is missing, is no regular file, or a link lies on the way.
pub(crate) fn open(folder: &Path, path: &str) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let mut at = rustix::fs::openat(CWD, folder, flags | OFlags::DIRECTORY, Mode::empty())?;
    let mut names = path.split('/').peekable();
    while let Some(name) = names.next() {
        // Opening a pipe would wait for its other end.
        let kind = if names.peek().is_some() { OFlags::DIRECTORY } else { OFlags::NONBLOCK };
        let opened = rustix::fs::openat(&at, name, flags | OFlags::NOFOLLOW | kind, Mode::empty());
        at = opened.map_err(|error| explain(&at, name, error))?;
    }
    let file = File::from(at);
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other(NO_FILE)),
    }
}

/// The content of a file below `folder`.
///
/// # Errors
/// As [`open`], and if it is larger than `limit_bytes`.
pub(crate) fn read(folder: &Path, path: &str, limit_bytes: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(folder, path)?.take(limit_bytes + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 <= limit_bytes {
        true => Ok(bytes),
        false => Err(too_large(limit_bytes)),
    }
}

/// Copies a file below `folder` to `target`, which must not exist.
///
/// # Errors
/// As [`read`], and if `target` cannot be written.
pub(crate) fn copy(folder: &Path, path: &str, limit_bytes: u64, target: &Path) -> io::Result<()> {
    let mut from = open(folder, path)?.take(limit_bytes + 1);
    match io::copy(&mut from, &mut File::create_new(target)?)? <= limit_bytes {
        true => Ok(()),
        false => fs::remove_file(target).and(Err(too_large(limit_bytes))),
    }
}

const NO_FILE: &str = "there is something else where a file was expected";

fn too_large(limit_bytes: u64) -> io::Error {
    io::Error::other(format!("it is larger than {} MiB", limit_bytes >> 20))
}

fn explain(folder: &impl std::os::fd::AsFd, name: &str, error: Errno) -> io::Error {
    let kind = rustix::fs::statat(folder, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW)
        .map(|found| rustix::fs::FileType::from_raw_mode(found.st_mode));
    match kind {
        Ok(rustix::fs::FileType::Symlink) => {
            io::Error::other(format!("{name} is a link, which is not followed"))
        }
        Ok(_) | Err(_) => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn no_link_is_followed_and_only_files_are_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir_all(path("objects/arch/boot")).unwrap();
        fs::create_dir_all(path("outside")).unwrap();
        fs::write(path("outside/secret"), "secret").unwrap();
        fs::write(path("objects/arch/boot/image"), "image").unwrap();
        symlink("../outside/secret", path("objects/file")).unwrap();
        symlink("../outside", path("objects/folder")).unwrap();
        rustix::fs::mknodat(
            CWD,
            path("objects/pipe"),
            rustix::fs::FileType::Fifo,
            Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        let objects = path("objects");
        assert_eq!(read(&objects, "arch/boot/image", 5).unwrap(), b"image");
        for (name, expected) in [
            ("file", "file is a link, which is not followed"),
            ("folder/secret", "folder is a link, which is not followed"),
            ("pipe", NO_FILE),
            ("arch", NO_FILE),
            ("none", "No such file or directory (os error 2)"),
        ] {
            assert_eq!(open(&objects, name).unwrap_err().to_string(), expected);
        }
        assert_eq!(read(&objects, "arch/boot/image", 4).unwrap_err().to_string(), "it is larger than 0 MiB");
        let target = path("copy");
        copy(&objects, "arch/boot/image", 4, &target).unwrap_err();
        assert!(!target.exists());
        copy(&objects, "arch/boot/image", 5, &target).unwrap();
        assert_eq!(fs::read(target).unwrap(), b"image");
    }
}
