//! All that the comparison says, for a terminal: what was compared, throughput, evidence, kernel logs, conclusion.

use super::behaviour::{self, Differences};
use super::{actions, costs, evidence, messages, scenario, steps, suites, text, words};
use crate::comparison::{Cell, Comparison, Failure, FindingRow, Row, Status, Trouble, VariantSummary};
use crate::text::digest;
use crate::text::escape::escape_for_terminal;
use crate::text::layout::{WIDTH, align_right, new_table};

/// The whole report, plain text. Nothing in it that came from a guest can act on a terminal.
pub fn render(comparison: &Comparison) -> String {
    let mut parts = vec![header(comparison)];
    if text::is_measured(comparison) {
        parts.push(values(comparison));
        parts.push(format!(
            "{}{}",
            text::wrap("", &text::rules(comparison), WIDTH, 0),
            footnotes(comparison)
        ));
        parts.extend(costs::render(comparison, WIDTH));
        parts.extend(steps::render(comparison, WIDTH));
        parts.extend(evidence::render(comparison));
        parts.extend(actions::render(comparison));
        parts.extend(list("Workloads that failed:", "  ", &failures(comparison)));
    }
    parts.extend(suites::render(comparison, WIDTH));
    parts.extend(behaviour::render(comparison, WIDTH, Differences::All));
    parts.push(findings(comparison, Reports::Shown));
    parts.extend(list("Boots that did not end well:", "  ", &troubles(comparison)));
    parts.extend(list("Doubts:", "- ", &comparison.doubts));
    parts.push(conclusion(comparison));
    escape_for_terminal(&parts.join("\n\n")) + "\n"
}

fn header(comparison: &Comparison) -> String {
    let mut lines = vec![(
        "campaign",
        format!("{} (plan {}, begun {})", comparison.campaign, comparison.plan, comparison.begun),
    )];
    if let Some(setup) = &comparison.setup {
        let machine = format!(
            "QEMU {} -machine {}, {}, -cpu {}, {} vCPU, {} MiB",
            setup.qemu_version,
            setup.machine,
            setup.accelerator,
            setup.cpu_model,
            setup.cpus,
            setup.memory_mib
        );
        lines.extend(text::sources(comparison, setup).into_iter().map(|source| ("source", source)));
        lines.extend(text::configurations(comparison, setup).into_iter().map(|config| ("config", config)));
        lines.extend([
            ("image", digest::short(&setup.image_sha256).to_owned()),
            ("machine", machine),
            ("clock", text::clock(setup)),
        ]);
    }
    lines.push((
        "host",
        format!("{}, {} CPUs, {}", comparison.host.cpu, comparison.host.cpus, comparison.host.system),
    ));
    if text::is_measured(comparison) {
        let grounds = scenario::grounds(comparison).into_iter();
        lines.extend(grounds.map(|(name, ground)| ("scenario", format!("{name}: {ground}"))));
    }
    for variant in &comparison.variants {
        let baseline = if variant.name == comparison.baseline { " (baseline)" } else { "" };
        let release = variant.release.as_deref().unwrap_or("no report");
        lines.push((
            "variant",
            format!(
                "{}{baseline}: {release}; {}; {}",
                variant.name,
                text::kernel(comparison, variant),
                text::boots(&variant.boots)
            ),
        ));
    }
    let line =
        |(name, value): (&str, String)| text::wrap(&format!("{:<10}", format!("{name}:")), &value, WIDTH, 10);
    lines.into_iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A table for each scenario and metric, or for each setting that is varied; under each value of a patched kernel its change
/// and verdict. Variants that do not fit beside each other follow below, each time with the baseline.
fn values(comparison: &Comparison) -> String {
    let others: Vec<usize> = (1..comparison.variants.len()).collect();
    let tables = |(name, rows): (String, Vec<&Row>)| {
        let side_by_side = |most: usize| {
            let blocks = others.chunks(most).map(|chunk| [&[0], chunk].concat());
            let blocks: Vec<_> = if others.is_empty() { vec![vec![0]] } else { blocks.collect() };
            blocks.iter().map(|places| matrix(comparison, &rows, places)).collect::<Vec<_>>().join("\n\n")
        };
        let fits = |text: &String| text.lines().all(|line| line.chars().count() <= WIDTH);
        let counts = (1..=others.len().max(1)).rev();
        let text = counts.map(side_by_side).find(fits).unwrap_or_else(|| side_by_side(1));
        format!("{} {name}\n{text}", words::place(comparison))
    };
    words::groups(comparison).into_iter().map(tables).collect::<Vec<_>>().join("\n\n")
}

/// The values of these rows, of the variants at these places.
fn matrix(comparison: &Comparison, rows: &[&Row], places: &[usize]) -> String {
    let names = places.iter().map(|&place| comparison.variants[place].name.as_str());
    let columns: Vec<_> = [words::heading(comparison), "unit"].into_iter().chain(names).collect();
    let mut table = new_table(&columns);
    for row in rows {
        let cells = places.iter().map(|&place| value(row, &row.cells[place]));
        table.add_row([words::label(comparison, row), row.unit.to_string()].into_iter().chain(cells));
    }
    align_right(&mut table, 2..columns.len());
    table.to_string()
}

fn value(row: &Row, cell: &Cell) -> String {
    let value = match cell.mean {
        Some(mean) if cell.failures.is_empty() => text::figure(row.unit, mean),
        Some(_) | None => text::no_value(cell),
    };
    let Some(change) = &cell.change else { return value };
    if change.verdict.has_no_value() { value } else { format!("{value}\n{}", text::effect(change)) }
}

fn footnotes(comparison: &Comparison) -> String {
    let mut notes = String::new();
    for needed in text::samples_needed(comparison) {
        notes += &format!("\n{}", text::wrap("", &needed, WIDTH, 2));
    }
    for why in text::not_given(comparison) {
        notes += &format!("\n{}", text::wrap("", &why, WIDTH, 2));
    }
    notes
}

/// Why workloads failed, a line for each.
pub(super) fn failures(comparison: &Comparison) -> Vec<String> {
    let rows = comparison.rows.iter().filter(|row| row.metric == comparison.metrics[0]);
    let of = |row: &Row, cell: &Cell| {
        let what = |failure: &Failure| {
            format!(
                "{}, {}, {}, boot {}: {}",
                cell.variant, row.scenario, row.workload, failure.boot, failure.reason
            )
        };
        cell.failures.iter().map(what).collect::<Vec<_>>()
    };
    rows.flat_map(|row| row.cells.iter().flat_map(move |cell| of(row, cell))).collect()
}

/// Whether the text of the kernel's reports is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reports {
    /// The first lines of each.
    Shown,
    /// Only what was found.
    LeftOut,
}

/// Lines of a report that are shown; `show` has all of them.
const REPORT_LINES: usize = 25;

/// What the kernel logs say.
pub(super) fn findings(comparison: &Comparison, reports: Reports) -> String {
    let messages = list(&format!("{}:", messages::TITLE), "  ", &messages::lines(comparison));
    [Some(only_findings(comparison, reports)), messages].into_iter().flatten().collect::<Vec<_>>().join("\n")
}

fn only_findings(comparison: &Comparison, reports: Reports) -> String {
    let unused = words::unused_known(comparison).filter(|_| reports == Reports::Shown);
    let unused = unused.map(|unused| text::wrap("", &unused, WIDTH, 2));
    if comparison.findings.is_empty() {
        let none = "Kernel logs: no findings in any boot.".to_owned();
        return [none].into_iter().chain(unused).collect::<Vec<_>>().join("\n");
    }
    let mut lines = vec!["Kernel logs (boots with the finding / boots read):".to_owned()];
    for row in &comparison.findings {
        lines.push(format!("  {}: {}", row.finding.kind, row.finding.title));
        let counts = comparison.variants.iter().zip(&row.presence).enumerate();
        let counts = counts.map(|(place, (variant, presence))| {
            format!("{} {}/{}{}", variant.name, presence.boots, presence.of, mark(row, place))
        });
        lines.push(format!("    {}", counts.collect::<Vec<_>>().join(", ")));
        let notes = words::finding_notes(comparison, row);
        lines.extend(notes.iter().map(|note| text::wrap("    ", note, WIDTH, 6)));
        lines.push(format!("    first in {}, console line {}", row.folder, row.finding.line));
        if reports == Reports::Shown {
            let (shown, rest) = words::report_lines(row, REPORT_LINES);
            lines.extend(shown.into_iter().map(|line| format!("      {line}")));
            lines.extend(words::left_out(rest).map(|line| {
                format!("      {line}: cargo xtask show {} {} --full", comparison.campaign, row.folder)
            }));
        }
    }
    let no_lines = comparison.no_lines.as_ref().filter(|_| reports == Reports::Shown);
    let no_lines = no_lines.map(|why| text::wrap("  ", why, WIDTH, 4));
    lines.into_iter().chain(no_lines).chain(unused).collect::<Vec<_>>().join("\n")
}

fn mark(row: &FindingRow, place: usize) -> &'static str {
    match (row.is_new_with(place), row.is_gone_with(place)) {
        (true, _) => " NEW",
        (_, true) => " gone",
        (false, false) => "",
    }
}

/// How boots ended that did not end well, a line for each.
pub(super) fn troubles(comparison: &Comparison) -> Vec<String> {
    let of = |variant: &VariantSummary| {
        let line = |trouble: &Trouble| {
            format!(
                "{}, {}, boot {}: {}: {}",
                variant.name, trouble.scenario, trouble.boot, trouble.outcome, trouble.reason
            )
        };
        variant.troubles.iter().map(line).collect::<Vec<_>>()
    };
    comparison.variants.iter().flat_map(of).collect()
}

/// A title and a line for each of these; none if there is none.
fn list(title: &str, mark: &str, all: &[String]) -> Option<String> {
    // What has no mark is indented by what stands below it as well.
    let indent = if mark.trim().is_empty() { 2 * mark.len() } else { mark.len() };
    let lines: Vec<_> = all.iter().map(|line| text::wrap(mark, line, WIDTH, indent)).collect();
    (!lines.is_empty()).then(|| format!("{title}\n{}", lines.join("\n")))
}

/// What follows in a few words, with the exit code.
pub fn headline(comparison: &Comparison) -> String {
    let status = comparison.conclusion.status;
    let word = match (status, comparison.is_of_scenarios()) {
        (Status::NoFinding, false) => "nothing speaks against a variant",
        (Status::NoFinding, true) => "every scenario did its work",
        (Status::Worse, false) => "WORSE than the baseline",
        (Status::Worse, true) => "something FAILS that does not in the baseline",
        (Status::CannotTell, _) => "CANNOT TELL",
    };
    format!("{word} (exit code {})", status.exit_code())
}

/// What follows, with the exit code.
pub(super) fn conclusion(comparison: &Comparison) -> String {
    let sentences: Vec<_> =
        comparison.conclusion.sentences.iter().map(|sentence| text::wrap("", sentence, WIDTH, 2)).collect();
    [format!("Conclusion: {}.", headline(comparison)), sentences.join("\n")].join("\n").trim_end().to_owned()
}
