//! Building runs the patch's code on the host, in Makefiles and host programs: confine it where that works, and say what it tried.

mod attempts;
mod decoys;
mod mounts;

use std::path::{Path, PathBuf};

use xshell::{Shell, cmd};

use crate::lab::cache::Cache;
use crate::lab::process;
use attempts::{AROUND, Attempts};
use decoys::Decoys;
use mounts::{Mounts, homes};

/// How a build is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BuildSandbox {
    /// Under bubblewrap: no network, no other processes, no home, everything but the object directory read-only.
    Bubblewrap,
    /// As any other program of this user.
    None {
        /// Why.
        reason: String,
    },
}

impl BuildSandbox {
    /// Finds out whether bubblewrap works here: it may be missing, or user namespaces may be forbidden.
    pub(super) fn find(sh: &Shell, readable: &[&Path], objects: &Path) -> Self {
        let path = sh.var_os("PATH").unwrap_or_default();
        let mounts = Mounts { readable, objects, homes: &[], decoys: None, path: &path };
        let arguments = mounts.arguments();
        let attempt = process::output(cmd!(sh, "bwrap {arguments...} make --version"));
        match attempt {
            Ok(output) if output.status.success() => BuildSandbox::Bubblewrap,
            Ok(output) => {
                let remedy = allow_namespaces(Path::new("/")).map(|setting| {
                    format!(
                        "; user namespaces are forbidden here, and root allows them with: sysctl {setting}"
                    )
                });
                let reason = process::messages(&output.stderr) + &remedy.unwrap_or_default();
                BuildSandbox::None { reason }
            }
            Err(_) => BuildSandbox::None { reason: "bwrap is not installed (package bubblewrap)".to_owned() },
        }
    }

    /// `bwrap`, or why not.
    pub(super) fn name(&self) -> String {
        match self {
            BuildSandbox::Bubblewrap => "bwrap".to_owned(),
            BuildSandbox::None { reason } => format!("none: {reason}"),
        }
    }
}

/// A build that is run, confined or not.
#[derive(Debug)]
pub(super) struct Confined<'a> {
    readable: &'a [&'a Path],
    objects: &'a Path,
    path: std::ffi::OsString,
    homes: Vec<PathBuf>,
    /// None if it is not confined.
    decoys: Option<Decoys>,
}

impl<'a> Confined<'a> {
    /// One that can read `readable` and write below `objects`.
    ///
    /// # Errors
    /// If what lies in place of the home cannot be made.
    pub(super) fn new(
        sh: &Shell,
        cache: &Cache,
        sandbox: &BuildSandbox,
        readable: &'a [&'a Path],
        objects: &'a Path,
    ) -> anyhow::Result<Self> {
        let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let id = rustix::process::getuid().as_raw();
        let homes = homes(sh.var_os("HOME").as_deref(), &users, id);
        let path = sh.var_os("PATH").unwrap_or_default();
        let mut confined = Confined { readable, objects, path, homes, decoys: None };
        if let BuildSandbox::Bubblewrap = sandbox {
            confined.decoys = Some(Decoys::plant(cache, &confined.mounted())?);
        }
        Ok(confined)
    }

    /// `command` as it is to be run.
    pub(super) fn wrap(&self, command: Vec<String>) -> Vec<String> {
        if self.decoys.is_none() {
            return command;
        }
        let mut words = vec!["bwrap".to_owned()];
        // So that what looks for it finds the decoys.
        words.extend(
            self.homes
                .first()
                .iter()
                .flat_map(|home| ["--setenv".to_owned(), "HOME".to_owned(), home.display().to_string()]),
        );
        words.extend(self.mounts().arguments());
        words.extend(["sh", "-c", AROUND, "sh"].map(str::to_owned));
        words.extend(command);
        words
    }

    /// What it tried, as far as that is known. `log` is what it printed; links that lead out of its folder are removed.
    ///
    /// # Errors
    /// If its folder cannot be read.
    pub(super) fn attempts(&self, log: &str, tree: &Path) -> std::io::Result<Attempts> {
        let own: Vec<&Path> = self.readable.iter().copied().chain([self.objects]).collect();
        let mut attempts = Attempts::default();
        if let Some(decoys) = &self.decoys {
            attempts = Attempts::of_log(log, &self.homes, &own);
            attempts.opened = decoys.opened();
            attempts.written = decoys.written(&self.mounted());
        }
        attempts.take_links(self.objects, tree)?;
        Ok(attempts)
    }

    fn mounts(&self) -> Mounts<'_> {
        Mounts {
            readable: self.readable,
            objects: self.objects,
            homes: &self.homes,
            decoys: self.decoys.as_ref().map(Decoys::folder),
            path: &self.path,
        }
    }

    /// What is mounted in the homes, from there.
    fn mounted(&self) -> Vec<PathBuf> {
        let mounts = self.mounts();
        self.homes.iter().flat_map(|home| mounts.below(home)).collect()
    }
}

/// The setting that lets users make namespaces, by the files below `root`, if another one forbids it.
fn allow_namespaces(root: &Path) -> Option<&'static str> {
    [
        // A patch of Debian and Arch Linux.
        ("kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
        ("user/max_user_namespaces", "0", "user.max_user_namespaces=10000"),
        // Ubuntu since 23.10.
        (
            "kernel/apparmor_restrict_unprivileged_userns",
            "1",
            "kernel.apparmor_restrict_unprivileged_userns=0",
        ),
    ]
    .into_iter()
    .find(|(file, forbids, _)| {
        let value = std::fs::read_to_string(root.join("proc/sys").join(file));
        value.is_ok_and(|value| value.trim() == *forbids)
    })
    .map(|(_, _, setting)| setting)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_forbid_namespaces() {
        for (file, value, expected) in [
            ("kernel/unprivileged_userns_clone", "0\n", Some("kernel.unprivileged_userns_clone=1")),
            ("kernel/unprivileged_userns_clone", "1\n", None),
            ("user/max_user_namespaces", "0\n", Some("user.max_user_namespaces=10000")),
            ("user/max_user_namespaces", "95951\n", None),
            (
                "kernel/apparmor_restrict_unprivileged_userns",
                "1\n",
                Some("kernel.apparmor_restrict_unprivileged_userns=0"),
            ),
            ("kernel/ostype", "Linux\n", None),
        ] {
            let root = tempfile::tempdir().unwrap();
            let path = root.path().join("proc/sys").join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, value).unwrap();
            assert_eq!(allow_namespaces(root.path()), expected, "{file} {value}");
        }
    }
}
