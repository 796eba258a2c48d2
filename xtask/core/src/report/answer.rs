//! The answer, for a terminal: what follows, the figures in one line a row, what differs, the doubts. Everything else is one
//! option away, in [`super::full`].

use super::behaviour::{self, Differences};
use super::full::{self, Reports};
use super::{steps, suites, text};
use crate::comparison::sweep::SweptRows;
use crate::comparison::{Cell, Comparison, Row};
use crate::evidence::metric::Metric;
use crate::text::escape::escape_for_terminal;
use crate::text::layout::{WIDTH, columns};

/// Doubts, failures and the like of which so many are shown.
const MOST: usize = 5;

/// What a server needs beside the time that it takes.
const NEEDS: [Metric; 3] = [Metric::ServerCpu, Metric::ServerSwitches, Metric::ServerMemory];

/// Lines that one of them gets.
const LINES: usize = 2;

/// The short report, plain text. Nothing in it that came from a guest can act on a terminal.
pub(super) fn render(comparison: &Comparison) -> String {
    let mut parts = vec![full::conclusion(comparison)];
    if text::is_measured(comparison) {
        parts.push(figures(comparison));
        parts.extend(needs(comparison));
        parts.extend(steps::render(comparison, WIDTH));
    }
    parts.extend(suites::render(comparison, WIDTH));
    parts.push(differences(comparison));
    parts.extend(some("Workloads that failed", "  ", &full::failures(comparison)));
    parts.extend(some("Boots that did not end well", "  ", &full::troubles(comparison)));
    let doubts = some("Doubts", "- ", &comparison.doubts);
    let more = format!(
        "What it rests on: cargo xtask compare {}{} --evidence",
        comparison.campaign,
        comparison.question.options()
    );
    parts.push(doubts.into_iter().chain([more]).collect::<Vec<_>>().join("\n"));
    escape_for_terminal(&parts.join("\n\n")) + "\n"
}

/// A line for each row: the figure of the baseline, and of each other kernel how far it is away. Kernels that do not fit beside
/// each other follow below, as many in each block.
fn figures(comparison: &Comparison) -> String {
    let text = side_by_side(comparison, &labelled(comparison));
    let notes: Vec<String> =
        text::samples_needed(comparison).into_iter().chain(text::not_given(comparison)).collect();
    let notes = some("Not known", "  ", &notes).map(|notes| format!("\n{notes}"));
    text + &notes.unwrap_or_default()
}

/// Where scenarios are compared: what the servers need, which is half of the answer. None if there are no servers.
fn needs(comparison: &Comparison) -> Option<String> {
    let of = |metric: Metric| {
        let rows = comparison.other_metrics.iter().filter(move |row| row.metric == metric);
        rows.map(move |row| (vec![format!("{} {}", row.workload, metric.name())], row))
    };
    let rows: Vec<_> = NEEDS.into_iter().flat_map(of).collect();
    (comparison.is_of_scenarios() && !rows.is_empty()).then(|| side_by_side(comparison, &rows))
}

/// A line for each of these rows, in as many blocks as it takes for them to fit.
fn side_by_side(comparison: &Comparison, rows: &[(Vec<String>, &Row)]) -> String {
    let others: Vec<usize> = (1..comparison.variants.len()).collect();
    let blocks = |count: usize| {
        let most = others.len().div_ceil(count).max(1);
        let chunks = others.chunks(most).map(|chunk| block(comparison, rows, chunk));
        let blocks: Vec<_> =
            if others.is_empty() { vec![block(comparison, rows, &[])] } else { chunks.collect() };
        blocks.join("\n\n")
    };
    let fits = |text: &String| text.lines().all(|line| line.chars().count() <= WIDTH);
    (1..=others.len()).map(blocks).find(fits).unwrap_or_else(|| blocks(others.len().max(1)))
}

fn block(comparison: &Comparison, rows: &[(Vec<String>, &Row)], places: &[usize]) -> String {
    let names = places.iter().map(|&place| comparison.variants[place].name.clone());
    let setting = comparison.sweep.as_ref().map(|swept| swept.sweep.setting.clone());
    // The name of a setting is as wide as those of what it is of, its values are not.
    let labels = setting.map_or_else(|| vec![String::new()], |setting| vec![setting, String::new()]);
    let heading: Vec<String> =
        labels.into_iter().chain([comparison.variants[0].name.clone()]).chain(names).collect();
    let rows = rows.iter().map(|(labels, row)| {
        let others = places.iter().map(|&place| other(&row.cells[place]));
        labels.iter().cloned().chain([baseline(row)]).chain(others).collect()
    });
    columns(&[heading].into_iter().chain(rows).collect::<Vec<Vec<String>>>())
}

/// The rows, each with what it is of. Where a setting is varied, its values are below each other, and what has them is said once.
fn labelled(comparison: &Comparison) -> Vec<(Vec<String>, &Row)> {
    let Some(swept) = &comparison.sweep else {
        let rows = comparison.rows.iter();
        return rows.map(|row| (vec![label(comparison, row)], row)).collect();
    };
    let mut labelled = Vec::new();
    for SweptRows { scenario, workload, metric, rows } in swept.groups(&comparison.rows) {
        let mut name = joined(comparison, scenario, workload, metric.name());
        for (value, row) in rows {
            labelled.push((vec![std::mem::take(&mut name), value.to_string()], row));
        }
    }
    labelled
}

fn label(comparison: &Comparison, row: &Row) -> String {
    joined(comparison, &row.scenario, &row.workload, row.metric.name())
}

/// What a row is of. What is the same in all rows is not said again.
fn joined(comparison: &Comparison, scenario: &str, workload: &str, metric: &str) -> String {
    let scenario = (comparison.scenarios_without_values().len() > 1).then_some(scenario);
    let metric = (comparison.metrics != [Metric::Throughput]).then_some(metric);
    [scenario, Some(workload), metric].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn baseline(row: &Row) -> String {
    let cell = &row.cells[0];
    match cell.mean {
        Some(mean) if cell.failures.is_empty() => {
            format!("{} {}", text::figure(row.unit, mean), row.unit).trim_end().to_owned()
        }
        Some(_) | None => text::no_value(cell),
    }
}

fn other(cell: &Cell) -> String {
    let Some(change) = &cell.change else { return text::no_value(cell) };
    if change.verdict.has_no_value() { text::no_value(cell) } else { text::effect(change) }
}

/// What the kernels differ in beside their speed, and what that costs.
fn differences(comparison: &Comparison) -> String {
    let behaviour = behaviour::render(comparison, WIDTH, Differences::Counted);
    let findings = full::findings(comparison, Reports::LeftOut);
    behaviour.into_iter().chain([findings]).chain(costs(comparison)).collect::<Vec<_>>().join("\n")
}

/// The names of the costs that changed; how much is evidence.
fn costs(comparison: &Comparison) -> Option<String> {
    let changed = |metric: Metric| {
        let rows = comparison.other_metrics.iter().filter(|row| row.metric == metric);
        let mut cells = rows.flat_map(|row| &row.cells);
        cells.any(|cell| cell.change.is_some_and(|change| change.verdict.is_difference()))
    };
    let names: Vec<&str> =
        Metric::COSTS.into_iter().filter(|metric| changed(*metric)).map(Metric::name).collect();
    (!names.is_empty())
        .then(|| text::wrap("", &format!("Costs that changed: {}.", names.join(", ")), WIDTH, 2))
}

/// The first of these, each cut after so many lines, and how many there are; none if there is none.
fn some(title: &str, mark: &str, all: &[String]) -> Option<String> {
    let indent = mark.chars().count();
    let shown = all.iter().take(MOST).map(|line| text::cut(mark, line, WIDTH, indent, LINES));
    let rest = all.len().saturating_sub(MOST);
    let rest = (rest > 0).then(|| format!("{mark}and {rest} more"));
    (!all.is_empty())
        .then(|| [format!("{title}:")].into_iter().chain(shown).chain(rest).collect::<Vec<_>>().join("\n"))
}
