//! What waits for the storage, and merges with its neighbours meanwhile.
//!
//! Nothing happens here by itself: whoever comes - with a request, or to ask for the end of one - says what time it
//! is, and first everything is done that is due by then. So what becomes of a request is decided by the times of
//! arrival and not by the times at which threads wake up.

use std::collections::VecDeque;

use lab_protocol::{StorageSettings, StorageStats};

use super::Access;
use super::service::{Interval, Service, StorageOperation, nanoseconds};

/// The storage, with the operations that have not begun.
#[derive(Debug)]
pub(crate) struct Queue {
    /// Bytes; 0 for no merging.
    largest: u64,
    plug_ns: u64,
    service: Service,
    /// Numbers of slots, in the order of arrival.
    waiting: VecDeque<usize>,
    slots: Vec<Slot>,
    free: Vec<usize>,
}

/// An operation that had to wait.
#[derive(Debug)]
struct Slot {
    operation: StorageOperation,
    state: SlotState,
    /// Requests that will ask for it, and operations that were joined to it.
    holders: u32,
}

#[derive(Clone, Copy, Debug)]
enum SlotState {
    Waiting,
    Begun(Interval),
    /// It has become part of the operation in this slot.
    Joined(usize),
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// This is settled.
    Served(Interval),
    /// It waits, in this slot; to be asked for with [`Queue::poll`] until it is served.
    Waiting(usize),
}

/// What there is to know of a request that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outlook {
    /// This is settled; the slot is not to be asked for again.
    Served(Interval),
    /// It ends at this time at the earliest, nanoseconds; to be asked for again then.
    NotBefore(u64),
}

impl Queue {
    pub(crate) fn new(settings: &StorageSettings, seed: u64) -> Self {
        Queue {
            largest: u64::from(settings.merge_kib) << 10,
            plug_ns: nanoseconds(settings.plug_us),
            service: Service::new(settings, seed),
            waiting: VecDeque::new(),
            slots: Vec::new(),
            free: Vec::new(),
        }
    }

    /// A request comes; times never go back.
    pub(crate) fn enqueue(&mut self, now: u64, access: &Access) -> Fate {
        let operation = StorageOperation {
            inode: access.inode,
            direction: access.direction,
            offset: access.offset,
            size: access.size.into(),
            requests: 1,
            ready: now.saturating_add(self.plug_ns),
        };
        // Without merging no later request can change what becomes of this one.
        if self.largest == 0 {
            return Fate::Served(self.service.serve(&operation));
        }
        self.advance(now);
        if let Some(slot) = self.merge(&operation) {
            return Fate::Waiting(slot);
        }
        if self.waiting.is_empty() && self.service.next_begin(operation.ready) <= now {
            return Fate::Served(self.service.serve(&operation));
        }
        let slot = self.keep(operation);
        self.waiting.push_back(slot);
        Fate::Waiting(slot)
    }

    /// Asks for a request that waits in `slot`.
    pub(crate) fn poll(&mut self, now: u64, slot: usize) -> Outlook {
        self.advance(now);
        let mut at = slot;
        loop {
            match self.slots[at].state {
                SlotState::Joined(other) => at = other,
                SlotState::Begun(span) => {
                    self.release(slot);
                    return Outlook::Served(span);
                }
                SlotState::Waiting => return Outlook::NotBefore(self.earliest_end(at)),
            }
        }
    }

    /// What was counted since the last call; to be asked for while nothing waits.
    pub(crate) fn take(&mut self) -> StorageStats {
        self.service.take()
    }

    /// Begins every operation that is due.
    fn advance(&mut self, now: u64) {
        while let Some(first) = self.waiting.front() {
            let slot = &mut self.slots[*first];
            if self.service.next_begin(slot.operation.ready) > now {
                return;
            }
            slot.state = SlotState::Begun(self.service.serve(&slot.operation));
            self.waiting.pop_front();
        }
    }

    /// A bound for the end of an operation that waits. What is ahead of it can become less, when gaps are filled, but
    /// not more: so it begins no earlier than the first that waits, with the latency of one of those up to its own place.
    fn earliest_end(&mut self, slot: usize) -> u64 {
        let Some(first) = self.waiting.front() else { return 0 };
        let begin = self.service.next_begin(self.slots[*first].operation.ready);
        let before = self.waiting.iter().take_while(|other| **other != slot).count() as u64;
        self.service.earliest_end(begin, self.slots[slot].operation.size, before)
    }

    /// Adds a request to the first operation that waits and has room beside it, and gives that one's slot. If this
    /// fills the gap to another operation the two become one, at the place of the earlier.
    fn merge(&mut self, request: &StorageOperation) -> Option<usize> {
        let place = self.neighbour(request, None)?;
        let slot = self.waiting[place];
        self.slots[slot].operation.absorb(request);
        self.slots[slot].holders += 1;
        if let Some(other) = self.neighbour(&self.slots[slot].operation, Some(slot)) {
            let (earlier, later) = (place.min(other), place.max(other));
            let joined = self.waiting.remove(later)?;
            let into = self.waiting[earlier];
            let operation = self.slots[joined].operation;
            self.slots[into].operation.absorb(&operation);
            self.slots[into].holders += 1;
            self.slots[joined].state = SlotState::Joined(into);
        }
        Some(slot)
    }

    /// The place of the first operation that waits, other than that in slot `except`, with which this one can merge.
    fn neighbour(&self, operation: &StorageOperation, except: Option<usize>) -> Option<usize> {
        let fits = |slot: &usize| {
            let other = &self.slots[*slot].operation;
            Some(*slot) != except
                && other.touches(operation)
                && other.size.saturating_add(operation.size) <= self.largest
        };
        self.waiting.iter().position(fits)
    }

    fn keep(&mut self, operation: StorageOperation) -> usize {
        let slot = Slot { operation, state: SlotState::Waiting, holders: 1 };
        match self.free.pop() {
            Some(number) => {
                self.slots[number] = slot;
                number
            }
            None => {
                self.slots.push(slot);
                self.slots.len() - 1
            }
        }
    }

    fn release(&mut self, mut number: usize) {
        loop {
            let slot = &mut self.slots[number];
            slot.holders -= 1;
            if slot.holders > 0 {
                return;
            }
            self.free.push(number);
            match slot.state {
                SlotState::Joined(into) => number = into,
                SlotState::Waiting | SlotState::Begun(_) => return,
            }
        }
    }
}

impl StorageOperation {
    /// Whether one begins where the other ends.
    fn touches(&self, other: &StorageOperation) -> bool {
        (self.inode, self.direction) == (other.inode, other.direction)
            && (self.end_offset() == other.offset || other.end_offset() == self.offset)
    }

    fn absorb(&mut self, other: &StorageOperation) {
        self.offset = self.offset.min(other.offset);
        self.size += other.size;
        self.requests += other.requests;
    }
}

#[cfg(test)]
mod tests;
