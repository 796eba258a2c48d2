//! What callers see of the kernels beside their speed; what is unexpected first.

use maud::{Markup, html};

use super::scrolling;
use crate::comparison::{Behaviour, Comparison, ProbeRow};
use crate::report::behaviour::{Part, groups, part_of, seen, summary};

/// The section; none if nothing was to be probed.
pub(super) fn render(comparison: &Comparison) -> Option<Markup> {
    let behaviour = comparison.behaviour.as_ref()?;
    let summary = summary(comparison, behaviour);
    let parts = [
        (Part::Unexpected, "Unexpected"),
        (Part::Baseline, "In the baseline itself"),
        (Part::Unknown, "Nothing can be said"),
        (Part::OtherSource, "Differences between sources"),
        (Part::Expected, "Expected differences"),
    ];
    let parts = parts.map(|(part, name)| {
        let rows = behaviour.probes.iter().filter(|row| part_of(row) == Some(part));
        (part, name, rows.collect::<Vec<&ProbeRow>>())
    });
    Some(html! {
        section id="behaviour" aria-labelledby="behaviour-title" {
            h2 id="behaviour-title" { "Behaviour" }
            p { (summary.strip_prefix("Behaviour: ").unwrap_or(&summary)) }
            @for (part, name, rows) in &parts {
                @if !rows.is_empty() {
                    h3 { (name) }
                    @match part {
                        Part::OtherSource | Part::Expected => {
                            details { summary { (rows.len()) " probes" } (scrolling(name, &table(behaviour, rows))) }
                        }
                        Part::Unexpected | Part::Baseline | Part::Unknown => (scrolling(name, &table(behaviour, rows))),
                    }
                }
            }
        }
    })
}

fn table(behaviour: &Behaviour, rows: &[&ProbeRow]) -> Markup {
    html! {
        table.probes {
            thead { tr { th scope="col" { "Probe" } th scope="col" { "What is seen" } } }
            tbody {
                @for row in rows {
                    tr {
                        th scope="row" { (row.title) }
                        td {
                            dl {
                                @for group in groups(behaviour, row) {
                                    dt { (group.names()) }
                                    dd { (seen(&group)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
