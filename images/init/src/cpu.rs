//! CPU time of other processes, as finely as the kernel counts it.

use std::mem::MaybeUninit;

use anyhow::bail;
use lab_protocol::CpuTime;

/// What a process has used so far, nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Usage {
    /// Exact, from the scheduler.
    total_ns: u64,
    /// Counted by timer ticks; only the share of user mode is taken from these two.
    ticked_user_ns: u64,
    ticked_all_ns: u64,
}

/// Reads the three CPU clocks of a process (`clock_getcpuclockid(3)`); `/proc/PID/stat` counts hundredths of a
/// second only.
///
/// # Errors
/// If there is no such process.
pub(crate) fn usage(pid: u32) -> anyhow::Result<Usage> {
    Ok(Usage {
        total_ns: process_clock_ns(pid, Which::Scheduler)?,
        ticked_user_ns: process_clock_ns(pid, Which::User)?,
        ticked_all_ns: process_clock_ns(pid, Which::UserAndSystem)?,
    })
}

/// What was used between two readings.
pub(crate) fn between(before: Usage, after: Usage) -> CpuTime {
    let total_ns = after.total_ns.saturating_sub(before.total_ns);
    let user_ns = after.ticked_user_ns.saturating_sub(before.ticked_user_ns);
    let all_ns = after.ticked_all_ns.saturating_sub(before.ticked_all_ns);
    let total_us = total_ns / 1000;
    // Without a single tick there is nothing to go by: a server's time is nearly all system time.
    let user_us = match all_ns {
        0 => 0,
        _ => (u128::from(total_us) * u128::from(user_ns.min(all_ns)) / u128::from(all_ns)) as u64,
    };
    CpuTime { user_us, system_us: total_us - user_us }
}

/// The time of a process as `wait4(2)` gives it.
pub(crate) fn of_rusage(rusage: &libc::rusage) -> CpuTime {
    let us = |time: libc::timeval| (time.tv_sec as u64) * 1_000_000 + time.tv_usec as u64;
    CpuTime { user_us: us(rusage.ru_utime), system_us: us(rusage.ru_stime) }
}

#[derive(Clone, Copy)]
enum Which {
    UserAndSystem,
    User,
    Scheduler,
}

/// The number of a process's clock: `MAKE_PROCESS_CPUCLOCK` of `include/linux/posix-timers.h`.
fn clock_id(pid: u32, which: Which) -> libc::clockid_t {
    let which = match which {
        Which::UserAndSystem => 0,
        Which::User => 1,
        Which::Scheduler => 2,
    };
    (!(pid as libc::clockid_t) << 3) | which
}

fn process_clock_ns(pid: u32, which: Which) -> anyhow::Result<u64> {
    let mut time = MaybeUninit::<libc::timespec>::uninit();
    // SAFETY: the pointer is valid for one timespec, and any number is allowed as a clock.
    if unsafe { libc::clock_gettime(clock_id(pid, which), time.as_mut_ptr()) } != 0 {
        bail!("reading the CPU clock of process {pid}: {}", std::io::Error::last_os_error());
    }
    // SAFETY: the call was successful, so the timespec was written.
    let time = unsafe { time.assume_init() };
    Ok(time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exact_total_is_split_by_ticks() {
        let usage =
            |total_ns, ticked_user_ns, ticked_all_ns| Usage { total_ns, ticked_user_ns, ticked_all_ns };
        let zero = Usage::default();
        for (before, after, user_us, system_us) in [
            (zero, zero, 0, 0),
            (zero, usage(10_000_999, 0, 0), 0, 10_000),
            (zero, usage(10_000_000, 4_000_000, 16_000_000), 2_500, 7_500),
            (usage(10_000_000, 4_000_000, 16_000_000), usage(12_000_000, 8_000_000, 20_000_000), 2_000, 0),
            (usage(5, 5, 5), zero, 0, 0),
            (zero, usage(u64::MAX, u64::MAX, u64::MAX), u64::MAX / 1000, 0),
        ] {
            assert_eq!(between(before, after), CpuTime { user_us, system_us }, "{before:?} {after:?}");
        }
    }

    #[test]
    fn own_clock_goes_on_and_an_absent_process_has_none() {
        let own = std::process::id();
        let before = usage(own).unwrap();
        let mut sum = 0_u64;
        while usage(own).unwrap().total_ns < before.total_ns + 2_000_000 {
            sum = std::hint::black_box(sum + 1);
        }
        let used = between(before, usage(own).unwrap());
        assert!(used.user_us + used.system_us >= 2_000, "{used:?}");
        // Larger than the largest pid_max.
        assert!(usage(1 << 23).is_err());
    }
}
