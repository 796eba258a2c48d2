//! `watch`: a plan for each new commit of a branch, and who brought each step.

mod measure;
mod seen;
mod series;
mod tree;

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use lab_core::campaign::{Watched, WatchedCommit};
use lab_core::comparison::history::{self, Bisection, Due, History, State};
use lab_core::report;
use lab_core::text::digest::short;
use lab_core::text::escape::escape_for_terminal;
use xshell::Shell;

use self::measure::{Came, TestBed};
use self::seen::Seen;
use self::series::SeriesFolder;
use self::tree::Tree;
use crate::commands::cli::{self, WatchFormat};
use crate::commands::preflight;
use crate::lab::{Lab, output};

/// How often a wait looks whether a signal came.
const LOOK: Duration = Duration::from_millis(200);

/// Looks after a branch: measures what is new, and prints the series.
///
/// # Errors
/// If the tree or the plan cannot be used, another process watches the same, or the user stops it.
pub fn watch(sh: &Shell, options: &cli::Watch) -> anyhow::Result<ExitCode> {
    preflight::machine()?;
    let lab = Lab::open()?;
    let config = lab.config(sh)?;
    let tree = Tree::open(sh, &options.git)?;
    let watched = watched(&tree, options)?;
    // What the plan cannot do is said before anything is written.
    measure::check(sh, &lab, &config, &watched)?;
    let newest = tree.commit(&watched.branch)?;
    let base = watched.since.clone().unwrap_or(newest);
    tree.line(&base, &watched.branch)?;
    if let Some(pattern) = &watched.tags {
        tree.tagged(pattern)?;
    }
    let mut folder = SeriesFolder::open(&lab.results(sh)?, watched, base)?;
    output::tell(&format!("series {}", folder.path().display()));
    let mut seen = Seen::default();
    let mut last = None;
    loop {
        let look = Look { tree: &tree, options };
        let mut test_bed = TestBed::new(sh, &lab, &config);
        let (history, text) =
            look.once(&mut folder, &mut seen, &mut |folder, commit| test_bed.measure(folder, commit))?;
        if last.as_ref() != Some(&text) {
            output::print(&text)?;
            output::tell(&format!("\nreport {}", folder.path().join(series::PAGE).display()));
        }
        last = Some(text);
        let code = ExitCode::from(history.status().exit_code());
        if options.once {
            return Ok(code);
        }
        wait(&lab, Duration::from_secs(options.interval))?;
    }
}

fn watched(tree: &Tree<'_>, options: &cli::Watch) -> anyhow::Result<Watched> {
    Ok(Watched {
        tree: tree.path().display().to_string(),
        branch: tree.branch(&options.branch)?,
        tags: options.tags.clone(),
        since: options.since.as_deref().map(|since| tree.commit(since)).transpose()?,
        plan: options.plan.clone(),
        scenarios: options.scenarios.clone(),
        workloads: options.workloads.clone(),
        boots: options.boots,
        behaviour: options.behaviour.clone(),
    })
}

fn wait(lab: &Lab, interval: Duration) -> anyhow::Result<()> {
    let begun = Instant::now();
    while begun.elapsed() < interval {
        lab.interrupt.check()?;
        std::thread::sleep(LOOK.min(interval));
    }
    Ok(())
}

/// What measures a commit of a series.
type Measure<'a> = dyn FnMut(&SeriesFolder, &WatchedCommit) -> anyhow::Result<Came> + 'a;

/// One look at the tree.
struct Look<'a> {
    tree: &'a Tree<'a>,
    options: &'a cli::Watch,
}

impl Look<'_> {
    /// Measures what is missing and writes what follows: that, and in the form that the user wants.
    fn once(
        &self,
        folder: &mut SeriesFolder,
        seen: &mut Seen,
        measure: &mut Measure<'_>,
    ) -> anyhow::Result<(History, String)> {
        let line = self.tree.line(&folder.file.base, &folder.file.watched.branch)?;
        folder.file.see(&line);
        folder.write()?;
        let wanted = self.wanted(folder, &line)?;
        self.measure_all(folder, seen, (&line, &wanted), measure)?;
        let history = seen.history(folder, &line)?;
        folder.publish(&history)?;
        let text = match self.options.format {
            WatchFormat::Table => report::history::render(&history),
            WatchFormat::Csv => report::history::long(&history)?,
            WatchFormat::Html => report::html::history::render(&history),
        };
        Ok((history, text))
    }

    /// The places of the commits that are to be measured whatever lies between them.
    fn wanted(&self, folder: &SeriesFolder, line: &[WatchedCommit]) -> anyhow::Result<BTreeSet<usize>> {
        let places = 0..line.len();
        let Some(pattern) = &folder.file.watched.tags else {
            let every = self.options.every as usize;
            return Ok(places.filter(|place| place % every == 0 || place + 1 == line.len()).collect());
        };
        let tagged = self.tree.tagged(pattern)?;
        Ok(places.filter(|place| *place == 0 || tagged.contains(&line[*place].commit)).collect())
    }

    fn measure_all(
        &self,
        folder: &mut SeriesFolder,
        seen: &mut Seen,
        (line, wanted): (&[WatchedCommit], &BTreeSet<usize>),
        measure: &mut Measure<'_>,
    ) -> anyhow::Result<()> {
        let bisection = if self.options.no_bisect { Bisection::Leave } else { Bisection::Bisect };
        let mut left = self.options.limit.unwrap_or(u32::MAX);
        loop {
            let states: Vec<State> = (0..line.len())
                .map(|place| state(folder, &line[place].commit, wanted.contains(&place)))
                .collect();
            let link = |before: usize, after: usize| seen.link(folder, line, before, after);
            let Some(due) = history::due(&states, bisection, link)? else { return Ok(()) };
            if left == 0 {
                output::tell("--limit is reached; the next look goes on");
                return Ok(());
            }
            left -= 1;
            let commit = &line[due.place()];
            output::tell(&escape_for_terminal(&why(due, line, &states)));
            let came = measure(folder, commit)?;
            let noted = folder.file.commit_mut(&commit.commit).context("a commit of the line is noted")?;
            match came {
                Came::Campaign(path) => {
                    seen.fresh.insert(commit.commit.clone());
                    if !noted.campaigns.contains(&path) {
                        noted.campaigns.push(path);
                    }
                }
                Came::DoesNotBuild(errors) => {
                    output::tell(&escape_for_terminal(&format!(
                        "  does not build, and is left out: {errors}"
                    )));
                    noted.does_not_build = Some(errors);
                }
            }
            folder.write()?;
        }
    }
}

fn state(folder: &SeriesFolder, commit: &str, is_wanted: bool) -> State {
    let known = folder.file.commit(commit);
    match known {
        Some(known) if !known.campaigns.is_empty() => State::Measured,
        Some(known) if known.does_not_build.is_some() => State::DoesNotBuild,
        Some(_) | None if is_wanted => State::Wanted,
        Some(_) | None => State::Between,
    }
}

/// What is measured now, and why.
fn why(due: Due, line: &[WatchedCommit], states: &[State]) -> String {
    let of = |place: usize| short(&line[place].commit);
    let commit = &line[due.place()];
    let what = format!("{} {}", short(&commit.commit), commit.subject);
    match due {
        Due::Wanted(place) => {
            let to_go = states[place..].iter().filter(|state| **state == State::Wanted).count();
            format!("\ncommit {what}  ({to_go} to go)")
        }
        Due::Again(_) => {
            format!("\ncommit {what}  (again: the lab is not what it was when its neighbour was measured)")
        }
        Due::Inside { before, after, .. } => {
            format!("\nbisecting the step between {} and {}: {what}", of(before), of(after))
        }
    }
}

#[cfg(test)]
mod tests;
