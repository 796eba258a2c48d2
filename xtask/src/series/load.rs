//! A series, loaded whole from its folder below `kernel-patches/` and checked for form.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, ensure};
use lab_core::series::import::queue;
use lab_core::series::{Series, check_size, is_plain_name};

/// Reads the series `name` in the folder `kernel_patches`.
///
/// # Errors
/// Names the series and the file: a missing folder, something in it that is no file, or what
/// [`Series::from_files`] refuses.
pub(crate) fn load(kernel_patches: &Path, name: &str) -> anyhow::Result<Series> {
    let purpose = || format!("loading series {name}");
    let folder = kernel_patches.join(name);
    ensure!(
        is_plain_name(name),
        "loading series {name:?}: a series is named by the folder below {}: letters, digits, `-`, `_` and `.`",
        kernel_patches.display()
    );
    let read = |file: String| {
        let path = folder.join(&file);
        let size = fs::metadata(&path).with_context(|| format!("reading {file}"))?.len();
        check_size(&file, size)?;
        let bytes = fs::read(&path).with_context(|| format!("reading {file}"))?;
        Ok((file, bytes))
    };
    let names = file_names(&folder).with_context(purpose)?;
    let files = names.into_iter().map(read).collect::<anyhow::Result<Vec<_>>>().with_context(purpose)?;
    Series::from_files(name, files)
}

fn file_names(folder: &Path) -> anyhow::Result<Vec<String>> {
    let entries = fs::read_dir(folder).with_context(|| {
        format!("no folder {}: make it and put `git format-patch` files in it", folder.display())
    })?;
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.with_context(|| format!("reading {}", folder.display()))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if queue::is_leftover(&name) {
            continue;
        }
        let kind = entry.file_type().with_context(|| format!("reading {name}"))?;
        ensure!(kind.is_file(), "{name} is not a regular file: a series holds files only, move it elsewhere");
        names.push(name);
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_folders() {
        let folder = tempfile::tempdir().unwrap();
        let error = |name: &str| format!("{:#}", load(folder.path(), name).unwrap_err());
        for name in ["", "..", "a/b", "/etc", "-x", "."] {
            assert!(error(name).contains("a series is named by the folder"), "{}", error(name));
        }
        assert!(error("missing").starts_with("loading series missing: no folder "), "{}", error("missing"));
        fs::create_dir_all(folder.path().join("s/0001-x.patch")).unwrap();
        assert!(error("s").contains("0001-x.patch is not a regular file"), "{}", error("s"));
        // Sparse: only reading it all would be noticed.
        let large = folder.path().join("large");
        fs::create_dir(&large).unwrap();
        fs::File::create(large.join("0001-x.patch")).unwrap().set_len(1 << 40).unwrap();
        assert!(
            error("large").contains("1099511627776 bytes, 4194304 are allowed: split it"),
            "{}",
            error("large")
        );
    }
}
