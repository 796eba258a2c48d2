//! What the checkout holds of the things that `lab.toml` names.

use std::io::ErrorKind;
use std::ops::Range;
use std::path::Path;

use xshell::Shell;

use super::error::{ConfigError, Document};
use crate::suggest;

/// Where the series lie in the checkout.
const SERIES_DIR: &str = "kernel-patches";
/// Where the configuration fragments lie in the checkout.
const FRAGMENT_DIR: &str = "images/kernel";

/// Something of the checkout that `lab.toml` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) part: Part,
    pub(super) name: String,
    /// Where it is named, for error messages: bytes of the text, and the key.
    pub(super) span: Range<usize>,
    pub(super) path: String,
}

/// The parts of the checkout that can be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Series,
    Fragment,
}

/// The names in the checkout, sorted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Inventory {
    series: Vec<String>,
    fragments: Vec<String>,
}

impl Inventory {
    /// Lists a checkout. A missing folder counts as an empty one.
    ///
    /// # Errors
    /// If a folder exists and cannot be read.
    pub(crate) fn read(sh: &Shell, checkout: &Path) -> anyhow::Result<Inventory> {
        Ok(Inventory {
            series: names(sh, &checkout.join(SERIES_DIR), Path::is_dir)?,
            fragments: names(sh, &checkout.join(FRAGMENT_DIR), Path::is_file)?,
        })
    }

    pub(super) fn holds(&self, document: Document<'_>, reference: &Reference) -> Result<(), ConfigError> {
        let (kind, folder, names) = match reference.part {
            Part::Series => ("series", SERIES_DIR, &self.series),
            Part::Fragment => ("fragment", FRAGMENT_DIR, &self.fragments),
        };
        if names.contains(&reference.name) {
            return Ok(());
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let message = suggest::unknown(kind, &reference.name, &names);
        Err(document.error(&reference.span, &reference.path, format!("{message} (in {folder}/)")))
    }
}

fn names(sh: &Shell, folder: &Path, wanted: fn(&Path) -> bool) -> anyhow::Result<Vec<String>> {
    let entries = match sh.read_dir(folder) {
        Ok(entries) => entries,
        Err(_) if matches!(folder.metadata(), Err(err) if err.kind() == ErrorKind::NotFound) => Vec::new(),
        Err(err) => return Err(err.into()),
    };
    let name = |path: &Path| Some(path.file_name()?.to_str()?.to_owned());
    Ok(entries.iter().filter(|path| wanted(path)).filter_map(|path| name(path)).collect())
}
