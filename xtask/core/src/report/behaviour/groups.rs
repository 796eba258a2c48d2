//! Which variants saw the same in a probe, what they saw, and why it counts against them.

use crate::comparison::{Behaviour, ProbeCell, ProbeRow, ProbeVerdict, ProbedVariant, Seen};
use crate::evidence::probes::Standing;

/// Variants that saw the same and are judged alike, with what they saw.
pub(in crate::report) struct Group<'a> {
    pub(in crate::report) variants: Vec<&'a ProbedVariant>,
    pub(in crate::report) cell: &'a ProbeCell,
}

/// The groups of a probe, the baseline's first.
pub(in crate::report) fn groups<'a>(behaviour: &'a Behaviour, row: &'a ProbeRow) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for (variant, cell) in behaviour.variants.iter().zip(&row.cells) {
        let said = |variant: &ProbedVariant, cell: &ProbeCell| {
            let why = why(variant, cell);
            (
                cell.seen
                    .iter()
                    .map(|seen| (seen.observation.observed.clone(), shares(cell, seen)))
                    .collect::<Vec<_>>(),
                why,
            )
        };
        let same = groups.iter_mut().find(|group| {
            group.variants.first().is_some_and(|first| said(first, group.cell) == said(variant, cell))
        });
        match same {
            Some(group) => group.variants.push(variant),
            None => groups.push(Group { variants: vec![variant], cell }),
        }
    }
    groups
}

impl Group<'_> {
    /// The names of its variants.
    pub(in crate::report) fn names(&self) -> String {
        let names: Vec<&str> = self.variants.iter().map(|variant| variant.variant.as_str()).collect();
        names.join(", ")
    }
}

/// What was seen, and why it counts against the variants.
pub(in crate::report) fn seen(group: &Group<'_>) -> String {
    let each = |seen: &Seen| format!("{}{}", seen.observation.observed, shares(group.cell, seen));
    let all: Vec<String> = group.cell.seen.iter().map(each).collect();
    let all = if all.is_empty() { "did not come to it".to_owned() } else { all.join(", or ") };
    let why = group.variants.first().and_then(|variant| why(variant, group.cell));
    all + &why.map(|why| format!(" [{why}]")).unwrap_or_default()
}

/// ` in 1 of 3 boots` where boots differ.
fn shares(cell: &ProbeCell, seen: &Seen) -> String {
    match cell.is_varying() {
        true => format!(" in {} of {} boots", seen.boots, cell.boots()),
        false => String::new(),
    }
}

/// Why what was seen counts against the variant, or would if the baseline did not do the same; none if it does not. Of
/// several things that were seen the first that does.
fn why(variant: &ProbedVariant, cell: &ProbeCell) -> Option<String> {
    let failing = cell.seen.iter().find(|seen| seen.observation.standing.is_failure());
    let is_unexpected = cell.verdict == Some(ProbeVerdict::Unexpected);
    let why = match (failing, variant.expected.as_deref()) {
        (Some(seen), table) => match seen.observation.standing {
            Standing::Fault => "no kernel may do this".to_owned(),
            Standing::Unfinished => "it has to end".to_owned(),
            Standing::Otherwise | Standing::AsExpected | Standing::NotStated => {
                format!("{} says: {}", table.unwrap_or("the table"), seen.observation.expected.join(", or "))
            }
        },
        (None, Some(table)) if is_unexpected => {
            format!("differs from the baseline, and {table} says nothing of it")
        }
        (None, None) if is_unexpected => "differs from the baseline".to_owned(),
        (None, _) => return None,
    };
    Some(if is_unexpected { format!("UNEXPECTED: {why}") } else { why })
}
