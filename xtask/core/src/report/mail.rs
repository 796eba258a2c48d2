//! The comparison as one pastes it into a cover letter: ASCII, at most 72 columns.

use super::behaviour::{self, Differences};
use super::{evidence, scenario, steps, suites, text};
use crate::comparison::{Cell, Change, Comparison, Row, Verdict};
use crate::evidence::metric::{Metric, at_most};
use crate::plan::{Clock, Scenario};
use crate::text::layout::longest;

/// Columns of a line, as the kernel's mailing lists want it.
pub(super) const WIDTH: usize = 72;
/// Columns of a value, and of a change behind it.
const VALUE: usize = 11;
const CHANGE: usize = 9;

/// How many expected differences of behaviour are shown, of each group of kernels.
const DIFFERENCES: usize = 5;

/// The whole text.
pub fn render(comparison: &Comparison) -> String {
    let mut parts = vec![method(comparison)];
    if text::is_measured(comparison) {
        parts.extend(comparison.scenarios.iter().map(|scenario| section(comparison, scenario)));
        let notes = std::iter::once(legend(comparison)).chain(text::not_given(comparison));
        parts.push(notes.map(|note| text::wrap("", &note, WIDTH, 2)).collect::<Vec<_>>().join("\n"));
        parts.extend(steps::render(comparison, WIDTH));
    }
    parts.extend(suites::render(comparison, WIDTH));
    parts.extend(behaviour::render(comparison, WIDTH, Differences::AtMost(DIFFERENCES)));
    parts.push(logs(comparison));
    let paragraphs = comparison
        .doubts
        .iter()
        .map(|doubt| format!("Note: {doubt}"))
        .chain(comparison.conclusion.sentences.iter().cloned());
    parts.push(paragraphs.map(|text| text::wrap("", &text, WIDTH, 2)).collect::<Vec<_>>().join("\n"));
    ascii(&parts.join("\n\n")) + "\n"
}

/// A scenario: its settings, and under them the figures, metric by metric.
fn section(comparison: &Comparison, scenario: &Scenario) -> String {
    let ground = scenario::ground(scenario);
    let mut parts = vec![text::wrap(&format!("{}: ", scenario.name), &ground, WIDTH, 2)];
    for &metric in &comparison.metrics {
        let is_shown = |row: &&Row| row.scenario == scenario.name && row.metric == metric;
        let rows: Vec<_> = comparison.rows.iter().filter(is_shown).collect();
        let blocks = blocks(comparison, &rows);
        let mut tables: Vec<_> = blocks.iter().map(|places| table(comparison, &rows, places)).collect();
        if comparison.metrics != [Metric::Throughput] {
            tables[0].insert_str(0, &format!("{}\n", metric.name()));
        }
        parts.extend(tables);
    }
    parts.join("\n\n")
}

/// Machine and method.
fn method(comparison: &Comparison) -> String {
    let Some(setup) = &comparison.setup else { return "No boot was recorded.".to_owned() };
    let boots = comparison.rows.iter().flat_map(|row| &row.cells).map(|cell| cell.samples.len());
    let spread =
        comparison.rows.iter().flat_map(|row| &row.cells).filter_map(|cell| cell.spread).reduce(f64::max);
    let (least, most) = boots.fold((usize::MAX, 0), |(least, most), n| (least.min(n), most.max(n)));
    let boots = if least >= most { most.to_string() } else { format!("{least} to {most}") };
    let machine = format!(
        "{}, QEMU {} ({}, {}), {} vCPU, {} MiB.",
        text::sources(comparison, setup).join(", "),
        setup.qemu_version,
        setup.accelerator,
        setup.cpu_model,
        setup.cpus,
        setup.memory_mib
    );
    let spread = spread.map(|spread| format!(", which differ by at most {}", text::percent(spread)));
    let spread = spread.unwrap_or_default();
    let method = match setup.clock {
        _ if !text::is_measured(comparison) => {
            format!("Clock {}. No speed was measured.", text::clock(setup))
        }
        Clock::Virtual => format!(
            "Clock {}. {boots} samples of each{spread}. Values are means. A change is the mean ratio of equal samples, with its \
             95 % interval.",
            text::clock(setup)
        ),
        Clock::Wall => format!(
            "Clock {}. {boots} boots of each{spread}. Values are means. A change is the median ratio of all pairs of boots \
             (Hodges-Lehmann), with its 95 % interval and the {} p of the Mann-Whitney test, corrected for all cells (Holm).",
            text::clock(setup),
            if text::is_exact(comparison) { "exact" } else { "approximate" },
        ),
    };
    format!("{}\n{}", text::wrap("", &machine, WIDTH, 0), text::wrap("", &method, WIDTH, 0))
}

/// The variants, by place, that stand side by side: the baseline and as many others as fit.
fn blocks(comparison: &Comparison, rows: &[&Row]) -> Vec<Vec<usize>> {
    let room = WIDTH.saturating_sub(label_width(rows) + VALUE);
    let others: Vec<usize> = (1..comparison.variants.len()).collect();
    let fitting = (room / (VALUE + CHANGE)).max(1);
    if others.is_empty() {
        return vec![vec![0]];
    }
    others.chunks(fitting).map(|chunk| [&[0], chunk].concat()).collect()
}

fn label_width(rows: &[&Row]) -> usize {
    let labels: Vec<String> = rows.iter().map(|row| text::label(row)).collect();
    longest(labels.iter().map(String::as_str)).max(16)
}

/// What the signs in the tables mean.
fn legend(comparison: &Comparison) -> String {
    let limits = comparison
        .rows
        .iter()
        .flat_map(|row| &row.cells)
        .filter_map(|cell| cell.change.filter(|change| change.verdict == Verdict::Same)?.limit);
    let largest = limits.reduce(f64::max).filter(|limit| *limit > 0.0);
    let ruled_out = largest.map(|limit| format!(" larger than {}", at_most(limit)));
    format!("~ no difference{}; ? cannot tell", ruled_out.unwrap_or_default())
}

fn table(comparison: &Comparison, rows: &[&Row], places: &[usize]) -> String {
    let width = label_width(rows);
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
        lines.push(line(&text::label(row), &value, row));
        let any = |has: fn(&Change) -> bool| {
            places.iter().any(|place| row.cells[*place].change.as_ref().is_some_and(has))
        };
        if any(|change| change.interval.is_some()) {
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
    lines.extend(rows.iter().map(|row| line(&format!("  {}", row.workload), &in_flight, row)));
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
    let name = |place: usize| column_name(comparison, place).chars().take(VALUE - 1).collect::<String>();
    let columns = places.iter().map(|&place| {
        let space = if place == 0 { 0 } else { CHANGE };
        format!("{:>VALUE$}{}", name(place), " ".repeat(space))
    });
    let columns: String = columns.collect();
    format!("{}{columns}", " ".repeat(width)).trim_end().to_owned()
}

/// The variant's name; of a series that is booted patch by patch the patch, since the names differ only at the end.
fn column_name(comparison: &Comparison, place: usize) -> String {
    let variant = &comparison.variants[place];
    match &variant.prefix {
        Some(prefix) => format!("patch {}", prefix.patches),
        None if place == 0 && !comparison.steps.is_empty() => "before".to_owned(),
        None => variant.name.clone(),
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

fn logs(comparison: &Comparison) -> String {
    if comparison.findings.is_empty() {
        return "No findings in any kernel log.".to_owned();
    }
    let line = |row: &crate::comparison::FindingRow| {
        let counts = comparison
            .variants
            .iter()
            .zip(&row.presence)
            .map(|(variant, seen)| format!("{} {}/{}", variant.name, seen.boots, seen.of));
        text::wrap(
            "",
            &format!("{} ({})", row.finding.title, counts.collect::<Vec<_>>().join(", ")),
            WIDTH,
            2,
        )
    };
    let lines: Vec<_> = comparison.findings.iter().map(line).collect();
    format!("In the kernel logs (boots):\n{}", lines.join("\n"))
}

/// Mail that is not ASCII gets re-coded on its way.
fn ascii(text: &str) -> String {
    text.chars()
        .map(|character| if character == '\n' || matches!(character, ' '..='~') { character } else { '?' })
        .collect()
}
