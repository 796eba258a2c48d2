//! `import-series`: a new folder below `kernel-patches/`.

use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use xshell::Shell;

use super::cli;
use crate::lab::checkout::Checkout;
use crate::lab::output;
use crate::series::import::{ImportRequest, SeriesOrigin, import};

/// `cargo xtask import-series`: writes a new folder below `kernel-patches/`, or nothing.
///
/// # Errors
/// If there is not exactly one whole series, it is unsafe or malformed, or the folder is already there.
pub fn import_series(sh: &Shell, options: &cli::ImportSeries) -> anyhow::Result<ExitCode> {
    let checkout = Checkout::open()?;
    output::print(&import(sh, &checkout.join("kernel-patches"), &request(options)?)?)?;
    Ok(ExitCode::SUCCESS)
}

/// What is asked for. A range of commits is one of the repository that the user stands in, if no other is named.
pub(super) fn request(options: &cli::ImportSeries) -> anyhow::Result<ImportRequest> {
    let cli::ImportSeries { from, git, name, version, subject, patches, message_id, directory } =
        options.clone();
    let from = origin(from, git)?;
    Ok(ImportRequest { from, name, version, subject, patches, message_id, directory })
}

fn origin(from: PathBuf, git: Option<PathBuf>) -> anyhow::Result<SeriesOrigin> {
    let text = from.to_str();
    match (git, text) {
        (Some(repository), text) => {
            let range = text.context("the range of commits is not UTF-8: write it as A..B")?.to_owned();
            Ok(SeriesOrigin::Range { repository, range })
        }
        (None, Some(text)) if is_range(&from) => {
            Ok(SeriesOrigin::Range { repository: PathBuf::from("."), range: text.to_owned() })
        }
        (None, Some(text)) if is_message(&from) => Ok(SeriesOrigin::Thread(text.to_owned())),
        (None, _) => Ok(SeriesOrigin::Files(from)),
    }
}

/// Whether this is `A..B`, and no file: a way to one through the folder above has `..` between slashes.
fn is_range(from: &Path) -> bool {
    let goes_up = from.components().any(|part| part == Component::ParentDir);
    !goes_up && !from.exists() && from.to_str().is_some_and(|text| text.contains(".."))
}

/// Whether this is a Message-ID or the address of a mail in an archive, and no file: both have an @ with something on either side.
fn is_message(from: &Path) -> bool {
    let has_both = |text: &str| {
        text.split_once('@').is_some_and(|(before, behind)| !before.is_empty() && !behind.is_empty())
    };
    let has_space = |text: &str| text.contains(char::is_whitespace);
    !from.exists() && from.to_str().is_some_and(|text| has_both(text) && !has_space(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_told_from_files() {
        for range in ["HEAD~3..", "origin/master..topic", "v6.12..HEAD"] {
            assert!(is_range(Path::new(range)), "{range}");
        }
        for id in ["<20121214152555.1@x.org>", "2012@x", "https://lore.kernel.org/all/2012@x/"] {
            assert!(!is_range(Path::new(id)) && is_message(Path::new(id)), "{id}");
        }
        for file in ["thread.mbox", "-", "@", "me@", "a mail@x"] {
            assert!(!is_message(Path::new(file)), "{file}");
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
