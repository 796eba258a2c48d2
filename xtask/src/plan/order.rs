//! The order in which the boots of a plan start.

use super::{BootStep, MachineSettings, Scenario, Variant};

/// Every boot, numbered from 1: for each repetition, for each scenario, the variants in a balanced order.
///
/// Repetition by repetition, so that a campaign that is stopped early has something to compare in every scenario.
/// With the virtual clock the order does not matter.
pub(super) fn boot_order(
    variants: &[Variant],
    scenarios: &[Scenario],
    repetitions: u32,
    machine: &MachineSettings,
) -> Vec<BootStep> {
    let steps = (0..repetitions).flat_map(|round| {
        scenarios.iter().flat_map(move |scenario| {
            balanced(variants, round).into_iter().map(move |variant| (round, scenario, variant))
        })
    });
    (1..)
        .zip(steps)
        .map(|(number, (round, scenario, variant))| BootStep {
            number,
            variant: variant.name.clone(),
            scenario: scenario.name.clone(),
            repetition: round + 1,
            phase_us: phase_us(machine, round),
        })
        .collect()
}

/// The first two rounds start at the same phase, each further one at another, the same for every variant.
fn phase_us(machine: &MachineSettings, round: u32) -> u32 {
    const PERIOD_US: u64 = 100_000;
    let steps = u64::from(round.saturating_sub(1)) * u64::from(machine.phase_step_us);
    ((u64::from(machine.phase_us) + steps) % PERIOD_US) as u32
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

    fn rounds(items: &str, rounds: u32) -> String {
        let items: Vec<char> = items.chars().collect();
        let round = |round| balanced(&items, round).into_iter().collect::<String>();
        (0..rounds).map(round).collect::<Vec<_>>().join(" ")
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
        let labels: Vec<usize> = (0..items).collect();
        let mut sums = vec![0; items];
        let sequence = (0..count).flat_map(|round| balanced(&labels, round));
        for (time, item) in (0..).zip(sequence) {
            sums[*item] += weight(time);
        }
        sums
    }

    fn all_equal(sums: &[u64]) -> bool {
        sums.iter().all(|sum| *sum == sums[0])
    }

    #[test]
    fn phases() {
        let machine = MachineSettings {
            clock: crate::plan::Clock::Virtual,
            accel: crate::plan::AccelChoice::Tcg,
            cpu_model: "max".to_owned(),
            cpus: 1,
            memory_mib: 512,
            storage_mib: 64,
            workload_limit_s: 1,
            phase_us: 99_000,
            phase_step_us: 700,
            warm_up_pairs: 0,
            pin: false,
            quiet_wait_s: 0,
            quiet: crate::quiet::QuietLimits { others_percent: 10, steal_percent: 2, memory_percent: 5 },
            wall_limit_s: 1,
            silence_limit_s: 1,
        };
        let found: Vec<u32> = (0..5).map(|round| phase_us(&machine, round)).collect();
        assert_eq!(found, [99_000, 99_000, 99_700, 400, 1_100]);
    }

    #[test]
    fn a_drift_favours_no_variant() {
        for items in 2..=6 {
            for pairs in 1..=8 {
                assert!(all_equal(&drifts(items, 2 * pairs, |time| time)), "{items} items, {pairs} pairs");
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
