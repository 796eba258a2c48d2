//! A series patch by patch: which patch brings which change, each against the step before it.

use serde::Serialize;

use super::verdict::{self, Change, Floor, Rules, Verdict};
use super::{Cell, FindingRow, MinMax, Row, VariantSummary};
use crate::evidence::metric::Metric;

/// What one patch of a series does.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PatchEffect {
    /// The variant that ends with the patch.
    pub variant: String,
    /// The variant without it.
    pub before: String,
    /// The patch's number in the series.
    pub patch: u32,
    /// Its subject.
    pub subject: String,
    /// Rows in which something differs from the step before.
    pub differences: Vec<RowDifference>,
    /// Rows in which nothing can be said.
    pub unknown: u32,
    /// Titles of findings that the step before does not have.
    pub new_findings: Vec<String>,
    /// Titles of findings that only the step before has.
    pub gone_findings: Vec<String>,
    /// Boots that broke or hung.
    pub troubled_boots: u32,
}

/// One row in which a step differs from the one before.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct RowDifference {
    /// The scenario's name.
    pub scenario: String,
    /// The workload's name.
    pub workload: String,
    /// What was measured.
    pub metric: Metric,
    /// It against the step before.
    pub change: Change,
    /// READ and WRITE requests before and after, if no boot of one is within the range of the other.
    pub requests: Option<(MinMax, MinMax)>,
    /// The most of them in flight, likewise.
    pub most_in_flight: Option<(MinMax, MinMax)>,
    /// Bytes of the largest one, likewise.
    pub largest_bytes: Option<(MinMax, MinMax)>,
}

/// One for each variant that ends with a patch of a series; none if no variant does. The baseline, which comes
/// first, is the step without a patch.
pub(super) fn steps(
    variants: &[VariantSummary],
    rows: &[Row],
    findings: &[FindingRow],
    rules: Rules,
) -> Vec<PatchEffect> {
    let places: Vec<usize> =
        (0..variants.len()).filter(|&place| place == 0 || variants[place].prefix.is_some()).collect();
    let pairs: Vec<(usize, usize)> = places.windows(2).map(|pair| (pair[0], pair[1])).collect();
    let compared = compared(&pairs, rows, rules);
    let step = |(pair, rows): (&(usize, usize), &[Row])| {
        let (before, after) = (&variants[pair.0], &variants[pair.1]);
        let prefix = after.prefix.as_ref()?;
        let (new, gone): (Vec<_>, Vec<_>) =
            (titles(findings, pair.0, pair.1), titles(findings, pair.1, pair.0));
        Some(PatchEffect {
            variant: after.name.clone(),
            before: before.name.clone(),
            patch: prefix.patches,
            subject: prefix.subject.clone(),
            differences: rows.iter().filter_map(difference).collect(),
            unknown: rows.iter().filter(|row| is_unknown(row)).count() as u32,
            new_findings: new,
            gone_findings: gone,
            troubled_boots: after.boots.broken + after.boots.hung,
        })
    };
    // Without rows there is nothing to cut into chunks.
    pairs.iter().zip(compared.chunks(rows.len().max(1))).filter_map(step).collect()
}

/// Every row with the two cells of each pair, judged: for the first pair all rows, then for the second, and so on.
/// With the wall clock the correction is over all of them.
fn compared(pairs: &[(usize, usize)], rows: &[Row], rules: Rules) -> Vec<Row> {
    let narrowed = |&(before, after): &(usize, usize)| {
        let narrow = move |row: &Row| {
            let cells = [before, after].map(|place| Cell { change: None, ..row.cells[place].clone() });
            Row { cells: cells.to_vec(), ..row.clone() }
        };
        rows.iter().map(narrow)
    };
    let mut compared: Vec<Row> = pairs.iter().flat_map(narrowed).collect();
    verdict::judge(&mut compared, Rules { same_kernel: &[false, false], ..rules });
    // Nothing is believed that is smaller than what the baseline's kernel shows against itself.
    for (row, whole) in compared.iter_mut().zip(rows.iter().cycle()) {
        let change = row.cells.last_mut().and_then(|cell| cell.change.as_mut());
        change.into_iter().for_each(|change| Floor::of(whole, rules.same_kernel).apply(change));
    }
    compared
}

fn difference(row: &Row) -> Option<RowDifference> {
    let [before, after] = &row.cells[..] else { return None };
    let change = after.change?;
    let moved = |of: &dyn Fn(&super::Evidence) -> MinMax| {
        let (before, after) = (of(before.evidence.as_ref()?), of(after.evidence.as_ref()?));
        (before.most < after.least || after.most < before.least).then_some((before, after))
    };
    let difference = RowDifference {
        scenario: row.scenario.clone(),
        workload: row.workload.clone(),
        metric: row.metric,
        change,
        requests: moved(&|seen| seen.requests),
        most_in_flight: moved(&|seen| seen.most_in_flight),
        largest_bytes: moved(&|seen| seen.largest_bytes),
    };
    let fails = matches!(change.verdict, Verdict::Failed | Verdict::WrongData);
    let counts = change.verdict.is_difference() || fails;
    let moved = [difference.requests, difference.most_in_flight, difference.largest_bytes];
    (counts || moved.iter().any(Option::is_some)).then_some(difference)
}

fn is_unknown(row: &Row) -> bool {
    let change = row.cells.last().and_then(|cell| cell.change);
    change.is_some_and(|change| change.verdict.is_unknown())
}

/// Findings that count, and that the variant at `with` has and the one at `without`, although booted, has not.
fn titles(findings: &[FindingRow], without: usize, with: usize) -> Vec<String> {
    let only = |row: &&FindingRow| {
        let [with, without] = [with, without].map(|place| row.presence[place]);
        row.known.is_none() && with.boots > 0 && without.boots == 0 && without.of > 0
    };
    findings.iter().filter(only).map(|row| row.finding.title.clone()).collect()
}
