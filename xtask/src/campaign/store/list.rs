//! Which campaigns there are.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use lab_core::text::suggest;

use super::{CAMPAIGN, read_table};

/// Names of the campaigns below `results`, oldest first, those of other versions as well.
pub(in crate::campaign) fn names(results: &Path) -> anyhow::Result<Vec<String>> {
    let entries = match fs::read_dir(results) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(|| format!("reading {}", results.display()))?,
    };
    let mut found: Vec<(String, String)> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let begun = read_table(&path).ok()?.get("begun")?.as_str()?.to_owned();
            Some((begun, path.file_name()?.to_str()?.to_owned()))
        })
        .collect();
    found.sort();
    Ok(found.into_iter().map(|(_, name)| name).collect())
}

/// The folders of the campaigns below `results`, whatever is in their files.
///
/// # Errors
/// If `results` cannot be read.
pub(crate) fn folders(results: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(results) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(|| format!("reading {}", results.display()))?,
    };
    let mut folders: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    folders.retain(|folder| folder.join(CAMPAIGN).is_file());
    folders.sort();
    Ok(folders)
}

/// The folder of a campaign: by name or path, or the newest one.
///
/// # Errors
/// If there is no such campaign; the error names those that are there.
pub fn find(results: &Path, wanted: Option<&str>) -> anyhow::Result<PathBuf> {
    let known = names(results)?;
    let Some(wanted) = wanted else {
        return match known.last() {
            Some(name) => Ok(results.join(name)),
            None => bail!("no campaign below {}; make one with: cargo xtask run-lab", results.display()),
        };
    };
    for path in [results.join(wanted), PathBuf::from(wanted)] {
        if path.join(CAMPAIGN).is_file() {
            return Ok(path);
        }
    }
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    bail!("{}", suggest::unknown("campaign", wanted, &known))
}
