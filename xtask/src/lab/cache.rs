//! The folder for everything that is built or fetched, outside the checkout and shared by all checkouts.
//!
//! ```text
//! downloads/            packages and tarballs as they came
//! sources/<key>/        unpacked kernel sources, each a git repository, and an object directory per configuration
//! kernels/<digest>/     finished kernels: bzImage, System.map, config, symbols, build.log, kernel.toml; vmlinux of those that were debugged, vmlinux.debug.gz with lines of the source
//! foreign/<programs>/   packages of Debian for guests of another architecture than this machine's
//! images/<digest>/      finished images: image.cpio, manifest.toml
//! bench/                libfuse's servers, which `bench` and plans compare ours with
//! kvm-host/<digest>/    kernel and initramfs of the host that is emulated to test the lab under KVM
//! current/              which version of a Debian package this cache uses, and of which version a tarball or commit is
//! locks/                a file per lock
//! logs/                 what programs printed that built or installed something, of each the last time
//! machine/              what was found out about this machine, e.g. whether KVM works
//! tmp/                  what is being made; what is left of a lab that was killed goes when the next one starts
//! ```

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::files;
use super::scratch::{self, ScratchFolder};

use crate::lab::interrupt::Interrupt;
use crate::lab::lock::{self, Lock};

/// The environment variable that names another cache folder.
pub(crate) const VARIABLE: &str = "PATCHLAB_CACHE";

/// Held by all that use the cache, together, and by one that removes something from it, alone.
const IN_USE: &str = "locks/in-use";

/// The cache folder. Its sub-folders exist.
#[derive(Clone, Debug)]
pub struct Cache {
    root: PathBuf,
}

impl Cache {
    /// Opens the cache that the environment names: `$PATCHLAB_CACHE`, else `$XDG_CACHE_HOME/patchlab`, else
    /// `$HOME/.cache/patchlab`.
    ///
    /// # Errors
    /// If none of these is set, or the folder cannot be made.
    pub fn from_environment() -> anyhow::Result<Self> {
        let named = Cache::to_look_at()?;
        named.check()?;
        let cache = Cache::open(&named.root)?;
        // A linked one may lie elsewhere than it says.
        cache.check()?;
        Ok(cache)
    }

    /// The cache that the environment names, for a look at what is in it: nothing is made, and it may not exist.
    ///
    /// # Errors
    /// If the environment names none.
    pub(crate) fn to_look_at() -> anyhow::Result<Self> {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let root = variable(VARIABLE)
            .or_else(|| variable("XDG_CACHE_HOME").map(|folder| folder.join("patchlab")))
            .or_else(|| variable("HOME").map(|folder| folder.join(".cache/patchlab")));
        match root {
            Some(root) => Ok(Cache { root: std::path::absolute(&root).context("finding the cache folder")? }),
            None => bail!("no place for the cache: set {VARIABLE} to a folder with 8 GiB of free space"),
        }
    }

    /// Checks what can be told of the folder without making it.
    ///
    /// # Errors
    /// If no kernel can be built in it, or nobody can write to it; with what to do.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let shown = self.root.display();
        // The kernel's build refuses them in its paths, all of which lie in the cache.
        let is_refused = |character: char| character.is_whitespace() || character == ':';
        if self.root.to_string_lossy().contains(is_refused) {
            bail!(
                "the path of the cache, {shown}, has a blank or a colon, with which no kernel can be built; set {VARIABLE} to a \
                 folder without"
            );
        }
        if !files::is_writable(self.existing()) {
            bail!(
                "the cache folder {shown} cannot be written to; set {VARIABLE} to another one, with 8 GiB of free space"
            );
        }
        Ok(())
    }

    /// The folder, or the innermost above it that is there.
    pub(crate) fn existing(&self) -> &Path {
        self.root.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("/"))
    }

    /// Opens the cache at `root`, which is made if it does not exist.
    ///
    /// # Errors
    /// If a folder cannot be made.
    pub fn open(root: &Path) -> anyhow::Result<Self> {
        let make = || -> std::io::Result<PathBuf> {
            for folder in
                ["downloads", "sources", "kernels", "images", "foreign", "current", "machine", "tmp", "locks"]
            {
                fs::create_dir_all(root.join(folder))?;
            }
            fs::canonicalize(root)
        };
        let root = make().with_context(|| {
            format!("making the cache folder {} (set {VARIABLE} to use another)", root.display())
        })?;
        Ok(Cache { root })
    }

    /// The folder itself, absolute.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A sub-folder or file, `path` relative to the cache.
    pub fn join(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root.join(path)
    }

    /// Where the log of a program goes.
    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.join("logs").join(format!("{name}.log"))
    }

    /// A new empty folder in `tmp/`, removed on drop unless it is published.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn temporary_folder(&self, prefix: &str) -> anyhow::Result<ScratchFolder> {
        ScratchFolder::new(&self.join("tmp"), prefix)
    }

    /// Removes the folders in `tmp/` whose names begin with `prefix` and whose labs are gone.
    ///
    /// # Errors
    /// If something cannot be removed.
    pub fn sweep(&self, prefix: &str) -> anyhow::Result<()> {
        scratch::sweep(&self.join("tmp"), |name| name.starts_with(prefix))
    }

    /// Holds the lock `name`, or gives none if another process does.
    ///
    /// # Errors
    /// If the lock file cannot be opened.
    pub(crate) fn try_lock(&self, name: &str) -> anyhow::Result<Option<Lock>> {
        let path = self.join("locks").join(name);
        Lock::try_on(open(&path)?, &path)
    }

    /// Holds the cache as one of those that use it, so that nothing is removed meanwhile; waits for one that removes something.
    ///
    /// # Errors
    /// If the lock file cannot be opened, or the user stops the wait.
    pub(crate) fn in_use(&self, on_wait: impl FnOnce(&str)) -> anyhow::Result<Lock> {
        let (path, mut on_wait) = (self.join(IN_USE), Some(on_wait));
        loop {
            if let Some(lock) = Lock::try_shared(open(&path)?, &path)? {
                return Ok(lock);
            }
            if let Some(on_wait) = on_wait.take() {
                on_wait(&lock::holder(&path));
            }
            Interrupt::of_process().check()?;
            std::thread::sleep(lock::LOOK);
        }
    }

    /// Holds the cache alone; none if a lab uses it.
    ///
    /// # Errors
    /// If the lock file cannot be opened.
    pub(crate) fn alone(&self) -> anyhow::Result<Option<Lock>> {
        let path = self.join(IN_USE);
        Lock::try_on(open(&path)?, &path)
    }

    /// Who uses the cache, in words.
    pub(crate) fn user(&self) -> String {
        lock::holder(&self.join(IN_USE))
    }

    /// Who holds the lock `name`, in words; none if nobody does.
    pub(crate) fn held_by(&self, name: &str) -> Option<String> {
        lock::held_by(&self.join("locks").join(name))
    }

    /// Waits until no other process holds the lock `name`, then holds it. `on_wait` is called once if it has
    /// to wait, with who holds it.
    ///
    /// # Errors
    /// If the lock file cannot be opened, or the user stops the wait.
    pub fn lock(&self, name: &str, on_wait: impl FnOnce(&str)) -> anyhow::Result<Lock> {
        let path = self.join("locks").join(name);
        Lock::wait_on(&open(&path)?, &path, &Interrupt::of_process(), on_wait)
    }
}

/// A lock file, made if it is not there.
fn open(path: &Path) -> anyhow::Result<File> {
    let file = File::options().create(true).append(true).open(path);
    file.with_context(|| format!("opening {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &Path) -> Result<(), String> {
        Cache { root: path.to_owned() }.check().map_err(|error| error.to_string())
    }

    #[test]
    fn paths_with_which_no_kernel_is_built() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(check(&folder.path().join("u/.cache/patchlab")), Ok(()));
        for name in ["my user/.cache", "a:b", "tab\there"] {
            let error = check(&folder.path().join(name)).unwrap_err();
            assert!(error.ends_with("; set PATCHLAB_CACHE to a folder without"), "{error}");
        }
    }

    #[test]
    fn many_use_a_cache_and_one_cleans_it_alone() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path()).unwrap();
        let use_it = || cache.in_use(|who| panic!("{who} cleans it")).unwrap();
        let users = [use_it(), use_it()];
        assert!(cache.alone().unwrap().is_none());
        assert!(cache.user().starts_with(&format!("process {} (", std::process::id())), "{}", cache.user());
        drop(users);
        let alone = cache.alone().unwrap();
        assert!(alone.is_some() && cache.alone().unwrap().is_none());
        drop(alone);
        drop(use_it());
    }

    #[test]
    fn the_innermost_folder_that_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache { root: folder.path().join("a/b") };
        assert_eq!(cache.existing(), folder.path());
        std::fs::create_dir_all(cache.root()).unwrap();
        assert_eq!(cache.existing(), cache.root());
    }
}
