//! A series of commits as CSV: a line for each commit and row, and, for programs that look for change points, a line for each
//! commit with a column for each row.

use anyhow::Context as _;
use csv::Writer;

use crate::comparison::history::{Figure, History, Point, RowName};
use crate::evidence::metric::Direction;
use crate::report::csv::text;

use super::change_at;

/// The columns. What is added comes last, and no name changes its meaning.
const COLUMNS: [&str; 18] = [
    "order",
    "commit",
    "time",
    "author",
    "subject",
    "scenario",
    "workload",
    "metric",
    "unit",
    "mean",
    "low",
    "high",
    "n",
    "ratio",
    "ratio_low",
    "ratio_high",
    "verdict",
    "step",
];

/// A line for each commit and row. `low` and `high` are the 95 % interval of the mean, `ratio` is against the commit measured
/// before. An empty field is a figure that there is not.
///
/// # Errors
/// None that a history can cause; kept for the writer's sake.
pub fn long(history: &History) -> anyhow::Result<String> {
    let mut writer = Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for (place, point) in history.points.iter().enumerate() {
        for figure in &point.figures {
            writer.write_record(line(history, place, point, figure))?;
        }
    }
    finished(writer)
}

fn line(history: &History, place: usize, point: &Point, figure: &Figure) -> [String; COLUMNS.len()] {
    let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    let row = change_at(history, place, &figure.row);
    let change = row.as_ref().and_then(|row| row.change);
    let interval = change.and_then(|change| change.interval);
    let of = &point.commit;
    [
        place.to_string(),
        of.commit.clone(),
        of.committed.clone(),
        text(&of.author),
        text(&of.subject),
        text(&figure.row.scenario),
        text(&figure.row.workload),
        figure.row.metric.name().to_owned(),
        figure.row.unit.to_owned(),
        number(figure.mean),
        number(figure.interval.map(|(low, _)| low)),
        number(figure.interval.map(|(_, high)| high)),
        figure.samples.to_string(),
        number(change.and_then(|change| change.ratio)),
        number(interval.map(|(low, _)| low)),
        number(interval.map(|(_, high)| high)),
        change.map(|change| change.verdict.word().to_owned()).unwrap_or_default(),
        row.map(|row| if row.is_step() { "yes" } else { "no" }.to_owned()).unwrap_or_default(),
    ]
}

/// A line for each commit that has all figures: `time`, `commit`, `subject`, and the mean of each row. Programs that look for
/// change points take no empty fields.
///
/// # Errors
/// As [`long`].
pub fn wide(history: &History) -> anyhow::Result<String> {
    let mut writer = Writer::from_writer(Vec::new());
    let columns = history.rows.iter().map(column);
    writer.write_record(["time", "commit", "subject"].map(str::to_owned).into_iter().chain(columns))?;
    for point in &history.points {
        let means = history.rows.iter().map(|row| point.figure(row)?.mean.map(|mean| mean.to_string()));
        let Some(means) = means.collect::<Option<Vec<String>>>().filter(|means| !means.is_empty()) else {
            continue;
        };
        let of = &point.commit;
        writer.write_record(
            [of.committed.clone(), of.commit.clone(), text(&of.subject)].into_iter().chain(means),
        )?;
    }
    finished(writer)
}

fn finished(writer: Writer<Vec<u8>>) -> anyhow::Result<String> {
    let bytes = writer.into_inner().context("writing the series as CSV")?;
    Ok(String::from_utf8(bytes)?)
}

/// The name of a row's column. Names of scenarios and workloads have letters, digits and few signs.
fn column(row: &RowName) -> String {
    format!("{}/{}", row.scenario, row.workload)
}

/// What tells Apache Otava how to read the file of [`wide`], `file`: a test with a metric for each row.
pub fn otava(history: &History, test: &str, file: &str) -> String {
    let mut lines = vec![
        "tests:".to_owned(),
        format!("  {test}:"),
        "    type: csv".to_owned(),
        format!("    file: {file}"),
        "    time_column: time".to_owned(),
        "    attributes: [commit, subject]".to_owned(),
        "    metrics:".to_owned(),
    ];
    for row in &history.rows {
        let direction = match row.metric.direction() {
            Direction::Lower => -1,
            Direction::Higher | Direction::Neither => 1,
        };
        lines.push(format!("      {}:", column(row)));
        lines.push(format!("        column: {}", column(row)));
        lines.push(format!("        direction: {direction}"));
        lines.push("        scale: 1".to_owned());
    }
    lines.join("\n") + "\n"
}
