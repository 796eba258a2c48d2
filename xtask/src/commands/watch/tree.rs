//! The kernel tree that is watched: its commits, read and never changed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use lab_core::campaign::WatchedCommit;
use lab_core::text::suggest::quoted;
use xshell::{Cmd, Shell};

use crate::lab::process::{self, git};

/// More commits than these are no series: so many are between two releases.
const MOST_COMMITS: usize = 20_000;

/// What is asked of a commit: id, tree, date, author, subject, with a byte behind each that none of them has.
const FORM: &str = "--format=%H%x00%T%x00%cI%x00%an%x00%s%x00";

/// A repository on this machine.
pub(super) struct Tree<'a> {
    sh: &'a Shell,
    path: PathBuf,
}

impl<'a> Tree<'a> {
    /// Opens it.
    ///
    /// # Errors
    /// If it is no repository.
    pub(super) fn open(sh: &'a Shell, path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let whole = std::fs::canonicalize(path)
            .with_context(|| format!("--git: opening {shown}; give the folder of a clone on this machine"))?;
        ensure!(whole.to_str().is_some(), "--git: {shown} is not UTF-8; give the repository another name");
        let tree = Tree { sh, path: whole };
        process::read(tree.git().args(["rev-parse", "--git-dir"]))
            .with_context(|| format!("--git: {shown} is no git repository; give the folder of a clone"))?;
        Ok(tree)
    }

    /// Where it is, from the root on.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn git(&self) -> Cmd<'a> {
        git::git(self.sh, &self.path).env("GIT_NO_LAZY_FETCH", "1")
    }

    /// The commit that a name stands for, in full.
    ///
    /// # Errors
    /// If there is none.
    pub(super) fn commit(&self, name: &str) -> anyhow::Result<String> {
        let wanted = format!("{name}^{{commit}}");
        let verify = ["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted];
        process::read(self.git().args(verify)).map_err(|_| {
            let (name, path, shallow) = (quoted(name), self.path.display(), self.shallow());
            anyhow::anyhow!(
                "there is no commit {name} in {path}{shallow}; `git -C {path} log --all` lists its commits"
            )
        })
    }

    /// The name of a branch, where that is HEAD the one that is checked out.
    ///
    /// # Errors
    /// If there is no such branch, tag or commit.
    pub(super) fn branch(&self, name: &str) -> anyhow::Result<String> {
        self.commit(name)?;
        let head = ["symbolic-ref", "--quiet", "--short", "HEAD"];
        let checked_out = || process::read(self.git().args(head)).ok();
        let is_head = name == "HEAD";
        Ok(is_head.then(checked_out).flatten().unwrap_or_else(|| name.to_owned()))
    }

    /// The commits of a branch along its first parents, the oldest first, from `base` on, which is the first.
    ///
    /// # Errors
    /// If `base` is not before the newest commit, or there are too many.
    pub(super) fn line(&self, base: &str, branch: &str) -> anyhow::Result<Vec<WatchedCommit>> {
        let newest = self.commit(branch)?;
        self.commit(base)?;
        let is_before = process::output(self.git().args(["merge-base", "--is-ancestor", base, &newest]))?;
        if !is_before.status.success() {
            bail!(
                "{base}, with which the series begins, is not in the history of {}{}; give a commit that is with --since",
                quoted(branch),
                self.shallow(),
            );
        }
        let range = format!("{base}..{newest}");
        let count = process::read(self.git().args(["rev-list", "--count", "--first-parent", &range]))?;
        let count: usize = count.parse().context("counting commits")?;
        ensure!(
            count <= MOST_COMMITS,
            "{count} commits are between {base} and {}, and {MOST_COMMITS} are allowed; give a later one with --since",
            quoted(branch)
        );
        let first = self.read(&["--max-count=1", base])?;
        let others = self.read(&["--first-parent", "--reverse", &range])?;
        Ok(first.into_iter().chain(others).collect())
    }

    fn read(&self, which: &[&str]) -> anyhow::Result<Vec<WatchedCommit>> {
        let form = ["log", "--no-color", "--no-show-signature", "--no-notes", "--encoding=UTF-8", FORM];
        let text = process::read(self.git().args(form).args(which)).context("reading the commits")?;
        commits(&text).context("reading the commits")
    }

    /// Commits that have a tag of this pattern.
    ///
    /// # Errors
    /// If no tag is like it.
    pub(super) fn tagged(&self, pattern: &str) -> anyhow::Result<BTreeSet<String>> {
        let form = "--format=%(if)%(*objectname)%(then)%(*objectname)%(else)%(objectname)%(end)";
        let listed = process::read(self.git().args(["tag", "--list", form, "--", pattern]))?;
        ensure!(
            !listed.is_empty(),
            "--tags: no tag of {} is like {}; `git -C {0} tag --list` lists them",
            self.path.display(),
            quoted(pattern)
        );
        Ok(listed.lines().map(str::to_owned).collect())
    }

    /// What else to say if something is missing.
    fn shallow(&self) -> &'static str {
        match process::read(self.git().args(["rev-parse", "--is-shallow-repository"])).as_deref() {
            Ok("true") => ", which is a shallow clone (`git fetch --unshallow` gets the rest)",
            Ok(_) | Err(_) => "",
        }
    }
}

/// The commits in what `git log` prints in [`FORM`].
fn commits(text: &str) -> anyhow::Result<Vec<WatchedCommit>> {
    let fields: Vec<&str> = text.split('\0').map(|field| field.trim_start_matches('\n')).collect();
    let (all, rest) = fields.as_chunks::<5>();
    ensure!(rest.iter().all(|field| field.is_empty()), "git printed a commit in part");
    let commit = |[commit, tree, committed, author, subject]: &[&str; 5]| WatchedCommit {
        commit: (*commit).to_owned(),
        tree: (*tree).to_owned(),
        committed: (*committed).to_owned(),
        author: (*author).to_owned(),
        subject: (*subject).to_owned(),
        campaigns: Vec::new(),
        does_not_build: None,
    };
    Ok(all.iter().map(commit).collect())
}

#[cfg(test)]
mod tests;
