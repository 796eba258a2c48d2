//! Builds that were killed: how one is noticed, and which objects may be kept.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use anyhow::Context as _;

use super::folder::BuildFolder;
use crate::lab::files;

/// What the mark of a build says: whether objects were there when it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    /// None were. kbuild notes each object after it is whole, so a killed build of this kind can go on.
    Fresh,
    /// Some were, each with its note, which says nothing about an object that was being replaced.
    Continued,
}

/// Notes that a build begins.
///
/// # Errors
/// If the folder cannot be written to.
pub(super) fn begin(folder: &BuildFolder) -> anyhow::Result<()> {
    files::write_atomically(&folder.mark(), Mark::of(&folder.objects()).text().as_bytes())
        .context("marking the object directory")
}

/// Notes that a build has ended by itself, well or not: make has cleaned up after it.
///
/// # Errors
/// If the folder cannot be written to, or the disk does not take the objects.
pub(super) fn end(folder: &BuildFolder) -> anyhow::Result<()> {
    // Without the mark they are trusted, also after a power cut.
    files::sync_file_system(&folder.objects())?;
    match fs::remove_file(folder.mark()) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).context("unmarking the object directory")
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

impl Mark {
    fn of(objects: &Path) -> Self {
        if modified(&objects.join(".config")).is_some() { Mark::Continued } else { Mark::Fresh }
    }

    /// The start of the system is named, since what was written before it may not have reached the disk.
    fn text(self) -> String {
        let boot_id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let word = match self {
            Mark::Fresh => "fresh",
            Mark::Continued => "continued",
        };
        format!("{word} {}\n", boot_id.trim())
    }
}

/// Removes from the object directory what a killed build may have left unfinished: everything that is newer
/// than its mark. If it had begun to change the configuration, everything, since the notes of which option
/// changed are among the files that cannot be trusted; also if the system was started since.
///
/// # Errors
/// If a file cannot be removed.
pub(super) fn clean_up(folder: &BuildFolder) -> anyhow::Result<()> {
    let (objects, mark) = (folder.objects(), folder.mark());
    let purpose = || format!("removing what an interrupted build left in {}", objects.display());
    let Some(begun) = modified(&mark) else { return Ok(()) };
    let text = fs::read_to_string(&mark).with_context(purpose)?;
    let is_newer = |path: &Path| modified(path).is_some_and(|time| time >= begun);
    if text == Mark::Fresh.text() {
        // It can go on.
    } else if text != Mark::Continued.text() || is_newer(&objects.join("include/config/auto.conf")) {
        remove_all(folder)?;
    } else {
        remove_newer(&objects, is_newer).with_context(purpose)?;
    }
    fs::remove_file(&mark).with_context(purpose)
}

/// Removes all objects, which cannot be trusted.
///
/// # Errors
/// If a file cannot be removed.
pub(super) fn remove_all(folder: &BuildFolder) -> anyhow::Result<()> {
    let objects = folder.objects();
    fs::remove_dir_all(&objects)
        .and_then(|()| fs::create_dir_all(&objects))
        .with_context(|| format!("removing the objects of an interrupted build, {}", objects.display()))
}

fn remove_newer(objects: &Path, is_newer: impl Fn(&Path) -> bool) -> std::io::Result<()> {
    let mut folders = vec![objects.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            // Of a link, itself is meant.
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else if is_newer(&entry.path()) {
                fs::remove_file(entry.path())?;
            }
        }
    }
    Ok(())
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::symlink_metadata(path).and_then(|data| data.modified()).ok()
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::time::Duration;

    use super::*;

    /// Files of an object directory, with times relative to the mark's, after what a killed build left.
    fn left(mark: &str, files: &[(&str, i64)]) -> Vec<String> {
        let parent = tempfile::tempdir().unwrap();
        let folder = BuildFolder::at(parent.path());
        let objects = folder.objects();
        let begun = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let write = |path: &Path, text: &str, offset_s: i64| {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
            let time = begun.checked_add(Duration::from_secs(1000)).unwrap()
                - Duration::from_secs(u64::try_from(1000 - offset_s).unwrap());
            File::options().append(true).open(path).unwrap().set_modified(time).unwrap();
        };
        write(&folder.mark(), mark, 0);
        files.iter().for_each(|(name, offset_s)| write(&objects.join(name), "", *offset_s));
        clean_up(&folder).unwrap();
        assert!(!folder.mark().exists());
        files
            .iter()
            .map(|(name, _)| *name)
            .filter(|name| objects.join(name).exists())
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn what_a_killed_build_leaves() {
        let auto_conf = "include/config/auto.conf";
        assert_eq!(left(&Mark::Fresh.text(), &[("a.o", 5), (auto_conf, 3)]), ["a.o", auto_conf]);
        assert_eq!(
            left(&Mark::Continued.text(), &[("a.o", -5), ("fs/b.o", 5), (auto_conf, -3)]),
            ["a.o", auto_conf]
        );
        assert_eq!(
            left(&Mark::Continued.text(), &[("a.o", -5), ("b.o", 5), (auto_conf, 3)]),
            Vec::<String>::new()
        );
    }

    /// After a power cut an object may have its name and its note, but no content.
    #[test]
    fn what_the_system_did_not_outlive_is_not_trusted() {
        let files = [("a.o", -5), ("fs/b.o", 5)];
        for kind in ["fresh", "continued"] {
            let before = format!("{kind} 4f4ee1d4-8a4f-4bc2-bd1c-2b0a0f5f7c11\n");
            assert_eq!(left(&before, &files), Vec::<String>::new(), "{kind}");
        }
    }
}
