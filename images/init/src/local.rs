//! A boot without a FUSE server: workloads on a file system of this kernel, or without files.

use std::time::Duration;

use lab_protocol::{Assignment, Milestone, Perturbation, RequestStats, Tool, Turn, WorkloadTask};

use crate::data::{Folders, Kept, LOCAL};
use crate::filesystem::Mounted;
use crate::ledger::Ledger;
use crate::stamp::Files;
use crate::turns::{self, Ground, Needed};
use crate::{loopback, memory, system};

/// A file system, if there is one, and the files on it.
struct Local {
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
    let mut ground = Local { mounted: mounted.transpose()?, files: Files::default() };
    ledger.step("writing the files");
    assignment.workloads.iter().try_for_each(|task| ground.ensure_file(task))?;
    ledger.progress(Milestone::Mounted, None);
    turns::run(ledger, assignment, &mut ground)?;
    turns::check_data(ledger, assignment, &mut ground)?;
    if let Some(mounted) = &mut ground.mounted {
        ledger.step("unmounting");
        mounted.unmount()?;
    }
    ledger.progress(Milestone::Unmounted, None);
    Ok(())
}

impl Ground for Local {
    type Before = ();

    const FOLDERS: Folders = LOCAL;

    fn kept(&self) -> Kept {
        Kept::Data
    }

    fn files(&mut self) -> &mut Files {
        &mut self.files
    }

    fn ensure_file(&mut self, task: &WorkloadTask) -> anyhow::Result<()> {
        if task.has_file() {
            self.files.ensure(&LOCAL.storage_path(task), u64::from(task.file_mib) << 20)?;
            rustix::fs::sync();
        }
        Ok(())
    }

    fn perturb(&mut self, perturbation: Option<Perturbation>) -> anyhow::Result<()> {
        let seed = perturbation.map(|perturbation| perturbation.seed);
        self.mounted.as_mut().map_or(Ok(()), |mounted| mounted.perturb(seed))
    }

    fn settle(&mut self, phase: Duration) -> anyhow::Result<()> {
        system::settle(phase)
    }

    fn needed_since(&self, (): ()) -> anyhow::Result<Needed> {
        Ok(Needed { memory: memory::of_the_kernel().ok(), ..Needed::default() })
    }

    fn requests(&mut self, _: &Ledger, _: Turn) -> anyhow::Result<Option<RequestStats>> {
        Ok(None)
    }

    /// What is looked at is to come from the device.
    fn store(&mut self) -> anyhow::Result<()> {
        rustix::fs::sync();
        system::drop_caches()
    }

    fn explain(&mut self, error: anyhow::Error) -> anyhow::Error {
        error
    }
}
