//! What the plan varies, drawn: a picture for each workload, with what arithmetic expects as a line.

use maud::{Markup, html};

use super::latency::{BOTTOM, FROM, TO, TOP, key, shape};
use super::plot::{self, Scale};
use crate::comparison::sweep::{Expected, Model, Swept, SweptRows};
use crate::comparison::{Cell, Comparison, statistics};
use crate::evidence::metric::Metric;
use crate::report::text;

/// From which largest value on, of the smallest above zero, places are drawn by the power of ten.
const WIDE: f64 = 10.0;

/// What zero keeps away from the smallest power.
const GAP: f64 = 40.0;

/// How close names of values come.
const ROOM: f64 = 26.0;

/// The section; none if the plan varies nothing.
pub(super) fn render(comparison: &Comparison) -> Option<Markup> {
    let swept = comparison.sweep.as_ref()?;
    let groups = swept.groups(&comparison.rows);
    Some(html! {
        section id="sweep" aria-labelledby="sweep-title" {
            h2 id="sweep-title" { "By " code { (swept.sweep.setting) } }
            p.note {
                "Marks are means, with their 95 % intervals where these are larger than a mark. Variants that share a mark lie on \
                 top of each other."
                @if has_lines(swept) {
                    " A line is no fit: it says how fast the variant could be at best by arithmetic. What a request costs comes from \
                     the smallest value" @if swept.sweep.setting == "request-kib" { " and the largest one" }
                    ", where the line therefore meets its mark. Besides, it knows the latency of the storage, and how many requests \
                     the server counted, in all and in flight. It assumes that work and waiting overlap as well as they can; so a \
                     mark below its line is time that is lost to neither, such as switches and wake-ups, or to an overlap that does \
                     not happen."
                }
            }
            (key(comparison))
            div.pictures {
                @for (number, group) in groups.iter().enumerate() {
                    (figure(comparison, swept, group, number + 1))
                }
            }
        }
    })
}

fn has_lines(swept: &Swept) -> bool {
    swept.models.iter().any(|model| !model.expected.is_empty())
}

/// The places of values: by their size, or by their power of ten, with zero apart.
#[derive(Clone, Copy)]
enum Across {
    Even(Scale),
    Powers { zero: f64, powers: Scale },
}

impl Across {
    fn of(values: &[u64]) -> Self {
        let (from, to) = (FROM + 10.0, TO - 10.0);
        let above = || values.iter().filter(|value| **value > 0).map(|value| *value as f64);
        let (least, most) = (above().fold(f64::INFINITY, f64::min), above().fold(0.0, f64::max));
        if most < WIDE * least {
            let least = values.iter().min().map_or(0.0, |least| *least as f64);
            return Across::Even(Scale::new((least, most), (from, to)));
        }
        let begin = if values.contains(&0) { from + GAP } else { from };
        Across::Powers { zero: from, powers: Scale::new((least.log10(), most.log10()), (begin, to)) }
    }

    fn at(self, value: u64) -> f64 {
        match self {
            Across::Even(scale) => scale.at(value as f64),
            Across::Powers { zero, .. } if value == 0 => zero,
            Across::Powers { powers, .. } => powers.at((value as f64).log10()),
        }
    }

    /// Where the axis is cut between zero and the others.
    fn cut(self, values: &[u64]) -> Option<f64> {
        match self {
            Across::Powers { zero, .. } if values.contains(&0) => Some(zero + GAP / 2.0),
            Across::Powers { .. } | Across::Even(_) => None,
        }
    }
}

/// A mark: a value of the setting, the mean, and its interval.
struct Mark {
    value: u64,
    mean: f64,
    interval: Option<(f64, f64)>,
}

fn figure(comparison: &Comparison, swept: &Swept, group: &SweptRows<'_>, number: usize) -> Markup {
    let mut values: Vec<u64> = group.rows.iter().map(|(value, _)| *value).collect();
    values.sort_unstable();
    let marks: Vec<Vec<Mark>> = (0..comparison.variants.len()).map(|place| marks(group, place)).collect();
    let models: Vec<Option<&Model>> =
        comparison.variants.iter().map(|variant| model(swept, group, &variant.name)).collect();
    let tops = marks.iter().flatten().map(|mark| mark.interval.map_or(mark.mean, |(_, high)| high));
    let expected = models.iter().flatten().flat_map(|model| &model.expected).map(|of| of.throughput);
    let most = tops.chain(expected).fold(0.0, f64::max);
    let (x, y) = (Across::of(&values), Scale::new((0.0, most * 1.05), (BOTTOM, TOP)));
    let inside = html! {
        (axes(&values, x, y))
        text.mark x=((FROM + TO) / 2.0) y=(BOTTOM + 28.0) text-anchor="middle" { (swept.sweep.setting) }
        @for (place, (marks, model)) in marks.iter().zip(&models).enumerate() {
            g class=(plot::colour(place)) { (line(marks, *model, x, y)) }
        }
        @for (place, marks) in marks.iter().enumerate() {
            g class=(plot::colour(place)) {
                @for mark in marks {
                    @if let Some((low, high)) = mark.interval {
                        line.error x1=(x.at(mark.value)) x2=(x.at(mark.value)) y1=(y.at(low)) y2=(y.at(high)) {}
                    }
                    (shape(place, x.at(mark.value), y.at(mark.mean)))
                }
            }
        }
    };
    let unit = group.rows.first().map_or("", |(_, row)| row.unit);
    let metric = group.metric.name();
    let said = comparison.variants.iter().zip(&marks).map(|(variant, marks)| {
        let marks = marks.iter().map(|mark| format!("{} at {}", text::figure(unit, mark.mean), mark.value));
        format!("{}: {}", variant.name, marks.collect::<Vec<_>>().join(", "))
    });
    let said = said.collect::<Vec<_>>().join("; ");
    let title = format!("{metric} of {} by {}", group.workload, swept.sweep.setting);
    html! {
        figure {
            figcaption {
                strong { (group.workload) } " " span.unit {
                    (unit)
                    @if comparison.scenarios_without_values().len() > 1 { ", scenario " (group.scenario) }
                    @if comparison.metrics != [Metric::Throughput] { ", " (metric) }
                }
            }
            (plot::picture(&format!("sweep-{number}"), BOTTOM + 34.0, &title, &said, &inside))
            @for sentence in sentences(&marks, &models) { p.note { (sentence) } }
        }
    }
}

/// Both axes; the values that have no room for their names have none.
fn axes(values: &[u64], x: Across, y: Scale) -> Markup {
    let up = y.marks(5);
    let mut named = f64::NEG_INFINITY;
    let across: Vec<(u64, bool)> = values
        .iter()
        .map(|value| {
            let has_room = x.at(*value) - named >= ROOM;
            named = if has_room { x.at(*value) } else { named };
            (*value, has_room)
        })
        .collect();
    html! {
        @for &value in &up {
            line.grid x1=(FROM) x2=(TO) y1=(y.at(value)) y2=(y.at(value)) {}
            text.mark x=(FROM - 6.0) y=(y.at(value) + 4.0) text-anchor="end" { (plot::mark(value, &up)) }
        }
        @for (value, has_room) in across {
            line.grid x1=(x.at(value)) x2=(x.at(value)) y1=(TOP) y2=(BOTTOM) {}
            @if has_room {
                text.mark x=(x.at(value)) y=(BOTTOM + 13.0) text-anchor="middle" { (value) }
            }
        }
        @if let Some(cut) = x.cut(values) {
            text.mark x=(cut) y=(BOTTOM + 4.0) text-anchor="middle" { "//" }
        }
    }
}

/// What is expected, and where that is not known, what belongs together.
fn line(marks: &[Mark], model: Option<&Model>, x: Across, y: Scale) -> Markup {
    let expected = model.map_or(&[][..], |model| &model.expected);
    let mut points: Vec<(u64, f64)> = match expected {
        [] => marks.iter().map(|mark| (mark.value, mark.mean)).collect(),
        expected => expected.iter().map(|Expected { value, throughput }| (*value, *throughput)).collect(),
    };
    points.sort_by_key(|(value, _)| *value);
    let path: Vec<String> =
        points.iter().map(|(value, figure)| format!("{},{}", x.at(*value), y.at(*figure))).collect();
    let class = if expected.is_empty() { "line" } else { "line model" };
    html! { polyline class=(class) points=(path.join(" ")) {} }
}

fn marks(group: &SweptRows<'_>, place: usize) -> Vec<Mark> {
    let mark = |(value, row): &(u64, &crate::comparison::Row)| {
        let cell = row.cells.get(place).filter(|cell| cell.failures.is_empty())?;
        Some(Mark { value: *value, mean: cell.mean?, interval: interval(cell) })
    };
    group.rows.iter().filter_map(mark).collect()
}

/// The 95 % interval around the mean.
fn interval(cell: &Cell) -> Option<(f64, f64)> {
    let values: Vec<f64> = cell.samples.iter().map(|sample| sample.value).collect();
    let of = statistics::paired_ratio(&values)?;
    let mean = cell.mean?;
    Some((mean * of.low / of.ratio, mean * of.high / of.ratio))
}

fn model<'a>(swept: &'a Swept, group: &SweptRows<'_>, variant: &str) -> Option<&'a Model> {
    let is_of = |model: &&Model| {
        (model.scenario.as_str(), model.workload.as_str(), model.variant.as_str())
            == (group.scenario, group.workload, variant)
    };
    swept.models.iter().filter(|_| group.metric == Metric::Throughput).find(is_of)
}

/// What lies furthest from its line, and why there is none.
fn sentences(marks: &[Vec<Mark>], models: &[Option<&Model>]) -> Vec<String> {
    let mut furthest: Option<(f64, &str, u64)> = None;
    for (marks, model) in marks.iter().zip(models) {
        let Some(model) = model else { continue };
        for mark in marks {
            let Some(of) = model.expected.iter().find(|of| of.value == mark.value) else { continue };
            let share = mark.mean / of.throughput - 1.0;
            if furthest.is_none_or(|(known, ..)| share.abs() > known.abs()) {
                furthest = Some((share, &model.variant, mark.value));
            }
        }
    }
    let mut sentences: Vec<String> = furthest
        .into_iter()
        .map(|(share, variant, value)| {
            let side = if share < 0.0 { "below" } else { "above" };
            format!("Furthest from its line: {variant} at {value}, {:.1} % {side} it.", share.abs() * 100.0)
        })
        .collect();
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for model in models.iter().flatten() {
        let Some(why) = &model.not_given else { continue };
        match reasons.iter_mut().find(|(known, _)| known == why) {
            Some((_, variants)) => variants.push(&model.variant),
            None => reasons.push((why, vec![&model.variant])),
        }
    }
    sentences.extend(reasons.into_iter().map(|(why, variants)| match variants.len() == models.len() {
        true => format!("No line: {why}."),
        false => format!("No line for {}: {why}.", variants.join(", ")),
    }));
    sentences
}
