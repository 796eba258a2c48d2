//! What the lab finds on this machine, for people.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use lab_core::plan::{self, Arch, Overrides};
use lab_core::text::escape::escape_for_terminal;
use xshell::Shell;

use crate::build::kernel;
use crate::commands::{FAILED, cli, preflight};
use crate::lab::cache::Cache;
use crate::lab::{self, Lab, files, output};
use crate::machine::accel::{self, MachineIdentity};
use crate::machine::host::{self, NEEDS, OPTIONAL};
use crate::machine::memory::room;
use crate::machine::need::Need;
use crate::machine::packages::System;
use crate::machine::platform::Platform;

/// The plan that is held against this machine.
const PLAN: &str = "default";

/// Prints the findings, after forgetting what is to be forgotten; the exit code is 3 if the lab cannot run here as it is. Makes
/// nothing.
///
/// # Errors
/// If the environment names no cache.
pub fn doctor(sh: &Shell, options: &cli::Doctor) -> anyhow::Result<ExitCode> {
    let cache = Cache::to_look_at()?;
    if options.forget {
        match accel::forget(&cache)? {
            0 => output::tell("no result of a test of KVM was remembered"),
            count => output::tell(&format!("forgotten: {count} results of tests of KVM")),
        }
    }
    let (text, ready) = examine(sh, &cache);
    output::print(&text)?;
    Ok(if ready { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

/// The findings, and whether the lab can run here as it is.
fn examine(sh: &Shell, cache: &Cache) -> (String, bool) {
    let machine = host::this_host(sh);
    // A machine that the lab does not know has a line of its own.
    let own = host::arch().unwrap_or_default();
    let mut text = String::new();
    let mut line = |key: &str, value: &str| {
        let _ = writeln!(text, "{key:<18} {}", escape_for_terminal(value));
    };
    line("system", &machine.system);
    line("kernel", &machine.kernel);
    line("cpu", &format!("{} x {}", machine.cpus, machine.cpu));
    line("memory", &format!("{} MiB", machine.memory_mib));
    let cache_fault = cache.check().err().map(|error| format!("{error:#}"));
    line("cache", cache_fault.as_ref().unwrap_or(&cache_text(cache)));
    let temporary = std::env::temp_dir();
    let temporary_fault = lab::fault_of_temporary_folder(&temporary);
    line("temporary folder", temporary_fault.as_ref().unwrap_or(&temporary.display().to_string()));
    line("build sandbox", &kernel::sandbox_text(sh, cache.existing()));
    let qemu_version = host::qemu_version(sh, own);
    line("qemu", &qemu_version.as_ref().map_or_else(|error| format!("{error:#}"), String::clone));
    line("/dev/kvm", kvm_device());
    if let Ok(qemu_version) = &qemu_version {
        let identity = MachineIdentity { cpu: &machine.cpu, kernel: &machine.kernel, qemu_version };
        line("kvm test", &accel::remembered_text(cache, identity, jiff::Timestamp::now()));
    }
    line("memory for boots", &memory_for_boots());
    let needs: Vec<Need> = NEEDS.iter().copied().chain(Platform::of(own).needs(own)).collect();
    let missing: Vec<&Need> = needs.iter().filter(|need| need.what.find().is_none()).collect();
    let plan_fault = fault_of_plan(sh, &missing).err().map(|error| format!("{error:#}"));
    let fits = format!("{PLAN} finds what it needs");
    line("plan", plan_fault.as_ref().unwrap_or(&fits));
    let system = host::system(sh);
    let place = |need: &Need| need.what.find().map(|path| path.display().to_string());
    for need in &needs {
        let package = system.package(need.package);
        let absent = || format!("MISSING: package {package}, for {}", need.why);
        line(need.what.name(), &place(need).unwrap_or_else(absent));
    }
    let others = Arch::ALL.into_iter().filter(|arch| *arch != own);
    let of_others =
        others.flat_map(|arch| Platform::of(arch).needs(own).into_iter().map(move |need| (arch, need)));
    for (arch, need) in of_others {
        let package = system.package(need.package);
        let absent = || {
            format!(
                "not there, and needed only for machines with arch = \"{}\": package {package}",
                arch.name()
            )
        };
        line(need.what.name(), &place(&need).unwrap_or_else(absent));
    }
    for (_, need) in OPTIONAL {
        let package = system.package(need.package);
        let absent = || format!("not there, and needed only for {}: package {package}", need.why);
        line(need.what.name(), &place(need).unwrap_or_else(absent));
    }
    let is_faulty = [&cache_fault, &temporary_fault, &plan_fault].into_iter().any(Option::is_some);
    line("result", &result(system, &missing, is_faulty));
    (text, missing.is_empty() && !is_faulty)
}

fn result(system: System, missing: &[&Need], is_faulty: bool) -> String {
    let packages = missing.iter().map(|need| need.package).collect();
    match (missing.is_empty(), is_faulty) {
        (true, false) => "the lab can run here".to_owned(),
        (true, true) => "the lab cannot run here as it is, see above".to_owned(),
        (false, _) if host::can_install() => "packages are missing; run-lab installs them".to_owned(),
        (false, _) => format!("packages are missing; {}", system.remedy(&packages)),
    }
}

fn cache_text(cache: &Cache) -> String {
    let free = files::free_bytes(cache.existing()).map_or_else(
        |error| format!("{error:#}"),
        |bytes| format!("{:.1} GiB free", bytes as f64 / f64::from(1 << 30)),
    );
    let is_there = if cache.existing() == cache.root() { "" } else { ", not made yet" };
    format!("{}{is_there}, {free}", cache.root().display())
}

/// What `run-lab` would refuse the default plan for, beside what has a line of its own.
fn fault_of_plan(sh: &Shell, missing: &[&Need]) -> anyhow::Result<()> {
    let purpose = || format!("plan {PLAN}");
    let lab = Lab::to_look_at()?;
    let config = lab.config(sh)?;
    let plan = plan::resolve(&config, PLAN, &Overrides::default()).with_context(purpose)?;
    config.check_host_cpus(PLAN, host::cpus()).with_context(purpose)?;
    preflight::plan(sh, &lab, &plan).with_context(purpose)?;
    if missing.is_empty() {
        preflight::programs(sh, &lab, &plan)?;
    }
    Ok(())
}

fn memory_for_boots() -> String {
    match room().available_mib {
        Some(mib) => format!("{mib} MiB available"),
        None => "this machine does not tell".to_owned(),
    }
}

fn kvm_device() -> &'static str {
    match accel::open_device() {
        Ok(()) => "opens; whether a guest boots under it is tested when a plan asks for accel = \"auto\"",
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => "not there: emulation only",
        Err(_) => "does not open for this user: emulation only",
    }
}
