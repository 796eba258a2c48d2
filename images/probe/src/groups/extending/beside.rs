//! A truncation beside a write past the end: it waits, and counts.

use std::time::Instant;

use anyhow::Context as _;
use lab_protocol::Effect;
use rustix::fs::OFlags;

use super::{Begin, Case, GROWTHS, Growth, KIB, OTHERS, counted};
use crate::clock;
use crate::fixture::Fixture;
use crate::observe;
use crate::outcome::Outcome;
use crate::probe::{Observation, Probe};
use crate::requests::Requests;
use crate::stage::Stage;
use crate::trials::{self, Call};

/// Where the file is cut, KiB behind its old end: in the middle of what is written.
const CUT_KIB: u64 = 200;

/// What came of one write.
struct Cut {
    outcome: Outcome,
    /// The server was asked to truncate after its last answer to a WRITE.
    waited: bool,
    /// The file ends where it was cut.
    size_right: bool,
    /// What is behind the old end is the write's if it succeeded, and zeros otherwise.
    tail_right: bool,
    fault: Option<String>,
    requests: Requests,
}

pub(super) fn probes() -> Vec<Probe> {
    let why = "a write past the end has the inode for itself until its size is settled";
    let probe = |name: &str, call, fails| {
        let case = Case { call, begin: Begin::AtEnd, fails };
        let title = format!("{}, beside an ftruncate", case.title());
        Probe::new(format!("growing-{name}"), title, why, move |stage| all(stage, case))
            .on(Fixture::FreshAttributes)
    };
    vec![
        probe("write-cut", Call::Sync, None),
        probe("write-eio-cut", Call::Sync, Some(Effect::Eio)),
        probe("aio-cut", Call::Aio, None),
        probe("aio-eio-cut", Call::Aio, Some(Effect::Eio)),
    ]
}

fn all(stage: &mut Stage<'_>, case: Case) -> anyhow::Result<Observation> {
    let cut = GROWTHS.iter().map(|growth| grow_and_cut(stage, case, growth));
    let cut: Vec<Cut> = cut.collect::<anyhow::Result<_>>()?;
    let outcomes: Vec<Outcome> = cut.iter().map(|cut| cut.outcome).collect();
    let requests: Vec<Requests> = cut.iter().map(|cut| cut.requests.clone()).collect();
    let number = |what: &str, is_so: fn(&Cut) -> bool| counted(what, cut.iter().map(is_so));
    let parts = [
        super::calls(&outcomes, case),
        number("ftruncate waits", |cut| cut.waited),
        number("size right", |cut| cut.size_right),
        number("tail right", |cut| cut.tail_right),
        super::server(&requests, Some(GROWTHS.map(|growth| cut_at(&growth)))),
    ];
    let most = stage.max_background();
    let faults = cut.iter().map(|cut| cut.fault.clone().or_else(|| cut.requests.fault(most)));
    let details = cut.iter().flat_map(|cut| cut.requests.lines());
    Ok(trials::observation(parts.join(", ")).fault_if_any(faults.flatten().next()).details(details))
}

fn cut_at(growth: &Growth) -> u64 {
    (growth.old_kib + CUT_KIB) * KIB
}

fn grow_and_cut(stage: &mut Stage<'_>, case: Case, growth: &Growth) -> anyhow::Result<Cut> {
    let (range, old) = (case.range(growth), growth.old_kib * KIB);
    let cut = cut_at(growth);
    stage.mounted.behave(&case.behaviour(growth)?)?;
    let file = stage.file(old)?;
    let other = file.open_again(OFlags::RDWR)?;
    let memory = observe::new_data(range)?;
    let begin = Instant::now();
    let outcome = std::thread::scope(|scope| {
        let cutting = scope.spawn(|| {
            clock::sleep_until_after(begin, OTHERS / 2);
            other.set_len(cut)
        });
        let outcome = case.call.write(&file, &memory, range.length, range.offset);
        let done = cutting.join().map_err(|_| anyhow::anyhow!("a thread ended in a panic"))?;
        done.context("ftruncate(2)")?;
        outcome
    })?;
    let requests = stage.requests()?;
    let stored = file.stored(range.offset, range.length)?;
    let new_end = cut.min(range.offset + outcome.bytes());
    let expected = if new_end > range.offset { vec![(range.offset, new_end)] } else { Vec::new() };
    Ok(Cut {
        outcome,
        waited: comes_last(&requests, cut),
        size_right: file.stored_size()? == cut,
        tail_right: stored.new == expected,
        fault: stored.fault().or(file.size_fault()?),
        requests,
    })
}

/// Whether all WRITEs were answered when the truncation came.
fn comes_last(requests: &Requests, cut: u64) -> bool {
    let cut = requests.all.iter().find(|record| record.size_set() == Some(cut));
    let last = requests.data().map(|record| record.answer_ns).max();
    cut.zip(last).is_some_and(|(cut, last)| cut.arrival_ns >= last)
}
