//! What the kernels said that they must never say, with the text of each report.

use maud::{Markup, html};

use super::scrolling;
use crate::comparison::{Comparison, FindingRow};
use crate::report::{messages, words};

/// Lines of a report that are shown at once; the rest, with the stack, is folded.
const EXCERPT: usize = 6;

/// The section.
pub(super) fn render(comparison: &Comparison) -> Markup {
    html! {
        section id="log" aria-labelledby="log-title" {
            h2 id="log-title" { "Kernel logs" }
            @if comparison.findings.is_empty() { p { "No findings in any boot." } }
            @for row in &comparison.findings { (finding(comparison, row)) }
            @if let Some(why) = &comparison.no_lines { p.note { (why) } }
            @if let Some(unused) = words::unused_known(comparison) { p.note { (unused) } }
            @if !comparison.messages.is_empty() {
                p { (messages::TITLE) ":" }
                ul { @for line in messages::lines(comparison) { li { (line) } } }
            }
        }
    }
}

fn finding(comparison: &Comparison, row: &FindingRow) -> Markup {
    let (lines, _) = words::report_lines(row, usize::MAX);
    let (excerpt, rest) = lines.split_at(lines.len().min(EXCERPT));
    let table = html! {
        table {
            thead { tr { th scope="col" { "Variant" } th scope="col" { "Boots that have it" } } }
            tbody {
                @for (place, variant) in comparison.variants.iter().enumerate() {
                    tr {
                        th scope="row" { (variant.name) }
                        td class=(if row.is_new_with(place) { "bad" } else { "" }) { (words::presence(row, place)) }
                    }
                }
            }
        }
    };
    html! {
        h3 { (row.finding.title) }
        p.note {
            (row.finding.kind.to_string()) ", first in " code { (row.folder) } ", console line " (row.finding.line)
            @for note in words::finding_notes(comparison, row) { "; " (note) }
            "."
        }
        pre tabindex="0" { (excerpt.join("\n")) }
        @if !rest.is_empty() {
            details { summary { (rest.len()) " more lines of the report" } pre tabindex="0" { (rest.join("\n")) } }
        }
        (scrolling("Boots that have it", &table))
    }
}
