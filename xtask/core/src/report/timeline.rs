//! The life of one direct read or write, kernel by kernel: when each of its requests went out and came back.
//!
//! Drawn from the request logs of a campaign. What a kernel does one by one shows as a staircase, what it does at once
//! as bars above each other.

mod acted;
mod draw;
mod group;
mod select;

use anyhow::Context as _;
use lab_protocol::log;

use crate::campaign::{BootData, Campaign};
use crate::plan::config;
use crate::text::escape::escape_for_terminal;
use acted::Acted;
pub(super) use draw::Lane;
pub(super) use group::{RequestGroup, is_data};
pub use select::TimelineRequest;
use select::TimelineSelection;
pub(super) use select::has_log;

/// What is drawn of a campaign.
#[derive(Debug)]
pub(super) struct Timeline {
    /// Campaign, scenario and workload, with the tool's command.
    pub(super) lead: String,
    /// The scenario's name.
    pub(super) scenario: String,
    /// At most one boot of each variant: the baseline first, then in the order of the plan.
    pub(super) lanes: Vec<Lane>,
    /// Variants of which no boot in this scenario has a log.
    pub(super) without_log: Vec<String>,
}

/// Draws what is wanted of a campaign; `requests` gives the request logs of one of its boots as received.
///
/// # Errors
/// If the campaign has no such request log, or one that cannot be read.
pub fn show(
    campaign: &Campaign,
    wanted: &TimelineRequest,
    requests: impl Fn(&BootData) -> anyhow::Result<Vec<u8>>,
) -> anyhow::Result<String> {
    Ok(escape_for_terminal(&draw::render(&read(campaign, wanted, &requests)?)))
}

/// Reads what is drawn, as [`show`] does.
///
/// # Errors
/// As [`show`].
pub(super) fn read(
    campaign: &Campaign,
    wanted: &TimelineRequest,
    requests: &impl Fn(&BootData) -> anyhow::Result<Vec<u8>>,
) -> anyhow::Result<Timeline> {
    let choice = select::choose(campaign, wanted)?;
    let lanes = choice.boots.iter().map(|boot| read_lane(&requests(boot)?, boot, &choice));
    Ok(Timeline {
        lead: lead(campaign, &choice),
        scenario: choice.scenario.to_owned(),
        lanes: lanes.collect::<anyhow::Result<_>>()?,
        without_log: choice.without_log.iter().map(|&name| name.to_owned()).collect(),
    })
}

fn read_lane(logs: &[u8], boot: &BootData, choice: &TimelineSelection<'_>) -> anyhow::Result<Lane> {
    let lane = lane(boot, logs, choice);
    lane.with_context(|| format!("reading the request log of boot {}", boot.record.boot.number))
}

/// What is drawn of one boot with these logs.
fn lane(boot: &BootData, logs: &[u8], choice: &TimelineSelection<'_>) -> anyhow::Result<Lane> {
    let logs = log::decode(logs)?;
    let log = logs.iter().find(|log| log.workload == choice.place);
    let io_bytes = config::dd_block_bytes(choice.task);
    Ok(Lane {
        variant: boot.record.boot.variant.clone(),
        boot: boot.record.boot.number,
        group: log.and_then(|log| group::pick(&log.records, io_bytes)),
        dropped: log.map_or(0, |log| log.dropped),
        records: log.map(|log| log.records.clone()).unwrap_or_default(),
        acted: acted(boot, choice),
    })
}

/// What the server did by itself in the run that has the log: the first one of the workload in its boot.
fn acted(boot: &BootData, choice: &TimelineSelection<'_>) -> Vec<Acted> {
    let workloads = boot.report.iter().flat_map(|report| &report.workloads);
    let run = workloads.into_iter().find(|run| run.name == choice.task.name);
    let reports = run.and_then(|run| run.requests.as_ref()).map(|requests| &requests.actions[..]);
    let pairs = choice.actions.iter().zip(reports.unwrap_or_default());
    pairs.map(|(action, report)| Acted { action: action.to_string(), report: report.clone() }).collect()
}

fn lead(campaign: &Campaign, choice: &TimelineSelection<'_>) -> String {
    let (task, program) = (choice.task, choice.task.tool.guest_path());
    let program = program.rsplit('/').next().unwrap_or(program);
    let args = task.args.join(" ");
    format!("{}, scenario {}, workload {}: {program} {args}", campaign.name, choice.scenario, task.name)
}

#[cfg(test)]
mod tests;
