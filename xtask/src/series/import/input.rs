//! What is imported, read from its files: mailbox, maildir, folder of patches, pipe, or range of commits.

use std::fs;
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use anyhow::{Context as _, ensure};
use lab_core::series::import::mail::Mail;
use lab_core::series::import::mbox::Quoting;
use lab_core::series::import::reader;
use lab_core::series::import::select::Order;
use lab_core::series::strip::Paths;
use xshell::Shell;

use super::reading::{Files, Input, MAX_BYTES, file_name};
use super::{folder, range};

/// The argument that means standard input.
const STANDARD_INPUT: &str = "-";

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
    let mails = reader::read("commit", &range.mailbox, Quoting::Quoted, &Paths::default());
    Ok(Input { mails, order: Order::Places, description: range.description, notes: Vec::new() })
}

/// Reads a file, a folder, or standard input.
///
/// # Errors
/// If it is not there, cannot be read, is too large or damaged.
pub(super) fn from_files(path: &Path, paths: &Paths) -> anyhow::Result<Input> {
    let mut files = Files::new(paths);
    if path == Path::new(STANDARD_INPUT) {
        let bytes = files.bytes("standard input", std::io::stdin().lock())?;
        return Ok(one(reader::read("standard input", &bytes, Quoting::AsMarked, paths), "standard input"));
    }
    let metadata = fs::metadata(path).context("opening it")?;
    if metadata.is_dir() {
        return folder::read(path, &mut files);
    }
    if file_name(path) == folder::SERIES {
        return folder::queue(path, &mut files);
    }
    let mails = files.read(path, &file_name(path), paths)?;
    let name = match metadata.file_type().is_fifo() {
        true => "pipe".to_owned(),
        false if mails.len() == 1 => format!("file `{}`", file_name(path)),
        false => format!("mailbox `{}`", file_name(path)),
    };
    Ok(one(mails, &name))
}

fn one(mails: Vec<Mail>, description: &str) -> Input {
    Input { mails, order: Order::Places, description: description.to_owned(), notes: Vec::new() }
}
