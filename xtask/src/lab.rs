//! What every command works with: the checkout, its `lab.toml`, the cache.

pub mod archive;
pub(crate) mod beneath;
pub mod cache;
pub mod called;
pub mod checkout;
pub mod digest;
pub mod files;
pub mod installed;
pub mod interrupt;
pub mod lock;
pub mod output;
pub mod process;
pub mod scratch;
pub mod stopwatch;
mod written;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use lab_core::plan::config::Config;
use lab_core::text::escape::escape_for_terminal;
use xshell::Shell;

use crate::lab::cache::Cache;
use crate::lab::checkout::Checkout;
use crate::lab::interrupt::Interrupt;
use crate::lab::lock::Lock;
use crate::lab::scratch::ScratchFolder;

/// Start of the name of a folder for sockets.
const SOCKETS_PREFIX: &str = "patchlab-";

/// A folder for the sockets of a virtual machine, in the system's temporary one: the path of a socket may have 107 bytes at
/// most.
///
/// # Errors
/// If it cannot be made.
pub fn sockets_folder() -> anyhow::Result<ScratchFolder> {
    ScratchFolder::new(&std::env::temp_dir(), SOCKETS_PREFIX)
}

/// The longest path of a socket, bytes (unix(7)).
const LONGEST_SOCKET: usize = 107;

/// Why no sockets can be made in `folder`, the system's temporary one; none if they can, as far as can be seen.
pub(crate) fn fault_of_temporary_folder(folder: &Path) -> Option<String> {
    let longest = folder.join(format!("{SOCKETS_PREFIX}XXXXXX{}/monitor", scratch::LOCKED));
    let length = longest.as_os_str().len();
    let shown = folder.display();
    let why = if !folder.is_dir() {
        format!("{shown} is no folder")
    } else if !files::is_writable(folder) {
        format!("{shown} cannot be written to")
    } else if length > LONGEST_SOCKET {
        format!(
            "{shown} is too long: sockets in it have paths of {length} bytes, and {LONGEST_SOCKET} are allowed"
        )
    } else if folder.to_string_lossy().contains(',') {
        format!("{shown} has a comma, which QEMU takes for the end of a path")
    } else {
        return None;
    };
    Some(format!("{why}; set TMPDIR to another folder, such as /tmp"))
}

/// Start of the name of a folder for a series that is imported. None of a series starts so.
const IMPORT_PREFIX: &str = ".tmp-import-";

/// A folder for a series that is imported, beside the place where it goes.
///
/// # Errors
/// If it cannot be made.
pub fn import_folder(kernel_patches: &Path) -> anyhow::Result<ScratchFolder> {
    ScratchFolder::new(kernel_patches, IMPORT_PREFIX)
}

fn is_of_import(name: &str) -> bool {
    name.starts_with(IMPORT_PREFIX) && name.ends_with(scratch::LOCKED)
}

fn is_of_sockets(name: &str) -> bool {
    name.starts_with(SOCKETS_PREFIX) && name.ends_with(scratch::LOCKED)
}

/// The lab as it lies on this machine.
#[derive(Debug)]
pub struct Lab {
    /// The checkout.
    pub checkout: Checkout,
    /// The cache.
    pub cache: Cache,
    /// Whether the user asked to stop.
    pub interrupt: Interrupt,
    /// That the cache is used; none for a look.
    _in_use: Option<Lock>,
}

impl Lab {
    /// Opens checkout and cache.
    ///
    /// # Errors
    /// If one of them cannot be used.
    pub fn open() -> anyhow::Result<Self> {
        let cache = Cache::from_environment()?;
        let waits = |who: &str| {
            output::tell(&escape_for_terminal(&format!("waiting for {who}, which cleans the cache")));
        };
        let in_use = Some(cache.in_use(waits)?);
        let lab =
            Lab { checkout: Checkout::open()?, cache, interrupt: Interrupt::of_process(), _in_use: in_use };
        lab.interrupt.has_to_save();
        // What cannot be removed is in nobody's way.
        let series = lab.checkout.join("kernel-patches");
        let of_imports = if series.is_dir() { scratch::sweep(&series, is_of_import) } else { Ok(()) };
        for swept in [lab.cache.sweep(""), scratch::sweep(&std::env::temp_dir(), is_of_sockets), of_imports] {
            if let Err(error) = swept {
                output::warn(&escape_for_terminal(&format!("{error:#}")));
            }
        }
        Ok(lab)
    }

    /// The checkout and the cache for a look at them: nothing is made.
    ///
    /// # Errors
    /// If the checkout is gone, or no place for a cache is known.
    pub(crate) fn to_look_at() -> anyhow::Result<Self> {
        Ok(Lab {
            checkout: Checkout::open()?,
            cache: Cache::to_look_at()?,
            interrupt: Interrupt::default(),
            _in_use: None,
        })
    }

    /// One that a test has made.
    #[cfg(test)]
    pub(crate) fn at(checkout: Checkout, cache: Cache) -> Self {
        Lab { checkout, cache, interrupt: Interrupt::default(), _in_use: None }
    }

    /// Reads `lab.toml` and the job files of its workloads, and checks that the checkout holds what it names.
    ///
    /// # Errors
    /// The first mistake in it, with its place and remedy.
    pub(crate) fn config(&self, sh: &Shell) -> anyhow::Result<Config> {
        written::read(sh, &self.checkout)
    }

    /// The same as if `addition` stood at the end of `lab.toml`.
    ///
    /// # Errors
    /// As [`Lab::config`].
    pub(crate) fn config_with(&self, sh: &Shell, addition: &str) -> anyhow::Result<Config> {
        written::read_with(sh, &self.checkout, addition)
    }

    /// The folder of the campaigns.
    ///
    /// # Errors
    /// If it is not there and cannot be made.
    pub fn results(&self, sh: &Shell) -> anyhow::Result<PathBuf> {
        sh.create_dir(self.checkout.join("results")).context("making the folder for results")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporary_folders_without_room_for_a_socket() {
        let folder = tempfile::tempdir().unwrap();
        let fault = |path: &Path| fault_of_temporary_folder(path).unwrap_or_default();
        assert_eq!(fault(folder.path()), "");
        let gone = fault(&folder.path().join("gone"));
        assert!(gone.ends_with("/gone is no folder; set TMPDIR to another folder, such as /tmp"), "{gone}");
        let long = folder.path().join("x".repeat(100));
        let comma = folder.path().join("a,b");
        std::fs::create_dir(&long).unwrap();
        std::fs::create_dir(&comma).unwrap();
        assert!(fault(&long).contains(" is too long: sockets in it have paths of "), "{}", fault(&long));
        assert!(fault(&comma).contains(" has a comma"), "{}", fault(&comma));
    }

    /// What is allowed is what the system takes.
    #[test]
    fn the_longest_socket() {
        let folder = tempfile::tempdir().unwrap();
        let name = |length: usize| "s".repeat(length - folder.path().as_os_str().len() - 1);
        let bind = |length| std::os::unix::net::UnixListener::bind(folder.path().join(name(length)));
        assert!(bind(LONGEST_SOCKET).is_ok());
        assert!(bind(LONGEST_SOCKET + 1).is_err());
    }
}
