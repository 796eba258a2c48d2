//! A series: an ordered folder of patches below `kernel-patches/`, loaded whole and checked for form.

mod code;
mod diff;
pub mod import;
pub mod misfit;
pub mod mutants;
pub mod paths;
pub mod placebos;
mod scan;
pub mod unbuilt;

use anyhow::{Context as _, bail, ensure};

pub use scan::{check_changes, scan};

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
    /// The file's content.
    pub text: String,
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

    /// Configuration symbols that the series adds or changes the definition of, without `CONFIG_`, sorted:
    /// the `config NAME` lines that it adds to Kconfig files.
    pub fn added_symbols(&self) -> Vec<String> {
        let mut symbols: Vec<String> =
            self.patches.iter().flat_map(|patch| added_symbols(&patch.text)).collect();
        symbols.sort();
        symbols.dedup();
        symbols
    }
}

impl Patch {
    fn new(file: &str, text: String) -> Self {
        let subject = subject(&text).unwrap_or_else(|| stem(file).to_owned());
        Patch { file: file.to_owned(), subject, text }
    }

    /// The patch as a mail that `git am` takes. A bare diff gets a header; a mail is passed on as it is.
    pub fn as_mail(&self) -> String {
        let is_mail =
            ["From ", "From: ", "Subject: ", "Date: "].iter().any(|start| self.text.starts_with(start));
        if is_mail {
            return self.text.clone();
        }
        format!(
            "From: patchlab <patchlab@localhost>\nDate: Sat, 1 Jan 2000 00:00:00 +0000\nSubject: [PATCH] {}\n\n---\n{}",
            self.subject, self.text
        )
    }
}

impl Series {
    /// The series `name` of the files of a folder, each with its content.
    ///
    /// # Errors
    /// Names the series and the file: no patch at all, a file that is neither a numbered patch nor one that may lie beside
    /// them, a gap or a duplicate in the numbers, text that is not UTF-8 or holds NUL, a patch above 4 MiB or without a diff.
    pub fn from_files(name: &str, mut files: Vec<(String, Vec<u8>)>) -> anyhow::Result<Series> {
        files.sort();
        let names: Vec<String> = files.iter().map(|(file, _)| file.clone()).collect();
        let in_order: Vec<String> = in_order(&names)
            .with_context(|| format!("loading series {name}"))?
            .into_iter()
            .map(str::to_owned)
            .collect();
        let patches = files.into_iter().filter(|(file, _)| in_order.contains(file));
        let patches =
            patches.map(|(file, bytes)| parse_patch(&file, bytes)).collect::<anyhow::Result<Vec<_>>>();
        Ok(Series::new(name, patches.with_context(|| format!("loading series {name}"))?))
    }
}

/// Which hunk of the file at `path`, from 1, begins at line `old_line` of the file that a patch text changes.
pub fn hunk_number(text: &str, path: &str, old_line: u64) -> Option<usize> {
    let changes = diff::parse(text);
    let change = changes.iter().find(|change| change.paths.iter().any(|named| named == path))?;
    change.hunks.iter().position(|(start, _)| *start == old_line).map(|at| at + 1)
}

/// Whether a text holds a diff that changes something.
pub(crate) fn has_diff(text: &str) -> bool {
    diff::parse(text).iter().any(|change| !change.is_empty())
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

/// The patches among a folder's sorted file names, checked for gaps and duplicates.
fn in_order(names: &[String]) -> anyhow::Result<Vec<&str>> {
    let mut files: Vec<&str> = Vec::new();
    for name in names.iter().map(String::as_str).filter(|name| !is_companion(name)) {
        let Some(number) = number(name) else {
            bail!(
                "{name} is neither {} nor named NNNN-subject.patch: rename it or move it elsewhere",
                COMPANIONS.join(" nor ")
            );
        };
        let expected = files.len() + 1;
        if number < expected {
            let other = if number == 0 { "numbers start at 0001" } else { files[number - 1] };
            bail!("{name} has a number that is taken or too low ({other}): renumber the patches from 0001");
        }
        ensure!(
            number == expected,
            "{name} comes where {expected:04} is missing: add that patch or renumber"
        );
        files.push(name);
    }
    ensure!(
        !files.is_empty(),
        "no patch in it: add files named 0001-subject.patch, as `git format-patch` makes them"
    );
    Ok(files)
}

fn number(file: &str) -> Option<usize> {
    let (digits, rest) = file.split_at_checked(4)?;
    let named = rest.starts_with('-') && rest.ends_with(".patch") && rest.len() > "-.patch".len();
    (named && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse().ok()).flatten()
}

/// Refuses a patch that is too large.
///
/// # Errors
/// Names the file and its size.
pub fn check_size(file: &str, bytes: u64) -> anyhow::Result<()> {
    ensure!(bytes <= MAX_PATCH_BYTES, "{file} has {bytes} bytes, {MAX_PATCH_BYTES} are allowed: split it");
    Ok(())
}

fn parse_patch(file: &str, bytes: Vec<u8>) -> anyhow::Result<Patch> {
    check_size(file, bytes.len() as u64)?;
    ensure!(!bytes.contains(&0), "{file} holds NUL bytes: save it as `git format-patch` does");
    let text = String::from_utf8(bytes).map_err(|error| {
        let line =
            1 + error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|b| **b == b'\n').count();
        anyhow::anyhow!("{file} is not UTF-8 at line {line}: convert it, e.g. with iconv")
    })?;
    ensure!(has_diff(&text), "{file} holds no diff: remove it (a cover letter belongs into README.md)");
    Ok(Patch::new(file, text))
}

/// `0001-fuse-move-it.patch` -> `fuse-move-it`.
fn stem(file: &str) -> &str {
    file.get(5..).unwrap_or(file).trim_end_matches(".patch")
}

/// The subject of a mail: the header unfolded, `[...]` in front removed.
fn subject(text: &str) -> Option<String> {
    let header: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).collect();
    let start = header.iter().position(|line| line.starts_with("Subject: "))?;
    let folded = header[start + 1..].iter().take_while(|line| line.starts_with([' ', '\t']));
    let mut subject = header[start]["Subject: ".len()..].trim().to_owned();
    for line in folded {
        subject.push(' ');
        subject.push_str(line.trim());
    }
    let mut rest = subject.as_str();
    while let Some((_, after)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        rest = after.trim_start();
    }
    (!rest.is_empty()).then(|| rest.to_owned())
}

fn added_symbols(text: &str) -> Vec<String> {
    let changes = diff::parse(text);
    let kconfig = changes.iter().filter(|change| change.paths.iter().any(|path| is_kconfig_file(path)));
    kconfig.flat_map(|change| &change.added).filter_map(|line| defined(line)).map(str::to_owned).collect()
}

fn is_kconfig_file(path: &str) -> bool {
    kbuild::is_kconfig(path.rsplit('/').next().unwrap_or(path))
}

/// The option that a line of a Kconfig file begins to define.
fn defined(line: &str) -> Option<&str> {
    line.strip_prefix("config ").or_else(|| line.strip_prefix("menuconfig ")).map(str::trim)
}

#[cfg(test)]
mod tests;
