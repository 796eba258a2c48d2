//! The life of one direct read or write, kernel by kernel: when each of its requests went out and came back.
//!
//! Drawn from the request logs of a campaign. What a kernel does one by one shows as a staircase, what it does at once
//! as bars above each other.

mod draw;
mod group;
mod select;

use anyhow::Context as _;
use lab_protocol::log;

use crate::campaign::{BootData, Campaign};
use crate::plan::config;
use crate::text::escape::escape_for_terminal;
use draw::Lane;
pub use select::TimelineRequest;
use select::TimelineSelection;

/// Draws what is wanted of a campaign; `requests` gives the request logs of one of its boots as received.
///
/// # Errors
/// If the campaign has no such request log, or one that cannot be read.
pub fn show(
    campaign: &Campaign,
    wanted: &TimelineRequest,
    requests: impl Fn(&BootData) -> anyhow::Result<Vec<u8>>,
) -> anyhow::Result<String> {
    let choice = select::choose(campaign, wanted)?;
    let lanes: Vec<Lane> = choice
        .boots
        .iter()
        .map(|boot| read_lane(&requests(boot)?, boot, &choice))
        .collect::<anyhow::Result<_>>()?;
    Ok(escape_for_terminal(&draw::render(&lead(campaign, &choice), &lanes, &choice.without_log)))
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
        kept: log.map_or(0, |log| log.records.len()),
        dropped: log.map_or(0, |log| log.dropped),
    })
}

fn lead(campaign: &Campaign, choice: &TimelineSelection<'_>) -> String {
    let (task, program) = (choice.task, choice.task.tool.guest_path());
    let program = program.rsplit('/').next().unwrap_or(program);
    let args = task.args.join(" ");
    format!("{}, scenario {}, workload {}: {program} {args}", campaign.name, choice.scenario, task.name)
}

#[cfg(test)]
mod tests;
