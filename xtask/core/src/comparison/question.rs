//! What is asked of a campaign, beside the plan's own question.

use crate::evidence::metric::Metric;
use crate::plan::Plan;
use crate::text::suggest;

/// What is asked of a campaign.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// The metrics that decide, instead of the throughput.
    pub metrics: Vec<Metric>,
    /// The variant that the others are compared with, instead of the plan's baseline.
    pub against: Option<String>,
}

impl Question {
    /// Whether it is the plan's own.
    pub fn is_default(&self) -> bool {
        self.metrics.is_empty() && self.against.is_none()
    }

    /// The metrics, each once.
    ///
    /// # Errors
    /// If one is about the FUSE server and the plan has none.
    pub(super) fn metrics(&self, plan: &Plan) -> anyhow::Result<Vec<Metric>> {
        let of_server = self.metrics.iter().find(|metric| metric.is_of_server() && !plan.has_server());
        if let Some(metric) = of_server {
            anyhow::bail!(
                "--metric {}: no scenario of plan {} has a FUSE server; use a metric of the tool or the kernel, such as \
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
        let Some(wanted) = &self.against else { return Ok(plan.baseline.clone()) };
        let known: Vec<&str> = plan.variants.iter().map(|variant| variant.name.as_str()).collect();
        anyhow::ensure!(known.contains(&wanted.as_str()), suggest::unknown("variant", wanted, &known));
        Ok(wanted.clone())
    }
}
