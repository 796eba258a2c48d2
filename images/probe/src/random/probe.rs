//! The probes: one for each profile, and a short one.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use lab_protocol::{Behaviour, ServerSettings};

use super::check::{Failure, check};
use super::conditions::Conditions;
use super::draw;
use super::perform::{Ground, Server, has_uring};
use super::profile::Profile;
use super::shrink::Budget;
use crate::mounted::Mounted;
use crate::probe::{Observation, Probe};
use crate::stage::Stage;

/// Operations of a probe, and of the short one: some seconds under emulation, and less than one.
const OPERATIONS: u32 = 400;
const OPERATIONS_OF_SHORT: u32 = 80;

/// A boot that says nothing for some minutes is taken for hung, and a busy host may need ten seconds for one of the guest.
const BUDGET: Budget = Budget { runs: 300, time: Duration::from_secs(15) };

/// Guest time for a sequence with all runs in which it is shrunk, seconds.
const LIMIT_S: u64 = 300;

const WHY: &str =
    "what nobody thought of: each byte, count, size and error is held against what a kernel owes its callers";

/// All of them.
pub(crate) fn probes() -> Vec<Probe> {
    let short = probe("random-short", Profile::Aio, OPERATIONS_OF_SHORT).quick();
    let probes = Profile::ALL.into_iter().map(|profile| probe(profile.name(), profile, OPERATIONS));
    std::iter::once(short).chain(probes).collect()
}

fn probe(name: &str, profile: Profile, operations: u32) -> Probe {
    let run = move |stage: &mut Stage<'_>| {
        let (storage, mount, seed) = (stage.storage().to_owned(), stage.path(""), stage.seed);
        observe(stage.mounted, &storage, &mount, profile, seed, operations)
    };
    Probe::new(name, profile.title(), WHY, run).latency_us(0).limit_s(LIMIT_S)
}

fn observe(
    mounted: &mut Mounted,
    storage: &Path,
    mount: &Path,
    profile: Profile,
    seed: u64,
    operations: u32,
) -> anyhow::Result<Observation> {
    let mut sequence = draw::sequence(profile, seed, operations);
    let missing = profile.uses_uring() && !has_uring().context("making a ring")?;
    if missing {
        sequence = sequence.without_uring();
    }
    let without = if missing { ", without io_uring, which this kernel has not" } else { "" };
    let failure = check(&mut Ground::new(mount, storage, mounted), &sequence, BUDGET)?;
    let Some(failure) = failure else {
        return Ok(Observation::new(format!("keeps every byte in {operations} operations{without}")));
    };
    let again = format!("probe random --profile {} --seed {seed} --operations {operations}", profile.name());
    Ok(said(profile, &failure, again))
}

/// What is said of a failure.
fn said(profile: Profile, failure: &Failure, again: String) -> Observation {
    let line = failure.to_string();
    let observation = Observation::new(failure.kind().observed());
    let details = [again, format!("shrunk in {} runs:", failure.shrunk.runs)];
    let details = details.into_iter().chain(failure.lines());
    // What kernels are known to do is a matter of the table, not a fault of whatever is tried.
    if profile.shows(failure.kind()) {
        return observation.details([line]).details(details);
    }
    observation.fault_if_any(Some(line)).details(details)
}

impl Server for Mounted {
    fn behave(&mut self, conditions: &Conditions) -> anyhow::Result<()> {
        Mounted::behave(self, &behaviour(conditions))
    }
}

fn behaviour(conditions: &Conditions) -> Behaviour {
    let mut settings = ServerSettings::example();
    conditions.apply(&mut settings);
    settings.behaviour()
}
