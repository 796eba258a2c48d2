//! A series from where patches come: mailboxes, maildirs, queues and folders of patches, pipes, branches.

mod folder;
mod input;
mod range;
mod reading;
mod thread;
mod unpack;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use lab_core::plan::trial::numbered;
use lab_core::series::import::mail::Mail;
use lab_core::series::import::numbers::Numbers;
use lab_core::series::import::select::{self, Selection, Wish};
use lab_core::series::import::{subject, write};
use lab_core::series::strip::Paths;
use lab_core::series::{self, Series, paths};
use lab_core::text::name;
use lab_core::text::suggest::quoted;
use rustix::fs::{CWD, RenameFlags};
use xshell::Shell;

use crate::lab::process::{self, git};
use crate::lab::scratch::ScratchFolder;
use crate::lab::{files, import_folder};
pub(crate) use range::begin as begin_of_range;
use reading::Input;

/// Where a series comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SeriesOrigin {
    /// A mailbox, a maildir, a patch, a folder of patches, or `-`.
    Files(PathBuf),
    /// A range of commits.
    Range {
        /// The repository.
        repository: PathBuf,
        /// `A..B`.
        range: String,
    },
    /// The thread on a mailing list that holds the mail with this Message-ID, or at this address of an archive.
    Thread(String),
}

impl fmt::Display for SeriesOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SeriesOrigin::Files(path) => path.display().fmt(f),
            SeriesOrigin::Range { range, .. } => range.fmt(f),
            SeriesOrigin::Thread(id) => id.fmt(f),
        }
    }
}

/// What is to be imported.
#[derive(Clone, Debug)]
pub(crate) struct ImportRequest {
    /// Where it is.
    pub(crate) from: SeriesOrigin,
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
    let purpose = || format!("importing a series from {}", options.from);
    let Selected { selection, name, description } = selected(sh, options)?;
    let taken =
        || format!("kernel-patches/{name} is there already: remove it, or give another name with --name");
    ensure!(fs::symlink_metadata(kernel_patches.join(&name)).is_err(), "{}: {}", purpose(), taken());
    let staged = Staged::new(sh, kernel_patches, &name, &selection).with_context(purpose)?;
    let series = staged.publish(&name, &description).with_context(purpose)?;
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
    let purpose = || format!("importing a series from {}", options.from);
    let Selected { selection, name, description } = selected(sh, options)?;
    let staged = Staged::new(sh, kernel_patches, &name, &selection).with_context(purpose)?;
    let mut older = None;
    for number in 1.. {
        let name = numbered(&name, number, "v");
        if fs::symlink_metadata(kernel_patches.join(&name)).is_err() {
            let series = staged.publish(&name, &description).with_context(purpose)?;
            let said = write::imported(&series, &selection);
            return Ok(Kept { series, older, said });
        }
        let series = super::load(kernel_patches, &name)?;
        if series.digest == staged.series.digest {
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
    let purpose = || format!("importing a series from {}", options.from);
    let Input { mails, order, description, notes } = read(sh, options).with_context(purpose)?;
    let ImportRequest { version, subject, patches, message_id, .. } = options.clone();
    let version = version.or_else(|| version_of_named(&options.from, &mails));
    let wish = Wish { version, subject, patches, message_id };
    let mut selection = select::select(mails, &wish, &order).with_context(purpose)?;
    selection.notes.extend(notes);
    let name = series_name(options.name.as_deref(), &title(sh, &options.from, &selection))?;
    Ok(Selected { selection, name, description })
}

/// What a series is named after: its cover letter, the branch that it lies on, or its first patch.
fn title(sh: &Shell, from: &SeriesOrigin, selection: &Selection) -> String {
    let branch = match from {
        SeriesOrigin::Range { repository, range } if selection.patches.len() > 1 => {
            range::branch(sh, repository, range)
        }
        SeriesOrigin::Range { .. } | SeriesOrigin::Files(_) | SeriesOrigin::Thread(_) => None,
    };
    branch.unwrap_or_else(|| write::title(selection).to_owned())
}

/// A thread may hold several versions: that of the mail by which it is named.
fn version_of_named(from: &SeriesOrigin, mails: &[Mail]) -> Option<u32> {
    let SeriesOrigin::Thread(named) = from else { return None };
    let is_named = |mail: &&Mail| mail.id.as_deref().is_some_and(|id| named.contains(id));
    // The longest of several that are in it: 21@x is not 1@x.
    let mail = mails.iter().filter(is_named).max_by_key(|mail| mail.id.as_deref().map(str::len));
    mail.and_then(Mail::version)
}

fn read(sh: &Shell, options: &ImportRequest) -> anyhow::Result<Input> {
    match &options.from {
        SeriesOrigin::Range { repository, range } => input::from_git(sh, repository, range),
        SeriesOrigin::Files(path) => input::from_files(path, &paths_in(options.directory.as_deref())?),
        SeriesOrigin::Thread(id) => thread::read(sh, id, &paths_in(options.directory.as_deref())?),
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

/// A series beside its place, checked as every command does. It goes with this, if it is not published.
struct Staged<'a> {
    kernel_patches: &'a Path,
    selection: &'a Selection,
    temporary: ScratchFolder,
    series: Series,
}

impl<'a> Staged<'a> {
    /// Writes the patches of a series that is to be called `name`.
    fn new(
        sh: &Shell,
        kernel_patches: &'a Path,
        name: &str,
        selection: &'a Selection,
    ) -> anyhow::Result<Self> {
        let temporary = import_folder(kernel_patches)?;
        let folder = temporary.path().join(name);
        fs::create_dir(&folder).with_context(|| format!("making {}", folder.display()))?;
        for (file, text) in write::patches(selection) {
            files::write_atomically(&folder.join(file), &text)?;
        }
        let series = super::load(temporary.path(), name)?;
        series::scan(&series)?;
        check_form(sh, temporary.path(), selection, &series)?;
        Ok(Staged { kernel_patches, selection, temporary, series })
    }

    /// Moves it to its place in one step.
    fn publish(self, name: &str, source: &str) -> anyhow::Result<Series> {
        let folder = self.temporary.path().join(&self.series.name);
        let readme = write::readme(name, self.selection, source);
        files::write_atomically(&folder.join("README.md"), readme.as_bytes())?;
        let target = self.kernel_patches.join(name);
        match rustix::fs::renameat_with(CWD, &folder, CWD, &target, RenameFlags::NOREPLACE) {
            Ok(()) => super::load(self.kernel_patches, name),
            Err(rustix::io::Errno::EXIST) => {
                bail!("kernel-patches/{name} has just come to be: run the same command again")
            }
            Err(error) => Err(error).with_context(|| format!("moving the series to {}", target.display())),
        }
    }
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
