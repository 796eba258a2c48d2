//! `mutants`: would the lab notice if a series were wrong?

mod kept;
mod progress;
mod run;
mod test_bed;

use std::fs;
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use lab_core::comparison::NoAnswer;
use lab_core::comparison::mutants::{Fate, control_failures};
use lab_core::plan::config::Config;
use lab_core::plan::{self, Clock, Overrides, Plan, Variant};
use lab_core::report::mutants as report;
use lab_core::series;
use lab_core::series::mutants::{HandWritten, Mutant, mutants as all_mutants, only, spread};
use lab_core::text::escape::escape_for_terminal;
use xshell::Shell;

use crate::build::mutants::MutantBuilder;
use crate::commands::run_lab::{campaign_and_machine, ensure_image};
use crate::commands::{CANNOT_TELL, FOUND, cli, preflight};
use crate::lab::output::{Manner, Verbosity};
use crate::lab::stopwatch::Stopwatch;
use crate::lab::{Lab, output};
use crate::machine::host;
use test_bed::TestBed;

/// A larger list of mutants is refused; one of fifty mutants has 15 KiB.
const LIST_LIMIT_BYTES: u64 = 1 << 20;

/// `cargo xtask mutants`.
///
/// # Errors
/// If there is nothing to find: bad input, something missing on this machine, a right kernel that is none, an interruption.
pub fn mutants(sh: &Shell, options: &cli::Mutants) -> anyhow::Result<ExitCode> {
    let only_shows = options.list || options.rules;
    if !only_shows {
        preflight::machine()?;
    }
    let lab = Lab::open()?;
    let mut watch = Stopwatch::start();
    let config = lab.config(sh)?;
    let variant = plan::with_series(&config.variants, &options.series).map_err(anyhow::Error::msg)?;
    let plan = plan_of(&config, &options.plan, &variant)?;
    if !only_shows {
        preflight::plan(sh, &lab, &plan)?;
    }
    watch.step("packages", || preflight::packages(sh, &lab, &plan))?;
    if !only_shows {
        preflight::programs(sh, &lab, &plan)?;
    }
    let builder = MutantBuilder::new(sh, &lab, &plan.kernel, &variant)?;
    let all = all_mutants(&builder.files()?, &by_hand(&lab, &options.series)?)
        .with_context(|| format!("kernel-patches/{}/{}", options.series, series::MUTANTS))?;
    ensure!(!all.is_empty(), "series {} adds no code in which a fault could be put", options.series);
    if options.rules {
        output::print(&report::rules(&all))?;
        return Ok(ExitCode::SUCCESS);
    }
    let chosen = chosen(all, options)?;
    if options.list {
        output::print(&report::list(&chosen))?;
        return Ok(ExitCode::SUCCESS);
    }
    let right = watch.step("kernel", || builder.right())?;
    let image = watch.step("image", || ensure_image(sh, &lab, &plan))?;
    let host = host::this_host(sh);
    let (file, machine) = campaign_and_machine(sh, &lab, plan, host, std::slice::from_ref(&right), &image)?;
    let test_bed = TestBed::open(sh, &lab, &options.series, file, machine, &image, options.jobs)?;
    let control = watch.step("right kernel", || test_bed.control(&right))?;
    warn(&variant, &control)?;
    let tried = watch.step("mutants", || run::run(&test_bed, &builder, &right, &control, &chosen))?;
    if Manner::chosen().verbosity == Verbosity::Verbose {
        output::print(&format!("{}\n", report::notices(&tried)))?;
    }
    output::print(&report::render(&tried))?;
    output::tell(&format!("\nresults in {}\n{}", test_bed.path().display(), watch.line()));
    let is_any = |is_it: fn(&Fate) -> bool| tried.iter().any(|tried| is_it(&tried.fate));
    Ok(match (is_any(|fate| *fate == Fate::Survived), is_any(|fate| matches!(fate, Fate::Lost(_)))) {
        (true, _) => ExitCode::from(FOUND),
        (false, true) => ExitCode::from(CANNOT_TELL),
        (false, false) => ExitCode::SUCCESS,
    })
}

/// The plan for one kernel: one boot in the first scenario.
fn plan_of(config: &Config, name: &str, variant: &Variant) -> anyhow::Result<Plan> {
    let plan = plan::resolve(config, name, &Overrides::default())?;
    ensure!(
        plan.machine.clock == Clock::Virtual,
        "plan {name} has the wall clock, under which two boots of one kernel differ: name one with the virtual clock"
    );
    let scenarios = plan.scenarios.iter().take(1).cloned().collect();
    let entry = config.plans.get(name).context("a plan that is resolved is there")?;
    let (kernel, variants) = config.kernel_of(entry).around(&variant.name, vec![variant.clone()]);
    Ok(Plan { baseline: variant.name.clone(), kernel, variants, scenarios, ..plan }.with_repetitions(1))
}

/// The list beside the patches; an empty one if there is none.
fn by_hand(lab: &Lab, name: &str) -> anyhow::Result<HandWritten> {
    let path = lab.checkout.join("kernel-patches").join(name).join(series::MUTANTS);
    let purpose = || format!("reading {}", path.display());
    let size = match fs::metadata(&path) {
        Ok(data) => data.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(HandWritten::default()),
        Err(error) => return Err(error).with_context(purpose),
    };
    ensure!(size <= LIST_LIMIT_BYTES, "{}: {size} bytes, {LIST_LIMIT_BYTES} are allowed", purpose());
    HandWritten::parse(&fs::read_to_string(&path).with_context(purpose)?).with_context(purpose)
}

fn chosen(all: Vec<Mutant>, options: &cli::Mutants) -> anyhow::Result<Vec<Mutant>> {
    let chosen = if options.only.is_empty() { all } else { only(&all, &options.only)? };
    Ok(match options.limit {
        Some(most) => spread(chosen, most),
        None => chosen,
    })
}

/// Says what the right kernel's own probes say against it; a fault that looks the same is not noticed by them.
fn warn(variant: &Variant, control: &test_bed::Control) -> anyhow::Result<()> {
    let failures = match control_failures(&control.boot) {
        Ok(failures) => failures,
        Err(reason) => bail!(NoAnswer(format!(
            "nothing can be held against the kernel {} without a fault: {reason}; look into it with: cargo xtask run-lab \
             --plan behaviour --variants {}",
            variant.name, variant.name
        ))),
    };
    for failure in failures {
        let text = format!(
            "the kernel {} without a fault already fails {}: {}",
            variant.name, failure.by, failure.text
        );
        output::warn(&escape_for_terminal(&text));
    }
    Ok(())
}
