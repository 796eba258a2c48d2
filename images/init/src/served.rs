//! A boot with a FUSE server: workloads on its mount.

use std::time::Duration;

use lab_guest::server::{self, ServerProcess};
use lab_protocol::{
    Assignment, Behaviour, MOUNT_DIR, Milestone, Perturbation, RequestStats, STORAGE_DIR, ServerSettings,
    Turn, WorkloadTask,
};

use crate::data::{self, Folders, Kept, SERVED};
use crate::ledger::Ledger;
use crate::stamp::{Files, Made};
use crate::turns::{self, Ground, Needed};
use crate::{cpu, memory, mounts, switches, system, workload};

/// A server and the files behind it.
struct Served<'a> {
    settings: &'a ServerSettings,
    server: ServerProcess,
    files: Files,
    /// That of the workload, below the mount.
    file: String,
}

/// All workloads, and the check of their data.
pub(crate) fn work(
    ledger: &Ledger,
    assignment: &Assignment,
    settings: &ServerSettings,
) -> anyhow::Result<()> {
    mounts::mount_storage(assignment.storage_mib)?;
    ledger.step("writing the files");
    let mut files = Files::default();
    assignment.workloads.iter().try_for_each(|task| write_file(&mut files, task).map(drop))?;
    system::allow(settings)?;
    ledger.step("starting the server");
    let server = ServerProcess::start(settings, &server_place())?;
    let mut ground = Served { settings, server, files, file: String::new() };
    let negotiated = ground.server.wait_mounted().map_err(|error| ground.explain(error))?;
    ledger.edit(|report| report.negotiated = Some(negotiated));
    ledger.step("mounted");
    ledger.progress(Milestone::Mounted, None);
    turns::run(ledger, assignment, &mut ground)?;
    let peak_kib = ground.server.peak_kib();
    ledger.edit(|report| report.server_peak_kib = peak_kib);
    if !data::spoils(settings) {
        turns::check_data(ledger, assignment, &mut ground)?;
    }
    ledger.step("stopping the server");
    ground.server.quit()?;
    ledger.progress(Milestone::Unmounted, None);
    Ok(())
}

pub(crate) fn server_place() -> server::Place {
    server::Place {
        program: server::PROGRAM.into(),
        storage: STORAGE_DIR.into(),
        mount: MOUNT_DIR.into(),
        stderr: "/tmp/server.stderr".into(),
    }
}

fn write_file(files: &mut Files, task: &WorkloadTask) -> anyhow::Result<Made> {
    files.ensure(&SERVED.storage_path(task), u64::from(task.file_mib) << 20)
}

impl Ground for Served<'_> {
    type Before = (cpu::Usage, switches::ByThread);

    const FOLDERS: Folders = SERVED;

    fn files(&mut self) -> &mut Files {
        &mut self.files
    }

    fn kept(&self) -> Kept {
        Kept::by(self.settings)
    }

    fn ensure_file(&mut self, task: &WorkloadTask) -> anyhow::Result<()> {
        self.file = workload::file_name(task);
        if write_file(&mut self.files, task)? == Made::Written {
            // The kernel may hold on to the attributes that the file had, or to that there was none.
            let longest_ms = self.settings.attribute_timeout_ms.max(self.settings.negative_timeout_ms);
            std::thread::sleep(Duration::from_millis(longest_ms));
        }
        Ok(())
    }

    fn perturb(&mut self, perturbation: Option<Perturbation>) -> anyhow::Result<()> {
        let Some(Perturbation { seed, .. }) = perturbation else { return Ok(()) };
        self.server.behave(&Behaviour { seed, ..self.settings.behaviour() })
    }

    fn settle(&mut self, phase: Duration) -> anyhow::Result<Self::Before> {
        // Before the wait: a file for each thread is too much work to do between it and the tool's start.
        let switches = switches::by_thread(self.server.pid())?;
        system::settle(phase)?;
        let RequestStats { .. } = self.server.take()?;
        if !self.settings.actions.is_empty() {
            self.server.act(&self.file)?;
        }
        Ok((cpu::usage(self.server.pid())?, switches))
    }

    fn needed_since(&self, (usage, switches): Self::Before) -> anyhow::Result<Needed> {
        let usage_after = cpu::usage(self.server.pid());
        let switches_after = switches::by_thread(self.server.pid());
        let memory = memory::in_use(self.server.pid());
        Ok(Needed {
            server_cpu: cpu::between(usage, usage_after?),
            server_switches: switches_after.ok().map(|after| switches::between(&switches, &after)),
            memory: memory.ok(),
        })
    }

    fn requests(&mut self, ledger: &Ledger, turn: Turn) -> anyhow::Result<Option<RequestStats>> {
        // One of each workload: what a log shows repeats from sample to sample.
        if self.settings.request_log > 0 && turn.turn == 1 {
            ledger.send_log(&self.server.request_log(turn.workload as u32)?);
        }
        Ok(Some(self.server.take()?))
    }

    /// The storage is memory.
    fn store(&mut self) -> anyhow::Result<()> {
        Ok(())
    }

    /// How the server ended, if it did.
    fn explain(&mut self, error: anyhow::Error) -> anyhow::Error {
        match self.server.end_within(Duration::from_secs(1)) {
            Some(end) => anyhow::anyhow!("{error:#}: {end}"),
            None => error,
        }
    }
}
