//! The model of the storage: when the operation that a READ or WRITE becomes is done.
//!
//! A discrete-event model, computed by the threads that serve the requests: each registers its request with the time
//! of its arrival ([`Model::begin`]), moves the data to or from the backing file, which is part of the time that the
//! storage takes, and then sleeps until the model says that its operation has ended ([`Model::finish`]). No data
//! changes hands, and nothing runs in the background. All times are of the monotonic clock; begins and ends are
//! computed, not observed, so that a thread that wakes up late makes its own answer late and nothing else.
//!
//! The rules, with the keys of `lab.toml`:
//!
//! 1. An *operation* is a request, or several that were merged (rule 6). Operations begin in the order in which their
//!    first requests arrived.
//! 2. `storage-plug-us`: an operation is ready that long after the arrival of its first request, whether anything
//!    merges with it or not.
//! 3. `storage-parallel`: no more than so many are served at once. So
//!    `begin = max(ready, begin of the operation before, first end among those served if all places are taken)`.
//! 4. `storage-mib-per-s`: one pipe, through which operations go in the order in which they begin; then comes the
//!    latency. `transferred = max(begin, transferred of the operation before) + size / bandwidth` and
//!    `end = transferred + latency + disorder`. Alone, an operation takes the sum of all three. It holds its
//!    place (rule 3) from begin to end, while it waits for the pipe as well.
//! 5. `storage-latency-us` and `storage-distribution`: the n-th operation to begin since the counters were read gets the
//!    n-th draw from `seed`, moved by up to `storage-dither-permille` of itself. `storage-disorder-us`: added if the operation does not begin at the offset where the one
//!    that began before it, on the same file and in the same direction, ended; the first since the counters were read is
//!    in order.
//! 6. `storage-merge-kib`: a request joins an operation that has not begun, on the same file and in the same
//!    direction, if it begins where that one ends or ends where that one begins, and both together are no larger than
//!    this. Of several it joins the one that arrived first. If that fills the gap to another operation the two become
//!    one, in the earlier one's place. A request that arrives at the very time at which an operation begins is too late.
//!
//! 7. `storage-jitter-us`: a request arrives at the storage so much after it was received; the n-th to be received gets the
//!    n-th draw, evenly between nothing and this. Requests that are outstanding together overtake each other on the way, as
//!    in a network or in the worker threads of a daemon.
//!
//! So merging needs something to wait for: with neither plug nor a limit of parallelism an operation begins when it
//! arrives, and nothing ever merges. Like the queue of a block layer, a storage that is busy finds larger operations when it
//! is free again; and since requests that arrive in disorder are sorted by it, they may escape rule 5.
//!
//! Sizes are those that requests ask for, also where the file ends earlier or the request fails.

mod queue;
mod service;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use lab_protocol::random::splitmix64;
use lab_protocol::{Distribution, StorageSettings, StorageStats};
use rustix::io::Errno;
use rustix::thread::clock_nanosleep_absolute;
use rustix::time::{ClockId, Timespec};

use crate::clock::now_ns;
use crate::random::Draws;
use crate::stats::Direction;
use queue::{Fate, Outlook, Queue};

/// What a READ or WRITE asks of the storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Access {
    /// The inode's number.
    pub(crate) inode: u64,
    pub(crate) direction: Direction,
    /// Bytes from the begin of the file.
    pub(crate) offset: u64,
    /// Bytes.
    pub(crate) size: u32,
}

/// Storage that takes time.
#[derive(Debug)]
pub(crate) struct Model {
    way: Option<Transit>,
    queue: Mutex<Queue>,
}

/// The way to the storage, on which requests overtake each other.
#[derive(Debug)]
struct Transit {
    times: Draws,
    requests: AtomicU64,
}

/// An access that has begun; to be handed to [`Model::finish`].
#[derive(Debug)]
pub(crate) struct Ticket(TicketState);

#[derive(Debug)]
enum TicketState {
    /// It took no time.
    Done,
    /// It ends at this time, nanoseconds.
    Ends(u64),
    /// It waits in this slot of the queue.
    Waiting(usize),
}

impl Model {
    /// None if the settings model nothing.
    pub(crate) fn new(settings: &StorageSettings, seed: u64) -> Option<Self> {
        (!settings.is_off()).then(|| Model {
            way: Transit::new(settings.jitter_us, seed),
            queue: Mutex::new(Queue::new(settings, seed)),
        })
    }

    /// Hands an access to the storage; returns when it has arrived there.
    pub(crate) fn begin(&self, access: &Access) -> Ticket {
        if let Some(way) = &self.way {
            way.take();
        }
        let mut queue = self.lock();
        // With the lock held: the queue wants times that never go back.
        let now = now_ns();
        Ticket(match queue.enqueue(now, access) {
            Fate::Served(span) if span.end <= now => TicketState::Done,
            Fate::Served(span) => TicketState::Ends(span.end),
            Fate::Waiting(slot) => TicketState::Waiting(slot),
        })
    }

    /// Waits until the storage is done with an access.
    pub(crate) fn finish(&self, ticket: Ticket) {
        match ticket.0 {
            TicketState::Done => {}
            TicketState::Ends(end) => sleep_until(end),
            TicketState::Waiting(slot) => loop {
                let outlook = self.poll(slot);
                match outlook {
                    Outlook::Served(span) => return sleep_until(span.end),
                    Outlook::NotBefore(time) => sleep_until(time),
                }
            },
        }
    }

    /// What was counted since the last call; to be asked for while no request runs.
    pub(crate) fn take(&self) -> StorageStats {
        if let Some(way) = &self.way {
            way.requests.store(0, Relaxed);
        }
        self.lock().take()
    }

    fn poll(&self, slot: usize) -> Outlook {
        let mut queue = self.lock();
        queue.poll(now_ns(), slot)
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transit {
    fn new(longest_us: u64, seed: u64) -> Option<Self> {
        // Not the draws of the latencies.
        let seed = splitmix64(seed, 0);
        (longest_us > 0).then(|| Transit {
            times: Draws::new(seed, longest_us * 500, Distribution::Uniform),
            requests: AtomicU64::new(0),
        })
    }

    fn take(&self) {
        sleep_until(now_ns() + self.times.of(self.requests.fetch_add(1, Relaxed)));
    }
}

/// Returns at once if the time has passed.
fn sleep_until(time: u64) {
    if now_ns() >= time {
        return;
    }
    let request = Timespec { tv_sec: (time / 1_000_000_000) as i64, tv_nsec: (time % 1_000_000_000) as i64 };
    while clock_nanosleep_absolute(ClockId::Monotonic, &request) == Err(Errno::INTR) {}
}

#[cfg(test)]
mod tests;
