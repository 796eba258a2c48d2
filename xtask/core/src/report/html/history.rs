//! A series of commits as a page: each row drawn, the steps with who brought them, and all figures as a table.

use maud::{Markup, html};

use super::plot::{self, Scale};
use super::{document, nice, scrolling};
use crate::comparison::Status;
use crate::comparison::history::{Difference, History, HistoryLink, Point, RowName};
use crate::report::history::{change_at, day, heading, said, value};
use crate::report::text;
use crate::text::digest::short;

/// Where a picture's axis ends and its points begin.
const LEFT: f64 = 44.0;

/// Where the points end.
const RIGHT: f64 = plot::WIDTH - 8.0;

/// Between which heights values are drawn: above it stand the commits of steps.
const TOP: f64 = 18.0;
const BOTTOM: f64 = 128.0;

/// The whole page.
pub fn render(history: &History) -> String {
    let title = match history.status() {
        Status::NoFinding => "Nothing speaks against the newest commit",
        Status::Worse => "The newest commit is worse than the oldest one",
        Status::CannotTell => "Of the newest commit the lab cannot tell",
    };
    let class = match history.status() {
        Status::NoFinding => "answer good",
        Status::Worse => "answer bad",
        Status::CannotTell => "answer open",
    };
    let body = html! {
        header {
            p.kicker { "Branch " (history.branch) " of " (history.tree) ", plan " (history.plan) }
            h1 class=(class) { (title) }
            ul.sentences {
                @for sentence in history.whole.iter().flat_map(|(.., whole)| &whole.sentences) { li { (nice(sentence)) } }
            }
        }
        main { (pictures(history)) (steps(history)) (table(history)) (gone(history)) }
        footer { p { "Written by patchlab from the records of the campaigns beside this page." } }
    };
    document(&html! { (history.branch) ": " (title) }, &body)
}

fn pictures(history: &History) -> Markup {
    html! {
        section id="pictures" aria-labelledby="pictures-title" {
            h2 id="pictures-title" { "Commit by commit" }
            @if history.rows.is_empty() { p { "Nothing was measured." } }
            div.pictures {
                @for (number, row) in history.rows.iter().enumerate() { (figure(history, row, &format!("row-{number}"))) }
            }
            p.note {
                "From left to right the commits of the branch, the oldest first; those without a dot were not measured. The bar around a dot \
                 is the 95 % interval of its change, put on the figure before it. A line up and down is a step of this row. The axes \
                 do not begin at 0."
            }
        }
    }
}

/// A commit in a picture: its place in the branch, its mean, and the interval of its change, put on the mean before.
struct Dot {
    place: usize,
    mean: f64,
    interval: Option<(f64, f64)>,
    is_step: bool,
}

fn dots(history: &History, row: &RowName) -> Vec<Dot> {
    let dot = |(place, point): (usize, &Point)| {
        let mean = point.figure(row)?.mean?;
        let change = change_at(history, place, row);
        let interval = change.as_ref().and_then(|row| {
            let (low, high) = row.change?.interval?;
            Some((row.means[0]? * low, row.means[0]? * high))
        });
        Some(Dot { place, mean, interval, is_step: change.is_some_and(|row| row.is_step()) })
    };
    history.points.iter().enumerate().filter_map(dot).collect()
}

fn figure(history: &History, row: &RowName, id: &str) -> Markup {
    let dots = dots(history, row);
    let values = dots.iter().flat_map(|dot| {
        let (low, high) = dot.interval.unwrap_or((dot.mean, dot.mean));
        [dot.mean, low, high]
    });
    let values: Vec<f64> = values.collect();
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    // A change of a thousandth is not to look like a cliff.
    let room = ((most - least) * 0.1).max(most.abs() * 0.005);
    let up = Scale::new((least - room, most + room), (BOTTOM, TOP));
    let along =
        Scale::new((0.0, history.points.len().saturating_sub(1).max(1) as f64), (LEFT + 6.0, RIGHT - 6.0));
    let marks = up.marks(4);
    let at = |place: usize| along.at(place as f64);
    let line: Vec<String> = dots.iter().map(|dot| format!("{},{}", at(dot.place), up.at(dot.mean))).collect();
    let described: Vec<String> = dots
        .iter()
        .map(|dot| {
            format!(
                "{} {}",
                short(&history.points[dot.place].commit.commit),
                text::figure(row.unit, dot.mean)
            )
        })
        .collect();
    let inside = html! {
        @for &mark in &marks {
            line.grid x1=(LEFT) x2=(RIGHT) y1=(up.at(mark)) y2=(up.at(mark)) {}
            text.mark x=(LEFT - 4.0) y=(up.at(mark) + 3.5) text-anchor="end" { (plot::mark(mark, &marks)) }
        }
        @for dot in dots.iter().filter(|dot| dot.is_step) {
            line.mean x1=(at(dot.place)) x2=(at(dot.place)) y1=(TOP - 4.0) y2=(BOTTOM) stroke-dasharray="2 2" {}
            text.mark x=(at(dot.place).clamp(LEFT + 26.0, RIGHT - 26.0)) y=(TOP - 7.0) text-anchor="middle" {
                (history.points[dot.place].commit.commit.chars().take(9).collect::<String>())
            }
        }
        g.v1 {
            polyline.line points=(line.join(" ")) {}
            @for dot in &dots {
                @if let Some((low, high)) = dot.interval {
                    rect.interval x=(format!("{:.1}", at(dot.place) - 3.5)) y=(up.at(high)) width="7"
                        height=(format!("{:.1}", (up.at(low) - up.at(high)).max(2.0))) {}
                }
                circle.shape cx=(at(dot.place)) cy=(up.at(dot.mean)) r="3.2" {}
            }
        }
        @for (place, anchor) in ends(history) {
            text.mark x=(at(place)) y=(BOTTOM + 14.0) text-anchor=(anchor) { (day(&history.points[place])) }
        }
    };
    let title = row.text();
    html! {
        figure {
            figcaption { strong { (title) } " " span.unit { (row.unit) } }
            (plot::picture(id, BOTTOM + 20.0, &title, &described.join("; "), &inside))
        }
    }
}

/// The first and the last commit, with the side on which their dates stand.
fn ends(history: &History) -> Vec<(usize, &'static str)> {
    match history.points.len() {
        0 => Vec::new(),
        1 => vec![(0, "start")],
        count => vec![(0, "start"), (count - 1, "end")],
    }
}

fn steps(history: &History) -> Markup {
    let step = |(link, difference): (&HistoryLink, &Difference)| {
        let class = if difference.is_worse() { "bad" } else { "" };
        html! {
            h3 class=(class) { (heading(history, link).trim_start_matches("Step: ").replace('\n', " ")) }
            ul { @for line in said(difference, usize::MAX) { li { (nice(&line)) } } }
        }
    };
    html! {
        section id="steps" aria-labelledby="steps-title" {
            h2 id="steps-title" { "Steps" }
            @if history.steps().next().is_none() { p { "None was found." } }
            @for of in history.steps() { (step(of)) }
        }
    }
}

fn table(history: &History) -> Markup {
    let is_step = |place: usize| history.steps().any(|(link, _)| link.after == place);
    let shown = |point: &Point| !point.figures.is_empty() || point.commit.does_not_build.is_some();
    let table = html! {
        table.figures {
            thead {
                tr {
                    th scope="col" { "Commit" } th scope="col" { "Date" } th scope="col" { "Subject" }
                    @for row in &history.rows { th.number scope="col" { (row.text()) " " span.unit { (row.unit) } } }
                }
            }
            tbody {
                @for (place, point) in history.points.iter().enumerate().filter(|(_, point)| shown(point)) {
                    tr {
                        th scope="row" { code { (short(&point.commit.commit)) } @if is_step(place) { " " span.bad { "step" } } }
                        td.whole { (day(point)) }
                        td { (point.commit.subject) }
                        @for row in &history.rows { td.number { (cell(history, place, row)) } }
                    }
                }
            }
        }
    };
    html! {
        section id="figures" aria-labelledby="figures-title" {
            h2 id="figures-title" { "Figures" }
            (scrolling("Figures of each commit", &table))
            p.note {
                "Each change is against the commit measured before, over equal samples. It is a step if it exceeds "
                (history.threshold) " and its 95 % interval excludes no change."
            }
        }
    }
}

fn cell(history: &History, place: usize, row: &RowName) -> Markup {
    let point = &history.points[place];
    let change = change_at(history, place, row);
    let effect = change.as_ref().and_then(|row| row.change).map(|change| nice(&text::effect(&change)));
    let class = if change.is_some_and(|row| row.is_step()) { "change open" } else { "change" };
    html! {
        @match point.figure(row) {
            Some(figure) => span.value { (value(figure)) },
            None if point.commit.does_not_build.is_some() => "does not build",
            None => "not run",
        }
        @if let Some(effect) = effect { span class=(class) { (effect) } }
    }
}

fn gone(history: &History) -> Markup {
    html! {
        @if !history.gone.is_empty() {
            section id="gone" aria-labelledby="gone-title" {
                h2 id="gone-title" { "No longer in the branch" }
                p { "These commits were measured, and the branch was rewritten since. Their campaigns are kept." }
                ul { @for commit in &history.gone { li { code { (short(&commit.commit)) } " " (commit.subject) } } }
            }
        }
    }
}
