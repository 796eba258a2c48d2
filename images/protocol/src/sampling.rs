//! How often a boot runs each workload, and what differs from one time to the next.

use serde::{Deserialize, Serialize};

use crate::random::{below, splitmix64};

/// Which samples of each workload a boot takes, and what their perturbations are drawn from.
///
/// A perturbation follows from seed, workload and number alone: it is the same in every kernel, and in every boot that takes
/// this sample.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Sampling {
    /// From 1: the first round takes the first samples of each workload, as many as it asks for, the second one the next.
    pub round: u32,
    /// What is drawn from.
    pub seed: u64,
    /// By how much later than the boot says a workload starts, microseconds: from nothing up to but not including this;
    /// 0 for nothing.
    pub phase_range_us: u32,
}

/// A sample that a boot takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The place of its workload.
    pub workload: usize,
    /// Which sample of the workload it is in this boot, from 1.
    pub turn: u32,
    /// Its number, over all boots.
    pub sample: u32,
}

/// What is done otherwise in one sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Perturbation {
    /// How much later than the boot says the workload starts, microseconds.
    pub later_us: u32,
    /// What takes the place of the scenario's seed: latencies and orders at random follow from it.
    pub seed: u64,
}

impl Sampling {
    /// The first round, in which nothing is perturbed.
    pub const fn plain() -> Self {
        Sampling { round: 1, seed: 0, phase_range_us: 0 }
    }

    /// What a boot takes of workloads with so many samples each, in order: the first sample of each, then the second of those
    /// that have one, and so on.
    pub fn turns(&self, samples: &[u32]) -> Vec<Turn> {
        let most = samples.iter().copied().max().unwrap_or(0);
        let of_turn = |turn| {
            let takes = move |(_, samples): &(usize, &u32)| turn <= **samples;
            samples.iter().enumerate().filter(takes).map(move |(workload, samples)| Turn {
                workload,
                turn,
                sample: (self.round - 1) * samples + turn,
            })
        };
        (1..=most).flat_map(of_turn).collect()
    }

    /// What differs in a sample of a workload with so many in a boot; none if it is the only one, and starts when the boot says.
    pub fn perturbation(&self, workload: &str, samples: u32, sample: u32) -> Option<Perturbation> {
        if samples == 1 && self.round == 1 && self.phase_range_us == 0 {
            return None;
        }
        let of_workload = workload.bytes().fold(self.seed, |so_far, byte| splitmix64(so_far, byte.into()));
        let draw = |place: u64| splitmix64(of_workload, 2 * u64::from(sample) + place);
        Some(Perturbation { later_us: below(self.phase_range_us.into(), draw(0)) as u32, seed: draw(1) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(seed: u64, phase_range_us: u32, name: &str) -> Vec<Perturbation> {
        let sampling = Sampling { round: 1, seed, phase_range_us };
        (1..=500).map(|sample| sampling.perturbation(name, 500, sample).unwrap()).collect()
    }

    #[test]
    fn seed_workload_and_number_decide() {
        let draws = drawn(1, 4000, "dd-read");
        assert_eq!(draws, drawn(1, 4000, "dd-read"));
        assert_ne!(draws, drawn(2, 4000, "dd-read"));
        assert_ne!(draws, drawn(1, 4000, "dd-write"));
        let later = Sampling { round: 3, seed: 1, phase_range_us: 4000 };
        assert_eq!(later.perturbation("dd-read", 100, 201), Some(draws[200]));
        let mut seeds: Vec<u64> = draws.iter().map(|draw| draw.seed).collect();
        seeds.sort_unstable();
        seeds.dedup();
        assert_eq!(seeds.len(), 500);
    }

    #[test]
    fn phases_fill_their_range() {
        let draws = drawn(7, 4000, "aio-read");
        assert!(draws.iter().all(|draw| draw.later_us < 4000));
        // Of 500 in eight parts of the range 62.5 each are expected, with a deviation of 7.4.
        for part in 0..8 {
            let count = draws.iter().filter(|draw| draw.later_us / 500 == part).count();
            assert!((30..95).contains(&count), "{count} in part {part}");
        }
        assert!(drawn(7, 0, "aio-read").iter().all(|draw| draw.later_us == 0));
    }

    #[test]
    fn one_plain_sample_is_not_perturbed() {
        let plain = Sampling { seed: 9, ..Sampling::plain() };
        assert_eq!(plain.perturbation("dd-read", 1, 1), None);
        assert!(plain.perturbation("dd-read", 2, 1).is_some());
        let with_phase = Sampling { phase_range_us: 1, ..Sampling::plain() };
        assert!(with_phase.perturbation("dd-read", 1, 1).is_some());
        assert!(Sampling { round: 2, ..Sampling::plain() }.perturbation("dd-read", 1, 2).is_some());
    }

    #[test]
    fn workloads_take_turns_and_rounds_go_on() {
        let shown = |round| {
            let turns = Sampling { round, ..Sampling::plain() }.turns(&[1, 3, 2]).into_iter();
            let show = |turn: Turn| format!("{}{}", ["a", "b", "c"][turn.workload], turn.sample);
            turns.map(show).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(shown(1), "a1 b1 c1 b2 c2 b3");
        assert_eq!(shown(3), "a3 b7 c5 b8 c6 b9");
        assert_eq!(Sampling::plain().turns(&[]), []);
    }
}
