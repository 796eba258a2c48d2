//! Builds that were killed: how one is noticed, and which objects may be kept.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use anyhow::Context as _;

/// In the object directory while a build runs.
const MARK: &str = ".patchlab-building";

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
/// If the object directory cannot be written to.
pub(super) fn begin(objects: &Path) -> anyhow::Result<()> {
    fs::write(objects.join(MARK), Mark::of(objects).text()).context("marking the object directory")
}

/// Notes that a build has ended by itself, well or not: make has cleaned up after it.
///
/// # Errors
/// If the object directory cannot be written to.
pub(super) fn end(objects: &Path) -> anyhow::Result<()> {
    match fs::remove_file(objects.join(MARK)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).context("unmarking the object directory")
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

impl Mark {
    fn of(objects: &Path) -> Self {
        if objects.join(".config").exists() { Mark::Continued } else { Mark::Fresh }
    }

    fn text(self) -> &'static str {
        match self {
            Mark::Fresh => "fresh\n",
            Mark::Continued => "continued\n",
        }
    }
}

/// Removes from the object directory what a killed build may have left unfinished: everything that is newer
/// than its mark. If it had begun to change the configuration, everything, since the notes of which option
/// changed are among the files that cannot be trusted.
///
/// # Errors
/// If a file cannot be removed.
pub(super) fn clean_up(objects: &Path) -> anyhow::Result<()> {
    let mark = objects.join(MARK);
    let Some(begun) = modified(&mark) else { return Ok(()) };
    let purpose = || format!("removing what an interrupted build left in {}", objects.display());
    if fs::read_to_string(&mark).with_context(purpose)? == Mark::Fresh.text() {
        return fs::remove_file(&mark).with_context(purpose);
    }
    let is_newer = |path: &Path| modified(path).is_some_and(|time| time >= begun);
    if is_newer(&objects.join("include/config/auto.conf")) {
        return fs::remove_dir_all(objects).and_then(|()| fs::create_dir_all(objects)).with_context(purpose);
    }
    let mut folders = vec![objects.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(purpose)? {
            let entry = entry.with_context(purpose)?;
            if entry.file_type().with_context(purpose)?.is_dir() {
                folders.push(entry.path());
            } else if is_newer(&entry.path()) {
                fs::remove_file(entry.path()).with_context(purpose)?;
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
    fn left(mark: Mark, files: &[(&str, i64)]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let begun = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let write = |name: &str, text: &str, offset_s: i64| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            let time = begun.checked_add(Duration::from_secs(1000)).unwrap()
                - Duration::from_secs(u64::try_from(1000 - offset_s).unwrap());
            File::options().append(true).open(&path).unwrap().set_modified(time).unwrap();
        };
        write(MARK, mark.text(), 0);
        files.iter().for_each(|(name, offset_s)| write(name, "", *offset_s));
        clean_up(folder.path()).unwrap();
        assert!(!folder.path().join(MARK).exists());
        files
            .iter()
            .map(|(name, _)| *name)
            .filter(|name| folder.path().join(name).exists())
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn what_a_killed_build_leaves() {
        let auto_conf = "include/config/auto.conf";
        assert_eq!(left(Mark::Fresh, &[("a.o", 5), (auto_conf, 3)]), ["a.o", auto_conf]);
        assert_eq!(left(Mark::Continued, &[("a.o", -5), ("fs/b.o", 5), (auto_conf, -3)]), ["a.o", auto_conf]);
        assert_eq!(left(Mark::Continued, &[("a.o", -5), ("b.o", 5), (auto_conf, 3)]), Vec::<String>::new());
    }
}
