//! What callers see of the kernels beside their speed: what is unexpected first, then what differs as it should.

mod differences;
mod groups;

use super::text;
use crate::comparison::{Behaviour, Comparison, ProbeCell, ProbeRow, ProbeVerdict};
pub(super) use groups::{groups, seen};

/// How many probes of a kind a short report shows, and lines of each.
const FEW: usize = 3;
/// See [`FEW`].
const LINES: usize = 3;

/// How many of the expected differences are shown, of each group of kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Differences {
    All,
    AtMost(usize),
    /// None: the summary says how many there are.
    Counted,
}

/// The probes, in lines of at most `width` characters; none if nothing was to be probed.
pub(super) fn render(comparison: &Comparison, width: usize, shown: Differences) -> Option<String> {
    let behaviour = comparison.behaviour.as_ref()?;
    let mut lines = vec![text::wrap("", &summary(comparison, behaviour), width, 2)];
    let parts = [
        (
            Part::Unexpected,
            "Unexpected (the requests of each probe are in report.json of its boot):".to_owned(),
        ),
        (Part::Baseline, format!("In {} itself:", comparison.baseline)),
        (Part::Unknown, "Of these nothing can be said:".to_owned()),
    ];
    let rows_of = |part| behaviour.probes.iter().filter(move |row| part_of(row) == Some(part)).collect();
    for (part, heading) in parts {
        let rows: Vec<&ProbeRow> = rows_of(part);
        if !rows.is_empty() {
            lines.push(text::wrap("", &heading, width, 2));
            let most = if shown == Differences::Counted { FEW } else { rows.len() };
            let probes = rows.iter().take(most).map(|row| probe(behaviour, row, width));
            lines.extend(probes.map(|text| match shown {
                Differences::Counted => text::cut_after(&text, width, LINES),
                Differences::All | Differences::AtMost(_) => text,
            }));
            lines.extend((rows.len() > most).then(|| format!("  and {} more", rows.len() - most)));
        }
    }
    if shown == Differences::Counted {
        return Some(lines.join("\n"));
    }
    for (part, heading) in
        [(Part::OtherSource, "Differences between sources"), (Part::Expected, "Expected differences")]
    {
        let rows: Vec<&ProbeRow> = rows_of(part);
        lines.extend(differences::lines(behaviour, heading, &rows, width, shown));
    }
    Some(lines.join("\n"))
}

/// Where a probe is shown; the first that fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Unexpected,
    Baseline,
    Unknown,
    OtherSource,
    Expected,
}

/// None if all variants do the same and nothing speaks against it.
pub(super) fn part_of(row: &ProbeRow) -> Option<Part> {
    let any = |verdict| row.cells.iter().any(|cell| cell.verdict == Some(verdict));
    if any(ProbeVerdict::Unexpected) {
        Some(Part::Unexpected)
    } else if row.cells.first().is_some_and(ProbeCell::fails) {
        Some(Part::Baseline)
    } else if any(ProbeVerdict::Unknown) {
        Some(Part::Unknown)
    } else if any(ProbeVerdict::UnlikeOtherSource) {
        Some(Part::OtherSource)
    } else {
        any(ProbeVerdict::ExpectedDifference).then_some(Part::Expected)
    }
}

pub(super) fn summary(comparison: &Comparison, behaviour: &Behaviour) -> String {
    let probes = behaviour.probes.len();
    if probes == 0 {
        return "Behaviour: NOT PROBED, in no boot.".to_owned();
    }
    let count = |part| behaviour.probes.iter().filter(|row| part_of(row) == Some(part)).count();
    let all_stated = behaviour.probes.iter().flat_map(|row| &row.cells).all(ProbeCell::is_as_expected);
    let said = match (count(Part::Unexpected), all_stated) {
        (0, true) => {
            format!(
                "{probes} of {probes} probes as expected in each of {} variants",
                behaviour.variants.len()
            )
        }
        (0, false) => format!("nothing unexpected in {probes} probes"),
        (unexpected, _) => format!("UNEXPECTED in {unexpected} of {probes} probes{}", unstated(behaviour)),
    };
    let differences = match count(Part::Expected) {
        0 => String::new(),
        1 => format!("; 1 expected difference from {}", comparison.baseline),
        count => format!("; {count} expected differences from {}", comparison.baseline),
    };
    let of_sources = match count(Part::OtherSource) {
        0 => String::new(),
        1 => "; 1 difference between sources, of which no table says anything".to_owned(),
        count => format!("; {count} differences between sources, of which no table says anything"),
    };
    format!("Behaviour: {said}{of_sources}{differences}.")
}

/// Why each difference of some variants is unexpected.
fn unstated(behaviour: &Behaviour) -> String {
    let is_unexpected = |place: usize| {
        behaviour.probes.iter().any(|row| row.cells[place].verdict == Some(ProbeVerdict::Unexpected))
    };
    let variants = behaviour.variants.iter().enumerate();
    let named: Vec<&str> = variants
        .filter(|(place, variant)| variant.expected.is_none() && is_unexpected(*place))
        .map(|(_, variant)| variant.variant.as_str())
        .collect();
    match named.is_empty() {
        true => String::new(),
        false => format!(
            "; lab.toml states no `behaviour` of {}, so that each difference from the baseline counts",
            named.join(", ")
        ),
    }
}

/// A sentence if two kernels did one thing each, else a line for each thing that was done.
fn probe(behaviour: &Behaviour, row: &ProbeRow, width: usize) -> String {
    let groups = groups(behaviour, row);
    if let [left, right] = &groups[..]
        && let ([first], [second]) = (&left.variants[..], &right.variants[..])
        && !left.cell.seen.is_empty()
        && !right.cell.seen.is_empty()
    {
        let sides = [(first, left), (second, right)]
            .map(|(variant, group)| format!("{} {}", variant.variant, seen(group)));
        return text::wrap("  ", &format!("{}: {}", row.title, sides.join("; ")), width, 4);
    }
    let mut lines = vec![text::wrap("  ", &row.title, width, 4)];
    for group in &groups {
        lines.push(text::wrap("    ", &format!("{}: {}", group.names(), seen(group)), width, 6));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests;
