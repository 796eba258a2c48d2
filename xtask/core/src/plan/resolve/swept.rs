//! What a plan has where a setting is varied: each scenario or workload with each value, or with the one that is asked for.

use std::collections::BTreeMap;

use lab_protocol::WorkloadTask;

use crate::plan::config::{self, Config, ConfigError, SweepEntry};
use crate::plan::{Scenario, SweepPoint};
use crate::text::suggest::{self, quoted};

/// What a plan has of a kind after its sweep, and the points of that.
pub(super) struct Expanded<T> {
    pub(super) all: Vec<T>,
    pub(super) points: Vec<SweepPoint>,
}

/// The scenarios of these names with each value of the setting. A name may be that of one value.
///
/// # Errors
/// If there is no such scenario, or it cannot have the setting.
pub(super) fn scenarios(
    config: &Config,
    sweep: &SweepEntry,
    names: &[String],
) -> Result<Expanded<Scenario>, ConfigError> {
    let wrong = |message| ConfigError::new("--scenarios", message);
    let mut expanded = Expanded { all: Vec::new(), points: Vec::new() };
    for name in names {
        let (of, value) = one_value(sweep, name, &config.scenarios).map_err(wrong)?;
        let with_values = sweep.scenarios.get(of).cloned().transpose()?.unwrap_or_default();
        for (number, scenario) in sweep.values.iter().zip(with_values) {
            expanded.add(scenario.name.clone(), of, *number, value, scenario).map_err(wrong)?;
        }
    }
    Ok(expanded)
}

/// The same for workloads of fio, whose jobs have an option with each value.
///
/// # Errors
/// If there is no such workload, or its job does not have the option.
pub(super) fn workloads(
    config: &Config,
    sweep: &SweepEntry,
    names: &[String],
) -> Result<Expanded<WorkloadTask>, String> {
    let mut expanded = Expanded { all: Vec::new(), points: Vec::new() };
    for name in names {
        let (of, value) = one_value(sweep, name, &config.workloads)?;
        for &number in &sweep.values {
            let workload = config::with_job_option(&config.workloads[of], &sweep.setting, number)?;
            expanded.add(workload.name.clone(), of, number, value, workload)?;
        }
    }
    Ok(expanded)
}

impl<T> Expanded<T> {
    /// What nothing is varied in.
    pub(super) fn as_named(all: Vec<T>) -> Self {
        Expanded { all, points: Vec::new() }
    }

    /// Adds what has the value `number`, if that is the one that is wanted.
    fn add(
        &mut self,
        name: String,
        of: &str,
        number: u64,
        wanted: Option<u64>,
        item: T,
    ) -> Result<(), String> {
        if wanted.is_some_and(|wanted| wanted != number) {
            return Ok(());
        }
        if self.points.iter().any(|point| point.name == name) {
            return Err(format!("{} is listed twice; list it once", quoted(&name)));
        }
        self.points.push(SweepPoint { name, of: of.to_owned(), value: number });
        self.all.push(item);
        Ok(())
    }
}

/// What a name stands for: something of `lab.toml`, and the one value that it asks for; none for all of them.
fn one_value<'a, T>(
    sweep: &SweepEntry,
    name: &'a str,
    known: &'a BTreeMap<String, T>,
) -> Result<(&'a str, Option<u64>), String> {
    if known.contains_key(name) {
        return Ok((name, None));
    }
    let is_called = |of: &str, value: u64| name == format!("{of}.{}.{value}", sweep.setting);
    let found = known.keys().find_map(|of| {
        let value = sweep.values.iter().find(|value| is_called(of, **value))?;
        Some((of.as_str(), Some(*value)))
    });
    let known: Vec<&str> = known.keys().map(String::as_str).collect();
    found.ok_or_else(|| suggest::unknown(sweep.kind(), name, &known))
}
