//! A boot with a FUSE server that is not the lab's own: workloads on its mount, and what the kernel says of its processes.

use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use lab_guest::foreign::{Folders as Between, ForeignProcess, MOUNT_LIMIT};
use lab_protocol::{
    Assignment, CpuTime, ForeignServer, MOUNT_DIR, MemoryInUse, Milestone, Perturbation, RequestStats,
    STORAGE_DIR, Turn, WorkloadTask,
};

use crate::data::{Folders, Kept, SERVED};
use crate::ledger::Ledger;
use crate::stamp::Files;
use crate::turns::{self, Ground, Needed};
use crate::{cpu, memory, mounts, switches, system, workload};

/// A server and the files behind it.
struct Foreign {
    server: ForeignProcess,
    files: Files,
    /// The file of the last workload, as programs see it.
    last: Option<PathBuf>,
}

/// All workloads, and the check of their data.
pub(crate) fn work(ledger: &Ledger, assignment: &Assignment, server: &ForeignServer) -> anyhow::Result<()> {
    mounts::mount_storage(assignment.storage_mib)?;
    ledger.step("writing the files");
    let mut files = Files::default();
    for task in &assignment.workloads {
        files.ensure(&SERVED.storage_path(task), u64::from(task.file_mib) << 20)?;
    }
    ledger.step("starting the server");
    let server = start(server)?;
    ledger.step("mounted");
    ledger.progress(Milestone::Mounted, None);
    let mut ground = Foreign { server, files, last: None };
    turns::run(ledger, assignment, &mut ground)?;
    let peak_kib = ground.memory().ok().map(|memory| memory.server_peak_kib);
    ledger.edit(|report| report.server_peak_kib = peak_kib);
    turns::check_data(ledger, assignment, &mut ground)?;
    ledger.step("stopping the server");
    ground.server.end()?;
    ledger.progress(Milestone::Unmounted, None);
    Ok(())
}

/// Starts it, and waits until it serves.
///
/// # Errors
/// If it does not.
pub(crate) fn start(server: &ForeignServer) -> anyhow::Result<ForeignProcess> {
    let between =
        Between { storage: STORAGE_DIR.into(), mount: MOUNT_DIR.into(), said: "/tmp/server.said".into() };
    let mut server = ForeignProcess::start(server, &between)?;
    server.wait_mounted(MOUNT_LIMIT)?;
    Ok(server)
}

impl Foreign {
    /// What its processes have had at most, together.
    fn memory(&self) -> anyhow::Result<MemoryInUse> {
        let mut all = memory::of_the_kernel()?;
        for pid in self.server.pids() {
            all.server_peak_kib += memory::in_use(pid)?.server_peak_kib;
        }
        Ok(all)
    }

    fn usage(&self) -> anyhow::Result<Vec<cpu::Usage>> {
        self.server.pids().map(cpu::usage).collect()
    }

    fn switches(&self) -> anyhow::Result<switches::ByThread> {
        let mut all = switches::ByThread::new();
        for pid in self.server.pids() {
            all.extend(switches::by_thread(pid)?);
        }
        Ok(all)
    }
}

impl Ground for Foreign {
    type Before = (Vec<cpu::Usage>, switches::ByThread);

    const FOLDERS: Folders = SERVED;

    fn kept(&self) -> Kept {
        Kept::Data
    }

    fn files(&mut self) -> &mut Files {
        &mut self.files
    }

    /// The kernel forgets what the file was before, however long the server lets it remember: caches are dropped before each
    /// workload.
    fn ensure_file(&mut self, task: &WorkloadTask) -> anyhow::Result<()> {
        self.files.ensure(&SERVED.storage_path(task), u64::from(task.file_mib) << 20)?;
        self.last = Some([SERVED.mount, &workload::file_name(task)].iter().collect());
        Ok(())
    }

    /// Nothing in it is drawn.
    fn perturb(&mut self, _: Option<Perturbation>) -> anyhow::Result<()> {
        Ok(())
    }

    fn settle(&mut self, phase: Duration) -> anyhow::Result<Self::Before> {
        // Before the wait: a file for each thread is too much work to do between it and the tool's start.
        let switches = self.switches()?;
        system::settle(phase)?;
        Ok((self.usage()?, switches))
    }

    fn needed_since(&self, (before, switches): Self::Before) -> anyhow::Result<Needed> {
        ensure!(!self.server.has_ended(), "the server is gone");
        let after = self.usage();
        let switches_after = self.switches();
        let memory = self.memory();
        let mut server_cpu = CpuTime::default();
        for (before, after) in before.into_iter().zip(after?) {
            let CpuTime { user_us, system_us } = cpu::between(before, after);
            server_cpu.user_us += user_us;
            server_cpu.system_us += system_us;
        }
        Ok(Needed {
            server_cpu,
            server_switches: switches_after.ok().map(|after| switches::between(&switches, &after)),
            memory: memory.ok(),
        })
    }

    /// Nobody counts them.
    fn requests(&mut self, _: &Ledger, _: Turn) -> anyhow::Result<Option<RequestStats>> {
        Ok(None)
    }

    /// The kernel may hold back what was written, if the server lets it.
    fn store(&mut self) -> anyhow::Result<()> {
        let Some(file) = &self.last else { return Ok(()) };
        let store = || File::open(file)?.sync_all();
        store().with_context(|| format!("storing {}", file.display()))
    }

    /// How the server ended, if it did.
    fn explain(&mut self, error: anyhow::Error) -> anyhow::Error {
        match self.server.end_within(Duration::from_secs(1)) {
            Some(end) => anyhow::anyhow!("{error:#}: {end}"),
            None => error,
        }
    }
}
