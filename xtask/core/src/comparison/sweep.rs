//! What a plan varies: which rows belong together, and what arithmetic expects of them.

mod model;

use lab_protocol::WorkloadTask;
use serde::Serialize;

use super::{Comparison, Row};
use crate::evidence::metric::Metric;
use crate::plan::{Scenario, Sweep, SweepPoint, Varied};

/// A setting with its values, and what is expected of the throughput with each.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Swept {
    /// The setting, and the scenarios or workloads that have it.
    #[serde(flatten)]
    pub sweep: Sweep,
    /// One for each scenario and workload, both without values, and variant.
    pub models: Vec<Model>,
}

/// What is expected of one variant.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Model {
    /// The scenario, without the value.
    pub scenario: String,
    /// The workload, likewise.
    pub workload: String,
    /// The variant's name.
    pub variant: String,
    /// In the order of the plan; empty if arithmetic says nothing.
    pub expected: Vec<Expected>,
    /// Why it says nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_given: Option<String>,
}

/// What is expected with one value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Expected {
    /// The value of the setting.
    pub value: u64,
    /// The throughput, in the unit of the row.
    pub throughput: f64,
}

/// The rows of one scenario, workload and metric with each value, in the order of the plan.
pub(crate) struct SweptRows<'a> {
    /// The scenario, without the value.
    pub(crate) scenario: &'a str,
    /// The workload, likewise.
    pub(crate) workload: &'a str,
    /// The metric.
    pub(crate) metric: Metric,
    /// Each with its value.
    pub(crate) rows: Vec<(u64, &'a Row)>,
}

impl Swept {
    /// What a scenario is called without its value, if it has one.
    pub(crate) fn of_scenario(&self, name: &str) -> Option<&str> {
        let is_called = |point: &&SweepPoint| self.sweep.varied == Varied::Scenarios && point.name == name;
        self.sweep.points.iter().find(is_called).map(|point| point.of.as_str())
    }

    /// The names of a row without the value, and the value.
    pub(crate) fn place<'a>(&'a self, row: &'a Row) -> Option<(&'a str, &'a str, u64)> {
        place(&self.sweep, row)
    }

    /// Those of the rows that belong together.
    pub(crate) fn groups<'a>(&'a self, rows: impl IntoIterator<Item = &'a Row>) -> Vec<SweptRows<'a>> {
        groups(&self.sweep, rows)
    }

    /// What is expected of the row, by the variant's name.
    pub(crate) fn expected(&self, row: &Row, variant: &str) -> Option<f64> {
        let (scenario, workload, value) = self.place(row)?;
        let of_row = |model: &&Model| {
            (model.scenario.as_str(), model.workload.as_str(), model.variant.as_str())
                == (scenario, workload, variant)
        };
        let model = self.models.iter().filter(|_| row.metric == Metric::Throughput).find(of_row)?;
        model.expected.iter().find(|expected| expected.value == value).map(|expected| expected.throughput)
    }
}

impl Comparison {
    /// What scenarios are called in this comparison where no value is meant, in the order of the plan.
    pub(crate) fn scenarios_without_values(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for scenario in &self.scenarios {
            let of = self.sweep.as_ref().and_then(|swept| swept.of_scenario(&scenario.name));
            let name = of.unwrap_or(&scenario.name);
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}

/// The names of a row without the value, and the value.
pub(super) fn place<'a>(sweep: &'a Sweep, row: &'a Row) -> Option<(&'a str, &'a str, u64)> {
    let point = sweep.point(&row.scenario, &row.workload)?;
    Some(match sweep.varied {
        Varied::Scenarios => (&point.of, &row.workload, point.value),
        Varied::Workloads => (&row.scenario, &point.of, point.value),
    })
}

fn groups<'a>(sweep: &'a Sweep, rows: impl IntoIterator<Item = &'a Row>) -> Vec<SweptRows<'a>> {
    let mut groups: Vec<SweptRows<'a>> = Vec::new();
    for row in rows {
        let Some((scenario, workload, value)) = place(sweep, row) else { continue };
        let metric = row.metric;
        let is_of = |group: &&mut SweptRows<'_>| {
            (group.scenario, group.workload, group.metric) == (scenario, workload, metric)
        };
        match groups.iter_mut().find(is_of) {
            Some(group) => group.rows.push((value, row)),
            None => groups.push(SweptRows { scenario, workload, metric, rows: vec![(value, row)] }),
        }
    }
    groups
}

/// The sweep of a plan, with what is expected of these rows.
pub(super) fn swept(
    sweep: &Sweep,
    rows: &[Row],
    scenarios: &[Scenario],
    workloads: &[WorkloadTask],
) -> Swept {
    let decisive = rows.iter().filter(|row| row.metric == Metric::Throughput);
    let mut models = Vec::new();
    for group in groups(sweep, decisive) {
        let variants = group.rows.first().map_or(0, |(_, row)| row.cells.len());
        for place in 0..variants {
            let expected = model::expected(&sweep.setting, &group, place, scenarios, workloads);
            let (expected, not_given) = match expected {
                Ok(expected) => (expected, None),
                Err(why) => (Vec::new(), Some(why)),
            };
            models.push(Model {
                scenario: group.scenario.to_owned(),
                workload: group.workload.to_owned(),
                variant: group.rows[0].1.cells[place].variant.clone(),
                expected,
                not_given,
            });
        }
    }
    Swept { sweep: sweep.clone(), models }
}
