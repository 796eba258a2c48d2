//! How long a boot has been watched, and how long nothing was heard of it.
//!
//! A limit that passes counts against the kernel. So time counts only in which the guest could have run: not while
//! the lab itself was stopped, and not while QEMU waited for a CPU of a busy host.

use std::collections::BTreeMap;
use std::time::Duration;

use lab_core::evidence::capture::End;

/// The loop looks several times a second. What is longer between two looks is a pause of the lab or of the whole host.
const LONGEST_STEP: Duration = Duration::from_secs(1);

/// The limits of a boot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) wall: Duration,
    pub(super) silence: Duration,
}

/// Time that counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Timers {
    watched: Duration,
    silent: Duration,
    /// How long each thread of QEMU had waited for a CPU at the last look, by its id.
    waited: BTreeMap<u32, Duration>,
}

impl Timers {
    /// `step` has passed since the last look; the threads of QEMU have waited so long for a CPU since they began.
    pub(super) fn look(&mut self, step: Duration, waited: BTreeMap<u32, Duration>) {
        let since = |(thread, now): (&u32, &Duration)| {
            Some(now.saturating_sub(*self.waited.get(thread)?)).filter(|wait| !wait.is_zero())
        };
        // The threads wait beside each other; the one that waited longest held the guest up longest. A wait is told
        // when it ends, and so may be longer than the step.
        let held_up = waited.iter().filter_map(since).max().unwrap_or_default();
        let step = step.min(LONGEST_STEP);
        self.watched = (self.watched + step).saturating_sub(held_up);
        self.silent = (self.silent + step).saturating_sub(held_up);
        self.waited = waited;
    }

    /// The guest gave a byte.
    pub(super) fn heard(&mut self) {
        self.silent = Duration::ZERO;
    }

    /// The limit that has passed, if one has.
    pub(super) fn passed(&self, limits: Limits) -> Option<End> {
        if self.watched >= limits.wall {
            Some(End::WallLimit)
        } else if self.silent >= limits.silence {
            Some(End::Silence)
        } else {
            None
        }
    }
}

/// How long the threads of a process have waited for a CPU, by their ids; nothing where the host does not tell.
pub(super) fn waits(process: u32) -> BTreeMap<u32, Duration> {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let wait = |thread: std::fs::DirEntry| {
        let id = thread.file_name().to_str()?.parse().ok()?;
        Some((id, wait_in(&std::fs::read_to_string(thread.path().join("schedstat")).ok()?)?))
    };
    threads.filter_map(wait).collect()
}

/// The second field of `schedstat`: nanoseconds that a thread was ready to run and did not.
fn wait_in(schedstat: &str) -> Option<Duration> {
    Some(Duration::from_nanos(schedstat.split_whitespace().nth(1)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { wall: Duration::from_secs(60), silence: Duration::from_secs(25) };

    /// After steps of so many ms, each with what two threads have waited in all, in ms, and whether something was heard.
    fn after(steps: &[(u64, [u64; 2], bool)], times: usize) -> Timers {
        let mut timers = Timers::default();
        let mut total = [0; 2];
        for (step_ms, waited_ms, heard) in steps.iter().cycle().take(steps.len() * times) {
            for (total, waited) in total.iter_mut().zip(waited_ms) {
                *total += waited;
            }
            let waited = (7..).zip(total.map(Duration::from_millis)).collect();
            timers.look(Duration::from_millis(*step_ms), waited);
            if *heard {
                timers.heard();
            }
        }
        timers
    }

    #[test]
    fn limits_pass_with_the_time_that_counts() {
        let quiet = [0, 0];
        for (steps, times, expected) in [
            // Nothing is heard.
            (&[(200, quiet, false)][..], 124, None),
            (&[(200, quiet, false)], 125, Some(End::Silence)),
            // A byte now and then, and no end.
            (&[(1000, quiet, false), (1000, quiet, true)], 29, None),
            (&[(1000, quiet, false), (1000, quiet, true)], 30, Some(End::WallLimit)),
            // The lab was stopped for an hour between two looks, as often as one likes.
            (&[(3_600_000, quiet, false)], 24, None),
            (&[(3_600_000, quiet, false)], 25, Some(End::Silence)),
            // QEMU got a tenth of a CPU: ten times as long, whichever of its threads waited.
            (&[(200, [180, 0], false)], 1240, None),
            (&[(200, [20, 180], false)], 1241, Some(End::Silence)),
            // A wait of 10 s is told when it ends.
            (&[(1000, quiet, false), (1000, quiet, false), (1000, [3000, 0], false)], 1000, None),
        ] {
            assert_eq!(after(steps, times).passed(LIMITS), expected, "{times} times {steps:?}");
        }
    }

    #[test]
    fn what_is_heard_does_not_move_the_wall_limit() {
        let timers = after(&[(1000, [0, 0], true)], 60);
        assert_eq!(timers.passed(LIMITS), Some(End::WallLimit));
        assert_eq!(timers.silent, Duration::ZERO);
    }

    #[test]
    fn what_a_thread_waited_before_it_was_first_seen_is_of_another_time() {
        let mut timers = Timers::default();
        timers.look(Duration::from_secs(1), BTreeMap::from([(1, Duration::from_secs(9))]));
        timers.look(
            Duration::from_secs(1),
            BTreeMap::from([(1, Duration::from_secs(9)), (2, Duration::from_secs(5))]),
        );
        assert_eq!(timers.silent, Duration::from_secs(2));
    }

    #[test]
    fn waits_of_this_process_are_told() {
        assert_eq!(wait_in("1234 26571652 7\n"), Some(Duration::from_nanos(26_571_652)));
        assert_eq!(wait_in(""), None);
        let own = std::process::id();
        assert!(waits(own).contains_key(&own), "{:?}", waits(own));
        assert!(waits(u32::MAX).is_empty());
    }
}
