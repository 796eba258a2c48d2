//! Rules between the parts of a plan, for plans as written and as overridden. The texts end with the remedy.

use std::ops::RangeInclusive;

use lab_protocol::{ProbeSet, Tool, WorkloadTask};

use crate::plan::{Clock, KernelSettings, MachineSettings, Scenario, Variant};
use crate::text::suggest::{listed, quoted};

/// How often each variant may be booted in each scenario.
pub const BOOTS: RangeInclusive<u32> = 1..=1000;

/// How narrow intervals may be asked to become, thousandths.
pub(super) const PRECISION_PERMILLE: RangeInclusive<u32> = 0..=100;

/// Guest memory that storage must leave free, MiB: kernel, unpacked image, server threads, a tool's buffers.
const MEMORY_BESIDE_STORAGE_MIB: u32 = 192;

/// What fio needs on top, MiB: it and its libraries are 80 MiB, there twice while the image is unpacked, and what is
/// unpacked gets half of the memory. Measured with Debian's fio 3.33: 320 MiB in all boot, 256 do not.
const MEMORY_FOR_FIO_MIB: u32 = 128;

/// The most boots of a plan that varies a setting, without those that are repeated or added: a night's work.
const MOST_SWEPT_BOOTS: usize = 1000;

/// A list has an entry.
pub(crate) fn not_empty<T>(kind: &str, list: &[T]) -> Result<(), String> {
    if list.is_empty() { Err(format!("the list is empty; name at least one {kind}")) } else { Ok(()) }
}

/// A plan that varies a setting comes to an end: it has so many variants and scenarios, with their values, and repetitions.
pub(crate) fn boots_fit(variants: usize, scenarios: usize, boots: u32) -> Result<(), String> {
    let all = variants.saturating_mul(scenarios).saturating_mul(boots as usize);
    if all <= MOST_SWEPT_BOOTS {
        return Ok(());
    }
    Err(format!(
        "{all} boots ({variants} variants, {scenarios} scenarios with their values, {boots} each) are too many; use at most \
         {MOST_SWEPT_BOOTS}"
    ))
}

/// There is something to compare the baseline with.
pub(crate) fn enough_variants(variants: &[String]) -> Result<(), String> {
    match variants {
        [] => Err("the list is empty; name the baseline and at least one other variant".to_owned()),
        [only] => {
            Err(format!("there is nothing to compare {} with; name at least two variants", quoted(only)))
        }
        [_, _, ..] => Ok(()),
    }
}

/// The baseline is booted.
pub(crate) fn baseline_among_variants(baseline: &str, variants: &[String]) -> Result<(), String> {
    if variants.iter().any(|variant| variant == baseline) {
        return Ok(());
    }
    let variants: Vec<&str> = variants.iter().map(String::as_str).collect();
    let list = listed(&variants);
    Err(format!("the baseline {} is not among the variants ({list}); add it to them", quoted(baseline)))
}

/// A plan that compares scenarios has one kernel, several scenarios, the baseline among them, and nothing that is about kernels. With
/// the wall clock it needs the baseline under a second name, as kernels do. The error is of the key that is named.
pub(crate) fn compared_scenarios(
    baseline: &str,
    variants: &[String],
    scenarios: &[&Scenario],
    clock: Clock,
    probes: Option<ProbeSet>,
) -> Result<(), (&'static str, String)> {
    let names: Vec<&str> = scenarios.iter().map(|scenario| scenario.name.as_str()).collect();
    let list = listed(&names);
    let of_baseline = scenarios.iter().find(|scenario| scenario.name == baseline);
    let again =
        scenarios.iter().filter(|scenario| of_baseline.is_some_and(|it| it.is_again(scenario))).count();
    match (of_baseline, variants) {
        (_, [] | [_, _, ..]) => Err((
            "variants",
            format!(
                "with a baseline-scenario the plan compares scenarios on one kernel; name one variant, not {}",
                variants.len()
            ),
        )),
        (None, _) => Err((
            "baseline-scenario",
            format!("the baseline {} is not among the scenarios ({list}); add it to them", quoted(baseline)),
        )),
        (Some(_), _) if scenarios.len() < 2 => Err((
            "scenarios",
            format!("there is nothing to compare {} with; name at least two scenarios", quoted(baseline)),
        )),
        (Some(_), _) if probes.is_some() => Err((
            "probes",
            "the probes compare kernels, and a plan with a baseline-scenario has one; use \"none\""
                .to_owned(),
        )),
        (Some(_), _) if clock == Clock::Wall && again < 2 => Err((
            "scenarios",
            format!(
                "the wall clock needs the scenario {} twice, to measure the noise; add one that is like it under another name",
                quoted(baseline)
            ),
        )),
        (Some(_), _) => Ok(()),
    }
}

/// With the wall clock, the baseline runs under a second name, too: the difference between the two is what
/// chance alone does, and no smaller difference is believed. The virtual clock has no such noise.
pub(crate) fn control_arm(
    clock: Clock,
    kernel: &KernelSettings,
    baseline: &str,
    variants: &[&Variant],
) -> Result<(), String> {
    let made_of = |variant: &&Variant| (variant.series.clone(), kernel.source_of(variant).clone());
    let of_baseline = variants.iter().find(|variant| variant.name == baseline).map(made_of);
    let same_kernel = variants.iter().filter(|variant| Some(made_of(variant)) == of_baseline).count();
    match clock {
        Clock::Wall if same_kernel < 2 => Err(format!(
            "the wall clock needs the kernel of {} twice, to measure the noise; add a variant with the same \
             source and series under another name",
            quoted(baseline)
        )),
        Clock::Wall | Clock::Virtual => Ok(()),
    }
}

/// Samples are added one repetition after the other. In real time that would be a look at the figures after each, and whoever
/// stops when he likes what he sees finds what he likes.
pub(crate) fn precision_fits(clock: Clock, precision_permille: u32) -> Result<(), String> {
    match clock {
        _ if !PRECISION_PERMILLE.contains(&precision_permille) => Err(format!(
            "{} % is out of range; use 0.1 % to 10 %",
            f64::from(precision_permille) / 10.0
        )),
        Clock::Wall if precision_permille > 0 => Err(
            "with the wall clock the number of boots is decided before the first one; use 0, and as many boots as you have \
             time for"
                .to_owned(),
        ),
        Clock::Wall | Clock::Virtual => Ok(()),
    }
}

/// A boot runs workloads, or all probes instead of them. Probes start servers of their own, so that a second scenario
/// would say the same; and a kernel that one of so many breaks would take figures with it. The error is of the key that is
/// named.
pub(crate) fn probes_fit(
    probes: Option<ProbeSet>,
    workloads: usize,
    scenarios: usize,
) -> Result<(), (&'static str, String)> {
    match probes {
        Some(ProbeSet::All) if workloads > 0 => Err((
            "workloads",
            "all probes run without workloads; use [] here, or probes = \"quick\"".to_owned(),
        )),
        Some(ProbeSet::All) if scenarios > 1 => Err((
            "scenarios",
            "all probes start servers of their own, so that they say the same in each scenario; name one"
                .to_owned(),
        )),
        Some(ProbeSet::All) => Ok(()),
        None | Some(ProbeSet::Quick) if workloads == 0 => Err((
            "workloads",
            "the list is empty; name at least one workload, or run probes = \"all\" instead".to_owned(),
        )),
        None | Some(ProbeSet::Quick) => Ok(()),
    }
}

/// Probes start FUSE servers of their own: they say nothing of another file system.
pub(crate) fn probes_have_a_server<'a>(
    probes: Option<ProbeSet>,
    scenarios: impl IntoIterator<Item = &'a &'a Scenario>,
) -> Result<(), String> {
    let other = scenarios.into_iter().find(|scenario| scenario.server.is_none());
    match (probes, other) {
        (Some(_), Some(scenario)) if scenario.foreign.is_some() => Err(format!(
            "the probes start the lab's own FUSE server, and the scenario {} has another one; use \"none\"",
            quoted(&scenario.name)
        )),
        (Some(_), Some(scenario)) => Err(format!(
            "the probes are about FUSE, and the scenario {} has no FUSE server; use \"none\"",
            quoted(&scenario.name)
        )),
        (None, _) | (_, None) => Ok(()),
    }
}

/// A workload finds what it works on in each scenario: a file, or loopback without a server beside it.
pub(crate) fn workload_suits<'a>(
    workload: &WorkloadTask,
    scenarios: impl IntoIterator<Item = &'a &'a Scenario>,
) -> Result<(), String> {
    let suits = |scenario: &Scenario| match workload.has_file() {
        true => scenario.has_files(),
        false => !scenario.is_served(),
    };
    let Some(scenario) = scenarios.into_iter().find(|scenario| !suits(scenario)) else { return Ok(()) };
    let (name, scenario) = (quoted(&workload.name), quoted(&scenario.name));
    Err(match workload.has_file() {
        true => format!(
            "{name} works on a file, and the scenario {scenario} has no file system; use one that has"
        ),
        false => format!(
            "{name} works on no file, and the scenario {scenario} has a FUSE server; use one with filesystem = \"none\""
        ),
    })
}

/// A workload's file and its tool have room in the guest.
pub(crate) fn workload_fits(
    workload: &WorkloadTask,
    machine_name: &str,
    machine: &MachineSettings,
) -> Result<(), String> {
    file_fits_storage(workload, machine_name, machine)?;
    let needed = machine.storage_mib.saturating_add(MEMORY_BESIDE_STORAGE_MIB + MEMORY_FOR_FIO_MIB);
    let tool = match workload.tool {
        Tool::Dd | Tool::AioStress | Tool::Fsx | Tool::Pjdfstest | Tool::Socket => return Ok(()),
        Tool::Fio => "fio",
        Tool::StressNg => "stress-ng",
    };
    if needed <= machine.memory_mib {
        return Ok(());
    }
    Err(format!(
        "{} needs {tool}, which is large: beside {} MiB of storage machine {} needs memory-mib = {needed} or more, which \
         is {}; raise it or lower storage-mib",
        quoted(&workload.name),
        machine.storage_mib,
        quoted(machine_name),
        machine.memory_mib
    ))
}

/// A tool that acts as several users gets past the mount in each scenario.
pub(crate) fn users_are_let_in<'a>(
    workload: &WorkloadTask,
    scenarios: impl IntoIterator<Item = &'a &'a Scenario>,
) -> Result<(), String> {
    let is_closed = |scenario: &Scenario| match (&scenario.server, &scenario.foreign) {
        (Some(server), _) => !server.allow_other,
        (None, Some(server)) => !server.arguments.iter().any(|argument| argument.contains("allow_other")),
        (None, None) => false,
    };
    let closed = scenarios.into_iter().find(|scenario| is_closed(scenario));
    match (workload.tool, closed) {
        (Tool::Pjdfstest, Some(scenario)) if scenario.foreign.is_some() => Err(format!(
            "{} acts as several users, and no argument of the server of {} has allow_other; add it, as in \"-o\", \"allow_other\"",
            quoted(&workload.name),
            quoted(&scenario.name)
        )),
        (Tool::Pjdfstest, Some(scenario)) => Err(format!(
            "{} acts as several users, and the scenario {} lets only root in; use one with allow-other = true",
            quoted(&workload.name),
            quoted(&scenario.name)
        )),
        (
            Tool::Dd
            | Tool::AioStress
            | Tool::Fio
            | Tool::StressNg
            | Tool::Fsx
            | Tool::Pjdfstest
            | Tool::Socket,
            Some(_) | None,
        ) => Ok(()),
    }
}

/// A suite reads again what it has written in each scenario.
pub(crate) fn data_is_kept<'a>(
    workload: &WorkloadTask,
    scenarios: impl IntoIterator<Item = &'a &'a Scenario>,
) -> Result<(), String> {
    let is_null = |scenario: &&&Scenario| scenario.server.as_ref().is_some_and(|server| server.storage_null);
    match scenarios.into_iter().find(is_null) {
        Some(scenario) if workload.is_suite() => Err(format!(
            "{} checks what it reads, and the scenario {} keeps no data; use one with storage-null = false",
            quoted(&workload.name),
            quoted(&scenario.name)
        )),
        Some(_) | None => Ok(()),
    }
}

fn file_fits_storage(
    workload: &WorkloadTask,
    machine_name: &str,
    machine: &MachineSettings,
) -> Result<(), String> {
    let (file_mib, storage_mib) = (workload.file_mib, machine.storage_mib);
    if file_mib <= storage_mib {
        return Ok(());
    }
    Err(format!(
        "the file of {} has {file_mib} MiB, the storage of machine {} only {storage_mib} MiB; lower file-mib or \
         raise storage-mib",
        quoted(&workload.name),
        quoted(machine_name)
    ))
}

/// Memory holds storage and everything else.
pub(super) fn storage_fits_memory(machine: &MachineSettings) -> Result<(), String> {
    let most = machine.memory_mib.saturating_sub(MEMORY_BESIDE_STORAGE_MIB);
    if machine.storage_mib <= most {
        return Ok(());
    }
    let needed = machine.storage_mib.saturating_add(MEMORY_BESIDE_STORAGE_MIB);
    Err(format!(
        "{} MiB of storage need memory-mib = {needed} or more, which is {}; raise it or lower storage-mib",
        machine.storage_mib, machine.memory_mib
    ))
}
