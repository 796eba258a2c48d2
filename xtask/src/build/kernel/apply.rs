//! Series onto the source: a branch per list of series, made away from the tree that is built.
//!
//! The patches are applied in a second work tree that holds no files but those that git writes for them, so
//! that the files of the built tree keep their times until the branch is whole, and only those that differ
//! between two variants are written (and compiled) at all.

mod diagnose;
mod versions;

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};
use lab_core::plan::Source;
use lab_core::series::misfit::Cause;
use lab_core::series::{self, Patch, Series};
use xshell::Shell;

use self::diagnose::Read;
use crate::build::source::SourceTree;
use crate::lab::cache::Cache;
use crate::lab::digest;
use crate::lab::process::{self, git};

/// What series are put onto.
#[derive(Clone, Copy)]
pub(super) struct Base<'a> {
    /// Where other sources may be that a patch was written for.
    pub(super) cache: &'a Cache,
    /// As `lab.toml` names it.
    pub(super) source: &'a Source,
    /// The same, prepared.
    pub(super) tree: &'a SourceTree,
}

/// A patch, and where it is tried; or was, if it did not apply.
#[derive(Clone, Copy)]
struct Failed<'a> {
    sh: &'a Shell,
    base: Base<'a>,
    /// Its index holds what comes before the patch.
    work_tree: &'a Path,
    /// What comes before the series.
    before: &'a str,
    series: &'a Series,
    patch: &'a Patch,
}

/// The error of a patch that does not apply: series, patch, file, hunk and cause.
#[derive(Debug)]
pub(crate) struct Refused(String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Refused {}

/// The commit of the source with `series` applied; made if there is none yet.
///
/// # Errors
/// [`Refused`] if a patch does not apply. Nothing is left of the attempt.
pub(super) fn commit(sh: &Shell, base: Base<'_>, series: &[Series]) -> anyhow::Result<String> {
    let Base { cache, tree, .. } = base;
    if series.is_empty() {
        return Ok(tree.base_commit.clone());
    }
    let branch = branch(series);
    if let Some(commit) = known(sh, tree, series) {
        return Ok(commit);
    }
    let prefix = format!("am-{}-", tree.key);
    cache.sweep(&prefix)?;
    process::read(git::git(sh, &tree.repository).args(["worktree", "prune"]))
        .context("removing old work trees")?;
    let folder = cache.temporary_folder(&prefix)?;
    let work_tree = folder.path().join("tree");
    let result = apply_all(sh, base, &work_tree, series);
    drop(folder);
    process::read(git::git(sh, &tree.repository).args(["worktree", "prune"]))
        .context("removing the work tree")?;
    let commit = result?;
    process::read(git::git(sh, &tree.repository).args(["update-ref", &branch, &commit]))
        .context("naming the branch")?;
    Ok(commit)
}

/// Brings the tree that is built to `commit`; files that are equal keep their times.
///
/// # Errors
/// If git fails.
pub(super) fn checkout(sh: &Shell, tree: &SourceTree, commit: &str) -> anyhow::Result<()> {
    let lock = tree.repository.join(".git/index.lock");
    let was_interrupted = lock.exists();
    if was_interrupted {
        fs::remove_file(&lock).with_context(|| format!("removing {}", lock.display()))?;
    }
    process::read(
        git::git(sh, &tree.repository).args(["checkout", "--quiet", "--force", "--detach", commit]),
    )
    .with_context(|| format!("checking out {commit}"))?;
    if was_interrupted {
        // Files of a variant that the interrupted checkout had written but not noted.
        process::read(git::git(sh, &tree.repository).args(["clean", "--quiet", "-ffdx"]))
            .context("cleaning the tree")?;
    }
    Ok(())
}

/// The commit of a list of series that has a branch.
pub(super) fn known(sh: &Shell, tree: &SourceTree, series: &[Series]) -> Option<String> {
    if series.is_empty() {
        return Some(tree.base_commit.clone());
    }
    let verify = ["rev-parse", "--quiet", "--verify", &format!("{}^{{commit}}", branch(series))];
    process::read(git::git(sh, &tree.repository).args(verify)).ok()
}

/// The branch of a list of series.
fn branch(series: &[Series]) -> String {
    let parts = series.iter().fold(digest::Parts::default(), |parts, series| {
        parts.with("series", &series.name).with("patches", &series.digest)
    });
    format!("refs/heads/variant/{}", digest::short(&parts.finish()))
}

fn apply_all(sh: &Shell, base: Base<'_>, work_tree: &Path, series: &[Series]) -> anyhow::Result<String> {
    let tree = base.tree;
    // What other variants begin with is not applied once more.
    let begun = (0..series.len()).rev().find_map(|count| Some((count, known(sh, tree, &series[..count])?)));
    let (applied, commit) = begun.unwrap_or_else(|| (0, tree.base_commit.clone()));
    let add =
        git::git(sh, &tree.repository).args(["worktree", "add", "--quiet", "--no-checkout", "--detach"]);
    process::read(add.arg(work_tree).arg(&commit)).context("making a work tree for the patches")?;
    process::read(git::git(sh, work_tree).args(["read-tree", "HEAD"]))
        .context("reading the source's index")?;
    let head = || process::read(git::git(sh, work_tree).args(["rev-parse", "HEAD"]));
    for series in &series[applied..] {
        let before = head()?;
        for patch in &series.patches {
            apply(&Failed { sh, base, work_tree, before: &before, series, patch })?;
        }
        let compare = ["diff", "--raw", "-z", "--no-renames", "--no-abbrev", &tree.base_commit, "HEAD"];
        let raw = process::read(git::git(sh, work_tree).args(compare))
            .context("listing what the patches changed")?;
        series::check_changes(&raw, |object| {
            process::read(git::git(sh, work_tree).args(["cat-file", "blob", object]))
        })
        .with_context(|| format!("series {} is not applied", series.name))?;
    }
    head()
}

/// Applies a patch. What is given is what is known if it fails.
fn apply(attempt: &Failed<'_>) -> anyhow::Result<()> {
    let &Failed { sh, work_tree, series, patch, .. } = attempt;
    let mail = patch.as_mail();
    // A mail with CR at its line ends had them added on its way; else they belong to the files.
    let added_by_mail = mail.split(|byte| *byte == b'\n').next().is_some_and(|line| line.ends_with(b"\r"));
    let carriage_returns = if added_by_mail { "--no-keep-cr" } else { "--keep-cr" };
    let am = ["am", "--quiet", "--no-3way", "--no-gpg-sign", "--no-scissors", "--whitespace=nowarn"];
    let command =
        git::git(sh, work_tree).args(am).args(["--committer-date-is-author-date", carriage_returns]);
    let output = process::output_of_input(command, mail)?;
    if !output.status.success() {
        let messages = String::from_utf8_lossy(&output.stderr).into_owned();
        let why = explain(attempt, &messages)?;
        return Err(Refused(format!("applying series {}: patch {} {why}", series.name, patch.file)).into());
    }
    Ok(())
}

/// Where the patch does not apply, why, and what to do.
fn explain(attempt: &Failed<'_>, messages: &str) -> anyhow::Result<String> {
    let source = &attempt.base.tree.identity;
    if let Some((place, path)) = place(attempt.patch, messages) {
        return Ok(place + &diagnose::misfit(attempt, Read::To(path))?.text(source));
    }
    let messages = process::messages(messages.as_bytes());
    let misfit = diagnose::misfit(attempt, Read::Nothing)?;
    if misfit.cause == Cause::Unknown {
        bail!(
            "applying series {}: patch {} is not understood by git: {messages}; make it again with `git format-patch`",
            attempt.series.name,
            attempt.patch.file
        );
    }
    Ok(format!("does not apply{}", misfit.text(source)))
}

/// git's messages as the end of a sentence that says which hunk of which file is meant, and that file.
fn place<'a>(patch: &Patch, messages: &'a str) -> Option<(String, &'a str)> {
    for line in messages.lines().filter_map(|line| line.strip_prefix("error: ")) {
        if let Some((path, old_line)) =
            line.strip_prefix("patch failed: ").and_then(|rest| rest.rsplit_once(':'))
        {
            let hunk =
                old_line.parse().ok().and_then(|old_line| series::hunk_number(&patch.text, path, old_line));
            let hunk = hunk.map_or_else(String::new, |number| format!("hunk {number} "));
            return Some((format!("does not apply to {path} ({hunk}at line {old_line})"), path));
        }
        if let Some(path) = line.strip_suffix(": does not exist in index") {
            return Some((format!("changes {path}, which the source does not have"), path));
        }
        if let Some(path) = line.strip_suffix(": already exists in index") {
            return Some((format!("adds {path}, which the source already has"), path));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let text = "--- a/x.c\n+++ b/x.c\n@@ -3,1 +3,1 @@\n-a\n+b\n@@ -2958,1 +2958,1 @@ f\n-c\n+d\n";
        let patch = Patch { file: "0004-x.patch".into(), subject: "x".into(), text: text.into() };
        let check = |messages: &str, expected: Option<(&str, &str)>| {
            let place = place(&patch, messages);
            assert_eq!(place.as_ref().map(|(place, path)| (place.as_str(), *path)), expected);
        };
        check(
            "error: patch failed: x.c:2958\nerror: x.c: patch does not apply\nhint: use\n",
            Some(("does not apply to x.c (hunk 2 at line 2958)", "x.c")),
        );
        check("error: patch failed: y.c:7\n", Some(("does not apply to y.c (at line 7)", "y.c")));
        check(
            "error: y.c: does not exist in index\n",
            Some(("changes y.c, which the source does not have", "y.c")),
        );
        check(
            "error: y.c: already exists in index\n",
            Some(("adds y.c, which the source already has", "y.c")),
        );
        check("error: corrupt patch at line 7\nhint: x\n", None);
    }
}
