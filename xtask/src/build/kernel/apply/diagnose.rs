//! What is the matter with a patch that does not apply: each answer has its test, and nothing is guessed.

use std::collections::BTreeSet;

use lab_core::series::misfit::{Cause, Misfit, Written};

use super::{Failed, versions};
use crate::lab::process::{self, git};

/// Folders that are tried for a patch that was made in one of them.
const MOST_FOLDERS: usize = 50;

/// What git read of the patch.
#[derive(Clone, Copy)]
pub(super) enum Read<'a> {
    /// Everything; it failed at this file.
    To(&'a str),
    /// Not even the names of its files.
    Nothing,
}

/// The cause, and what is known of the version that the series was written for.
///
/// # Errors
/// If git cannot be asked.
pub(super) fn misfit(failed: &Failed<'_>, read: Read<'_>) -> anyhow::Result<Misfit> {
    Ok(Misfit { cause: failed.cause(read)?, versions: versions::of(failed)? })
}

impl Failed<'_> {
    fn cause(&self, read: Read<'_>) -> anyhow::Result<Cause> {
        if let Read::To(path) = read
            && let Some(cause) = self.made(path)?
        {
            return Ok(cause);
        }
        if let Some(cause) = self.paths()? {
            return Ok(cause);
        }
        let Read::To(path) = read else { return Ok(Cause::Unknown) };
        if self.would(&["--ignore-whitespace"])? {
            return Ok(Cause::WhiteSpace);
        }
        if let Some(cause) = self.files(path)? {
            return Ok(cause);
        }
        for lines in [2, 1] {
            if self.would(&[&format!("-C{lines}")])? {
                return Ok(Cause::LessContext(lines));
            }
        }
        Ok(Cause::Unknown)
    }

    /// Whether the patch would apply with these options of `git apply`.
    fn would(&self, options: &[&str]) -> anyhow::Result<bool> {
        let apply = git::git(self.sh, self.work_tree).args(["apply", "--cached", "--check"]).args(options);
        Ok(process::output_of_input(apply, without_returns(self.patch.as_mail()))?.status.success())
    }

    /// Whether the change is there already.
    fn made(&self, path: &str) -> anyhow::Result<Option<Cause>> {
        let reverse = "--reverse";
        if !self.would(&[reverse])? {
            let there = self.would(&[reverse, &format!("--include={path}")])?;
            return Ok(there.then(|| Cause::PartlyThere(path.to_owned())));
        }
        let index_of = |commit: &str| {
            process::read(git::git(self.sh, self.work_tree).args(["read-tree", commit])).map(drop)
        };
        index_of(&self.base.tree.base_commit)?;
        let in_source = self.would(&[reverse])?;
        index_of("HEAD")?;
        Ok(Some(if in_source { Cause::InSource } else { Cause::MadeBefore }))
    }

    /// Whether its paths start elsewhere than at the top of the source, with `a/` and `b/` in front.
    fn paths(&self) -> anyhow::Result<Option<Cause>> {
        if self.would(&["-p0"])? {
            return Ok(Some(Cause::NoPrefix));
        }
        for parts in [2, 3] {
            if self.would(&[&format!("-p{parts}")])? {
                return Ok(Some(Cause::LongPrefix(parts)));
            }
        }
        let text = String::from_utf8_lossy(&self.patch.text);
        let named = old_paths(&text);
        let stripped: Option<Vec<&str>> =
            named.iter().map(|path| path.split_once('/').map(|(_, rest)| rest)).collect();
        for (paths, option) in stripped.map(|paths| (paths, "-p1")).into_iter().chain([(named, "-p0")]) {
            for folder in self.folders(&paths)?.into_iter().take(MOST_FOLDERS) {
                if self.would(&[option, &format!("--directory={folder}")])? {
                    return Ok(Some(Cause::InFolder(folder)));
                }
            }
        }
        Ok(None)
    }

    /// The folders below which all of these files are.
    fn folders(&self, paths: &[&str]) -> anyhow::Result<BTreeSet<String>> {
        let mut common: Option<BTreeSet<String>> = None;
        for path in paths {
            let list =
                git::git(self.sh, self.work_tree).args(["ls-files", "--", &format!(":(glob)**/{path}")]);
            let listed = process::read(list)?;
            let folders = listed.lines().filter_map(|file| file.strip_suffix(path)?.strip_suffix('/'));
            let folders: BTreeSet<String> = folders.map(str::to_owned).collect();
            common = Some(match common {
                Some(common) => common.intersection(&folders).cloned().collect(),
                None => folders,
            });
        }
        Ok(common.unwrap_or_default())
    }

    /// Whether its files are those that it was written for.
    fn files(&self, path: &str) -> anyhow::Result<Option<Cause>> {
        let all = |commit: &str, written: &[Written]| -> anyhow::Result<bool> {
            let count = versions::fitting(self.sh, self.work_tree, commit, written)?.len();
            Ok(count > 0 && count == written.len())
        };
        if all("HEAD", &self.patch.written_for())? {
            return Ok(Some(Cause::Edited));
        }
        let changed = self.patch.written_for().iter().any(|written| written.path == path);
        let before = changed && all(self.before, &self.series.written_for())?;
        Ok(before.then(|| Cause::OtherBefore(path.to_owned())))
    }
}

/// Without the carriage returns that a mail adds to the ends of lines.
fn without_returns(mail: Vec<u8>) -> Vec<u8> {
    let ends_line = |at: usize| mail[at] == b'\r' && mail.get(at + 1) == Some(&b'\n');
    (0..mail.len()).filter(|at| !ends_line(*at)).map(|at| mail[at]).collect()
}

/// The files that are there before the patch, as they are called in it.
fn old_paths(text: &str) -> Vec<&str> {
    let pairs = text.lines().zip(text.lines().skip(1)).filter(|(_, next)| next.starts_with("+++ "));
    let names = pairs.filter_map(|(line, _)| line.strip_prefix("--- ")?.split('\t').next());
    names.map(str::trim).filter(|name| *name != "/dev/null").collect()
}
