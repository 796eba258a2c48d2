//! Throughput against the latency of the storage, where scenarios differ in nothing else.

use lab_protocol::{ServerSettings, StorageSettings};
use maud::{Markup, html};

use super::plot::{self, Scale};
use crate::comparison::{Comparison, Row};
use crate::evidence::metric::Metric;
use crate::plan::Scenario;
use crate::report::text;

/// Where the lines begin and end, and how high a picture is.
pub(super) const FROM: f64 = 48.0;
pub(super) const TO: f64 = 346.0;
pub(super) const TOP: f64 = 10.0;
pub(super) const BOTTOM: f64 = 180.0;

/// One variant of a workload: a latency in us and a mean for each scenario, in the order of the latencies.
type Line = Vec<(f64, f64)>;

/// The section; none unless the latency is what scenarios differ in. A plan that varies a setting has a section for that.
pub(super) fn render(comparison: &Comparison) -> Option<Markup> {
    if comparison.sweep.is_some() {
        return None;
    }
    let metric = *comparison.metrics.first()?;
    let scenarios = family(&comparison.scenarios)?;
    let mut workloads: Vec<&str> = Vec::new();
    for row in comparison.rows.iter().filter(|row| row.metric == metric) {
        if !workloads.contains(&row.workload.as_str()) {
            workloads.push(&row.workload);
        }
    }
    let names: Vec<&str> = scenarios.iter().map(|(scenario, _)| scenario.name.as_str()).collect();
    Some(html! {
        section id="latency" aria-labelledby="latency-title" {
            h2 id="latency-title" { "Storage latency and " (metric.name()) }
            p.note {
                "Scenarios " (names.join(", ")) " differ in the latency of the storage only. Marks are means; the lines between \
                 them say which belong together and no more. Variants that share a mark lie on top of each other."
            }
            (key(comparison))
            div.pictures {
                @for (number, workload) in workloads.iter().enumerate() {
                    (figure(comparison, &scenarios, workload, metric, number + 1))
                }
            }
        }
    })
}

/// The scenarios with their latencies in us, ascending, if there are two latencies and nothing else differs.
fn family(scenarios: &[Scenario]) -> Option<Vec<(&Scenario, u64)>> {
    let without_latency = |server: &ServerSettings| ServerSettings {
        storage: StorageSettings { latency_us: 0, dither_permille: 0, ..server.storage },
        ..server.clone()
    };
    let served = scenarios.iter().filter_map(|scenario| Some((scenario, scenario.server.as_ref()?)));
    let served: Vec<_> = served.collect();
    let alike = without_latency(served.first()?.1);
    let mut family: Vec<(&Scenario, u64)> = served
        .iter()
        .filter(|(_, server)| without_latency(server) == alike)
        .map(|(scenario, server)| (*scenario, server.storage.latency_us))
        .collect();
    family.sort_by_key(|(_, latency)| *latency);
    family.dedup_by_key(|(_, latency)| *latency);
    (family.len() > 1).then_some(family)
}

/// Which colour and mark is which variant.
pub(super) fn key(comparison: &Comparison) -> Markup {
    html! {
        ul.key aria-label="Variants" {
            @for (place, variant) in comparison.variants.iter().enumerate() {
                li {
                    svg.swatch viewBox="0 0 26 12" aria-hidden="true" {
                        g class=(plot::colour(place)) {
                            line.line x1="1" x2="25" y1="6" y2="6" {}
                            (shape(place, 13.0, 6.0))
                        }
                    }
                    (variant.name)
                }
            }
        }
    }
}

fn figure(
    comparison: &Comparison,
    scenarios: &[(&Scenario, u64)],
    workload: &str,
    metric: Metric,
    number: usize,
) -> Markup {
    let of = |scenario: &Scenario| {
        comparison
            .rows
            .iter()
            .find(|row| row.scenario == scenario.name && row.workload == workload && row.metric == metric)
    };
    let rows: Vec<(f64, &Row)> =
        scenarios.iter().filter_map(|(scenario, latency)| Some((*latency as f64, of(scenario)?))).collect();
    let lines: Vec<Line> = (0..comparison.variants.len())
        .map(|place| rows.iter().filter_map(|(x, row)| Some((*x, row.cells.get(place)?.mean?))).collect())
        .collect();
    let points = || lines.iter().flatten();
    let most = points().map(|point| point.1).fold(0.0, f64::max);
    let across = points().map(|point| point.0).fold(0.0, f64::max);
    let (x, y) =
        (Scale::new((0.0, across), (FROM + 6.0, TO - 6.0)), Scale::new((0.0, most * 1.05), (BOTTOM, TOP)));
    let marks = y.marks(5);
    let inside = html! {
        (plot::axis(x, TOP, BOTTOM, 5))
        @for &value in &marks {
            line.grid x1=(FROM) x2=(TO) y1=(y.at(value)) y2=(y.at(value)) {}
            text.mark x=(FROM - 6.0) y=(y.at(value) + 4.0) text-anchor="end" { (plot::mark(value, &marks)) }
        }
        text.mark x=((FROM + TO) / 2.0) y=(BOTTOM + 28.0) text-anchor="middle" { "storage latency, us" }
        @for (place, line) in lines.iter().enumerate() {
            g class=(plot::colour(place)) {
                @let path: Vec<String> = line.iter().map(|point| format!("{},{}", x.at(point.0), y.at(point.1))).collect();
                polyline.line points=(path.join(" ")) {}
                @for point in line { (shape(place, x.at(point.0), y.at(point.1))) }
            }
        }
    };
    let unit = rows.first().map_or("", |(_, row)| row.unit);
    let said = comparison.variants.iter().zip(&lines).map(|(variant, line)| {
        let points = line.iter().map(|(x, value)| format!("{} at {x:.0} us", text::figure(unit, *value)));
        format!("{}: {}", variant.name, points.collect::<Vec<_>>().join(", "))
    });
    let said = said.collect::<Vec<_>>().join("; ");
    let title = format!("{} of {workload} by storage latency", metric.name());
    html! {
        figure {
            figcaption { strong { (workload) } " " span.unit { (unit) } }
            (plot::picture(&format!("latency-{number}"), BOTTOM + 34.0, &title, &said, &inside))
        }
    }
}

/// The mark of a variant: shapes tell them apart without colours.
pub(super) fn shape(place: usize, x: f64, y: f64) -> Markup {
    html! {
        @match place % 4 {
            0 => { circle.shape cx=(x) cy=(y) r="4" {} }
            1 => { rect.shape x=(x - 3.5) y=(y - 3.5) width="7" height="7" {} }
            2 => { path.shape d=(format!("M{} {}l4.5 8h-9z", x, y - 5.0)) {} }
            _ => { path.shape d=(format!("M{} {}l5 5l-5 5l-5 -5z", x, y - 5.0)) {} }
        }
    }
}
