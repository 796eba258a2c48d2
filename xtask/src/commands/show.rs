//! `show`: the boots of a campaign, one by one.

use std::process::ExitCode;

use anyhow::Context as _;
use lab_core::campaign::{BootData, Campaign};
use lab_core::report::show;
use lab_core::text::escape::escape_for_terminal;

use crate::campaign;
use crate::commands::cli;
use crate::lab::checkout::Checkout;
use crate::lab::output;

/// `cargo xtask show`.
///
/// # Errors
/// If there is no such campaign or boot.
pub fn show(options: &cli::Show) -> anyhow::Result<ExitCode> {
    let checkout = Checkout::open()?;
    let folder = campaign::find(&checkout.join("results"), options.campaign.as_deref())?;
    let campaign = campaign::load(&folder)?;
    let Some(number) = options.boot else {
        output::print(&show::boots(&campaign))?;
        return Ok(ExitCode::SUCCESS);
    };
    let boot = boot(&campaign, number)?;
    if options.console {
        output::print(&escape_for_terminal(&String::from_utf8_lossy(&boot.console)))?;
        return Ok(ExitCode::SUCCESS);
    }
    let (files, qmp) = campaign::monitor(&folder, boot)?;
    output::print(&show::boot(&campaign.file.plan, boot, &qmp, &files.display().to_string()))?;
    Ok(ExitCode::SUCCESS)
}

fn boot(campaign: &Campaign, number: u32) -> anyhow::Result<&BootData> {
    campaign.boots.iter().find(|boot| boot.record.boot.number == number).with_context(|| {
        let planned = campaign.file.plan.boots.len();
        match campaign.file.plan.boots.iter().any(|step| step.number == number) {
            true => {
                format!("boot {number} has no record yet; cargo xtask show {} says which have", campaign.name)
            }
            false => {
                format!("there is no boot {number}; campaign {} has boots 1 to {planned}", campaign.name)
            }
        }
    })
}
