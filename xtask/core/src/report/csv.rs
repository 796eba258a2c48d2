//! The comparison as CSV, for spreadsheets and statistics: a line for each scenario, workload, metric and variant.

use anyhow::Context as _;
use csv::Writer;

use crate::comparison::{Cell, Comparison, Row};
use crate::text::escape::escape_for_terminal;

/// The columns. What is added comes last, and no name changes its meaning.
const COLUMNS: [&str; 26] = [
    "campaign",
    "begun",
    "plan",
    "scenario",
    "workload",
    "metric",
    "unit",
    "decides",
    "variant",
    "baseline",
    "mean",
    "spread",
    "samples",
    "failures",
    "verdict",
    "ratio",
    "ratio_low",
    "ratio_high",
    "limit",
    "p",
    "p_corrected",
    "release",
    "values",
    "setting",
    "setting_value",
    "expected",
];

/// All of it, with a line of headings. An empty field is a figure that there is not.
///
/// # Errors
/// None that a comparison can cause; kept for the writer's sake.
pub(super) fn render(comparison: &Comparison) -> anyhow::Result<String> {
    let mut writer = Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    let decisive = comparison.rows.iter().map(|row| (row, "yes"));
    let others = comparison.other_metrics.iter().map(|row| (row, "no"));
    for (row, decides) in decisive.chain(others) {
        for (place, cell) in row.cells.iter().enumerate() {
            writer.write_record(line(comparison, row, decides, place, cell))?;
        }
    }
    let bytes = writer.into_inner().context("writing the comparison as CSV")?;
    Ok(String::from_utf8(bytes)?)
}

fn line(
    comparison: &Comparison,
    row: &Row,
    decides: &str,
    place: usize,
    cell: &Cell,
) -> [String; COLUMNS.len()] {
    let change = cell.change.as_ref();
    let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    let interval = change.and_then(|change| change.interval);
    let values: Vec<String> = cell.samples.iter().map(|sample| sample.value.to_string()).collect();
    let swept = comparison.sweep.as_ref();
    let value = swept.and_then(|swept| swept.place(row)).map(|(.., value)| value.to_string());
    let release = comparison.variants.get(place).and_then(|variant| variant.release.as_deref());
    [
        text(&comparison.campaign),
        text(&comparison.begun),
        text(&comparison.plan),
        text(&row.scenario),
        text(&row.workload),
        row.metric.name().to_owned(),
        row.unit.to_owned(),
        decides.to_owned(),
        text(&cell.variant),
        text(&comparison.baseline),
        number(cell.mean),
        number(cell.spread),
        cell.samples.len().to_string(),
        cell.failures.len().to_string(),
        change.map(|change| change.verdict.word().to_owned()).unwrap_or_default(),
        number(change.and_then(|change| change.ratio)),
        number(interval.map(|(low, _)| low)),
        number(interval.map(|(_, high)| high)),
        number(change.and_then(|change| change.limit)),
        number(change.and_then(|change| change.p)),
        number(change.and_then(|change| change.p_corrected)),
        text(release.unwrap_or_default()),
        values.join(" "),
        swept.map(|swept| text(&swept.sweep.setting)).unwrap_or_default(),
        value.unwrap_or_default(),
        number(swept.and_then(|swept| swept.expected(row, &cell.variant))),
    ]
}

/// Text that no spreadsheet takes for a formula: one that looks like it gets an apostrophe in front, as spreadsheets write it
/// themselves.
pub(super) fn text(text: &str) -> String {
    let text = escape_for_terminal(text).replace(['\n', '\t'], " ");
    match text.trim_start().starts_with(['=', '+', '-', '@']) {
        true => format!("'{text}"),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_becomes_a_formula() {
        for (input, expected) in [
            ("original", "original"),
            ("=HYPERLINK(\"http://x\")", "'=HYPERLINK(\"http://x\")"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "' =1"),
            ("\r=1", "\\x0d=1"),
            ("a\nb", "a b"),
        ] {
            assert_eq!(text(input), expected, "{input:?}");
        }
    }
}
