//! What the campaigns of a series say, each read once.

use std::collections::{BTreeMap, BTreeSet};

use lab_core::campaign::{Campaign, WatchedCommit};
use lab_core::comparison::history::{
    Difference, Figure, History, HistoryLink, Link, Point, RowName, difference, figures, threshold, unlike,
};
use lab_core::text::digest::short;

use super::series::SeriesFolder;
use crate::campaign;

/// A difference, or why there is none.
type Said = Result<Difference, String>;

/// What was read so far.
#[derive(Default)]
pub(super) struct Seen {
    /// What was measured, by campaign.
    figures: BTreeMap<String, Vec<Figure>>,
    /// What differs, by the campaigns of two commits.
    differences: BTreeMap<(Vec<String>, Vec<String>), Said>,
    /// Commits that this process measured.
    pub(super) fresh: BTreeSet<String>,
}

impl Seen {
    /// What is between two commits that were measured.
    ///
    /// # Errors
    /// If a campaign cannot be read.
    pub(super) fn link(
        &mut self,
        folder: &SeriesFolder,
        line: &[WatchedCommit],
        before: usize,
        after: usize,
    ) -> anyhow::Result<Link> {
        let said = self.difference(folder, &line[before].commit, &line[after].commit)?;
        Ok(match said {
            Ok(difference) if difference.is_step() => Link::Step,
            Ok(_) => Link::Same,
            Err(_) => {
                let (left, right) = (self.begun(folder, &line[before])?, self.begun(folder, &line[after])?);
                let old = if left < right { before } else { after };
                // What this process has measured would come to the same once more.
                if self.fresh.contains(&line[old].commit) { Link::Same } else { Link::Again(old) }
            }
        })
    }

    /// What differs between two commits, by the newest of their campaigns that were made in the same way.
    fn difference(&mut self, folder: &SeriesFolder, before: &str, after: &str) -> anyhow::Result<Said> {
        let campaigns =
            |commit: &str| folder.file.commit(commit).map_or(Vec::new(), |of| of.campaigns.clone());
        let key = (campaigns(before), campaigns(after));
        if let Some(said) = self.differences.get(&key) {
            return Ok(said.clone());
        }
        let [left, right] = [&key.0, &key.1].map(|paths| load_all(folder, paths));
        let said = compared((short(before), &left?), (short(after), &right?))?;
        self.differences.insert(key, said.clone());
        Ok(said)
    }

    /// When the newest campaign of a commit was begun.
    fn begun(&self, folder: &SeriesFolder, commit: &WatchedCommit) -> anyhow::Result<Option<String>> {
        let newest = folder.file.commit(&commit.commit).and_then(|known| known.campaigns.last());
        newest.map(|path| Ok(campaign::load(&folder.path().join(path))?.file.begun)).transpose()
    }

    fn figures(&mut self, folder: &SeriesFolder, path: &str) -> anyhow::Result<Vec<Figure>> {
        if let Some(known) = self.figures.get(path) {
            return Ok(known.clone());
        }
        let of = figures(&campaign::load(&folder.path().join(path))?)?;
        self.figures.insert(path.to_owned(), of.clone());
        Ok(of)
    }

    /// The whole series.
    ///
    /// # Errors
    /// If a campaign cannot be read.
    pub(super) fn history(
        &mut self,
        folder: &SeriesFolder,
        line: &[WatchedCommit],
    ) -> anyhow::Result<History> {
        let known = |commit: &WatchedCommit| folder.file.commit(&commit.commit).unwrap_or(commit).clone();
        let line: Vec<WatchedCommit> = line.iter().map(known).collect();
        let (mut points, mut rows): (Vec<Point>, Vec<RowName>) = (Vec::new(), Vec::new());
        for commit in &line {
            let figures = match commit.campaigns.last() {
                Some(newest) => self.figures(folder, newest)?,
                None => Vec::new(),
            };
            rows.extend(
                figures
                    .iter()
                    .map(|figure| figure.row.clone())
                    .filter(|row| !rows.contains(row))
                    .collect::<Vec<_>>(),
            );
            points.push(Point { commit: commit.clone(), figures });
        }
        let measured: Vec<usize> =
            (0..line.len()).filter(|place| !line[*place].campaigns.is_empty()).collect();
        let mut links = Vec::new();
        for pair in measured.windows(2) {
            let [before, after] = [pair[0], pair[1]];
            let difference = self.difference(folder, &line[before].commit, &line[after].commit)?;
            links.push(HistoryLink { before, after, difference });
        }
        let is_gone = |of: &&WatchedCommit| {
            !of.campaigns.is_empty() && line.iter().all(|known| known.commit != of.commit)
        };
        let watched = &folder.file.watched;
        Ok(History {
            tree: watched.tree.clone(),
            branch: watched.branch.clone(),
            plan: watched.plan.clone(),
            threshold: self.threshold(folder, &line)?,
            whole: self.whole(folder, &line, &measured)?,
            gone: folder.file.commits.iter().filter(is_gone).cloned().collect(),
            points,
            rows,
            links,
        })
    }

    /// The newest commit that was measured against the oldest one that was measured in the same way.
    fn whole(
        &mut self,
        folder: &SeriesFolder,
        line: &[WatchedCommit],
        measured: &[usize],
    ) -> anyhow::Result<Option<(usize, usize, Difference)>> {
        let Some((&newest, older)) = measured.split_last() else { return Ok(None) };
        for &oldest in older {
            if let Ok(difference) = self.difference(folder, &line[oldest].commit, &line[newest].commit)? {
                return Ok(Some((oldest, newest, difference)));
            }
        }
        Ok(None)
    }

    /// From which change on a difference counts, as the newest campaign has it.
    fn threshold(&self, folder: &SeriesFolder, line: &[WatchedCommit]) -> anyhow::Result<String> {
        let Some(newest) = line.iter().rev().find_map(|of| of.campaigns.last()) else {
            return Ok("the threshold of lab.toml".to_owned());
        };
        Ok(threshold(&campaign::load(&folder.path().join(newest))?.file.plan))
    }
}

fn load_all(folder: &SeriesFolder, paths: &[String]) -> anyhow::Result<Vec<Campaign>> {
    // The newest first.
    paths.iter().rev().map(|path| campaign::load(&folder.path().join(path))).collect()
}

fn compared(
    (before, left): (&str, &[Campaign]),
    (after, right): (&str, &[Campaign]),
) -> anyhow::Result<Said> {
    let mut why = "one of them has no campaign".to_owned();
    for (place, newer) in right.iter().enumerate() {
        for (other, older) in left.iter().enumerate() {
            match unlike(&older.file, &newer.file)? {
                None => return difference((before, older), (after, newer)).map(Ok),
                Some(what) if place + other == 0 => {
                    why = format!("they were not measured in the same way ({what})")
                }
                Some(_) => {}
            }
        }
    }
    Ok(Err(why))
}
