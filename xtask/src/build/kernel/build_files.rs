//! The build files of a source, which say under which options a file is built.

use anyhow::{Context as _, bail, ensure};
use lab_core::kbuild::BuildFiles;
use lab_core::plan::Source;
use xshell::Shell;

use crate::build::source::{self, SourceIdentity, SourceTree, Tell};
use crate::lab::cache::Cache;
use crate::lab::process::{self, git};

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
