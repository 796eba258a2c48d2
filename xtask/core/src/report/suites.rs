//! Suites: which variant passed what.

use crate::comparison::{Comparison, SuiteCell, SuiteRow};
use crate::evidence::output::named;
use crate::text::layout::new_table;

use super::{text, words};

/// A table for each scenario, and below it why something failed; none if the plan has no suite.
pub(super) fn render(comparison: &Comparison, width: usize) -> Option<String> {
    if comparison.suites.is_empty() {
        return None;
    }
    let scenarios = comparison.scenarios.iter().map(|scenario| {
        let rows = comparison.suites.iter().filter(|row| row.scenario == scenario.name);
        format!("{} {}\n{}", words::place(comparison), scenario.name, table(comparison, rows))
    });
    let mut text =
        ["Suites: they pass or fail.".to_owned()].into_iter().chain(scenarios).collect::<Vec<_>>().join("\n");
    for line in failures(comparison) {
        text.push('\n');
        text.push_str(&text::wrap("- ", &line, width, 2));
    }
    Some(text)
}

fn table<'a>(comparison: &Comparison, rows: impl Iterator<Item = &'a SuiteRow>) -> String {
    let names = comparison.variants.iter().map(|variant| variant.name.as_str());
    let mut table = new_table(&["suite"].into_iter().chain(names).collect::<Vec<_>>());
    for row in rows {
        let cells = row.cells.iter().map(SuiteCell::words);
        table.add_row([row.workload.clone()].into_iter().chain(cells));
    }
    table.to_string()
}

/// Each reason once for each row and variant.
fn failures(comparison: &Comparison) -> Vec<String> {
    let mut lines = Vec::new();
    for row in &comparison.suites {
        for (variant, cell) in comparison.variants.iter().zip(&row.cells) {
            let mut reasons: Vec<&str> =
                cell.failures.iter().map(|failure| failure.reason.as_str()).collect();
            reasons.dedup();
            let of =
                |reason: &str| format!("{} with {} ({}): {reason}", row.workload, variant.name, row.scenario);
            lines.extend(reasons.into_iter().map(of));
            lines.extend(lost(comparison, row, cell).map(|text| of(&text)));
        }
    }
    lines
}

/// The cases that only the baseline passes. Where it passes as a whole, the reason of the failure names the same ones.
fn lost(comparison: &Comparison, row: &SuiteRow, cell: &SuiteCell) -> Option<String> {
    let lost: Vec<&str> = cell.lost_cases.iter().map(String::as_str).collect();
    let baseline = comparison.variants.first()?;
    let has_failed = row.cells.first().is_some_and(|cell| !cell.failures.is_empty());
    (has_failed && !lost.is_empty())
        .then(|| format!("cases pass with {} and not here: {}", baseline.name, named(&lost)))
}
