//! What throughput is paid with, variant by variant.

use maud::{Markup, html};

use super::{nice, scrolling};
use crate::comparison::Comparison;
use crate::evidence::metric::Metric;
use crate::report::costs::changes;

/// One cost: its name and, for each variant but the baseline, what has changed.
type Line = (String, Vec<Option<String>>);

/// The section; none if nothing is compared.
pub(super) fn render(comparison: &Comparison) -> Option<Markup> {
    let others = 1..comparison.variants.len();
    let of = |metric: Metric| comparison.other_metrics.iter().filter(move |row| row.metric == metric);
    let looked_at: Vec<Metric> =
        Metric::COSTS.into_iter().filter(|metric| of(*metric).next().is_some()).collect();
    if looked_at.is_empty() || others.is_empty() {
        return None;
    }
    let mut lines: Vec<Line> = Vec::new();
    for &metric in &looked_at {
        lines.push((
            metric.name().to_owned(),
            others.clone().map(|place| changes(of(metric), place)).collect(),
        ));
    }
    lines.push(("kernel size".to_owned(), others.map(|place| grown(comparison, place)).collect()));
    let (changed, same): (Vec<Line>, Vec<Line>) =
        lines.into_iter().partition(|(_, cells)| cells.iter().any(Option::is_some));
    let same: Vec<String> = same.into_iter().map(|(name, _)| name).collect();
    Some(html! {
        section id="costs" aria-labelledby="costs-title" {
            h2 id="costs-title" { "Costs" }
            p.note { "Changes by more than their thresholds, each from the least to the most, and in how many rows." }
            @if !changed.is_empty() { (scrolling("Costs", &table(comparison, &changed))) }
            @if !same.is_empty() { p { "No change was found of " (same.join(", ")) "." } }
        }
    })
}

/// By how much functions and data of the kernel grew.
fn grown(comparison: &Comparison, place: usize) -> Option<String> {
    let bytes = |place: usize| comparison.variants.get(place)?.symbol_bytes.map(i128::from);
    let more = bytes(place)? - bytes(0)?;
    (more != 0).then(|| format!("{more:+} bytes"))
}

/// How much, and below it in how many rows.
fn change(cell: Option<&str>) -> Markup {
    let Some(cell) = cell else { return html! { span.unit { "no change" } } };
    match cell.split_once(" in ") {
        Some((range, rows)) => html! { span.range { (nice(range)) } " " span.unit { "in " (rows) } },
        None => html! { (nice(cell)) },
    }
}

fn table(comparison: &Comparison, lines: &[Line]) -> Markup {
    html! {
        table {
            thead {
                tr {
                    th scope="col" { "Cost" }
                    @for variant in comparison.variants.iter().skip(1) { th scope="col" { (variant.name) } }
                }
            }
            tbody {
                @for (name, cells) in lines {
                    tr {
                        th scope="row" { (name) }
                        @for cell in cells {
                            td { (change(cell.as_deref())) }
                        }
                    }
                }
            }
        }
    }
}
