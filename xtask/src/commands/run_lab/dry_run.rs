//! What a run would do, without doing any of it.

use std::fmt::Write as _;
use std::process::ExitCode;

use lab_core::plan::{BootStep, Plan, SideBySide};
use lab_core::series::unbuilt::lines;
use lab_core::text::layout::longest;
use xshell::Shell;

use super::estimate::estimate;
use super::{boots_side_by_side, resolve, tell_beforehand};
use crate::build::image;
use crate::build::kernels::{self, Foreseen};
use crate::build::unbuilt::{self, ForeseenParts};
use crate::campaign;
use crate::commands::{cli, preflight};
use crate::lab::{Lab, output};
use crate::machine::host;

/// Prints the resolved plan, what would have to be built, and how long the boots would take.
///
/// # Errors
/// If the plan cannot be run as it is written, or not on this machine, or a series of it cannot be used.
pub(super) fn show(sh: &Shell, options: &cli::RunLab) -> anyhow::Result<ExitCode> {
    let lab = Lab::to_look_at()?;
    let plan = resolve(sh, &lab, &lab.config(sh)?, options)?;
    kernels::check_series(&lab, &plan.variants)?;
    let side_by_side = boots_side_by_side(&plan)?;
    preflight::plan(sh, &lab, &plan)?;
    tell_beforehand(&plan, options);
    output::print(&boots(&plan, side_by_side))?;
    output::print(&format!("\npackages  {}\n", packages(sh, &plan)?))?;
    output::print(&builds(sh, &lab, &plan))?;
    let earlier = campaign::earlier_boots(&lab.checkout.join("results"));
    output::print(&format!("time  {}\n", estimate(&plan, &earlier, side_by_side.boots)))?;
    output::print("nothing was booted, installed, built or written\n")?;
    host::ensure_installable(sh, plan.machine.arch, &plan.programs())?;
    if host::missing(plan.machine.arch, &plan.programs())?.is_empty() {
        preflight::programs(sh, &lab, &plan)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn packages(sh: &Shell, plan: &Plan) -> anyhow::Result<String> {
    let missing = host::missing(plan.machine.arch, &plan.programs())?;
    let how = match (missing.is_empty(), host::can_install()) {
        (true, _) => return Ok("all there".to_owned()),
        (false, true) => "to be installed",
        (false, false) => "missing",
    };
    let system = host::system(sh);
    let names: Vec<&str> = missing.into_iter().map(|name| system.package(name)).collect();
    Ok(format!("{how}: {}", names.join(" ")))
}

/// A line for each kernel, for each part of a series that is not built, and one for the image. What is missing on this machine is no error of the plan.
fn builds(sh: &Shell, lab: &Lab, plan: &Plan) -> String {
    let how = |is_there: bool| if is_there { "cached" } else { "to be built" };
    let has_several = plan.kernel.sources(&plan.variants).len() > 1;
    let mut text = match kernels::foreseen(sh, lab, &plan.kernel, &plan.variants) {
        Ok(foreseen) => {
            let kernels = plan.variants.iter().zip(&foreseen);
            let kernels =
                kernels.fold(String::new(), |text, (variant, Foreseen { is_stored, source, .. })| {
                    // What its patch is follows from the source.
                    let how = if variant.placebo.is_some() {
                        "to be built unless it is cached"
                    } else {
                        how(*is_stored)
                    };
                    let source = if has_several { format!("  source {source}") } else { String::new() };
                    text + &format!("kernel {}  {how}{source}\n", variant.name)
                });
            kernels + &series(sh, lab, plan, &foreseen)
        }
        Err(error) => format!("kernels  cannot be looked up: {error:#}\n"),
    };
    text += &match image::is_cached(sh, &lab.cache, lab.checkout.root(), &image::Contents::of(plan)) {
        Ok(is_there) => format!("image  {}\n", how(is_there)),
        Err(error) => format!("image  cannot be looked up: {error:#}\n"),
    };
    text
}

/// A line for each option that is turned on for series, and for each part of one that is not built.
fn series(sh: &Shell, lab: &Lab, plan: &Plan, foreseen: &[Foreseen]) -> String {
    match unbuilt::foreseen(sh, lab, &plan.kernel, &plan.variants, foreseen) {
        Ok(ForeseenParts { not_built, turned_on, unknown }) => {
            let unknown = (!unknown.is_empty()).then(|| {
                format!("what is turned on for {} is known when the source is unpacked", unknown.join(", "))
            });
            let lines = turned_on.into_iter().chain(unknown).chain(lines(not_built.iter().flatten()));
            lines.fold(String::new(), |text, line| text + &line + "\n")
        }
        Err(error) => format!("what of the series is not built cannot be found out: {error:#}\n"),
    }
}

/// Every boot in order, below a line that sums them up.
fn boots(plan: &Plan, side_by_side: SideBySide) -> String {
    let workloads: Vec<&str> = plan.workloads.iter().map(|workload| workload.name.as_str()).collect();
    let turns = side_by_side.line();
    let runs = if workloads.is_empty() { "probes only".to_owned() } else { workloads.join(", ") };
    let varied = plan.sweep.as_ref().map(|sweep| {
        let values: Vec<String> = sweep.values().iter().map(u64::to_string).collect();
        format!("; {} varies: {}", sweep.setting, values.join(", "))
    });
    let mut text = format!(
        "plan {}: {} boots, {turns}; each runs {runs}{}\n\n",
        plan.name,
        plan.boots.len(),
        varied.unwrap_or_default()
    );
    let variants = longest(plan.variants.iter().map(|variant| variant.name.as_str()).chain(["variant"]));
    let scenarios = longest(plan.scenarios.iter().map(|scenario| scenario.name.as_str()).chain(["scenario"]));
    let mut line = |boot: &str, variant: &str, scenario: &str, repetition: &str, note: &str| {
        let line =
            format!("{boot:>4}  {variant:<variants$}  {scenario:<scenarios$}  {repetition:>10}  {note}");
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", line.trim_end());
    };
    line("boot", "variant", "scenario", "repetition", "");
    for (place, step) in plan.boots.iter().enumerate() {
        let [number, repetition] = [step.number, step.repetition].map(|value| value.to_string());
        line(&number, &step.variant, &step.scenario, &repetition, &note(step, &plan.boots[..place]));
    }
    text
}

/// What is special about a boot that comes after these.
fn note(step: &BootStep, earlier: &[BootStep]) -> String {
    let is_the_same = |other: &&BootStep| {
        (&other.variant, &other.scenario, other.round, other.is_warm_up())
            == (&step.variant, &step.scenario, step.round, step.is_warm_up())
    };
    match (step.is_warm_up(), earlier.iter().find(is_the_same), step.probes) {
        (true, ..) => "warm-up, not counted".to_owned(),
        (false, Some(first), _) => format!("the same as boot {}, to see that it repeats", first.number),
        (false, None, Some(set)) => format!("{} probes", set.word()),
        (false, None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use lab_core::fixtures::{campaign, two_arms};
    use lab_core::plan::{Clock, MachineSettings, Room, side_by_side};
    use lab_protocol::ProbeSet;

    use super::*;

    #[test]
    fn every_boot_is_listed() {
        let plan = |clock| {
            let plan = campaign(clock, &two_arms()).file.plan;
            let machine = MachineSettings { warm_up_pairs: 1, phase_range_us: 4000, ..plan.machine };
            Plan { machine, ..plan }.with_repetitions(3)
        };
        let on = |clock, cpus| {
            let (plan, room) = (plan(clock), Room { cpus, available_mib: Some(1600), total_mib: None });
            boots(&plan, side_by_side(&plan, room).unwrap())
        };
        expect![[r#"
            plan built: 8 boots, 2 side by side; each runs dd-read, aio-read

            boot  variant   scenario  repetition
               1  original  slow               1
               2  patched   slow               1
               3  original  slow               1  the same as boot 1, to see that it repeats
               4  patched   slow               1  the same as boot 2, to see that it repeats
               5  patched   slow               2
               6  original  slow               2
               7  patched   slow               3
               8  original  slow               3
        "#]]
        .assert_eq(&on(Clock::Virtual, 2));
        let probed = |probes, workloads| {
            let plan = plan(Clock::Virtual);
            let plan = Plan { probes: Some(probes), workloads, ..plan }.with_repetitions(2);
            let room = Room { cpus: 2, available_mib: Some(1600), total_mib: None };
            boots(&plan, side_by_side(&plan, room).unwrap())
        };
        expect![[r#"
            plan built: 6 boots, 2 side by side; each runs dd-read, aio-read

            boot  variant   scenario  repetition
               1  original  slow               1  quick probes
               2  patched   slow               1  quick probes
               3  original  slow               1  the same as boot 1, to see that it repeats
               4  patched   slow               1  the same as boot 2, to see that it repeats
               5  patched   slow               2
               6  original  slow               2
        "#]]
        .assert_eq(&probed(ProbeSet::Quick, plan(Clock::Virtual).workloads));
        expect![[r#"
            plan built: 4 boots, 2 side by side; each runs probes only

            boot  variant   scenario  repetition
               1  original  slow               1  all probes
               2  patched   slow               1  all probes
               3  patched   slow               2  all probes
               4  original  slow               2  all probes
        "#]]
        .assert_eq(&probed(ProbeSet::All, Vec::new()));
        let first_line = on(Clock::Virtual, 64).lines().next().unwrap().to_owned();
        expect!["plan built: 8 boots, 5 side by side and not 64, since each needs 320 MiB of memory and 1600 MiB are available; each runs dd-read, aio-read"]
            .assert_eq(&first_line);
        expect![[r#"
            plan built: 8 boots, one after the other; each runs dd-read, aio-read

            boot  variant   scenario  repetition
               1  original  slow               1  warm-up, not counted
               2  patched   slow               1  warm-up, not counted
               3  original  slow               1
               4  patched   slow               1
               5  patched   slow               2
               6  original  slow               2
               7  patched   slow               3
               8  original  slow               3
        "#]]
        .assert_eq(&on(Clock::Wall, 2));
    }
}
