//! The kernel source: what `lab.toml` names, turned into a git repository in the cache.
//!
//! Two steps, since the first one is cheap: [`identify`] says which source is meant, which is all that is
//! needed to find a finished kernel; [`prepare`] fetches and unpacks it.
//!
//! ```text
//! sources/<key>/tree/         the work tree that is built, at one variant at a time; a branch per variant
//! sources/<key>/builds/       a folder for each configuration, with its objects, which are switched between variants
//! sources/<key>/logs/         what the builds printed
//! sources/<key>/source.toml   written last: its presence says that the tree is whole
//! ```

mod apt;
mod debian;
mod download;
mod fetching;
mod import;
mod repository;
mod revision;
mod space;
mod tar;
mod tree;
mod version;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};
use xshell::Shell;

pub(crate) use apt::{SuiteOptions, options as apt_options};
pub(crate) use debian::{Package, refresh};
pub(crate) use fetching::{bytes_in, bytes_of_uris, fetch};
pub(crate) use revision::{at, version_at};
pub(crate) use space::{ensure_possible, ensure_space};

use lab_core::plan::Source;
use lab_core::text::kconfig::KernelVersion;

use crate::lab::cache::Cache;
use crate::lab::{digest, files};

/// Where one line about each finished step goes, e.g. to standard error.
pub(crate) type Tell<'a> = &'a dyn Fn(&str);

/// The form of a prepared source. Part of each key, so that another form is another source.
const LAYOUT: &str = "1";

/// Measured for 6.12.117: tree 1.6 GiB, pack 0.4 GiB, package and tarball inside 0.3 GiB, rounded up.
const SOURCE_NEEDED_BYTES: u64 = 2560 << 20;

/// Which source is meant, without its having been fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SourceIdentity {
    /// For people and records, free of anything that belongs to this machine, e.g.
    /// `linux-source-6.12 6.12.117-1~deb12u1`.
    pub(crate) identity: String,
    /// Names the source's folder in the cache.
    pub(crate) key: String,
    /// Of which version the kernel is, where that can be told without its files.
    version: Option<KernelVersion>,
}

/// A prepared source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SourceTree {
    /// As [`SourceIdentity::identity`].
    pub(crate) identity: String,
    /// As its Makefile says, e.g. `6.12.117`.
    pub(crate) kernel_version: String,
    /// As [`SourceIdentity::key`].
    pub(crate) key: String,
    /// The source's folder in the cache.
    pub(crate) folder: PathBuf,
    /// The work tree, a git repository.
    pub(crate) repository: PathBuf,
    /// The commit that holds the source as it came.
    pub(crate) base_commit: String,
}

/// `source.toml`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct SourceFile {
    identity: String,
    kernel_version: String,
    base_commit: String,
}

/// The source as `lab.toml` in the folder `root` means it: its paths start there.
pub(crate) fn located(source: &Source, root: &Path) -> Source {
    let place = |written: &str| match written.contains("://") {
        true => written.to_owned(),
        // An absolute one stays as it is.
        false => root.join(written).display().to_string(),
    };
    match source {
        Source::Debian { .. } => source.clone(),
        Source::Tarball { location, sha256 } => {
            Source::Tarball { location: place(location), sha256: sha256.clone() }
        }
        Source::Git { repository, commit } => {
            Source::Git { repository: place(repository), commit: commit.clone() }
        }
        Source::Tree(path) => Source::Tree(place(path)),
    }
}

/// Says which source is meant. Uses the network only for a Debian package that was never asked for before.
///
/// # Errors
/// If a file or tree cannot be read, or the package cannot be fetched.
pub(crate) fn identify(
    sh: &Shell,
    cache: &Cache,
    source: &Source,
    tell: Tell,
) -> anyhow::Result<SourceIdentity> {
    let purpose = || format!("finding the kernel source {}", text(source));
    match source {
        Source::Debian { package, suite } => {
            let package = debian::Package { name: package, suite: suite.as_deref() };
            let current = debian::current(sh, cache, package, tell).with_context(purpose)?;
            Ok(of_package(package, &current))
        }
        Source::Tarball { location, sha256 } => {
            let sha256 = download::expected_sha256(location, sha256.as_deref()).with_context(purpose)?;
            let file = location.rsplit('/').next().unwrap_or(location);
            Ok(identity_of(format!("{file} sha256 {}", digest::short(&sha256)), sha256, None))
        }
        Source::Git { commit, .. } => {
            repository::check_commit(commit).with_context(purpose)?;
            Ok(identity_of(format!("git {commit}"), commit.clone(), None))
        }
        Source::Tree(path) => {
            let listing = tree::list(sh, Path::new(path)).with_context(purpose)?;
            let content = tree::digest(&listing).with_context(purpose)?;
            let version = version::read(Path::new(path)).with_context(purpose)?;
            let number = KernelVersion::parse(&version);
            Ok(identity_of(format!("tree {version} {}", digest::short(&content)), content, number))
        }
    }
}

/// The source, if it is prepared.
///
/// # Errors
/// If what is there is another one.
pub(crate) fn prepared(cache: &Cache, identity: &SourceIdentity) -> anyhow::Result<Option<SourceTree>> {
    read_prepared(&cache.join("sources").join(&identity.key), identity)
}

/// Every source that is prepared, by name. One that cannot be read is none of them.
pub(crate) fn all_prepared(cache: &Cache) -> Vec<SourceTree> {
    let mut all: Vec<SourceTree> = Vec::new();
    for entry in fs::read_dir(cache.join("sources")).into_iter().flatten().flatten() {
        let Ok(key) = entry.file_name().into_string() else { continue };
        let Ok(Some(file)) = read_file(&entry.path()) else { continue };
        all.push(file.tree(key, &entry.path()));
    }
    all.sort_by(|a, b| a.key.cmp(&b.key));
    all
}

/// The same without the network, and without a trace: none if the source was never asked for before.
///
/// # Errors
/// If a file or tree cannot be read.
pub(crate) fn known(sh: &Shell, cache: &Cache, source: &Source) -> anyhow::Result<Option<SourceIdentity>> {
    let Source::Debian { package, suite } = source else {
        return identify(sh, cache, source, &|_| {}).map(Some);
    };
    let package = debian::Package { name: package, suite: suite.as_deref() };
    let current = debian::noted(cache, package)?;
    Ok(current.map(|current| of_package(package, &current)))
}

/// Of which version a source is. If only its files say so, it is fetched and unpacked, once for a cache.
///
/// # Errors
/// If it cannot be prepared.
pub(crate) fn version(
    sh: &Shell,
    cache: &Cache,
    source: &Source,
    identity: &SourceIdentity,
    tell: Tell,
) -> anyhow::Result<KernelVersion> {
    if let Some(version) = known_version(cache, identity)? {
        return Ok(version);
    }
    let _lock = lock(cache, identity, tell)?;
    let tree = prepare(sh, cache, source, identity, tell)?;
    version::number(&tree.kernel_version).with_context(|| text(source))
}

/// The same of a source that was prepared before, even if its tree is gone, or whose identity says it; else none.
///
/// # Errors
/// If what is noted of it cannot be read.
pub(crate) fn known_version(
    cache: &Cache,
    identity: &SourceIdentity,
) -> anyhow::Result<Option<KernelVersion>> {
    if let Some(version) = &identity.version {
        return Ok(Some(version.clone()));
    }
    if let Some(tree) = prepared(cache, identity)? {
        return version::number(&tree.kernel_version).map(Some);
    }
    let path = version_note(cache, identity);
    match fs::read_to_string(&path) {
        Ok(text) => version::number(text.trim()).map(Some),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("reading {}", path.display())),
    }
}

/// Where the version of a source stands that only its files say.
fn version_note(cache: &Cache, identity: &SourceIdentity) -> PathBuf {
    cache.join("current").join(format!("{}.version", identity.key))
}

fn of_package(package: debian::Package, current: &debian::Current) -> SourceIdentity {
    let version = KernelVersion::parse(&current.version);
    identity_of(format!("{} {}", package.name, current.version), current.sha256.clone(), version)
}

fn identity_of(identity: String, content: String, version: Option<KernelVersion>) -> SourceIdentity {
    let key =
        digest::Parts::default().with("layout", LAYOUT).with("identity", &identity).with("content", content);
    let key = format!("{}-{}", folder_name(&identity), digest::short(&key.finish()));
    SourceIdentity { identity, key, version }
}

/// Makes the source available as a work tree. Does nothing if it already is.
///
/// The caller holds [`lock`].
///
/// # Errors
/// If there is too little space, or fetching, verifying or unpacking fails. Nothing half made is left where
/// it would be taken for whole.
pub(crate) fn prepare(
    sh: &Shell,
    cache: &Cache,
    source: &Source,
    identity: &SourceIdentity,
    tell: Tell,
) -> anyhow::Result<SourceTree> {
    prepare_with(sh, cache, source, identity, tell, &files::sync_file_system)
}

/// [`prepare`], with what brings a folder's files to the disk.
fn prepare_with(
    sh: &Shell,
    cache: &Cache,
    source: &Source,
    identity: &SourceIdentity,
    tell: Tell,
    sync: &dyn Fn(&Path) -> anyhow::Result<()>,
) -> anyhow::Result<SourceTree> {
    let folder = cache.join("sources").join(&identity.key);
    if let Some(tree) = read_prepared(&folder, identity)? {
        return Ok(tree);
    }
    let purpose = || format!("preparing the kernel source {}", text(source));
    let prefix = format!("source-{}-", identity.key);
    cache.sweep(&prefix)?;
    if folder.exists() {
        // Without source.toml it is not whole; it was made by hand or damaged.
        fs::remove_dir_all(&folder).with_context(|| format!("removing the damaged {}", folder.display()))?;
    }
    ensure_space(&cache.join("sources"), SOURCE_NEEDED_BYTES).with_context(purpose)?;
    let temporary = cache.temporary_folder(&prefix)?;
    let tree = temporary.path().join("tree");
    fs::create_dir(&tree).with_context(purpose)?;
    let base_commit = make_tree(sh, cache, source, identity, &tree, tell).with_context(purpose)?;
    let kernel_version = version::read(&tree).with_context(purpose)?;
    if identity.version.is_none() {
        files::write_atomically(&version_note(cache, identity), kernel_version.as_bytes())?;
    }
    // git syncs its objects only, and after a power cut source.toml must not stand beside files that are cut.
    sync(&tree).with_context(purpose)?;
    let file = SourceFile { identity: identity.identity.clone(), kernel_version, base_commit };
    files::write_atomically(&temporary.path().join("source.toml"), toml::to_string(&file)?.as_bytes())?;
    temporary.publish(&folder)?;
    read_prepared(&folder, identity)?.with_context(|| format!("{} vanished", folder.display()))
}

/// Held while a source is prepared and while kernels are built from it.
///
/// # Errors
/// If the lock file cannot be opened.
pub(crate) fn lock(
    cache: &Cache,
    identity: &SourceIdentity,
    tell: Tell,
) -> anyhow::Result<crate::lab::lock::Lock> {
    cache.lock(&format!("source-{}", identity.key), |who| {
        tell(&format!("waiting for {who}, which uses {}", identity.identity));
    })
}

fn make_tree(
    sh: &Shell,
    cache: &Cache,
    source: &Source,
    identity: &SourceIdentity,
    tree: &Path,
    tell: Tell,
) -> anyhow::Result<String> {
    let begun = Instant::now();
    let commit = match source {
        Source::Debian { package, suite } => {
            let package = debian::Package { name: package, suite: suite.as_deref() };
            let tarball = debian::tarball(sh, cache, package, tree, tell)?;
            import::tarball(sh, &tarball.path, tree, &identity.identity)?
        }
        Source::Tarball { location, sha256 } => {
            let path = download::local_file(sh, cache, location, sha256.as_deref(), tell)?;
            import::tarball(sh, &path, tree, &identity.identity)?
        }
        Source::Git { repository, commit } => repository::fetch_commit(sh, repository, commit, tree)?,
        Source::Tree(path) => import::files(sh, &tree::list(sh, Path::new(path))?, tree, &identity.identity)?,
    };
    tell(&format!("unpacked {} in {:.0} s", identity.identity, begun.elapsed().as_secs_f64()));
    Ok(commit)
}

fn read_prepared(folder: &Path, identity: &SourceIdentity) -> anyhow::Result<Option<SourceTree>> {
    let Some(file) = read_file(folder)? else { return Ok(None) };
    ensure!(
        file.identity == identity.identity,
        "{} holds {}, not {}: remove it and run again",
        folder.display(),
        file.identity,
        identity.identity
    );
    Ok(Some(file.tree(identity.key.clone(), folder)))
}

/// The `source.toml` of a folder; none if the source in it is not whole.
fn read_file(folder: &Path) -> anyhow::Result<Option<SourceFile>> {
    let path = folder.join("source.toml");
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
    };
    toml::from_str(&text)
        .map(Some)
        .with_context(|| format!("reading {}: remove {} and run again", path.display(), folder.display()))
}

impl SourceFile {
    fn tree(self, key: String, folder: &Path) -> SourceTree {
        SourceTree {
            identity: self.identity,
            kernel_version: self.kernel_version,
            key,
            folder: folder.to_owned(),
            repository: folder.join("tree"),
            base_commit: self.base_commit,
        }
    }
}

/// A source as `lab.toml` names it.
pub(crate) fn text(source: &Source) -> String {
    match source {
        Source::Debian { package, suite: None } => format!("{package} (Debian package)"),
        Source::Debian { package, suite: Some(suite) } => format!("{package} (Debian package of {suite})"),
        Source::Tarball { location, .. } => location.clone(),
        Source::Git { repository, commit } => format!("{repository} at {}", digest::short(commit)),
        Source::Tree(path) => path.clone(),
    }
}

/// `text` as a folder name that is safe in a Makefile too, where spaces and colons separate names.
fn folder_name(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_') { c } else { '-' };
    text.chars().take(60).map(plain).collect::<String>().trim_matches(['-', '.']).to_owned()
}

#[cfg(test)]
mod tests;
