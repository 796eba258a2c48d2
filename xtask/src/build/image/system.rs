//! Where programs of Debian and their libraries are taken from: this machine, or packages that were unpacked for another one.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use xshell::Shell;

use super::elf::{self, Needs};
use super::foreign::Foreign;
use crate::build::target::Target;
use crate::lab::process::path::{find_also_roots, find_in};

/// Where programs are in packages.
const PROGRAM_FOLDERS: [&str; 2] = ["/usr/bin", "/usr/sbin"];

/// A file that a program knows by one path and that is read at another one, if it is in a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// As the program knows it.
    pub(super) name: PathBuf,
    /// Where it is.
    pub(super) path: PathBuf,
}

/// The Debian, or another system, that files are taken from.
#[derive(Debug)]
pub(super) struct System<'a> {
    pub(super) sh: &'a Shell,
    pub(super) target: &'static Target,
    /// None for this machine.
    pub(super) foreign: Option<Foreign>,
}

impl System<'_> {
    /// The file that a program knows by this absolute path, if it is there.
    pub(super) fn find(&self, name: &Path) -> Option<Found> {
        let path = match &self.foreign {
            Some(foreign) => foreign.find(name)?,
            None => Some(name.to_owned()).filter(|path| self.sh.path_exists(path))?,
        };
        Some(Found { name: name.to_owned(), path })
    }

    /// A program in `PATH`, or in the packages.
    ///
    /// # Errors
    /// If it is not there.
    pub(super) fn program(&self, name: &str, package: &str) -> anyhow::Result<Found> {
        let Some(foreign) = &self.foreign else {
            let folders = self.sh.var_os("PATH").unwrap_or_default();
            let Some(path) = find_in(&folders, name) else {
                bail!("there is no `{name}` in PATH: install {package}");
            };
            return Ok(Found { name: path.clone(), path });
        };
        self.in_packages(foreign, name)
    }

    /// The same for one that is there for root.
    ///
    /// # Errors
    /// If it is not there.
    pub(super) fn roots_program(&self, name: &str) -> anyhow::Result<Found> {
        let Some(foreign) = &self.foreign else {
            let path = find_also_roots(&self.sh.var_os("PATH").unwrap_or_default(), name);
            let path = path
                .with_context(|| format!("there is no `{name}`: `cargo xtask doctor` names its package"))?;
            return Ok(Found { name: path.clone(), path });
        };
        self.in_packages(foreign, name)
    }

    fn in_packages(&self, foreign: &Foreign, name: &str) -> anyhow::Result<Found> {
        let names = PROGRAM_FOLDERS.iter().map(|folder| Path::new(folder).join(name));
        let mut found = names.filter_map(|name| Some(Found { path: foreign.find(&name)?, name }));
        found
            .next()
            .with_context(|| format!("Debian's packages for {} have no `{name}`", self.target.arch.name()))
    }

    /// What a file needs; none if it is no program or library for the guest.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn needs(&self, path: &Path) -> anyhow::Result<Option<Needs>> {
        Ok(elf::needs(&self.sh.read_binary_file(path)?, self.target.elf))
    }

    /// Where the loader looks: the folders of `ld.so.conf` and its parts, then those built into it.
    pub(super) fn library_folders(&self) -> Vec<PathBuf> {
        let always = ["/lib64", "/usr/lib64", "/lib", "/usr/lib"].map(PathBuf::from);
        if self.foreign.is_some() {
            let gnu = self.target.gnu;
            let own = [format!("/lib/{gnu}"), format!("/usr/lib/{gnu}")].map(PathBuf::from);
            return own.into_iter().chain(always).collect();
        }
        let mut texts = vec![self.sh.read_file("/etc/ld.so.conf").unwrap_or_default()];
        let mut parts = self.sh.read_dir("/etc/ld.so.conf.d").unwrap_or_default();
        parts.sort();
        texts.extend(parts.iter().filter_map(|part| self.sh.read_file(part).ok()));
        let configured = texts.iter().flat_map(|text| configured_folders(text));
        configured.chain(always).collect()
    }
}

fn configured_folders(text: &str) -> Vec<PathBuf> {
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    lines.filter(|line| line.starts_with('/')).map(PathBuf::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configured_folders_are_absolute_lines() {
        let text = "include /etc/ld.so.conf.d/*.conf\n# /no\n/usr/local/lib # why\n\n/lib/x86_64-linux-gnu\n";
        let expected = ["/usr/local/lib", "/lib/x86_64-linux-gnu"].map(PathBuf::from);
        assert_eq!(configured_folders(text), expected);
    }
}
