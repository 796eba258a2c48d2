//! The storage behind the mount: descriptors opened again, and the time that it takes.

use std::os::fd::{AsFd, AsRawFd, IntoRawFd, OwnedFd};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::{Errno, Result};
use rustix::path::DecInt;
use rustix::time::ClockId;

/// Where the kernel keeps the descriptors of this process.
const FDS: &str = "/proc/self/fd";

/// Opens files again by their `O_PATH` descriptor, whatever they are called now.
#[derive(Debug)]
pub(crate) struct Reopen {
    /// Opened once, so that a path does not begin at `/proc` for each file.
    pub(crate) fds: OwnedFd,
}

impl Reopen {
    /// # Errors
    /// If `/proc` is not mounted.
    pub(crate) fn new() -> anyhow::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fds = rustix::fs::openat(CWD, FDS, flags, Mode::empty())
            .with_context(|| format!("opening {FDS} (is /proc mounted?)"))?;
        Ok(Reopen { fds })
    }

    /// A new descriptor of the same file.
    ///
    /// # Errors
    /// Those of open(2).
    pub(crate) fn open(&self, file: impl AsFd, flags: OFlags) -> Result<OwnedFd> {
        rustix::fs::openat(&self.fds, DecInt::from_fd(file), flags | OFlags::CLOEXEC, Mode::empty())
    }
}

/// Closes a file, and says what close(2) says: some file systems tell only there what they could not write (NFS, quota).
///
/// # Errors
/// Those of close(2). The descriptor is gone either way.
pub(crate) fn close(fd: OwnedFd) -> Result<()> {
    // SAFETY: the descriptor was owned here, and nobody has it any more.
    unsafe { rustix::io::try_close(fd.into_raw_fd()) }
}

/// A path of the file for calls that take nothing else; a symbolic link is not followed further.
pub(crate) fn path_of(file: impl AsFd) -> PathBuf {
    let mut path = PathBuf::from(FDS);
    path.push(DecInt::from_fd(file));
    path
}

/// Whether this thread may use a file so, by the user that it acts as and not by the one that started this process
/// (AT_EACCESS): an own call, since rustix takes the one for the other where both have one number.
pub(crate) fn may_access(file: impl AsFd, mask: u32) -> Result<()> {
    let fd = file.as_fd().as_raw_fd();
    let flags = libc::AT_EACCESS | libc::AT_EMPTY_PATH;
    // SAFETY: the descriptor is open, and the text ends with a zero.
    match unsafe { libc::syscall(libc::SYS_faccessat2, fd, c"".as_ptr(), mask, flags) } {
        0 => Ok(()),
        _ => Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)),
    }
}

/// The flags for opening the backing file, from those of the FUSE request.
///
/// O_DIRECT is dropped because tmpfs refuses it up to Linux 6.5. O_APPEND is dropped because the requests
/// carry offsets, and may arrive in another order. What is not about the data, such as O_NOFOLLOW (which
/// [`Reopen`] would trip over), is the kernel's business and dropped as well.
pub(crate) fn backing_flags(requested: i32) -> OFlags {
    let kept = OFlags::ACCMODE | OFlags::DSYNC | OFlags::SYNC | OFlags::NOATIME | OFlags::NONBLOCK;
    OFlags::from_bits_retain(requested as u32) & kept
}

/// The same, but readable: with FUSE_WRITEBACK_CACHE the kernel reads the rest of a page that is written in part, by
/// whatever handle it has.
pub(crate) fn readable(flags: OFlags) -> OFlags {
    match flags & OFlags::RWMODE {
        OFlags::WRONLY => (flags - OFlags::WRONLY) | OFlags::RDWR,
        _ => flags,
    }
}

/// Lets sleeping threads wake up when their time has come, not up to 50 us later.
///
/// Holds for the calling thread and the threads that it starts from then on.
///
/// # Errors
/// None that Linux documents.
pub(crate) fn sleep_exactly() -> Result<()> {
    rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1))
}

/// How long [`await_exact_timers`] waits.
const TIMERS_LIMIT: Duration = Duration::from_secs(10);

/// Waits until the kernel's timers are exact.
///
/// A kernel that has just started counts ticks until it has chosen its clock, and all sleeps are rounded up to
/// whole ticks till then: a storage latency of 100 us was 1.5 ms in the first second of a virtual machine.
///
/// # Errors
/// If they stay inexact.
pub(crate) fn await_exact_timers() -> anyhow::Result<()> {
    let begin = Instant::now();
    loop {
        let resolution = rustix::time::clock_getres(ClockId::Monotonic);
        if (resolution.tv_sec, resolution.tv_nsec) == (0, 1) {
            return Ok(());
        }
        if begin.elapsed() > TIMERS_LIMIT {
            let nanoseconds = resolution.tv_nsec;
            bail!(
                "the kernel's timers have a resolution of {nanoseconds} ns; storage latency needs CONFIG_HIGH_RES_TIMERS"
            );
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_flags_about_the_data_reach_the_storage() {
        for (requested, expected) in [
            (libc::O_RDONLY | libc::O_DIRECT, OFlags::RDONLY),
            (libc::O_WRONLY | libc::O_APPEND | libc::O_TRUNC, OFlags::WRONLY),
            (libc::O_RDWR | libc::O_CREAT | libc::O_EXCL | libc::O_NOFOLLOW, OFlags::RDWR),
            (libc::O_RDWR | libc::O_SYNC, OFlags::RDWR | OFlags::SYNC),
            (libc::O_RDONLY | libc::O_NOATIME | libc::O_LARGEFILE, OFlags::NOATIME),
        ] {
            assert_eq!(backing_flags(requested), expected, "{requested:o}");
        }
        for (flags, expected) in [
            (OFlags::WRONLY | OFlags::SYNC, OFlags::RDWR | OFlags::SYNC),
            (OFlags::RDWR, OFlags::RDWR),
            (OFlags::RDONLY, OFlags::RDONLY),
        ] {
            assert_eq!(readable(flags), expected, "{flags:?}");
        }
    }

    #[test]
    fn a_file_without_a_name_can_be_opened_again() {
        let file = tempfile::tempfile().unwrap();
        rustix::io::pwrite(&file, b"text", 0).unwrap();
        let again = Reopen::new().unwrap().open(&file, OFlags::RDONLY).unwrap();
        let mut text = [0; 4];
        rustix::io::pread(&again, &mut text, 0).unwrap();
        assert_eq!(&text, b"text");
        assert_eq!(std::fs::read(path_of(&file)).unwrap(), b"text");
    }

    #[test]
    fn the_slack_is_inherited() {
        let slack = std::thread::spawn(|| {
            sleep_exactly().unwrap();
            std::thread::spawn(|| rustix::thread::current_timer_slack().unwrap()).join().unwrap()
        });
        assert_eq!(slack.join().unwrap(), 1);
    }
}
