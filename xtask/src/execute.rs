//! The boots of a campaign: side by side where the clock allows it, each written down when it ends.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use lab_protocol::{Assignment, Nonce, Report};

use crate::boot::{BootRequest, Capture, Interrupt, Machine, boot, qemu_command_text};
use crate::cache::Cache;
use crate::campaign::{CampaignFile, CampaignFolder};
use crate::image;
use crate::outcome::{Outcome, judge};
use crate::plan::{BootStep, Clock, Plan};
use crate::record::{BootFiles, Record, Stored, VERSION, write_boot};

/// How often a lost boot is tried in one run of the lab.
const ATTEMPTS: u32 = 3;

/// What every boot of a campaign needs.
#[derive(Debug)]
pub struct Bench<'a> {
    /// Where temporary files go.
    pub cache: &'a Cache,
    /// Where records go.
    pub folder: &'a CampaignFolder,
    /// The campaign.
    pub file: &'a CampaignFile,
    /// The virtual machine.
    pub machine: Machine,
    /// The image.
    pub image: PathBuf,
    /// bzImage of each variant, in the order of `file.kernels`.
    pub bzimages: Vec<PathBuf>,
    /// Whether the user asked to stop.
    pub interrupt: &'a Interrupt,
}

/// How a run of boots ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Every step has its result, or was lost too often.
    Complete,
    /// The user stopped it.
    Interrupted,
}

/// Runs the steps and writes a record for each.
///
/// # Errors
/// If a record cannot be written: the results would be lost, so no further boot is started.
pub fn run(bench: &Bench<'_>, steps: Vec<BootStep>) -> anyhow::Result<Progress> {
    let total = bench.file.plan.boots.len();
    let queue = Mutex::new(VecDeque::from(steps));
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
                    if let Err(error) = run_step(bench, &step, total) {
                        failure().get_or_insert(error);
                    }
                }
            });
        }
    });
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None if bench.interrupt.is_set() => Ok(Progress::Interrupted),
        None => Ok(Progress::Complete),
    }
}

/// With the virtual clock the host's load does not show in the guest: one boot per CPU. Real time is shared: one.
fn boots_side_by_side(clock: Clock, host_cpus: u32) -> u32 {
    match clock {
        Clock::Virtual => host_cpus,
        Clock::Wall => 1,
    }
}

fn run_step(bench: &Bench<'_>, step: &BootStep, total: usize) -> anyhow::Result<()> {
    for _ in 0..ATTEMPTS {
        let record = run_attempt(bench, step)?;
        if bench.interrupt.is_set() {
            return Ok(());
        }
        eprintln!("{}", progress_line(&record, total));
        if !matches!(record.outcome, Outcome::Lost { .. }) {
            break;
        }
    }
    Ok(())
}

fn progress_line(record: &Record, total: usize) -> String {
    let (step, outcome) = (&record.boot, &record.outcome);
    let mut line = format!(
        "boot {:>3}/{total}  {} / {} #{}  {} in {:.1} s",
        step.number,
        step.variant,
        step.scenario,
        step.repetition,
        outcome.word(),
        record.wall_s
    );
    if !outcome.reason().is_empty() {
        line.push_str(": ");
        line.push_str(&crate::klog::escape_for_terminal(outcome.reason()));
    }
    line
}

/// One boot, from the assignment to the record.
fn run_attempt(bench: &Bench<'_>, step: &BootStep) -> anyhow::Result<Record> {
    let (folder, attempt) = bench.folder.new_attempt(step)?;
    let nonce = random_nonce()?;
    let scratch = bench.cache.temporary_folder("boot-")?;
    let initramfs = scratch.path().join("initramfs");
    let (kernel, bzimage) = kernel_of(bench, step)?;
    write_initramfs(&bench.image, &assignment(&bench.file.plan, step, nonce)?, &initramfs)?;

    let mut record = Record {
        version: VERSION,
        attempt,
        nonce,
        started: jiff::Timestamp::now().to_string(),
        wall_s: 0.0,
        to_init_s: None,
        command: String::new(),
        outcome: Outcome::Lost { reason: "the lab ended before the boot did".to_owned() },
        boot: step.clone(),
        kernel,
        setup: bench.file.setup.clone(),
        console: nothing(),
        report: None,
        qmp: nothing(),
        requests: None,
    };
    let request = BootRequest {
        machine: bench.machine.clone(),
        bzimage,
        initramfs,
        nonce,
        live_console: Some(folder.join("console.live")),
        wall_limit: Duration::from_secs(bench.file.plan.machine.wall_limit_s.into()),
        silence_limit: Duration::from_secs(bench.file.plan.machine.silence_limit_s.into()),
    };
    record.command = qemu_command_text(&request);
    // The bad verdict is written first; only the proof of another end replaces it.
    write_boot(&folder, &record, &BootFiles::default())?;

    let raw = match boot(&request, bench.interrupt) {
        Ok(capture) => settle(&mut record, capture),
        Err(error) => {
            record.outcome = Outcome::Lost { reason: format!("{error:#}") };
            BootFiles::default()
        }
    };
    write_boot(&folder, &record, &raw)?;
    let _ = std::fs::remove_file(folder.join("console.live"));
    Ok(record)
}

/// Fills in what the boot showed.
fn settle(record: &mut Record, mut capture: Capture) -> BootFiles {
    let parsed: Option<Result<Report, _>> = capture.report.as_deref().map(serde_json::from_slice);
    let report = match parsed {
        Some(Ok(report)) => Some(report),
        Some(Err(error)) => {
            capture.frame_error.get_or_insert(format!("the report is not what was agreed: {error}"));
            capture.report = None;
            None
        }
        None => None,
    };
    record.outcome = judge(&capture, report.as_ref(), record.nonce, record.kernel.build_id.as_deref());
    record.wall_s = round_to_ms(capture.wall);
    record.to_init_s = capture.hello.as_ref().map(|(_, after)| round_to_ms(*after));
    let raw = BootFiles {
        console: capture.console.bytes(),
        console_received_bytes: capture.console.received_bytes(),
        report: capture.report,
        qmp: capture.qmp.iter().flat_map(|line| [line.as_bytes(), b"\n"].concat()).collect(),
        requests: capture.requests,
        requests_received_bytes: capture.requests_received_bytes,
    };
    record.console = raw.describe_console();
    record.report = raw.describe_report();
    record.qmp = raw.describe_qmp();
    record.requests = raw.describe_requests();
    raw
}

fn round_to_ms(duration: Duration) -> f64 {
    duration.as_millis() as f64 / 1000.0
}

fn nothing() -> Stored {
    BootFiles::default().describe_console()
}

fn kernel_of(bench: &Bench<'_>, step: &BootStep) -> anyhow::Result<(crate::record::KernelIdentity, PathBuf)> {
    let mut kernels = bench.file.kernels.iter().zip(&bench.bzimages);
    let (kernel, bzimage) = kernels
        .find(|(kernel, _)| kernel.variant == step.variant)
        .with_context(|| format!("no kernel was built for variant {}", step.variant))?;
    Ok((kernel.kernel.clone(), bzimage.clone()))
}

fn assignment(plan: &Plan, step: &BootStep, nonce: Nonce) -> anyhow::Result<Assignment> {
    let scenario = plan
        .scenarios
        .iter()
        .find(|scenario| scenario.name == step.scenario)
        .with_context(|| format!("the plan has no scenario {}", step.scenario))?;
    let variant = plan.variants.iter().find(|variant| variant.name == step.variant);
    let variant = variant.with_context(|| format!("the plan has no variant {}", step.variant))?;
    let mut server = scenario.server.clone();
    server.burn_ns = variant.planted_ns.unwrap_or(0);
    Ok(Assignment {
        nonce,
        server,
        storage_mib: plan.machine.storage_mib,
        workloads: plan.workloads.clone(),
        workload_limit_s: plan.machine.workload_limit_s,
        phase_us: step.phase_us,
    })
}

/// The image with the assignment behind it, as one file.
///
/// # Errors
/// If it cannot be written.
pub fn write_initramfs(image: &Path, assignment: &Assignment, target: &Path) -> anyhow::Result<()> {
    let write = || -> anyhow::Result<()> {
        std::fs::copy(image, target)?;
        let mut file = std::fs::File::options().append(true).open(target)?;
        Ok(std::io::Write::write_all(&mut file, &image::assignment_archive(assignment)?)?)
    };
    write().with_context(|| format!("writing the initramfs {}", target.display()))
}

/// 128 bits from the kernel's random generator.
///
/// # Errors
/// If `/dev/urandom` cannot be read.
pub fn random_nonce() -> anyhow::Result<Nonce> {
    let mut bytes = [0; 16];
    let mut source = std::fs::File::open("/dev/urandom").context("opening /dev/urandom")?;
    std::io::Read::read_exact(&mut source, &mut bytes).context("reading /dev/urandom")?;
    Ok(Nonce(bytes))
}
