//! The comparison as a page: one file that needs nothing else, with pictures, evidence, patches and what programs printed.
//!
//! There is no script in it, and its policy forbids any: what a guest or a patch says is text. `maud` escapes all of it.

mod attached;
mod behaviour;
mod costs;
mod evidence;
mod figures;
mod findings;
pub mod history;
mod latency;
mod patches;
mod plot;
mod requests;
mod run;
mod samples;
mod sweep;

pub use attached::Attached;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{self_test, text, words};
use crate::comparison::{Comparison, Status};
use crate::text::escape::escape_for_terminal;

/// All of how it looks.
const STYLE: &str = include_str!("html/style.css");

/// No script, no network, nothing but the page itself.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// A part of the page: where it is, what the list of contents calls it, and itself.
type Section = (&'static str, &'static str, Markup);

/// The whole page.
pub(super) fn render(comparison: &Comparison, attached: &Attached) -> String {
    let sections = sections(comparison, attached);
    let status = attached.self_test.as_ref().map_or(comparison.conclusion.status, |test| test.status());
    let heading = heading(comparison, attached);
    let body = html! {
        (header(comparison, attached, status, &heading))
        nav aria-label="Contents" {
            ul { @for (id, name, _) in &sections { li { a href=(format!("#{id}")) { (name) } } } }
        }
        main { @for (.., section) in &sections { (section) } }
        footer { p { "Written by patchlab from the records of " code { (comparison.campaign) } ". The same page: "
            code { "cargo xtask compare " (comparison.campaign) " --format html" } } }
    };
    document(&html! { (comparison.campaign) ": " (heading) }, &body)
}

/// What each page is: one file that asks for nothing, with a way past its head.
fn document(title: &Markup, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { a.skip href="#figures" { "Skip to the figures" } (body) }
        }
    };
    // Markup has no control characters; those that a guest sent are shown.
    escape_for_terminal(&page.into_string()) + "\n"
}

fn heading(comparison: &Comparison, attached: &Attached) -> String {
    match (&attached.self_test, comparison.conclusion.status) {
        (None, _) => words::answer(comparison).to_owned(),
        (Some(_), Status::NoFinding) => "The self-test passed".to_owned(),
        (Some(_), Status::Worse) => "The self-test failed".to_owned(),
        (Some(_), Status::CannotTell) => "The self-test cannot tell".to_owned(),
    }
}

fn sections(comparison: &Comparison, attached: &Attached) -> Vec<Section> {
    let is_measured = text::is_measured(comparison);
    let self_test = attached.self_test.as_ref().map(|test| {
        html! {
            section id="self-test" aria-labelledby="self-test-title" {
                h2 id="self-test-title" { "Self-test" }
                pre tabindex="0" { (self_test::render(test)) }
            }
        }
    });
    let parts = [
        ("self-test", "Self-test", self_test),
        ("figures", "Figures", Some(figures::render(comparison))),
        ("sweep", "By setting", sweep::render(comparison)),
        ("doubts", "Doubts", figures::doubts(comparison)),
        ("samples", "Every sample", samples::render(comparison).filter(|_| is_measured)),
        ("latency", "Latency", latency::render(comparison).filter(|_| is_measured)),
        ("in-flight", "In flight", requests::in_flight(&attached.in_flight)),
        ("timeline", "One read or write", requests::timeline(attached.timeline.as_ref())),
        ("costs", "Costs", costs::render(comparison).filter(|_| is_measured)),
        ("steps", "Patch by patch", evidence::steps(comparison)),
        ("suites", "Suites", evidence::suites(comparison)),
        ("troubles", "Failures", evidence::troubles(comparison)),
        ("log", "Kernel logs", Some(findings::render(comparison))),
        ("behaviour", "Behaviour", behaviour::render(comparison)),
        ("server", "Server", evidence::server(comparison).filter(|_| is_measured)),
        ("run", "What was run", Some(run::render(comparison, attached))),
        ("patches", "Patches", patches::render(comparison, attached)),
        ("output", "Output", run::output(attached)),
    ];
    parts.into_iter().filter_map(|(id, name, section)| Some((id, name, section?))).collect()
}

fn header(comparison: &Comparison, attached: &Attached, status: Status, heading: &str) -> Markup {
    let class = match status {
        Status::NoFinding => "answer good",
        Status::Worse => "answer bad",
        Status::CannotTell => "answer open",
    };
    let day = comparison.begun.get(..10).unwrap_or(&comparison.begun);
    let kernels = comparison.setup.as_ref().map(|setup| text::sources(comparison, setup).join(", "));
    html! {
        header {
            p.kicker { "Plan " (comparison.plan) ", campaign " (comparison.campaign) ", " time datetime=(comparison.begun) { (day) } }
            h1 class=(class) { (heading) }
            @if attached.self_test.is_none() {
                ul.sentences {
                    @for sentence in &comparison.conclusion.sentences { li { (lead(sentence)) } }
                }
            }
            @if let Some(kernels) = kernels { p.note { (kernels) "; exit code\u{a0}" (status.exit_code()) } }
        }
    }
}

/// A sentence with what it is about, up to the colon, set apart.
fn lead(sentence: &str) -> Markup {
    match sentence.split_once(": ") {
        Some((about, rest)) => html! { strong { (about) } ": " (nice(rest)) },
        None => html! { (nice(sentence)) },
    }
}

/// Figures as they are printed: a minus that is one, and a sign for times.
fn nice(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let is_sign = !before.is_alphanumeric() && characters.peek().is_some_and(char::is_ascii_digit);
        out.push(match character {
            'x' if is_sign => '×',
            '-' if is_sign => '−',
            other => other,
        });
        before = character;
    }
    out
}

/// A sentence, in which backticks set apart what one types.
fn prose(text: &str) -> Markup {
    html! {
        @for (place, part) in text.split('`').enumerate() {
            @if place % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// A table that is wider than the page scrolls by itself, with the keyboard as well.
fn scrolling(label: &str, table: &Markup) -> Markup {
    html! { div.scroll role="region" tabindex="0" aria-label=(label) { (table) } }
}
