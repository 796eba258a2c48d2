//! A series from a tree to its steps, with a stand-in for what builds and boots a commit.

use std::collections::BTreeMap;
use std::path::Path;

use clap::Parser as _;
use lab_core::campaign::{Campaign, Record};
use lab_core::fixtures::{arm, campaign};
use lab_core::plan::Clock;
use xshell::Shell;

use super::*;
use crate::campaign::boot_files::{BootFiles, write_boot};
use crate::campaign::open_again;
use crate::commands::cli::{Cli, Command};
use crate::lab::process::{self, git};

/// A tree whose commits take a read so many hundredths of a second; a commit without a number does not build.
struct Sample {
    sh: Shell,
    folder: tempfile::TempDir,
    results: tempfile::TempDir,
}

impl Sample {
    fn new() -> Self {
        let (folder, results) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let sample = Sample { sh: Shell::new().unwrap(), folder, results };
        sample.git(&["init", "--quiet", "--initial-branch=master"]);
        sample
    }

    fn git(&self, arguments: &[&str]) -> String {
        process::read(git::git(&self.sh, self.folder.path()).args(arguments)).unwrap()
    }

    fn commit(&self, levels: &[&str]) {
        for level in levels {
            std::fs::write(self.folder.path().join("file"), level).unwrap();
            self.git(&["add", "file"]);
            self.git(&["commit", "--quiet", "--allow-empty", "-m", level]);
        }
    }

    /// A look with these options: the subjects of what was measured, in order, and what was printed of the rest.
    fn look(&self, options: &[&str]) -> anyhow::Result<(String, History)> {
        self.look_with('1', options)
    }

    /// The same with another image of the guest.
    fn look_with(&self, image: char, options: &[&str]) -> anyhow::Result<(String, History)> {
        let path = self.folder.path().to_str().unwrap();
        let words =
            ["cargo xtask", "watch", "--once", "--git", path].into_iter().chain(options.iter().copied());
        let Command::Watch(options) = Cli::parse_from(words).command else { panic!("another command") };
        let tree = Tree::open(&self.sh, self.folder.path())?;
        let base = tree.commit("begin")?;
        let watched = Watched {
            tree: path.to_owned(),
            branch: "master".to_owned(),
            tags: options.tags.clone(),
            since: None,
            plan: "built".to_owned(),
            scenarios: Vec::new(),
            workloads: Vec::new(),
            boots: None,
            behaviour: None,
        };
        let mut folder = SeriesFolder::open(self.results.path(), watched, base)?;
        let mut measured = Vec::new();
        let look = Look { tree: &tree, options: &options };
        let (history, _) = look.once(&mut folder, &mut Seen::default(), &mut |folder, commit| {
            measured.push(commit.subject.clone());
            measure(image, folder, commit)
        })?;
        Ok((measured.join(" "), history))
    }
}

/// As if the kernel of a commit had been built and booted.
fn measure(image: char, folder: &SeriesFolder, commit: &WatchedCommit) -> anyhow::Result<Came> {
    let level = commit.subject.split('-').next().unwrap_or_default();
    let Ok(level) = level.parse::<f64>() else {
        return Ok(Came::DoesNotBuild("a.c:1: error: no".to_owned()));
    };
    let built = of_level(level / 100.0, image);
    let (place, name) = folder.point(&commit.commit);
    std::fs::create_dir_all(&place)?;
    let opened = open_again(&place, &built.file)?;
    for boot in &built.boots {
        let (folder, attempt) = opened.folder.new_attempt(&boot.record.boot)?;
        let raw = BootFiles::of_a_good_boot(boot);
        write_boot(&folder, &raw.described_in(&Record { attempt, ..boot.record.clone() }), &raw)?;
    }
    let path: &Path = opened.folder.path();
    Ok(Came::Campaign(format!("{name}/{}", path.file_name().unwrap().to_str().unwrap())))
}

fn of_level(seconds: f64, image: char) -> Campaign {
    let boots = [(seconds, 55.0), (seconds * 1.0002, 55.0)];
    let mut built = campaign(Clock::Virtual, &[arm("kernel", &[], &boots, 1)]);
    built.file.plan.baseline = "kernel".to_owned();
    built.file.setup.image_sha256 = String::from(image).repeat(64);
    built.file.begun = format!("2026-01-0{image}T03:04:05Z");
    for boot in &mut built.boots {
        boot.record.setup = built.file.setup.clone();
        boot.record.kernel.bzimage_sha256 = format!("{:064}", (seconds * 100.0) as u32);
    }
    built
}

/// The subjects of the commits that brought steps.
fn steps(history: &History) -> String {
    let of = |place: usize| history.points[place].commit.subject.clone();
    let steps = history.steps().map(|(link, _)| format!("{}>{}", of(link.before), of(link.after)));
    steps.collect::<Vec<_>>().join(" ")
}

#[test]
fn steps_are_found_bisected_and_not_measured_twice() {
    let sample = Sample::new();
    sample.commit(&["60-a", "60-b", "64-c", "64-d", "x-e", "64-f", "60-g", "60-h"]);
    sample.git(&["tag", "begin", "master~7"]);
    // Nothing more than it may.
    let (measured, history) = sample.look(&["--every", "3", "--limit", "2"]).unwrap();
    assert_eq!((measured.as_str(), steps(&history).as_str()), ("60-a 64-d", "60-a>64-d"));
    let (measured, history) = sample.look(&["--every", "3", "--no-bisect"]).unwrap();
    assert_eq!((measured.as_str(), steps(&history).as_str()), ("60-g 60-h", "60-a>64-d 64-d>60-g"));
    let (measured, history) = sample.look(&["--every", "3"]).unwrap();
    assert_eq!(measured, "60-b 64-c x-e 64-f");
    assert_eq!(steps(&history), "60-b>64-c 64-f>60-g");
    // The newest commit is as the first one.
    assert_eq!(history.status().exit_code(), 0);
    let (measured, again) = sample.look(&["--every", "3"]).unwrap();
    assert_eq!((measured.as_str(), steps(&again)), ("", steps(&history)));
    // A new commit is one more, and one that is worse is the answer.
    sample.commit(&["70-i"]);
    let (measured, history) = sample.look(&["--every", "3"]).unwrap();
    assert_eq!((measured.as_str(), history.status().exit_code()), ("70-i", 1));
}

/// The branch was rewritten: what is gone is told, and what is still there is not measured again.
#[test]
fn commits_that_are_rewritten_away_are_kept() {
    let sample = Sample::new();
    sample.commit(&["60-a", "60-b", "64-c"]);
    sample.git(&["tag", "begin", "master~2"]);
    sample.look(&[]).unwrap();
    sample.git(&["reset", "--quiet", "--hard", "master~1"]);
    sample.commit(&["60-d"]);
    let (measured, history) = sample.look(&[]).unwrap();
    assert_eq!((measured.as_str(), steps(&history).as_str()), ("60-d", ""));
    // Files that were measured under another commit are not measured again.
    sample.commit(&["64-c"]);
    let (measured, history) = sample.look(&[]).unwrap();
    assert_eq!((measured.as_str(), steps(&history).as_str()), ("", "60-d>64-c"));
    let gone: Vec<&str> = history.gone.iter().map(|commit| commit.subject.as_str()).collect();
    assert_eq!(gone, ["64-c"]);
    // Where the series began is gone, too.
    sample.git(&["checkout", "--quiet", "--orphan", "other"]);
    sample.commit(&["60-z"]);
    sample.git(&["branch", "--force", "master"]);
    let error = sample.look(&[]).err().unwrap().to_string();
    assert!(
        error.ends_with("is not in the history of `master`; give a commit that is with --since"),
        "{error}"
    );
}

#[test]
fn only_tagged_commits_are_measured_until_one_has_a_step() {
    let sample = Sample::new();
    sample.commit(&["60-a", "60-b", "60-c", "64-d", "64-e"]);
    sample.git(&["tag", "begin", "master~4"]);
    for (tag, commit) in [("v1", "master~3"), ("v2", "master~1"), ("other", "master")] {
        sample.git(&["tag", tag, commit]);
    }
    let (measured, history) = sample.look(&["--tags", "v*"]).unwrap();
    assert_eq!((measured.as_str(), steps(&history).as_str()), ("60-a 60-b 64-d 60-c", "60-c>64-d"));
}

/// After a change of the lab the newest of the commits that were measured before is measured once more, and no other.
#[test]
fn a_lab_that_changed_measures_one_commit_again() {
    let sample = Sample::new();
    sample.commit(&["60-a", "60-b", "64-c"]);
    sample.git(&["tag", "begin", "master~2"]);
    sample.look(&[]).unwrap();
    sample.commit(&["64-d", "60-e"]);
    // Also if it ended in between.
    assert_eq!(sample.look_with('2', &["--limit", "2"]).unwrap().0, "64-d 60-e");
    let (measured, history) = sample.look_with('2', &[]).unwrap();
    assert_eq!((measured.as_str(), steps(&history).as_str()), ("64-c", "60-b>64-c 64-d>60-e"));
    assert!(history.links.iter().all(|link| link.difference.is_ok()));
    // The newest is held against the oldest that was measured in the same way.
    let (oldest, newest, _) = history.whole.as_ref().unwrap();
    let named = [oldest, newest].map(|place| history.points[*place].commit.subject.as_str());
    assert_eq!(named, ["64-c", "60-e"]);
    assert_eq!(sample.look_with('2', &[]).unwrap().0, "");
}

/// A campaign that was whole when the lab was killed before it had noted it is found again.
#[test]
fn a_lab_that_was_killed_goes_on() {
    let sample = Sample::new();
    sample.commit(&["60-a", "64-b"]);
    sample.git(&["tag", "begin", "master~1"]);
    let (_, before) = sample.look(&[]).unwrap();
    let series = std::fs::read_dir(sample.results.path()).unwrap().next().unwrap().unwrap().path();
    let file = series.join("series.toml");
    let kept: Vec<String> =
        std::fs::read_to_string(&file).unwrap().split("[[commits]]").take(2).map(str::to_owned).collect();
    std::fs::write(&file, kept.join("[[commits]]")).unwrap();
    let (_, after) = sample.look(&[]).unwrap();
    assert_eq!(steps(&after), steps(&before));
    let campaigns: BTreeMap<String, usize> = std::fs::read_dir(series.join("points"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.display().to_string(), std::fs::read_dir(&path).unwrap().count()))
        .collect();
    assert!(campaigns.len() == 2 && campaigns.values().all(|count| *count == 1), "{campaigns:?}");
}
