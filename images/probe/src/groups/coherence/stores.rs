//! A store to a mapping while a direct write of the same page is under way: which of the two stands at the end.

use std::time::{Duration, Instant};

use lab_protocol::Effect;
use lab_protocol::random::splitmix64;
use rustix::fs::OFlags;

use super::meanwhile::{MEETINGS, Meeting, REST};
use crate::clock;
use crate::memory::PAGE;
use crate::observe::{self, Range};
use crate::outcome::Outcome;
use crate::probe::{Observation, Probe};
use crate::requests::Requests;
use crate::stage::Stage;
use crate::stored::{self, NEW, OLD};
use crate::trials::{self, Call, of_all};
use crate::view::Mapped;

const KIB: u64 = 1 << 10;
/// What is stored.
const MARK: u8 = 0x5a;

/// How much of a page is stored to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Page,
    /// Its first 64 bytes.
    Line,
}

impl Part {
    fn bytes(self) -> usize {
        match self {
            Part::Page => PAGE,
            Part::Line => 64,
        }
    }
}

/// Whose data a page has at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stands {
    /// What was stored, and old data around it: the page as the mapping had it.
    Store,
    /// What was written.
    Write,
    /// What was stored, and what was written around it.
    Both,
}

/// What came of one store.
struct Met {
    outcome: Outcome,
    /// The store was done before the write was.
    meanwhile: bool,
    stands: Option<Stands>,
    fault: Option<String>,
    requests: Requests,
}

pub(super) fn probes() -> Vec<Probe> {
    let why = "whoever mixes the two gets whole pages of one or the other, and never a page of neither";
    let probe = |name: &str, part: Part, call: Call| {
        let what = if call == Call::Sync { "write" } else { "AIO write" };
        let part_of = if part == Part::Page { "all" } else { "64 bytes" };
        let title = format!("direct {what} while {part_of} of one of its pages is stored through a mapping");
        Probe::new(name, title, why, move |stage| all(stage, part, call))
    };
    vec![
        probe("page-stored-during-write", Part::Page, Call::Sync),
        probe("page-stored-during-aio-write", Part::Page, Call::Aio),
        probe("line-stored-during-write", Part::Line, Call::Sync),
        probe("line-stored-during-aio-write", Part::Line, Call::Aio),
    ]
}

fn all(stage: &mut Stage<'_>, part: Part, call: Call) -> anyhow::Result<Observation> {
    let met = MEETINGS.iter().zip(0..).map(|(meeting, trial)| meet(stage, part, call, meeting, trial));
    let met: Vec<Met> = met.collect::<anyhow::Result<_>>()?;
    let stands = |which| of_all(met.iter().filter(|met| met.stands == Some(which)).count());
    let outcomes: Vec<Outcome> = met.iter().map(|met| met.outcome).collect();
    let observed = format!(
        "{}, stored before its end in {}, after fsync the store stands in {}, the write in {}, both in {}",
        trials::returns(&outcomes, &MEETINGS.map(|meeting| meeting.length())),
        of_all(met.iter().filter(|met| met.meanwhile).count()),
        stands(Stands::Store),
        stands(Stands::Write),
        stands(Stands::Both),
    );
    let most = stage.max_background();
    let faults = met.iter().map(|met| met.fault.clone().or_else(|| met.requests.fault(most)));
    let details = met.iter().flat_map(|met| met.requests.lines());
    Ok(trials::observation(observed).fault_if_any(faults.flatten().next()).details(details))
}

/// When and where the store of a trial comes: at least an eighth of a request away from both ends of the first one, which every
/// kernel has at the server then.
fn draw(seed: u64, trial: u64, meeting: &Meeting) -> (Duration, u64) {
    let slow_us = meeting.slow_us;
    let after_us = slow_us / 8 + splitmix64(seed, 2 * trial) % (slow_us * 3 / 4);
    let page = splitmix64(seed, 2 * trial + 1) % (meeting.length() / PAGE as u64);
    (Duration::from_micros(after_us), page)
}

fn meet(stage: &mut Stage<'_>, part: Part, call: Call, meeting: &Meeting, trial: u64) -> anyhow::Result<Met> {
    let range = Range::new(meeting.offset_kib * KIB, meeting.length());
    let size = range.offset + range.length + REST;
    let (after, page) = draw(stage.seed, trial, meeting);
    let at = range.offset + page * PAGE as u64;
    stage.mounted.behave(&trials::behaviour(&[(None, Effect::Delay { us: meeting.slow_us })])?)?;
    let file = stage.file(size)?;
    let mapped = Mapped::new(&file.open_again(OFlags::RDWR)?, size as usize)?;
    let memory = observe::new_data(range)?;
    let begin = Instant::now();
    let (stored_at, outcome, done_at) = std::thread::scope(|scope| {
        let storing = scope.spawn(|| {
            clock::sleep_until_after(begin, after);
            mapped.store(&[MARK; PAGE][..part.bytes()], at);
            Instant::now()
        });
        let outcome = call.write(&file, &memory, range.length, range.offset);
        let done_at = Instant::now();
        let stored_at = storing.join().map_err(|_| anyhow::anyhow!("a thread ended in a panic"))?;
        anyhow::Ok((stored_at, outcome?, done_at))
    })?;
    file.file.sync_all()?;
    let mut content = file.stored_content()?;
    let stands = content.get(at as usize..).and_then(|rest| judge(rest.get(..PAGE)?, at, part));
    // All other pages are as if nobody had stored.
    content.get_mut(at as usize..).into_iter().for_each(|rest| NEW.fill(rest.split_at_mut(PAGE).0, at));
    let other = stored::look(&content, size, range.offset, range.length);
    let whole = other.new == [(range.offset, range.offset + range.length)];
    let lost = (!whole).then(|| format!("pages of {} bytes that nobody stored to are lost", range.length));
    let strange =
        stands.is_none().then(|| format!("the page at {at} is neither what was stored nor written"));
    Ok(Met {
        outcome,
        meanwhile: stored_at < done_at,
        stands,
        fault: strange.or(other.fault()).or(lost),
        requests: stage.requests()?,
    })
}

/// Whose data a page has that begins at byte `at` of the file.
fn judge(page: &[u8], at: u64, part: Part) -> Option<Stands> {
    let (begin, rest) = page.split_at_checked(part.bytes())?;
    let rest_at = at + part.bytes() as u64;
    if NEW.first_difference(page, at).is_none() {
        return Some(Stands::Write);
    }
    if begin.iter().any(|byte| *byte != MARK) {
        return None;
    }
    if OLD.first_difference(rest, rest_at).is_none() {
        return Some(Stands::Store);
    }
    NEW.first_difference(rest, rest_at).is_none().then_some(Stands::Both)
}

#[cfg(test)]
mod tests {
    use lab_protocol::stamp::Stamp;

    use super::*;

    #[test]
    fn stores_come_while_the_first_request_is_at_the_server() {
        for seed in 0..100 {
            for (meeting, trial) in MEETINGS.iter().zip(0..) {
                let (after, page) = draw(seed, trial, meeting);
                let (after, slow) = (after.as_micros() as u64, meeting.slow_us);
                assert!(after >= slow / 8 && after < slow * 7 / 8 + 1, "{after} of {slow} us");
                assert!((page + 1) * PAGE as u64 <= meeting.length());
            }
        }
    }

    #[test]
    fn a_page_is_known_by_its_data() {
        const AT: u64 = 8192;
        let page = |part: Part, rest: Stamp| {
            let mut page = vec![0; PAGE];
            rest.fill(&mut page, AT);
            page[..part.bytes()].fill(MARK);
            page
        };
        let mut written = vec![0; PAGE];
        NEW.fill(&mut written, AT);
        assert_eq!(judge(&written, AT, Part::Page), Some(Stands::Write));
        assert_eq!(judge(&page(Part::Page, OLD), AT, Part::Page), Some(Stands::Store));
        assert_eq!(judge(&page(Part::Line, OLD), AT, Part::Line), Some(Stands::Store));
        assert_eq!(judge(&page(Part::Line, NEW), AT, Part::Line), Some(Stands::Both));
        // A store that came halfway, and data of another place.
        assert_eq!(judge(&page(Part::Line, NEW), AT, Part::Page), None);
        assert_eq!(judge(&written, 0, Part::Page), None);
    }
}
