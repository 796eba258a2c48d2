//! CPU time of other processes, in user mode and in the kernel.

use std::mem::MaybeUninit;

use anyhow::Context as _;

/// Of all programs that this process has run and waited for, microseconds.
///
/// # Errors
/// None that Linux documents.
pub(super) fn of_children_us() -> anyhow::Result<f64> {
    let mut usage = MaybeUninit::<libc::rusage>::uninit();
    // SAFETY: the pointer is valid for writes of a `rusage`.
    let result = unsafe { libc::getrusage(libc::RUSAGE_CHILDREN, usage.as_mut_ptr()) };
    succeeded(result == 0).context("asking for the CPU time of children")?;
    // SAFETY: the call succeeded, so that the kernel has filled it in.
    let usage = unsafe { usage.assume_init() };
    let us = |time: libc::timeval| time.tv_sec as f64 * 1e6 + time.tv_usec as f64;
    Ok(us(usage.ru_utime) + us(usage.ru_stime))
}

/// Of a running process with all its threads, microseconds.
///
/// # Errors
/// If there is no such process.
pub(super) fn of_process_us(pid: u32) -> anyhow::Result<f64> {
    let purpose = || format!("asking for the CPU time of process {pid}");
    let mut clock = MaybeUninit::<libc::clockid_t>::uninit();
    // SAFETY: the pointer is valid for writes of a `clockid_t`.
    let result = unsafe { libc::clock_getcpuclockid(pid as libc::pid_t, clock.as_mut_ptr()) };
    anyhow::ensure!(result == 0, "{}: {}", purpose(), std::io::Error::from_raw_os_error(result));
    let mut time = MaybeUninit::<libc::timespec>::uninit();
    // SAFETY: the call succeeded, so that the clock is filled in; the pointer is valid for writes of a `timespec`.
    let result = unsafe { libc::clock_gettime(clock.assume_init(), time.as_mut_ptr()) };
    succeeded(result == 0).with_context(purpose)?;
    // SAFETY: the call succeeded, so that the kernel has filled it in.
    let time = unsafe { time.assume_init() };
    Ok(time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3)
}

fn succeeded(good: bool) -> std::io::Result<()> {
    if good { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use xshell::{Shell, cmd};

    use super::*;

    #[test]
    fn cpu_time_grows_with_work() {
        let sh = Shell::new().unwrap();
        let this = std::process::id();
        let before = (of_children_us().unwrap(), of_process_us(this).unwrap());
        cmd!(sh, "dd if=/dev/zero of=/dev/null bs=1M count=64").quiet().ignore_stderr().run().unwrap();
        assert!(of_children_us().unwrap() > before.0);
        assert!(of_process_us(this).unwrap() > before.1);
        // Above the largest number of a process, 2^22.
        assert!(of_process_us(5_000_000).is_err());
    }
}
