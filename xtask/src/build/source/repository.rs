//! The git repository that a source becomes, and one commit fetched into it.

use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use xshell::Shell;

use crate::lab::digest;
use crate::lab::output::progress::{At, Step};
use crate::lab::process::git::git;
use crate::lab::process::read;

/// Makes `tree` an empty repository whose attributes cannot change what a checkout writes.
///
/// # Errors
/// If git fails.
pub(super) fn init(sh: &Shell, tree: &Path) -> anyhow::Result<()> {
    read(git(sh, tree).args(["init", "--quiet", "--template=", "--initial-branch=base"]))?;
    let info = tree.join(".git/info");
    std::fs::create_dir_all(&info)
        .and_then(|()| {
            std::fs::write(info.join("attributes"), "* -text -ident -filter -working-tree-encoding\n")
        })
        .with_context(|| format!("writing {}", info.display()))
}

/// Writes the files of branch `base` into the work tree and gives its commit.
///
/// # Errors
/// If git fails.
pub(super) fn checkout_base(sh: &Shell, tree: &Path) -> anyhow::Result<String> {
    read(git(sh, tree).args(["checkout", "--quiet", "--force", "base"])).context("writing the files")?;
    read(git(sh, tree).args(["rev-parse", "--verify", "base^{commit}"]))
}

/// Checks that `commit` is a full commit id: a branch or a short id may mean another commit tomorrow.
///
/// # Errors
/// If it is not.
pub(super) fn check_commit(commit: &str) -> anyhow::Result<()> {
    let full = commit.len() == 40 && commit.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    ensure!(full, "{commit:?} is not a full commit id: give all 40 digits (`git rev-parse {commit}`)");
    Ok(())
}

/// Fetches one commit without its history into the empty folder `tree` and checks it out.
///
/// # Errors
/// If the repository cannot be reached or does not have the commit.
pub(super) fn fetch_commit(
    sh: &Shell,
    repository: &str,
    commit: &str,
    tree: &Path,
) -> anyhow::Result<String> {
    check_commit(commit)?;
    if repository.starts_with('-') {
        bail!("{repository:?} is not a repository: give a path or a URL");
    }
    init(sh, tree)?;
    let step = Step::begin(&format!("fetching commit {}", digest::short(commit)));
    fetch(sh, repository, commit, "refs/heads/base", tree)?;
    step.show(At::doing("writing the files"));
    checkout_base(sh, tree)
}

/// Fetches one commit without its history into the repository `tree`, under this name. What that has already is not fetched once
/// more.
///
/// # Errors
/// If the repository cannot be reached or does not have the commit.
pub(super) fn fetch(
    sh: &Shell,
    repository: &str,
    commit: &str,
    name: &str,
    tree: &Path,
) -> anyhow::Result<()> {
    let local = std::fs::canonicalize(repository).ok();
    let repository = local.as_deref().and_then(Path::to_str).unwrap_or(repository);
    // A depth is only honoured for URLs.
    let url =
        if repository.starts_with('/') { format!("file://{repository}") } else { repository.to_owned() };
    let refspec = format!("{commit}:{name}");
    let mut fetch = git(sh, tree).args(["fetch", "--quiet", "--no-tags", "--update-head-ok", "--depth=1"]);
    if url.starts_with("file://") {
        // The program at the other end takes settings neither from our command line nor from our environment. It
        // refuses repositories of other users, although it only reads them.
        fetch = fetch.arg("--upload-pack=git -c 'safe.directory=*' upload-pack");
    }
    read(fetch.args([&url, &refspec])).with_context(|| {
        format!("fetching commit {commit} from {repository} (a shallow or partial clone may not have it)")
    })?;
    Ok(())
}
