//! The boots of a campaign: side by side where the clock allows it, each written down when it ends.

mod attempt;
mod gate;
mod going;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError, RwLock};

use anyhow::bail;
use lab_core::campaign::{CampaignFile, Company, Ended, Losses, Record, Try, due, missing};
use lab_core::evidence::outcome::Outcome;
use lab_core::evidence::{klog, known};
use lab_core::plan::{BootStep, Clock, Plan, SideBySide};
use lab_core::text::escape::escape_for_terminal;
use lab_protocol::{Failure, Nonce};

use crate::campaign::CampaignFolder;
use crate::campaign::profile::Profiler;
use crate::lab::cache::Cache;
use crate::lab::interrupt::{Interrupt, command_text};
use crate::lab::output;
use crate::lab::process::logged::last_lines;
use crate::machine::boot::{Machine, Pinning};
use attempt::run_attempt;
pub(crate) use gate::take_cpus;
use going::Going;

/// How often a lost boot is tried in one run of the lab.
const ATTEMPTS: u32 = 3;

/// How long boots take that finish, in seconds, by variant and scenario.
pub(crate) type TypicalTimes = BTreeMap<(String, String), f64>;

/// What every boot of a campaign needs.
#[derive(Debug)]
pub(crate) struct BootContext<'a> {
    /// Where temporary files go.
    pub cache: &'a Cache,
    /// Where records go.
    pub folder: &'a CampaignFolder,
    /// The campaign.
    pub file: &'a CampaignFile,
    /// The virtual machine.
    pub machine: Machine,
    /// How many boots run at a time.
    pub side_by_side: SideBySide,
    /// How long earlier boots like those of the campaign took.
    pub typical: TypicalTimes,
    /// The CPUs of the host that its boots are bound to.
    pub pinning: Pinning,
    /// The image.
    pub image: PathBuf,
    /// bzImage of each variant, in the order of `file.kernels`.
    pub kernel_images: Vec<PathBuf>,
    /// What counts the instructions of each boot; none if they are not counted.
    pub profiler: Option<Profiler>,
    /// After how many probes that fail no further one begins; none to run all.
    pub enough_failures: Option<u32>,
    /// What a boot that was run before takes over from then; none for a new one.
    pub again: Option<Again>,
    /// What its boots do instead of their work, so that they fail; none for any other boot.
    pub failure: Option<Failure>,
    /// Whether the user asked to stop.
    pub interrupt: &'a Interrupt,
}

/// A boot that was run before.
#[derive(Clone, Debug)]
pub(crate) struct Again {
    /// Its nonce, which is on its console.
    pub nonce: Nonce,
    /// The socket on which it waits for a debugger; none to start at once.
    pub debugger: Option<PathBuf>,
}

/// What boots of one run know of each other.
#[derive(Debug, Default)]
pub(crate) struct Neighbours {
    /// Held for reading by boots that run beside others, and for writing by one that runs alone.
    beside: RwLock<()>,
    losses: Mutex<Losses>,
}

impl Neighbours {
    /// Notes how a boot ended.
    ///
    /// # Errors
    /// If the host lacks something, so that no other boot is worth a try.
    fn note(&self, record: &Record, company: Company) -> anyhow::Result<()> {
        let mut losses = self.losses.lock().unwrap_or_else(PoisonError::into_inner);
        match losses.note(record, company) {
            Some(why) => bail!("{why}; then run again: {}", command_text()),
            None => Ok(()),
        }
    }
}

/// How a run of boots ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CampaignEnd {
    /// Every step has its result, or was lost too often.
    Complete,
    /// The user stopped it.
    Interrupted,
}

/// Runs what a campaign lacks beside `tries`, and writes a record for each.
///
/// # Errors
/// If a record cannot be written: the results would be lost, so no further boot is started.
pub(crate) fn run(context: &BootContext<'_>, tries: Vec<Try>) -> anyhow::Result<CampaignEnd> {
    let neighbours = Neighbours::default();
    let plan = &context.file.plan;
    let told = Mutex::new(BTreeSet::new());
    let tell = |record: &Record| {
        output::tell(&progress_line(record, plan.boots.len()));
        if !matches!(record.outcome, Outcome::Finished) {
            let is_new = told
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(record.outcome.reason().to_owned());
            output::tell(&from_console(context, record, is_new));
        }
    };
    let going = Going::new(plan, &tries, context.side_by_side.boots, &context.typical);
    let run = |step: &BootStep, company| {
        going.begins(step);
        let ended = run_and_note(context, &neighbours, step, company, tell);
        going.ends(step, ended.as_ref().ok().and_then(Option::as_ref));
        ended
    };
    match context.machine.clock {
        Clock::Virtual => run_side_by_side(context, &neighbours, &tries, &run)?,
        Clock::Wall => run_in_turn(&context.file.plan, tries, context.interrupt, &run)?,
    }
    Ok(if context.interrupt.is_set() { CampaignEnd::Interrupted } else { CampaignEnd::Complete })
}

/// Runs a boot once; none if the user stopped it.
type Run<'a> = dyn Fn(&BootStep, Company) -> anyhow::Result<Option<Record>> + Sync + 'a;

fn run_side_by_side(
    context: &BootContext<'_>,
    neighbours: &Neighbours,
    tries: &[Try],
    run: &Run<'_>,
) -> anyhow::Result<()> {
    let steps: VecDeque<BootStep> = missing(&context.file.plan, tries).into_iter().cloned().collect();
    let queue = Mutex::new(steps);
    let failed: Mutex<Option<anyhow::Error>> = Mutex::new(None);
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let failure = || failed.lock().unwrap_or_else(PoisonError::into_inner);
    std::thread::scope(|scope| {
        for _ in 0..context.side_by_side.boots {
            scope.spawn(|| {
                while !context.interrupt.is_set()
                    && failure().is_none()
                    && let Some(step) = next()
                {
                    if let Err(error) = run_step(neighbours, &step, run) {
                        failure().get_or_insert(error);
                    }
                }
            });
        }
    });
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// Runs one boot among `neighbours`, and says nothing; none if the user stopped it.
///
/// # Errors
/// If its record cannot be written, or the host lacks something.
pub(crate) fn run_one(
    context: &BootContext<'_>,
    neighbours: &Neighbours,
    step: &BootStep,
) -> anyhow::Result<Option<Record>> {
    run_step(neighbours, step, &|step, company| run_and_note(context, neighbours, step, company, |_| ()))
}

/// Runs a boot once, however it ends; none if the user stopped it before it began.
///
/// # Errors
/// If its record cannot be written.
pub(crate) fn run_once(context: &BootContext<'_>, step: &BootStep) -> anyhow::Result<Option<Record>> {
    run_attempt(context, step)
}

/// Runs a boot until it has a result, or was lost too often: the last one; none if the user stopped it. One that was lost is
/// run again alone, since what it lacked may be what others took: memory.
fn run_step(neighbours: &Neighbours, step: &BootStep, run: &Run<'_>) -> anyhow::Result<Option<Record>> {
    let mut last = None;
    for _ in 0..ATTEMPTS {
        let tried = match last {
            None => {
                let _beside = neighbours.beside.read().unwrap_or_else(PoisonError::into_inner);
                run(step, Company::Beside)?
            }
            Some(_) => {
                let _alone = neighbours.beside.write().unwrap_or_else(PoisonError::into_inner);
                run(step, Company::Alone)?
            }
        };
        let Some(record) = tried else { return Ok(None) };
        let is_lost = matches!(record.outcome, Outcome::Lost { .. });
        last = Some(record);
        if !is_lost {
            break;
        }
    }
    Ok(last)
}

/// One boot after the other; what each try showed decides about the next.
fn run_in_turn(plan: &Plan, mut tries: Vec<Try>, interrupt: &Interrupt, run: &Run<'_>) -> anyhow::Result<()> {
    let mut losses = BTreeMap::<u32, u32>::new();
    let mut given_up = BTreeSet::new();
    while !interrupt.is_set()
        && let Some(step) = due(plan, &tries, &given_up)
    {
        let Some(record) = run(step, Company::Alone)? else { break };
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
    Ok(())
}

/// Runs a boot, says how it went, and notes it among its neighbours; none if the user stopped it.
fn run_and_note(
    context: &BootContext<'_>,
    neighbours: &Neighbours,
    step: &BootStep,
    company: Company,
    tell: impl Fn(&Record),
) -> anyhow::Result<Option<Record>> {
    let record = run_attempt(context, step)?.filter(|_| !context.interrupt.is_set());
    if let Some(record) = &record {
        tell(record);
        neighbours.note(record, company)?;
    }
    Ok(record)
}

/// How many lines of a report of the kernel are shown.
const REPORT_LINES: usize = 10;

/// Of a boot that did not end well where its console is; and, if no other boot had this reason, what the kernel reported there, or else
/// its last lines.
fn from_console(context: &BootContext<'_>, record: &Record, is_new: bool) -> String {
    let console = context.folder.console(&record.boot, record.attempt);
    let mut shown = Vec::new();
    if is_new {
        let bytes = std::fs::read(&console).unwrap_or_default();
        let known = &context.file.plan.known;
        let mut findings = klog::findings(&bytes).into_iter();
        shown = match findings.find(|finding| known::find(known, finding).is_none()) {
            Some(finding) => finding.text.lines().take(REPORT_LINES).map(str::to_owned).collect(),
            None => last_lines(&String::from_utf8_lossy(&bytes)),
        };
    }
    let lines: String = shown.iter().map(|line| format!("  {}\n", escape_for_terminal(line))).collect();
    format!("{lines}  console: {}", console.display())
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
        line.push_str(&escape_for_terminal(outcome.reason()));
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

    /// Boots of a plan that end by `script`, and well after it: what was run, each with how it ended.
    fn played(script: &str, run_all: impl Fn(&Plan, &Run<'_>) -> anyhow::Result<()>) -> String {
        let built = campaign(Clock::Wall, &two_arms());
        let played = Mutex::new((script.chars(), String::new()));
        let run = |step: &BootStep, company: Company| {
            let mut played = played.lock().unwrap();
            let letter = played.0.next().unwrap_or('f');
            let alone = if company == Company::Alone { "!" } else { "" };
            played.1 += &format!("{}{letter}{alone} ", step.number);
            let reason = "test".to_owned();
            let outcome = match letter {
                'i' => return Ok(None),
                'e' => anyhow::bail!("the disk is full"),
                'l' => Outcome::Lost { reason },
                'b' => Outcome::Broken { reason },
                'h' => Outcome::Hung { reason },
                _ => Outcome::Finished,
            };
            Ok(Some(Record { outcome, boot: step.clone(), ..built.boots[0].record.clone() }))
        };
        let ended = run_all(&built.file.plan, &run);
        let shown = played.into_inner().unwrap().1.trim_end().to_owned();
        shown + &ended.err().map(|error| format!(": {error}")).unwrap_or_default()
    }

    #[test]
    fn a_lost_boot_is_tried_three_times_then_alone_and_no_other_twice() {
        for (script, expected) in [
            ("f", "1f"),
            ("b", "1b"),
            ("h", "1h"),
            ("lf", "1l 1f!"),
            ("llb", "1l 1l! 1b!"),
            ("llll", "1l 1l! 1l!"),
            ("li", "1l 1i!"),
            ("le", "1l 1e!: the disk is full"),
        ] {
            assert_eq!(
                played(script, |plan, run| run_step(&Neighbours::default(), &plan.boots[0], run).map(drop)),
                expected,
                "{script}"
            );
        }
    }

    #[test]
    fn in_turn_a_boot_that_is_lost_too_often_is_given_up() {
        let interrupt = Interrupt::default();
        for (script, expected) in [
            ("", "1f! 2f! 3f! 4f!"),
            ("lll", "1l! 1l! 1l! 2f! 3f! 4f!"),
            ("fi", "1f! 2i!"),
            ("fe", "1f! 2e!: the disk is full"),
        ] {
            let run_all = |plan: &Plan, run: &Run<'_>| run_in_turn(plan, Vec::new(), &interrupt, run);
            assert_eq!(played(script, run_all), expected, "{script}");
        }
        interrupt.set();
        assert_eq!(played("", |plan, run| run_in_turn(plan, Vec::new(), &interrupt, run)), "");
    }

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
