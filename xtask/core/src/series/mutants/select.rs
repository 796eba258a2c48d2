//! Which mutants of a series are meant.

use std::collections::BTreeMap;

use anyhow::bail;

use super::{Mutant, Rule};
use crate::text::suggest;

/// Those with these ids or names, or in these functions.
///
/// # Errors
/// If there is none of a name.
pub fn only(all: &[Mutant], wanted: &[String]) -> anyhow::Result<Vec<Mutant>> {
    let mut chosen = Vec::new();
    for name in wanted {
        let is_meant = |mutant: &&Mutant| {
            mutant.id == *name
                || mutant.name() == name
                || mutant.function == *name
                || number(&mutant.id) == name
        };
        let found: Vec<&Mutant> = all.iter().filter(is_meant).collect();
        if found.is_empty() {
            let known: Vec<&str> = all.iter().map(|mutant| mutant.id.as_str()).collect();
            bail!("{}", suggest::unknown("mutant", name, &known));
        }
        chosen.extend(found.into_iter().cloned());
    }
    chosen.sort_by(|one, other| one.id.cmp(&other.id));
    chosen.dedup();
    Ok(chosen)
}

/// `m017` of `m017-negate-f-3`.
fn number(id: &str) -> &str {
    id.split('-').next().unwrap_or(id)
}

/// At most `most` of them, in their order: as many of each rule as the others have, if it has so many, and those of a rule
/// from all over the series.
pub fn spread(all: Vec<Mutant>, most: usize) -> Vec<Mutant> {
    let mut sizes = BTreeMap::<Rule, usize>::new();
    all.iter().for_each(|mutant| *sizes.entry(mutant.rule).or_default() += 1);
    let shares = shares(&sizes, most);
    let mut seen = BTreeMap::<Rule, usize>::new();
    all.into_iter()
        .filter(|mutant| {
            let place = seen.entry(mutant.rule).or_default();
            let (size, share) = (sizes[&mutant.rule], shares[&mutant.rule]);
            // One of each of `share` equal parts.
            let is_chosen = *place * share / size != (*place + 1) * share / size;
            *place += 1;
            is_chosen
        })
        .collect()
}

/// How many of each rule: one in turn, until there are enough or no more.
fn shares(sizes: &BTreeMap<Rule, usize>, most: usize) -> BTreeMap<Rule, usize> {
    let mut shares: BTreeMap<Rule, usize> = sizes.keys().map(|rule| (*rule, 0)).collect();
    let mut left = most;
    while left > 0 {
        let before = left;
        for (rule, share) in &mut shares {
            if left > 0 && *share < sizes[rule] {
                *share += 1;
                left -= 1;
            }
        }
        if left == before {
            break;
        }
    }
    shares
}
