//! When a thread steps aside so that "most in flight" is what the kernel had outstanding.
//!
//! The kernel may have sent twelve requests before the first one is received. On a machine with one CPU and
//! storage without latency, the thread that receives the first serves and answers it before any other thread
//! that was woken gets the CPU: the server would then see one request in flight although twelve are outstanding.
//! So a thread that has received a READ or WRITE, and counted it, calls sched_yield(2) before it serves it:
//! the other woken threads receive theirs, count them, and step aside as well, until nobody is left but
//! threads with a request in hand. No request is delayed but by the receipt of others that are already
//! outstanding, and nothing is counted that was not received and unanswered at that moment. A kernel that sends
//! one request at a time is never seen with more than one, because the count drops before the answer goes out.
//!
//! A yield costs two context switches at most. At each of 512 requests of 128 KiB, under a clock that counts
//! instructions, that was 1.9 % of the throughput of reads with twelve outstanding and 1.7 % with one (AIO, 64 KiB:
//! 4.6 % and 3.2 %). So threads look at a part of the requests only: at the first [`FIRST`] after the
//! counters were read, so that a small probe is seen in full, and then at one window in [`PERIODS`]. That costs
//! 0.3 % and 0.1 % (AIO: 0.5 % and 0.2 %), and shows the same: 12 with all of them
//! outstanding, where a server that never steps aside sees from 1 to 3. The rule knows nothing but the number of the request, so that
//! it treats every kernel alike.
//!
//! With modelled storage a thread leaves the CPU by itself when it sleeps, but not every one does: a limit of
//! parallelism alone takes no time, random latencies come near zero, operations in order have no penalty, and a latency
//! shorter than the copying of the data is over before anybody could sleep. So threads step aside whatever the storage is.
//! They do it when the storage has the request: what it takes runs meanwhile, and where a thread sleeps afterwards the
//! yield costs nothing but its own instructions.
//!
//! Once there were as many in hand as there are threads, nobody steps aside until the counters are read again: more cannot be
//! seen. That matters where CPUs are shared with other programs, which keep the CPU for some milliseconds when a thread has stepped
//! aside: on a host with two CPUs and a load of 6 to 9, two threads served reads of 2 MiB at half the rate for it.

use lab_protocol::ServerSettings;

/// The requests after a reading of the counters that are all looked at.
pub(crate) const FIRST: u64 = 64;

/// After those, one window of requests in this many is looked at.
pub(crate) const PERIODS: u64 = 8;

/// When to look, for one server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Observer {
    /// Requests in a row that are looked at: enough for the queue of the kernel to show in full.
    window: u64,
    threads: u32,
}

impl Observer {
    /// The threads of a server cap what it can have in hand.
    pub(crate) fn new(settings: &ServerSettings) -> Self {
        Observer { window: 2 * u64::from(settings.threads), threads: settings.threads }
    }

    /// Steps aside if the request with this number since the last reading is to be looked at; the most that were in hand since
    /// then are so many.
    pub(crate) fn step_aside_if_sampled(self, number: u64, most_in_hand: u32) {
        if self.samples(number, most_in_hand) {
            rustix::thread::sched_yield();
        }
    }

    fn samples(self, number: u64, most_in_hand: u32) -> bool {
        most_in_hand < self.threads && (number < FIRST || number % (PERIODS * self.window) < self.window)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_at_the_first_and_then_at_windows() {
        let observer = Observer::new(&ServerSettings::example());
        let looked = |from: u64, to: u64| (from..to).filter(|number| observer.samples(*number, 1)).count();
        assert_eq!(looked(0, 64), 64);
        assert_eq!(looked(64, 256), 0);
        assert_eq!(looked(256, 288), 32);
        assert_eq!(looked(288, 512), 0);
        assert_eq!(looked(256, 25_856), 3_200);
    }

    #[test]
    fn nobody_waits_when_all_threads_have_been_seen() {
        for (threads, most_in_hand, expected) in
            [(1, 1, false), (2, 1, true), (2, 2, false), (16, 15, true), (16, 16, false)]
        {
            let observer = Observer::new(&ServerSettings { threads, ..ServerSettings::example() });
            assert_eq!(observer.samples(0, most_in_hand), expected, "{most_in_hand} of {threads}");
        }
    }
}
