//! A series from where patches come: mailboxes, maildirs, queues and folders of patches, pipes, branches.

mod folder;
mod input;
mod range;
mod reading;
mod unpack;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use lab_core::plan::trial::numbered;
use lab_core::series::import::numbers::Numbers;
use lab_core::series::import::select::{self, Selection, Wish};
use lab_core::series::import::{subject, write};
use lab_core::series::strip::Paths;
use lab_core::series::{self, Series, paths};
use lab_core::text::name;
use lab_core::text::suggest::quoted;
use xshell::Shell;

use crate::lab::process::{self, git};
use crate::lab::{files, import_folder};
use reading::Input;

/// What is to be imported.
#[derive(Clone, Debug)]
pub(crate) struct ImportRequest {
    /// A mailbox, a maildir, a patch, a folder of patches, `-`; with a repository a range of commits.
    pub(crate) from: PathBuf,
    /// The repository of the range.
    pub(crate) git: Option<PathBuf>,
    /// The series' name, instead of one made of a subject.
    pub(crate) name: Option<String>,
    /// Which version of the series, if there are several.
    pub(crate) version: Option<u32>,
    /// Which series, if there are several: the one with a subject that holds this text.
    pub(crate) subject: Option<String>,
    /// Which patches of the series; all if none are named.
    pub(crate) patches: Option<Numbers>,
    /// Which mail, or the series of which cover letter.
    pub(crate) message_id: Option<String>,
    /// The folder of the kernel's source in which the paths of the diffs begin.
    pub(crate) directory: Option<String>,
}

/// Imports into the folder `kernel_patches`: a new series, or nothing. Gives what to tell the user.
///
/// # Errors
/// If there is not exactly one whole series, it is unsafe or malformed, or the folder is already there.
pub(crate) fn import(sh: &Shell, kernel_patches: &Path, options: &ImportRequest) -> anyhow::Result<String> {
    let purpose = || format!("importing a series from {}", options.from.display());
    let Selected { selection, name, description } = selected(sh, options)?;
    let series = publish(sh, kernel_patches, &name, &selection, &description).with_context(purpose)?;
    Ok(write::summary(&series, &selection))
}

/// A series that lies below `kernel-patches/`, and the version of it that was there before.
pub(crate) struct Kept {
    /// The series.
    pub(crate) series: Series,
    /// The newest other one of its name.
    pub(crate) older: Option<Series>,
    /// What to tell the user.
    pub(crate) said: String,
}

/// Imports as [`import`] does, but where a series of the name is there already, it is used if its patches are the same, and
/// otherwise the new ones get a name of their own: `fix`, `fix-v2`.
///
/// # Errors
/// As [`import`], but for a folder that is there.
pub(crate) fn keep(sh: &Shell, kernel_patches: &Path, options: &ImportRequest) -> anyhow::Result<Kept> {
    let purpose = || format!("importing a series from {}", options.from.display());
    let Selected { selection, name, description } = selected(sh, options)?;
    let digest = {
        let temporary = import_folder(kernel_patches)?;
        stage(sh, temporary.path(), &name, &selection, &description).with_context(purpose)?.digest
    };
    let mut older = None;
    for number in 1.. {
        let name = numbered(&name, number, "v");
        if fs::symlink_metadata(kernel_patches.join(&name)).is_err() {
            let series =
                publish(sh, kernel_patches, &name, &selection, &description).with_context(purpose)?;
            let said = write::imported(&series, &selection);
            return Ok(Kept { series, older, said });
        }
        let series = super::load(kernel_patches, &name)?;
        if series.digest == digest {
            let said = format!("kernel-patches/{name} has these patches already");
            return Ok(Kept { series, older, said });
        }
        older = Some(series);
    }
    bail!("every name that {name} makes is taken: give another one with --name")
}

/// What is to be imported, read and sorted out.
struct Selected {
    selection: Selection,
    name: String,
    description: String,
}

fn selected(sh: &Shell, options: &ImportRequest) -> anyhow::Result<Selected> {
    let purpose = || format!("importing a series from {}", options.from.display());
    let Input { mails, order, description, notes } = read(sh, options).with_context(purpose)?;
    let ImportRequest { version, subject, patches, message_id, .. } = options.clone();
    let wish = Wish { version, subject, patches, message_id };
    let mut selection = select::select(mails, &wish, &order).with_context(purpose)?;
    selection.notes.extend(notes);
    let name = series_name(options.name.as_deref(), write::title(&selection))?;
    Ok(Selected { selection, name, description })
}

fn read(sh: &Shell, options: &ImportRequest) -> anyhow::Result<Input> {
    match &options.git {
        Some(repository) => {
            let range = options.from.to_str().context("it is not UTF-8: write the range as A..B")?;
            input::from_git(sh, repository, range)
        }
        None => input::from_files(&options.from, &paths_in(options.directory.as_deref())?),
    }
}

/// What `--directory` says; `.` is the top of the source.
fn paths_in(directory: Option<&str>) -> anyhow::Result<Paths> {
    let directory = directory.map(|directory| directory.trim_start_matches("./").trim_end_matches('/'));
    match directory {
        None => Ok(Paths::default()),
        Some("" | ".") => Ok(Paths { strip: Some(0), directory: None }),
        Some(directory) => match paths::fault(directory) {
            None => Ok(Paths { strip: None, directory: Some(directory.to_owned()) }),
            Some(fault) => bail!("--directory: {fault}"),
        },
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
    let temporary = import_folder(kernel_patches)?;
    let series = stage(sh, temporary.path(), name, selection, source)?;
    let folder = temporary.path().join(name);
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

/// Writes a series as `folder/name`, and checks it as every command does.
fn stage(
    sh: &Shell,
    folder: &Path,
    name: &str,
    selection: &Selection,
    source: &str,
) -> anyhow::Result<Series> {
    let target = folder.join(name);
    fs::create_dir(&target).with_context(|| format!("making {}", target.display()))?;
    for (file, text) in write::patches(selection) {
        files::write_atomically(&target.join(file), &text)?;
    }
    let readme = write::readme(name, selection, source);
    files::write_atomically(&target.join("README.md"), readme.as_bytes())?;
    let series = super::load(folder, name)?;
    series::scan(&series)?;
    check_form(sh, folder, selection, &series)?;
    Ok(series)
}

/// Lets git read each diff: lines that were wrapped or cut on their way show here.
fn check_form(sh: &Shell, folder: &Path, selection: &Selection, series: &Series) -> anyhow::Result<()> {
    for (patch, mail) in series.patches.iter().zip(&selection.patches) {
        let command = git::git(sh, folder).args(["apply", "--numstat", "-"]);
        process::read_of_input(command, patch.text.as_slice()).with_context(|| {
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
