//! A series: an ordered folder of patches below `kernel-patches/`, loaded whole and checked for form.

pub mod build_files;
mod code;
mod diff;
pub mod import;
mod load;
pub mod misfit;
pub mod mutants;
pub mod needed;
pub mod paths;
pub mod placebos;
mod scan;
mod stat;
pub mod strip;
pub mod turned_on;
pub mod unbuilt;

use std::collections::BTreeSet;

use anyhow::ensure;

pub use scan::{check_changes, scan};
pub use stat::FileStat;

use crate::kbuild;
use crate::text::digest;

/// A larger patch is refused: the largest ones that are mailed to kernel lists stay below a tenth of it.
pub(crate) const MAX_PATCH_BYTES: u64 = 4 << 20;

/// What may lie beside the patches of a series: what it claims, and faulty versions of it.
const COMPANIONS: [&str; 2] = ["README.md", MUTANTS];

/// The file with the faulty versions of a series that were written by hand ([`mutants::HandWritten`]).
pub const MUTANTS: &str = "mutants.toml";

/// Patches that are applied together, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// The folder's name.
    pub name: String,
    /// The patches, in order; never empty.
    pub patches: Vec<Patch>,
    /// Digest over the texts of the patches, in order.
    pub digest: String,
}

/// One patch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch {
    /// The file's name, e.g. `0001-fuse-move-it.patch`.
    pub file: String,
    /// The subject without its `[PATCH n/m]`; the file's name without number if the patch has none.
    pub subject: String,
    /// The patch, in the charset of the files that it changes.
    pub text: Vec<u8>,
}

impl Series {
    /// A series of `patches`, which must not be empty.
    pub fn new(name: &str, patches: Vec<Patch>) -> Self {
        let digest = patches
            .iter()
            .fold(digest::Parts::default(), |parts, patch| parts.with("patch", &patch.text))
            .finish();
        Series { name: name.to_owned(), patches, digest }
    }

    /// Its first `count` patches, at least one, as a series of the same name.
    pub fn prefix(&self, count: usize) -> Series {
        Series::new(&self.name, self.patches.iter().take(count.max(1)).cloned().collect())
    }

    /// The files that it changes, as they are called before and after.
    pub fn touched(&self) -> BTreeSet<String> {
        let changes = self.patches.iter().flat_map(|patch| diff::parse(&patch.text));
        changes.flat_map(|change| change.paths).collect()
    }

    /// Configuration symbols that the series adds or changes the definition of, without `CONFIG_`, sorted:
    /// the `config NAME` lines that it adds to Kconfig files.
    pub fn added_symbols(&self) -> Vec<String> {
        self.symbols(defined)
    }

    /// Configuration symbols that the series selects, likewise: the `select NAME` lines that it adds.
    pub fn selected_symbols(&self) -> Vec<String> {
        self.symbols(selected)
    }

    fn symbols(&self, of_line: impl Fn(&str) -> Option<&str>) -> Vec<String> {
        let patches = self.patches.iter();
        let mut symbols: Vec<String> = patches.flat_map(|patch| symbols_of(&patch.text, &of_line)).collect();
        symbols.sort();
        symbols.dedup();
        symbols
    }
}

impl Patch {
    /// The patch as a mail that `git am` takes. A bare diff gets a header; a mail is passed on as it is.
    pub fn as_mail(&self) -> Vec<u8> {
        let is_mail = ["From ", "From: ", "Subject: ", "Date: "]
            .iter()
            .any(|start| self.text.starts_with(start.as_bytes()));
        if is_mail {
            return self.text.clone();
        }
        let header = format!(
            "From: patchlab <patchlab@localhost>\nDate: Sat, 1 Jan 2000 00:00:00 +0000\nSubject: [PATCH] {}\n\n---\n",
            self.subject
        );
        [header.as_bytes(), &self.text].concat()
    }
}

/// Which hunk of the file at `path`, from 1, begins at line `old_line` of the file that a patch text changes.
pub fn hunk_number(text: &[u8], path: &str, old_line: u64) -> Option<usize> {
    let changes = diff::parse(text);
    let change = changes.iter().find(|change| change.paths.iter().any(|named| named == path))?;
    change.hunks.iter().position(|(start, _)| *start == old_line).map(|at| at + 1)
}

/// Whether a text holds a diff that changes something.
pub(crate) fn has_diff(text: &[u8]) -> bool {
    diff::parse(text).iter().any(|change| !change.is_empty())
}

/// The first line that says that a file is not in the diff.
pub(crate) fn left_out(text: &[u8]) -> Option<String> {
    diff::left_out(text)
}

/// Whether a file of this name may lie beside the patches of a series.
pub fn is_companion(file: &str) -> bool {
    COMPANIONS.contains(&file)
}

/// Whether `name` can be that of a series.
pub fn is_plain_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !name.is_empty() && !name.starts_with(['.', '-']) && name.chars().all(plain)
}

/// Refuses a patch that is too large.
///
/// # Errors
/// Names the file and its size.
pub fn check_size(file: &str, bytes: u64) -> anyhow::Result<()> {
    ensure!(bytes <= MAX_PATCH_BYTES, "{file} has {bytes} bytes, {MAX_PATCH_BYTES} are allowed: split it");
    Ok(())
}

/// What the lines name that a patch adds to Kconfig files.
fn symbols_of(text: &[u8], of_line: impl Fn(&str) -> Option<&str>) -> Vec<String> {
    let changes = diff::parse(text);
    let kconfig = changes.iter().filter(|change| change.paths.iter().any(|path| is_kconfig_file(path)));
    kconfig.flat_map(|change| &change.added).filter_map(|line| of_line(line)).map(str::to_owned).collect()
}

fn is_kconfig_file(path: &str) -> bool {
    kbuild::is_kconfig(path.rsplit('/').next().unwrap_or(path))
}

/// The option that a line of a Kconfig file begins to define.
fn defined(line: &str) -> Option<&str> {
    line.strip_prefix("config ").or_else(|| line.strip_prefix("menuconfig ")).map(str::trim)
}

/// The option that a line of a Kconfig file selects.
fn selected(line: &str) -> Option<&str> {
    line.trim_start().strip_prefix("select ")?.split_whitespace().next()
}

#[cfg(test)]
mod tests;
