//! What lies in a home while a build runs: files with the names of secrets, and nothing secret in them. Who opens one is seen.

use std::collections::BTreeMap;
use std::fs;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};

use crate::lab::cache::Cache;
use crate::lab::scratch::ScratchFolder;

/// Files in which programs keep keys and passwords. None that a program of a build opens by itself, as git does with its settings.
const NAMES: [&str; 14] = [
    ".aws/credentials",
    ".bash_history",
    ".config/gh/hosts.yml",
    ".docker/config.json",
    ".git-credentials",
    ".gnupg/secring.gpg",
    ".kube/config",
    ".netrc",
    ".npmrc",
    ".pgpass",
    ".pypirc",
    ".ssh/id_ecdsa",
    ".ssh/id_ed25519",
    ".ssh/id_rsa",
];

const TEXT: &str = "The build of a kernel does not see the home of its user. This is no secret.\n";

/// Where compilers keep what they made before, without being told to.
const CACHES: [&str; 2] = [".cache", ".ccache"];

const PREFIX: &str = "decoys-";

/// A folder of decoys, gone when this is dropped.
#[derive(Debug)]
pub(super) struct Decoys {
    folder: ScratchFolder,
    /// What tells who is opened; none if the system has no more watches.
    watch: Option<(OwnedFd, BTreeMap<i32, &'static str>)>,
}

impl Decoys {
    /// Makes them, with the folders that are mounted in a home.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub(super) fn plant(cache: &Cache, mounted: &[PathBuf]) -> anyhow::Result<Self> {
        cache.sweep(PREFIX)?;
        let folder = cache.temporary_folder(PREFIX)?;
        for name in NAMES {
            let path = folder.path().join(name);
            let write = || {
                fs::create_dir_all(path.parent().unwrap_or(folder.path()))?;
                fs::write(&path, TEXT)
            };
            write().with_context(|| format!("writing {}", path.display()))?;
        }
        for path in mounted {
            let path = folder.path().join(path);
            // What is mounted is a folder, or a file in one.
            fs::create_dir_all(path.parent().unwrap_or(folder.path()))
                .with_context(|| format!("making {}", path.display()))?;
        }
        let watch = watch(folder.path()).ok();
        Ok(Decoys { folder, watch })
    }

    /// Where they are.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Those that were opened since.
    pub(super) fn opened(&self) -> Vec<String> {
        let Some((watch, names)) = &self.watch else { return Vec::new() };
        let mut room = [MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(watch, &mut room);
        let mut opened = Vec::new();
        // Without waiting: what happened is there.
        while let Ok(event) = reader.next() {
            opened.extend(names.get(&event.wd()).map(|name| (*name).to_owned()));
        }
        opened.sort();
        opened.dedup();
        opened
    }

    /// Files that are there now and were not planted, or are not what they were; they are removed. `mounted` are places that are not the
    /// build's.
    pub(super) fn written(&self, mounted: &[PathBuf]) -> Vec<String> {
        let mut written = Vec::new();
        self.look(Path::new(""), mounted, &mut written);
        // It was this that opened them now, and no build, which has ended.
        drop(self.opened());
        written.sort();
        written
    }

    fn look(&self, below: &Path, mounted: &[PathBuf], written: &mut Vec<String>) {
        for entry in fs::read_dir(self.folder.path().join(below)).into_iter().flatten().flatten() {
            let path = below.join(entry.file_name());
            if CACHES.iter().any(|cache| path == Path::new(cache)) || mounted.contains(&path) {
                continue;
            }
            // Of a link, itself is meant.
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let name = path.display().to_string();
            let is_decoy = NAMES.contains(&name.as_str());
            let is_as_it_was = || fs::read(entry.path()).is_ok_and(|text| text == TEXT.as_bytes());
            if is_folder {
                self.look(&path, mounted, written);
            } else if !is_decoy || !is_as_it_was() {
                written.push(name);
                // So that it is said once. What cannot be removed is said again.
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

fn watch(folder: &Path) -> rustix::io::Result<(OwnedFd, BTreeMap<i32, &'static str>)> {
    let watch = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
    let mut names = BTreeMap::new();
    for name in NAMES {
        names.insert(inotify::add_watch(&watch, folder.join(name), WatchFlags::OPEN)?, name);
    }
    Ok((watch, names))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_opened_and_what_is_written_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path()).unwrap();
        let mounted = [PathBuf::from("linux/objects")];
        let decoys = Decoys::plant(&cache, &mounted).unwrap();
        let path = |name: &str| decoys.folder().join(name);
        assert!(path("linux").is_dir());
        assert_eq!((decoys.opened(), decoys.written(&mounted)), (Vec::new(), Vec::new()));
        assert_eq!(fs::read_to_string(path(".ssh/id_rsa")).unwrap(), TEXT);
        fs::metadata(path(".netrc")).unwrap();
        assert_eq!(decoys.opened(), [".ssh/id_rsa"]);
        assert_eq!(decoys.opened(), Vec::<String>::new());
        fs::create_dir_all(path(".cache/ccache")).unwrap();
        for name in [".bashrc", ".netrc", ".cache/ccache/x"] {
            fs::write(path(name), "mine").unwrap();
        }
        std::os::unix::fs::symlink("/etc", path("link")).unwrap();
        assert_eq!(decoys.written(&mounted), [".bashrc", ".netrc", "link"]);
        assert_eq!(decoys.written(&mounted), Vec::<String>::new());
    }
}
