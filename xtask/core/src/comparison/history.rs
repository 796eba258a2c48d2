//! A series of commits: what was measured of each, what differs between two, and which one brought it.

mod due;
mod joined;

use crate::campaign::{Campaign, WatchedCommit};
use crate::evidence::metric::{Metric, at_most};
use crate::plan::Plan;

use super::behaviour::ProbeVerdict;
use super::statistics::paired_ratio;
use super::{Cell, Change, Comparison, FindingRow, Row, Status, Verdict, compare};

pub use due::{Bisection, Due, Link, State, due};
pub use joined::{joined, unlike};

/// What was measured of a commit in one row.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// The row.
    pub row: RowName,
    /// Its mean; none if the workload failed.
    pub mean: Option<f64>,
    /// The 95 % interval of the mean over perturbations; none with fewer than two samples.
    pub interval: Option<(f64, f64)>,
    /// How many samples it is of.
    pub samples: usize,
}

/// What tells one row from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowName {
    /// The scenario.
    pub scenario: String,
    /// The workload.
    pub workload: String,
    /// What was measured.
    pub metric: Metric,
    /// The unit; empty for counts.
    pub unit: &'static str,
}

impl RowName {
    fn of(row: &Row) -> Self {
        RowName {
            scenario: row.scenario.clone(),
            workload: row.workload.clone(),
            metric: row.metric,
            unit: row.unit,
        }
    }

    /// Scenario and workload.
    pub fn text(&self) -> String {
        format!("{} {}", self.scenario, self.workload)
    }
}

/// What differs between two commits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Difference {
    /// Each row that both have, with the change from the first to the second.
    pub rows: Vec<RowChange>,
    /// Probes that say something else.
    pub probes: Vec<ProbeChange>,
    /// Titles of findings in the kernel log that only the second has.
    pub new_findings: Vec<String>,
    /// Of those that only the first has.
    pub gone_findings: Vec<String>,
    /// Suites that fail with the second and not with the first.
    pub failed_suites: Vec<String>,
    /// Boots that broke or hung, of the first and of the second.
    pub troubled_boots: [u32; 2],
    /// Whether they are configured otherwise.
    pub is_configured_otherwise: bool,
    /// What follows for the second, in a sentence and as an exit code.
    pub sentences: Vec<String>,
    /// See `sentences`.
    pub status: Option<Status>,
}

/// A row of two commits.
#[derive(Clone, Debug, PartialEq)]
pub struct RowChange {
    /// The row.
    pub row: RowName,
    /// The means.
    pub means: [Option<f64>; 2],
    /// Whether the workload failed or gave wrong bytes.
    pub fails: [bool; 2],
    /// From the first to the second.
    pub change: Option<Change>,
}

/// A probe that says something else than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeChange {
    /// Its name.
    pub name: String,
    /// What is done, as the start of a sentence.
    pub title: String,
    /// How the sentence ended, and ends.
    pub seen: [String; 2],
}

impl RowChange {
    /// Whether the level of the row is another one.
    pub fn is_step(&self) -> bool {
        self.fails[0] != self.fails[1] || self.change.is_some_and(|change| change.verdict.is_difference())
    }

    /// Whether it is another one, and nobody wants it.
    fn is_worse(&self) -> bool {
        (self.fails[1] && !self.fails[0])
            || self.change.is_some_and(|change| change.verdict == Verdict::Worse)
    }
}

impl Difference {
    /// Whether something is not as before.
    pub fn is_step(&self) -> bool {
        let [before, after] = self.troubled_boots;
        self.rows.iter().any(RowChange::is_step)
            || !self.probes.is_empty()
            || !self.new_findings.is_empty()
            || !self.gone_findings.is_empty()
            || !self.failed_suites.is_empty()
            || (before > 0) != (after > 0)
    }

    /// Whether a figure is worse or fails, or something is new in the log.
    pub fn is_worse(&self) -> bool {
        let [before, after] = self.troubled_boots;
        self.rows.iter().any(RowChange::is_worse)
            || !self.new_findings.is_empty()
            || !self.failed_suites.is_empty()
            || (before == 0 && after > 0)
    }
}

/// A series of commits, measured.
#[derive(Clone, Debug)]
pub struct History {
    /// The repository.
    pub tree: String,
    /// The branch, and the pattern of tags if only those are measured.
    pub branch: String,
    /// The plan.
    pub plan: String,
    /// From which change on a difference counts, in words.
    pub threshold: String,
    /// Every commit from the first to the newest, measured or not.
    pub points: Vec<Point>,
    /// What was measured of any of them, in the order of the plan.
    pub rows: Vec<RowName>,
    /// Places of two commits that were measured, with none that was between them, and what differs; in order.
    pub links: Vec<HistoryLink>,
    /// The newest commit that was measured against the oldest one that was measured in the same way.
    pub whole: Option<(usize, usize, Difference)>,
    /// Commits that were measured and are not in the branch any more.
    pub gone: Vec<WatchedCommit>,
}

/// A commit of a history.
#[derive(Clone, Debug)]
pub struct Point {
    /// Which.
    pub commit: WatchedCommit,
    /// What was measured; empty if nothing was.
    pub figures: Vec<Figure>,
}

/// What is between two commits.
#[derive(Clone, Debug)]
pub struct HistoryLink {
    /// The place of the older one.
    pub before: usize,
    /// The place of the newer one.
    pub after: usize,
    /// What differs; or why that cannot be said.
    pub difference: Result<Difference, String>,
}

impl HistoryLink {
    /// What differs, if it is a step.
    pub fn step(&self) -> Option<&Difference> {
        self.difference.as_ref().ok().filter(|difference| difference.is_step())
    }
}

impl Point {
    /// What was measured in this row.
    pub fn figure(&self, row: &RowName) -> Option<&Figure> {
        self.figures.iter().find(|figure| figure.row == *row)
    }
}

impl History {
    /// The steps, in order.
    pub fn steps(&self) -> impl Iterator<Item = (&HistoryLink, &Difference)> {
        self.links.iter().filter_map(|link| Some((link, link.step()?)))
    }

    /// What follows for the newest commit.
    pub fn status(&self) -> Status {
        self.whole.as_ref().and_then(|(.., whole)| whole.status).unwrap_or(Status::CannotTell)
    }
}

/// From which change of a plan's figures on a difference counts, in words.
pub fn threshold(plan: &Plan) -> String {
    at_most(plan.thresholds.of(Metric::Throughput))
}

/// What was measured of the only kernel of a campaign.
///
/// # Errors
/// If its boots cannot be put side by side.
pub fn figures(campaign: &Campaign) -> anyhow::Result<Vec<Figure>> {
    let comparison = compare(campaign)?;
    Ok(comparison.rows.iter().filter_map(|row| Some(figure(row, row.cells.first()?))).collect())
}

fn figure(row: &Row, cell: &Cell) -> Figure {
    let values: Vec<f64> = cell.samples.iter().map(|sample| sample.value).collect();
    // On logarithms, as the interval of a change; put around the mean that is shown.
    let interval = paired_ratio(&values).zip(cell.mean).map(|(of, mean)| {
        let scale = mean / of.ratio;
        (of.low * scale, of.high * scale)
    });
    Figure {
        row: RowName::of(row),
        mean: cell.mean.filter(|_| cell.failures.is_empty()),
        interval,
        samples: cell.samples.len(),
    }
}

/// What differs between the kernels of two campaigns of one kernel each. They were perturbed alike, so that equal samples are
/// compared, as if both had run in one campaign.
///
/// # Errors
/// If they were not measured in the same way.
pub fn difference(
    (before, left): (&str, &Campaign),
    (after, right): (&str, &Campaign),
) -> anyhow::Result<Difference> {
    let campaign = joined((before, left), (after, right))?;
    let comparison = compare(&campaign)?;
    let config = |campaign: &Campaign| campaign.file.setup.kernel_config_sha256.clone();
    Ok(Difference {
        rows: comparison.rows.iter().filter_map(row_change).collect(),
        probes: probe_changes(&comparison),
        new_findings: titles(&comparison.findings, |row| row.is_new_with(1)),
        gone_findings: titles(&comparison.findings, |row| row.is_gone_with(1)),
        failed_suites: comparison
            .suites
            .iter()
            .filter(|row| row.is_worse(1))
            .map(|row| format!("{} {}", row.scenario, row.workload))
            .collect(),
        troubled_boots: [0, 1].map(|place: usize| {
            comparison.variants.get(place).map_or(0, |of| of.boots.broken + of.boots.hung)
        }),
        is_configured_otherwise: config(left) != config(right),
        status: Some(comparison.conclusion.status),
        sentences: comparison.conclusion.sentences,
    })
}

fn row_change(row: &Row) -> Option<RowChange> {
    let [before, after] = &row.cells[..] else { return None };
    Some(RowChange {
        row: RowName::of(row),
        means: [before.mean, after.mean],
        fails: [before, after].map(|cell| !cell.failures.is_empty()),
        change: after.change,
    })
}

fn probe_changes(comparison: &Comparison) -> Vec<ProbeChange> {
    let Some(behaviour) = &comparison.behaviour else { return Vec::new() };
    let change = |row: &super::ProbeRow| {
        let [before, after] = &row.cells[..] else { return None };
        let is_change = match after.verdict? {
            ProbeVerdict::OnlyInBaseline | ProbeVerdict::Unexpected | ProbeVerdict::UnlikeOtherSource => true,
            // What the table says is right is right, whatever it was before.
            ProbeVerdict::Same
            | ProbeVerdict::ExpectedDifference
            | ProbeVerdict::AlreadyInBaseline
            | ProbeVerdict::Unknown => false,
        };
        let said = |cell: &super::ProbeCell| {
            let all = cell.seen.iter().map(|seen| seen.observation.observed.as_str());
            all.collect::<Vec<_>>().join(" / ")
        };
        let seen = [said(before), said(after)];
        is_change.then(|| ProbeChange { name: row.name.clone(), title: row.title.clone(), seen })
    };
    behaviour.probes.iter().filter_map(change).collect()
}

fn titles(findings: &[FindingRow], is_meant: impl Fn(&FindingRow) -> bool) -> Vec<String> {
    findings.iter().filter(|row| is_meant(row)).map(|row| row.finding.title.clone()).collect()
}

#[cfg(test)]
pub(crate) mod tests;
