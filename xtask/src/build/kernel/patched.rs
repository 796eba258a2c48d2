//! What a series makes of the files that it changes, and which of their lines are its own.

use std::collections::BTreeSet;

use anyhow::{Context as _, bail, ensure};
use lab_core::plan::Source;
use lab_core::series::Series;
use lab_core::series::mutants::{PatchedFile, added_lines};
use xshell::Shell;

use super::apply::{self, Base};
use crate::build::source::{self, SourceIdentity, SourceTree, Tell};
use crate::lab::cache::Cache;
use crate::lab::process::{self, git};

/// The C files that the last one of `series` changes, as they are with all of them.
///
/// # Errors
/// If a patch does not apply, or git fails.
pub(crate) fn patched_files(
    sh: &Shell,
    cache: &Cache,
    (source, identity): (&Source, &SourceIdentity),
    series: &[Series],
    tell: Tell,
) -> anyhow::Result<Vec<PatchedFile>> {
    let (_, before) = series.split_last().context("there is no series")?;
    let (commits, tree) = commits(sh, cache, (source, identity), &[before, series], tell)?;
    let [old, new] = &commits[..] else { bail!("two kernels have {} commits", commits.len()) };
    let compare =
        ["diff", "--unified=0", "--no-renames", "--no-color", "--no-ext-diff", "--diff-algorithm=myers"];
    let diff = process::read(git::git(sh, &tree.repository).args(compare).args([old, new]))
        .context("listing what the series changes")?;
    added_lines(&diff)
        .into_iter()
        .map(|(path, added)| Ok(PatchedFile { text: text(sh, &tree, new, &path)?, path, added }))
        .collect()
}

/// Those of the files at `paths` that are there with all of `series`.
///
/// # Errors
/// If a patch does not apply, or git fails.
pub(crate) fn files(
    sh: &Shell,
    cache: &Cache,
    (source, identity): (&Source, &SourceIdentity),
    series: &[Series],
    paths: &[&str],
    tell: Tell,
) -> anyhow::Result<Vec<PatchedFile>> {
    let (commits, tree) = commits(sh, cache, (source, identity), &[series], tell)?;
    let commit = commits.first().context("a kernel has a commit")?;
    let list = git::git(sh, &tree.repository).args(["ls-tree", "--name-only", commit, "--"]).args(paths);
    let there = process::read(list).context("listing the source")?;
    there
        .lines()
        .map(|path| {
            let text = text(sh, &tree, commit, path)?;
            Ok(PatchedFile { path: path.to_owned(), text, added: BTreeSet::new() })
        })
        .collect()
}

/// Applies `series`, if that was not done before.
///
/// # Errors
/// If a patch does not apply: the inner one, with place and cause. If the source cannot be had.
pub(crate) fn applied(
    sh: &Shell,
    cache: &Cache,
    source: (&Source, &SourceIdentity),
    series: &[Series],
    tell: Tell,
) -> anyhow::Result<()> {
    commits(sh, cache, source, &[series], tell).map(drop)
}

/// The commits with all of each of these series, and the tree that has them.
fn commits(
    sh: &Shell,
    cache: &Cache,
    (source, identity): (&Source, &SourceIdentity),
    kernels: &[&[Series]],
    tell: Tell,
) -> anyhow::Result<(Vec<String>, SourceTree)> {
    let known = |tree: &SourceTree| kernels.iter().map(|series| apply::known(sh, tree, series)).collect();
    // Where the branches are there, nobody has to wait for a build to end.
    if let Some(tree) = source::prepared(cache, identity)?
        && let Some(commits) = known(&tree)
    {
        return Ok((commits, tree));
    }
    let _lock = source::lock(cache, identity, tell)?;
    let tree = source::prepare(sh, cache, source, identity, tell)?;
    let base = Base { cache, source, tree: &tree };
    let commits = kernels.iter().map(|series| apply::commit(sh, base, series)).collect::<Result<_, _>>()?;
    Ok((commits, tree))
}

/// A file of a commit, byte by byte.
fn text(sh: &Shell, tree: &SourceTree, commit: &str, path: &str) -> anyhow::Result<String> {
    let purpose = || format!("reading {path} as the series makes it");
    let show = git::git(sh, &tree.repository).args(["cat-file", "blob", &format!("{commit}:{path}")]);
    let output = process::output(show).with_context(purpose)?;
    ensure!(output.status.success(), "{}: {}", purpose(), process::messages(&output.stderr));
    String::from_utf8(output.stdout).with_context(purpose)
}
