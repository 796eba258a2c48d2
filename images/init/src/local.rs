//! A boot without a FUSE server: workloads on a file system of this kernel, or without files.

use std::fs::Metadata;
use std::time::Duration;

use anyhow::Context as _;
use lab_protocol::{
    Assignment, EndOfProgram, LOCAL_DIR, Milestone, Report, Tool, Turn, WorkloadReport, WorkloadTask,
};

use crate::data::{self, LOCAL};
use crate::filesystem::Mounted;
use crate::ledger::Ledger;
use crate::stamp::Files;
use crate::workload::{self, Outcome};
use crate::{loopback, mark, memory, system};

/// What workloads have their files on.
struct Ground {
    mounted: Option<Mounted>,
    files: Files,
}

/// All workloads, and the check of their data.
pub(crate) fn work(ledger: &Ledger, assignment: &Assignment) -> anyhow::Result<()> {
    if assignment.workloads.iter().any(|task| task.tool == Tool::Socket) {
        loopback::take_up()?;
    }
    let mounted = assignment.filesystem.as_ref().map(|settings| {
        ledger.step(&format!("making and mounting {}", settings.kind.name()));
        Mounted::make(settings, assignment.storage_mib)
    });
    let mut ground = Ground { mounted: mounted.transpose()?, files: Files::default() };
    ledger.step("writing the files");
    assignment.workloads.iter().try_for_each(|task| ground.ensure_file(task))?;
    ledger.progress(Milestone::Mounted, None);
    for turn in assignment.turns() {
        let task = &assignment.workloads[turn.workload];
        let (report, health) = measure(ledger, assignment, turn, &mut ground);
        ledger.step(&format!("workload {} ended: {:?}", task.name, report.end));
        ledger.edit(|all| all.workloads.push(report));
        ledger.progress(Milestone::WorkloadEnded, Some(&task.name));
        health.with_context(|| format!("workload {}", task.name))?;
    }
    check_data(ledger, assignment, &mut ground)?;
    if let Some(mounted) = &mut ground.mounted {
        ledger.step("unmounting");
        mounted.unmount()?;
    }
    ledger.progress(Milestone::Unmounted, None);
    Ok(())
}

impl Ground {
    /// Makes sure that the file of a workload, if it has one, is whole, and that nothing of it waits to be written.
    fn ensure_file(&mut self, task: &WorkloadTask) -> anyhow::Result<()> {
        if task.has_file() {
            self.files.ensure(&LOCAL.storage_path(task), u64::from(task.file_mib) << 20)?;
            rustix::fs::sync();
        }
        Ok(())
    }
}

/// Runs one workload, and says whether another can be run after it.
fn measure(
    ledger: &Ledger,
    assignment: &Assignment,
    turn: Turn,
    ground: &mut Ground,
) -> (WorkloadReport, anyhow::Result<()>) {
    let (task, sample) = (&assignment.workloads[turn.workload], turn.sample);
    let argv = workload::argv(task, LOCAL_DIR);
    let (file_before, environment) = match prepare(ledger, assignment, turn, ground) {
        Ok(prepared) => prepared,
        Err(error) => {
            let outcome = Outcome::not_started(format!("{error:#}"));
            return (workload::report(task, sample, argv, outcome), Err(error));
        }
    };
    // From here to the end of the tool process 1 writes nothing and wakes up for the tool's output only.
    let limit = workload::limit(assignment);
    mark::begin();
    let outcome = workload::run(&argv, &environment, limit);
    mark::end();
    let unkillable = outcome.end == EndOfProgram::Unkillable;
    let mut report = workload::report(task, sample, argv, outcome);
    report.memory = memory::of_the_kernel().ok();
    let health = (|| {
        anyhow::ensure!(!unkillable, "the tool could not be killed");
        if let (EndOfProgram::Exit(0), Some(before)) = (&report.end, &file_before) {
            // What is looked at is to come from the device.
            rustix::fs::sync();
            system::drop_caches()?;
            let found = data::after(task, LOCAL, before, limit).context("checking the data")?;
            report.data = Some(found);
        }
        Ok(())
    })();
    (report, health)
}

/// What is known of the file of a workload, if it has one, and the environment of the tool.
type Prepared = (Option<Metadata>, Vec<(&'static str, String)>);

/// Gets file, caches and device ready, and waits for the start.
fn prepare(
    ledger: &Ledger,
    assignment: &Assignment,
    turn: Turn,
    ground: &mut Ground,
) -> anyhow::Result<Prepared> {
    let task = &assignment.workloads[turn.workload];
    ground.ensure_file(task)?;
    let mut phase_us = assignment.phase_us;
    let mut environment = workload::environment(task, LOCAL_DIR);
    let perturbation = assignment.perturbation(turn);
    if let Some(perturbation) = perturbation {
        phase_us = (phase_us + perturbation.later_us) % system::PHASES_US;
        if task.tool == Tool::Socket {
            environment.push(workload::seed(perturbation.seed));
        }
    }
    if let Some(mounted) = &mut ground.mounted {
        mounted.perturb(perturbation.map(|perturbation| perturbation.seed))?;
    }
    workload::write_job(task)?;
    let file = task.has_file().then(|| data::before(task, LOCAL)).transpose()?;
    ledger.step(&format!("workload {}", task.name));
    ledger.progress(Milestone::WorkloadStarted, Some(&task.name));
    system::settle(Duration::from_micros(phase_us.into()))?;
    Ok((file, environment))
}

/// Does once more what each workload did that ended well, and looks at each byte.
fn check_data(ledger: &Ledger, assignment: &Assignment, ground: &mut Ground) -> anyhow::Result<()> {
    for place in data::order(&assignment.workloads) {
        let Some(task) = assignment.workloads.get(place).filter(|task| task.has_file()) else { continue };
        // The last sample stands for all: each did the same with the same file.
        let last = |report: &Report| {
            let is_checked = |of: &WorkloadReport| of.name == task.name && of.data.is_some();
            report.workloads.iter().rposition(is_checked)
        };
        let Some(at) = ledger.read(last) else { continue };
        let purpose = || format!("checking the data of workload {}", task.name);
        ledger.step(&purpose());
        ground.ensure_file(task)?;
        system::drop_caches()?;
        let Some(found) = data::again(task, LOCAL, workload::limit(assignment)).with_context(purpose)? else {
            continue;
        };
        // Whatever was written, it was stamps.
        if found.wrong.is_empty() {
            ground.files.adopt(&LOCAL.storage_path(task))?;
        }
        ledger.edit(|report| {
            if let Some(data) = report.workloads.get_mut(at).and_then(|workload| workload.data.as_mut()) {
                data::merge(data, found);
            }
        });
    }
    Ok(())
}
