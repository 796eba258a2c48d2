//! `shell`: a kernel booted for somebody who types, or for commands on standard input.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use lab_core::evidence::klog;
use lab_core::plan::config::Config;
use lab_core::plan::{
    self, AccelChoice, Binding, Clock, MachineSettings, Overrides, Plan, Scenario, Variant,
};
use lab_core::text::escape::escape_for_terminal;
use lab_core::text::suggest;
use lab_protocol::{Assignment, EndOfProgram, Report, SHELL_COMMANDS, Sampling, ShellTask, TerminalTask};
use xshell::Shell;

use crate::build::image::shell::{BUSYBOX, busybox, ensure_possible, shared};
use crate::build::kernels;
use crate::commands::run_lab::ensure_image;
use crate::commands::{cli, preflight};
use crate::lab::archive::{self, ArchiveEntry};
use crate::lab::interrupt::Interrupted;
use crate::lab::{Lab, output, sockets_folder};
use crate::machine::accelerator::Accelerator;
use crate::machine::boot::{BootRequest, Machine, boot};
use crate::machine::terminal::{self, Input, Terminal};
use crate::machine::{accel, guest, host};

/// The most that is read of commands, bytes.
const COMMANDS_MOST_BYTES: u64 = 1 << 20;

/// Boots a variant with a shell in it. The exit code is 1 if commands came from standard input and the last one failed.
///
/// # Errors
/// If something is missing, or the guest does not come to an end in order.
pub fn shell(sh: &Shell, options: &cli::ShellBoot) -> anyhow::Result<ExitCode> {
    preflight::machine()?;
    let lab = Lab::open()?;
    let config = lab.config(sh)?;
    let Wanted { plan, variant, scenario } = wanted(&config, options)?;
    ensure_possible(plan.machine.arch)?;
    let input = if terminal::is_typed() { Input::Typed } else { Input::None };
    let more = more_files(options, input)?;
    preflight::plan(sh, &lab, &plan)?;
    preflight::packages(sh, &lab, &plan)?;
    host::require_all(sh, &[BUSYBOX])?;
    let kernels = kernels::ensure(sh, &lab, &plan.kernel, std::slice::from_ref(&variant))?;
    let kernel = kernels.first().context("a kernel")?;
    let image = ensure_image(sh, &lab, &plan)?;

    let folder = sockets_folder()?;
    let scratch = lab.cache.temporary_folder("shell-")?;
    let initramfs = scratch.path().join("initramfs");
    let nonce = guest::random_nonce()?;
    guest::write_initramfs(
        &image.path,
        &assignment(&plan, scenario, options, input, nonce),
        None,
        &initramfs,
    )?;
    let entries = [busybox(sh, plan.machine.arch)?, more].concat();
    let added = append(&initramfs, &entries)?;
    let console = console(sh, &lab, &variant.name)?;
    output::tell(&format!("messages of the kernel: {}", console.display()));
    if input == Input::Typed {
        output::tell("`exit` ends the guest, and Ctrl-] whatever it does");
    }
    let (terminal, sockets) = Terminal::open(sh, folder.path(), input)?;
    let request = BootRequest {
        machine: machine(&plan.machine, added),
        kernel_image: kernel.kernel_image.clone(),
        initramfs,
        nonce,
        host_cpus: Binding::default(),
        live_console: Some(console.clone()),
        profile: None,
        debugger: None,
        terminal: Some(sockets.clone()),
        wall_limit: Duration::MAX,
        silence_limit: Duration::MAX,
    };
    let capture = boot(&request, &lab.interrupt);
    terminal.finish(&sockets);
    let capture = capture?;
    if lab.interrupt.is_set() {
        bail!(Interrupted);
    }
    let said = capture.console.bytes();
    for finding in klog::findings(&said) {
        output::tell(&escape_for_terminal(&format!("the kernel said: {}: {}", finding.kind, finding.title)));
    }
    let Some(report) = capture.report else {
        bail!(
            "the guest ended without a report; the last line of its kernel is `{}`; {} has all of them",
            klog::last_line(&said),
            console.display()
        );
    };
    end(&report, input)
}

/// What the guest's report makes of it.
fn end(report: &[u8], input: Input) -> anyhow::Result<ExitCode> {
    let report: Report = serde_json::from_slice(report).context("understanding the guest's report")?;
    match (report.shell, report.problems.first()) {
        (None, problem) => {
            bail!("there was no shell: {}", problem.map_or("the guest does not say why", String::as_str))
        }
        (Some(_), _) if input == Input::Typed => Ok(ExitCode::SUCCESS),
        (Some(end), _) => Ok(ExitCode::from(u8::from(end != EndOfProgram::Exit(0)))),
    }
}

/// What is booted.
struct Wanted<'a> {
    plan: Plan,
    variant: Variant,
    scenario: &'a Scenario,
}

fn wanted<'a>(config: &'a Config, options: &cli::ShellBoot) -> anyhow::Result<Wanted<'a>> {
    let mut plan = plan::resolve(config, &options.plan, &Overrides::default())?;
    let of_plan = plan.variants.iter().find(|variant| variant.name == options.variant);
    let Some(variant) = of_plan.or_else(|| config.variants.get(&options.variant)).cloned() else {
        let known: Vec<&str> = config.variants.keys().map(String::as_str).collect();
        bail!("VARIANT: {}", suggest::unknown("variant", &options.variant, &known));
    };
    let name = match (&options.scenarios, plan.scenarios.first()) {
        (Some(name), _) => name,
        (None, first) => &first.context("a plan has at least one scenario")?.name,
    };
    let Some(scenario) = config.scenarios.get(name) else {
        let known: Vec<&str> = config.scenarios.keys().map(String::as_str).collect();
        bail!("--scenarios: {}", suggest::unknown("scenario", name, &known));
    };
    plan.kernel = plan.kernel.with_series_of(std::slice::from_ref(&variant));
    plan.variants = vec![variant.clone()];
    if !plan.scenarios.contains(scenario) {
        // What makes its file system is in the image.
        plan.scenarios.push(scenario.clone());
    }
    // Whoever types has real time.
    plan.machine.clock = Clock::Wall;
    Ok(Wanted { plan, variant, scenario })
}

/// The files of this boot alone: commands, and what is shared.
fn more_files(options: &cli::ShellBoot, input: Input) -> anyhow::Result<Vec<ArchiveEntry>> {
    let mut entries = options.share.as_deref().map_or_else(|| Ok(Vec::new()), shared)?;
    if input == Input::None {
        let mut commands = Vec::new();
        io::stdin()
            .take(COMMANDS_MOST_BYTES + 1)
            .read_to_end(&mut commands)
            .context("reading commands from standard input")?;
        ensure!(
            commands.len() as u64 <= COMMANDS_MOST_BYTES,
            "standard input has more than {} MiB of commands; put them into a file, share its folder with --share, and say: sh \
             /share/FILE",
            COMMANDS_MOST_BYTES >> 20
        );
        entries.push(ArchiveEntry::file(SHELL_COMMANDS, 0o644, commands));
    }
    Ok(entries)
}

fn assignment(
    plan: &Plan,
    scenario: &Scenario,
    options: &cli::ShellBoot,
    input: Input,
    nonce: lab_protocol::Nonce,
) -> Assignment {
    let kind = std::env::var("TERM").unwrap_or_else(|_| "vt100".to_owned());
    let terminal = match input {
        Input::Typed => Some(TerminalTask { kind, size: terminal::size() }),
        Input::None => None,
    };
    Assignment {
        nonce,
        server: scenario.server.clone().filter(|_| !options.no_server),
        foreign: scenario.foreign.clone().filter(|_| !options.no_server),
        filesystem: scenario.filesystem.clone(),
        storage_mib: plan.machine.storage_mib,
        workloads: Vec::new(),
        workload_limit_s: plan.machine.workload_limit_s,
        phase_us: 0,
        sampling: Sampling::plain(),
        shell: Some(ShellTask { terminal }),
        failure: None,
    }
}

/// Adds an archive behind the others; its size in bytes.
fn append(initramfs: &Path, entries: &[ArchiveEntry]) -> anyhow::Result<u64> {
    let archive = archive::write(entries).context("writing what the shell needs")?;
    let write = || File::options().append(true).open(initramfs)?.write_all(&archive);
    write().with_context(|| format!("writing {}", initramfs.display()))?;
    Ok(archive.len() as u64)
}

/// That of the plan, with room for what is added: the guest has it twice while it unpacks it.
fn machine(settings: &MachineSettings, added_bytes: u64) -> Machine {
    let accelerator = match settings.accel {
        AccelChoice::Kvm if accel::open_device().is_ok() => Accelerator::Kvm,
        AccelChoice::Kvm | AccelChoice::Auto | AccelChoice::Tcg => Accelerator::Tcg,
    };
    let memory_mib = settings.memory_mib + u32::try_from((2 * added_bytes) >> 20).unwrap_or(u32::MAX);
    Machine { memory_mib, ..Machine::new(settings, accelerator) }
}

/// A new file for what the kernel says.
fn console(sh: &Shell, lab: &Lab, variant: &str) -> anyhow::Result<PathBuf> {
    let folder = sh.create_dir(lab.results(sh)?.join("shell")).context("making a folder for the console")?;
    for number in 1.. {
        let path = folder.join(format!("{variant}-{number}.log"));
        match File::create_new(&path) {
            Ok(_) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).with_context(|| format!("making {}", path.display())),
        }
    }
    bail!("no number is left for {variant} in {}; remove some of its files", folder.display())
}
