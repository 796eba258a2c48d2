//! Figures, changes and answers in words, for the forms that are no table of characters.

use super::text;
use crate::comparison::{Cell, Change, Comparison, FindingRow, Row, Status, Verdict};

/// The answer in a sentence without its full stop.
pub(super) fn answer(status: Status) -> &'static str {
    match status {
        Status::NoFinding => "Nothing speaks against a variant",
        Status::Worse => "Worse than the baseline",
        Status::CannotTell => "The lab cannot tell",
    }
}

/// What was measured, or what stands in its place.
pub(super) fn value(row: &Row, cell: &Cell) -> String {
    match cell.mean {
        Some(mean) if cell.failures.is_empty() => text::figure(row.unit, mean),
        Some(_) | None => text::no_value(cell),
    }
}

/// A change with what it amounts to, e.g. `x5.80 better`, `same within 0.3 %`, `+2.0 % unclear`. Nothing where the value has
/// said it all.
pub(super) fn change(change: &Change) -> String {
    let word = change.verdict.word();
    match (change.verdict, change.ratio) {
        (Verdict::Failed | Verdict::WrongData | Verdict::NotGiven, _) => String::new(),
        (Verdict::Same, _) => text::verdict(change),
        (_, Some(ratio)) => format!("{} {word}", text::change(ratio)),
        (_, None) => word.to_owned(),
    }
}

/// The 95 % interval of a change, e.g. `+1.8 % to +1.9 %`.
pub(super) fn interval(change: &Change) -> Option<String> {
    let (low, high) = change.interval?;
    Some(format!("{} to {}", text::change(low), text::change(high)))
}

/// In which boots of a variant, by place, a finding is: `2 of 7, new`.
pub(super) fn presence(row: &FindingRow, place: usize) -> String {
    let seen = row.presence[place];
    let mark = match (row.is_new_with(place), row.is_gone_with(place)) {
        (true, _) => ", new",
        (_, true) => ", gone",
        (false, false) => "",
    };
    format!("{} of {}{mark}", seen.boots, seen.of)
}

/// The metric behind a scenario's name, where throughput is not all that is compared.
pub(super) fn group(comparison: &Comparison, row: &Row) -> String {
    format!("{}{}", row.scenario, text::metric_suffix(comparison, row.metric))
}

/// The rows that decide, those of one scenario and metric together, in the order of the plan.
pub(super) fn groups(comparison: &Comparison) -> Vec<(String, Vec<&Row>)> {
    let mut groups: Vec<(String, Vec<&Row>)> = Vec::new();
    let scenarios = comparison.scenarios.iter().map(|scenario| &scenario.name);
    for scenario in scenarios {
        for metric in &comparison.metrics {
            let is_shown = |row: &&Row| row.scenario == *scenario && row.metric == *metric;
            let rows: Vec<&Row> = comparison.rows.iter().filter(is_shown).collect();
            let name = rows.first().map(|row| group(comparison, row));
            groups.extend(name.map(|name| (name, rows)));
        }
    }
    groups
}
