//! The comparison as one pastes it into a cover letter: ASCII, at most 72 columns.
//!
//! In the order in which a reviewer reads: what came of it, how to do it again, figures, costs, behaviour, and what none of
//! this can show.

mod figures;
mod setup;

use super::behaviour::{self, Differences};
use super::html::Attached;
use super::{costs, messages, scenario, steps, suites, text, words};
use crate::comparison::statistics::may_be_unseen;
use crate::comparison::{Comparison, FindingRow};
use crate::plan::Scenario;

/// Columns of a line, as the kernel's mailing lists want it.
pub(super) const WIDTH: usize = 72;

/// Lines of a kernel's report that are quoted.
const REPORT_LINES: usize = 12;

/// How many expected differences of behaviour are shown, of each group of kernels.
const DIFFERENCES: usize = 5;

/// The whole text.
pub(super) fn render(comparison: &Comparison, attached: &Attached) -> String {
    let mut parts = vec![list("", &comparison.conclusion.sentences), setup::render(comparison, attached)];
    if text::is_measured(comparison) {
        parts.extend(comparison.scenarios_without_values().into_iter().map(|name| section(comparison, name)));
        parts.push(text::wrap("", &figures::legend(comparison), WIDTH, 2));
        parts.extend(costs::render(comparison, WIDTH));
        parts.extend(steps::render(comparison, WIDTH));
    }
    parts.extend(suites::render(comparison, WIDTH));
    parts.extend(behaviour::render(comparison, WIDTH, Differences::AtMost(DIFFERENCES)));
    parts.push(logs(comparison));
    parts.push(format!("What this cannot show:\n{}", list("- ", &unseen(comparison))));
    parts.retain(|part| !part.is_empty());
    ascii(&parts.join("\n\n")) + "\n"
}

fn list(mark: &str, lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| text::wrap(mark, line, WIDTH, 2)).collect();
    lines.join("\n")
}

/// A scenario: its settings, those with the first value of what is varied, and under them the figures, metric by metric.
fn section(comparison: &Comparison, name: &str) -> String {
    let swept = comparison.sweep.as_ref();
    let is_of = |scenario: &&Scenario| match swept.and_then(|swept| swept.of_scenario(&scenario.name)) {
        Some(of) => of == name,
        None => scenario.name == name,
    };
    let scenarios: Vec<&Scenario> = comparison.scenarios.iter().filter(is_of).collect();
    let varied = swept.map(|swept| format!("{} varied; at first ", swept.sweep.setting));
    let lead = |name: &str, ground: &str| {
        text::wrap(&format!("{name}: "), &(varied.clone().unwrap_or_default() + ground), WIDTH, 2)
    };
    let leads = match comparison.is_of_scenarios() {
        true => scenario::grounds(comparison).iter().map(|(name, ground)| lead(name, ground)).collect(),
        false => {
            let ground = scenarios.first().map(|scenario| scenario::ground(scenario)).unwrap_or_default();
            vec![lead(name, &ground)]
        }
    };
    [vec![leads.join("\n")], figures::tables(comparison, &scenarios)].concat().join("\n\n")
}

fn logs(comparison: &Comparison) -> String {
    let line = |line: String| text::wrap("", &line, WIDTH, 2);
    let also: Vec<String> = messages::lines(comparison).into_iter().map(line).collect();
    let title = (!also.is_empty()).then(|| text::wrap("", &format!("{}:", messages::TITLE), WIDTH, 2));
    [findings(comparison)].into_iter().chain(title).chain(also).collect::<Vec<_>>().join("\n")
}

fn findings(comparison: &Comparison) -> String {
    if comparison.findings.is_empty() {
        return "No findings in any kernel log.".to_owned();
    }
    let line = |row: &FindingRow| {
        let counts = comparison
            .variants
            .iter()
            .enumerate()
            .map(|(place, variant)| format!("{} {}", variant.name, words::presence(row, place)));
        let text = format!("{} ({})", row.finding.title, counts.collect::<Vec<_>>().join("; "));
        let notes = words::finding_notes(comparison, row);
        let notes = notes.iter().map(|note| text::wrap("  ", note, WIDTH, 4));
        let (shown, rest) = words::report_lines(row, REPORT_LINES);
        let report = shown.into_iter().map(str::to_owned).chain(words::left_out(rest));
        let report = report.map(|line| quoted(&line));
        [text::wrap("", &text, WIDTH, 2)]
            .into_iter()
            .chain(notes)
            .chain(report)
            .collect::<Vec<_>>()
            .join("\n")
    };
    let lines: Vec<_> = comparison.findings.iter().map(line).collect();
    format!("In the kernel logs (boots):\n{}", lines.join("\n"))
}

/// A line of a quotation. What is too long for a mail is cut: a line that is broken is none of the kernel's.
fn quoted(line: &str) -> String {
    const CUT: &str = " [...]";
    let (mark, length) = ("  > ", line.chars().count());
    let most = WIDTH - mark.len();
    if length <= most {
        return format!("{mark}{line}");
    }
    let kept: String = line.chars().take(most - CUT.len()).collect();
    format!("{mark}{kept}{CUT}")
}

/// What the machine does not model, what was not measured or is still open, and what speaks against believing the rest.
fn unseen(comparison: &Comparison) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    lines.extend(comparison.setup.as_ref().map(|setup| format!("clock {}", text::clock(setup))));
    if text::is_measured(comparison) {
        lines.extend(text::samples_needed(comparison));
        lines.extend(text::not_given(comparison));
    } else if comparison.setup.is_some() {
        lines.push("no speed was measured".to_owned());
    }
    let boots = comparison.variants.iter().map(|variant| variant.boots.finished).min().unwrap_or(0);
    if boots > 0 {
        lines.push(format!(
            "what the kernels did in none of {boots} boots each may still happen in up to {:.0} % of them",
            may_be_unseen(boots) * 100.0
        ));
    }
    lines.extend(comparison.doubts.iter().cloned());
    lines
}

/// Mail that is not ASCII gets re-coded on its way.
fn ascii(text: &str) -> String {
    text.chars()
        .map(|character| if character == '\n' || matches!(character, ' '..='~') { character } else { '?' })
        .collect()
}
