//! Another commit of the repository that a source is a commit of. It is fetched into the source's own repository, so that its
//! kernel is built with the objects of the source's.

use std::path::Path;

use anyhow::{Context as _, bail};
use lab_core::plan::{Revision, Source};
use lab_core::text::kconfig::KernelVersion;
use xshell::Shell;

use super::{SourceTree, repository, text, version};
use crate::lab::process::{self, git};

/// The prepared source at another commit, which is fetched if it is not there. The caller holds the lock of the source.
///
/// # Errors
/// If the source is no commit of a repository, or that does not have the other one.
pub(crate) fn at(
    sh: &Shell,
    source: &Source,
    tree: SourceTree,
    revision: &Revision,
) -> anyhow::Result<SourceTree> {
    let commit = &revision.commit;
    repository::check_commit(commit)?;
    let is_there = ["rev-parse", "--quiet", "--verify", &format!("{commit}^{{tree}}")];
    if process::read(git::git(sh, &tree.repository).args(is_there)).is_err() {
        let name = format!("refs/revisions/{commit}");
        repository::fetch(sh, repository_of(source)?, commit, &name, &tree.repository)?;
    }
    let kernel_version = version_in(sh, &tree.repository, commit)?;
    Ok(SourceTree { base_commit: commit.clone(), kernel_version, ..tree })
}

/// Of which version another commit is, as its repository on this machine says.
///
/// # Errors
/// As [`at`].
pub(crate) fn version_at(sh: &Shell, source: &Source, revision: &Revision) -> anyhow::Result<KernelVersion> {
    let version = version_in(sh, Path::new(repository_of(source)?), &revision.commit)?;
    version::number(&version)
}

fn repository_of(source: &Source) -> anyhow::Result<&str> {
    match source {
        Source::Git { repository, .. } => Ok(repository),
        Source::Debian { .. } | Source::Tarball { .. } | Source::Tree(_) => {
            bail!("{} is no commit of a repository", text(source))
        }
    }
}

fn version_in(sh: &Shell, repository: &Path, commit: &str) -> anyhow::Result<String> {
    let show = git::git(sh, repository).args(["cat-file", "blob", &format!("{commit}:Makefile")]);
    let makefile = process::read(show).with_context(|| format!("reading the Makefile of {commit}"))?;
    version::of_makefile(&makefile).with_context(|| format!("commit {commit}"))
}
