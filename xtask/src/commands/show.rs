//! `show`: the boots of a campaign, one by one.

use std::process::ExitCode;

use lab_core::report::show::{self, Length, Shown};
use lab_core::text::escape::escape_for_terminal;

use crate::campaign;
use crate::commands::cli;
use crate::commands::lines::Source;
use crate::lab::cache::Cache;
use crate::lab::checkout::Checkout;
use crate::lab::output;

/// `cargo xtask show`.
///
/// # Errors
/// If there is no such campaign or boot.
pub fn show(options: &cli::Show) -> anyhow::Result<ExitCode> {
    let checkout = Checkout::open()?;
    let folder = campaign::find(&checkout.join("results"), options.campaign.as_deref())?;
    let Some(wanted) = &options.boot else {
        output::print(&show::boots(&campaign::load(&folder)?))?;
        return Ok(ExitCode::SUCCESS);
    };
    let boot = campaign::boot(&folder, wanted)?;
    if options.console {
        output::print(&escape_for_terminal(&String::from_utf8_lossy(&boot.console)))?;
        return Ok(ExitCode::SUCCESS);
    }
    let plan = campaign::file(&folder)?.plan;
    let (files, monitor) = campaign::monitor(&folder, &boot)?;
    let length = if options.full { Length::Full } else { Length::Short };
    let source = Source::of(&Cache::to_look_at()?, &boot.record);
    let shown = Shown { length, lines: &source.lines() };
    output::print(&show::boot(&plan, &boot, &monitor, &files.display().to_string(), shown))?;
    Ok(ExitCode::SUCCESS)
}
