//! A series from where patches come: mailboxes, maildirs, folders of patches, branches.

mod body;
mod complete;
mod input;
mod mail;
mod mbox;
mod range;
mod select;
mod subject;
mod write;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use xshell::Shell;

use crate::checkout::Checkout;
use crate::config::name;
use crate::series::{self, Series};
use crate::source::git;
use crate::suggest::quoted;
use crate::{cli, files};
use input::Input;
use select::{Selection, Wish};

/// `cargo xtask import-series`: writes a new folder below `kernel-patches/`, or nothing.
///
/// # Errors
/// If there is not exactly one whole series, it is unsafe or malformed, or the folder is already there.
pub fn import_series(sh: &Shell, options: &cli::ImportSeries) -> anyhow::Result<ExitCode> {
    let checkout = Checkout::open()?;
    let summary = import(sh, &checkout.join("kernel-patches"), options)?;
    print!("{summary}");
    Ok(ExitCode::SUCCESS)
}

/// Imports into the folder `kernel_patches`; gives what to tell the user.
fn import(sh: &Shell, kernel_patches: &Path, options: &cli::ImportSeries) -> anyhow::Result<String> {
    let purpose = || format!("importing a series from {}", options.from.display());
    let Input { mails, order, description } = read(sh, options).with_context(purpose)?;
    let wish = Wish { version: options.version, subject: options.subject.clone() };
    let selection = select::select(mails, &wish, order).with_context(purpose)?;
    let name = series_name(options.name.as_deref(), write::title(&selection))?;
    let series = publish(sh, kernel_patches, &name, &selection, &description).with_context(purpose)?;
    Ok(write::summary(&series, &selection.skipped))
}

fn read(sh: &Shell, options: &cli::ImportSeries) -> anyhow::Result<Input> {
    match &options.git {
        Some(repository) => {
            let range = options.from.to_str().context("it is not UTF-8: write the range as A..B")?;
            input::from_git(sh, repository, range)
        }
        None => input::from_files(&options.from),
    }
}

fn series_name(wanted: Option<&str>, title: &str) -> anyhow::Result<String> {
    match wanted {
        Some(wanted) if name::is_safe(wanted) => Ok(wanted.to_owned()),
        Some(wanted) => bail!("{} is no safe name; use {}", quoted(wanted), name::RULE),
        None => subject::series_name(title)
            .with_context(|| format!("the subject {} makes no name: give one with --name", quoted(title))),
    }
}

/// Writes a series beside its place, checks it as every command does, and moves it there in one step.
fn publish(
    sh: &Shell,
    kernel_patches: &Path,
    name: &str,
    selection: &Selection,
    source: &str,
) -> anyhow::Result<Series> {
    let target = kernel_patches.join(name);
    let taken =
        || format!("kernel-patches/{name} is there already: remove it, or give another name with --name");
    ensure!(fs::symlink_metadata(&target).is_err(), taken());
    let temporary = tempfile::Builder::new()
        .prefix(".tmp-import-")
        .tempdir_in(kernel_patches)
        .with_context(|| format!("making a folder in {}", kernel_patches.display()))?;
    let folder = temporary.path().join(name);
    fs::create_dir(&folder).with_context(|| format!("making {}", folder.display()))?;
    for (file, text) in write::patches(selection) {
        files::write_atomically(&folder.join(file), text.as_bytes())?;
    }
    let readme = write::readme(name, selection, source);
    files::write_atomically(&folder.join("README.md"), readme.as_bytes())?;
    let series = series::load(temporary.path(), name)?;
    series::scan(&series)?;
    check_form(sh, temporary.path(), selection, &series)?;
    match rustix::fs::renameat_with(
        rustix::fs::CWD,
        &folder,
        rustix::fs::CWD,
        &target,
        rustix::fs::RenameFlags::NOREPLACE,
    ) {
        Ok(()) => Ok(series),
        Err(rustix::io::Errno::EXIST) => bail!(taken()),
        Err(error) => Err(error).with_context(|| format!("moving the series to {}", target.display())),
    }
}

/// Lets git read each diff: lines that were wrapped or cut on their way show here.
fn check_form(sh: &Shell, folder: &Path, selection: &Selection, series: &Series) -> anyhow::Result<()> {
    for (patch, mail) in series.patches.iter().zip(&selection.patches) {
        let command = git::git(sh, folder).args(["apply", "--numstat", "-"]).stdin(&patch.text);
        git::read(command).with_context(|| {
            format!(
                "{} {}: git cannot read its diff, as if lines were wrapped or cut",
                mail.place,
                quoted(&mail.full_subject)
            )
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
