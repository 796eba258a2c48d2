//! `import-series`: a new folder below `kernel-patches/`.

use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;

use xshell::Shell;

use super::cli;
use crate::lab::checkout::Checkout;
use crate::lab::output;
use crate::series::import::{ImportRequest, import};

/// `cargo xtask import-series`: writes a new folder below `kernel-patches/`, or nothing.
///
/// # Errors
/// If there is not exactly one whole series, it is unsafe or malformed, or the folder is already there.
pub fn import_series(sh: &Shell, options: &cli::ImportSeries) -> anyhow::Result<ExitCode> {
    let checkout = Checkout::open()?;
    output::print(&import(sh, &checkout.join("kernel-patches"), &request(options))?)?;
    Ok(ExitCode::SUCCESS)
}

/// What is asked for. A range of commits is one of the repository that the user stands in, if no other is named.
pub(super) fn request(options: &cli::ImportSeries) -> ImportRequest {
    let cli::ImportSeries { from, git, name, version, subject, patches, message_id, directory } =
        options.clone();
    let git = git.or_else(|| is_range(&from).then(|| PathBuf::from(".")));
    ImportRequest { from, git, name, version, subject, patches, message_id, directory }
}

/// Whether this is `A..B`, and no file: a way to one through the folder above has `..` between slashes.
fn is_range(from: &Path) -> bool {
    let goes_up = from.components().any(|part| part == Component::ParentDir);
    !goes_up && !from.exists() && from.to_str().is_some_and(|text| text.contains(".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_told_from_files() {
        for range in ["HEAD~3..", "origin/master..topic", "v6.12..HEAD"] {
            assert!(is_range(Path::new(range)), "{range}");
        }
        for file in ["../thread.mbox", "a/../b", "thread.mbox", "-", "/", "."] {
            assert!(!is_range(Path::new(file)), "{file}");
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a..b");
        assert!(is_range(&file));
        std::fs::write(&file, "").unwrap();
        assert!(!is_range(&file));
    }
}
