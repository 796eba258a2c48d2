//! Whether a history is one that a kernel may give: which bytes, counts, sizes and errors each operation may see.
//!
//! The rules, and why a kernel owes them, are in the documentation of [`crate::random`]. Here is how they are held against
//! a history, after it has ended. Each byte is looked at by itself. A read may see the value of every write that began
//! before the read ended, except of those that were surely gone: another write of that byte began after this one had
//! ended, and ended before the read began. So what runs at the same time may come out either way, and nothing else.

mod bytes;
mod sizes;
#[cfg(test)]
mod tests;

use super::history::{Completion, History, Seen, View};
use super::operation::{Action, DrawnOperation, FileName, Step};
use super::sequence::Sequence;
use super::violation::{Kind, Violation};
use bytes::Bytes;
use sizes::Sizes;

/// The first thing in a history that no kernel may do.
pub(crate) fn judge(sequence: &Sequence, history: &History) -> Option<Violation> {
    let mut completions: Vec<&Completion> = history.completions.iter().collect();
    completions.sort_by_key(|completion| completion.end);
    let judge = Judge { sequence, completions: &completions, armed: armed(sequence, &completions) };
    [judge.once(), judge.errors(), judge.file(FileName::A), judge.file(FileName::B)]
        .into_iter()
        .flatten()
        .min_by_key(|violation| violation.end)
}

/// From when to when the server had a fault.
fn armed(sequence: &Sequence, completions: &[&Completion]) -> Vec<std::ops::Range<u64>> {
    let mut spans: Vec<std::ops::Range<u64>> = Vec::new();
    let mut since = None;
    for completion in completions {
        let fault = match sequence.0.get(completion.step) {
            Some(Step::Behave(conditions)) => conditions.fault,
            // The server is made to work before anything is compared.
            Some(Step::Compare) => None,
            Some(Step::DrawnOperation(_) | Step::Reap(_) | Step::Wait) | None => continue,
        };
        if let Some(begin) = since.take() {
            spans.push(begin..completion.end);
        }
        since = fault.map(|_| completion.begin);
    }
    spans.extend(since.map(|begin| begin..u64::MAX));
    spans
}

struct Judge<'a> {
    sequence: &'a Sequence,
    /// In the order of their ends.
    completions: &'a [&'a Completion],
    armed: Vec<std::ops::Range<u64>>,
}

impl Judge<'_> {
    /// Whether the server had a fault while it ran.
    fn is_armed(&self, completion: &Completion) -> bool {
        self.armed.iter().any(|span| span.start < completion.end && completion.begin < span.end)
    }

    /// Each operation ends once.
    fn once(&self) -> Option<Violation> {
        let mut ends = vec![0_u32; self.sequence.0.len()];
        for completion in self.completions {
            let count = ends.get_mut(completion.step)?;
            *count += 1;
            if *count == 2 {
                return Some(Violation::new(Kind::Twice, completion, "completes twice".to_owned()));
            }
        }
        let never = self.sequence.operations().find(|(step, _)| ends.get(*step) == Some(&0));
        never.map(|(step, _)| Violation {
            kind: Kind::Never,
            step,
            end: u64::MAX,
            text: "never completes".to_owned(),
        })
    }

    /// Nothing fails without reason.
    fn errors(&self) -> Option<Violation> {
        self.completions.iter().find_map(|completion| {
            let Seen::Failed(errno) = completion.result else { return None };
            let action = self.sequence.operation(completion.step)?.action;
            let not_there = errno == libc::EOPNOTSUPP && matches!(action, Action::Punch | Action::Allocate);
            let expected = not_there || (errno == libc::EIO && self.is_armed(completion));
            let error = std::io::Error::from_raw_os_error(errno);
            (!expected).then(|| Violation::new(Kind::Error, completion, format!("fails: {error}")))
        })
    }

    /// One file, from one comparison to the next.
    fn file(&self, file: FileName) -> Option<Violation> {
        let (mut bytes, mut sizes) = (Bytes::empty(), Sizes::empty());
        let is_compare = |completion: &&Completion| matches!(completion.result, Seen::Compared(_));
        for part in self.completions.split_inclusive(is_compare) {
            let operations: Vec<(&Completion, &DrawnOperation)> = part
                .iter()
                .filter_map(|completion| Some((*completion, self.sequence.operation(completion.step)?)))
                .filter(|(_, operation)| operation.file == file)
                .collect();
            operations.iter().for_each(|(completion, operation)| bytes.add(completion, operation));
            sizes.follow(&operations);
            let broken = operations.iter().find_map(|it| self.operation(&bytes, &sizes, *it));
            if broken.is_some() {
                return broken;
            }
            let Some((completion, views)) = part.last().and_then(|last| match &last.result {
                Seen::Compared(views) => Some((*last, views)),
                Seen::Done | Seen::Wrote { .. } | Seen::Read { .. } | Seen::Size(_) | Seen::Failed(_) => None,
            }) else {
                continue;
            };
            let Some(view) = views.iter().find(|view| view.file == file) else { continue };
            let broken = compared(&bytes, &sizes, completion, view);
            if broken.is_some() {
                return broken;
            }
            bytes.settle(completion, view);
            sizes.settle(completion, view.size);
        }
        None
    }

    /// What one operation saw.
    fn operation(
        &self,
        bytes: &Bytes,
        sizes: &Sizes,
        (completion, operation): (&Completion, &DrawnOperation),
    ) -> Option<Violation> {
        let wrong = |kind, text| Some(Violation::new(kind, completion, text));
        let file = operation.file.word();
        let sizes = sizes.during(completion);
        match &completion.result {
            Seen::Read { range, count, runs } => {
                let (length, end) = (range.end - range.start, range.start + count);
                if *count > length {
                    return wrong(Kind::Count, format!("reads {count} of {length} bytes"));
                }
                if *count > 0 && end > sizes.most {
                    let most = sizes.most;
                    return wrong(
                        Kind::Count,
                        format!("reads up to byte {end} of file {file}, which has at most {most}"),
                    );
                }
                if *count < length && end < sizes.least && !self.is_armed(completion) {
                    let least = sizes.least;
                    return wrong(
                        Kind::Count,
                        format!("reads {count} of {length} bytes of file {file}, which has at least {least}"),
                    );
                }
                bytes.check(completion, runs, *count).map(|wrong| {
                    let cached = operation.action == Action::Load || !operation.way.is_direct();
                    let through = if cached { Through::PageCache } else { Through::Direct };
                    wrong_byte(&wrong, completion, file, through)
                })
            }
            Seen::Wrote { range, count } => {
                let length = range.end - range.start;
                let whole = *count == length || (*count < length && self.is_armed(completion));
                if whole { None } else { wrong(Kind::Count, format!("writes {count} of {length} bytes")) }
            }
            Seen::Size(size) if !sizes.allow(*size) => {
                wrong(Kind::Size, format!("finds {size} bytes in file {file}, which has {sizes}"))
            }
            Seen::Size(_) | Seen::Done | Seen::Failed(_) | Seen::Compared(_) => None,
        }
    }
}

/// How a byte was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Through {
    Direct,
    PageCache,
    Storage,
}

fn wrong_byte(wrong: &bytes::Wrong, completion: &Completion, file: &str, through: Through) -> Violation {
    let (kind, way) = match through {
        Through::Direct => (Kind::Byte, ""),
        Through::PageCache if wrong.is_old => (Kind::StalePage, " through the page cache"),
        Through::PageCache => (Kind::Byte, " through the page cache"),
        Through::Storage => (Kind::Byte, " in the storage"),
    };
    Violation::new(kind, completion, format!("byte {} of file {file}{way} {wrong}", wrong.at))
}

/// What is found when nothing is under way.
fn compared(bytes: &Bytes, sizes: &Sizes, completion: &Completion, view: &View) -> Option<Violation> {
    let file = view.file.word();
    let wrong = |kind, text| Some(Violation::new(kind, completion, text));
    let allowed = sizes.during(completion);
    if !allowed.allow(view.size) {
        return wrong(Kind::Size, format!("finds {} bytes in file {file}, which has {allowed}", view.size));
    }
    let [direct, buffered, stored] = view.lengths;
    if stored != view.size {
        return wrong(
            Kind::Split,
            format!("finds {stored} bytes in the storage of file {file}, and fstat says {}", view.size),
        );
    }
    for (length, name) in [(direct, "direct"), (buffered, "buffered")] {
        if length != view.size {
            return wrong(
                Kind::Size,
                format!("reads {length} bytes of file {file} {name}, and fstat says {}", view.size),
            );
        }
    }
    let ways = [
        (&view.stored, Through::Storage),
        (&view.direct, Through::Direct),
        (&view.buffered, Through::PageCache),
    ];
    let broken = ways.into_iter().find_map(|(runs, through)| {
        let wrong = bytes.check(completion, runs, view.size)?;
        Some(wrong_byte(&wrong, completion, file, through))
    });
    // Both ways lead to the same bytes when nothing is under way, whichever of those that were allowed they are.
    let differs = || {
        (view.direct != view.stored).then(|| {
            let text = format!("file {file} has other bytes in the storage than around the page cache");
            Violation::new(Kind::Byte, completion, text)
        })
    };
    broken.or_else(differs)
}
