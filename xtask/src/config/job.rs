//! Job files of fio: where they may lie and what may stand in them.
//!
//! A job works on the workload's file, with the size that it has, at one time and nowhere else; anything else would
//! fail in the guest, or give a number that means something other than it seems to.

mod text;

use std::fs::File;
use std::io::Read as _;
use std::ops::Range;
use std::path::{Component, Path};

use xshell::Shell;

use super::error::ConfigError;
use super::reader::Table;
use crate::suggest::quoted;

pub(super) use text::check;

/// The largest job file that is read, bytes. It travels in each boot's assignment.
const LIMIT: u64 = 64 << 10;

const EXAMPLE: &str = "images/fio/randread.fio";

/// The job file that a workload names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct JobFile {
    /// Relative to the folder of `lab.toml`.
    pub(super) file: String,
    /// Where it is named, for error messages: bytes of the text, and the key.
    pub(super) span: Range<usize>,
    pub(super) path: String,
}

/// Reads the name of the job file of a workload; see [`read`] for the file itself.
pub(super) fn parse(workload: &Table<'_>) -> Result<JobFile, ConfigError> {
    let Some(field) = workload.optional("job") else {
        let missing = format!("missing; fio needs a job file, e.g. job = \"{EXAMPLE}\"");
        return Err(workload.field("job").error(missing));
    };
    let text = field.text()?;
    let mut parts = Path::new(text.text).components().peekable();
    if parts.peek().is_none() || parts.any(|part| !matches!(part, Component::Normal(_))) {
        let found = quoted(text.text);
        return Err(
            text.error(format!("{found} is no file beside or below lab.toml; name one, e.g. \"{EXAMPLE}\""))
        );
    }
    Ok(JobFile { file: text.text.to_owned(), span: text.span(), path: text.path().to_owned() })
}

/// The text of a job file below `root`.
///
/// # Errors
/// If there is none, it lies outside after all, or it is larger than 64 KiB or no UTF-8. Says which, with the remedy.
pub(crate) fn read(sh: &Shell, root: &Path, file: &str) -> Result<String, String> {
    let unreadable = |error: std::io::Error| match error.kind() == std::io::ErrorKind::NotFound {
        true => "there is no such file; write one, or name another".to_owned(),
        false => format!("cannot be read: {error}"),
    };
    let root = sh.current_dir().join(root).canonicalize().map_err(unreadable)?;
    let path = root.join(file).canonicalize().map_err(unreadable)?;
    if !path.starts_with(&root) {
        return Err(format!("is a link to {}; put the file itself there", path.display()));
    }
    // Before it is opened: opening a pipe would wait for its other end.
    if !path.is_file() {
        return Err("is no file; name a file".to_owned());
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|opened| opened.take(LIMIT + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    if bytes.len() as u64 > LIMIT {
        return Err("is larger than 64 KiB; a job has a few lines".to_owned());
    }
    String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes()[..error.utf8_error().valid_up_to()].split(|&byte| byte == b'\n').count();
        format!("line {line} is not UTF-8; save the file as UTF-8")
    })
}

#[cfg(test)]
mod tests;
