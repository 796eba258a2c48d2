//! The boots of a campaign: side by side where the clock allows it, each written down when it ends.

mod attempt;
mod gate;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use lab_core::campaign::{CampaignFile, Ended, Record, Try, due, missing};
use lab_core::evidence::outcome::Outcome;
use lab_core::plan::{BootStep, Clock};

use crate::campaign::CampaignFolder;
use crate::lab::cache::Cache;
use crate::lab::interrupt::Interrupt;
use crate::machine::boot::{Machine, Pinning};
use attempt::run_attempt;
pub(crate) use gate::take_cpus;

/// How often a lost boot is tried in one run of the lab.
const ATTEMPTS: u32 = 3;

/// What every boot of a campaign needs.
#[derive(Debug)]
pub(crate) struct Bench<'a> {
    /// Where temporary files go.
    pub cache: &'a Cache,
    /// Where records go.
    pub folder: &'a CampaignFolder,
    /// The campaign.
    pub file: &'a CampaignFile,
    /// The virtual machine.
    pub machine: Machine,
    /// The CPUs of the host that its boots are bound to.
    pub pinning: Pinning,
    /// The image.
    pub image: PathBuf,
    /// bzImage of each variant, in the order of `file.kernels`.
    pub bzimages: Vec<PathBuf>,
    /// Whether the user asked to stop.
    pub interrupt: &'a Interrupt,
}

/// How a run of boots ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Every step has its result, or was lost too often.
    Complete,
    /// The user stopped it.
    Interrupted,
}

/// Runs what a campaign lacks beside `tries`, and writes a record for each.
///
/// # Errors
/// If a record cannot be written: the results would be lost, so no further boot is started.
pub(crate) fn run(bench: &Bench<'_>, tries: Vec<Try>) -> anyhow::Result<Progress> {
    match bench.machine.clock {
        Clock::Virtual => run_side_by_side(bench, &tries),
        Clock::Wall => run_in_turn(bench, tries),
    }
}

/// How many boots of a plan run at a time. With the virtual clock the host's load does not show in the guest: one boot
/// per CPU. Real time is shared: one.
pub(crate) fn boots_side_by_side(clock: Clock, host_cpus: u32) -> u32 {
    match clock {
        Clock::Virtual => host_cpus,
        Clock::Wall => 1,
    }
}

fn run_side_by_side(bench: &Bench<'_>, tries: &[Try]) -> anyhow::Result<Progress> {
    let steps: VecDeque<BootStep> = missing(&bench.file.plan, tries).into_iter().cloned().collect();
    let queue = Mutex::new(steps);
    let failed: Mutex<Option<anyhow::Error>> = Mutex::new(None);
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let failure = || failed.lock().unwrap_or_else(PoisonError::into_inner);
    std::thread::scope(|scope| {
        for _ in 0..boots_side_by_side(bench.machine.clock, bench.file.host.cpus) {
            scope.spawn(|| {
                while !bench.interrupt.is_set()
                    && failure().is_none()
                    && let Some(step) = next()
                {
                    if let Err(error) = run_step(bench, &step) {
                        failure().get_or_insert(error);
                    }
                }
            });
        }
    });
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => Ok(progress(bench)),
    }
}

fn progress(bench: &Bench<'_>) -> Progress {
    if bench.interrupt.is_set() { Progress::Interrupted } else { Progress::Complete }
}

fn run_step(bench: &Bench<'_>, step: &BootStep) -> anyhow::Result<()> {
    for _ in 0..ATTEMPTS {
        let Some(record) = run_and_tell(bench, step)? else { break };
        if !matches!(record.outcome, Outcome::Lost { .. }) {
            break;
        }
    }
    Ok(())
}

/// One boot after the other; what each try showed decides about the next.
fn run_in_turn(bench: &Bench<'_>, mut tries: Vec<Try>) -> anyhow::Result<Progress> {
    let plan = &bench.file.plan;
    let mut losses = BTreeMap::<u32, u32>::new();
    let mut given_up = BTreeSet::new();
    while !bench.interrupt.is_set()
        && let Some(step) = due(plan, &tries, &given_up)
    {
        let Some(record) = run_and_tell(bench, step)? else { break };
        let tried = Try::of(&record);
        if tried.ended == Ended::Lost {
            let count = losses.entry(step.number).or_default();
            *count += 1;
            if *count == ATTEMPTS {
                given_up.insert(step.number);
            }
        }
        tries.push(tried);
    }
    Ok(progress(bench))
}

/// Runs a boot and says how it went; none if the user stopped it.
fn run_and_tell(bench: &Bench<'_>, step: &BootStep) -> anyhow::Result<Option<Record>> {
    let record = run_attempt(bench, step)?.filter(|_| !bench.interrupt.is_set());
    if let Some(record) = &record {
        eprintln!("{}", progress_line(record, bench.file.plan.boots.len()));
    }
    Ok(record)
}

fn progress_line(record: &Record, total: usize) -> String {
    let (step, outcome) = (&record.boot, &record.outcome);
    let mut line = format!(
        "boot {:>3}/{total}  {} / {} {}#{}  {} in {:.1} s",
        step.number,
        step.variant,
        step.scenario,
        if step.is_warm_up() { "warm-up " } else { "" },
        step.repetition,
        outcome.word(),
        record.wall_s
    );
    if record.attempt > 1 {
        line.push_str(&format!(" (try {})", record.attempt));
    }
    if !outcome.reason().is_empty() {
        line.push_str(": ");
        line.push_str(&lab_core::text::escape::escape_for_terminal(outcome.reason()));
    }
    if record.is_disturbed() {
        line.push_str(&format!("; disturbed: {}", record.disturbances().join(", ")));
    }
    line
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use lab_core::evidence::quiet::HostState;
    use lab_core::fixtures::{campaign, two_arms};

    use super::*;

    #[test]
    fn progress_lines() {
        let first = campaign(Clock::Wall, &two_arms()).boots[0].record.clone();
        let check = |record: Record, expected: Expect| expected.assert_eq(&progress_line(&record, 12));
        check(first.clone(), expect!["boot   1/12  original / slow #1  finished in 5.0 s"]);
        let disturbed = vec!["other processes use 40 % of the time (limit 10 %)".to_owned()];
        let host = Some(HostState { disturbed, ..HostState::default() });
        check(
            Record { attempt: 2, host, ..first.clone() },
            expect![
                "boot   1/12  original / slow #1  finished in 5.0 s (try 2); disturbed: other processes use 40 % of the time (limit 10 %)"
            ],
        );
        let outcome = Outcome::Lost { reason: "no \u{1b}[31mQEMU".to_owned() };
        let boot = BootStep { warm_up: true, ..first.boot.clone() };
        check(
            Record { outcome, boot, ..first },
            expect![[r#"boot   1/12  original / slow warm-up #1  lost in 5.0 s: no \x1b[31mQEMU"#]],
        );
    }
}
