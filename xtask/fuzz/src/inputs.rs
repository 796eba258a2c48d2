//! Real inputs: files of the checkout, and those that a user names.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};

/// A larger file is not taken: what is damaged in it would be one place in a million.
const LARGEST_BYTES: u64 = 4 << 20;

/// Files of the checkout, by their names in it.
#[derive(Clone, Debug)]
pub struct Checkout {
    root: PathBuf,
}

impl Checkout {
    /// The one in this folder.
    pub fn at(root: &Path) -> Self {
        Checkout { root: root.to_owned() }
    }

    /// The one that this package is part of.
    pub fn of_package() -> Self {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        Checkout::at(package.ancestors().nth(2).unwrap_or(package))
    }

    /// Files below a folder that `takes` takes by their path in the checkout, in the order of their paths.
    ///
    /// # Errors
    /// If there is none, or one cannot be read: a target without real inputs would try nothing.
    pub fn files(
        &self,
        folder: &str,
        takes: impl Fn(&str) -> bool,
    ) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
        let mut found = Vec::new();
        for path in below(&self.root.join(folder))? {
            let name = path.strip_prefix(&self.root).unwrap_or(&path).display().to_string();
            if takes(&name) {
                found.push((name, read(&path)?));
            }
        }
        ensure!(!found.is_empty(), "no inputs below {folder}");
        Ok(found)
    }

    /// One file.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn file(&self, name: &str) -> anyhow::Result<Vec<u8>> {
        read(&self.root.join(name))
    }

    /// Where the inputs are kept that made a target fail once.
    pub fn found(&self, target: &str) -> PathBuf {
        self.root.join("xtask/fuzz/found").join(target)
    }
}

/// What lies at a path: the file, or the files below the folder, in the order of their paths.
///
/// # Errors
/// If it is not there, or one cannot be read.
pub fn at(path: &Path) -> anyhow::Result<Vec<Vec<u8>>> {
    below(path)?.iter().map(|path| read(path)).collect()
}

fn below(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let purpose = || format!("reading {}", path.display());
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut paths = Vec::new();
    for entry in fs::read_dir(path).with_context(purpose)? {
        let entry = entry.with_context(purpose)?;
        if entry.file_type().with_context(purpose)?.is_dir() {
            paths.extend(below(&entry.path())?);
        } else {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let purpose = || format!("reading {}", path.display());
    let bytes = fs::metadata(path).with_context(purpose)?.len();
    ensure!(
        bytes <= LARGEST_BYTES,
        "{} has {bytes} bytes, {LARGEST_BYTES} are allowed: take a part of it",
        path.display()
    );
    fs::read(path).with_context(purpose)
}
