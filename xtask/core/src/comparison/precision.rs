//! Which intervals are wider than they are to be, and what it takes to make them narrower.

use std::collections::BTreeMap;

use super::Comparison;
use crate::plan::Plan;

/// The most repetitions that a scenario gets for it: whoever needs more is told so.
const MOST_ROUNDS: u32 = 20;

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Next {
    /// The scenarios that get another repetition.
    pub scenarios: Vec<String>,
    /// About how many repetitions all of it would take, the one in question counted.
    pub rounds: u32,
    /// Rows that will not get there, and why.
    pub out_of_reach: Vec<String>,
}

/// The widest interval of a scenario.
struct Widest {
    half_width: f64,
    row: String,
    rounds: u32,
}

/// What the intervals of a campaign lack.
pub fn next(comparison: &Comparison, plan: &Plan) -> Next {
    let wanted = f64::from(plan.precision_permille) / 1000.0;
    let mut next = Next { scenarios: Vec::new(), rounds: 0, out_of_reach: Vec::new() };
    for (scenario, widest) in widest(comparison, plan, wanted) {
        let have = rounds(plan, &scenario);
        if widest.rounds > MOST_ROUNDS {
            next.out_of_reach.push(format!(
                "{scenario}, {}: +-{:.2} % with {have} boots; for {:.1} % it would take about {}, and {MOST_ROUNDS} are the most",
                widest.row,
                widest.half_width * 100.0,
                wanted * 100.0,
                widest.rounds
            ));
        } else {
            next.rounds += widest.rounds - have;
            next.scenarios.extend(booted(plan, &scenario));
        }
    }
    next
}

/// The scenarios that have to be booted once more for another sample of a row: where they are compared, all of them.
fn booted(plan: &Plan, scenario: &str) -> Vec<String> {
    match plan.baseline_scenario {
        Some(_) => plan.scenarios.iter().map(|scenario| scenario.name.clone()).collect(),
        None => vec![scenario.to_owned()],
    }
}

/// How many repetitions a row has.
fn rounds(plan: &Plan, scenario: &str) -> u32 {
    plan.rounds(plan.baseline_scenario.as_deref().unwrap_or(scenario))
}

/// Of each scenario the interval that needs the most, if one is too wide.
fn widest(comparison: &Comparison, plan: &Plan, wanted: f64) -> BTreeMap<String, Widest> {
    let mut found: BTreeMap<String, Widest> = BTreeMap::new();
    for row in &comparison.rows {
        for cell in &row.cells {
            let Some((low, high)) = cell.change.and_then(|change| change.interval) else { continue };
            let half_width = (high / low).sqrt() - 1.0;
            if wanted == 0.0 || half_width <= wanted {
                continue;
            }
            // With one more at least: the interval of few samples is wider than the square of their number says.
            let have = rounds(plan, &row.scenario);
            let rounds = (f64::from(have) * (half_width / wanted).powi(2)).ceil().min(1e6) as u32;
            let one = Widest {
                half_width,
                row: format!("{} of {}", row.workload, cell.variant),
                rounds: rounds.max(have + 1),
            };
            match found.get(&row.scenario) {
                Some(known) if known.half_width >= half_width => {}
                _ => _ = found.insert(row.scenario.clone(), one),
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparison::compare;
    use crate::fixtures::{arm, campaign};
    use crate::plan::Clock;

    /// Of a kernel whose dd differs by this share up and down, in two samples, against one that always takes a second.
    fn found(share: f64, precision_permille: u32) -> Next {
        let arms = [
            arm("original", &[], &[(1.0, 50.0); 2], 1),
            arm("patched", &["s"], &[(1.0 - share, 50.0), (1.0 + share, 50.0)], 1),
        ];
        let mut campaign = campaign(Clock::Virtual, &arms);
        campaign.file.plan.precision_permille = precision_permille;
        next(&compare(&campaign).unwrap(), &campaign.file.plan)
    }

    #[test]
    fn what_is_too_wide_gets_another_repetition() {
        // Of two samples half the interval is 12.7 times the share.
        let enough = Next { scenarios: Vec::new(), rounds: 0, out_of_reach: Vec::new() };
        assert_eq!(found(0.0003, 5), enough, "0.38 %");
        assert_eq!(found(0.0500, 0), enough, "nobody asked");
        let more = Next { scenarios: vec!["slow".to_owned()], rounds: 2, out_of_reach: Vec::new() };
        assert_eq!(found(0.0005, 5), more, "0.64 %: four instead of two");
    }

    #[test]
    fn what_does_not_get_there_is_named() {
        let found = found(0.01, 5);
        assert_eq!(found.scenarios, Vec::<String>::new());
        let expected = "slow, dd-read of patched: +-13.55 % with 2 boots; for 0.5 % it would take about 1469, and 20 are the most";
        assert_eq!(found.out_of_reach, [expected]);
    }
}
