//! One try at a boot, from the assignment to the record.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use lab_core::campaign::{Record, StoredFile, VERSION, judged};
use lab_core::evidence::capture::Capture;
use lab_core::evidence::known::Known;
use lab_core::evidence::outcome::Outcome;
use lab_core::evidence::profile::Functions;
use lab_core::plan::{BootStep, Plan, Planted};
use lab_protocol::{Assignment, Nonce, ProbeTask, Report, Sampling};

use super::BootContext;
use super::gate::{self, Around, Threads};
use crate::campaign::boot_files::{BootFiles, write_boot};
use crate::machine::boot::{BootRequest, Profile, boot, names_cpu_threads, qemu_command_text};
use crate::machine::guest::{random_nonce, write_initramfs};

/// Runs a boot and writes its record; none if the user stopped it before it began.
///
/// # Errors
/// If the record cannot be written, or the files of the boot cannot be made.
pub(super) fn run_attempt(context: &BootContext<'_>, step: &BootStep) -> anyhow::Result<Option<Record>> {
    // The host comes to rest first: until then nothing has begun that could be lost.
    let around = gate::before(&context.file.plan.machine, &context.pinning, context.interrupt);
    if context.interrupt.is_set() {
        return Ok(None);
    }
    let (folder, attempt) = context.folder.new_attempt(step)?;
    let nonce = context.again.as_ref().map_or_else(random_nonce, |again| Ok(again.nonce))?;
    let scratch = context.cache.temporary_folder("boot-")?;
    let initramfs = scratch.path().join("initramfs");
    let (kernel, kernel_image) = kernel_of(context, step)?;
    let plan = &context.file.plan;
    let probes = probes(plan, step, context.enough_failures);
    let assignment = Assignment { failure: context.failure.clone(), ..assignment(plan, step, nonce)? };
    write_initramfs(&context.image, &assignment, probes.as_ref(), &initramfs)?;

    let mut record = Record {
        version: VERSION,
        attempt,
        nonce,
        started: jiff::Timestamp::now().to_string(),
        wall_s: 0.0,
        to_init_s: None,
        command: String::new(),
        outcome: Outcome::Lost { reason: "the lab ended before the boot did".to_owned() },
        watched: None,
        boot: step.clone(),
        kernel,
        setup: context.file.setup.clone(),
        console: nothing(),
        task_dump: None,
        report: None,
        qmp: nothing(),
        requests: None,
        profile: None,
        host: around.as_ref().map(|around| around.state.clone()),
    };
    let counts = scratch.path().join("counts");
    let profile = context
        .profiler
        .as_ref()
        .map(|profiler| Profile { plugin: profiler.plugin.clone(), counts: counts.clone() });
    let system_map = kernel_image.with_file_name("System.map");
    let limits = &plan.machine;
    let debugger = context.again.as_ref().and_then(|again| again.debugger.clone());
    // Whoever debugs thinks as long as he likes.
    let limit = |seconds: u32| match debugger {
        Some(_) => Duration::MAX,
        None => Duration::from_secs(seconds.into()),
    };
    let (wall_limit, silence_limit) = (limit(limits.wall_limit_s), limit(limits.silence_limit_s));
    let request = BootRequest {
        profile,
        debugger,
        terminal: None,
        machine: context.machine.clone(),
        kernel_image,
        initramfs,
        nonce,
        host_cpus: around.as_ref().map(|around| around.binding.clone()).unwrap_or_default(),
        live_console: Some(folder.join("console.live")),
        wall_limit,
        silence_limit,
    };
    record.command = qemu_command_text(&request);
    // The bad verdict is written first; only the proof of another end replaces it.
    write_boot(&folder, &record, &BootFiles::default())?;

    let around = around.map(Around::begin);
    let booted = boot(&request, context.interrupt);
    let threads = match &booted {
        Ok(capture) if names_cpu_threads(capture) => Threads::Known,
        Ok(_) | Err(_) => Threads::Unknown,
    };
    record.host = around.map(|around| around.end(&context.file.plan.machine.quiet, threads));
    let mut raw = match booted {
        Ok(capture) => settle(&mut record, capture, &plan.known, &system_map),
        Err(error) => {
            record.outcome = Outcome::Lost { reason: format!("{error:#}") };
            BootFiles::default()
        }
    };
    if let Some(profiler) = &context.profiler
        && matches!(record.outcome, Outcome::Finished)
    {
        let workloads: Vec<String> = plan.workloads.iter().map(|task| task.name.clone()).collect();
        raw.profile =
            Some(profiler.folded(&counts, &system_map, &workloads).context("making the profile of a boot")?);
        record.profile = raw.profile_file();
    }
    write_boot(&folder, &record, &raw)?;
    let _ = std::fs::remove_file(folder.join("console.live"));
    Ok(Some(record))
}

/// Fills in what the boot showed.
fn settle(record: &mut Record, mut capture: Capture, known: &[Known], system_map: &Path) -> BootFiles {
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
    if let Some(hang) = &mut capture.hang
        && let Ok(text) = std::fs::read_to_string(system_map)
        && let Ok(functions) = Functions::parse(&text)
    {
        hang.name(&functions);
    }
    record.watched = Some(capture.watched());
    record.outcome = judged(record, &capture.console.bytes(), &capture.qmp, report.as_ref(), known);
    record.wall_s = round_to_ms(capture.wall);
    record.to_init_s = capture.hello.as_ref().map(|(_, after)| round_to_ms(*after));
    let raw = BootFiles {
        console: capture.console.bytes(),
        console_received_bytes: capture.console.received_bytes(),
        task_dump: capture.task_dump.bytes(),
        task_dump_received_bytes: capture.task_dump.received_bytes(),
        report: capture.report,
        qmp: capture.qmp.iter().flat_map(|line| [line.as_bytes(), b"\n"].concat()).collect(),
        requests: capture.requests,
        requests_received_bytes: capture.requests_received_bytes,
        profile: None,
    };
    record.console = raw.console_file();
    record.task_dump = raw.task_dump_file();
    record.report = raw.report_file();
    record.qmp = raw.qmp_file();
    record.requests = raw.requests_file();
    raw
}

fn round_to_ms(duration: Duration) -> f64 {
    duration.as_millis() as f64 / 1000.0
}

fn nothing() -> StoredFile {
    BootFiles::default().console_file()
}

fn kernel_of(
    context: &BootContext<'_>,
    step: &BootStep,
) -> anyhow::Result<(lab_core::campaign::KernelIdentity, PathBuf)> {
    let mut kernels = context.file.kernels.iter().zip(&context.kernel_images);
    let (kernel, kernel_image) = kernels
        .find(|(kernel, _)| kernel.variant == step.variant)
        .with_context(|| format!("no kernel was built for variant {}", step.variant))?;
    Ok((kernel.kernel.clone(), kernel_image.clone()))
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
    match (variant.planted(), &mut server) {
        (None, _) | (_, None) => {}
        (Some(Planted::WorkNs(ns)), Some(server)) => server.burn_ns = ns,
        (Some(Planted::LatencyPermille(permille)), Some(server)) => server.storage.lengthen(permille),
    }
    Ok(Assignment {
        nonce,
        server,
        foreign: scenario.foreign.clone(),
        filesystem: scenario.filesystem.clone(),
        storage_mib: plan.machine.storage_mib,
        workloads: plan.workloads.clone(),
        workload_limit_s: plan.machine.workload_limit_s,
        phase_us: step.phase_us,
        sampling: Sampling {
            round: step.round.unwrap_or(1),
            seed: plan.seed,
            phase_range_us: plan.machine.phase_range_us,
        },
        shell: None,
        failure: None,
    })
}

fn probes(plan: &Plan, step: &BootStep, enough_failures: Option<u32>) -> Option<ProbeTask> {
    let variant = plan.variants.iter().find(|variant| variant.name == step.variant);
    let expected = variant.and_then(|variant| variant.behaviour.clone());
    let delay_factor = plan.machine.probe_delay_factor;
    step.probes.map(|set| ProbeTask { set, expected, seed: plan.seed, delay_factor, enough_failures })
}
