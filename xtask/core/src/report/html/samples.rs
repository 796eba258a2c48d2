//! A picture for each row: every sample as a dot, the mean, and the 95 % interval of the change.

use maud::{Markup, html};

use super::plot::{self, Scale};
use super::{nice, words};
use crate::comparison::{Cell, Comparison, Row};
use crate::report::text;

/// Height of a variant's line.
const LINE: f64 = 24.0;
/// Where the dots begin and end.
const FROM: f64 = 104.0;
const TO: f64 = 304.0;
/// Where means lie too far apart for dots: where their bars end, and where the dots around them begin.
const BARS_TO: f64 = 184.0;
const AROUND_FROM: f64 = 200.0;

/// The section; none if nothing was measured.
pub(super) fn render(comparison: &Comparison) -> Option<Markup> {
    let groups = words::groups(comparison);
    let has_samples = |row: &&Row| row.cells.iter().any(|cell| !cell.samples.is_empty());
    groups.iter().flat_map(|(_, rows)| rows).find(|row| has_samples(row))?;
    Some(html! {
        section id="samples" aria-labelledby="samples-title" {
            h2 id="samples-title" { "Every sample" }
            p.note {
                "A dot is a sample, the upright line the mean of them. The box behind it is where the mean would be if the change \
                 lay anywhere in its 95 % interval. Where kernels are far apart, bars show their means, and the dots how far \
                 samples lie from the mean of their own kernel."
            }
            @for (place, (name, rows)) in groups.iter().enumerate() {
                h3 { (words::title(comparison, name)) }
                div.pictures {
                    @for (number, row) in rows.iter().copied().filter(has_samples).enumerate() {
                        (figure(comparison, row, &format!("samples-{}-{}", place + 1, number + 1)))
                    }
                }
            }
        }
    })
}

/// How a row is drawn.
#[derive(Clone, Copy)]
enum Way {
    /// On one scale for values.
    Together(Scale),
    /// Bars on a scale for values, dots on one for percents from each mean.
    Apart(Scale, Scale),
}

impl Way {
    fn of(row: &Row) -> Self {
        let baseline = row.cells.first().and_then(|cell| cell.mean);
        let samples = row.cells.iter().flat_map(|cell| &cell.samples).map(|sample| sample.value);
        let ends =
            row.cells.iter().filter_map(|cell| interval(cell, baseline)).flat_map(|(low, high)| [low, high]);
        let values: Vec<f64> = samples.chain(ends).collect();
        let scale = Scale::around(values.iter().copied(), (FROM, TO));
        if !scale.has_zero() {
            return Way::Together(scale);
        }
        let means = row.cells.iter().filter_map(|cell| cell.mean).fold(0.0, f64::max);
        let away = row.cells.iter().flat_map(percents).map(f64::abs).fold(0.01, f64::max) * 1.1;
        Way::Apart(Scale::new((0.0, means), (FROM, BARS_TO)), Scale::new((-away, away), (AROUND_FROM, TO)))
    }
}

/// How far what is drawn of a kernel lies from its mean.
fn percents(cell: &Cell) -> Vec<f64> {
    let Some(mean) = cell.mean.filter(|mean| *mean > 0.0) else { return Vec::new() };
    let ends = interval_around(cell).into_iter().flat_map(|(low, high)| [low, high]);
    cell.samples.iter().map(|sample| percent(sample.value / mean)).chain(ends).collect()
}

fn percent(ratio: f64) -> f64 {
    (ratio - 1.0) * 100.0
}

fn figure(comparison: &Comparison, row: &Row, id: &str) -> Markup {
    let way = Way::of(row);
    let bottom = 6.0 + LINE * row.cells.len() as f64;
    let title = text::label(row);
    let inside = html! {
        @match way {
            Way::Together(scale) => (plot::axis(scale, 4.0, bottom, 4)),
            Way::Apart(bars, around) => {
                (plot::axis(bars, 4.0, bottom, 2))
                (plot::axis(around, 4.0, bottom, 4))
                text.mark x="308" y=(bottom + 13.0) { "%" }
            }
        }
        @for (place, cell) in row.cells.iter().enumerate() {
            (line(row, cell, place, 6.0 + LINE * (place as f64 + 0.5), way))
        }
    };
    let said = comparison.variants.iter().zip(&row.cells).map(|(variant, cell)| {
        let change = cell.change.as_ref().map(words::change).filter(|text| !text.is_empty());
        let change = change.map(|change| format!(" ({})", nice(&change))).unwrap_or_default();
        format!("{}: {}{change}, {} samples", variant.name, words::value(row, cell), cell.samples.len())
    });
    let said = said.collect::<Vec<_>>().join("; ");
    html! {
        figure {
            figcaption {
                strong { (words::name(comparison, row)) } " " span.unit { (row.unit) }
                @match way {
                    Way::Together(_) => span.unit { ", axis not from 0" },
                    Way::Apart(..) => span.unit { ", and % from the mean" },
                }
            }
            (plot::picture(id, bottom + 20.0, &format!("Samples of {title}"), &said, &inside))
        }
    }
}

fn line(row: &Row, cell: &Cell, place: usize, y: f64, way: Way) -> Markup {
    let baseline = row.cells.first().and_then(|cell| cell.mean);
    let mean = cell.mean.filter(|mean| *mean > 0.0);
    html! {
        g class=(plot::colour(place)) {
            text.name x="0" y=(y + 4.0) { (plot::short(&cell.variant, 16)) }
            @match (way, mean) {
                (Way::Together(scale), _) => (dots(cell, y, scale, interval(cell, baseline), cell.mean, &|value| value)),
                (Way::Apart(bars, around), Some(mean)) => {
                    rect.interval x=(FROM) y=(y - 6.0) width=(format!("{:.1}", bars.at(mean) - FROM)) height="12" {}
                    (dots(cell, y, around, interval_around(cell), Some(0.0), &|value| percent(value / mean)))
                }
                (Way::Apart(..), None) => {}
            }
            text.value x="358" y=(y + 4.0) text-anchor="end" { (words::value(row, cell)) }
        }
    }
}

/// A kernel's samples, `shown` giving each its place on the scale.
fn dots(
    cell: &Cell,
    y: f64,
    scale: Scale,
    interval: Option<(f64, f64)>,
    mean: Option<f64>,
    shown: &dyn Fn(f64) -> f64,
) -> Markup {
    html! {
        line.grid x1=(scale.begin()) x2=(TO) y1=(y) y2=(y) {}
        @if let Some((low, high)) = interval {
            @let width = (scale.at(high) - scale.at(low)).max(2.0);
            rect.interval x=(format!("{:.1}", (scale.at(low) + scale.at(high) - width) / 2.0)) y=(y - 8.0)
                width=(format!("{width:.1}")) height="16" {}
        }
        @for sample in &cell.samples {
            circle.dot cx=(scale.at(shown(sample.value))) cy=(y + apart(sample.key.number, sample.boot)) r="2.2" {}
        }
        @if let Some(mean) = mean {
            line.mean x1=(scale.at(mean)) x2=(scale.at(mean)) y1=(y - 8.0) y2=(y + 8.0) {}
        }
    }
}

/// Up or down from the line, so that dots of equal samples do not hide each other; the same for the same sample of each kernel.
fn apart(number: u32, boot: u32) -> f64 {
    f64::from((number % 11 * 5 + boot % 11 * 3) % 11) - 5.0
}

/// The interval of the change, if it is drawn: with few samples it can reach to where no figure is.
fn drawn(cell: &Cell) -> Option<(f64, f64, f64)> {
    let change = cell.change.as_ref()?;
    let ((low, high), ratio) = (change.interval?, change.ratio?);
    (low > 0.25 * ratio && high < 4.0 * ratio).then_some((low, ratio, high))
}

/// Where it puts the mean.
fn interval(cell: &Cell, baseline: Option<f64>) -> Option<(f64, f64)> {
    let (low, _, high) = drawn(cell)?;
    Some((baseline? * low, baseline? * high))
}

/// How far it reaches from the mean, percents.
fn interval_around(cell: &Cell) -> Option<(f64, f64)> {
    let (low, ratio, high) = drawn(cell)?;
    Some((percent(low / ratio), percent(high / ratio)))
}
