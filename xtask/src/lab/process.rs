//! Other programs: run to their end, found, and started so that they end with the lab.

pub(crate) mod git;
pub mod path;
pub mod tied;

use std::process::Output;

use anyhow::{Context as _, ensure};
use xshell::Cmd;

/// Runs a command to its end, whatever its exit status; what it prints is in the result.
///
/// # Errors
/// If it cannot be started.
pub(crate) fn output(command: Cmd<'_>) -> anyhow::Result<Output> {
    let program = command.to_string();
    let program = program.split(' ').next().unwrap_or_default();
    command.quiet().ignore_status().output().with_context(|| format!("starting {program}"))
}

/// Runs a command and gives what it prints, trimmed.
///
/// # Errors
/// If it fails: with its messages.
pub(crate) fn read(command: Cmd<'_>) -> anyhow::Result<String> {
    let output = output(command)?;
    ensure!(output.status.success(), "{}", messages(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// What a program wrote to standard error, on one line and without its hints.
pub(crate) fn messages(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("hint:"));
    let joined = lines.collect::<Vec<_>>().join("; ");
    if joined.is_empty() { "failed without a message".to_owned() } else { joined }
}
