//! How long the boots of a plan take, by the records of earlier ones.

use std::fmt;
use std::time::Duration;

use lab_core::campaign::{CampaignFile, Record};
use lab_core::comparison::statistics::{MEDIAN, quantile};
use lab_core::evidence::outcome::Outcome;
use lab_core::plan::{BootStep, Plan, Scenario, Variant};

use crate::campaign::execute::TypicalTimes;
use crate::lab::stopwatch::seconds;

/// How long the boots of a plan take.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Estimate {
    /// The boots that are like earlier ones, all together.
    time: Duration,
    /// The number of earlier boots that it is based on.
    earlier: usize,
    /// Variants and scenarios without earlier boots.
    unknown: Vec<String>,
}

/// The estimate for `plan`, `side_by_side` boots at a time: for each boot the median of those that finished with the
/// same variant, scenario, workloads and machine.
pub(super) fn estimate(plan: &Plan, earlier: &[(CampaignFile, Vec<Record>)], side_by_side: u32) -> Estimate {
    let mut total_s = 0.0;
    let (mut unknown, mut used) = (Vec::new(), 0);
    for variant in &plan.variants {
        for scenario in &plan.scenarios {
            let is_this = |step: &BootStep| step.variant == variant.name && step.scenario == scenario.name;
            let times = times(plan, earlier, (variant, scenario));
            let boots = plan.boots.iter().filter(|step| is_this(step)).count();
            match quantile(&times, MEDIAN) {
                Some(typical_s) => total_s += typical_s * boots as f64,
                None => unknown.push(format!("{} in {}", variant.name, scenario.name)),
            }
            used += times.len();
        }
    }
    let time = Duration::from_secs_f64(total_s / f64::from(side_by_side.max(1)));
    Estimate { time, earlier: used, unknown }
}

/// The median of the earlier boots of each variant and scenario of `plan`, as far as there are any.
pub(super) fn typical(plan: &Plan, earlier: &[(CampaignFile, Vec<Record>)]) -> TypicalTimes {
    let kinds = plan.variants.iter().flat_map(|variant| plan.scenarios.iter().map(move |of| (variant, of)));
    let median = |kind| quantile(&times(plan, earlier, kind), MEDIAN);
    kinds.filter_map(|kind| Some(((kind.0.name.clone(), kind.1.name.clone()), median(kind)?))).collect()
}

/// How long boots took, in seconds, that finished with the same variant, scenario, workloads and machine.
fn times(
    plan: &Plan,
    earlier: &[(CampaignFile, Vec<Record>)],
    (variant, scenario): (&Variant, &Scenario),
) -> Vec<f64> {
    let alike = earlier.iter().filter(|(file, _)| is_alike(plan, &file.plan));
    let same = alike.filter(|(file, _)| file.plan.scenarios.contains(scenario));
    let is_this = |step: &BootStep| step.variant == variant.name && step.scenario == scenario.name;
    same.flat_map(|(_, records)| records)
        .filter(|record| is_this(&record.boot) && record.outcome == Outcome::Finished)
        .map(|record| record.wall_s)
        .collect()
}

fn is_alike(plan: &Plan, earlier: &Plan) -> bool {
    plan.machine == earlier.machine && plan.workloads == earlier.workloads && plan.probes == earlier.probes
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Estimate { time, earlier, unknown } = self;
        if *earlier == 0 {
            return write!(f, "no earlier boots: no estimate");
        }
        let least = if unknown.is_empty() { "about" } else { "at least" };
        write!(
            f,
            "{least} {} for the boots, by the medians of {earlier} earlier ones of the same variants, scenarios, \
             workloads and machine; builds and waits for a quiet host come on top",
            seconds(*time)
        )?;
        match unknown.is_empty() {
            true => Ok(()),
            false => write!(f, "; no earlier boots of {}", unknown.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use lab_core::fixtures::{campaign, two_arms};
    use lab_core::plan::Clock;

    use super::*;

    #[test]
    fn estimates_say_what_they_are_based_on() {
        let there = campaign(Clock::Virtual, &two_arms());
        let records: Vec<Record> = there.boots.iter().map(|boot| boot.record.clone()).collect();
        let earlier = [(there.file.clone(), records.clone())];
        let plan = there.file.plan.clone();
        let check = |plan: &Plan, earlier: &[(CampaignFile, Vec<Record>)], side_by_side, expected: Expect| {
            expected.assert_eq(&estimate(plan, earlier, side_by_side).to_string());
        };
        let of_all: Vec<f64> = typical(&plan, &earlier).into_values().collect();
        assert_eq!(of_all, [5.0, 5.0], "of each variant in the one scenario");
        assert!(typical(&plan, &[]).is_empty());
        check(&plan, &[], 1, expect!["no earlier boots: no estimate"]);
        check(
            &plan,
            &earlier,
            1,
            expect![
                "about 20 s for the boots, by the medians of 4 earlier ones of the same variants, scenarios, workloads and machine; builds and waits for a quiet host come on top"
            ],
        );
        check(
            &plan,
            &earlier,
            2,
            expect![
                "about 10 s for the boots, by the medians of 4 earlier ones of the same variants, scenarios, workloads and machine; builds and waits for a quiet host come on top"
            ],
        );
        let only_baseline: Vec<Record> =
            records.into_iter().filter(|record| record.boot.variant == plan.baseline).collect();
        check(
            &plan,
            &[(there.file.clone(), only_baseline)],
            1,
            expect![
                "at least 10 s for the boots, by the medians of 2 earlier ones of the same variants, scenarios, workloads and machine; builds and waits for a quiet host come on top; no earlier boots of patched in slow"
            ],
        );
        let mut other = plan.clone();
        other.machine.memory_mib += 1;
        check(&other, &earlier, 1, expect!["no earlier boots: no estimate"]);
        let mut other = plan.clone();
        other.workloads.pop();
        check(&other, &earlier, 1, expect!["no earlier boots: no estimate"]);
        let mut other = plan;
        other.scenarios[0].server.as_mut().unwrap().threads += 1;
        check(&other, &earlier, 1, expect!["no earlier boots: no estimate"]);
    }
}
