//! What is asked of a campaign, beside the plan's own question.

use std::borrow::Cow;

use crate::campaign::Campaign;
use crate::evidence::metric::Metric;
use crate::plan::{BootStep, Plan};
use crate::text::suggest;

/// What is asked of a campaign.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question {
    /// The metrics that decide, instead of the throughput.
    pub metrics: Vec<Metric>,
    /// The variant that the others are compared with, instead of the plan's baseline.
    pub baseline: Option<String>,
    /// Only these variants and the baseline; all if none is named.
    pub variants: Vec<String>,
    /// Only these scenarios; all if none is named.
    pub scenarios: Vec<String>,
    /// Only these workloads; all if none is named.
    pub workloads: Vec<String>,
}

impl Question {
    /// Whether it is the plan's own.
    pub fn is_default(&self) -> bool {
        *self == Question::default()
    }

    /// The options of `compare` that ask it, each with a blank before it.
    pub(crate) fn options(&self) -> String {
        let metrics: Vec<String> = self.metrics.iter().map(|metric| metric.name().to_owned()).collect();
        let baseline: Vec<String> = self.baseline.iter().cloned().collect();
        let options = [
            ("metrics", &metrics),
            ("baseline", &baseline),
            ("variants", &self.variants),
            ("scenarios", &self.scenarios),
            ("workloads", &self.workloads),
        ];
        let named = options.into_iter().filter(|(_, names)| !names.is_empty());
        named.map(|(option, names)| format!(" --{option} {}", names.join(","))).collect()
    }

    /// Whether it is about this scenario.
    pub(crate) fn has_scenario(&self, name: &str) -> bool {
        is_named(&self.scenarios, name)
    }

    /// Whether it is about this workload.
    pub(crate) fn has_workload(&self, name: &str) -> bool {
        is_named(&self.workloads, name)
    }

    /// The campaign as if nothing but what is asked for had been run.
    ///
    /// # Errors
    /// If it has not run something that is asked for.
    pub(super) fn narrow<'a>(&self, campaign: &'a Campaign) -> anyhow::Result<Cow<'a, Campaign>> {
        let plan = &campaign.file.plan;
        let baseline = self.baseline(plan)?;
        known("variant", &self.variants, plan.variants.iter().map(|variant| variant.name.as_str()))?;
        known("scenario", &self.scenarios, plan.scenarios.iter().map(|scenario| scenario.name.as_str()))?;
        known("workload", &self.workloads, plan.workloads.iter().map(|workload| workload.name.as_str()))?;
        if [&self.variants, &self.scenarios, &self.workloads].iter().all(|names| names.is_empty()) {
            return Ok(Cow::Borrowed(campaign));
        }
        let has_variant = |name: &str| name == baseline || is_named(&self.variants, name);
        let has_step = |step: &BootStep| has_variant(&step.variant) && self.has_scenario(&step.scenario);
        let mut narrow = campaign.clone();
        narrow.boots.retain(|boot| has_step(&boot.record.boot));
        narrow.file.kernels.retain(|kernel| has_variant(&kernel.variant));
        let plan = &mut narrow.file.plan;
        plan.variants.retain(|variant| has_variant(&variant.name));
        plan.scenarios.retain(|scenario| self.has_scenario(&scenario.name));
        plan.workloads.retain(|workload| self.has_workload(&workload.name));
        plan.boots.retain(has_step);
        Ok(Cow::Owned(narrow))
    }

    /// The metrics, each once.
    ///
    /// # Errors
    /// If one is about the FUSE server and the plan has none.
    pub(super) fn metrics(&self, plan: &Plan) -> anyhow::Result<Vec<Metric>> {
        let of_server = self.metrics.iter().find(|metric| metric.is_of_server() && !plan.has_server());
        if let Some(metric) = of_server {
            anyhow::bail!(
                "--metrics {}: no scenario of plan {} has a FUSE server; use a metric of the tool or the kernel, such as \
                 tool-cpu or slab",
                metric.name(),
                plan.name
            );
        }
        let mut metrics = Vec::new();
        for metric in &self.metrics {
            if !metrics.contains(metric) {
                metrics.push(*metric);
            }
        }
        Ok(if metrics.is_empty() { vec![Metric::Throughput] } else { metrics })
    }

    /// The baseline among the variants of a plan.
    ///
    /// # Errors
    /// If it is none of them.
    pub(super) fn baseline(&self, plan: &Plan) -> anyhow::Result<String> {
        let Some(wanted) = &self.baseline else { return Ok(plan.baseline.clone()) };
        let known: Vec<&str> = plan.variants.iter().map(|variant| variant.name.as_str()).collect();
        anyhow::ensure!(
            known.contains(&wanted.as_str()),
            "--baseline: {}",
            suggest::unknown("variant", wanted, &known)
        );
        Ok(wanted.clone())
    }
}

fn is_named(names: &[String], name: &str) -> bool {
    names.is_empty() || names.iter().any(|named| named == name)
}

/// Names that a campaign does not know are mistakes.
fn known<'a>(kind: &str, names: &[String], of: impl Iterator<Item = &'a str>) -> anyhow::Result<()> {
    let of: Vec<&str> = of.collect();
    match names.iter().find(|name| !of.contains(&name.as_str())) {
        Some(name) => anyhow::bail!("--{kind}s: {}", suggest::unknown(kind, name, &of)),
        None => Ok(()),
    }
}
