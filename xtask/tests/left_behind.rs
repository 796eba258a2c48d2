//! What a lab that was killed leaves behind, and what the next one does about it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use xtask::lab::cache::Cache;
use xtask::lab::scratch::ScratchFolder;
use xtask::lab::{import_folder, sockets_folder};

/// The folder as it is when its lab was killed: there, with what was in it, and nobody holds it.
fn left(folder: ScratchFolder) -> PathBuf {
    let path = folder.path().to_owned();
    drop(folder);
    fs::create_dir(&path).expect("the folder");
    fs::write(path.join("file"), "").expect("its file");
    path
}

/// Starts a lab that only opens its checkout, and ends because there is nothing in it.
#[expect(clippy::disallowed_methods, reason = "the program under test is started as a user would")]
fn start_and_end(folder: &Path) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_patchlab"));
    let command = command.arg("build-kernel").env("CARGO_MANIFEST_DIR", folder.join("xtask"));
    let output = command.env("PATCHLAB_CACHE", folder.join("cache")).output().expect("the lab starts");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("lab.toml"), "{text}");
}

/// Whoever makes temporary folders makes them here: in the cache, for sockets in the system's temporary folder, and for an
/// import beside the series.
#[test]
fn the_next_lab_removes_every_folder_and_none_in_use() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("xtask")).expect("a checkout");
    let kernel_patches = folder.path().join("kernel-patches");
    fs::create_dir(&kernel_patches).expect("a place for series");
    let cache = Cache::open(&folder.path().join("cache")).expect("a cache");
    let in_cache = |prefix: &str| cache.temporary_folder(prefix).expect("a folder in the cache");
    let for_sockets = || sockets_folder().expect("a folder for sockets");
    let for_import = || import_folder(&kernel_patches).expect("a folder for an import");
    let prefixes = ["boot-", "accelerator-", "image-", "debian-", "kernel-", "probe-"];
    let mut gone: Vec<PathBuf> = prefixes.map(|prefix| left(in_cache(prefix))).into();
    gone.extend([left(for_sockets()), left(for_import())]);
    let used = [in_cache("boot-"), for_sockets(), for_import()];
    start_and_end(folder.path());
    for path in gone {
        assert!(!path.exists(), "{} was left", path.display());
    }
    for folder in used {
        assert!(folder.path().exists(), "{} was in use", folder.path().display());
    }
}
