//! What goes wrong by setting, at which requests.

use std::ops::Range;
use std::os::fd::OwnedFd;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use lab_protocol::{Effect, Fault, Times};
use rustix::event::{EventfdFlags, PollFd, PollFlags};
use rustix::io::{Errno, Result};

use crate::device::Device;
use crate::stats::Operation;

/// The faults of a server while it behaves so.
#[derive(Debug)]
pub(crate) struct Faults {
    faults: Vec<Armed>,
    hanging: AtomicBool,
    /// Readable when requests are to hang no more; an eventfd that nobody reads.
    released: OwnedFd,
}

/// A fault with the count of the requests that matched it.
#[derive(Debug)]
struct Armed {
    /// A bit for each [`Operation`].
    operations: u64,
    /// Bytes from the begin of the file.
    offset: Option<u64>,
    after: u64,
    times: Times,
    effect: Effect,
    seen: AtomicU64,
}

/// How much of a request is to be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Share {
    /// All of it.
    Whole,
    /// At most this many of its bytes.
    UpTo(u32),
    /// All of it, and the answer is to be so many bytes too large.
    AndMore(u32),
}

impl Share {
    /// The bytes to transfer of those that are asked for.
    pub(crate) fn of(self, size: u32) -> u32 {
        match self {
            Share::Whole | Share::AndMore(_) => size,
            Share::UpTo(most) => size.min(most),
        }
    }

    /// What the answer says was transferred, of what is asked for and what was.
    pub(crate) fn claimed(self, size: u32, transferred: usize) -> usize {
        match self {
            Share::Whole | Share::UpTo(_) => transferred,
            Share::AndMore(bytes) => size as usize + bytes as usize,
        }
    }
}

impl Faults {
    /// None if nothing goes wrong.
    ///
    /// # Errors
    /// If there can be no eventfd.
    pub(crate) fn new(faults: &[Fault]) -> Result<Option<Self>> {
        if faults.is_empty() {
            return Ok(None);
        }
        Ok(Some(Faults {
            faults: faults.iter().map(Armed::new).collect(),
            hanging: AtomicBool::new(false),
            released: rustix::event::eventfd(0, EventfdFlags::CLOEXEC)?,
        }))
    }

    /// Lets go of the requests that hang, and of those that are going to.
    ///
    /// # Errors
    /// None that Linux documents for a first one.
    pub(crate) fn release(&self) -> Result<()> {
        rustix::io::write(&self.released, &1u64.to_ne_bytes()).map(drop)
    }

    /// Whether requests are never answered now.
    pub(crate) fn are_hanging(&self) -> bool {
        self.hanging.load(Relaxed)
    }

    /// Lets the fault of a request happen, whatever time that takes, and gives what is left to be done for it.
    ///
    /// `bytes` are those that a READ or WRITE is about, from the begin of the file; others have none. `device` is the one that
    /// the requests come from, once there is one; requests hang until its connection ends, or they are released.
    ///
    /// # Errors
    /// What the request is to be answered instead of being served.
    pub(crate) fn apply(
        &self,
        operation: Operation,
        bytes: Range<u64>,
        device: &OnceLock<Device>,
    ) -> Result<Share> {
        match self.strike(operation, &bytes) {
            None => Ok(Share::Whole),
            Some(Effect::Eio) => Err(Errno::IO),
            Some(Effect::Errno { errno }) => Err(Errno::from_raw_os_error(errno.into())),
            Some(Effect::Short { bytes }) => Ok(Share::UpTo(bytes)),
            Some(Effect::Oversize { bytes }) => Ok(Share::AndMore(bytes)),
            Some(Effect::Delay { us }) => {
                std::thread::sleep(Duration::from_micros(us));
                Ok(Share::Whole)
            }
            Some(Effect::Hang) => Err(self.hang(device.wait())),
            Some(Effect::Die) => std::process::abort(),
        }
    }

    /// What goes wrong with a request. Every fault that matches counts it, whichever of them it is.
    fn strike(&self, operation: Operation, bytes: &Range<u64>) -> Option<Effect> {
        let due = self.faults.iter().filter(|fault| fault.matches(operation, bytes) && fault.is_due());
        due.map(|fault| fault.effect).reduce(|first, _| first)
    }

    /// Returns when requests are released, or nobody waits for an answer any more: the file system is unmounted or its
    /// connection aborted. Gives what is to be answered then.
    fn hang(&self, device: &Device) -> Errno {
        self.hanging.store(true, Relaxed);
        // Of no events but POLLERR, which always counts and says here that the connection has ended.
        let connection = PollFd::new(device, PollFlags::empty());
        let mut polled = [connection, PollFd::new(&self.released, PollFlags::IN)];
        while rustix::event::poll(&mut polled, None) == Err(Errno::INTR) {}
        if polled[0].revents().is_empty() { Errno::IO } else { Errno::NOTCONN }
    }
}

impl Armed {
    fn new(fault: &Fault) -> Self {
        let operations = (Operation::ALL.iter())
            .filter(|operation| fault.operation.includes(**operation))
            .fold(0, |bits, operation| bits | 1 << *operation as u32);
        Armed {
            operations,
            offset: fault.offset_kib.map(|kib| kib.saturating_mul(1024)),
            after: fault.after,
            times: fault.times,
            effect: fault.effect,
            seen: AtomicU64::new(0),
        }
    }

    fn matches(&self, operation: Operation, bytes: &Range<u64>) -> bool {
        self.operations & 1 << operation as u32 != 0 && self.offset.is_none_or(|at| bytes.contains(&at))
    }

    /// Counts a request that matches, and says whether it is to be hit.
    fn is_due(&self) -> bool {
        let before = self.seen.fetch_add(1, Relaxed);
        match self.times {
            Times::Once => before == self.after,
            Times::Always => before >= self.after,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EIO: Effect = Effect::Eio;

    fn fault(operation: &str, after: u64, times: Times, effect: Effect) -> Fault {
        Fault { operation: operation.parse().unwrap(), offset_kib: None, after, times, effect }
    }

    /// What happens at the operations one after the other: `.` for nothing, else the first letter of the effect.
    fn check(faults: &[Fault], requests: &[(Operation, Range<u64>)], expected: &str) {
        let armed = Faults::new(faults).unwrap().unwrap();
        let met = requests.iter().map(|(operation, bytes)| match armed.strike(*operation, bytes) {
            None => '.',
            Some(Effect::Eio) => 'e',
            Some(Effect::Errno { .. }) => 'n',
            Some(Effect::Short { .. }) => 's',
            Some(Effect::Oversize { .. }) => 'o',
            Some(Effect::Delay { .. }) => 'd',
            Some(Effect::Hang) => 'h',
            Some(Effect::Die) => 'D',
        });
        assert_eq!(met.collect::<String>(), expected, "{faults:?}");
    }

    #[test]
    fn the_operation_decides() {
        use Operation::{CopyFileRange, Getattr, Read, Rename, Rename2, Write};
        let requests = [Read, Write, Getattr, CopyFileRange, Rename, Rename2].map(|it| (it, 0..0));
        for (name, expected) in [
            ("read", "e....."),
            ("write", ".e...."),
            ("data", "ee...."),
            ("getattr", "..e..."),
            ("copy-file-range", "...e.."),
            ("rename", "....e."),
            ("rename2", ".....e"),
            ("lookup", "......"),
        ] {
            check(&[fault(name, 0, Times::Always, EIO)], &requests, expected);
        }
    }

    #[test]
    fn the_request_that_contains_the_offset_is_hit() {
        let reads = [0..131_072, 131_072..262_144, 655_360..655_361, 655_359..655_360, 0..1 << 40, 0..0]
            .map(|bytes| (Operation::Read, bytes));
        for (offset_kib, expected) in [
            (None, "eeeeee"),
            (Some(0), "e...e."),
            (Some(127), "e...e."),
            (Some(128), ".e..e."),
            (Some(640), "..e.e."),
            (Some(u64::MAX), "......"),
        ] {
            check(&[Fault { offset_kib, ..fault("read", 0, Times::Always, EIO) }], &reads, expected);
        }
    }

    #[test]
    fn some_are_spared_and_then_one_or_all_are_hit() {
        let reads = vec![(Operation::Read, 0..1); 6];
        for (after, times, expected) in [
            (0, Times::Once, "e....."),
            (2, Times::Once, "..e..."),
            (6, Times::Once, "......"),
            (0, Times::Always, "eeeeee"),
            (2, Times::Always, "..eeee"),
            (u64::MAX, Times::Always, "......"),
        ] {
            check(&[fault("data", after, times, EIO)], &reads, expected);
        }
    }

    #[test]
    fn the_first_that_is_due_decides() {
        let reads = vec![(Operation::Read, 0..1); 5];
        let short = |after, times| fault("read", after, times, Effect::Short { bytes: 1 });
        let eio = |after, times| fault("data", after, times, EIO);
        check(&[eio(1, Times::Once), short(0, Times::Always)], &reads, "sesss");
        check(&[short(0, Times::Always), eio(1, Times::Once)], &reads, "sssss");
        // Each counts every request that matches it, so that the second is used up by the first here.
        check(&[eio(1, Times::Once), short(1, Times::Once)], &reads, ".e...");
        check(&[eio(1, Times::Once), short(2, Times::Once)], &reads, ".es..");
        check(&[fault("write", 0, Times::Always, EIO), short(3, Times::Once)], &reads, "...s.");
    }

    #[test]
    fn threads_share_the_count() {
        let faults = [fault("write", 0, Times::Always, EIO), fault("read", 1000, Times::Once, Effect::Hang)];
        let armed = Faults::new(&[faults.as_slice(), &[fault("read", 30_000, Times::Always, EIO)]].concat());
        let armed = armed.unwrap().unwrap();
        let (hung, failed) = (AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..10_000 {
                        match armed.strike(Operation::Read, &(0..1)) {
                            Some(Effect::Hang) => hung.fetch_add(1, Relaxed),
                            Some(_) => failed.fetch_add(1, Relaxed),
                            None => 0,
                        };
                    }
                });
            }
        });
        assert_eq!((hung.into_inner(), failed.into_inner()), (1, 10_000));
    }

    #[test]
    fn what_can_be_set_is_what_is_answered() {
        let without = ["BATCH_FORGET", "DESTROY", "FORGET", "INIT", "INTERRUPT", "NOTIFY_REPLY"];
        let named =
            Operation::ALL.iter().map(|operation| operation.name()).filter(|name| !without.contains(name));
        let names: Vec<String> = named.map(|name| name.to_lowercase().replace('_', "-")).collect();
        assert_eq!(Fault::OPERATIONS[0], "data");
        assert_eq!(Fault::OPERATIONS[1..], names);
    }

    #[test]
    fn a_share_is_no_more_than_was_asked_for() {
        for (share, size, expected) in [
            (Share::Whole, 4096, 4096),
            (Share::UpTo(1024), 4096, 1024),
            (Share::UpTo(8192), 4096, 4096),
            (Share::UpTo(0), 4096, 0),
            (Share::AndMore(512), 4096, 4096),
        ] {
            assert_eq!(share.of(size), expected, "{share:?}");
        }
    }

    #[test]
    fn an_answer_claims_what_was_transferred_or_more_than_was_asked_for() {
        for (share, transferred, expected) in [
            (Share::Whole, 100, 100),
            (Share::UpTo(100), 100, 100),
            (Share::AndMore(1), 4096, 4097),
            // At the end of the file.
            (Share::AndMore(1), 100, 4097),
        ] {
            assert_eq!(share.claimed(4096, transferred), expected, "{share:?}");
        }
    }
}
