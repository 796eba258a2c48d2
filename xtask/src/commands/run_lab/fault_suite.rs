//! The fault suite: the lab's own test with kernels that fail in known ways.

mod bed;
mod captures;
mod host;

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context as _, bail, ensure};
use lab_core::campaign::BootData;
use lab_core::comparison::fault_suite::{Booted, Found};
use lab_core::plan::fault_suite::{Fault, FaultConsole, FaultKernel, HostFault, PLAN, TABLE, faults};
use lab_core::report::fault_suite as report;
use lab_core::text::escape::escape_for_terminal;
use xshell::Shell;

use self::bed::Bed;
use super::ensure_image;
use crate::campaign::CampaignFolder;
use crate::commands::{FOUND, cli};
use crate::lab::interrupt::Interrupted;
use crate::lab::stopwatch::Stopwatch;
use crate::lab::{Lab, output};

/// The plan of `lab.toml` that `run-lab` runs if it is told of no other.
const DEFAULT_PLAN: &str = "default";

/// Boots each fault and says whether the lab says of it what it is to say; the exit code is 1 if not.
///
/// # Errors
/// If something is missing on this machine, a kernel cannot be built, or the user stops it.
pub(super) fn run(sh: &Shell, options: &cli::RunLab) -> anyhow::Result<ExitCode> {
    ensure!(
        options.choice.scenarios.is_empty() && options.choice.workloads.is_empty(),
        "the fault suite has no scenarios and no workloads; name faults with --only"
    );
    let lab = Lab::open()?;
    let faults = faults_of(&lab, &options.only)?;
    let config = lab.config(sh)?;
    let plan = if options.plan == DEFAULT_PLAN { PLAN } else { &options.plan };
    let mut watch = Stopwatch::start();
    let mut beds = BTreeMap::new();
    for kernel in [FaultKernel::Plain, FaultKernel::Debug] {
        if faults.iter().any(|fault| fault.kernel == kernel) {
            beds.insert(kernel, Bed::prepare(sh, &lab, &config, &kernel.plan(plan), &mut watch)?);
        }
    }
    let folder = folder(sh, &lab)?;
    output::tell(&format!("results in {}", folder.path().display()));
    let suite = Suite { lab: &lab, beds: &beds, folder: &folder };
    let booted = watch.step("boots", || suite.run(faults))?;
    if let Some(folder) = &options.captures {
        for (booted, boot) in &booted {
            if let Some(boot) = boot {
                captures::keep(sh, folder, &suite.beds[&booted.fault.kernel], booted, boot)?;
            }
        }
    }
    let booted: Vec<Booted> = booted.into_iter().map(|(booted, _)| booted).collect();
    output::print(&report::render(&booted))?;
    output::tell(&format!("\n{}", watch.line()));
    let is_right = booted.iter().all(Booted::is_as_expected);
    Ok(if is_right { ExitCode::SUCCESS } else { ExitCode::from(FOUND) })
}

/// The faults of the table, or those of these names.
fn faults_of(lab: &Lab, only: &[String]) -> anyhow::Result<Vec<Fault>> {
    let path = lab.checkout.join("kernel-patches").join(TABLE);
    let table = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    faults(&table, only).with_context(|| format!("kernel-patches/{TABLE}"))
}

/// A new folder below `results/`, which no other process has.
fn folder(sh: &Shell, lab: &Lab) -> anyhow::Result<CampaignFolder> {
    let results = lab.results(sh)?.join("fault-suite");
    for number in 1.. {
        let path = results.join(number.to_string());
        if !path.exists()
            && let Some(folder) = CampaignFolder::at(&path)?
        {
            return Ok(folder);
        }
    }
    bail!("no number is left in {}; remove some of its folders", results.display())
}

/// What all boots of a run have in common.
struct Suite<'a> {
    lab: &'a Lab,
    beds: &'a BTreeMap<FaultKernel, Bed>,
    folder: &'a CampaignFolder,
}

/// A fault that was booted, and what was kept of the boot; nothing of one that could not be recorded.
type Tried = (Booted, Option<BootData>);

impl Suite<'_> {
    /// Boots all: side by side what minds no company, the others after them.
    fn run(&self, faults: Vec<Fault>) -> anyhow::Result<Vec<Tried>> {
        let total = faults.len();
        let (alone, beside): (Vec<_>, Vec<_>) = (1..).zip(faults).partition(|(_, fault)| is_run_alone(fault));
        let side_by_side = self.beds.values().map(|bed| bed.side_by_side.boots).min().unwrap_or(1);
        let queue = Mutex::new(VecDeque::from(beside));
        let results = Mutex::new(Vec::with_capacity(total));
        let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let work = |(number, fault): (u32, Fault)| {
            let result = self.boot(number, fault);
            tell(number, total, &result.0);
            results.lock().unwrap_or_else(PoisonError::into_inner).push((number, result));
        };
        std::thread::scope(|scope| {
            for _ in 0..side_by_side {
                scope.spawn(|| {
                    while !self.lab.interrupt.is_set()
                        && let Some(next) = next()
                    {
                        work(next);
                    }
                });
            }
        });
        alone.into_iter().take_while(|_| !self.lab.interrupt.is_set()).for_each(work);
        if self.lab.interrupt.is_set() {
            bail!(Interrupted);
        }
        let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
        results.sort_by_key(|(number, _)| *number);
        Ok(results.into_iter().map(|(_, result)| result).collect())
    }

    fn boot(&self, number: u32, fault: Fault) -> Tried {
        let since = Instant::now();
        let booted = self.beds[&fault.kernel].boot(self.lab, self.folder, number, &fault);
        let seconds = since.elapsed().as_secs_f64();
        match booted {
            Ok(boot) => {
                let found = Found::of(&boot.record.outcome, &boot.console);
                (Booted { fault, found, seconds }, Some(boot))
            }
            Err(error) => (Booted { fault, found: Found::error(&error), seconds }, None),
        }
    }
}

/// Whether a boot minds others beside it: the host does something to it, or it needs real time.
fn is_run_alone(fault: &Fault) -> bool {
    fault.host != HostFault::None || fault.console != FaultConsole::OfPlan
}

fn tell(number: u32, total: usize, booted: &Booted) {
    let Booted { fault, found, seconds } = booted;
    let judged = if booted.is_as_expected() { "as expected" } else { "NOT as expected" };
    let said = found.findings.first().unwrap_or(&found.reason);
    let line = format!(
        "fault {number:>3}/{total}  {}  {judged}: {} in {seconds:.1} s  {said}",
        fault.name, found.outcome
    );
    output::tell(&escape_for_terminal(&line));
}
