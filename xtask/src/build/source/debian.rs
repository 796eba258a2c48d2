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

use super::{Tell, apt, download, fetching};
use crate::lab::cache::Cache;
use crate::lab::output::progress::Step;
use crate::lab::{digest, files, process};
use crate::machine::packages;

/// A package, and the suite of Debian's that has it; none for what this machine's apt knows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Package<'a> {
    pub(crate) name: &'a str,
    pub(crate) suite: Option<&'a str>,
}

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
pub(crate) fn refresh(cache: &Cache, package: Package) -> anyhow::Result<()> {
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
pub(super) fn current(sh: &Shell, cache: &Cache, package: Package, tell: Tell) -> anyhow::Result<Current> {
    let pointer = pointer(cache, package)?;
    let name = package.name;
    let lock = cache
        .lock(&format!("debian-{name}"), |who| tell(&format!("waiting for {who}, which fetches {name}")));
    let _lock = lock?;
    if let Some(current) = read_pointer(&pointer)? {
        return Ok(current);
    }
    let current = fetch(sh, cache, package, None, tell)?;
    files::write_atomically(&pointer, toml::to_string(&current)?.as_bytes())?;
    Ok(current)
}

/// The version that this cache uses, if one was ever fetched.
///
/// # Errors
/// If the note of it cannot be read.
pub(super) fn noted(cache: &Cache, package: Package) -> anyhow::Result<Option<Current>> {
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
    package: Package,
    tree: &Path,
    tell: Tell,
) -> anyhow::Result<Tarball> {
    let current = current(sh, cache, package, tell)?;
    let deb = cache.join("downloads").join(&current.file);
    if !download::is_file_with(&deb, &current.sha256) {
        let found = fetch(sh, cache, package, Some(&current.version), tell).with_context(|| {
            format!(
                "{} is gone or damaged; `--refresh-source` takes the version that is offered now",
                deb.display()
            )
        })?;
        ensure!(
            found == current,
            "{} {} is another file than before: use `--refresh-source`",
            package.name,
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
        format!("looking for the kernel in {}: is {} a linux-source package?", deb.display(), package.name)
    })?;
    Ok(Tarball { path, folder })
}

/// Fetches a package, in a version or the newest one, into `downloads/`.
fn fetch(
    sh: &Shell,
    cache: &Cache,
    package: Package,
    version: Option<&str>,
    tell: Tell,
) -> anyhow::Result<Current> {
    let begun = Instant::now();
    let wanted = match version {
        Some(version) => format!("{}={version}", package.name),
        None => package.name.to_owned(),
    };
    let lists = cache.temporary_folder("apt-")?;
    let options = match package.suite {
        Some(suite) => apt::options(sh, lists.path(), apt::SuiteOptions { suite, foreign: None })?,
        None => Vec::new(),
    };
    let folder = cache.temporary_folder("debian-")?;
    let _directory = sh.push_dir(folder.path());
    // apt-get would drop to the user _apt, who may not write here, and warn when it cannot.
    let quiet = ["--quiet", "--quiet", "-o", "APT::Sandbox::User=root"];
    let step = Step::begin(&format!("fetching {}", package.name));
    // That is a matter of the lists that are there.
    let (given, name) = (&options, &wanted);
    let uris = || cmd!(sh, "apt-get {given...} download -qq --print-uris {name}").env("LC_ALL", "C");
    let bytes = step.is_shown().then(|| fetching::bytes_of_uris(uris())).flatten();
    let fetch = cmd!(sh, "apt-get {given...} download {quiet...} {name}").env("LC_ALL", "C");
    let output = fetching::fetch(fetch, &step, || fetching::bytes_in(folder.path()), || bytes)?;
    drop(step);
    if !output.status.success() {
        let system = sh.read_file("/etc/os-release").unwrap_or_default();
        let release = packages::debian_release(&system).unwrap_or("trixie");
        bail!(explain(&wanted, package.suite, release, &process::messages(&output.stderr)));
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
    tell(&format!(
        "fetched {} {version} ({} MiB) in {:.0} s",
        package.name,
        bytes >> 20,
        begun.elapsed().as_secs_f64()
    ));
    Ok(Current { version, file, sha256 })
}

/// apt-get's messages with what to do about them on this release of Debian.
fn explain(wanted: &str, suite: Option<&str>, release: &str, messages: &str) -> String {
    let unknown = ["Unable to locate package", "Can't select", "no installation candidate", "was not found"];
    let remedy = match (unknown.iter().any(|part| messages.contains(part)), suite) {
        (true, None) => {
            format!(
                "run `apt-get update` as root; if that does not help, name the suite that has it in lab.toml, such as suite = \
                 \"{release}-backports\" beside `debian`"
            )
        }
        (true, Some(suite)) => format!("the suite {suite} does not have it: name another one in lab.toml"),
        (false, None) => {
            "check the network, or run `apt-get update` as root: the lists may name a version that is gone"
                .to_owned()
        }
        (false, Some(_)) => "check the network".to_owned(),
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

fn pointer(cache: &Cache, package: Package) -> anyhow::Result<PathBuf> {
    let first = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let plain = |c: char| first(c) || matches!(c, '+' | '-' | '.');
    let is_name = |name: &str| name.chars().all(plain) && name.starts_with(first);
    let Package { name, suite } = package;
    ensure!(name.len() >= 2 && is_name(name), "{name:?} is not the name of a Debian package");
    let file = match suite {
        None => format!("{name}.toml"),
        Some(suite) => {
            ensure!(is_name(suite), "{suite:?} is not the name of a suite of Debian's");
            format!("{name}_{suite}.toml")
        }
    };
    Ok(cache.join("current").join(file))
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
        let check = |suite: Option<&str>, messages: &str, part: &str| {
            let text = explain("linux-source-9.9", suite, "bookworm", messages);
            assert!(
                text.starts_with("apt-get download linux-source-9.9: E: ") && text.contains(part),
                "{text}"
            );
        };
        let unknown = "E: Unable to locate package linux-source-9.9";
        check(
            None,
            unknown,
            "the suite that has it in lab.toml, such as suite = \"bookworm-backports\" beside",
        );
        check(Some("sid"), unknown, "the suite sid does not have it");
        let gone = "E: Failed to fetch http://x  404  Not Found";
        check(None, gone, "the lists may name a version that is gone");
        check(Some("sid"), gone, "check the network");
    }

    #[test]
    fn names() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path()).unwrap();
        for name in ["", "x", "../x", "-o", "a b", "Linux"] {
            assert!(pointer(&cache, Package { name, suite: None }).is_err(), "{name}");
        }
        let name = "linux-source-6.12";
        for suite in ["", "../x", "-o", "a b", "Sid", "a/b"] {
            assert!(pointer(&cache, Package { name, suite: Some(suite) }).is_err(), "{suite}");
        }
        // The version that one suite has says nothing about another.
        let file = |suite| pointer(&cache, Package { name, suite }).unwrap();
        assert_eq!(file(None), cache.join("current/linux-source-6.12.toml"));
        assert_eq!(file(Some("sid")), cache.join("current/linux-source-6.12_sid.toml"));
    }
}
