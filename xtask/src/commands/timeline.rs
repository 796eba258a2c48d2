//! When the requests of one read or write went out and came back, kernel by kernel.

use std::process::ExitCode;

use lab_core::report::timeline::{self, TimelineRequest};

use crate::campaign;
use crate::commands::cli;
use crate::lab::checkout::Checkout;
use crate::lab::output;

/// `cargo xtask timeline`.
///
/// # Errors
/// If there is no such campaign, or no request log of what is wanted.
pub fn timeline(options: &cli::Timeline) -> anyhow::Result<ExitCode> {
    let results = Checkout::open()?.join("results");
    let folder = campaign::find(&results, options.campaign.as_deref())?;
    let campaign = campaign::load(&folder)?;
    let cli::Timeline { scenarios: scenario, workloads: workload, boot, .. } = options.clone();
    let wanted = TimelineRequest { scenario, workload, boot };
    output::print(&timeline::show(&campaign, &wanted, |boot| campaign::requests(&folder, boot))?)?;
    Ok(ExitCode::SUCCESS)
}
