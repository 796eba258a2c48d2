//! Time: the clock of the request log, and delays that are longer on slow kernels.
//!
//! What a probe sees depends on which comes first, the end of a delay or the next request. On a debug kernel a request takes
//! ten times longer, and the delays with it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use lab_protocol::{Behaviour, Effect};
use rustix::time::{ClockId, clock_gettime};

static DELAY_FACTOR: AtomicU32 = AtomicU32::new(1);

/// From now on every delay and every limit is so many times longer. Children take it over.
pub(crate) fn set_delay_factor(factor: u32) {
    DELAY_FACTOR.store(factor.max(1), Ordering::Relaxed);
}

fn delay_factor() -> u32 {
    DELAY_FACTOR.load(Ordering::Relaxed)
}

/// Whether the kernel is one that takes longer for everything.
pub(crate) fn is_slow() -> bool {
    delay_factor() > 1
}

/// CLOCK_MONOTONIC, nanoseconds.
pub(crate) fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// How long that is on this kernel.
pub(crate) fn long(time: Duration) -> Duration {
    time.saturating_mul(delay_factor())
}

/// Sleeps so long.
pub(crate) fn pause(time: Duration) {
    std::thread::sleep(long(time));
}

/// Sleeps until so long after.
pub(crate) fn sleep_until_after(begin: Instant, time: Duration) {
    std::thread::sleep((begin + long(time)).saturating_duration_since(Instant::now()));
}

/// The same behaviour of a server, with delays for this kernel.
pub(crate) fn slowed(behaviour: &Behaviour) -> Behaviour {
    times_longer(behaviour, delay_factor().into())
}

fn times_longer(behaviour: &Behaviour, factor: u64) -> Behaviour {
    let mut slow = behaviour.clone();
    let storage = &mut slow.storage;
    let delays = [
        &mut storage.latency_us,
        &mut storage.jitter_us,
        &mut storage.disorder_us,
        &mut storage.plug_us,
        &mut slow.reply_window_us,
    ];
    let of_faults = slow.faults.iter_mut().filter_map(|fault| match &mut fault.effect {
        Effect::Delay { us } => Some(us),
        Effect::Eio
        | Effect::Errno { .. }
        | Effect::Short { .. }
        | Effect::Oversize { .. }
        | Effect::Hang
        | Effect::Die => None,
    });
    for delay in delays.into_iter().chain(of_faults) {
        *delay = delay.saturating_mul(factor);
    }
    slow
}

#[cfg(test)]
mod tests {
    use lab_protocol::{Fault, FaultOperation, ReplyOrder, StorageSettings, Times};

    use super::*;

    #[test]
    fn every_delay_of_a_behaviour_is_longer_and_nothing_else() {
        let fault = |effect| Fault {
            operation: FaultOperation::DATA,
            offset_kib: Some(640),
            after: 3,
            times: Times::Once,
            effect,
        };
        let behaviour = |factor: u64| Behaviour {
            storage: StorageSettings {
                latency_us: factor,
                parallel: 2,
                mib_per_s: 3,
                jitter_us: 4 * factor,
                disorder_us: 5 * factor,
                merge_kib: 6,
                plug_us: 7 * factor,
                ..StorageSettings::OFF
            },
            reply_order: ReplyOrder::Reversed,
            reply_window_us: 8 * factor,
            seed: 9,
            faults: vec![fault(Effect::Delay { us: 10 * factor }), fault(Effect::Short { bytes: 11 })],
        };
        assert_eq!(times_longer(&behaviour(1), 100), behaviour(100));
        assert_eq!(times_longer(&behaviour(1), 1), behaviour(1));
        assert_eq!(times_longer(&behaviour(u64::MAX / 10), u64::MAX).storage.latency_us, u64::MAX);
    }
}
