//! Which values a byte may have at which time.

use std::fmt;
use std::ops::Range;

use crate::random::content::{Run, Source};
use crate::random::history::{Completion, Seen, View};
use crate::random::operation::{Action, DrawnOperation};
use crate::random::ranges::{Ranges, common};

/// Everything that gave bytes of one file their values since the last comparison, and what that found.
#[derive(Debug)]
pub(super) struct Bytes(Vec<Effect>);

#[derive(Debug)]
struct Effect {
    source: Source,
    begin: u64,
    end: u64,
    /// The bytes that may have its value.
    may: Range<u64>,
    /// Those that surely had it once it was over: less, if it failed or came short.
    has: Range<u64>,
}

/// A byte that is not as it must be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) at: u64,
    found: Source,
    /// Whether it once was right.
    pub(super) is_old: bool,
    must: Vec<Source>,
}

const WHOLE: Range<u64> = 0..u64::MAX;

impl Bytes {
    /// Those of a new file: all that is ever read of it is zero.
    pub(super) fn empty() -> Self {
        Bytes(vec![Effect { source: Source::Zero, begin: 0, end: 0, may: WHOLE, has: WHOLE }])
    }

    /// Adds what an operation did to the bytes.
    pub(super) fn add(&mut self, completion: &Completion, operation: &DrawnOperation) {
        let failed = matches!(completion.result, Seen::Failed(_));
        let (source, may, has) = match operation.action {
            Action::Write | Action::Append | Action::Store => {
                let source = Source::Step(completion.step);
                match &completion.result {
                    Seen::Wrote { range, count } => (source, range.clone(), range.start..range.start + count),
                    // An append that failed may have begun anywhere.
                    Seen::Failed(_) if operation.action == Action::Append => (source, WHOLE, 0..0),
                    Seen::Failed(_) => (source, operation.range(), 0..0),
                    Seen::Done | Seen::Read { .. } | Seen::Size(_) | Seen::Compared(_) => return,
                }
            }
            Action::Truncate => {
                let cut = operation.at..u64::MAX;
                (Source::Zero, cut.clone(), if failed { 0..0 } else { cut })
            }
            Action::Punch => {
                let hole = operation.range();
                (Source::Zero, hole.clone(), if failed { 0..0 } else { hole })
            }
            Action::Read
            | Action::Load
            | Action::Msync
            | Action::Allocate
            | Action::Fsync
            | Action::Drop
            | Action::Stat
            | Action::Seek => return,
        };
        self.0.push(Effect { source, begin: completion.begin, end: completion.end, may, has });
    }

    /// The file was seen when nothing was under way: only that is left.
    pub(super) fn settle(&mut self, completion: &Completion, view: &View) {
        let (begin, end) = (completion.begin, completion.end);
        let beyond = Run { range: view.size..u64::MAX, source: Source::Zero };
        let runs = view.stored.iter().cloned().chain([beyond]);
        let effect =
            |Run { range, source }: Run| Effect { source, begin, end, may: range.clone(), has: range };
        self.0 = runs.map(effect).collect();
    }

    /// Looks at bytes that were read; there are `count`, and those that are in no run are taken for foreign.
    pub(super) fn check(&self, completion: &Completion, runs: &[Run], count: u64) -> Option<Wrong> {
        let known: u64 = runs.iter().map(|run| run.range.end - run.range.start).sum();
        runs.iter().find_map(|run| self.check_run(completion, run)).or_else(|| {
            let at = runs.last().map_or(0, |run| run.range.end);
            (known < count).then(|| Wrong {
                at,
                found: Source::Bytes([0xff; 8]),
                is_old: false,
                must: self.allowed(at, completion),
            })
        })
    }

    fn check_run(&self, read: &Completion, run: &Run) -> Option<Wrong> {
        let mut unexplained = Ranges::one(run.range.clone());
        for effect in self.0.iter().filter(|effect| effect.source == run.source && effect.begin < read.end) {
            unexplained.remove_all(&self.standing(effect, &run.range, read));
            unexplained.first()?;
        }
        // Pieces of words may come from anything that has the same bytes there, and a word of two writes may by chance be that
        // of one of them.
        let mut at = unexplained.first()?;
        while self.allowed(at, read).iter().any(|source| source.byte(at) == run.source.byte(at)) {
            unexplained.remove(&(at..at + 1));
            at = unexplained.first()?;
        }
        let is_old = self.0.iter().any(|effect| {
            effect.begin < read.end
                && effect.may.contains(&at)
                && effect.source.byte(at) == run.source.byte(at)
        }) || matches!(run.source, Source::Step(_) | Source::Zero);
        Some(Wrong { at, found: run.source, is_old, must: self.allowed(at, read) })
    }

    /// Where in `range` a read may see this effect.
    fn standing(&self, effect: &Effect, range: &Range<u64>, read: &Completion) -> Ranges {
        let mut standing = Ranges::one(common(&effect.may, range));
        let gone = self.0.iter().filter(|other| effect.end < other.begin && other.end < read.begin);
        gone.for_each(|other| standing.remove(&other.has));
        standing
    }

    /// What a read may see at a byte.
    fn allowed(&self, at: u64, read: &Completion) -> Vec<Source> {
        let byte = at..at + 1;
        let began = self.0.iter().filter(|effect| effect.begin < read.end);
        let standing = began.filter(|effect| self.standing(effect, &byte, read).first().is_some());
        standing.map(|effect| effect.source).collect()
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tell = |source: &Source| match source {
            Source::Step(step) => format!("that of write {}", step + 1),
            Source::Zero | Source::Bytes(_) => format!("0x{:02x}", source.byte(self.at)),
        };
        let mut must: Vec<String> = self.must.iter().map(tell).collect();
        must.dedup();
        write!(f, "is {}, must be {}", tell(&self.found), must.join(" or "))
    }
}
