//! The one setting that a plan varies: each value of it is a scenario or a workload of its own.

use serde::{Deserialize, Serialize};

use crate::text::name;
use crate::text::suggest::quoted;

/// A setting with the values that it has in a plan. One plan has one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Sweep {
    /// A key of a scenario, or an option of a job of fio.
    pub setting: String,
    /// What has it.
    pub varied: Varied,
    /// Every value of everything that has it, in the order of the plan.
    pub points: Vec<SweepPoint>,
}

/// What a setting belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Varied {
    /// It is a key of a scenario.
    Scenarios,
    /// It is an option of a job of fio.
    Workloads,
}

/// A scenario or a workload with one value of the setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SweepPoint {
    /// What the plan calls it.
    pub name: String,
    /// The name without the value: that of the table in `lab.toml`.
    pub of: String,
    /// The value.
    pub value: u64,
}

impl Sweep {
    /// The values, each once, in the order of the plan.
    pub fn values(&self) -> Vec<u64> {
        let mut values = Vec::new();
        for point in &self.points {
            if !values.contains(&point.value) {
                values.push(point.value);
            }
        }
        values
    }

    /// The point that a row of this scenario and workload belongs to.
    pub(crate) fn point(&self, scenario: &str, workload: &str) -> Option<&SweepPoint> {
        let name = match self.varied {
            Varied::Scenarios => scenario,
            Varied::Workloads => workload,
        };
        self.points.iter().find(|point| point.name == name)
    }
}

/// What a scenario or workload is called with this value.
///
/// # Errors
/// If that is too long for the name of a folder.
pub(super) fn point_name(of: &str, setting: &str, value: u64) -> Result<String, String> {
    let name = format!("{of}.{setting}.{value}");
    if name::is_safe(&name) {
        return Ok(name);
    }
    Err(format!(
        "{} is no name of a folder ({}); give {} a shorter name",
        quoted(&name),
        name::RULE,
        quoted(of)
    ))
}
