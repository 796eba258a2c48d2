//! The figures of a scenario: before, after and the change; of many kernels as many as fit side by side; of a series that is
//! booted patch by patch a column for each patch.

use super::WIDTH;
use crate::comparison::{Cell, Change, Comparison, Row, Verdict};
use crate::evidence::metric::{Metric, at_most};
use crate::plan::Scenario;
use crate::report::{evidence, text, words};
use crate::text::layout::longest;

/// Columns of a value, and of a change behind it.
const VALUE: usize = 11;
const CHANGE: usize = 9;
/// Columns of a patch's value, and of the mark behind it.
const STEP: usize = 7;
const MARK: usize = 1;

/// The tables, each below the other.
pub(super) fn tables(comparison: &Comparison, scenarios: &[&Scenario]) -> Vec<String> {
    let mut parts = Vec::new();
    let is_of = |row: &Row| scenarios.iter().any(|scenario| scenario.name == row.scenario);
    for &metric in &comparison.metrics {
        let is_shown = |row: &&Row| is_of(row) && row.metric == metric;
        let rows: Vec<_> = in_order(comparison).into_iter().filter(is_shown).collect();
        let is_by_patch = !comparison.steps.is_empty();
        let blocks = if is_by_patch { steps(comparison, &rows) } else { blocks(comparison, &rows) };
        let mut tables: Vec<_> = blocks
            .iter()
            .map(|places| match is_by_patch {
                true => by_patch(comparison, &rows, places),
                false => table(comparison, &rows, places),
            })
            .collect();
        if comparison.metrics != [Metric::Throughput] {
            tables[0].insert_str(0, &format!("{}\n", metric.name()));
        }
        parts.extend(tables);
    }
    parts
}

/// The rows, those of one workload with all values of what is varied together.
fn in_order(comparison: &Comparison) -> Vec<&Row> {
    match &comparison.sweep {
        Some(swept) => {
            let groups = swept.groups(&comparison.rows).into_iter();
            groups.flat_map(|group| group.rows).map(|(_, row)| row).collect()
        }
        None => comparison.rows.iter().collect(),
    }
}

/// What a row is of, with its unit.
fn label(comparison: &Comparison, row: &Row) -> String {
    match comparison.sweep.as_ref().and_then(|swept| swept.place(row)) {
        Some(_) if row.unit.is_empty() => words::name(comparison, row),
        // Beside a value it would be taken for that of the value.
        Some(_) => format!("{}, {}", words::name(comparison, row), row.unit),
        None => text::label(row),
    }
}

/// What the signs in the tables mean.
pub(super) fn legend(comparison: &Comparison) -> String {
    let limits = comparison
        .rows
        .iter()
        .flat_map(|row| &row.cells)
        .filter_map(|cell| cell.change.filter(|change| change.verdict == Verdict::Same)?.limit);
    let largest = limits.reduce(f64::max).filter(|limit| *limit > 0.0);
    let ruled_out = largest.map(|limit| format!(" larger than {}", at_most(limit)));
    let ruled_out = ruled_out.unwrap_or_default();
    match comparison.steps.is_empty() {
        true => format!("~ no difference{ruled_out}; ? cannot tell"),
        false => {
            format!("* differs from before; without a mark no difference{ruled_out}; ? cannot tell; ! fails")
        }
    }
}

/// The variants, by place, that stand side by side: the baseline and as many others as fit.
fn blocks(comparison: &Comparison, rows: &[&Row]) -> Vec<Vec<usize>> {
    let room = WIDTH.saturating_sub(label_width(comparison, rows) + VALUE);
    chunks(comparison, room / (VALUE + CHANGE))
}

/// The same for columns that are as narrow as patches can be.
fn steps(comparison: &Comparison, rows: &[&Row]) -> Vec<Vec<usize>> {
    let room = WIDTH.saturating_sub(label_width(comparison, rows) + STEP + MARK);
    chunks(comparison, room / (STEP + MARK))
}

fn chunks(comparison: &Comparison, fitting: usize) -> Vec<Vec<usize>> {
    let others: Vec<usize> = (1..comparison.variants.len()).collect();
    if others.is_empty() {
        return vec![vec![0]];
    }
    others.chunks(fitting.max(1)).map(|chunk| [&[0], chunk].concat()).collect()
}

fn label_width(comparison: &Comparison, rows: &[&Row]) -> usize {
    let labels: Vec<String> = rows.iter().map(|row| label(comparison, row)).collect();
    longest(labels.iter().map(String::as_str)).max(16)
}

/// A column for each patch, by its number in the series.
fn by_patch(comparison: &Comparison, rows: &[&Row], places: &[usize]) -> String {
    let width = label_width(comparison, rows);
    let name = |&place: &usize| match &comparison.variants[place].prefix {
        Some(prefix) => prefix.patches.to_string(),
        None if place == 0 => "before".to_owned(),
        None => comparison.variants[place].name.chars().take(STEP - 1).collect(),
    };
    let heading: String = places.iter().map(|place| format!("{:>STEP$}{:MARK$}", name(place), "")).collect();
    let mut lines = vec![format!("{:<width$}{heading}", "patch").trim_end().to_owned()];
    for row in rows {
        let cells = places.iter().map(|&place| {
            let cell = &row.cells[place];
            let (value, change) = value(row, cell);
            let mark = match change.as_str() {
                "" | "~" => "",
                "!" | "?" => change.as_str(),
                _ => "*",
            };
            format!("{value:>STEP$}{mark:MARK$}")
        });
        let cells: String = cells.collect();
        lines.push(format!("{:<width$}{cells}", label(comparison, row)).trim_end().to_owned());
    }
    lines.join("\n")
}

fn table(comparison: &Comparison, rows: &[&Row], places: &[usize]) -> String {
    let width = label_width(comparison, rows);
    // What one kernel does has room beside its values.
    let is_beside = places.len() == 2;
    let mut lines = vec![heading(comparison, places, width)];
    let line = |label: &str, of: &dyn Fn(&Row, &Cell) -> (String, String), row: &Row| {
        let mut line = format!("{label:<width$}");
        for &place in places {
            let (value, change) = of(row, &row.cells[place]);
            line += &format!("{value:>VALUE$}");
            line += &if place == 0 { String::new() } else { format!("{change:>CHANGE$}") };
        }
        line.trim_end().to_owned()
    };
    let wide = |row: &Row, label: &str, of: &dyn Fn(&Change) -> Option<String>| {
        let mut line = format!("{label:<width$}");
        for &place in places {
            let shown = row.cells[place].change.as_ref().and_then(of).unwrap_or_default();
            line += &if place == 0 { " ".repeat(VALUE) } else { format!("{shown:>0$}", VALUE + CHANGE) };
        }
        line.trim_end().to_owned()
    };
    for row in rows {
        let values = line(&label(comparison, row), &value, row);
        let change = places.last().and_then(|&place| row.cells[place].change.as_ref());
        match change.and_then(interval).filter(|_| is_beside) {
            Some(interval) => lines.push(format!("{values:<0$}{interval:>20}", width + 2 * VALUE + CHANGE)),
            None => lines.push(values),
        }
        let any = |has: fn(&Change) -> bool| {
            places.iter().any(|place| row.cells[*place].change.as_ref().is_some_and(has))
        };
        if any(|change| change.interval.is_some()) && !is_beside {
            lines.push(wide(row, "  95 % interval", &interval));
        }
        if any(|change| change.p.is_some()) {
            lines.push(wide(row, "  p", &p_value));
        }
    }
    if rows.iter().flat_map(|row| &row.cells).all(|cell| cell.evidence.is_none()) {
        return lines.join("\n");
    }
    lines.push("most requests in flight".to_owned());
    lines
        .extend(rows.iter().map(|row| line(&format!("  {}", words::name(comparison, row)), &in_flight, row)));
    lines.join("\n")
}

/// What the test says of a change: as wide as a value and a change together.
fn interval(change: &Change) -> Option<String> {
    let (low, high) = change.interval?;
    Some(format!("x{} to x{}", text::rate(low), text::rate(high)))
}

fn p_value(change: &Change) -> Option<String> {
    change.p_corrected.or(change.p).map(evidence::p_value)
}

/// The names above their values; one that is too long is cut.
fn heading(comparison: &Comparison, places: &[usize], width: usize) -> String {
    let name = |place: usize| comparison.variants[place].name.chars().take(VALUE - 1).collect::<String>();
    let columns = places.iter().map(|&place| {
        let space = if place == 0 { 0 } else { CHANGE };
        format!("{:>VALUE$}{}", name(place), " ".repeat(space))
    });
    let columns: String = columns.collect();
    match places.len() {
        2 => format!(
            "{}{}{:>CHANGE$}{:>20}",
            " ".repeat(width),
            &columns[..2 * VALUE],
            "change",
            "95 % interval"
        ),
        _ => format!("{}{columns}", " ".repeat(width)).trim_end().to_owned(),
    }
}

fn value(row: &Row, cell: &Cell) -> (String, String) {
    let value = match cell.mean {
        Some(mean) if cell.failures.is_empty() => text::figure(row.unit, mean),
        Some(_) | None if cell.failures.is_empty() => "-".to_owned(),
        Some(_) | None if cell.wrong_data() > 0 => "WRONG".to_owned(),
        Some(_) | None => "FAILED".to_owned(),
    };
    let Some(change) = &cell.change else { return (value, String::new()) };
    let shown = match (change.verdict, change.ratio) {
        (verdict, Some(ratio)) if verdict.is_difference() => text::change(ratio).replace(' ', ""),
        (Verdict::Same, _) => "~".to_owned(),
        (Verdict::Failed | Verdict::WrongData, _) => "!".to_owned(),
        (Verdict::NotGiven, _) => String::new(),
        _ => "?".to_owned(),
    };
    (value, shown)
}

fn in_flight(_: &Row, cell: &Cell) -> (String, String) {
    (cell.evidence.map_or("-".to_owned(), |seen| text::range(seen.most_in_flight)), String::new())
}
