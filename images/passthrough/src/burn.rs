//! Work for the CPU in each READ and WRITE: a slowdown that is planted, to see whether a comparison finds it, and what is drawn
//! anew for each, so that tool and server do not fall into step.
//!
//! A loop of two instructions, counted: under a clock that counts instructions it takes exactly as long as it is to take.
//! Elsewhere how long a turn takes depends on the CPU, so that it is measured once, before anything is served. Where
//! nanoseconds are instructions the measurement says two of them for a turn, in every boot.

use std::arch::asm;

use lab_protocol::random::below;

use crate::clock;

/// Turns of the shorter of the two loops that are timed: 0.1 ms of instructions.
const CALIBRATION_TURNS: u64 = 50_000;

/// How often each is timed. The shortest time is that without an interruption; the timer tick comes each 4 ms at most.
const CALIBRATION_ROUNDS: u32 = 16;

/// What is burnt in each request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Burn {
    /// In each.
    turns: u64,
    /// At most beside that.
    dither_turns: u64,
}

impl Burn {
    /// Measures the loop, unless there is nothing to burn.
    pub(crate) fn new(burn_ns: u64, dither_ns: u64) -> Self {
        if burn_ns == 0 && dither_ns == 0 {
            return Burn { turns: 0, dither_turns: 0 };
        }
        let pace = Pace::measure();
        let turns = |ns| if ns == 0 { 0 } else { turns(ns, pace) };
        Burn { turns: turns(burn_ns), dither_turns: turns(dither_ns) }
    }

    /// Burns it, and the share of the dither that the draw gives, of which all are equally likely.
    pub(crate) fn run(self, draw: impl FnOnce() -> u64) {
        let dither = if self.dither_turns == 0 { 0 } else { share(draw(), self.dither_turns) };
        let turns = self.turns.saturating_add(dither);
        if turns > 0 {
            spin(turns);
        }
    }
}

/// How fast the loop is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pace {
    turns: u64,
    ns: u64,
}

impl Pace {
    /// By a shorter and a longer loop, so that reading the clock costs nothing.
    fn measure() -> Self {
        let shorter = shortest_ns(CALIBRATION_TURNS);
        let longer = shortest_ns(2 * CALIBRATION_TURNS);
        Pace::new(CALIBRATION_TURNS, longer.saturating_sub(shorter))
    }

    /// Two nanoseconds a turn if it is nearly so: what is left is the resolution of the clock, which is not to make boots
    /// differ.
    fn new(turns: u64, ns: u64) -> Self {
        let exact = 2 * turns;
        if ns.abs_diff(exact) <= exact / 500 {
            Pace { turns: 1, ns: 2 }
        } else {
            Pace { turns, ns: ns.max(1) }
        }
    }
}

fn shortest_ns(turns: u64) -> u64 {
    let time = |_| {
        let start = clock::now_ns();
        spin(turns);
        clock::now_ns() - start
    };
    (0..CALIBRATION_ROUNDS).map(time).min().unwrap_or_default()
}

/// The turns that take so long, rounded to the nearest, at least one.
fn turns(burn_ns: u64, pace: Pace) -> u64 {
    let (burn, pace_turns, pace_ns) = (u128::from(burn_ns), u128::from(pace.turns), u128::from(pace.ns));
    let turns = (burn * pace_turns + pace_ns / 2) / pace_ns;
    u64::try_from(turns).unwrap_or(u64::MAX).max(1)
}

/// From nothing to `most`.
fn share(draw: u64, most: u64) -> u64 {
    most.checked_add(1).map_or(draw, |end| below(end, draw))
}

/// Two instructions a turn; `turns` is at least one.
fn spin(turns: u64) {
    // SAFETY: counts a register of its own down to zero; touches neither memory nor stack.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        asm!(
            "2:",
            "dec {turns}",
            "jnz 2b",
            turns = inout(reg) turns => _,
            options(nomem, nostack),
        );
    }
    // SAFETY: as above.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        asm!(
            "2:",
            "subs {turns}, {turns}, #1",
            "b.ne 2b",
            turns = inout(reg) turns => _,
            options(nomem, nostack),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_for_a_time() {
        let instructions = Pace { turns: 1, ns: 2 };
        let fast = Pace { turns: 50_000, ns: 16_667 };
        for (burn_ns, pace, expected) in [
            (1, instructions, 1),
            (2, instructions, 1),
            (655, instructions, 328),
            (1310, instructions, 655),
            (26_200, instructions, 13_100),
            (1000, fast, 3000),
            (1, fast, 3),
            (1, Pace { turns: 1, ns: 1000 }, 1),
            (u64::MAX, instructions, 1 << 63),
            (u64::MAX, Pace { turns: 50_000, ns: 1 }, u64::MAX),
        ] {
            assert_eq!(turns(burn_ns, pace), expected, "{burn_ns} ns at {pace:?}");
        }
    }

    #[test]
    fn a_clock_that_counts_instructions_is_known() {
        for (ns, expected) in [
            (100_000, Pace { turns: 1, ns: 2 }),
            (100_200, Pace { turns: 1, ns: 2 }),
            (99_800, Pace { turns: 1, ns: 2 }),
            (100_201, Pace { turns: 50_000, ns: 100_201 }),
            (99_799, Pace { turns: 50_000, ns: 99_799 }),
            (16_667, Pace { turns: 50_000, ns: 16_667 }),
            // A clock that stands still.
            (0, Pace { turns: 50_000, ns: 1 }),
        ] {
            assert_eq!(Pace::new(50_000, ns), expected, "{ns} ns");
        }
    }

    /// Interruptions make it take longer, and a CPU that speeds up after the measurement shorter, by less than half.
    #[test]
    fn it_takes_its_time() {
        let burn = Burn::new(2_000_000, 0);
        let start = clock::now_ns();
        burn.run(|| 0);
        let took_ns = clock::now_ns() - start;
        assert!(took_ns > 1_000_000, "{took_ns} ns with {burn:?}");
    }

    #[test]
    fn a_dither_is_drawn_from_all_of_it() {
        for (draw, most, expected) in
            [(0, 655, 0), (u64::MAX, 655, 655), (u64::MAX / 2, 655, 327), (u64::MAX, u64::MAX, u64::MAX)]
        {
            assert_eq!(share(draw, most), expected, "{draw} of {most}");
        }
    }

    #[test]
    fn nothing_to_burn() {
        assert_eq!(Burn::new(0, 0), Burn { turns: 0, dither_turns: 0 });
    }
}
