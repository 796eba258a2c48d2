//! A range of commits as the mails that `git format-patch` makes of it.

use std::path::Path;

use anyhow::{Context as _, ensure};
use lab_core::text::suggest::quoted;
use xshell::{Cmd, Shell};

use crate::lab::process::{self, git};

/// Settings of the repository that would change the form of the patches, or run programs, and their opposites.
const FORM: [&str; 31] = [
    "--stdout",
    // A line of a message that looks like the start of a mail gets a mark, which is taken off again.
    "--pretty=mboxrd",
    "--encoding=UTF-8",
    "--no-encode-email-headers",
    "--numbered",
    "--start-number=1",
    "--subject-prefix=PATCH",
    "--zero-commit",
    "--abbrev=12",
    "--no-signature",
    "--no-cover-letter",
    "--no-attach",
    "--no-thread",
    "--no-base",
    "--no-from",
    "--no-to",
    "--no-cc",
    "--no-add-header",
    "--no-notes",
    "--no-show-signature",
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--no-relative",
    "--submodule=short",
    "--binary",
    "--unified=3",
    "--inter-hunk-context=0",
    "--diff-algorithm=default",
    "--src-prefix=a/",
    "--dst-prefix=b/",
];

/// A range that was read.
pub(super) struct CommitRange {
    /// The mails, in mboxrd form.
    pub(super) mailbox: Vec<u8>,
    /// The commits that it began and ended with.
    pub(super) description: String,
}

/// Reads the range `A..B` of `repository`; without B it ends at HEAD.
///
/// # Errors
/// If it is not a range of commits of that repository, is empty or holds merges.
pub(super) fn read(sh: &Shell, repository: &Path, range: &str) -> anyhow::Result<CommitRange> {
    let git = || own_git(sh, repository);
    let [first, last] = ends(sh, repository, range)?;
    let commits = format!("{first}..{last}");
    let merges = process::read(git().args(["rev-list", "--count", "--min-parents=2", &commits]))?;
    ensure!(merges == "0", "the range holds {merges} merges: rebase it, a series is a line of commits");
    let output = process::output(git().arg("format-patch").args(FORM).arg(&commits))?;
    ensure!(output.status.success(), "git format-patch: {}", process::messages(&output.stderr));
    ensure!(!output.stdout.is_empty(), "the range {} is empty: is A before B?", quoted(range));
    let description = format!("git commits {first}..{last}");
    Ok(CommitRange { mailbox: output.stdout, description })
}

/// The commit that the range begins behind: the one that both of its ends come from.
///
/// # Errors
/// If it is not a range of commits of that repository, or its ends have no such commit.
pub(crate) fn begin(sh: &Shell, repository: &Path, range: &str) -> anyhow::Result<String> {
    let [first, last] = ends(sh, repository, range)?;
    process::read(own_git(sh, repository).args(["merge-base", &first, &last]))
        .map_err(|_| anyhow::anyhow!("the ends of {} have no commit in common: is A right?", quoted(range)))
}

/// The branch that the range ends with, if its name says something.
pub(super) fn branch(sh: &Shell, repository: &Path, range: &str) -> Option<String> {
    let (_, to) = range.split_once("..")?;
    let to = if to.is_empty() { "HEAD" } else { to };
    let name = own_git(sh, repository).args(["rev-parse", "--symbolic-full-name", "--end-of-options", to]);
    let name = process::read(name).ok()?;
    let branch = name.lines().last()?.strip_prefix("refs/heads/")?;
    (!["main", "master"].contains(&branch)).then(|| branch.to_owned())
}

/// Nothing is fetched to look at commits.
fn own_git<'a>(sh: &'a Shell, repository: &Path) -> Cmd<'a> {
    git::git(sh, repository).env("GIT_NO_LAZY_FETCH", "1")
}

/// The commits that a range begins and ends with.
fn ends(sh: &Shell, repository: &Path, range: &str) -> anyhow::Result<[String; 2]> {
    let git = || own_git(sh, repository);
    process::read(git().args(["rev-parse", "--git-dir"]))
        .with_context(|| format!("opening the repository {}", repository.display()))?;
    let ends = range.split_once("..").filter(|(from, to)| !from.is_empty() && !to.starts_with('.'));
    let (from, to) =
        ends.with_context(|| format!("{} is not a range of commits: write A..B", quoted(range)))?;
    let resolve = |name: &str| {
        let name = if name.is_empty() { "HEAD" } else { name };
        let commit = format!("{name}^{{commit}}");
        process::read(git().args(["rev-parse", "--verify", "--quiet", "--end-of-options", &commit]))
            .map_err(|_| anyhow::anyhow!("there is no commit {} in {}", quoted(name), repository.display()))
    };
    Ok([resolve(from)?, resolve(to)?])
}
