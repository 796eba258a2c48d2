//! One caller beside a crowd that always has something to do: it must come to its end before they do.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use super::{Direction, MIB, joined};
use crate::clock;
use crate::observe::{Range, not_stored};
use crate::outcome::Outcome;
use crate::probe::{Observation, Probe};
use crate::stage::Stage;

/// How many callers are in the crowd.
const CROWD: usize = 8;
/// How often each of them calls: all together many times as long as the one takes.
const ROUNDS: usize = 30;
/// What they read or write, four requests.
const THEIRS: Range = Range { offset: 0, length: MIB / 2 };
/// What the one reads or writes: none of it is theirs.
const OWN: Range = Range { offset: 2 * MIB, length: 2 * MIB };
/// How long is waited before a look at how far they are.
const PAUSE: Duration = Duration::from_micros(100);
/// The size of each file.
const SIZE: u64 = 4 * MIB;

/// Which file the one uses.
#[derive(Clone, Copy, PartialEq, Eq)]
enum File {
    Same,
    Other,
}

pub(super) fn probes() -> Vec<Probe> {
    use Direction::{Read, Write};
    let cases = [
        (Read, Write, File::Other),
        (Read, Write, File::Same),
        (Write, Read, File::Other),
        (Write, Read, File::Same),
        (Write, Write, File::Same),
    ];
    cases.map(|(theirs, own, file)| probe(theirs, own, file)).into()
}

fn probe(theirs: Direction, own: Direction, file: File) -> Probe {
    let (they, one) = (theirs.name(), own.name());
    let (suffix, which) = match file {
        File::Same => ("-same-file", "the same file"),
        File::Other => ("", "another file"),
    };
    Probe::new(
        format!("crowd-of-{they}s-and-{one}{suffix}"),
        format!("{one} of 2 MiB beside 8 callers who {they} {which} all the time"),
        "whoever waits for room in max_background, or for the lock of a file, gets it in turn",
        move |stage| beside_a_crowd(stage, theirs, own, file),
    )
}

fn beside_a_crowd(
    stage: &mut Stage<'_>,
    theirs: Direction,
    own: Direction,
    which: File,
) -> anyhow::Result<Observation> {
    let crowded = stage.file(SIZE)?;
    let other = match which {
        File::Same => None,
        File::Other => Some(stage.file(SIZE)?),
    };
    let file = other.as_ref().unwrap_or(&crowded);
    let memory = own.memory(OWN)?;
    let ended = AtomicUsize::new(0);
    let caller = || -> anyhow::Result<(usize, Option<String>)> {
        let memory = theirs.memory(THEIRS)?;
        let (mut whole, mut fault) = (0, None);
        for _ in 0..ROUNDS {
            let (outcome, wrong) = theirs.transfer(&crowded, &memory, THEIRS, SIZE);
            whole += usize::from(outcome == Outcome::Bytes(THEIRS.length));
            fault = fault.or(wrong);
            ended.fetch_add(1, Relaxed);
        }
        Ok((whole, fault))
    };
    let ((outcome, wrong), before, crowd) = std::thread::scope(|scope| {
        let crowd: Vec<_> = (0..CROWD).map(|_| scope.spawn(caller)).collect();
        // Each of them is at work.
        while ended.load(Relaxed) < CROWD {
            clock::pause(PAUSE);
        }
        let done = own.transfer(file, &memory, OWN, SIZE);
        let before = ended.load(Relaxed);
        let crowd = crowd.into_iter().map(|thread| joined(thread.join())?).collect::<anyhow::Result<_>>();
        anyhow::Ok((done, before, crowd?))
    })?;
    let crowd: Vec<(usize, Option<String>)> = crowd;
    let whole: usize = crowd.iter().map(|(whole, _)| whole).sum();
    let order = if before < CROWD * ROUNDS { "before" } else { "after" };
    let requests = stage.requests()?;
    let stored = match own {
        Direction::Read => None,
        Direction::Write => {
            // What the crowd wrote is as good as what was there.
            let stored = file.stored(0, SIZE)?;
            not_stored(outcome, &stored.new, OWN).or(stored.fault())
        }
    };
    let observed = format!(
        "returns {} {order} the last of them, whose calls are whole {whole} times of {}",
        outcome.words(),
        CROWD * ROUNDS
    );
    Ok(Observation::new(observed)
        .fault_if_any(wrong)
        .fault_if_any(crowd.into_iter().find_map(|(_, fault)| fault))
        .fault_if_any(stored)
        .fault_if_any(requests.fault(stage.max_background().max(CROWD as u32 + 1))))
}
