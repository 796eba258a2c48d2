//! What process 1 asks and tells the kernel about the machine.

use std::fs;
use std::io::ErrorKind;
use std::num::NonZeroU64;
use std::os::fd::AsRawFd as _;
use std::time::Duration;

use anyhow::Context as _;
use lab_protocol::ServerSettings;
use rustix::system::RebootCommand;
use rustix::thread::clock_nanosleep_absolute;
use rustix::time::{ClockId, Timespec, clock_gettime};

use crate::kmsg;

/// The size of a page, KiB, and the pages that a request may have if nobody says otherwise.
const KIB_PER_PAGE: u32 = 4;
const USUAL_PAGES: u32 = 256;

/// What the running kernel calls itself.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    /// `uname -r`.
    pub(crate) release: String,
    /// `uname -v`.
    pub(crate) version: String,
    /// `/proc/cmdline` without its end of line.
    pub(crate) command_line: String,
    /// The GNU build id, hexadecimal.
    pub(crate) build_id: Option<String>,
}

/// Sets what the kernel has to allow before a server can be as it is to be. A kernel that does not know it cannot be asked,
/// and what comes of that is in the server's report.
///
/// # Errors
/// If the kernel knows a setting and does not take it.
pub(crate) fn allow(settings: &ServerSettings) -> anyhow::Result<()> {
    let pages = settings.request_kib / KIB_PER_PAGE;
    let wanted = [
        (pages > USUAL_PAGES, "/proc/sys/fs/fuse/max_pages_limit", pages.to_string()),
        (!settings.transport.is_usual(), "/sys/module/fuse/parameters/enable_uring", "Y".to_owned()),
    ];
    for (_, file, value) in wanted.iter().filter(|(is_wanted, ..)| *is_wanted) {
        match fs::write(file, value) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            result => result.with_context(|| format!("writing {value} to {file}"))?,
        }
    }
    Ok(())
}

/// Reads the identity; `/proc` and `/sys` are mounted.
///
/// # Errors
/// If `/proc` cannot be read.
pub(crate) fn identity() -> anyhow::Result<Identity> {
    let uname = rustix::system::uname();
    Ok(Identity {
        release: uname.release().to_string_lossy().into_owned(),
        version: uname.version().to_string_lossy().into_owned(),
        command_line: read("/proc/cmdline")?.trim_end().to_owned(),
        build_id: fs::read("/sys/kernel/notes").ok().and_then(|notes| crate::notes::build_id(&notes)),
    })
}

/// The kernel's taint flags.
///
/// # Errors
/// If `/proc` cannot be read.
pub(crate) fn tainted() -> anyhow::Result<u64> {
    let text = read("/proc/sys/kernel/tainted")?;
    text.trim().parse().with_context(|| format!("reading taint flags `{}`", text.trim()))
}

/// Time since the kernel started, microseconds.
pub(crate) fn uptime_us() -> u64 {
    let time = clock_gettime(ClockId::Boottime);
    time.tv_sec as u64 * 1_000_000 + time.tv_nsec as u64 / 1000
}

/// Takes randomness out of everything that is started from here on. Both settings are inherited.
///
/// # Errors
/// If the kernel refuses.
pub(crate) fn calm() -> anyhow::Result<()> {
    // By default a sleep may end up to 50 us late, whenever it suits the kernel.
    rustix::thread::set_current_timer_slack(NonZeroU64::new(1)).context("setting the timer slack")?;
    // SAFETY: no memory is involved; only programs started later are laid out differently.
    let previous = unsafe { libc::personality(libc::ADDR_NO_RANDOMIZE as libc::c_ulong) };
    if previous < 0 {
        return Err(std::io::Error::last_os_error()).context("switching address randomisation off");
    }
    Ok(())
}

/// Does work in which this thread, and what it starts, goes before every other program.
///
/// # Errors
/// If the kernel refuses.
pub(crate) fn first_of_all<T>(work: impl FnOnce() -> T) -> anyhow::Result<T> {
    set_scheduler(libc::SCHED_FIFO, 1)?;
    let result = work();
    set_scheduler(libc::SCHED_OTHER, 0)?;
    Ok(result)
}

fn set_scheduler(policy: libc::c_int, priority: libc::c_int) -> anyhow::Result<()> {
    let parameters = libc::sched_param { sched_priority: priority };
    // SAFETY: the pointer is valid for the call, and number 0 is this thread.
    if unsafe { libc::sched_setscheduler(0, policy, &raw const parameters) } < 0 {
        return Err(std::io::Error::last_os_error()).context("setting the scheduler's policy");
    }
    Ok(())
}

/// Gives the kernel's random number generator the same seed in each boot. Without one, programs that ask for random
/// numbers wait until the kernel has gathered enough noise.
///
/// # Errors
/// If the kernel refuses.
pub(crate) fn seed_random() -> anyhow::Result<()> {
    /// `struct rand_pool_info` of `include/uapi/linux/random.h` with 32 bytes of noise.
    #[repr(C)]
    struct Noise {
        bits: libc::c_int,
        bytes: libc::c_int,
        buffer: [u8; 32],
    }
    /// `RNDADDENTROPY`: `_IOW('R', 3, int[2])`.
    const ADD_ENTROPY: libc::c_ulong = 0x4008_5203;
    let device = fs::File::options().write(true).open("/dev/random").context("opening /dev/random")?;
    let noise = Noise { bits: 256, bytes: 32, buffer: *b"the same numbers for every boot." };
    // SAFETY: the descriptor is open, and the kernel reads no more than the structure says.
    if unsafe { libc::ioctl(device.as_raw_fd(), ADD_ENTROPY, &raw const noise) } < 0 {
        return Err(std::io::Error::last_os_error()).context("seeding the random number generator");
    }
    Ok(())
}

/// Phases are places in a tenth of a second, microseconds.
pub(crate) const PHASES_US: u32 = 100_000;

/// Brings the machine to rest, so that each workload starts from the same state: nothing of the FUSE file system is
/// cached, work that was put off has been done, and the timer tick is at a known phase.
///
/// # Errors
/// If the caches cannot be dropped or the kernel refuses to sleep.
pub(crate) fn settle(phase: Duration) -> anyhow::Result<()> {
    drop_caches()?;
    let now = clock_gettime(ClockId::Monotonic);
    let start = start_after(Duration::new(now.tv_sec as u64, now.tv_nsec as u32), phase);
    let start = Timespec { tv_sec: start.as_secs() as i64, tv_nsec: start.subsec_nanos().into() };
    clock_nanosleep_absolute(ClockId::Monotonic, &start).context("waiting for the start of a workload")
}

/// Drops what is cached of files and can be had again.
///
/// # Errors
/// If the kernel refuses.
pub(crate) fn drop_caches() -> anyhow::Result<()> {
    // 4: say nothing about it in the kernel log; 3: pages, names and inodes (Documentation/admin-guide/sysctl/vm.rst).
    for request in ["4", "3"] {
        fs::write("/proc/sys/vm/drop_caches", request).context("dropping the caches")?;
    }
    Ok(())
}

/// The first instant that is `phase` after a whole tenth of a second and leaves time to rest. Ticks fall on whole
/// multiples of their period, which divides a tenth of a second at each HZ that Linux offers but 1,024 (Alpha).
fn start_after(now: Duration, phase: Duration) -> Duration {
    const STEP_NS: u128 = 100_000_000;
    /// The kernel measures the TSC for a second after it has booted, and then changes its clock source.
    const QUIET_FROM: Duration = Duration::from_millis(1500);
    const REST: Duration = Duration::from_millis(50);
    let step = (now + REST).max(QUIET_FROM).saturating_sub(phase).as_nanos().div_ceil(STEP_NS);
    Duration::from_millis(100) * step as u32 + phase
}

/// Has the kernel log which tasks are blocked and where.
pub(crate) fn log_blocked_tasks() {
    if let Err(error) = fs::write("/proc/sysrq-trigger", "w") {
        kmsg::step(&format!("cannot list blocked tasks: {error}"));
    }
}

/// Switches the machine off. There is no disk, so there is nothing to write back first.
pub(crate) fn power_off() -> ! {
    if let Err(error) = rustix::system::reboot(RebootCommand::PowerOff) {
        kmsg::step(&format!("cannot power off: {error}"));
    }
    // The end of process 1 is a panic of the kernel, which ends QEMU as well (panic=-1 and -no-reboot).
    std::process::exit(1)
}

fn read(path: &str) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("reading {path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workloads_start_at_a_phase_of_a_tenth_of_a_second() {
        for (now_ms, phase_us, expected_us) in [
            (0, 0, 1_500_000),
            (0, 1, 1_500_001),
            (0, 99_999, 1_599_999),
            (1_450, 0, 1_500_000),
            (1_451, 0, 1_600_000),
            (1_949, 0, 2_000_000),
            (2_000, 49_999, 2_149_999),
            (2_000, 50_000, 2_050_000),
            (2_149, 99_000, 2_199_000),
            (2_150, 99_000, 2_299_000),
        ] {
            let start = start_after(Duration::from_millis(now_ms), Duration::from_micros(phase_us));
            assert_eq!(start, Duration::from_micros(expected_us), "{now_ms} {phase_us}");
        }
    }

    #[test]
    fn this_machine_has_an_identity() {
        let identity = identity().unwrap();
        assert!(!identity.release.is_empty());
        assert!(!identity.command_line.ends_with('\n'));
        tainted().unwrap();
        assert!(uptime_us() > 0);
    }
}
