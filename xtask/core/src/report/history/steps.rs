//! The steps of a series of commits: who brought each, and what it is.

use crate::comparison::history::{Difference, History, HistoryLink, ProbeChange, RowChange};
use crate::report::text;
use crate::text::digest::short;
use crate::text::layout::WIDTH;

use super::name;

/// How many commits are named that may have brought a step.
const MOST_NAMES: usize = 6;

/// How many probes are told in full.
const MOST_PROBES: usize = 2;

/// All of them; none if there is none.
pub(super) fn render(history: &History) -> Option<String> {
    let steps: Vec<String> =
        history.steps().map(|(link, difference)| step(history, link, difference)).collect();
    (!steps.is_empty()).then(|| steps.join("\n\n"))
}

fn step(history: &History, link: &HistoryLink, difference: &Difference) -> String {
    let mut lines = vec![heading(history, link)];
    lines.extend(said(difference, MOST_PROBES).iter().map(|line| text::wrap("  ", line, WIDTH, 4)));
    lines.join("\n")
}

/// Which commit it is, or among which.
pub(in crate::report) fn heading(history: &History, link: &HistoryLink) -> String {
    let after = &history.points[link.after];
    let of = &after.commit;
    let who = format!("{} {} ({}, {})", short(&of.commit), of.subject, of.author, super::day(after));
    let inside = &history.points[link.before + 1..link.after];
    if inside.is_empty() {
        return text::wrap("Step: ", &who, WIDTH, 6);
    }
    let broken = inside.iter().filter(|point| point.commit.does_not_build.is_some()).count();
    let why = match broken == inside.len() {
        true => "have no kernel",
        false => "were not measured",
    };
    let names: Vec<String> = inside.iter().take(MOST_NAMES).map(name).collect();
    let more = inside.len().saturating_sub(MOST_NAMES);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let text = format!("{who}, or one of those before it that {why}: {}{more}", names.join(", "));
    text::wrap("Step: ", &text, WIDTH, 6)
}

/// What it is, a line for each thing; of more than `most` probes the others by name.
pub(in crate::report) fn said(difference: &Difference, most: usize) -> Vec<String> {
    let rows = difference.rows.iter().filter(|row| row.is_step()).map(row);
    let (first, others) = difference.probes.split_at(most.min(difference.probes.len()));
    let names: Vec<&str> = others.iter().map(|probe| probe.name.as_str()).collect();
    let others = match names.len() {
        0 => None,
        1 => Some(format!("1 more probe says something else than before: {}", names[0])),
        count => Some(format!("{count} more probes say something else than before: {}", names.join(", "))),
    };
    let probes = first.iter().map(probe).chain(others);
    let titled = |text: &'static str, titles: &[String]| {
        titles.iter().map(|title| format!("{text}: {title}")).collect::<Vec<_>>()
    };
    let troubles = match difference.troubled_boots {
        [0, after] if after > 0 => Some(format!("{after} boots broke or hung, and none before")),
        [before, 0] if before > 0 => Some(format!("no boot breaks or hangs, and {before} did before")),
        _ => None,
    };
    let configured = difference
        .is_configured_otherwise
        .then(|| "the two kernels are configured otherwise, which may be the reason".to_owned());
    rows.chain(probes)
        .chain(titled("new in the kernel log", &difference.new_findings))
        .chain(titled("no longer in the kernel log", &difference.gone_findings))
        .chain(titled("FAILS where it passed", &difference.failed_suites))
        .chain(troubles)
        .chain(configured)
        .collect()
}

fn row(change: &RowChange) -> String {
    let value = |place: usize| match (change.fails[place], change.means[place]) {
        (true, _) => "FAILED".to_owned(),
        (false, Some(mean)) => text::figure(change.row.unit, mean),
        (false, None) => "no figure".to_owned(),
    };
    let unit = change.row.unit;
    let figures = format!("{}: {} -> {} {unit}", change.row.text(), value(0), value(1));
    let figures = figures.trim_end();
    let Some(of) = change.change.filter(|of| of.verdict.is_difference()) else { return figures.to_owned() };
    let interval = of
        .interval
        .map(|(low, high)| format!(" (95 % interval {} to {})", text::change(low), text::change(high)));
    format!("{figures}, {}{}", text::effect(&of), interval.unwrap_or_default())
}

fn probe(change: &ProbeChange) -> String {
    let [before, after] = &change.seen;
    format!("probe {}: {} {after}; before it {before}", change.name, change.title)
}
