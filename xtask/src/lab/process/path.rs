//! Programs in the folders of `PATH`.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

/// Where programs for root lie; the `PATH` of other users may lack them.
const ROOTS_FOLDERS: &str = "/usr/sbin:/sbin";

/// The first file in the environment's `PATH` of this name that can be run.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    find_also_roots(&std::env::var_os("PATH")?, name)
}

/// The first in `folders`, which are written as `PATH` is, or else in those of root.
pub(crate) fn find_also_roots(folders: &OsStr, name: &str) -> Option<PathBuf> {
    find_in(folders, name).or_else(|| find_in(ROOTS_FOLDERS.as_ref(), name))
}

/// The first in `folders`.
pub(crate) fn find_in(folders: &OsStr, name: &str) -> Option<PathBuf> {
    std::env::split_paths(folders).map(|folder| folder.join(name)).find(|file| {
        file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_can_be_run() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for (file, mode) in [("a/x", 0o644), ("b/x", 0o755), ("c/x", 0o755)] {
            std::fs::create_dir_all(path(file).parent().unwrap()).unwrap();
            std::fs::write(path(file), "").unwrap();
            std::fs::set_permissions(path(file), std::fs::Permissions::from_mode(mode)).unwrap();
        }
        std::fs::create_dir_all(path("a/y")).unwrap();
        let folders = std::env::join_paths(["none", "a", "b", "c"].map(path)).unwrap();
        assert_eq!(find_in(&folders, "x"), Some(path("b/x")));
        assert_eq!(find_in(&folders, "y"), None);
    }
}
