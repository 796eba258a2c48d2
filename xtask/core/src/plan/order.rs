//! The order in which the boots of a plan start.

use lab_protocol::ProbeSet;

use super::shuffle::shuffled;
use super::{BootStep, Clock, Plan, Scenario, Variant};

impl Plan {
    /// The same plan with so many repetitions: if they are more, the boots that it has stay as they are and the others
    /// come after them.
    pub fn with_repetitions(self, repetitions: u32) -> Self {
        let plan = Plan { repetitions, ..self };
        let boots = boot_order(&plan);
        Plan { boots, ..plan }
    }

    /// The same plan with one more repetition, in these of its scenarios, after all others.
    pub fn with_more_samples(mut self, scenarios: Vec<String>) -> Self {
        self.added.push(scenarios);
        let boots = boot_order(&self);
        Plan { boots, ..self }
    }

    /// As it was before samples were added.
    pub(crate) fn without_added(self) -> Self {
        if self.added.is_empty() {
            return self;
        }
        let plan = Plan { added: Vec::new(), ..self };
        let boots = boot_order(&plan);
        Plan { boots, ..plan }
    }

    /// The same plan without the boots that repeat others.
    pub(super) fn without_repeats(mut self) -> Self {
        let place =
            |step: &BootStep| (step.variant.clone(), step.scenario.clone(), step.round, step.is_warm_up());
        let mut seen = std::collections::BTreeSet::new();
        self.boots.retain(|step| seen.insert(place(step)));
        self
    }

    /// How many repetitions a scenario has, with those that were added.
    pub fn rounds(&self, scenario: &str) -> u32 {
        let added = self.added.iter().filter(|of| of.iter().any(|name| name == scenario));
        self.repetitions + added.count() as u32
    }
}

/// Every boot, numbered from 1: warm-up pairs, then for each repetition, for each scenario, the variants in a balanced
/// order; after the first repetition the boots that repeat one of it.
///
/// Repetition by repetition, so that a campaign that is stopped early has something to compare in every scenario, and
/// one that gets more repetitions keeps the boots that it has. With the virtual clock the order does not matter, so it
/// is that of the plan; with the wall clock the seed decides which variant is first.
pub(super) fn boot_order(plan: &Plan) -> Vec<BootStep> {
    let variants: Vec<&Variant> = match plan.machine.clock {
        Clock::Virtual => plan.variants.iter().collect(),
        Clock::Wall => shuffled(&plan.variants, plan.seed),
    };
    let scenarios = scenarios_in_order(plan);
    let round = |round| {
        let of_scenario =
            |scenario| balanced(&variants, round).into_iter().map(move |variant| (scenario, *variant));
        let steps = in_round(plan, &scenarios, round).into_iter().flat_map(of_scenario);
        let steps = steps.map(|(scenario, variant)| BootStep {
            probes: probes(plan, scenario, round),
            ..step(plan, scenario, variant, round)
        });
        steps.collect::<Vec<_>>()
    };
    let counted = (0..plan.repetitions).flat_map(|number| {
        let again = if number == 0 { repeats(plan) } else { Vec::new() };
        round(number).into_iter().chain(again)
    });
    let added = (0..plan.added.len()).flat_map(|place| added(plan, place, &variants));
    let steps = warm_ups(plan).into_iter().chain(counted).chain(added);
    (1..).zip(steps).map(|(number, step)| BootStep { number, ..step }).collect()
}

/// The scenarios in the order that the rounds start from: where they are compared in real time, the seed decides it.
fn scenarios_in_order(plan: &Plan) -> Vec<&Scenario> {
    match (&plan.baseline_scenario, plan.machine.clock) {
        (Some(_), Clock::Wall) => shuffled(&plan.scenarios, plan.seed),
        (Some(_), Clock::Virtual) | (None, _) => plan.scenarios.iter().collect(),
    }
}

/// The scenarios of a round: where they are compared they are balanced as variants are.
fn in_round<'a>(plan: &Plan, scenarios: &[&'a Scenario], round: u32) -> Vec<&'a Scenario> {
    match &plan.baseline_scenario {
        Some(_) => balanced(scenarios, round).into_iter().copied().collect(),
        None => scenarios.to_vec(),
    }
}

/// A repetition that was added: in each of its scenarios the next one.
fn added(plan: &Plan, place: usize, variants: &[&Variant]) -> Vec<BootStep> {
    let so_far = Plan { added: plan.added[..place].to_vec(), ..plan.clone() };
    let is_of = |scenario: &&Scenario| plan.added[place].contains(&scenario.name);
    let mut steps = Vec::new();
    for scenario in plan.scenarios.iter().filter(is_of) {
        let round = so_far.rounds(&scenario.name);
        let order = balanced(variants, round).into_iter();
        steps.extend(order.map(|variant| step(plan, scenario, variant, round)));
    }
    steps
}

fn step(plan: &Plan, scenario: &Scenario, variant: &Variant, round: u32) -> BootStep {
    BootStep {
        number: 0,
        variant: variant.name.clone(),
        scenario: scenario.name.clone(),
        repetition: round + 1,
        phase_us: plan.machine.phase_us,
        round: Some(round + 1),
        warm_up: false,
        probes: None,
    }
}

/// One boot of each kernel once more, with the virtual clock: it shows that a boot is a function of its input. The scenarios
/// take turns, so that each is among them; where they are compared, each is booted once more.
fn repeats(plan: &Plan) -> Vec<BootStep> {
    let is_measured = plan.workloads.iter().any(|workload| !workload.is_suite());
    if plan.machine.clock == Clock::Wall || !is_measured {
        return Vec::new();
    }
    if plan.baseline_scenario.is_some() {
        let each = |variant| plan.scenarios.iter().map(move |scenario| step(plan, scenario, variant, 0));
        return plan.variants.iter().flat_map(each).collect();
    }
    let turns = plan.scenarios.iter().cycle();
    plan.variants.iter().zip(turns).map(|(variant, scenario)| step(plan, scenario, variant, 0)).collect()
}

/// The few probes run in the first boot of each variant, in the first scenario: probes start servers of their own, so the
/// scenario means nothing to them; under the virtual clock a boot is a function of its input, so that a second one would
/// say the same; and a kernel that a probe breaks takes the figures of one boot with it, not of all. All probes are a plan
/// of their own, and run in each of its boots: who asks for several wants to know whether they agree.
fn probes(plan: &Plan, scenario: &Scenario, round: u32) -> Option<ProbeSet> {
    let is_first = round == 0 && plan.scenarios.first().is_some_and(|first| first.name == scenario.name);
    plan.probes.filter(|set| match set {
        ProbeSet::Quick => is_first,
        ProbeSet::All => true,
    })
}

/// Pairs of the baseline and the variant after it, in the first scenario: what is cold at first, files and clock rates
/// of the host, is the same in every scenario.
fn warm_ups(plan: &Plan) -> Vec<BootStep> {
    let Some(scenario) = plan.scenarios.first().filter(|_| plan.machine.clock == Clock::Wall) else {
        return Vec::new();
    };
    let from_baseline = plan.variants.iter().cycle().skip_while(|variant| variant.name != plan.baseline);
    let pair: Vec<&Variant> = from_baseline.take(2).collect();
    (0..plan.machine.warm_up_pairs)
        .flat_map(|round| pair.iter().map(move |variant| (round, variant)))
        .map(|(round, variant)| BootStep { warm_up: true, ..step(plan, scenario, variant, round) })
        .collect()
}

/// The items rotated by one more place every second round and reversed in every second: AB BA BA AB for two,
/// ABC CBA BCA ACB CAB BAC for three.
///
/// Each pair of rounds holds an order and its mirror image, in which every item has the same mean place, so that a
/// drift that is linear in time adds the same to all of them. The second pair of a four is itself mirrored, which
/// for two items cancels a quadratic drift as well. After as many pairs as there are items each has been in every
/// place equally often.
fn balanced<T>(items: &[T], round: u32) -> Vec<&T> {
    let mut order: Vec<&T> = items.iter().collect();
    if let Some(places) = (round as usize / 2).checked_rem(items.len()) {
        order.rotate_left(places);
    }
    if round % 2 == 1 {
        order.reverse();
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::MachineSettings;

    fn rounds(items: &str, rounds: u32) -> String {
        let items: Vec<char> = items.chars().collect();
        let round = |round| balanced(&items, round).into_iter().collect::<String>();
        (0..rounds).map(round).collect::<Vec<_>>().join(" ")
    }

    /// A plan with these variants, of which the first is the baseline.
    fn plan(clock: Clock, variants: &str, warm_up_pairs: u32, seed: u64) -> Plan {
        let plan = crate::fixtures::campaign(clock, &crate::fixtures::two_arms()).file.plan;
        let name = |letter: char| Variant { name: letter.to_string(), ..plan.variants[0].clone() };
        let second = Scenario { name: "fast".to_owned(), ..plan.scenarios[0].clone() };
        Plan {
            baseline: variants.chars().take(1).collect(),
            seed,
            variants: variants.chars().map(name).collect(),
            scenarios: vec![plan.scenarios[0].clone(), second],
            machine: MachineSettings { clock, warm_up_pairs, ..plan.machine },
            ..plan
        }
    }

    /// Scenario and variant of each boot, warm-ups in brackets.
    fn shown(plan: &Plan) -> String {
        let show = |step: &BootStep| {
            let text = format!("{}{}{}", &step.scenario[..1], step.variant, step.repetition);
            if step.is_warm_up() { format!("[{text}]") } else { text }
        };
        plan.boots.iter().map(show).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn warm_ups_come_first_and_the_seed_decides_the_rest() {
        for (clock, variants, pairs, seed, expected) in [
            (Clock::Virtual, "AB", 1, 7, "sA1 sB1 fA1 fB1 sA1 fB1 sB2 sA2 fB2 fA2"),
            (Clock::Wall, "AB", 0, 1, "sA1 sB1 fA1 fB1 sB2 sA2 fB2 fA2"),
            (Clock::Wall, "AB", 2, 3, "[sA1] [sB1] [sA2] [sB2] sB1 sA1 fB1 fA1 sA2 sB2 fA2 fB2"),
            (Clock::Wall, "ABC", 1, 3, "[sA1] [sB1] sC1 sB1 sA1 fC1 fB1 fA1 sA2 sB2 sC2 fA2 fB2 fC2"),
        ] {
            let plan = plan(clock, variants, pairs, seed).with_repetitions(2);
            assert_eq!(shown(&plan), expected, "{variants} seed {seed}");
            let numbers: Vec<u32> = plan.boots.iter().map(|step| step.number).collect();
            assert_eq!(numbers, (1..=numbers.len() as u32).collect::<Vec<_>>());
        }
    }

    #[test]
    fn more_repetitions_leave_the_boots_that_are_there() {
        for clock in [Clock::Virtual, Clock::Wall] {
            let short = plan(clock, "ABC", 1, 3).with_repetitions(3);
            let long = short.clone().with_repetitions(5);
            assert_eq!(long.boots[..short.boots.len()], short.boots);
            assert_eq!(long.boots.len() - short.boots.len(), 2 * 2 * 3);
        }
    }

    #[test]
    fn one_boot_of_each_kernel_is_repeated() {
        let plan = plan(Clock::Virtual, "ABC", 0, 1).with_repetitions(2);
        assert_eq!(shown(&plan), "sA1 sB1 sC1 fA1 fB1 fC1 sA1 fB1 sC1 sC2 sB2 sA2 fC2 fB2 fA2");
        let rounds: Vec<_> = plan.boots.iter().map(|step| step.round.unwrap()).collect();
        assert_eq!(rounds, [1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2]);
        let longer = plan.clone().with_more_samples(vec!["fast".to_owned()]);
        let longer = longer.with_more_samples(vec!["slow".to_owned(), "fast".to_owned()]);
        assert_eq!(longer.boots[..15], plan.boots);
        let rounds =
            |step: &BootStep| format!("{}{}{}", &step.scenario[..1], step.variant, step.round.unwrap());
        let added: Vec<_> = longer.boots[15..].iter().map(rounds).collect();
        assert_eq!(added.join(" "), "fB3 fC3 fA3 sB3 sC3 sA3 fA4 fC4 fB4");
        assert_eq!((longer.rounds("slow"), longer.rounds("fast")), (3, 4));
        assert_eq!(longer.without_added(), plan);
        let only_probes = Plan { workloads: Vec::new(), ..plan };
        assert_eq!(shown(&only_probes.with_repetitions(1)), "sA1 sB1 sC1 fA1 fB1 fC1");
    }

    #[test]
    fn orders() {
        for (items, count, expected) in [
            ("", 2, " "),
            ("A", 3, "A A A"),
            ("AB", 6, "AB BA BA AB AB BA"),
            ("ABC", 7, "ABC CBA BCA ACB CAB BAC ABC"),
            ("ABCD", 4, "ABCD DCBA BCDA ADCB"),
        ] {
            assert_eq!(rounds(items, count), expected);
        }
    }

    /// The sum of `weight(time)` over each item's boots.
    fn drifts(items: usize, count: u32, weight: impl Fn(u64) -> u64) -> Vec<u64> {
        drifts_of(&(0..items).collect::<Vec<_>>(), count, weight)
    }

    fn drifts_of(labels: &[usize], count: u32, weight: impl Fn(u64) -> u64) -> Vec<u64> {
        let mut sums = vec![0; labels.len()];
        let sequence = (0..count).flat_map(|round| balanced(labels, round));
        for (time, item) in (0..).zip(sequence) {
            sums[*item] += weight(time);
        }
        sums
    }

    fn all_equal(sums: &[u64]) -> bool {
        sums.iter().all(|sum| *sum == sums[0])
    }

    #[test]
    fn a_drift_favours_no_variant() {
        for items in 2..=6 {
            for pairs in 1..=8 {
                assert!(all_equal(&drifts(items, 2 * pairs, |time| time)), "{items} items, {pairs} pairs");
            }
            for seed in 0..20 {
                let labels: Vec<usize> = (0..items).collect();
                let labels: Vec<usize> = shuffled(&labels, seed).into_iter().copied().collect();
                let sums = drifts_of(&labels, 2, |time| time);
                assert!(all_equal(&sums), "{items} items, seed {seed}: {sums:?}");
            }
            // Each in every place equally often.
            let places = drifts(items, 2 * items as u32, |time| 1 << (8 * (time % items as u64)));
            assert!(all_equal(&places), "{items} items: {places:x?}");
        }
        assert!(all_equal(&drifts(2, 4, |time| time * time)));
        // A pair alone does not have this.
        assert!(!all_equal(&drifts(2, 2, |time| time * time)));
    }
}
