//! What the server does by itself while a workload runs: when it is due, and what became of it.
//!
//! A thread of its own acts, none of those that serve. The kernel may answer a notification only when a request is answered
//! (INVAL_INODE waits for pages that are being read, INVAL_ENTRY for whoever holds the folder), so the thread that waits must
//! not be the one that is to answer. A request that an action is due at is therefore served while that happens. What is due
//! is done one after the other.
//!
//! Actions are counted from [`Actions::begin_turn`] to [`Actions::end_turn`]; in between nothing is due.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lab_protocol::{Action, ActionReport, ActionResult, Moment};

use crate::clock;
use crate::knobs::Knobs;
use crate::stats::Operation;

/// How long the end of a turn waits for what has been begun. It takes no time, unless it waits for a request that is never
/// answered.
const PATIENCE: Duration = Duration::from_secs(10);

/// The actions of one server.
#[derive(Debug)]
pub(crate) struct Actions {
    planned: Vec<Planned>,
    is_on: AtomicBool,
    pub(crate) has_aborted: AtomicBool,
    turn: Mutex<ActionTurn>,
    /// Something has become due, or has ended.
    changed: Condvar,
    pub(crate) knobs: Knobs,
    /// [`PATIENCE`], but for tests.
    patience: Duration,
    /// Where data that comes back goes while somebody waits for it.
    reply: Mutex<Option<Sender<Reply>>>,
}

#[derive(Debug)]
struct Planned {
    action: Action,
    /// A bit for each [`Operation`] that counts; none if it is due at a time.
    operations: u64,
    seen: AtomicU64,
}

/// What is under way in one turn of a workload.
#[derive(Debug, Default)]
struct ActionTurn {
    /// Changes with each turn, so that what ends late is not taken for an action of the next one.
    number: u64,
    /// The workload's file.
    file: String,
    /// Times count from here.
    base_ns: u64,
    /// Nanoseconds from there and places of actions that are due at a time, the next one last.
    timed: Vec<(u64, usize)>,
    /// Places of those that are due now.
    due: VecDeque<usize>,
    at_work: Option<usize>,
    /// One for each action.
    reports: Vec<ActionReport>,
}

/// An action that is to be done now.
#[derive(Debug)]
pub(crate) struct Order {
    turn: u64,
    place: usize,
    pub(crate) action: Action,
    /// The workload's file.
    pub(crate) file: String,
}

/// What a NOTIFY_REPLY has brought.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) number: u64,
    pub(crate) offset: u64,
    pub(crate) data: Vec<u8>,
}

impl Actions {
    /// None if there is nothing to do.
    pub(crate) fn new(actions: &[Action]) -> Option<Arc<Self>> {
        (!actions.is_empty()).then(|| {
            Arc::new(Actions {
                planned: actions.iter().map(Planned::new).collect(),
                is_on: AtomicBool::new(false),
                has_aborted: AtomicBool::new(false),
                turn: Mutex::default(),
                changed: Condvar::new(),
                knobs: Knobs::default(),
                patience: PATIENCE,
                reply: Mutex::new(None),
            })
        })
    }

    /// Counts a request that has arrived.
    pub(crate) fn notice(&self, operation: Operation) {
        if !self.is_on.load(Relaxed) {
            return;
        }
        for (place, planned) in self.planned.iter().enumerate() {
            if planned.is_due_at(operation) {
                self.lock().due.push_back(place);
                self.changed.notify_all();
            }
        }
    }

    /// Times count from here on.
    pub(crate) fn count_from(&self, now_ns: u64) {
        self.lock().base_ns = now_ns;
    }

    /// From now on requests count and actions become due; `file` is that of the workload.
    pub(crate) fn begin_turn(&self, file: String) {
        let mut turn = self.lock();
        let timed = self.planned.iter().enumerate().filter_map(|(place, it)| Some((it.due_ns()?, place)));
        let mut timed: Vec<(u64, usize)> = timed.collect();
        timed.sort_unstable_by(|a, b| b.cmp(a));
        self.planned.iter().for_each(|planned| planned.seen.store(0, Relaxed));
        *turn = ActionTurn {
            number: turn.number + 1,
            file,
            base_ns: turn.base_ns,
            timed,
            due: VecDeque::new(),
            at_work: turn.at_work,
            reports: vec![ActionReport::default(); self.planned.len()],
        };
        self.is_on.store(true, Relaxed);
        self.changed.notify_all();
    }

    /// Ends the turn: waits for what has been begun, puts the knobs back, and tells what became of each action. Nothing, if
    /// none was begun.
    pub(crate) fn end_turn(&self) -> Vec<ActionReport> {
        if !self.is_on.swap(false, Relaxed) {
            return Vec::new();
        }
        let is_busy = |turn: &mut ActionTurn| turn.at_work.is_some() || !turn.due.is_empty();
        let mut turn = self.lock();
        turn.timed.clear();
        let (mut turn, _) = (self.changed.wait_timeout_while(turn, self.patience, is_busy))
            .unwrap_or_else(PoisonError::into_inner);
        let due = std::mem::take(&mut turn.due);
        for place in due.into_iter().chain(turn.at_work) {
            turn.reports[place].result = ActionResult::Unfinished;
        }
        turn.number += 1;
        let reports = std::mem::take(&mut turn.reports);
        drop(turn);
        self.knobs.put_back();
        reports
    }

    /// Whether the connection has ended because an action was to end it.
    pub(crate) fn has_aborted(&self) -> bool {
        self.has_aborted.load(Relaxed)
    }

    /// Takes what a NOTIFY_REPLY has brought, if somebody waits for it.
    pub(crate) fn receive(&self, number: u64, offset: u64, data: &[u8]) {
        let waiting = self.reply.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = &*waiting {
            // Whoever has given up waiting has said so.
            let _ = sender.send(Reply { number, offset, data: data.to_vec() });
        }
    }

    /// What [`Actions::receive`] gets from now on.
    pub(crate) fn await_replies(&self) -> Receiver<Reply> {
        let (sender, receiver) = mpsc::channel();
        *self.reply.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        receiver
    }

    /// Waits for the next action that is due.
    pub(crate) fn next(&self) -> Order {
        let mut turn = self.lock();
        loop {
            let (base_ns, now_ns) = (turn.base_ns, clock::now_ns());
            let left_ns = |at_ns: u64| base_ns.saturating_add(at_ns).saturating_sub(now_ns);
            while let Some((_, place)) = turn.timed.pop_if(|(at_ns, _)| left_ns(*at_ns) == 0) {
                turn.due.push_back(place);
            }
            if let Some(place) = turn.due.pop_front() {
                turn.at_work = Some(place);
                let action = self.planned[place].action.clone();
                return Order { turn: turn.number, place, action, file: turn.file.clone() };
            }
            turn = match turn.timed.last().map(|(at_ns, _)| Duration::from_nanos(left_ns(*at_ns))) {
                None => self.changed.wait(turn).unwrap_or_else(PoisonError::into_inner),
                Some(left) => self.changed.wait_timeout(turn, left).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
    }

    /// Notes what became of an action. `begin_ns` and `end_ns` are times of the clock.
    pub(crate) fn note(
        &self,
        order: &Order,
        begin_ns: u64,
        end_ns: u64,
        in_flight: u32,
        result: ActionResult,
    ) {
        let mut turn = self.lock();
        turn.at_work = None;
        if turn.number == order.turn {
            let [begin_ns, end_ns] = [begin_ns, end_ns].map(|ns| Some(ns.saturating_sub(turn.base_ns)));
            turn.reports[order.place] = ActionReport { begin_ns, end_ns, in_flight, result };
        }
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, ActionTurn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Planned {
    fn new(action: &Action) -> Self {
        let operations = match action.at {
            Moment::Request { operation, .. } => (Operation::ALL.iter())
                .filter(|one| operation.includes(**one))
                .fold(0, |bits, one| bits | 1 << *one as u32),
            Moment::Time { .. } => 0,
        };
        Planned { action: action.clone(), operations, seen: AtomicU64::new(0) }
    }

    /// Counts a request if it is of the kind, and says whether it is the one.
    fn is_due_at(&self, operation: Operation) -> bool {
        let Moment::Request { after, .. } = self.action.at else { return false };
        self.operations & 1 << operation as u32 != 0 && self.seen.fetch_add(1, Relaxed) == after
    }

    /// How long after the base it is due, if it is due at a time.
    fn due_ns(&self) -> Option<u64> {
        match self.action.at {
            Moment::Request { .. } => None,
            Moment::Time { us } => Some(us.saturating_mul(1000)),
        }
    }
}

#[cfg(test)]
mod tests;
