//! A page that is cached while a direct write of it is under way.

use std::time::{Duration, Instant};

use lab_protocol::Effect;
use rustix::fs::OFlags;

use crate::clock;
use crate::memory::PAGE;
use crate::observe::{self, Range};
use crate::outcome::Outcome;
use crate::probe::{Observation, Probe};
use crate::requests::Requests;
use crate::stage::Stage;
use crate::stored::{NEW, OLD};
use crate::trials::{self, Call, TRIALS, of_all};
use crate::view::{Mapped, View};

const KIB: u64 = 1 << 10;
/// What is behind the write in the file.
pub(super) const REST: u64 = 128 * KIB;

/// One way for a reader to meet a write.
pub(super) struct Meeting {
    /// Where the write begins, KiB.
    pub(super) offset_kib: u64,
    /// How long it is, requests of 128 KiB. All of them are fewer than `max_background`, which the reader's request needs too.
    chunks: u64,
    /// How long each of its requests takes, microseconds.
    pub(super) slow_us: u64,
    /// Where the reader looks, KiB from there.
    look_kib: u64,
    /// When, microseconds after the begin.
    after_us: u64,
}

pub(super) const MEETINGS: [Meeting; TRIALS] = [
    Meeting { offset_kib: 0, chunks: 1, slow_us: 4_000, look_kib: 0, after_us: 1_000 },
    Meeting { offset_kib: 256, chunks: 2, slow_us: 4_000, look_kib: 128, after_us: 1_000 },
    Meeting { offset_kib: 4, chunks: 3, slow_us: 6_000, look_kib: 380, after_us: 2_000 },
    Meeting { offset_kib: 128, chunks: 4, slow_us: 3_000, look_kib: 300, after_us: 1_500 },
    Meeting { offset_kib: 60, chunks: 5, slow_us: 8_000, look_kib: 0, after_us: 500 },
    Meeting { offset_kib: 512, chunks: 6, slow_us: 5_000, look_kib: 700, after_us: 3_000 },
    Meeting { offset_kib: 36, chunks: 7, slow_us: 2_500, look_kib: 64, after_us: 1_000 },
    Meeting { offset_kib: 64, chunks: 8, slow_us: 10_000, look_kib: 512, after_us: 6_000 },
];

/// How the reader looks at the file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    Read,
    Load,
}

/// What came of one meeting.
struct Met {
    outcome: Outcome,
    /// The reader had old data before the write.
    old_before: bool,
    /// It got old data while the write was under way.
    old_meanwhile: bool,
    /// It gets old data when the write is done.
    stale: bool,
    fault: Option<String>,
    requests: Requests,
}

pub(super) fn probes() -> Vec<Probe> {
    let why =
        "pages are dropped before a write, and a reader may cache the old data again while it is under way";
    let probe = |name: &str, reader: Reader, call: Call| {
        let by = if reader == Reader::Read { "by read(2)" } else { "by a page fault" };
        let what = if call == Call::Sync { "write" } else { "AIO write" };
        let title = format!("direct {what} of a page that is cached {by} meanwhile");
        Probe::new(name, title, why, move |stage| all(stage, reader, call))
    };
    vec![
        probe("cached-during-write", Reader::Read, Call::Sync),
        probe("cached-during-aio-write", Reader::Read, Call::Aio),
        probe("faulted-during-write", Reader::Load, Call::Sync),
        probe("faulted-during-aio-write", Reader::Load, Call::Aio),
    ]
}

fn all(stage: &mut Stage<'_>, reader: Reader, call: Call) -> anyhow::Result<Observation> {
    let met = MEETINGS.iter().map(|meeting| meet(stage, reader, call, meeting));
    let met: Vec<Met> = met.collect::<anyhow::Result<_>>()?;
    let number = |what: fn(&Met) -> bool| of_all(met.iter().filter(|met| what(met)).count());
    let outcomes: Vec<Outcome> = met.iter().map(|met| met.outcome).collect();
    let lengths = MEETINGS.map(|meeting| meeting.length());
    let requests: Vec<Requests> = met.iter().map(|met| met.requests.clone()).collect();
    let observed = format!(
        "{}, old data before in {}, meanwhile in {}, stale in {}, {}",
        trials::returns(&outcomes, &lengths),
        number(|met| met.old_before),
        number(|met| met.old_meanwhile),
        number(|met| met.stale),
        trials::writes(&requests),
    );
    let most = stage.max_background();
    let faults = met.iter().map(|met| met.fault.clone().or_else(|| met.requests.fault(most)));
    let details = met.iter().flat_map(|met| met.requests.lines());
    Ok(trials::observation(observed).fault_if_any(faults.flatten().next()).details(details))
}

impl Meeting {
    pub(super) fn length(&self) -> u64 {
        self.chunks * 128 * KIB
    }
}

fn meet(stage: &mut Stage<'_>, reader: Reader, call: Call, meeting: &Meeting) -> anyhow::Result<Met> {
    let range = Range::new(meeting.offset_kib * KIB, meeting.length());
    let size = range.offset + range.length + REST;
    let look = range.offset + meeting.look_kib * KIB;
    stage.mounted.behave(&trials::behaviour(&[(None, Effect::Delay { us: meeting.slow_us })])?)?;
    let file = stage.file(size)?;
    let other = file.open_again(OFlags::RDWR)?;
    let view = match reader {
        Reader::Read => View::Buffered(other),
        Reader::Load => View::Mapped(Mapped::new(&other, size as usize)?),
    };
    let is_old = |content: &[u8]| OLD.first_difference(content, look).is_none();
    let old_before = is_old(&view.look(look, PAGE)?);
    let memory = observe::new_data(range)?;
    let begin = Instant::now();
    let (seen, seen_at, outcome, done_at) = std::thread::scope(|scope| {
        let meanwhile = scope.spawn(|| {
            clock::sleep_until_after(begin, Duration::from_micros(meeting.after_us));
            (view.look(look, PAGE), Instant::now())
        });
        let outcome = call.write(&file, &memory, range.length, range.offset);
        let done_at = Instant::now();
        let (seen, seen_at) = meanwhile.join().map_err(|_| anyhow::anyhow!("a thread ended in a panic"))?;
        anyhow::Ok((seen?, seen_at, outcome?, done_at))
    })?;
    let after = view.look(range.offset, range.length as usize)?;
    let (stale, wrong) = judge(&after, range.offset);
    let stored = file.stored(range.offset, range.length)?;
    let lost = (stored.new != [(range.offset, range.offset + range.length)])
        .then(|| format!("of {} bytes not all are stored", range.length));
    Ok(Met {
        outcome,
        old_before,
        old_meanwhile: is_old(&seen) && seen_at < done_at,
        stale,
        fault: wrong.or_else(|| stored.fault()).or(lost),
        requests: stage.requests()?,
    })
}

/// Whether a page of what is seen after a write is old, and what is wrong if one is neither old nor new.
fn judge(content: &[u8], offset: u64) -> (bool, Option<String>) {
    let mut stale = false;
    for (at, page) in (offset..).step_by(PAGE).zip(content.chunks(PAGE)) {
        if NEW.first_difference(page, at).is_none() {
            continue;
        }
        if let Some(wrong) = OLD.first_difference(page, at) {
            return (stale, Some(format!("the page cache has neither old nor new data at byte {wrong}")));
        }
        stale = true;
    }
    (stale, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_find_room_and_look_inside_the_write_before_it_ends() {
        for meeting in &MEETINGS {
            assert!(meeting.chunks + 2 <= 12 && meeting.after_us < meeting.slow_us);
            assert!(meeting.look_kib * KIB + PAGE as u64 <= meeting.length());
        }
    }

    #[test]
    fn one_old_page_is_stale_and_a_strange_one_is_a_fault() {
        let mut content = vec![0; 4 * PAGE];
        NEW.fill(&mut content, 8192);
        assert_eq!(judge(&content, 8192), (false, None));
        OLD.fill(&mut content[PAGE..2 * PAGE], 8192 + PAGE as u64);
        assert_eq!(judge(&content, 8192), (true, None));
        content[PAGE + 9] ^= 1;
        assert!(judge(&content, 8192).1.is_some_and(|fault| fault.ends_with("12297")));
    }
}
