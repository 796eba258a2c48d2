//! From a plan as written, and options of the command line, to what will happen.

use std::collections::BTreeMap;

use super::order::boot_order;
use super::{Plan, Variant};
use crate::config::{self, Config, ConfigError};
use crate::suggest::{self, quoted};

/// What the command line says instead of the plan. Each name must be one of `lab.toml`; the plan need not list it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Overrides {
    /// `--variants`: the variants, the plan's baseline among them.
    pub(crate) variants: Option<Vec<String>>,
    /// `--scenarios`: the scenarios.
    pub(crate) scenarios: Option<Vec<String>>,
    /// `--workloads`: the workloads.
    pub(crate) workloads: Option<Vec<String>>,
    /// `--boots`: how often each variant is booted in each scenario.
    pub(crate) boots: Option<u32>,
}

/// Resolves the plan of this name.
///
/// # Errors
/// If there is no such plan, or what the overrides make of it cannot be run. The configuration itself is sound.
pub(crate) fn resolve(config: &Config, name: &str, overrides: &Overrides) -> Result<Plan, ConfigError> {
    let Some(entry) = config.plans.get(name) else {
        let known: Vec<&str> = config.plans.keys().map(String::as_str).collect();
        return Err(ConfigError::new("--plan", suggest::unknown("plan", name, &known)));
    };
    let machine = &config.machines[&entry.machine];

    let wrong = |message| ConfigError::new("--variants", message);
    let names = overrides.variants.as_ref().unwrap_or(&entry.variants);
    config::enough_variants(names).map_err(wrong)?;
    let variants: Vec<Variant> = select("variant", names, &config.variants).map_err(wrong)?;
    config::baseline_among_variants(&entry.baseline, names).map_err(wrong)?;
    let arms: Vec<&Variant> = variants.iter().collect();
    config::control_arm(machine.clock, &entry.baseline, &arms).map_err(wrong)?;

    let wrong = |message| ConfigError::new("--scenarios", message);
    let names = overrides.scenarios.as_ref().unwrap_or(&entry.scenarios);
    let scenarios = select("scenario", names, &config.scenarios).map_err(wrong)?;

    let wrong = |message| ConfigError::new("--workloads", message);
    let names = overrides.workloads.as_ref().unwrap_or(&entry.workloads);
    let workloads = select("workload", names, &config.workloads).map_err(wrong)?;
    for workload in &workloads {
        config::file_fits_storage(workload, &entry.machine, machine).map_err(wrong)?;
    }

    let repetitions = overrides.boots.unwrap_or(entry.boots);
    if !config::BOOTS.contains(&repetitions) {
        let (least, most) = config::BOOTS.into_inner();
        let message = format!("{repetitions} is out of range; use {least} to {most}");
        return Err(ConfigError::new("--boots", message));
    }

    Ok(Plan {
        name: name.to_owned(),
        baseline: entry.baseline.clone(),
        repetitions,
        machine: machine.clone(),
        kernel: config.kernel.clone(),
        boots: boot_order(&variants, &scenarios, repetitions, machine),
        variants,
        scenarios,
        workloads,
    })
}

/// What the names stand for, in their order.
fn select<T: Clone>(kind: &str, names: &[String], known: &BTreeMap<String, T>) -> Result<Vec<T>, String> {
    config::not_empty(kind, names)?;
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
