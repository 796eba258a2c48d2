//! What is imported, read from its files: mailbox, maildir, folder of patches, or range of commits.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use lab_core::series;
use lab_core::series::import::mail::{self, Mail};
use lab_core::series::import::mbox::{self, Quoting};
use lab_core::series::import::select::Order;
use xshell::Shell;

use super::range;

/// All that is read together; the mailbox of a month of a busy list is smaller.
const MAX_BYTES: u64 = 64 << 20;

/// What was read.
pub(super) struct Input {
    pub(super) mails: Vec<Mail>,
    /// What says in which order patches without a number come.
    pub(super) order: Order,
    /// What it is, for README.md: no paths of this machine.
    pub(super) description: String,
}

/// Reads a range of commits.
///
/// # Errors
/// As [`range::read`].
pub(super) fn from_git(sh: &Shell, repository: &Path, range: &str) -> anyhow::Result<Input> {
    let range = range::read(sh, repository, range)?;
    ensure!(
        range.mailbox.len() as u64 <= MAX_BYTES,
        "the range has more than {MAX_BYTES} bytes: is A right?"
    );
    let mails = read_mails(&range.mailbox, Quoting::Quoted, "commit");
    Ok(Input { mails, order: Order::Places, description: range.description })
}

/// Reads a file or folder.
///
/// # Errors
/// If it is not there, cannot be read, is too large or is compressed.
pub(super) fn from_files(path: &Path) -> anyhow::Result<Input> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let metadata = fs::metadata(path).context("opening it")?;
    let mut budget = MAX_BYTES;
    if !metadata.is_dir() {
        let mails = read_mails(&read_file(path, &mut budget)?, Quoting::AsMarked, &name);
        let kind = if mails.len() == 1 { "file" } else { "mailbox" };
        return Ok(Input { mails, order: Order::Places, description: format!("{kind} `{name}`") });
    }
    let boxes: Vec<PathBuf> =
        ["cur", "new"].map(|folder| path.join(folder)).into_iter().filter(|folder| folder.is_dir()).collect();
    if !boxes.is_empty() {
        let files = boxes.iter().map(|folder| files(folder)).collect::<anyhow::Result<Vec<_>>>()?.concat();
        let mails = files.iter().map(|file| Ok(mail::read(&file_name(file), &read_file(file, &mut budget)?)));
        let mails = mails.collect::<anyhow::Result<Vec<_>>>()?;
        return Ok(Input { mails, order: Order::Unknown, description: format!("maildir `{name}`") });
    }
    let mut mails = Vec::new();
    for file in files(path)?.iter().filter(|file| !series::is_companion(&file_name(file))) {
        mails.extend(read_mails(&read_file(file, &mut budget)?, Quoting::AsMarked, &file_name(file)));
    }
    Ok(Input { mails, order: Order::Names, description: format!("folder `{name}`") })
}

/// The mails of a mailbox; where there is one, its place is the file alone.
fn read_mails(bytes: &[u8], quoting: Quoting, name: &str) -> Vec<Mail> {
    let mails = mbox::split(bytes, quoting);
    let place =
        |at: usize| if mails.len() == 1 { name.to_owned() } else { format!("{name}, mail {}", at + 1) };
    mails.iter().enumerate().map(|(at, bytes)| mail::read(&place(at), bytes)).collect()
}

/// Regular files that are not hidden, in the order of their names.
fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let purpose = || format!("reading {}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(purpose)? {
        let path = entry.with_context(purpose)?.path();
        if path.is_file() && !file_name(&path).starts_with('.') {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn read_file(path: &Path, budget: &mut u64) -> anyhow::Result<Vec<u8>> {
    let name = file_name(path);
    ensure!(path.is_file(), "{name} is neither a file nor a folder: save it as a file");
    let file = File::open(path).with_context(|| format!("opening {name}"))?;
    let mut bytes = Vec::new();
    let read = file.take(*budget + 1).read_to_end(&mut bytes).with_context(|| format!("reading {name}"))?;
    *budget = budget.checked_sub(read as u64).with_context(|| {
        format!("{name} makes it more than {MAX_BYTES} bytes: save the mails of the series alone")
    })?;
    ensure!(!is_compressed(&bytes), "{name} is compressed: unpack it first");
    Ok(bytes)
}

/// gzip, xz, bzip2, zstd, zip.
fn is_compressed(bytes: &[u8]) -> bool {
    [b"\x1f\x8b".as_slice(), b"\xfd7zXZ", b"BZh", b"\x28\xb5\x2f\xfd", b"PK\x03\x04"]
        .iter()
        .any(|magic| bytes.starts_with(magic))
}
