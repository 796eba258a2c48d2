//! Job files of fio and pjdfstest: where they may lie and what may stand in them.
//!
//! A job of fio works on the workload's file, with the size that it has, at one time and nowhere else; anything else would
//! fail in the guest, or give a number that means something other than it seems to.

mod option;
mod pjdfstest;
mod text;

use std::ops::Range;
use std::path::{Component, Path};

use lab_protocol::{Tool, WorkloadTask};

use super::error::ConfigError;
use super::reader::Table;
use crate::text::suggest::quoted;

pub(super) use option::with_option;

/// The job file that a workload names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct JobFile {
    /// Relative to the folder of `lab.toml`.
    pub(super) file: String,
    /// Where it is named, for error messages: bytes of the text, and the key.
    pub(super) span: Range<usize>,
    pub(super) path: String,
}

/// Reads the name of the job file of a workload with this tool; [`Config::with_jobs`](super::Config::with_jobs) takes the
/// file itself.
pub(super) fn parse(tool: Tool, workload: &Table<'_>) -> Result<JobFile, ConfigError> {
    let (name, example) = match tool {
        Tool::Pjdfstest => ("pjdfstest", "images/pjdfstest/pjdfstest.toml"),
        Tool::Dd | Tool::AioStress | Tool::Fio | Tool::StressNg | Tool::Fsx | Tool::Socket => {
            ("fio", "images/fio/randread.fio")
        }
    };
    let Some(field) = workload.optional("job") else {
        let missing = format!("missing; {name} needs a job file, e.g. job = \"{example}\"");
        return Err(workload.field("job").error(missing));
    };
    let text = field.text()?;
    let mut parts = Path::new(text.text).components().peekable();
    if parts.peek().is_none() || parts.any(|part| !matches!(part, Component::Normal(_))) {
        let found = quoted(text.text);
        return Err(
            text.error(format!("{found} is no file beside or below lab.toml; name one, e.g. \"{example}\""))
        );
    }
    Ok(JobFile { file: text.text.to_owned(), span: text.span(), path: text.path().to_owned() })
}

/// Checks the text of the job of a workload. The error names the place and ends with the remedy.
pub(super) fn check(workload: &WorkloadTask, text: &str) -> Result<(), String> {
    match workload.tool {
        Tool::Pjdfstest => pjdfstest::check(text),
        Tool::Dd | Tool::AioStress | Tool::Fio | Tool::StressNg | Tool::Fsx | Tool::Socket => {
            text::check(text, workload.file_mib)
        }
    }
}

#[cfg(test)]
mod tests;
