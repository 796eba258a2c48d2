//! `judge`: findings of any kernel log, without a campaign, a checkout or a virtual machine.

mod read;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::process::ExitCode;

use anyhow::bail;
use lab_core::evidence::klog::{Finding, Log, Seen};
use lab_core::report::json;
use lab_core::report::judge::{self as report, Document, Extent, Judged};

use super::{FAILED, FOUND, cli};
use crate::commands::cli::JudgeFormat;
use crate::lab::interrupt::Interrupt;
use crate::lab::output;

/// How much is read at a time, bytes.
const PIECE: usize = 256 << 10;

/// How much text of reports is kept of all logs, bytes. A kernel that reports without end must not fill the memory.
const MOST_TEXT: usize = 12 << 20;

/// What is kept of each text after that, bytes.
const SHORT_TEXT: usize = 512;

/// `cargo xtask judge`: the exit code is 1 if there are findings, and 3 if a log could not be read.
///
/// # Errors
/// If a signal came, or the answer cannot be written. What is wrong with a log stands beside the others' findings.
pub fn judge(options: &cli::Judge) -> anyhow::Result<ExitCode> {
    let interrupt = Interrupt::of_process();
    let mut room = MOST_TEXT;
    let mut logs: Vec<Judged> = Vec::new();
    let mut stdin = BTreeSet::new();
    for file in &options.files {
        // It can be read only once.
        if file != "-" || stdin.insert(file) {
            logs.push(log(&interrupt, file, &mut room)?);
        }
    }
    let extent = if options.texts { Extent::Texts } else { Extent::Titles };
    output::print(&match options.format {
        JudgeFormat::Table => report::render(&logs, extent),
        JudgeFormat::Json => json::render(&Document::new(&logs))?,
    })?;
    Ok(ExitCode::from(code(&logs)))
}

fn code(logs: &[Judged]) -> u8 {
    if logs.iter().any(|log| log.error.is_some()) {
        FAILED
    } else if logs.iter().any(|log| !log.findings.is_empty()) {
        FOUND
    } else {
        0
    }
}

fn log(interrupt: &Interrupt, file: &str, room: &mut usize) -> anyhow::Result<Judged> {
    let mut judged = Judged { file: file.to_owned(), seen: None, findings: Vec::new(), error: None };
    let opened = open(file).and_then(|source| read::unpacked(file, source));
    match opened {
        Ok(source) => {
            let (findings, seen, error) = findings(interrupt, source, room)?;
            judged.findings = findings;
            judged.seen = Some(seen);
            judged.error = error.map(|error| read::sentence(file, &error));
        }
        Err(error) => judged.error = Some(format!("{error:#}")),
    }
    Ok(judged)
}

fn open(file: &str) -> anyhow::Result<Box<dyn Read>> {
    if file == "-" {
        return Ok(Box::new(io::stdin().lock()));
    }
    let path = Path::new(file);
    if path.is_dir() {
        bail!("it is a folder: name the logs in it, such as {}/*.log", file.trim_end_matches('/'));
    }
    match File::open(path) {
        Ok(opened) => Ok(Box::new(opened)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            bail!("there is no such file: look at its name, and at the folder that you are in")
        }
        Err(error) => {
            bail!("it cannot be opened ({error}): look at who may read it, or give it to standard input")
        }
    }
}

/// The findings of a stream, and what it is like; with the error that ended it, if one did.
///
/// # Errors
/// If a signal came.
fn findings(
    interrupt: &Interrupt,
    mut source: impl Read,
    room: &mut usize,
) -> anyhow::Result<(Vec<Finding>, Seen, Option<io::Error>)> {
    let (mut log, mut all, mut piece) = (Log::default(), Vec::new(), vec![0; PIECE]);
    let mut keep = |found: Vec<Finding>| all.extend(found.into_iter().map(|it| shortened(it, room)));
    let error = loop {
        interrupt.check()?;
        match source.read(&mut piece) {
            Ok(0) => break None,
            Ok(size) => keep(log.push(&piece[..size])),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => break Some(error),
        }
    };
    let (rest, seen) = log.finish();
    keep(rest);
    all.sort_by_key(|finding| finding.line);
    Ok((all, seen, error))
}

/// A finding with less text, if there is too much of it already.
fn shortened(mut finding: Finding, room: &mut usize) -> Finding {
    if finding.text.len() > *room && finding.text.len() > SHORT_TEXT {
        let end = (0..=SHORT_TEXT).rev().find(|&end| finding.text.is_char_boundary(end));
        finding.text.truncate(end.unwrap_or(0));
        finding.text.push_str("\n[...] the texts of this log are too long to keep\n");
        finding.text.shrink_to_fit();
    }
    *room = room.saturating_sub(finding.text.len());
    finding
}

#[cfg(test)]
mod tests;
