//! Which version a series was written for: the blobs of its `index` lines and its `base-commit`, looked up in the sources
//! that are there. Their repositories know the blob of each file; the repository of a git source knows its tags as well.

use std::path::Path;

use lab_core::plan::Source;
use lab_core::series::misfit::{Fit, FitsBy, Versions, Written};
use xshell::Shell;

use super::Failed;
use crate::build::source;
use crate::lab::process::{self, git};

/// Tags of a repository that are looked at, the newest first.
const MOST_TAGS: usize = 2000;

/// What is known of the version that a series was written for.
///
/// # Errors
/// If git cannot be asked.
pub(super) fn of(failed: &Failed<'_>) -> anyhow::Result<Versions> {
    let written = failed.series.written_for();
    let here = fitting(failed.sh, failed.work_tree, failed.before, &written)?;
    let other = written.iter().find(|file| !here.contains(file)).map(|file| file.path.clone());
    let mut better = None;
    // Where every file is as it was, no other source can be nearer.
    if other.is_some() || written.is_empty() {
        better = in_cache(failed, &written)?;
        let all = FitsBy::Files(written.len());
        if better.as_ref().is_none_or(|fit| fit.by != all && fit.by != FitsBy::Commit) {
            better = in_repository(failed, &written)?.or(better);
        }
    }
    let better = better.filter(|fit| match fit.by {
        FitsBy::Commit => true,
        FitsBy::Files(files) => files > here.len(),
    });
    Ok(Versions { files: written.len(), here: here.len(), other, better })
}

/// Those of the files that are so in a commit.
///
/// # Errors
/// If git cannot be asked.
pub(super) fn fitting<'a>(
    sh: &Shell,
    repository: &Path,
    commit: &str,
    written: &'a [Written],
) -> anyhow::Result<Vec<&'a Written>> {
    let blobs = blobs(sh, repository, &[commit], written)?;
    Ok(written
        .iter()
        .zip(blobs)
        .filter(|(file, blob)| file.is(blob.as_deref()))
        .map(|(file, _)| file)
        .collect())
}

/// The blobs of the files in each of the commits, one commit after the other.
fn blobs(
    sh: &Shell,
    repository: &Path,
    commits: &[&str],
    written: &[Written],
) -> anyhow::Result<Vec<Option<String>>> {
    let names =
        commits.iter().flat_map(|commit| written.iter().map(move |file| format!("{commit}:{}\n", file.path)));
    let ask = git::git(sh, repository).args(["cat-file", "--batch-check=%(objectname)"]);
    // The objects of a partial clone that are not there would be fetched.
    let text = process::read_of_input(ask.env("GIT_NO_LAZY_FETCH", "1"), names.collect::<String>())?;
    let blob = |line: &str| (!line.contains(' ')).then(|| line.to_owned());
    Ok(text.lines().map(blob).collect())
}

/// The source in the cache that fits best.
fn in_cache(failed: &Failed<'_>, written: &[Written]) -> anyhow::Result<Option<Fit>> {
    let mut best: Option<Fit> = None;
    for tree in source::all_prepared(failed.base.cache) {
        if tree.key == failed.base.tree.key {
            continue;
        }
        let source = format!("{} (in the cache)", tree.identity);
        if failed.series.base_commit() == Some(&tree.base_commit) {
            return Ok(Some(Fit { source, by: FitsBy::Commit }));
        }
        // One that cannot be read, or is being removed, fits nothing.
        let files =
            fitting(failed.sh, &tree.repository, &tree.base_commit, written).map_or(0, |files| files.len());
        best = nearer(best, source, files);
    }
    Ok(best)
}

fn nearer(best: Option<Fit>, source: String, files: usize) -> Option<Fit> {
    let least = match best.as_ref().map(|fit| fit.by) {
        Some(FitsBy::Commit) => usize::MAX,
        Some(FitsBy::Files(files)) => files,
        None => 0,
    };
    if files > least { Some(Fit { source, by: FitsBy::Files(files) }) } else { best }
}

/// The commit of a git source's own repository that fits best: the one that the series names, else a tag.
fn in_repository(failed: &Failed<'_>, written: &[Written]) -> anyhow::Result<Option<Fit>> {
    let Source::Git { repository, .. } = failed.base.source else { return Ok(None) };
    let path = Path::new(repository.strip_prefix("file://").unwrap_or(repository));
    if !path.is_dir() {
        return Ok(None);
    }
    let ask = |arguments: &[&str]| process::read(git::git(failed.sh, path).args(arguments));
    let named =
        |commit: &str, name: &str| format!("{{ git = {repository:?}, commit = \"{commit}\" }} ({name})");
    if let Some(commit) = failed.series.base_commit()
        && ask(&["cat-file", "-e", &format!("{commit}^{{commit}}")]).is_ok()
        && commit != failed.base.tree.base_commit
    {
        let name = ask(&["describe", "--tags", "--always", commit]).unwrap_or_default();
        return Ok(Some(Fit { source: named(commit, &name), by: FitsBy::Commit }));
    }
    let listed = ask(&["for-each-ref", "--sort=-version:refname", "--format=%(refname)", "refs/tags"])?;
    let tags: Vec<&str> = listed.lines().take(MOST_TAGS).collect();
    if tags.is_empty() || written.is_empty() {
        return Ok(None);
    }
    let blobs = blobs(failed.sh, path, &tags, written)?;
    let mut best: Option<(usize, &str)> = None;
    for (tag, blobs) in tags.iter().zip(blobs.chunks(written.len())) {
        let files = written.iter().zip(blobs).filter(|(file, blob)| file.is(blob.as_deref())).count();
        if files > best.map_or(0, |(files, _)| files) {
            best = Some((files, tag));
        }
    }
    let Some((files, tag)) = best else { return Ok(None) };
    let commit = ask(&["rev-parse", "--verify", &format!("{tag}^{{commit}}")])?;
    let name = tag.trim_start_matches("refs/tags/");
    Ok(Some(Fit { source: named(&commit, name), by: FitsBy::Files(files) }))
}
