//! A source tree on this machine: which of its files belong to the source, and a digest over them.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use xshell::Shell;

use crate::lab::digest::Parts;
use crate::lab::process::{self, git};

/// The files of a tree, sorted by path.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Listing {
    pub(crate) root: PathBuf,
    pub(crate) entries: Vec<TreeEntry>,
}

/// A file or a symbolic link.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TreeEntry {
    /// Relative to the root.
    pub(crate) path: String,
}

/// What a build in a source tree leaves behind, as files and as folders. Kernel builds elsewhere refuse such a tree, and files
/// that were generated in it would get into ours.
const BUILT_FILES: [&str; 2] = [".config", "vmlinux"];
const BUILT_FOLDERS: [&str; 2] = ["include/config/", "include/generated/"];

/// Whether a build has made a file of a source tree, and not its authors.
pub(super) fn is_built(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_object = name.ends_with(".o") || (name.starts_with('.') && name.ends_with(".cmd"));
    let of_architecture = path.starts_with("arch/") && path.contains("/include/generated/");
    is_object
        || of_architecture
        || BUILT_FILES.contains(&path)
        || BUILT_FOLDERS.iter().any(|folder| path.starts_with(folder))
}

/// What is wrong with a source that has a file which a build has made.
pub(super) fn was_built(place: &str, path: &str) -> String {
    format!("{place} was built in ({path} is there): run `make mrproper` in it or name an unbuilt copy")
}

/// Lists a tree: what git tracks or would track, as it is now, if the tree is a git work tree; else all files.
///
/// # Errors
/// If it is no folder, cannot be read, was built in, or a part of it is not there.
pub(super) fn list(sh: &Shell, root: &Path) -> anyhow::Result<Listing> {
    let root = fs::canonicalize(root).with_context(|| format!("no folder {}", root.display()))?;
    let paths = if root.join(".git").exists() { git_files(sh, &root)? } else { all_files(&root)? };
    let mut entries: Vec<TreeEntry> = paths.into_iter().map(|path| TreeEntry { path }).collect();
    entries.sort();
    entries.dedup();
    ensure!(!entries.is_empty(), "{} holds no files", root.display());
    if let Some(built) = entries.iter().find(|entry| is_built(&entry.path)) {
        bail!(was_built(&root.display().to_string(), &built.path));
    }
    Ok(Listing { root, entries })
}

/// A digest over paths, modes and contents.
///
/// # Errors
/// If a file cannot be read.
pub(super) fn digest(listing: &Listing) -> anyhow::Result<String> {
    let mut parts = Parts::default();
    for entry in &listing.entries {
        let (mode, content) = read(&listing.root, entry)?;
        parts = parts.with(&format!("{mode:o} {}", entry.path), content);
    }
    Ok(parts.finish())
}

/// Mode (120000 octal for a link) and content (the target of a link) of an entry.
///
/// # Errors
/// If it cannot be read.
pub(super) fn read(root: &Path, entry: &TreeEntry) -> anyhow::Result<(u32, Vec<u8>)> {
    let path = root.join(&entry.path);
    let read = || -> std::io::Result<(u32, Vec<u8>)> {
        let metadata = fs::symlink_metadata(&path)?;
        if metadata.is_symlink() {
            return Ok((0o120_000, fs::read_link(&path)?.as_os_str().as_bytes().to_vec()));
        }
        let mode = if metadata.permissions().mode() & 0o100 == 0 { 0o644 } else { 0o755 };
        Ok((mode, fs::read(&path)?))
    };
    read().with_context(|| format!("reading {}", path.display()))
}

fn git_files(sh: &Shell, root: &Path) -> anyhow::Result<Vec<String>> {
    let list = |arguments: &[&str]| {
        process::read(git::git(sh, root).args(["ls-files", "-z"]).args(arguments))
            .with_context(|| format!("listing the files of {}", root.display()))
    };
    // `S` is a file that a sparse checkout leaves out.
    let tagged = list(&["--cached", "-t"])?;
    if let Some(path) = tagged.split('\0').find_map(|entry| entry.strip_prefix("S ")) {
        bail!(
            "{} is a sparse checkout, without {path}: run `git sparse-checkout disable` in it, or name the commit: \
             {{ git = \"{}\", commit = \"...\" }}",
            root.display(),
            root.display()
        );
    }
    let output = list(&["--cached", "--others", "--exclude-standard"])?;
    let is_file = |path: &&str| {
        // Deleted files are still in the index; a submodule is a folder.
        fs::symlink_metadata(root.join(path)).is_ok_and(|metadata| !metadata.is_dir())
    };
    Ok(output.split('\0').filter(|path| !path.is_empty()).filter(is_file).map(str::to_owned).collect())
}

fn all_files(root: &Path) -> anyhow::Result<Vec<String>> {
    // Before everything is read.
    if let Some(mark) = BUILT_FILES.iter().chain(&BUILT_FOLDERS).find(|mark| root.join(mark).exists()) {
        bail!(was_built(&root.display().to_string(), mark));
    }
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let shown = || format!("reading {}", root.join(&folder).display());
        for entry in fs::read_dir(root.join(&folder)).with_context(shown)? {
            let entry = entry.with_context(shown)?;
            let path = folder.join(entry.file_name());
            let kind = entry.file_type().with_context(shown)?;
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() || kind.is_symlink() {
                let path =
                    path.to_str().with_context(|| format!("the name {} is not UTF-8", path.display()))?;
                found.push(path.to_owned());
            }
        }
    }
    Ok(found)
}
