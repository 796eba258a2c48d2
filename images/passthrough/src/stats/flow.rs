//! What all threads have to agree on at each moment: what is in flight, and which request is which.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// The READs and WRITEs of all threads. It fits into one line of the cache, which is written to twice for a
/// READ or WRITE.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Flow {
    /// READs and WRITEs in flight, and from [`ARRIVAL`] on those that have arrived: both are counted by one addition.
    both: AtomicU64,
    first_arrival_ns: AtomicU64,
    most_in_flight: AtomicU32,
}

/// One arrival in [`Flow::both`]. The threads of a server are fewer by far, and so is what they have in flight.
const ARRIVAL: u64 = 1 << 20;

/// An arrival among the others since the last [`Flow::restart`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrived {
    pub(super) number: u64,
    /// With this one.
    pub(super) in_flight: u32,
    pub(super) most_in_flight: u32,
}

impl Default for Flow {
    fn default() -> Self {
        Flow {
            both: AtomicU64::new(0),
            first_arrival_ns: AtomicU64::new(u64::MAX),
            most_in_flight: AtomicU32::new(0),
        }
    }
}

impl Flow {
    /// Counts an arrival.
    pub(super) fn arrive(&self, at_ns: u64) -> Arrived {
        let before = self.both.fetch_add(ARRIVAL + 1, Relaxed);
        let in_flight = (before % ARRIVAL) as u32 + 1;
        let mut most_in_flight = self.most_in_flight.load(Relaxed);
        if most_in_flight < in_flight {
            most_in_flight = self.most_in_flight.fetch_max(in_flight, Relaxed).max(in_flight);
        }
        if at_ns < self.first_arrival_ns.load(Relaxed) {
            self.first_arrival_ns.fetch_min(at_ns, Relaxed);
        }
        Arrived { number: before / ARRIVAL, in_flight, most_in_flight }
    }

    /// Counts an answer.
    pub(super) fn leave(&self) {
        self.both.fetch_sub(1, Relaxed);
    }

    pub(super) fn in_flight(&self) -> u32 {
        (self.both.load(Relaxed) % ARRIVAL) as u32
    }

    /// Numbers arrivals from 0 again; gives when the first one was since the last call, and the most in flight.
    pub(super) fn restart(&self) -> (u64, u32) {
        self.both.fetch_and(ARRIVAL - 1, Relaxed);
        let first_ns = self.first_arrival_ns.swap(u64::MAX, Relaxed);
        (first_ns, self.most_in_flight.swap(self.in_flight(), Relaxed))
    }
}
