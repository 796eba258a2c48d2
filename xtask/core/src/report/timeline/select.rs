//! Which boots and which workload of a campaign are drawn.

use anyhow::{Context as _, bail};
use lab_protocol::{Action, WorkloadTask};

use crate::campaign::{BootData, Campaign};
use crate::evidence::outcome::Outcome;
use crate::text::suggest;

/// What a user asks for; what is left open is chosen.
#[derive(Clone, Debug, Default)]
pub struct TimelineRequest {
    /// The scenario; the first one with a log otherwise.
    pub scenario: Option<String>,
    /// The workload; the first one otherwise.
    pub workload: Option<String>,
    /// The boot by its number; the first one of each variant with a log otherwise.
    pub boot: Option<u32>,
}

/// What is drawn.
#[derive(Debug)]
pub(super) struct TimelineSelection<'a> {
    /// The scenario's name.
    pub(super) scenario: &'a str,
    /// The workload.
    pub(super) task: &'a WorkloadTask,
    /// Its place in the plan.
    pub(super) place: u32,
    /// At most one boot of each variant: the baseline first, then in the order of the plan.
    pub(super) boots: Vec<&'a BootData>,
    /// Variants of which no boot in this scenario has a log.
    pub(super) without_log: Vec<&'a str>,
    /// What the server does by itself in this scenario.
    pub(super) actions: &'a [Action],
}

/// Chooses what is drawn.
///
/// # Errors
/// If there is no log, or none of what is wanted.
pub(super) fn choose<'a>(
    campaign: &'a Campaign,
    wanted: &TimelineRequest,
) -> anyhow::Result<TimelineSelection<'a>> {
    let logged: Vec<&BootData> = campaign.boots.iter().filter(|boot| has_log(boot)).collect();
    if !campaign.file.plan.has_server() {
        bail!("campaign {} has no FUSE server, and so no requests to draw", campaign.name);
    }
    if logged.is_empty() {
        bail!(
            "campaign {} has no request log; set `request-log = 4096` in a scenario of lab.toml and run the plan again, or: \
             cargo xtask run-lab --plan timeline",
            campaign.name
        );
    }
    let logged = match wanted.boot {
        Some(number) => vec![boot(&logged, number)?],
        None => logged,
    };
    let scenario = scenario(campaign, &logged, wanted.scenario.as_deref())?;
    let (place, task) = workload(campaign, wanted.workload.as_deref())?;
    let of = |variant: &str| {
        let of =
            |boot: &&&BootData| boot.record.boot.variant == variant && boot.record.boot.scenario == scenario;
        logged.iter().filter(of).min_by_key(|boot| boot.record.boot.number).copied()
    };
    let (with, without): (Vec<&str>, Vec<&str>) =
        variants(campaign).into_iter().partition(|variant| of(variant).is_some());
    let boots = with.into_iter().filter_map(of).collect();
    let without_log = if wanted.boot.is_some() { Vec::new() } else { without };
    let of_name = campaign.file.plan.scenarios.iter().find(|it| it.name == scenario);
    let server = of_name.and_then(|scenario| scenario.server.as_ref());
    let actions = server.map_or(&[][..], |server| &server.actions);
    Ok(TimelineSelection { scenario, task, place, boots, without_log, actions })
}

/// What a lost boot logged is no result.
pub(in crate::report) fn has_log(boot: &BootData) -> bool {
    boot.record.requests.is_some() && !matches!(boot.record.outcome, Outcome::Lost { .. })
}

fn boot<'a>(logged: &[&'a BootData], number: u32) -> anyhow::Result<&'a BootData> {
    let found = logged.iter().find(|boot| boot.record.boot.number == number).copied();
    found.with_context(|| {
        let mut numbers: Vec<u32> = logged.iter().map(|boot| boot.record.boot.number).collect();
        numbers.sort_unstable();
        let numbers: Vec<String> = numbers.iter().map(u32::to_string).collect();
        format!("boot {number} has no request log; those that have one: {}", numbers.join(", "))
    })
}

fn scenario<'a>(
    campaign: &'a Campaign,
    logged: &[&BootData],
    wanted: Option<&str>,
) -> anyhow::Result<&'a str> {
    let all: Vec<&str> = campaign.file.plan.scenarios.iter().map(|scenario| scenario.name.as_str()).collect();
    let has_log = |name: &&str| logged.iter().any(|boot| boot.record.boot.scenario == *name);
    let with_log: Vec<&str> = all.iter().copied().filter(has_log).collect();
    let Some(wanted) = wanted else {
        return with_log.first().copied().context("the logged boots are of no scenario of the plan");
    };
    match all.iter().find(|name| **name == wanted) {
        None => bail!("--scenarios: {}", suggest::unknown("scenario", wanted, &all)),
        Some(name) if with_log.contains(name) => Ok(name),
        Some(name) => {
            bail!("--scenarios: {name} has no request log here; use one that has: {}", with_log.join(", "))
        }
    }
}

fn workload<'a>(campaign: &'a Campaign, wanted: Option<&str>) -> anyhow::Result<(u32, &'a WorkloadTask)> {
    let tasks = &campaign.file.plan.workloads;
    let found = (0..).zip(tasks).find(|(_, task)| wanted.is_none_or(|wanted| task.name == wanted));
    found.with_context(|| {
        let known: Vec<&str> = tasks.iter().map(|task| task.name.as_str()).collect();
        format!("--workloads: {}", suggest::unknown("workload", wanted.unwrap_or_default(), &known))
    })
}

/// The baseline first.
fn variants(campaign: &Campaign) -> Vec<&str> {
    let plan = &campaign.file.plan;
    let names = plan.variants.iter().map(|variant| variant.name.as_str());
    let (baseline, others): (Vec<_>, Vec<_>) = names.partition(|name| *name == plan.baseline);
    [baseline, others].concat()
}
