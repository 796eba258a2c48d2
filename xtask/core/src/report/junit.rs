//! The comparison as JUnit XML, for CI systems: each row, suite, probe and finding of each variant is a case.
//!
//! What speaks against a variant is a failure. What the lab cannot tell is an error, since a green run would hide it.

pub(super) mod self_test;
mod xml;

use super::{text, words};
use crate::comparison::{
    Cell, Change, Comparison, FindingRow, ProbeCell, ProbeVerdict, Row, Seen, Status, SuiteCell,
    VariantSummary, Verdict,
};

/// A test case.
struct Case {
    /// The scenario or group that it belongs to.
    class: String,
    name: String,
    result: Result,
    /// What stands in it however it ended.
    details: String,
}

/// What a case comes to, with the reason.
enum Result {
    Passed,
    Failed(String),
    CannotTell(String),
    Skipped(String),
}

/// The whole document.
///
/// # Errors
/// None that a comparison can cause; kept for the writer's sake.
pub(super) fn render(comparison: &Comparison) -> anyhow::Result<String> {
    let mut suites = vec![
        ("figures", figures(comparison)),
        ("suites", suites(comparison)),
        ("probes", probes(comparison)),
        ("kernel log", findings(comparison)),
        ("boots", boots(comparison)),
        ("conclusion", vec![conclusion(comparison)]),
    ];
    suites.retain(|(_, cases)| !cases.is_empty());
    xml::document(&comparison.campaign, &suites)
}

fn case(class: &str, name: &str, result: Result, details: &str) -> Case {
    Case { class: class.to_owned(), name: name.to_owned(), result, details: details.to_owned() }
}

fn figures(comparison: &Comparison) -> Vec<Case> {
    let of_row = |row: &Row| {
        let of_cell = |(place, cell): (usize, &Cell)| {
            let name = format!("{} {}", row.workload, cell.variant);
            let result = figure(cell, subject(comparison, place));
            case(&words::group(comparison, row), &name, result, &figure_details(row, cell))
        };
        row.cells.iter().enumerate().map(of_cell).collect::<Vec<_>>()
    };
    comparison.rows.iter().flat_map(of_row).collect()
}

/// What a figure is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Subject {
    /// A kernel, or the baseline.
    Kernel,
    /// The baseline's kernel under another name: it shows the noise, and has no verdict of its own.
    Again,
    /// A scenario beside the baseline's, on one kernel: that it is slower is no failure, nor that nobody can tell.
    Scenario,
}

/// What the figures of a variant, by place, are about.
fn subject(comparison: &Comparison, place: usize) -> Subject {
    let booted = |place: usize| {
        let variant = comparison.variants.get(place)?;
        Some((&variant.kernel.as_ref()?.digest, variant.own()))
    };
    match place > 0 && booted(place).is_some() && booted(place) == booted(0) {
        true => Subject::Again,
        false if comparison.is_of_scenarios() => Subject::Scenario,
        false => Subject::Kernel,
    }
}

fn figure(cell: &Cell, subject: Subject) -> Result {
    let Some(change) = &cell.change else {
        return match (cell.mean.is_some() && cell.failures.is_empty(), cell.is_not_given()) {
            (true, _) => Result::Passed,
            (false, true) => Result::Skipped(cell.not_given.clone().unwrap_or_default()),
            (false, false) => Result::CannotTell(format!("the baseline: {}", text::no_value(cell))),
        };
    };
    let own = || Result::Skipped(format!("{}, of the baseline's own kernel", words::change(change)));
    match change.verdict {
        Verdict::WrongData if subject == Subject::Again => Result::CannotTell(text::no_value(cell)),
        Verdict::Better | Verdict::More | Verdict::Less | Verdict::Same => Result::Passed,
        Verdict::NotGiven => Result::Skipped(cell.not_given.clone().unwrap_or_default()),
        _ if subject == Subject::Again => own(),
        Verdict::Worse if subject == Subject::Scenario => Result::Passed,
        Verdict::Unclear if subject == Subject::Scenario => Result::Skipped(words::change(change)),
        Verdict::Worse => Result::Failed(words::change(change)),
        Verdict::Failed | Verdict::WrongData => Result::Failed(text::no_value(cell)),
        Verdict::BaselineFailed | Verdict::NotEnoughData | Verdict::Unclear | Verdict::Unreliable => {
            Result::CannotTell(words::change(change))
        }
    }
}

fn figure_details(row: &Row, cell: &Cell) -> String {
    let mut lines = vec![format!("{} {}", words::value(row, cell), row.unit).trim_end().to_owned()];
    let change = cell.change.as_ref();
    lines.extend(change.map(words::change).filter(|text| !text.is_empty()));
    lines.extend(change.and_then(words::interval).map(|interval| format!("95 % interval: {interval}")));
    lines.extend(change.and_then(|change: &Change| change.p_corrected).map(|p| format!("p: {p}")));
    lines.extend(cell.failures.iter().map(|failure| format!("boot {}: {}", failure.boot, failure.reason)));
    lines.join("\n")
}

fn suites(comparison: &Comparison) -> Vec<Case> {
    let result = |place: usize, cell: &SuiteCell, baseline: &SuiteCell| match (place, cell.failures.len()) {
        (_, 0) if cell.passed == 0 => Result::CannotTell(cell.words()),
        (_, 0) => Result::Passed,
        (0, _) => Result::CannotTell(format!("the baseline: {}", cell.words())),
        _ if !baseline.failures.is_empty() && cell.lost_cases.is_empty() => {
            Result::CannotTell(format!("{}, and the baseline {}", cell.words(), baseline.words()))
        }
        _ => Result::Failed(cell.words()),
    };
    let mut cases = Vec::new();
    for row in &comparison.suites {
        for (place, (variant, cell)) in comparison.variants.iter().zip(&row.cells).enumerate() {
            let reasons = cell.failures.iter().map(|it| format!("boot {}: {}", it.boot, it.reason));
            let lost = cell.lost_cases.iter().map(|name| format!("passes with the baseline: {name}"));
            let details: Vec<String> = reasons.chain(lost).collect();
            let name = format!("{} {}", row.workload, variant.name);
            cases.push(case(&row.scenario, &name, result(place, cell, &row.cells[0]), &details.join("\n")));
        }
    }
    cases
}

fn probes(comparison: &Comparison) -> Vec<Case> {
    let Some(behaviour) = &comparison.behaviour else { return Vec::new() };
    let mut cases = Vec::new();
    for row in &behaviour.probes {
        for cell in &row.cells {
            let seen: Vec<String> = cell.seen.iter().map(|seen| seen_by(cell, seen)).collect();
            let details = format!("{}: {}", row.title, seen.join(", or "));
            cases.push(case(&format!("probe {}", cell.variant), &row.name, probe(cell), &details));
        }
    }
    cases
}

fn seen_by(cell: &ProbeCell, seen: &Seen) -> String {
    let observation = &seen.observation;
    let expected = match observation.expected.is_empty() {
        true => String::new(),
        false => format!(" (expected: {})", observation.expected.join(", or ")),
    };
    format!("{} in {} of {} boots{expected}", observation.observed, seen.boots, cell.boots())
}

fn probe(cell: &ProbeCell) -> Result {
    match cell.verdict {
        None if cell.fails() => Result::CannotTell("the baseline does not do what is expected".to_owned()),
        None | Some(ProbeVerdict::Same | ProbeVerdict::ExpectedDifference | ProbeVerdict::OnlyInBaseline) => {
            Result::Passed
        }
        Some(ProbeVerdict::UnlikeOtherSource) => {
            Result::Skipped("differs from the baseline, which is of another source".to_owned())
        }
        Some(ProbeVerdict::AlreadyInBaseline) => Result::Skipped("fails, as the baseline does".to_owned()),
        Some(ProbeVerdict::Unknown) => Result::CannotTell("no boot says what is to be compared".to_owned()),
        Some(ProbeVerdict::Unexpected) => Result::Failed("not what is expected".to_owned()),
    }
}

fn findings(comparison: &Comparison) -> Vec<Case> {
    let result = |row: &FindingRow, place: usize| {
        let seen = format!("in {} of {} boots", row.presence[place].boots, row.presence[place].of);
        if let (Some(reason), 1..) = (&row.known, row.presence[place].boots) {
            return Result::Skipped(format!("{seen}, and known: {reason}"));
        }
        match (row.is_new_with(place), row.presence[place].boots) {
            (true, _) => Result::Failed(seen),
            (false, 0) => Result::Passed,
            (false, _) => Result::Skipped(format!("{seen}, and in the baseline")),
        }
    };
    let mut cases = Vec::new();
    for row in &comparison.findings {
        for (place, variant) in comparison.variants.iter().enumerate() {
            let class = format!("kernel log {}", variant.name);
            let details = match row.presence[place].boots {
                0 => String::new(),
                _ => format!("first in {}, line {}\n{}", row.folder, row.finding.line, row.text()),
            };
            cases.push(case(&class, &row.finding.title, result(row, place), &details));
        }
    }
    cases
}

fn boots(comparison: &Comparison) -> Vec<Case> {
    let of = |(place, variant): (usize, &VariantSummary)| {
        let (counts, said) = (variant.boots, text::boots(&variant.boots));
        let result = match (counts.broken + counts.hung, counts.lost + counts.missing) {
            (0, 0) => Result::Passed,
            (0, _) => Result::CannotTell(said.clone()),
            _ if place == 0 => Result::CannotTell(format!("the baseline: {said}")),
            _ => Result::Failed(said.clone()),
        };
        let troubles = variant.troubles.iter().map(|trouble| {
            format!("{}, boot {}: {}: {}", trouble.scenario, trouble.boot, trouble.outcome, trouble.reason)
        });
        case("boots", &variant.name, result, &troubles.collect::<Vec<_>>().join("\n"))
    };
    comparison.variants.iter().enumerate().map(of).collect()
}

/// It is red exactly if the exit code is not 0.
fn conclusion(comparison: &Comparison) -> Case {
    let status = comparison.conclusion.status;
    let word = words::answer(comparison).to_owned();
    let result = match status {
        Status::NoFinding => Result::Passed,
        Status::Worse => Result::Failed(word),
        Status::CannotTell => Result::CannotTell(word),
    };
    case("conclusion", &comparison.plan, result, &comparison.conclusion.sentences.join("\n"))
}
