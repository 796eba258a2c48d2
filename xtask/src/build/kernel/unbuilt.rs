//! What of a series is not built: the build files of the source with it, held against a configuration.

use anyhow::{Context as _, bail, ensure};
use lab_core::kbuild::{BuildFiles, Configuration};
use lab_core::plan::Source;
use lab_core::series::Series;
use lab_core::series::build_files::with_series;
use lab_core::series::unbuilt::{self, NotBuilt};
use xshell::Shell;

use super::build::{CONFIG, CONFIG_LIMIT_BYTES};
use super::folder::BuildFolder;
use super::{KernelRequest, Tools, apply, fragments, read_stored, request_digest};
use crate::build::source::{self, SourceIdentity, SourceTree, Tell};
use crate::lab::beneath;
use crate::lab::cache::Cache;
use crate::lab::process::{self, git};

/// What is known of a configuration.
#[derive(Clone, Debug)]
pub(crate) enum Configured {
    /// All of it, as the kernel's own tools made it.
    Resolved(String),
    /// What is asked for.
    Asked(String),
}

/// The configuration that the kernel of a request has or will have, as far as it is known without building anything: that of
/// the stored kernel, or what was last built with the same fragments.
///
/// # Errors
/// If the compiler is missing, or a fragment has a fault.
pub(crate) fn configured(sh: &Shell, cache: &Cache, request: &KernelRequest) -> anyhow::Result<Configured> {
    let digest = request_digest(request, &Tools::find(sh)?);
    if let Ok(kernel) = read_stored(&cache.join("kernels").join(&digest), &digest) {
        return Ok(Configured::Resolved(kernel.config()?));
    }
    let of_all = fragments::all_config(&fragments::parse(request.fragments, request.version)?);
    let own = fragments::all_config(&fragments::parse(request.own, request.version)?);
    if let Some(tree) = source::prepared(cache, request.identity)? {
        let objects = BuildFolder::of(&tree, &of_all).objects();
        if let Ok(bytes) = beneath::read(&objects, CONFIG, CONFIG_LIMIT_BYTES) {
            // The last kernel that was built there may have been one without it.
            return Ok(Configured::Resolved(String::from_utf8_lossy(&bytes).into_owned() + &own));
        }
    }
    Ok(Configured::Asked(of_all + &own))
}

/// What of `series` is not built with a configuration; nothing if the source is not there to be asked.
///
/// # Errors
/// If the source cannot be read.
pub(crate) fn not_built(
    sh: &Shell,
    cache: &Cache,
    identity: &SourceIdentity,
    series: &[Series],
    configured: &Configured,
) -> anyhow::Result<Vec<NotBuilt>> {
    if series.is_empty() {
        return Ok(Vec::new());
    }
    let Some(tree) = source::prepared(cache, identity)? else { return Ok(Vec::new()) };
    let files = match apply::known(sh, &tree, series) {
        Some(commit) => build_files(sh, &tree, &commit)?,
        None => with_series(build_files(sh, &tree, &tree.base_commit)?, series),
    };
    let (Configured::Resolved(config) | Configured::Asked(config)) = configured;
    Ok(unbuilt::not_built(series, &files, &Configuration::parse(config)))
}

/// The build files of a source; none if it is not unpacked, and is not to be, for which there is something to `tell`.
///
/// # Errors
/// If it cannot be prepared or read.
pub(crate) fn build_files_of_source(
    sh: &Shell,
    cache: &Cache,
    (source, identity): (&Source, &SourceIdentity),
    tell: Option<Tell>,
) -> anyhow::Result<Option<BuildFiles>> {
    let tree = match (source::prepared(cache, identity)?, tell) {
        (Some(tree), _) => tree,
        (None, None) => return Ok(None),
        (None, Some(tell)) => {
            let _lock = source::lock(cache, identity, tell)?;
            source::prepare(sh, cache, source, identity, tell)?
        }
    };
    build_files(sh, &tree, &tree.base_commit).map(Some)
}

/// The build files of a commit.
pub(super) fn build_files(sh: &Shell, tree: &SourceTree, commit: &str) -> anyhow::Result<BuildFiles> {
    let list = git::git(sh, &tree.repository).args(["ls-tree", "-r", "-z", "--name-only", commit]);
    let listed = process::read(list).context("listing the source")?;
    let paths: Vec<&str> =
        listed.split('\0').filter(|path| BuildFiles::is_one(path) && !path.contains('\n')).collect();
    let names = paths.iter().map(|path| format!("{commit}:{path}\n")).collect::<String>();
    let read = git::git(sh, &tree.repository).args(["cat-file", "--batch"]);
    let output = process::output_of_input(read, names)?;
    ensure!(output.status.success(), "reading the source: {}", process::messages(&output.stderr));
    let mut rest = output.stdout.as_slice();
    let mut files = Vec::new();
    for path in paths {
        let (text, after) = object(rest).with_context(|| format!("reading {path}"))?;
        files.push((path.to_owned(), String::from_utf8_lossy(text).into_owned()));
        rest = after;
    }
    Ok(BuildFiles::new(files))
}

/// The first object in what `git cat-file --batch` prints, and what comes behind it.
fn object(output: &[u8]) -> anyhow::Result<(&[u8], &[u8])> {
    let end = output.iter().position(|byte| *byte == b'\n').context("git ended early")?;
    let header = String::from_utf8_lossy(&output[..end]);
    let Some(bytes) = header.rsplit(' ').next().and_then(|bytes| bytes.parse::<usize>().ok()) else {
        bail!("git says {header:?}");
    };
    let (text, rest) = output[end + 1..].split_at_checked(bytes).context("git ended early")?;
    Ok((text, rest.get(1..).unwrap_or_default()))
}
