//! Temporary folders that a lab which was killed does not leave behind for ever.
//!
//! Own, since crate `tempfile` cannot tell a folder in use from a forgotten one. Here each is locked as long as its lab
//! lives, and the kernel releases the lock whatever ends the lab; who gets the lock may remove the folder.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use rustix::fs::{CWD, Mode, OFlags};

use super::files;
use super::lock::Lock;

/// The end of the name of a folder that is locked while it is used.
pub(crate) const LOCKED: &str = ".locked";

/// When a folder without a lock counts as forgotten: one of an earlier lab, or of one that was killed before it had locked
/// it.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// A new folder, removed on drop unless it was published.
#[derive(Debug)]
pub struct ScratchFolder {
    path: PathBuf,
    /// None on a file system without locks.
    _lock: Option<Lock>,
}

impl ScratchFolder {
    /// Makes one in `parent` with a name that starts with `prefix`. Who needs one asks the cache,
    /// [`super::sockets_folder`] or [`super::import_folder`]: what they make, the next lab sweeps.
    ///
    /// # Errors
    /// If it cannot be made.
    pub(super) fn new(parent: &Path, prefix: &str) -> anyhow::Result<Self> {
        let make = || -> std::io::Result<Self> {
            // It is renamed when it is locked, so that nobody finds it unlocked under the last name.
            let made = tempfile::Builder::new().prefix(prefix).tempdir_in(parent)?;
            let lock = File::open(made.path())?;
            // On a file system without locks it stays behind if the lab is killed.
            let lock = Lock::try_on(lock, made.path()).ok().flatten();
            let mut path = made.keep();
            if lock.is_some() {
                let mut name = path.clone().into_os_string();
                name.push(LOCKED);
                fs::rename(&path, &name)?;
                path = name.into();
            }
            Ok(ScratchFolder { path, _lock: lock })
        };
        make().with_context(|| format!("making a folder in {}", parent.display()))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes it appear at `target` ([`files::publish_folder`]).
    ///
    /// # Errors
    /// If neither renaming nor removing works.
    pub fn publish(self, target: &Path) -> anyhow::Result<()> {
        files::publish_folder(&self.path, target)
    }
}

impl Drop for ScratchFolder {
    fn drop(&mut self) {
        // Nobody can be told; who sweeps next tries again. After it was published nothing is there.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Removes the folders in `parent` whose name `belongs` to the lab and whose lab is gone, if they are this user's.
///
/// # Errors
/// If one cannot be removed.
pub(crate) fn sweep(parent: &Path, belongs: impl Fn(&str) -> bool) -> anyhow::Result<()> {
    let entries = fs::read_dir(parent).with_context(|| format!("reading {}", parent.display()))?;
    for entry in entries.filter_map(Result::ok) {
        if entry.file_name().to_str().is_some_and(&belongs) {
            let path = entry.path();
            remove_if_forgotten(&path)
                .with_context(|| format!("removing {}, which an ended lab left behind", path.display()))?;
        }
    }
    Ok(())
}

fn remove_if_forgotten(path: &Path) -> anyhow::Result<()> {
    // Of a link, itself is meant: then there is no folder to open.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let Ok(folder) = rustix::fs::openat(CWD, path, flags, Mode::empty()) else { return Ok(()) };
    let folder = File::from(folder);
    let found = folder.metadata()?;
    let is_locked_while_used = path.as_os_str().to_string_lossy().ends_with(LOCKED);
    let age = SystemTime::now().duration_since(found.modified()?).unwrap_or_default();
    if found.uid() != rustix::process::geteuid().as_raw()
        || (!is_locked_while_used && age < FORGOTTEN_AFTER)
        || folder.try_lock().is_err()
    {
        return Ok(());
    }
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs::FileTimes;

    use super::*;

    fn names(folder: &Path) -> BTreeSet<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn what_is_in_use_stays_and_what_is_forgotten_goes() {
        let parent = tempfile::tempdir().unwrap();
        let used = ScratchFolder::new(parent.path(), "boot-").unwrap();
        fs::write(used.path().join("file"), "").unwrap();
        // As a lab that was killed leaves it: there, and not locked.
        let forgotten = ScratchFolder::new(parent.path(), "boot-").unwrap();
        let path = forgotten.path().to_owned();
        drop(forgotten);
        fs::create_dir(&path).unwrap();
        fs::write(path.join("file"), "").unwrap();
        for (name, days) in [("boot-old", 2), ("boot-new", 0), ("other-old", 2)] {
            let path = parent.path().join(name);
            fs::create_dir(&path).unwrap();
            let then = SystemTime::now() - FORGOTTEN_AFTER * days;
            File::open(path).unwrap().set_times(FileTimes::new().set_modified(then)).unwrap();
        }
        std::os::unix::fs::symlink("boot-new", parent.path().join("boot-link.locked")).unwrap();

        sweep(parent.path(), |name| name.starts_with("boot-")).unwrap();
        let used_name = used.path().file_name().unwrap().to_str().unwrap();
        let expected = [used_name, "boot-new", "boot-link.locked", "other-old"].map(str::to_owned);
        assert_eq!(names(parent.path()), BTreeSet::from(expected));
        assert!(used.path().join("file").exists());
    }

    /// The lab that the next test starts and kills. By itself it tests nothing.
    #[test]
    fn a_lab_that_makes_a_folder_and_waits() {
        let Some(parent) = std::env::var_os("PATCHLAB_TEST_PARENT") else { return };
        let _scratch = ScratchFolder::new(Path::new(&parent), "boot-").unwrap();
        std::thread::sleep(Duration::from_secs(600));
    }

    #[test]
    fn the_folder_of_a_killed_lab_goes_and_not_before() {
        let parent = tempfile::tempdir().unwrap();
        let name = "lab::scratch::tests::a_lab_that_makes_a_folder_and_waits";
        let mut lab = crate::lab::process::tied::command(std::env::current_exe().unwrap())
            .args(["--exact", name])
            .env("PATCHLAB_TEST_PARENT", parent.path())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        while !names(parent.path()).iter().any(|name| name.ends_with(LOCKED)) {
            assert!(lab.try_wait().unwrap().is_none(), "the lab has ended");
            std::thread::sleep(Duration::from_millis(10));
        }
        let sweep = || sweep(parent.path(), |_| true).unwrap();
        sweep();
        assert_eq!(names(parent.path()).len(), 1);
        lab.kill().unwrap();
        lab.wait().unwrap();
        assert_eq!(names(parent.path()).len(), 1);
        sweep();
        assert_eq!(names(parent.path()).len(), 0);
    }

    #[test]
    fn a_published_folder_stays() {
        let parent = tempfile::tempdir().unwrap();
        let scratch = ScratchFolder::new(parent.path(), "x-").unwrap();
        fs::write(scratch.path().join("file"), "").unwrap();
        scratch.publish(&parent.path().join("target")).unwrap();
        assert_eq!(names(parent.path()), BTreeSet::from(["target".to_owned()]));
        drop(ScratchFolder::new(parent.path(), "x-").unwrap());
        assert_eq!(names(parent.path()).len(), 1);
    }
}
