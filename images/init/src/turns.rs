//! The workloads of a boot: each turn is prepared, run and measured; after the last one their data is checked.

use std::fs::Metadata;
use std::time::Duration;

use anyhow::Context as _;
use lab_protocol::{
    Assignment, ContextSwitches, CpuTime, DataCheck, EndOfProgram, MemoryInUse, Milestone, Perturbation,
    Report, RequestStats, Tool, Turn, WorkloadReport, WorkloadTask,
};

use crate::data::{self, Folders, Kept};
use crate::ledger::Ledger;
use crate::stamp::Files;
use crate::workload::{self, Outcome};
use crate::{mark, system};

/// What workloads have their files on: a FUSE server, a file system of this kernel, or nothing.
pub(crate) trait Ground {
    /// What it has used when a tool starts.
    type Before;

    /// Where the files are.
    const FOLDERS: Folders;

    /// What is left of what is written.
    fn kept(&self) -> Kept;

    /// The files that were stamped.
    fn files(&mut self) -> &mut Files;

    /// Makes sure that the file of a workload is whole, and that nothing of what it was before is seen or still to be done.
    ///
    /// # Errors
    /// If it cannot be written.
    fn ensure_file(&mut self, task: &WorkloadTask) -> anyhow::Result<()>;

    /// Behaves as a sample is to find it.
    ///
    /// # Errors
    /// If that cannot be changed.
    fn perturb(&mut self, perturbation: Option<Perturbation>) -> anyhow::Result<()>;

    /// Brings the machine to rest ([`system::settle`]), and says what was used so far. The tool starts right after it.
    ///
    /// # Errors
    /// If the kernel refuses.
    fn settle(&mut self, phase: Duration) -> anyhow::Result<Self::Before>;

    /// What was used since. It is asked right after the tool's end.
    ///
    /// # Errors
    /// If the kernel does not say.
    fn needed_since(&self, before: Self::Before) -> anyhow::Result<Needed>;

    /// The requests of this turn, where a server counts them.
    ///
    /// # Errors
    /// If it does not say.
    fn requests(&mut self, ledger: &Ledger, turn: Turn) -> anyhow::Result<Option<RequestStats>>;

    /// Makes sure that what is looked at below is what is stored.
    ///
    /// # Errors
    /// If the kernel refuses.
    fn store(&mut self) -> anyhow::Result<()>;

    /// Adds to an error what is known of its cause.
    fn explain(&mut self, error: anyhow::Error) -> anyhow::Error;
}

/// What a workload has needed beside its tool.
#[derive(Debug, Default)]
pub(crate) struct Needed {
    pub(crate) server_cpu: CpuTime,
    pub(crate) server_switches: Option<ContextSwitches>,
    pub(crate) memory: Option<MemoryInUse>,
}

/// All turns, up to the first after which no other can be run.
///
/// # Errors
/// If there is such a one.
pub(crate) fn run(ledger: &Ledger, assignment: &Assignment, ground: &mut impl Ground) -> anyhow::Result<()> {
    for turn in assignment.turns() {
        let task = &assignment.workloads[turn.workload];
        let (report, health) = measure(ledger, assignment, turn, ground);
        ledger.step(&format!("workload {} ended: {:?}", task.name, report.end));
        ledger.edit(|all| all.workloads.push(report));
        ledger.progress(Milestone::WorkloadEnded, Some(&task.name));
        health.with_context(|| format!("workload {}", task.name))?;
    }
    Ok(())
}

/// Runs one workload, and says whether another can be run after it.
fn measure<G: Ground>(
    ledger: &Ledger,
    assignment: &Assignment,
    turn: Turn,
    ground: &mut G,
) -> (WorkloadReport, anyhow::Result<()>) {
    let (task, sample) = (&assignment.workloads[turn.workload], turn.sample);
    let argv = workload::argv(task, G::FOLDERS.mount);
    let Prepared { file, environment, used } = match prepare(ledger, assignment, turn, ground) {
        Ok(prepared) => prepared,
        Err(error) => {
            let outcome = Outcome::not_started(format!("{error:#}"));
            return (workload::report(task, sample, argv, outcome), Err(ground.explain(error)));
        }
    };
    // From here to the end of the tool process 1 writes nothing and wakes up for the tool's output only.
    let limit = workload::limit(assignment);
    mark::begin();
    let outcome = workload::run(&argv, &environment, limit);
    mark::end();
    let used = ground.needed_since(used);
    let unkillable = outcome.end == EndOfProgram::Unkillable;
    let mut report = workload::report(task, sample, argv, outcome);
    let health = (|| {
        anyhow::ensure!(!unkillable, "the tool could not be killed");
        let Needed { server_cpu, server_switches, memory } = used?;
        (report.server_cpu, report.server_switches, report.memory) = (server_cpu, server_switches, memory);
        report.requests = ground.requests(ledger, turn)?;
        if let (EndOfProgram::Exit(0), Some(before)) = (&report.end, &file) {
            ground.store()?;
            let found =
                data::after(task, G::FOLDERS, ground.kept(), before, limit).context("checking the data")?;
            report.data = Some(found);
        }
        Ok(())
    })();
    (report, health.map_err(|error| ground.explain(error)))
}

/// What is known of a workload when its tool can start.
struct Prepared<Before> {
    /// None if it works on no file.
    file: Option<Metadata>,
    environment: Vec<(&'static str, String)>,
    used: Before,
}

/// Gets file, caches and what they lie on ready, and waits for the start.
fn prepare<G: Ground>(
    ledger: &Ledger,
    assignment: &Assignment,
    turn: Turn,
    ground: &mut G,
) -> anyhow::Result<Prepared<G::Before>> {
    let task = &assignment.workloads[turn.workload];
    ground.ensure_file(task)?;
    let mut phase_us = assignment.phase_us;
    let mut environment = workload::environment(task, G::FOLDERS.mount);
    let perturbation = assignment.perturbation(turn);
    if let Some(perturbation) = perturbation {
        phase_us = (phase_us + perturbation.later_us) % system::PHASES_US;
        if task.tool == Tool::Socket {
            environment.push(workload::seed(perturbation.seed));
        }
    }
    ground.perturb(perturbation)?;
    workload::write_job(task)?;
    let file = task.has_file().then(|| data::before(task, G::FOLDERS)).transpose()?;
    ledger.step(&format!("workload {}", task.name));
    ledger.progress(Milestone::WorkloadStarted, Some(&task.name));
    let used = ground.settle(Duration::from_micros(phase_us.into()))?;
    Ok(Prepared { file, environment, used })
}

/// Does once more what each workload did that ended well, and looks at each byte.
///
/// # Errors
/// If a file cannot be read or written.
pub(crate) fn check_data<G: Ground>(
    ledger: &Ledger,
    assignment: &Assignment,
    ground: &mut G,
) -> anyhow::Result<()> {
    for place in data::order(&assignment.workloads) {
        let Some(task) = assignment.workloads.get(place) else { continue };
        // The last sample stands for all: each did the same with the same file.
        let last = |report: &Report| {
            let is_checked = |of: &WorkloadReport| of.name == task.name && of.data.is_some();
            report.workloads.iter().rposition(is_checked)
        };
        let Some(at) = ledger.read(last) else { continue };
        let purpose = || format!("checking the data of workload {}", task.name);
        ledger.step(&purpose());
        let Some(found) = check_again(assignment, task, ground).with_context(purpose)? else { continue };
        ledger.edit(|report| {
            if let Some(data) = report.workloads.get_mut(at).and_then(|workload| workload.data.as_mut()) {
                data::merge(data, found);
            }
        });
    }
    Ok(())
}

fn check_again<G: Ground>(
    assignment: &Assignment,
    task: &WorkloadTask,
    ground: &mut G,
) -> anyhow::Result<Option<DataCheck>> {
    ground.ensure_file(task)?;
    system::drop_caches()?;
    let found = data::again(task, G::FOLDERS, workload::limit(assignment))?;
    // Whatever was written, it was stamps.
    if found.as_ref().is_some_and(|found| found.wrong.is_empty()) {
        ground.files().adopt(&G::FOLDERS.storage_path(task))?;
    }
    Ok(found)
}
