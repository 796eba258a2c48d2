//! A series of commits as people read it: what was measured of each, and which commit brought which step.

mod csv;
mod steps;

pub use csv::{long, otava, wide};
pub(super) use steps::{heading, said};

use crate::comparison::Status;
use crate::comparison::history::{Figure, History, Point, RowChange, RowName};
use crate::text::digest::short;
use crate::text::escape::escape_for_terminal;
use crate::text::layout::{WIDTH, align_right, new_table};

use super::text;

/// Rows that stand side by side in one table.
const ROWS: usize = 4;

/// The longest subject in a table, characters.
const SUBJECT: usize = 36;

/// The whole text.
pub fn render(history: &History) -> String {
    let mut parts = vec![header(history)];
    parts.extend(history.rows.chunks(ROWS).map(|rows| table(history, rows)));
    if history.rows.is_empty() {
        parts.push(table(history, &[]));
    }
    parts.extend(steps::render(history));
    parts.extend(notes(history));
    parts.push(conclusion(history));
    escape_for_terminal(&parts.join("\n\n")) + "\n"
}

fn header(history: &History) -> String {
    let measured = history.points.iter().filter(|point| !point.figures.is_empty()).count();
    let text = format!(
        "{} of {}, plan {}: {measured} of {} commits measured. A step is a change of a mean that exceeds {} and whose \
         95 % interval excludes 1; each change is against the commit measured before.",
        history.branch,
        history.tree,
        history.plan,
        history.points.len(),
        history.threshold
    );
    text::wrap("", &text, WIDTH, 0)
}

/// A line for each commit that was measured or has no kernel.
fn table(history: &History, rows: &[RowName]) -> String {
    let headings =
        rows.iter().map(|row| format!("{} {}", label(history, row), row.unit).trim_end().to_owned());
    let headings: Vec<String> =
        ["", "commit", "date", "subject"].map(str::to_owned).into_iter().chain(headings).collect();
    let mut table = new_table(&headings.iter().map(String::as_str).collect::<Vec<_>>());
    for (place, point) in history.points.iter().enumerate() {
        if point.figures.is_empty() && point.commit.does_not_build.is_none() {
            continue;
        }
        let of = &point.commit;
        let start =
            [mark(history, place).to_owned(), short(&of.commit).to_owned(), day(point), cut(&of.subject)];
        table.add_row(start.into_iter().chain(rows.iter().map(|row| cell(history, place, row))));
    }
    align_right(&mut table, 4..4 + rows.len());
    table.to_string()
}

/// A row in a heading: without the scenario, if there is one only.
fn label(history: &History, row: &RowName) -> String {
    match history.rows.iter().all(|other| other.scenario == row.scenario) {
        true => row.workload.clone(),
        false => row.text(),
    }
}

/// What tells a commit with a step from the others.
fn mark(history: &History, place: usize) -> &'static str {
    match history.steps().any(|(link, _)| link.after == place) {
        true => "step",
        false => "",
    }
}

/// The day of a commit.
pub(super) fn day(point: &Point) -> String {
    point.commit.committed.chars().take(10).collect()
}

fn cut(subject: &str) -> String {
    match subject.chars().count() > SUBJECT {
        true => subject.chars().take(SUBJECT - 3).collect::<String>() + "...",
        false => subject.to_owned(),
    }
}

/// A figure with its change: always if it is a step, else as far as it can be written.
fn cell(history: &History, place: usize, row: &RowName) -> String {
    let point = &history.points[place];
    if point.commit.does_not_build.is_some() {
        return "does not build".to_owned();
    }
    let Some(figure) = point.figure(row) else { return "not run".to_owned() };
    let change = change_at(history, place, row).map(|change| short_change(&change));
    format!("{} {:>7}", value(figure), change.unwrap_or_default())
}

/// A mean, or that there is none.
pub(super) fn value(figure: &Figure) -> String {
    figure.mean.map_or_else(|| "FAILED".to_owned(), |mean| text::figure(figure.row.unit, mean))
}

/// The change from the commit measured before.
pub(super) fn change_at(history: &History, place: usize, row: &RowName) -> Option<RowChange> {
    let link = history.links.iter().find(|link| link.after == place)?;
    link.difference.as_ref().ok()?.rows.iter().find(|change| change.row == *row).cloned()
}

/// A change in a few characters: none below a twentieth of a percent.
fn short_change(change: &RowChange) -> String {
    match change.change.and_then(|change| change.ratio) {
        Some(ratio) if (ratio - 1.0).abs() < 0.0005 => "=".to_owned(),
        Some(ratio) => text::change(ratio),
        None => "?".to_owned(),
    }
}

/// What the reader has to know before believing it.
fn notes(history: &History) -> Option<String> {
    let mut notes = Vec::new();
    for link in &history.links {
        if let Err(why) = &link.difference {
            let [before, after] = [link.before, link.after].map(|place| name(&history.points[place]));
            notes.push(format!("{before} and {after} are not compared: {why}"));
        }
    }
    for (link, unclear) in unclear(history) {
        notes.push(format!(
            "whether {} differs from the commit before in {} is unclear: more boots would tell (--boots)",
            name(&history.points[link]),
            unclear.join(", ")
        ));
    }
    for gone in &history.gone {
        notes.push(format!(
            "{} {} was measured and is no longer in {}: the branch was rewritten; its campaigns are kept",
            short(&gone.commit),
            gone.subject,
            history.branch
        ));
    }
    let lines: Vec<String> = notes.iter().map(|note| text::wrap("- ", note, WIDTH, 2)).collect();
    (!lines.is_empty()).then(|| format!("Notes:\n{}", lines.join("\n")))
}

/// Commits, by place, with the rows of which nothing can be said.
fn unclear(history: &History) -> Vec<(usize, Vec<String>)> {
    let of = |link: &crate::comparison::history::HistoryLink| {
        let rows = link.difference.as_ref().ok()?.rows.iter();
        let is_unclear = |row: &&RowChange| {
            row.fails == [false, false] && row.change.is_some_and(|change| change.verdict.is_unknown())
        };
        let names: Vec<String> = rows.filter(is_unclear).map(|row| row.row.text()).collect();
        (!names.is_empty()).then_some((link.after, names))
    };
    history.links.iter().filter_map(of).collect()
}

/// A commit in a sentence.
pub(super) fn name(point: &Point) -> String {
    short(&point.commit.commit).to_owned()
}

fn conclusion(history: &History) -> String {
    let steps = history.steps().count();
    let counted = match steps {
        0 => "no step".to_owned(),
        1 => "1 step".to_owned(),
        count => format!("{count} steps"),
    };
    let said = match (history.status(), &history.whole) {
        (_, None) => "the newest commit has nothing to be compared with".to_owned(),
        (Status::NoFinding, Some(_)) => "nothing speaks against the newest commit".to_owned(),
        (Status::Worse, Some(_)) => "the newest commit is worse than the oldest one".to_owned(),
        (Status::CannotTell, Some(_)) => "of the newest commit the lab cannot tell".to_owned(),
    };
    let first = format!("Conclusion: {counted}; {said} (exit code {}).", history.status().exit_code());
    let sentences = history.whole.iter().flat_map(|(.., whole)| &whole.sentences);
    let lines = std::iter::once(&first).chain(sentences).map(|line| text::wrap("", line, WIDTH, 2));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests;
