//! What a page shows beside the comparison: request logs, patches, and what programs printed.

use std::collections::BTreeSet;

use lab_protocol::WorkloadTask;

use super::requests::InFlight;
use crate::campaign::{BootData, Campaign};
use crate::comparison::Comparison;
use crate::comparison::self_test::{self, SelfTest};
use crate::report::timeline::{self, Timeline, TimelineRequest};
use crate::series::Series;

/// All of it; the default for a comparison of which nothing else is known.
#[derive(Debug, Default)]
pub struct Attached {
    /// What a self-test came to, if the campaign is one.
    pub(super) self_test: Option<SelfTest>,
    /// What ran in each boot.
    pub(in crate::report) workloads: Vec<WorkloadTask>,
    /// Fragments of the kernels' configuration.
    pub(super) config: Vec<String>,
    /// The requests of one read or write, kernel by kernel; none if nothing was logged.
    pub(super) timeline: Option<Timeline>,
    /// Requests in flight while each workload ran.
    pub(super) in_flight: Vec<InFlight>,
    /// The series of the kernels, as far as they are still what was built.
    pub(super) series: Vec<Series>,
    /// What programs printed, boot by boot.
    pub(super) outputs: Vec<BootOutput>,
}

/// What the programs of one boot printed.
#[derive(Debug)]
pub(super) struct BootOutput {
    /// The boot's folder in the campaign.
    pub(super) folder: String,
    /// Each program with its arguments and what it printed.
    pub(super) text: String,
}

/// What the programs of all boots may print on a page, bytes; what is more is in the campaign's folder.
const MOST_OUTPUT: usize = 1 << 20;

impl Attached {
    /// What forms without pictures show: which commands ran.
    pub fn commands(campaign: &Campaign) -> Self {
        Attached { workloads: campaign.file.plan.workloads.clone(), ..Attached::default() }
    }

    /// What there is of a campaign. `requests` gives the request logs of one of its boots as received, `known` are series
    /// that may be those of its kernels.
    ///
    /// # Errors
    /// If a request log cannot be read.
    pub fn of(
        campaign: &Campaign,
        comparison: &Comparison,
        requests: impl Fn(&BootData) -> anyhow::Result<Vec<u8>>,
        known: Vec<Series>,
    ) -> anyhow::Result<Self> {
        let plan = &campaign.file.plan;
        let question = &comparison.question;
        let is_logged = |name: &str| {
            campaign.boots.iter().any(|boot| timeline::has_log(boot) && boot.record.boot.scenario == name)
        };
        // Workloads have their numbers in a log by their places in the whole plan.
        let logged = comparison.scenarios.iter().map(|scenario| &scenario.name).find(|name| is_logged(name));
        let mut attached = Attached {
            self_test: self_test::check(campaign, comparison),
            workloads: plan.workloads.clone(),
            config: plan.kernel.config.clone(),
            series: as_built(comparison, known),
            outputs: outputs(campaign, comparison),
            ..Attached::default()
        };
        let logged = logged.filter(|_| plan.has_server());
        for workload in plan.workloads.iter().filter(|workload| question.has_workload(&workload.name)) {
            let Some(scenario) = logged else { break };
            let [of_scenario, of_workload] = [scenario, &workload.name].map(|name| Some(name.clone()));
            let wanted = TimelineRequest { scenario: of_scenario, workload: of_workload, boot: None };
            let timeline = timeline::read(campaign, &wanted, &requests)?;
            attached.in_flight.extend(InFlight::of(&workload.name, &timeline));
            attached.timeline = attached.timeline.or(Some(timeline));
        }
        Ok(attached)
    }
}

/// Series whose patches are those of the kernels, each once, as long as they are there.
fn as_built(comparison: &Comparison, known: Vec<Series>) -> Vec<Series> {
    let kernels = comparison.variants.iter().filter_map(|variant| variant.kernel.as_ref());
    let applied: BTreeSet<(&str, &str, u32)> = kernels
        .flat_map(|kernel| &kernel.series)
        .map(|series| (series.name.as_str(), series.digest.as_str(), series.patches))
        .collect();
    let is_applied = |series: &Series| {
        applied.iter().any(|(name, digest, patches)| {
            *name == series.name && series.prefix(*patches as usize).digest == *digest
        })
    };
    known.into_iter().filter(is_applied).collect()
}

fn outputs(campaign: &Campaign, comparison: &Comparison) -> Vec<BootOutput> {
    let is_shown = |boot: &&BootData| {
        let step = &boot.record.boot;
        comparison.question.has_scenario(&step.scenario)
            && comparison.variants.iter().any(|variant| variant.name == step.variant)
    };
    let mut room = MOST_OUTPUT;
    let mut outputs = Vec::new();
    for boot in campaign.boots.iter().filter(is_shown) {
        let Some(report) = &boot.report else { continue };
        let mut text = String::new();
        for workload in &report.workloads {
            text += &format!("$ {}   # sample {}\n", workload.argv.join(" "), workload.sample);
            for printed in [&workload.stdout, &workload.stderr] {
                text += printed.trim_end();
                text += if printed.trim().is_empty() { "" } else { "\n" };
            }
        }
        if text.len() > room {
            text =
                "What was printed is in report.json of this folder: it is too long for a page.\n".to_owned();
        }
        room = room.saturating_sub(text.len());
        if !report.workloads.is_empty() {
            outputs.push(BootOutput { folder: boot.folder.clone(), text });
        }
    }
    outputs
}
