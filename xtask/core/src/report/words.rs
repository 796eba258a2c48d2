//! Figures, changes and answers in words, for the forms that are no table of characters.

use super::text;
use crate::comparison::sweep::SweptRows;
use crate::comparison::{Cell, Change, Comparison, FindingRow, Row, Status, Verdict};

/// The answer in a sentence without its full stop.
pub(super) fn answer(comparison: &Comparison) -> &'static str {
    match (comparison.conclusion.status, comparison.is_of_scenarios()) {
        (Status::NoFinding, false) => "Nothing speaks against a variant",
        (Status::NoFinding, true) => "Every scenario did its work",
        (Status::Worse, false) => "Worse than the baseline",
        (Status::Worse, true) => "Something fails that does not in the baseline",
        (Status::CannotTell, _) => "The lab cannot tell",
    }
}

/// What the name is of that rows have beside that of their workload: where scenarios are compared it is the kernel's.
pub(super) fn place(comparison: &Comparison) -> &'static str {
    if comparison.is_of_scenarios() { "kernel" } else { "scenario" }
}

/// What was measured, or what stands in its place.
pub(super) fn value(row: &Row, cell: &Cell) -> String {
    match cell.mean {
        Some(mean) if cell.failures.is_empty() => text::figure(row.unit, mean),
        Some(_) | None => text::no_value(cell),
    }
}

/// The title of a group of rows, which has this name.
pub(super) fn title(comparison: &Comparison, name: &str) -> String {
    let place = if comparison.is_of_scenarios() { "Kernel" } else { "Scenario" };
    format!("{place} {name}")
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

/// What else there is to say of a finding: why it does not count, what it may follow from, and what chance there is that the
/// baseline has it as well.
pub(super) fn finding_notes(comparison: &Comparison, row: &FindingRow) -> Vec<String> {
    let known = row.known.as_ref().map(|reason| format!("known, and counts for nothing: {reason}"));
    let after = row
        .after
        .as_ref()
        .map(|title| format!("never the first of its boot, so maybe a consequence of: {title}"));
    let unseen = row.unseen_share.filter(|_| row.known.is_none()).map(|share| {
        let (boots, baseline) = (row.presence[0].of, &comparison.baseline);
        format!(
            "not seen in {boots} boots of {baseline}; may still occur in up to {:.0} % of them",
            share * 100.0
        )
    });
    [known, after, unseen].into_iter().flatten().collect()
}

/// What is listed as known and was not seen, in a sentence; none if there is none.
pub(super) fn unused_known(comparison: &Comparison) -> Option<String> {
    let titles: Vec<String> =
        comparison.unused_known.iter().map(|known| format!("`{}`", known.title)).collect();
    (!titles.is_empty()).then(|| format!("Listed as known, and in no boot: {}.", titles.join(", ")))
}

/// The first lines of the kernel's report, and how many are left out.
pub(super) fn report_lines(row: &FindingRow, most: usize) -> (Vec<&str>, usize) {
    let lines: Vec<&str> = row.text().lines().collect();
    let rest = lines.len().saturating_sub(most);
    (lines.into_iter().take(most).collect(), rest)
}

/// How many lines of a report are left out, as a line in their place; none if it is whole.
pub(super) fn left_out(rest: usize) -> Option<String> {
    (rest > 0).then(|| format!("[...] {rest} more line{}", if rest == 1 { "" } else { "s" }))
}

/// The metric behind a scenario's name, where throughput is not all that is compared.
pub(super) fn group(comparison: &Comparison, row: &Row) -> String {
    format!("{}{}", row.scenario, text::metric_suffix(comparison, row.metric))
}

/// What the rows of a group are told apart by: the workload, or the setting that the plan varies.
pub(super) fn heading(comparison: &Comparison) -> &str {
    comparison.sweep.as_ref().map_or("workload", |swept| swept.sweep.setting.as_str())
}

/// What tells a row of a group apart from the others.
pub(super) fn label(comparison: &Comparison, row: &Row) -> String {
    let place = comparison.sweep.as_ref().and_then(|swept| swept.place(row));
    place.map_or_else(|| row.workload.clone(), |(.., value)| value.to_string())
}

/// The workload of a row, with the value of what is varied.
pub(super) fn name(comparison: &Comparison, row: &Row) -> String {
    match comparison.sweep.as_ref().and_then(|swept| swept.place(row)) {
        Some((_, workload, value)) => format!("{workload} at {value}"),
        None => row.workload.clone(),
    }
}

/// The rows that decide, in the order of the plan: those of one scenario and metric together, and where a setting is varied
/// those of one workload with all its values.
pub(super) fn groups(comparison: &Comparison) -> Vec<(String, Vec<&Row>)> {
    if let Some(swept) = &comparison.sweep {
        let mut groups = Vec::new();
        for SweptRows { scenario, workload, metric, rows } in swept.groups(&comparison.rows) {
            let suffix = text::metric_suffix(comparison, metric);
            let name = format!("{scenario}, {workload} by {}{suffix}", swept.sweep.setting);
            groups.push((name, rows.into_iter().map(|(_, row)| row).collect()));
        }
        return groups;
    }
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
