//! `sweep` of a plan: one setting, and the values that it takes one after the other.
//!
//! A setting of scenarios is any key of theirs that is a plain number. What a scenario is with a value is read as if the
//! value stood in its table, so that each rule for the key holds here, too, and the mistake is told where the value is.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use lab_protocol::{Job, Tool, WorkloadTask};

use super::error::{ConfigError, Document};
use super::reader::{Field, OptionPlace, Table, Text};
use super::{Config, PlanEntry, check, job, scenario};
use crate::plan::Scenario;
use crate::plan::sweep::{Varied, point_name};
use crate::text::suggest::quoted;

/// The most values: more than a picture can show.
const MOST_VALUES: usize = 50;

/// Options of a job, and what they may be: fio itself takes more, a guest has no memory for it.
const JOB_OPTIONS: [(&str, RangeInclusive<u64>); 2] = [("iodepth", 1..=1024), ("numjobs", 1..=64)];

/// What a number is when its own rule has been kept.
const ANY: RangeInclusive<u64> = 0..=u64::MAX;

/// A sweep as written, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SweepEntry {
    /// The setting.
    pub setting: String,
    /// Its values, as written.
    pub values: Vec<u64>,
    /// What has it.
    pub varied: Varied,
    /// If these are scenarios: each of `lab.toml` with each value, or why it cannot have one of them.
    pub(crate) scenarios: BTreeMap<String, Result<Vec<Scenario>, ConfigError>>,
    /// Where it is written.
    pub(super) place: OptionPlace,
}

impl SweepEntry {
    /// What has the setting, in messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self.varied {
            Varied::Scenarios => "scenario",
            Varied::Workloads => "workload",
        }
    }
}

/// Reads the sweep of a plan, of which the rest is known; none if it has none, or an empty one. `tables` are those of all
/// scenarios.
pub(super) fn parse<'a>(
    table: &Table<'a>,
    tables: &BTreeMap<String, Table<'a>>,
    config: &Config,
    plan: &PlanEntry,
) -> Result<Option<SweepEntry>, ConfigError> {
    let Some(field) = table.optional("sweep") else { return Ok(None) };
    let fields = field.table("{ storage-latency-us = [0, 50, 1000] }")?.fields();
    let (setting, list) = match &fields[..] {
        [] => return Ok(None),
        [only] => only,
        [_, (second, _), ..] => {
            return Err(
                second.error("a plan varies one setting; remove it, or make a plan of its own for it")
            );
        }
    };
    if plan.workloads.is_empty() {
        return Err(
            setting.error("the plan has no workloads, so there is no figure to vary; remove it, or use {}")
        );
    }
    let items = list.items("a list of numbers such as [0, 50, 1000]")?;
    if items.len() < 2 {
        return Err(list.error("a sweep compares values; give at least two"));
    }
    if items.len() > MOST_VALUES {
        return Err(list.error(format!("{} values are too many; use at most {MOST_VALUES}", items.len())));
    }
    let option = JOB_OPTIONS.into_iter().find(|(name, _)| *name == setting.text);
    let (values, varied, scenarios) = match option {
        Some((_, range)) => {
            let values: Vec<u64> =
                items.iter().map(|item| item.number(range.clone())).collect::<Result<_, _>>()?;
            let workloads = plan.workloads.iter().map(|name| &config.workloads[name]);
            for (workload, value) in workloads.flat_map(|of| values.iter().map(move |value| (of, *value))) {
                with_job_option(workload, setting.text, value).map_err(|message| setting.error(message))?;
            }
            (values, Varied::Workloads, BTreeMap::new())
        }
        None => {
            let options = JOB_OPTIONS.into_iter().map(|(name, _)| name);
            setting
                .check_known("setting to vary", &scenario::numbers().chain(options).collect::<Vec<_>>())?;
            let with_values =
                |(name, table): (&String, &Table<'a>)| (name.clone(), points(name, table, setting, &items));
            let scenarios: BTreeMap<_, _> = tables.iter().map(with_values).collect();
            // Those of the plan have to be right; others may be asked for later.
            plan.scenarios.iter().try_for_each(|name| scenarios[name].clone().map(drop))?;
            let values = items.iter().map(|item| item.number(ANY)).collect::<Result<_, _>>()?;
            (values, Varied::Scenarios, scenarios)
        }
    };
    let entry =
        SweepEntry { setting: setting.text.to_owned(), values, varied, scenarios, place: list.place() };
    for (at, value) in entry.values.iter().enumerate() {
        if entry.values[..at].contains(value) {
            return Err(items[at].error(format!("{value} is listed twice; list it once")));
        }
    }
    let swept = match varied {
        Varied::Scenarios => entry.values.len(),
        Varied::Workloads => 1,
    };
    check::boots_fit(plan.variants.len(), plan.scenarios.len() * swept, plan.boots)
        .map_err(|message| list.error(message))?;
    Ok(Some(entry))
}

/// Each job that a plan varies has the option.
///
/// # Errors
/// The first one that has not, at the values.
pub(super) fn check_jobs(config: &Config) -> Result<(), ConfigError> {
    let document = Document { file: &config.file, text: &config.text };
    for plan in config.plans.values() {
        let Some(sweep) = plan.sweep.as_ref().filter(|sweep| sweep.varied == Varied::Workloads) else {
            continue;
        };
        let OptionPlace { span, path } = &sweep.place;
        for name in &plan.workloads {
            with_job_option(&config.workloads[name], &sweep.setting, sweep.values[0])
                .map_err(|message| document.error(span, path, message))?;
        }
    }
    Ok(())
}

/// A scenario with each of these values.
fn points<'a>(
    name: &str,
    table: &Table<'a>,
    setting: &Text<'a>,
    items: &[Field<'a>],
) -> Result<Vec<Scenario>, ConfigError> {
    let point = |item: &Field<'a>| {
        let scenario = scenario::with_value(name, table, setting, item)?;
        let value = item.number(ANY)?;
        let name = point_name(name, setting.text, value).map_err(|message| item.error(message))?;
        Ok(Scenario { name, ..scenario })
    };
    items.iter().map(point).collect()
}

/// A workload of fio with another value of an option of its job, under the name for that.
///
/// # Errors
/// If it is none of fio, or its job does not have the option.
pub(crate) fn with_job_option(
    workload: &WorkloadTask,
    option: &str,
    value: u64,
) -> Result<WorkloadTask, String> {
    if workload.tool != Tool::Fio {
        return Err(format!(
            "{} is no workload of fio, so it has no {option}; use only workloads with tool = \"fio\"",
            quoted(&workload.name)
        ));
    }
    let name = point_name(&workload.name, option, value)?;
    let set = |of: &Job| -> Result<Job, String> {
        let text = job::with_option(&of.text, option, value)
            .map_err(|why| format!("{}: {why}", quoted(&of.file)))?;
        Ok(Job { file: of.file.clone(), text })
    };
    let job = workload.job.as_ref().map(set).transpose()?;
    Ok(WorkloadTask { name, job, ..workload.clone() })
}
