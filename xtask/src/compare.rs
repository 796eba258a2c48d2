//! From the records of a campaign to the printed comparison.

use std::path::Path;
use std::process::ExitCode;

use xshell::Shell;

use crate::cli::{self, Format};
use crate::comparison::{self, Comparison};
use crate::lab::Lab;
use crate::timeline::{self, Wanted};
use crate::{campaign, files, report};

/// The comparison as a file of the campaign.
const STORED: &str = "comparison.txt";

/// `cargo xtask compare`.
///
/// # Errors
/// If there is no such campaign, or its boots cannot be compared.
pub fn compare(sh: &Shell, options: &cli::Compare) -> anyhow::Result<ExitCode> {
    let lab = Lab::open()?;
    let folder = campaign::find(&lab.results(sh)?, options.campaign.as_deref())?;
    let campaign = campaign::load(&folder)?;
    if options.timeline {
        print!("{}", timeline::show(&folder, &campaign, &wanted(options))?);
        return Ok(ExitCode::SUCCESS);
    }
    let comparison = comparison::compare(&campaign)?;
    print!("{}", render(&comparison, options.format)?);
    Ok(exit_code(&comparison))
}

fn wanted(options: &cli::Compare) -> Wanted {
    let cli::Compare { scenario, workload, boot, .. } = options.clone();
    Wanted { scenario, workload, boot }
}

/// Compares a campaign that has just ended, prints it, and keeps the table beside the records.
///
/// # Errors
/// If its boots cannot be compared.
pub(crate) fn finish(folder: &Path, format: Format) -> anyhow::Result<ExitCode> {
    let comparison = comparison::compare(&campaign::load(folder)?)?;
    files::write_atomically(&folder.join(STORED), render(&comparison, Format::Table)?.as_bytes())?;
    println!();
    print!("{}", render(&comparison, format)?);
    Ok(exit_code(&comparison))
}

fn render(comparison: &Comparison, format: Format) -> anyhow::Result<String> {
    Ok(match format {
        Format::Table => report::table::render(comparison),
        Format::Mail => report::mail::render(comparison),
        Format::Json => report::json::render(comparison)?,
    })
}

fn exit_code(comparison: &Comparison) -> ExitCode {
    ExitCode::from(comparison.conclusion.status.exit_code())
}
