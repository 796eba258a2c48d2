//! From a plan as written, and options of the command line, to what will happen.

mod swept;

use std::collections::BTreeMap;

use lab_protocol::ProbeSet;

use super::{Clock, Plan, Sweep, Variant, Varied, steps};
use crate::plan::config::{self, Config, ConfigError, PlanEntry};
use crate::text::suggest::{self, quoted};
use swept::Expanded;

/// What the command line says instead of the plan. Each name must be one of `lab.toml`; the plan need not list it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--variants`: the variants, the plan's baseline among them.
    pub variants: Option<Vec<String>>,
    /// `--baseline`: the variant that the others are compared with, one of them; or the scenario, if the plan compares scenarios.
    pub baseline: Option<String>,
    /// `--each-patch`: these instead, the first one as the baseline.
    pub steps: Option<Vec<Variant>>,
    /// `watch`: this kernel alone. It is compared with those of other campaigns.
    pub alone: Option<Variant>,
    /// `--scenarios`: the scenarios.
    pub scenarios: Option<Vec<String>>,
    /// `--workloads`: the workloads.
    pub workloads: Option<Vec<String>>,
    /// `--boots`: how often each variant is booted in each scenario.
    pub boots: Option<u32>,
    /// `--precision`: how narrow the intervals are to become, thousandths.
    pub precision_permille: Option<u32>,
}

/// Resolves the plan of this name.
///
/// # Errors
/// If there is no such plan, or what the overrides make of it cannot be run. The configuration itself is sound.
pub fn resolve(config: &Config, name: &str, overrides: &Overrides) -> Result<Plan, ConfigError> {
    let Some(entry) = config.plans.get(name) else {
        let known: Vec<&str> = config.plans.keys().map(String::as_str).collect();
        return Err(ConfigError::new("--plan", suggest::unknown("plan", name, &known)));
    };
    let machine = &config.machines[&entry.machine];

    if entry.baseline_scenario.is_some() && (overrides.alone.is_some() || overrides.steps.is_some()) {
        let message = format!(
            "the plan {} compares scenarios on one kernel, and not kernels; use one without baseline-scenario",
            quoted(name)
        );
        return Err(ConfigError::new("--plan", message));
    }
    let (baseline, variants) = match (&overrides.alone, &overrides.steps) {
        (Some(variant), _) => (variant.name.clone(), vec![variant.clone()]),
        (None, Some(variants)) => with_control(variants.clone(), machine.clock),
        (None, None) => named_variants(config, entry, overrides)
            .map_err(|(option, message)| ConfigError::new(option, message))?,
    };

    let kernel = config.kernel_of(entry).with_series_of(&variants);
    let (kernel, variants) = kernel.around(&baseline, variants);

    let wrong = |message| ConfigError::new("--scenarios", message);
    let names = overrides.scenarios.as_ref().unwrap_or(&entry.scenarios);
    config::not_empty("scenario", names).map_err(wrong)?;
    let sweep = |varied| entry.sweep.as_ref().filter(|sweep| sweep.varied == varied);
    let Expanded { all: scenarios, mut points } = match sweep(Varied::Scenarios) {
        Some(sweep) => swept::scenarios(config, sweep, names)?,
        None => Expanded::as_named(select("scenario", names, &config.scenarios).map_err(wrong)?),
    };

    let baseline_scenario =
        entry.baseline_scenario.as_ref().map(|own| overrides.baseline.as_ref().unwrap_or(own).clone());
    if let Some(baseline) = &baseline_scenario {
        let names: Vec<String> = variants.iter().map(|variant| variant.name.clone()).collect();
        let compared: Vec<_> = scenarios.iter().collect();
        config::compared_scenarios(baseline, &names, &compared, machine.clock, entry.probes)
            .map_err(|(key, message)| ConfigError::new(format!("--{}", option_of(key)), message))?;
    }

    let wrong = |message| ConfigError::new("--workloads", message);
    let names = overrides.workloads.as_ref().unwrap_or(&entry.workloads);
    let Expanded { all: mut workloads, points: of_workloads } = match sweep(Varied::Workloads) {
        Some(sweep) => swept::workloads(config, sweep, names).map_err(wrong)?,
        None => Expanded::as_named(select("workload", names, &config.workloads).map_err(wrong)?),
    };
    points.extend(of_workloads);
    for workload in &mut workloads {
        // In real time what was cold or in the way in a boot was so for all that ran in it, so that a boot is the unit; and
        // what finds nothing wrong once would not do so another time.
        if machine.clock == Clock::Wall || workload.is_suite() {
            workload.samples = 1;
        }
    }
    config::never_timed(name, entry.debug.as_ref(), &workloads).map_err(wrong)?;
    let of_plan: Vec<_> = scenarios.iter().collect();
    for workload in &workloads {
        config::workload_fits(workload, &entry.machine, machine).map_err(wrong)?;
        config::workload_suits(workload, &of_plan).map_err(wrong)?;
        config::users_are_let_in(workload, &of_plan).map_err(wrong)?;
        config::data_is_kept(workload, &of_plan).map_err(wrong)?;
    }
    let probes = probes(entry, overrides).map_err(|message| ConfigError::new("--plan", message))?;
    config::probes_have_a_server(probes, &of_plan)
        .map_err(|message| ConfigError::new("--scenarios", message))?;
    config::probes_fit(probes, workloads.len(), scenarios.len())
        .map_err(|(key, message)| ConfigError::new(format!("--{key}"), message))?;

    let repetitions = overrides.boots.unwrap_or(entry.boots);
    if !config::BOOTS.contains(&repetitions) {
        let (least, most) = config::BOOTS.into_inner();
        let message = format!("{repetitions} is out of range; use {least} to {most}");
        return Err(ConfigError::new("--boots", message));
    }
    let sweep = entry.sweep.as_ref().map(|sweep| Sweep {
        setting: sweep.setting.clone(),
        varied: sweep.varied,
        points,
    });
    if sweep.is_some() {
        config::boots_fit(variants.len(), scenarios.len(), repetitions)
            .map_err(|message| ConfigError::new("--boots", message))?;
    }

    let plan = Plan {
        name: name.to_owned(),
        baseline,
        baseline_scenario,
        repetitions,
        precision_permille: precision(entry, overrides, machine.clock)?,
        added: Vec::new(),
        seed: entry.seed,
        thresholds: config.thresholds.clone(),
        machine: machine.clone(),
        kernel,
        variants,
        scenarios,
        workloads,
        sweep,
        probes,
        known: config.known.clone(),
        boots: Vec::new(),
    };
    Ok(plan.with_repetitions(repetitions))
}

/// How narrow the intervals are to become. Whoever says how many boots there are to be gets so many.
fn precision(entry: &PlanEntry, overrides: &Overrides, clock: Clock) -> Result<u32, ConfigError> {
    let precision = match (overrides.precision_permille, overrides.boots) {
        (Some(precision), _) => precision,
        (None, Some(_)) => 0,
        (None, None) => entry.precision_permille,
    };
    config::precision_fits(clock, precision).map_err(|message| ConfigError::new("--precision", message))?;
    Ok(precision)
}

/// What is probed. Not the steps of a series, of which nothing is said, nor the arms of a self-test, which are one kernel.
fn probes(entry: &PlanEntry, overrides: &Overrides) -> Result<Option<ProbeSet>, String> {
    match (&overrides.steps, entry.probes) {
        (None, probes) => Ok(probes),
        (Some(_), Some(ProbeSet::All)) => Err(
            "it probes instead of measuring, and neither the steps of a series nor the arms of a self-test \
             are probed; use a plan with workloads"
                .to_owned(),
        ),
        (Some(_), None | Some(ProbeSet::Quick)) => Ok(None),
    }
}

/// The baseline and all variants of a plan; of a mistake the option and what is wrong.
fn named_variants(
    config: &Config,
    entry: &PlanEntry,
    overrides: &Overrides,
) -> Result<(String, Vec<Variant>), (&'static str, String)> {
    let wrong = |message| ("--variants", message);
    let names = overrides.variants.as_ref().unwrap_or(&entry.variants);
    if entry.baseline_scenario.is_some() {
        let variants: Vec<Variant> = select("variant", names, &config.variants).map_err(wrong)?;
        return Ok((variants.first().map(|variant| variant.name.clone()).unwrap_or_default(), variants));
    }
    config::enough_variants(names).map_err(wrong)?;
    let variants: Vec<Variant> = select("variant", names, &config.variants).map_err(wrong)?;
    let (option, baseline) = match &overrides.baseline {
        Some(baseline) => ("--baseline", baseline),
        None => ("--variants", &entry.baseline),
    };
    match config.variants.contains_key(baseline) {
        true => config::baseline_among_variants(baseline, names),
        false => {
            Err(suggest::unknown("variant", baseline, &names.iter().map(String::as_str).collect::<Vec<_>>()))
        }
    }
    .map_err(|message| (option, message))?;
    let arms: Vec<&Variant> = variants.iter().collect();
    let clock = config.machines[&entry.machine].clock;
    config::control_arm(clock, &config.kernel_of(entry), baseline, &arms)
        .map_err(|message| (option, message))?;
    Ok((baseline.clone(), variants))
}

/// The option that says what a key of a plan says.
fn option_of(key: &str) -> &str {
    match key {
        "baseline-scenario" => "baseline",
        "probes" => "plan",
        key => key,
    }
}

/// Steps with the first one as the baseline; with the wall clock that a second time, to measure the noise, unless it is
/// there.
fn with_control(mut variants: Vec<Variant>, clock: Clock) -> (String, Vec<Variant>) {
    let baseline = variants.first().cloned();
    if let (Some(baseline), Clock::Wall) = (&baseline, clock)
        && !variants[1..].iter().any(|variant| baseline.is_again(variant))
    {
        variants.insert(1, steps::again(baseline));
    }
    (baseline.map(|baseline| baseline.name).unwrap_or_default(), variants)
}

/// What the names stand for, in their order.
fn select<T: Clone>(kind: &str, names: &[String], known: &BTreeMap<String, T>) -> Result<Vec<T>, String> {
    let mut selected = Vec::new();
    for (at, name) in names.iter().enumerate() {
        if names[..at].contains(name) {
            return Err(format!("{} is listed twice; list it once", quoted(name)));
        }
        let Some(value) = known.get(name) else {
            let known: Vec<&str> = known.keys().map(String::as_str).collect();
            return Err(suggest::unknown(kind, name, &known));
        };
        selected.push(value.clone());
    }
    Ok(selected)
}

#[cfg(test)]
mod tests;
