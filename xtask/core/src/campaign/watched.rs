//! A kernel tree that is watched: which commits there are, and which campaigns measured each.

use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};

/// The version of the file's form.
const VERSION: u32 = 1;

/// The file of a series of commits. All else follows from the tree and the campaigns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct WatchedFile {
    /// The version of its form.
    version: u32,
    /// What is watched.
    pub watched: Watched,
    /// The commit that it begins with: the source of all kernels, in full.
    pub base: String,
    /// Every commit that is or was in the series, in the order in which they were seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commits: Vec<WatchedCommit>,
}

/// What is watched, and what is run for each commit. Equal ones are one series.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Watched {
    /// The repository, an absolute path.
    pub tree: String,
    /// The branch, as the user names it.
    pub branch: String,
    /// If only commits with a tag are measured: the pattern of the tags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<String>,
    /// The commit that the user says it begins with, in full; none for the one that was the newest when it was first watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// The plan of `lab.toml`.
    pub plan: String,
    /// Its scenarios, if not all are run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scenarios: Vec<String>,
    /// Its workloads, if not all are run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workloads: Vec<String>,
    /// Boots in each scenario, if not as many as the plan says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boots: Option<u32>,
    /// The table that the probes of all kernels are held against, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behaviour: Option<String>,
}

/// A commit of the tree, and what became of its kernel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct WatchedCommit {
    /// In full.
    pub commit: String,
    /// The git tree of its files.
    pub tree: String,
    /// When it was committed, ISO 8601.
    pub committed: String,
    /// Who wrote it.
    pub author: String,
    /// Its subject.
    pub subject: String,
    /// The campaigns that measured it, from the folder of the series on, the oldest first. There are several if the lab changed
    /// in between.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub campaigns: Vec<String>,
    /// Why there is no kernel of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub does_not_build: Option<String>,
}

impl WatchedFile {
    /// A series that begins with `base`.
    pub fn new(watched: Watched, base: String) -> Self {
        WatchedFile { version: VERSION, watched, base, commits: Vec::new() }
    }

    /// Its text.
    ///
    /// # Errors
    /// If it cannot be written as TOML.
    pub fn to_text(&self) -> anyhow::Result<String> {
        toml::to_string_pretty(self).context("writing the watched commits as TOML")
    }

    /// Reads its text.
    ///
    /// # Errors
    /// If it is not of this form.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let table: toml::Table = text.parse()?;
        let version = table.get("version").and_then(toml::Value::as_integer);
        ensure!(
            version == Some(i64::from(VERSION)),
            "its form is not version {VERSION}, which this lab reads"
        );
        Ok(table.try_into()?)
    }

    /// The commit with this id, if it was seen before.
    pub fn commit(&self, id: &str) -> Option<&WatchedCommit> {
        self.commits.iter().find(|known| known.commit == id)
    }

    /// Notes commits that are not noted yet. What is known of one is known of another one with the same files: after a rebase, or
    /// where a commit takes back what the one before it did.
    pub fn see(&mut self, line: &[WatchedCommit]) {
        for commit in line {
            if self.commit(&commit.commit).is_some() {
                continue;
            }
            let is_twin = |known: &&WatchedCommit| {
                known.tree == commit.tree && (!known.campaigns.is_empty() || known.does_not_build.is_some())
            };
            let (campaigns, does_not_build) = match self.commits.iter().find(is_twin) {
                Some(twin) => (twin.campaigns.clone(), twin.does_not_build.clone()),
                None => Default::default(),
            };
            self.commits.push(WatchedCommit { campaigns, does_not_build, ..commit.clone() });
        }
    }

    /// The commit with this id, to be noted something of.
    pub fn commit_mut(&mut self, id: &str) -> Option<&mut WatchedCommit> {
        self.commits.iter_mut().find(|known| known.commit == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(id: &str) -> WatchedCommit {
        WatchedCommit {
            commit: id.to_owned(),
            tree: format!("files of {id}"),
            committed: "2026-11-12T10:00:00+00:00".to_owned(),
            author: "A Maintainer".to_owned(),
            subject: "fuse: do it".to_owned(),
            campaigns: Vec::new(),
            does_not_build: None,
        }
    }

    #[test]
    fn a_file_is_read_as_it_was_written() {
        let watched = Watched {
            tree: "/src/linux".to_owned(),
            branch: "master".to_owned(),
            tags: None,
            since: None,
            plan: "ci".to_owned(),
            scenarios: vec!["local".to_owned()],
            workloads: Vec::new(),
            boots: None,
            behaviour: None,
        };
        let mut file = WatchedFile::new(watched, "a".to_owned());
        file.see(&[commit("a"), commit("b")]);
        file.commit_mut("b").unwrap().campaigns.push("points/b/2026-11-27-ci-1".to_owned());
        // What is known of a commit is not forgotten when it is seen again.
        file.see(&[commit("a"), commit("b"), commit("c")]);
        assert_eq!(file.commits.len(), 3);
        // Nor of its files when they come once more.
        file.see(&[WatchedCommit { tree: "files of b".to_owned(), ..commit("d") }]);
        assert_eq!(file.commits[3].campaigns, file.commits[1].campaigns);
        assert_eq!(file.commits[2].campaigns, [] as [String; 0]);
        assert_eq!(WatchedFile::parse(&file.to_text().unwrap()).unwrap(), file);
        let other = file.to_text().unwrap().replacen("version = 1", "version = 2", 1);
        let error = WatchedFile::parse(&other).unwrap_err().to_string();
        assert_eq!(error, "its form is not version 1, which this lab reads");
    }
}
