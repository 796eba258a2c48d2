//! What a series makes of the files that it changes, and which of their lines are its own.

use anyhow::{Context as _, ensure};
use lab_core::plan::Source;
use lab_core::series::Series;
use lab_core::series::mutants::{PatchedFile, added_lines};
use xshell::Shell;

use super::apply;
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
    let commits =
        |tree: &SourceTree| Some((apply::known(sh, tree, before)?, apply::known(sh, tree, series)?));
    let known = source::prepared(cache, identity)?.and_then(|tree| Some((commits(&tree)?, tree)));
    // Where the branches are there, nobody has to wait for a build to end.
    let ((old, new), tree) = match known {
        Some(known) => known,
        None => {
            let _lock = source::lock(cache, identity, tell)?;
            let tree = source::prepare(sh, cache, source, identity, tell)?;
            let old = apply::commit(sh, cache, &tree, before)?;
            ((old, apply::commit(sh, cache, &tree, series)?), tree)
        }
    };
    let compare =
        ["diff", "--unified=0", "--no-renames", "--no-color", "--no-ext-diff", "--diff-algorithm=myers"];
    let diff = process::read(git::git(sh, &tree.repository).args(compare).args([&old, &new]))
        .context("listing what the series changes")?;
    added_lines(&diff)
        .into_iter()
        .map(|(path, added)| Ok(PatchedFile { text: text(sh, &tree, &new, &path)?, path, added }))
        .collect()
}

/// A file of a commit, byte by byte.
fn text(sh: &Shell, tree: &SourceTree, commit: &str, path: &str) -> anyhow::Result<String> {
    let purpose = || format!("reading {path} as the series makes it");
    let show = git::git(sh, &tree.repository).args(["cat-file", "blob", &format!("{commit}:{path}")]);
    let output = process::output(show).with_context(purpose)?;
    ensure!(output.status.success(), "{}: {}", purpose(), process::messages(&output.stderr));
    String::from_utf8(output.stdout).with_context(purpose)
}
