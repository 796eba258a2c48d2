//! Requests by the way they come, where a scenario asks for another one than `/dev/fuse`; and the queues of that way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use anyhow::{Context, ensure};
use lab_protocol::{ByTransport, ServerSettings};
use rustix::thread::CpuSet;

use crate::device::Device;
use crate::device::channel::OTHER_REQUESTS;
use crate::device::ring::Seat;
use crate::device::ring::pool::Pool;
use crate::negotiate::Agreed;

/// What came through io_uring, and what from the device.
#[derive(Debug, Default)]
pub(crate) struct Arrived {
    ring: AtomicU64,
    zero_copy: AtomicU64,
    device: AtomicU64,
}

impl Arrived {
    /// None if there is but one way.
    pub(crate) fn new(settings: &ServerSettings) -> Option<Self> {
        (!settings.transport.is_usual()).then(Arrived::default)
    }

    pub(crate) fn count_ring(&self) {
        self.ring.fetch_add(1, Relaxed);
    }

    /// Notes that the data of a request, which is counted already, is not copied.
    pub(crate) fn count_zero_copy(&self) {
        self.zero_copy.fetch_add(1, Relaxed);
    }

    pub(crate) fn count_device(&self) {
        self.device.fetch_add(1, Relaxed);
    }

    /// What was counted since the last call.
    pub(crate) fn take(&self) -> ByTransport {
        let take = |counter: &AtomicU64| counter.swap(0, Relaxed);
        ByTransport { ring: take(&self.ring), zero_copy: take(&self.zero_copy), device: take(&self.device) }
    }
}

/// The places of the threads that serve the queues of a connection: the threads are shared out to the queues in turn.
///
/// # Errors
/// If there are fewer threads than queues: the kernel uses none until each has an entry.
pub(crate) fn seats(settings: &ServerSettings, agreed: Agreed, device: &Device) -> anyhow::Result<Vec<Seat>> {
    let queues = queues()?;
    ensure!(
        settings.threads >= queues,
        "`threads` is {}, and this machine has {queues} CPUs, each with a queue that needs a thread; give {queues} or more",
        settings.threads
    );
    let pools = (0..queues as u16)
        .map(|queue| pool(settings, agreed, device, queue, queues))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let payload = agreed.payload.max(OTHER_REQUESTS);
    let seat = |thread| -> anyhow::Result<Seat> {
        let device = match settings.clone_fd {
            true => device.cloned().context("cloning the descriptor of the device")?,
            false => device.clone(),
        };
        let queue = (thread % queues) as u16;
        let pool = pools[usize::from(queue)].clone();
        Ok(Seat { device, queue, depth: settings.ring_depth, payload, pool })
    };
    (0..settings.threads).map(seat).collect()
}

/// The pool of a queue, if it has one: a buffer for each entry, so that none has to wait for one.
fn pool(
    settings: &ServerSettings,
    agreed: Agreed,
    device: &Device,
    queue: u16,
    queues: u32,
) -> anyhow::Result<Option<Arc<Pool>>> {
    let kind = agreed.ring_buffers;
    if kind.are_usual() {
        return Ok(None);
    }
    let threads = (settings.threads - u32::from(queue)).div_ceil(queues);
    let buffers = (threads * settings.ring_depth) as usize;
    let pool = Pool::new(device, queue, buffers, agreed.payload, kind);
    pool.map(Some).context("giving a queue of io_uring its buffers")
}

/// How many queues the kernel has: one for each CPU that the machine may ever have.
pub(crate) fn queues() -> anyhow::Result<u32> {
    let file = "/sys/devices/system/cpu/possible";
    let text = std::fs::read_to_string(file).with_context(|| format!("reading {file}"))?;
    count_of(text.trim()).with_context(|| format!("{file} says `{}`", text.trim()))
}

/// One more than the last number of a list such as `0-3,6`.
fn count_of(list: &str) -> anyhow::Result<u32> {
    let last = list.rsplit([',', '-']).next().context("no list of numbers")?;
    Ok(last.parse::<u32>()? + 1)
}

/// Has the calling thread run where the requests of its queue come from.
pub(crate) fn move_to(queue: u16) {
    let mut cpus = CpuSet::new();
    cpus.set(queue.into());
    // A CPU that is not there now has no requests, either.
    let _ = rustix::thread::sched_setaffinity(None, &cpus);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpus_are_counted_with_gaps() {
        for (list, count) in [("0", 1), ("0-1", 2), ("0-63", 64), ("0,2-5", 6), ("0-3,8", 9)] {
            assert_eq!(count_of(list).unwrap(), count, "{list}");
        }
        assert!(count_of("").is_err());
    }

    #[test]
    fn each_way_is_counted() {
        let arrived = Arrived::default();
        arrived.count_ring();
        arrived.count_ring();
        arrived.count_device();
        arrived.count_zero_copy();
        assert_eq!(arrived.take(), ByTransport { ring: 2, zero_copy: 1, device: 1 });
        assert_eq!(arrived.take(), ByTransport::default());
    }
}
