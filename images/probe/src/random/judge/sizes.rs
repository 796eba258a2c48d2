//! Which sizes a file may have at which time.

use std::fmt;

use crate::random::history::{Completion, Seen};
use crate::random::operation::{Action, DrawnOperation, LARGEST};

/// The sizes from time to time. While something changes the size all between old and new is possible: a write that extends
/// the file does it bit by bit. Where a truncation and an extension ran side by side all stays possible until somebody looks.
#[derive(Debug)]
pub(super) struct Sizes {
    /// From each of these times on.
    steps: Vec<(u64, Between)>,
}

/// A size is one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Between {
    pub(super) least: u64,
    pub(super) most: u64,
}

impl Between {
    pub(super) fn allow(self, size: u64) -> bool {
        (self.least..=self.most).contains(&size)
    }
}

impl fmt::Display for Between {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Between { least, most } if least == most => write!(f, "{least}"),
            Between { least, most } => write!(f, "{least} to {most}"),
        }
    }
}

/// Something that changes the size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    /// To this size.
    Cut { to: u64 },
    /// To at least this one; or to less, if the rest failed.
    Grow { wanted: u64, reached: u64 },
}

#[derive(Clone, Copy, Debug)]
struct Timed {
    begin: u64,
    end: u64,
    change: Change,
}

/// Something happens to what is known.
#[derive(Clone, Copy, Debug)]
enum Event {
    Begins(Timed),
    Ends(Timed),
    Looked { begin: u64, end: u64, size: u64 },
}

impl Sizes {
    /// Those of a new file.
    pub(super) fn empty() -> Self {
        Sizes { steps: vec![(0, Between { least: 0, most: 0 })] }
    }

    /// Goes through what was done to the file since the last comparison.
    pub(super) fn follow(&mut self, operations: &[(&Completion, &DrawnOperation)]) {
        let changes: Vec<Timed> = operations.iter().filter_map(|(seen, what)| change(seen, what)).collect();
        let mut events: Vec<(u64, Event)> = Vec::new();
        for timed in &changes {
            events.push((timed.begin, Event::Begins(*timed)));
            events.push((timed.end, Event::Ends(*timed)));
        }
        for (completion, _) in operations {
            if let Seen::Size(size) = completion.result {
                let (begin, end) = (completion.begin, completion.end);
                events.push((end, Event::Looked { begin, end, size }));
            }
        }
        events.sort_by_key(|(time, _)| *time);
        let mut now = self.last();
        for (time, event) in events {
            now = after(now, event, &changes);
            self.steps.push((time, now));
        }
    }

    /// The size was seen when nothing was under way.
    pub(super) fn settle(&mut self, completion: &Completion, size: u64) {
        self.steps = vec![(completion.begin, Between { least: size, most: size })];
    }

    /// What may be seen at some time of an operation.
    pub(super) fn during(&self, completion: &Completion) -> Between {
        let (begin, end) = (completion.begin, completion.end);
        let before = self.steps.iter().rev().find(|(time, _)| *time < begin);
        // What an operation finds out holds when it has ended, and not for itself.
        let within = self.steps.iter().filter(|(time, _)| *time > begin && *time < end);
        let all = before.or(self.steps.first()).into_iter().chain(within).map(|(_, between)| *between);
        let start = Between { least: u64::MAX, most: 0 };
        all.fold(start, |one, other| Between {
            least: one.least.min(other.least),
            most: one.most.max(other.most),
        })
    }

    fn last(&self) -> Between {
        self.steps.last().map_or(Between { least: 0, most: 0 }, |(_, between)| *between)
    }
}

fn after(now: Between, event: Event, changes: &[Timed]) -> Between {
    let Between { least, most } = now;
    // Whether such a change ran in this time; a change is not beside itself.
    let beside = |begin: u64, end: u64, which: fn(&Change) -> bool| {
        let others = changes.iter().filter(|other| (other.begin, other.end) != (begin, end));
        others.filter(|other| which(&other.change)).any(|other| other.begin < end && begin < other.end)
    };
    let any = |_: &Change| true;
    let cut = |change: &Change| matches!(change, Change::Cut { .. });
    match event {
        Event::Begins(Timed { change: Change::Cut { to }, .. }) => {
            Between { least: least.min(to), most: most.max(to) }
        }
        Event::Begins(Timed { change: Change::Grow { wanted, .. }, .. }) => {
            Between { least, most: most.max(wanted) }
        }
        Event::Ends(Timed { begin, end, change: Change::Cut { to } }) if !beside(begin, end, any) => {
            Between { least: to, most: to }
        }
        Event::Ends(Timed { begin, end, change: Change::Grow { reached, .. } })
            if !beside(begin, end, cut) =>
        {
            Between { least: least.max(reached), most }
        }
        Event::Looked { begin, end, size } if !beside(begin, end, any) && now.allow(size) => {
            Between { least: size, most: size }
        }
        Event::Ends(_) | Event::Looked { .. } => now,
    }
}

/// What an operation does to the size.
fn change(completion: &Completion, operation: &DrawnOperation) -> Option<Timed> {
    let failed = matches!(completion.result, Seen::Failed(_));
    let change = match operation.action {
        Action::Truncate if failed => return None,
        Action::Truncate => Change::Cut { to: operation.at },
        Action::Allocate if failed || operation.length == 0 => return None,
        Action::Allocate => Change::Grow { wanted: operation.range().end, reached: operation.range().end },
        Action::Write | Action::Append => match &completion.result {
            Seen::Wrote { range, .. } if range.is_empty() => return None,
            Seen::Wrote { range, count: 0 } => Change::Grow { wanted: range.end, reached: 0 },
            Seen::Wrote { range, count } => Change::Grow { wanted: range.end, reached: range.start + count },
            // It may have begun anywhere.
            Seen::Failed(_) if operation.action == Action::Append => {
                Change::Grow { wanted: LARGEST, reached: 0 }
            }
            Seen::Failed(_) => Change::Grow { wanted: operation.range().end, reached: 0 },
            Seen::Done | Seen::Read { .. } | Seen::Size(_) | Seen::Compared(_) => return None,
        },
        Action::Read
        | Action::Load
        | Action::Store
        | Action::Msync
        | Action::Punch
        | Action::Fsync
        | Action::Drop
        | Action::Stat
        | Action::Seek => return None,
    };
    Some(Timed { begin: completion.begin, end: completion.end, change })
}
