//! Waiting for file descriptors, without waking up in between.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Waits until one of `fds` can be read (or has come to its end), or `deadline` has passed; says which of them can.
/// None of them can if the deadline has passed.
///
/// # Errors
/// If the kernel refuses to wait.
pub fn readable<const N: usize>(
    fds: [Option<BorrowedFd<'_>>; N],
    deadline: Instant,
) -> io::Result<[bool; N]> {
    loop {
        let mut polled: Vec<PollFd<'_>> =
            fds.iter().flatten().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
        let left = timespec(deadline.saturating_duration_since(Instant::now()));
        match poll(&mut polled, Some(&left)) {
            Ok(_) => {
                let mut polled = polled.iter();
                return Ok(fds.map(|fd| {
                    fd.is_some() && polled.next().is_some_and(|polled| !polled.revents().is_empty())
                }));
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn timespec(duration: Duration) -> Timespec {
    Timespec { tv_sec: duration.as_secs() as i64, tv_nsec: duration.subsec_nanos().into() }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::fd::AsFd as _;

    use super::*;

    #[test]
    fn says_which_can_be_read() {
        let (quiet, _writer) = std::io::pipe().unwrap();
        let (closed, _) = std::io::pipe().unwrap();
        let (ready, mut writer) = std::io::pipe().unwrap();
        writer.write_all(b"x").unwrap();
        let fds = [Some(quiet.as_fd()), None, Some(closed.as_fd()), Some(ready.as_fd())];
        let later = Instant::now() + Duration::from_secs(60);
        assert_eq!(readable(fds, later).unwrap(), [false, false, true, true]);
        assert_eq!(readable([fds[0], fds[1]], Instant::now()).unwrap(), [false, false]);
    }
}
