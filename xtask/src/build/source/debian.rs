//! A Debian source package such as `linux-source-6.12`: found and fetched with apt-get, unpacked with dpkg.
//!
//! Security updates replace the package every few weeks. So that nothing is rebuilt unasked, the first
//! version that was fetched into a cache stays the current one there until [`refresh`].

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, bail, ensure};
use serde::{Deserialize, Serialize};
use xshell::{Shell, cmd};

use super::{Tell, download};
use crate::lab::cache::Cache;
use crate::lab::{digest, files, process};

/// The version of a package that this cache uses (`current/<package>.toml`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Current {
    /// Debian's version, e.g. `6.12.117-1~deb12u1`.
    pub(crate) version: String,
    /// The file in `downloads/`.
    pub(crate) file: String,
    /// SHA-256 of the file, taken after apt-get had verified it.
    pub(crate) sha256: String,
}

/// The tarball of an unpacked package; removed on drop.
pub(super) struct Tarball {
    pub(crate) path: PathBuf,
    #[expect(dead_code, reason = "dropping it removes the folder")]
    folder: tempfile::TempDir,
}

/// Makes the next [`current`] fetch the version that apt-get then knows.
///
/// # Errors
/// If the note of the current version cannot be removed.
pub(crate) fn refresh(cache: &Cache, package: &str) -> anyhow::Result<()> {
    let path = pointer(cache, package)?;
    match fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", path.display()))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// The version that this cache uses; fetched now if there is none yet.
///
/// # Errors
/// If apt-get cannot find or fetch the package.
pub(super) fn current(sh: &Shell, cache: &Cache, package: &str, tell: Tell) -> anyhow::Result<Current> {
    let pointer = pointer(cache, package)?;
    let lock =
        cache.lock(&format!("debian-{package}"), || tell(&format!("waiting for another fetch of {package}")));
    let _lock = lock?;
    if let Some(current) = read_pointer(&pointer)? {
        return Ok(current);
    }
    let current = fetch(sh, cache, package, tell)?;
    files::write_atomically(&pointer, toml::to_string(&current)?.as_bytes())?;
    Ok(current)
}

/// The version that this cache uses, if one was ever fetched.
///
/// # Errors
/// If the note of it cannot be read.
pub(super) fn noted(cache: &Cache, package: &str) -> anyhow::Result<Option<Current>> {
    read_pointer(&pointer(cache, package)?)
}

/// The kernel tarball inside the current version, unpacked beside `tree`. Fetched again if the download is
/// gone or damaged.
///
/// # Errors
/// If that version cannot be had any more, or holds no tarball.
pub(super) fn tarball(
    sh: &Shell,
    cache: &Cache,
    package: &str,
    tree: &Path,
    tell: Tell,
) -> anyhow::Result<Tarball> {
    let current = current(sh, cache, package, tell)?;
    let deb = cache.join("downloads").join(&current.file);
    if !download::is_file_with(&deb, &current.sha256) {
        let found = fetch(sh, cache, &format!("{package}={}", current.version), tell).with_context(|| {
            format!(
                "{} is gone or damaged; `--refresh-source` takes the version that is offered now",
                deb.display()
            )
        })?;
        ensure!(
            found == current,
            "{package} {} is another file than before: use `--refresh-source`",
            current.version
        );
    }
    let beside = tree.parent().context("the tree has no parent folder")?;
    let folder =
        tempfile::tempdir_in(beside).with_context(|| format!("making a folder in {}", beside.display()))?;
    let target = folder.path();
    process::read(cmd!(sh, "dpkg -x {deb} {target}"))
        .with_context(|| format!("unpacking {}", deb.display()))?;
    let path = only_tarball(&target.join("usr/src")).with_context(|| {
        format!("looking for the kernel in {}: is {package} a linux-source package?", deb.display())
    })?;
    Ok(Tarball { path, folder })
}

/// Fetches `wanted`, a package or `package=version`, into `downloads/`.
fn fetch(sh: &Shell, cache: &Cache, wanted: &str, tell: Tell) -> anyhow::Result<Current> {
    let begun = Instant::now();
    let folder = cache.temporary_folder("debian-")?;
    let _directory = sh.push_dir(folder.path());
    // apt-get would drop to the user _apt, who may not write here, and warn when it cannot.
    let fetch =
        cmd!(sh, "apt-get download --quiet --quiet -o APT::Sandbox::User=root {wanted}").env("LC_ALL", "C");
    let output = process::output(fetch)?;
    if !output.status.success() {
        bail!(explain(wanted, &process::messages(&output.stderr)));
    }
    let deb = fs::read_dir(folder.path())
        .with_context(|| format!("reading {}", folder.path().display()))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .with_context(|| format!("apt-get download {wanted} left no .deb file"))?;
    let version = process::read(cmd!(sh, "dpkg-deb --field {deb} Version"))?;
    let sha256 = digest::of_file(&deb)?;
    let file = deb.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let target = cache.join("downloads").join(&file);
    fs::rename(&deb, &target).with_context(|| format!("moving {} to {}", deb.display(), target.display()))?;
    let bytes = fs::metadata(&target).with_context(|| format!("reading {}", target.display()))?.len();
    let package = wanted.split('=').next().unwrap_or(wanted);
    tell(&format!(
        "fetched {package} {version} ({} MiB) in {:.0} s",
        bytes >> 20,
        begun.elapsed().as_secs_f64()
    ));
    Ok(Current { version, file, sha256 })
}

/// apt-get's messages with what to do about them.
fn explain(wanted: &str, messages: &str) -> String {
    let unknown = ["Unable to locate package", "Can't select", "no installation candidate", "was not found"];
    let remedy = if unknown.iter().any(|part| messages.contains(part)) {
        "run `apt-get update` as root; if that does not help, add the suite that has it (linux-source-6.12 is in \
         bookworm-security, newer ones in bookworm-backports) to /etc/apt/sources.list"
    } else {
        "check the network, or run `apt-get update` as root: the lists may name a version that is gone"
    };
    format!("apt-get download {wanted}: {messages}; {remedy}")
}

fn only_tarball(folder: &Path) -> anyhow::Result<PathBuf> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    let is_tarball = |path: &PathBuf| {
        path.file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| name.contains(".tar.") && !name.contains("patch"))
    };
    let mut found: Vec<PathBuf> =
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_tarball).collect();
    match (found.pop(), found.len()) {
        (Some(path), 0) => Ok(path),
        (None, _) => bail!("no tarball in usr/src"),
        (Some(_), _) => bail!("several tarballs in usr/src"),
    }
}

fn pointer(cache: &Cache, package: &str) -> anyhow::Result<PathBuf> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '+' | '-' | '.');
    let valid = package.len() >= 2
        && package.chars().all(plain)
        && package.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    ensure!(valid, "{package:?} is not the name of a Debian package");
    Ok(cache.join("current").join(format!("{package}.toml")))
}

fn read_pointer(path: &Path) -> anyhow::Result<Option<Current>> {
    match fs::read_to_string(path) {
        Ok(text) => toml::from_str(&text)
            .map(Some)
            .with_context(|| format!("reading {}: remove it to fetch the package anew", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("reading {}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice() {
        let check = |messages: &str, part: &str| {
            let text = explain("linux-source-9.9", messages);
            assert!(
                text.starts_with("apt-get download linux-source-9.9: E: ") && text.contains(part),
                "{text}"
            );
        };
        check("E: Unable to locate package linux-source-9.9", "bookworm-security");
        check("E: Failed to fetch http://x  404  Not Found", "the lists may name a version that is gone");
    }

    #[test]
    fn names() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path()).unwrap();
        for name in ["", "x", "../x", "-o", "a b", "Linux"] {
            assert!(pointer(&cache, name).is_err(), "{name}");
        }
        assert!(pointer(&cache, "linux-source-6.12").is_ok());
    }
}
