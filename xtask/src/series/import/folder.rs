//! Folders: maildirs, queues of patches with a `series` file, and patches in the order of their names.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use lab_core::series;
use lab_core::series::import::mail::Mail;
use lab_core::series::import::queue::{self, QueueEntry};
use lab_core::series::import::select::Order;
use lab_core::series::strip::Paths;
use lab_core::text::suggest::quoted;

use super::reading::{Files, Input, file_name, files};

/// The file of quilt that names the patches of a folder in their order.
pub(super) const SERIES: &str = "series";

/// Where it lies: beside the patches, in a Debian package, in a tree that quilt works on.
const PLACES: [&str; 3] = [SERIES, "debian/patches/series", "patches/series"];

/// How many names a note lists.
const NAMED: usize = 3;

/// Reads a folder.
///
/// # Errors
/// If a file of it cannot be read, or its `series` names one that is not there.
pub(super) fn read(folder: &Path, budget: &mut Files<'_>) -> anyhow::Result<Input> {
    let boxes: Vec<PathBuf> =
        ["cur", "new"].map(|name| folder.join(name)).into_iter().filter(|folder| folder.is_dir()).collect();
    if !boxes.is_empty() {
        return maildir(folder, &boxes, budget);
    }
    match PLACES.map(|place| folder.join(place)).into_iter().find(|file| file.is_file()) {
        Some(file) => queue(&file, budget),
        None => by_name(folder, budget),
    }
}

fn maildir(folder: &Path, boxes: &[PathBuf], budget: &mut Files<'_>) -> anyhow::Result<Input> {
    let paths = budget.paths;
    let mut mails = Vec::new();
    for file in boxes.iter().map(|folder| files(folder)).collect::<anyhow::Result<Vec<_>>>()?.concat() {
        let name = file_name(&file);
        if !name.starts_with('.') {
            mails.extend(budget.read(&file, &name, paths)?);
        }
    }
    let description = format!("maildir `{}`", name_of(folder));
    Ok(Input { mails, order: Order::Unknown, description, notes: Vec::new() })
}

/// Reads the patches that a `series` file names.
///
/// # Errors
/// If it is malformed, or names a file that is not there.
pub(super) fn queue(series: &Path, budget: &mut Files<'_>) -> anyhow::Result<Input> {
    let folder = series.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = File::open(series).context("opening series")?;
    let text = String::from_utf8_lossy(&budget.bytes(SERIES, file)?).into_owned();
    let entries = queue::parse(&text)?;
    let directory = budget.paths.directory.clone();
    let mut mails: Vec<Mail> = Vec::new();
    for QueueEntry { file, strip, line } in &entries {
        let path = folder.join(file);
        ensure!(
            path.is_file(),
            "line {line} of series: {} is not there: add it, or put a # in front of the line",
            quoted(file)
        );
        let paths = Paths { strip: strip.or(budget.paths.strip), directory: directory.clone() };
        let read = budget.read(&path, file, &paths)?;
        ensure!(!read.is_empty(), "line {line} of series: {} is empty: remove the line", quoted(file));
        mails.extend(read);
    }
    let is_named = |name: &str| entries.iter().any(|entry| entry.file == name);
    let unnamed = files(folder)?.into_iter().map(|file| file_name(&file));
    let unnamed: Vec<String> = unnamed
        .filter(|name| !is_named(name) && !queue::is_leftover(name) && queue::is_patch_file(name))
        .collect();
    Ok(Input {
        mails,
        order: Order::Queue("the file `series`".to_owned()),
        description: format!("folder `{}`, in the order of its `series`", name_of(folder)),
        notes: not_named(&unnamed).into_iter().collect(),
    })
}

fn not_named(files: &[String]) -> Option<String> {
    let named = files.iter().take(NAMED).map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
    let more = if files.len() > NAMED { ", ..." } else { "" };
    let (patches, are) = if files.len() == 1 { ("patch", "is") } else { ("patches", "are") };
    (!files.is_empty())
        .then(|| format!("{} {patches} in the folder {are} not named in series: {named}{more}", files.len()))
}

/// Patches in the order of their names, in which numbers count as numbers.
fn by_name(folder: &Path, budget: &mut Files<'_>) -> anyhow::Result<Input> {
    let mut names: Vec<String> = files(folder)?.iter().map(|file| file_name(file)).collect();
    names.retain(|name| !series::is_companion(name) && !queue::is_leftover(name));
    names.sort_by(|one, other| queue::by_number(one, other));
    let paths = budget.paths;
    let mut mails = Vec::new();
    let mut numbers = Vec::new();
    for name in &names {
        let read = budget.read(&folder.join(name), name, paths)?;
        if read.iter().any(Mail::has_diff) {
            numbers.push(queue::file_number(name).filter(|_| queue::is_patch_file(name)));
        }
        mails.extend(read);
    }
    let order = match numbers.into_iter().collect::<Option<Vec<_>>>() {
        // Both versions of a series lie there: the subjects tell them apart.
        Some(numbers) if numbers.iter().any(|other| other.version != numbers[0].version) => Order::Places,
        Some(_) => Order::Queue("the numbers in the names of the files".to_owned()),
        None => Order::Names,
    };
    Ok(Input { mails, order, description: format!("folder `{}`", name_of(folder)), notes: Vec::new() })
}

/// Also of `.`.
fn name_of(folder: &Path) -> String {
    file_name(&folder.canonicalize().unwrap_or_else(|_| folder.to_owned()))
}
