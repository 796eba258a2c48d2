//! What decides: a table for each scenario and metric, the rule behind it, and what speaks against believing it.

use maud::{Markup, html};

use super::{nice, prose, scrolling};
use crate::comparison::{Cell, Comparison, Row, Verdict};
use crate::report::{text, words};

/// The section.
pub(super) fn render(comparison: &Comparison) -> Markup {
    html! {
        section id="figures" aria-labelledby="figures-title" {
            h2 id="figures-title" { "Figures" }
            @if !text::is_measured(comparison) { p { "No speed was measured." } }
            @else {
                @for (name, rows) in &words::groups(comparison) {
                    h3 { (words::title(comparison, name)) }
                    (scrolling(&format!("Figures of {} {name}", words::place(comparison)), &table(comparison, rows)))
                }
                p.note { (prose(&text::criterion(comparison))) " Where it says same, a difference that is larger was ruled out: the end of the interval." }
                @for line in text::samples_needed(comparison).iter().chain(&text::not_given(comparison)) {
                    p.note { (prose(line)) }
                }
            }
        }
    }
}

fn table(comparison: &Comparison, rows: &[&Row]) -> Markup {
    let heading = match &comparison.sweep {
        Some(swept) => swept.sweep.setting.as_str(),
        None => "Workload",
    };
    html! {
        table.figures {
            thead {
                tr {
                    th scope="col" { (heading) }
                    @for (place, variant) in comparison.variants.iter().enumerate() {
                        th.number scope="col" { (variant.name) @if place == 0 { span.unit { " baseline" } } }
                    }
                }
            }
            tbody {
                @for row in rows {
                    tr {
                        th scope="row" { (words::label(comparison, row)) " " span.unit { (row.unit) } }
                        @for cell in &row.cells { td.number { (value(row, cell)) } }
                    }
                }
            }
        }
    }
}

fn value(row: &Row, cell: &Cell) -> Markup {
    let change = cell.change.as_ref();
    let said = change.map(words::change).filter(|text| !text.is_empty());
    let interval =
        change.and_then(words::interval).map(|interval| format!("95 % interval {}", nice(&interval)));
    let class = change.map_or("", |change| match change.verdict {
        Verdict::Better => "good",
        Verdict::Worse | Verdict::Failed | Verdict::WrongData => "bad",
        Verdict::BaselineFailed | Verdict::NotEnoughData | Verdict::Unclear | Verdict::Unreliable => "open",
        Verdict::More | Verdict::Less | Verdict::Same | Verdict::NotGiven => "",
    });
    html! {
        span.value class=[Some(class).filter(|_| said.is_none())] { (words::value(row, cell)) }
        @if let Some(said) = said { " " span class=(format!("change {class}")) title=[interval] { (nice(&said)) } }
    }
}

/// The section of doubts; none if there are none.
pub(super) fn doubts(comparison: &Comparison) -> Option<Markup> {
    (!comparison.doubts.is_empty()).then(|| {
        html! {
            section id="doubts" aria-labelledby="doubts-title" {
                h2 id="doubts-title" { "Doubts" }
                ul { @for doubt in &comparison.doubts { li { (prose(doubt)) } } }
            }
        }
    })
}
