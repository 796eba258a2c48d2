//! The comparison as Markdown, for issues, merge requests and wikis.

mod escape;

use super::behaviour::{self, Differences};
use super::{costs, messages, scenario, steps, suites, text, words};
use crate::comparison::{Comparison, FindingRow, Row};
use crate::text::layout::longest;
use escape::{block, escape};

/// How many expected differences of behaviour are shown, of each group of kernels.
const DIFFERENCES: usize = 5;

/// Lines of a kernel's report that are shown.
const REPORT_LINES: usize = 40;

/// Columns of what stands as it is, in blocks of code.
const WIDTH: usize = 80;

/// The whole text.
pub(super) fn render(comparison: &Comparison) -> String {
    let mut parts = vec![
        format!("## {}: {}", escape(&comparison.campaign), words::answer(comparison)),
        list(&comparison.conclusion.sentences),
    ];
    if text::is_measured(comparison) {
        for (name, rows) in words::groups(comparison) {
            parts.push(format!("### {}", escape(&words::title(comparison, &name))));
            parts.push(table(comparison, &rows));
        }
        parts.push(escape(&text::criterion(comparison)));
        parts.push(list(&[text::samples_needed(comparison), text::not_given(comparison)].concat()));
    }
    parts.extend(section("Costs", costs::render(comparison, WIDTH)));
    parts.extend(section("Patch by patch", steps::render(comparison, WIDTH)));
    parts.extend(section("Suites", suites::render(comparison, WIDTH)));
    let shown = Differences::AtMost(DIFFERENCES);
    parts.extend(section("Behaviour", behaviour::render(comparison, WIDTH, shown)));
    parts.push("### Kernel logs".to_owned());
    match comparison.findings.is_empty() {
        true => parts.push("No findings in any boot.".to_owned()),
        false => parts.extend(comparison.findings.iter().map(|row| finding(comparison, row))),
    }
    parts.extend(comparison.no_lines.as_ref().map(|why| escape(why)));
    parts.extend(words::unused_known(comparison).map(|unused| escape(&unused)));
    let also = messages::lines(comparison);
    if !also.is_empty() {
        parts.extend([format!("{}:", messages::TITLE), list(&also)]);
    }
    if !comparison.doubts.is_empty() {
        parts.extend(["### Doubts".to_owned(), list(&comparison.doubts)]);
    }
    parts.extend(["### What was run".to_owned(), run(comparison)]);
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n") + "\n"
}

fn list(lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| format!("- {}", escape(line))).collect();
    lines.join("\n")
}

/// A part of the table's text as it is there.
fn section(title: &str, text: Option<String>) -> Vec<String> {
    text.map(|text| vec![format!("### {title}"), block(&text)]).unwrap_or_default()
}

/// Workloads down, variants across.
fn table(comparison: &Comparison, rows: &[&Row]) -> String {
    let names = comparison.variants.iter().map(|variant| escape(&variant.name));
    let mut lines: Vec<Vec<String>> =
        vec![[escape(words::heading(comparison)), "unit".to_owned()].into_iter().chain(names).collect()];
    for row in rows {
        let cells = row.cells.iter().map(|cell| {
            let change = cell.change.as_ref().map(words::change).filter(|text| !text.is_empty());
            let change = change.map(|text| format!("<br>{text}")).unwrap_or_default();
            format!("{}{change}", words::value(row, cell))
        });
        lines.push(
            [escape(&words::label(comparison, row)), row.unit.to_owned()].into_iter().chain(cells).collect(),
        );
    }
    grid(&lines, 2)
}

/// Lines of cells, the first one as headings; columns from `right_from` on are aligned to the right.
fn grid(lines: &[Vec<String>], right_from: usize) -> String {
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width =
        |place: usize| longest(lines.iter().filter_map(|line| Some(line.get(place)?.as_str()))).max(3);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let shown = |line: &Vec<String>| {
        let cells = line.iter().zip(&widths).enumerate().map(|(place, (cell, &width))| {
            if place >= right_from { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        format!("| {} |", cells.collect::<Vec<_>>().join(" | "))
    };
    let rule = widths.iter().enumerate().map(|(place, &width)| match place >= right_from {
        true => format!("{}:", "-".repeat(width + 1)),
        false => "-".repeat(width + 2),
    });
    let rule = format!("|{}|", rule.collect::<Vec<_>>().join("|"));
    let (first, rest) = (lines.iter().take(1), lines.iter().skip(1));
    first.map(shown).chain([rule]).chain(rest.map(shown)).collect::<Vec<_>>().join("\n")
}

fn finding(comparison: &Comparison, row: &FindingRow) -> String {
    let counts = comparison.variants.iter().enumerate();
    let counts: Vec<String> = counts
        .map(|(place, variant)| format!("{} {}", escape(&variant.name), words::presence(row, place)))
        .collect();
    let (shown, rest) = words::report_lines(row, REPORT_LINES);
    let text: Vec<String> = shown.into_iter().map(str::to_owned).chain(words::left_out(rest)).collect();
    let notes = list(&words::finding_notes(comparison, row));
    let head = format!(
        "**{}** ({}): boots {}; first in {}, console line {}",
        escape(&row.finding.title),
        row.finding.kind,
        counts.join("; "),
        escape(&row.folder),
        row.finding.line,
    );
    let parts = [head, notes, block(&text.join("\n"))];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n")
}

/// What somebody else needs to do it again.
fn run(comparison: &Comparison) -> String {
    let mut lines = vec![format!("command: {}", comparison.command)];
    if let Some(setup) = &comparison.setup {
        lines.extend(text::sources(comparison, setup).into_iter().map(|source| format!("source: {source}")));
        lines.push(format!(
            "machine: QEMU {} ({}, {}), {} vCPU, {} MiB",
            setup.qemu_version, setup.accelerator, setup.cpu_model, setup.cpus, setup.memory_mib
        ));
        lines.push(format!("clock: {}", text::clock(setup)));
    }
    lines.extend(
        scenario::grounds(comparison)
            .into_iter()
            .filter(|_| text::is_measured(comparison))
            .map(|(name, ground)| format!("scenario {name}: {ground}")),
    );
    lines.extend(comparison.variants.iter().map(|variant| {
        format!(
            "variant {}: {}; {}",
            variant.name,
            text::kernel(comparison, variant),
            text::boots(&variant.boots)
        )
    }));
    list(&lines)
}
