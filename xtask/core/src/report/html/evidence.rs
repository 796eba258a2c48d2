//! What stands behind the figures: patch by patch, suites, failures, and what the server saw.

use maud::{Markup, html};

use super::{nice, scrolling};
use crate::comparison::{Comparison, SuiteCell};
use crate::report::evidence::requests_line;
use crate::report::steps::said;

/// The section of a series that was booted patch by patch; none if none was.
pub(super) fn steps(comparison: &Comparison) -> Option<Markup> {
    (!comparison.steps.is_empty()).then(|| {
        html! {
            section id="steps" aria-labelledby="steps-title" {
                h2 id="steps-title" { "Patch by patch" }
                p.note { "Each against the step before it." }
                ol {
                    @for step in &comparison.steps {
                        li value=(step.patch) {
                            strong { (step.subject) }
                            ul { @for line in said(step) { li { (nice(&line)) } } }
                        }
                    }
                }
            }
        }
    })
}

/// The section of workloads that pass or fail; none without any.
pub(super) fn suites(comparison: &Comparison) -> Option<Markup> {
    let table = html! {
        table {
            thead {
                tr {
                    th scope="col" { "Suite" }
                    th scope="col" { "Scenario" }
                    @for variant in &comparison.variants { th scope="col" { (variant.name) } }
                }
            }
            tbody {
                @for row in &comparison.suites {
                    tr {
                        th scope="row" { (row.workload) }
                        td { (row.scenario) }
                        @for cell in &row.cells { td { (suite(cell)) } }
                    }
                }
            }
        }
    };
    (!comparison.suites.is_empty()).then(|| {
        html! {
            section id="suites" aria-labelledby="suites-title" {
                h2 id="suites-title" { "Suites" }
                p.note { "They pass or fail." }
                (scrolling("Suites", &table))
            }
        }
    })
}

fn suite(cell: &SuiteCell) -> Markup {
    html! {
        span class=(if cell.failures.is_empty() { "" } else { "bad" }) { (cell.words()) }
        @for failure in &cell.failures { br; span.unit { "boot " (failure.boot) ": " (failure.reason) } }
        @if !cell.lost_cases.is_empty() { br; span.unit { "pass with the baseline: " (cell.lost_cases.join(", ")) } }
    }
}

/// The section of workloads that failed and boots that did not end well; none if all went well.
pub(super) fn troubles(comparison: &Comparison) -> Option<Markup> {
    let first = comparison.metrics.first()?;
    let mut lines: Vec<String> = Vec::new();
    for row in comparison.rows.iter().filter(|row| row.metric == *first) {
        for cell in &row.cells {
            let of = |boot: u32, reason: &str| {
                format!("{}, {}, {}, boot {boot}: {reason}", cell.variant, row.scenario, row.workload)
            };
            lines.extend(cell.failures.iter().map(|failure| of(failure.boot, &failure.reason)));
        }
    }
    for variant in &comparison.variants {
        lines.extend(variant.troubles.iter().map(|trouble| {
            let (scenario, outcome) = (&trouble.scenario, trouble.outcome);
            format!("{}, {scenario}, boot {}: {outcome}: {}", variant.name, trouble.boot, trouble.reason)
        }));
    }
    (!lines.is_empty()).then(|| {
        html! {
            section id="troubles" aria-labelledby="troubles-title" {
                h2 id="troubles-title" { "Workloads that failed, boots that did not end well" }
                ul { @for line in &lines { li { (line) } } }
            }
        }
    })
}

/// The section of what the server saw; none without one.
pub(super) fn server(comparison: &Comparison) -> Option<Markup> {
    let columns = [
        "Requests",
        "Largest, KiB",
        "In flight, most",
        "In flight, mean",
        "Answered in, us",
        "Not sequential",
        "Failed",
    ];
    let rows = comparison.rows.iter().filter(|row| row.cells.iter().any(|cell| cell.evidence.is_some()));
    let rows: Vec<_> = rows.collect();
    let table = html! {
        table {
            thead {
                tr {
                    th scope="col" { "Scenario, workload" }
                    th scope="col" { "Variant" }
                    @for name in columns { th.number scope="col" { (name) } }
                }
            }
            @for row in &rows {
                tbody {
                    @for (place, cell) in row.cells.iter().enumerate() {
                        tr {
                            @if place == 0 { th scope="rowgroup" rowspan=(row.cells.len()) { (row.scenario) ", " (row.workload) } }
                            th scope="row" { (cell.variant) }
                            @for value in requests_line(cell) { td.number { (value) } }
                        }
                    }
                }
            }
        }
    };
    (!rows.is_empty()).then(|| {
        html! {
            section id="server" aria-labelledby="server-title" {
                h2 id="server-title" { "What the server saw" }
                p.note { "READs and WRITEs, over all boots of a variant." }
                details { summary { "All " (rows.len()) " rows" } (scrolling("What the server saw", &table)) }
            }
        }
    })
}
