//! What is kept of a mutant: a record by the digest of its kernel, so that a run that was stopped goes on.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use lab_core::series::mutants::Mutant;
use serde::{Deserialize, Serialize};

use crate::lab::{digest, files};

/// The version of the form.
const VERSION: u32 = 1;

/// The sub-folder of the records.
const RECORDS: &str = "mutants";

/// What came of a mutant, or of the right kernel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Kept {
    version: u32,
    /// The digest of its kernel, under which the cache has it if it builds.
    kernel: String,
    /// Its id in the run that wrote this; another number does not make it another mutant.
    pub(super) id: String,
    /// Where the fault is, file and line; none of the right kernel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    /// The fault as a patch on top of the series.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    patch: Option<String>,
    /// What came of it.
    pub(super) came: Came,
}

/// What came of a mutant. How a boot is to be judged is decided when it is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Came {
    /// Its kernel does not build: the errors.
    DoesNotBuild(String),
    /// Its kernel is the right one. Nothing was booted.
    Equal,
    /// It was booted: the folder of the boot.
    Booted(String),
}

impl Kept {
    /// Of a mutant.
    pub(super) fn of(mutant: &Mutant, kernel: &str, came: Came) -> Self {
        Kept {
            version: VERSION,
            kernel: kernel.to_owned(),
            id: mutant.id.clone(),
            place: Some(format!("{}:{}", mutant.path, mutant.line)),
            patch: Some(mutant.patch.clone()),
            came,
        }
    }

    /// Of the right kernel.
    pub(super) fn of_right(name: &str, kernel: &str, came: Came) -> Self {
        let (kernel, id) = (kernel.to_owned(), name.to_owned());
        Kept { version: VERSION, kernel, id, place: None, patch: None, came }
    }

    /// Writes it to the folder of a run.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn write(&self, run: &Path) -> anyhow::Result<()> {
        let folder = run.join(RECORDS);
        fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        let text = toml::to_string_pretty(self).context("writing what came of a mutant as TOML")?;
        files::write_atomically(&path(run, &self.kernel), text.as_bytes())
    }

    /// What is kept of a kernel in the folder of a run. What cannot be read is tried again.
    pub(super) fn read(run: &Path, kernel: &str) -> Option<Kept> {
        let kept: Kept = toml::from_str(&fs::read_to_string(path(run, kernel)).ok()?).ok()?;
        (kept.version == VERSION && kept.kernel == kernel).then_some(kept)
    }
}

fn path(run: &Path, kernel: &str) -> PathBuf {
    run.join(RECORDS).join(format!("{}.toml", digest::short(kernel)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let kernel = "0123456789abcdef";
        assert_eq!(Kept::read(folder.path(), kernel), None);
        for came in [Came::Equal, Came::DoesNotBuild("no".to_owned()), Came::Booted("001-x".to_owned())] {
            let kept = Kept::of_right("x", kernel, came);
            kept.write(folder.path()).unwrap();
            assert_eq!(Kept::read(folder.path(), kernel), Some(kept));
        }
        // Another kernel with the same start of its digest, and a file that is cut.
        assert_eq!(Kept::read(folder.path(), "0123456789ab0000"), None);
        fs::write(path(folder.path(), kernel), "version = 1\n").unwrap();
        assert_eq!(Kept::read(folder.path(), kernel), None);
    }
}
