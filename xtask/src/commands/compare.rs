//! From the records of a campaign to the printed comparison.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;

use anyhow::ensure;
use lab_core::campaign::Campaign;
use lab_core::comparison::self_test::{self, SelfTest};
use lab_core::comparison::{self, Comparison, across};
use lab_core::evidence::profile::parse_folded;
use lab_core::report::html::Attached;
use lab_core::report::paint::paint;
use lab_core::report::profile::Profiled;
use lab_core::report::{self, Format};

use crate::campaign;
use crate::commands::{cli, flame_graph, lines};
use crate::lab::checkout::Checkout;
use crate::lab::{files, output};
use crate::series;

/// The comparison with all evidence, as a file of the campaign.
const STORED: &str = "comparison.txt";

/// The page about it.
const PAGE: &str = "report.html";

/// `cargo xtask compare`.
///
/// # Errors
/// If there is no such campaign, or its boots cannot be compared.
pub fn compare(options: &cli::Compare) -> anyhow::Result<ExitCode> {
    let checkout = Checkout::open()?;
    let results = checkout.join("results");
    let folder = campaign::find(&results, options.campaign.as_deref())?;
    if options.profile {
        output::print(&profile(&folder)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let campaign = campaign::load(&folder)?;
    let question = options.question();
    let Some(other) = &options.other else {
        let mut comparison = comparison::answer(&campaign, &question)?;
        lines::add(&campaign, &mut comparison)?;
        // With another question it is no longer the self-test's.
        let test = question.is_default().then(|| self_test::check(&campaign, &comparison)).flatten();
        if options.evidence {
            output::print(&evidence(&comparison, test.as_ref()))?;
            return Ok(code(&comparison, test.as_ref()));
        }
        let attached = attached(options.format, &checkout, &folder, &campaign, &comparison)?;
        return show(&comparison, test.as_ref(), options.format, &attached);
    };
    let other = campaign::load(&campaign::find(&results, Some(other))?)?;
    let across = across::across([&campaign, &other], &question)?;
    output::print(&options.format.render_across(&across)?)?;
    Ok(ExitCode::from(across.status.exit_code()))
}

/// Where the instructions of a campaign's boots went, variant against baseline. Pictures of it are written beside the records.
///
/// # Errors
/// If no boot of it has a profile, or one cannot be read.
pub(crate) fn profile(folder: &Path) -> anyhow::Result<String> {
    let campaign = campaign::load(folder)?;
    let mut profiles = Vec::new();
    for boot in &campaign.boots {
        let Some(folded) = campaign::profile_of(folder, boot)? else { continue };
        let step = &boot.record.boot;
        profiles.push(Profiled {
            variant: step.variant.clone(),
            scenario: step.scenario.clone(),
            workloads: parse_folded(&String::from_utf8(folded)?)?,
        });
    }
    ensure!(
        !profiles.is_empty(),
        "no boot of {} has a profile: make one with cargo xtask run-lab --profile",
        campaign.name
    );
    profiles.sort_by_key(|profile| profile.variant != campaign.file.plan.baseline);
    let mut text = report::profile::render(&profiles);
    for picture in report::profile::pictures(&profiles) {
        let path = folder.join(&picture.file);
        files::write_atomically(&path, &flame_graph::draw(&picture)?)?;
        text += &format!("picture {}\n", path.display());
    }
    Ok(text)
}

/// What the form shows beside the comparison: most of it only a page does.
fn attached(
    format: Format,
    checkout: &Checkout,
    folder: &Path,
    campaign: &Campaign,
    comparison: &Comparison,
) -> anyhow::Result<Attached> {
    match format {
        Format::Html => {}
        Format::Mail => return Ok(Attached::commands(campaign)),
        Format::Table | Format::Markdown | Format::Csv | Format::Junit | Format::Json => {
            return Ok(Attached::default());
        }
    }
    let names: BTreeSet<&String> = campaign.file.plan.variants.iter().flat_map(|it| &it.series).collect();
    // One that is not there any more is missing on the page, which says so.
    let load = |name: &String| series::load(&checkout.join("kernel-patches"), name).ok();
    let known = names.into_iter().filter_map(load).collect();
    Attached::of(campaign, comparison, |boot| campaign::requests(folder, boot), known)
}

/// Compares a campaign that has just ended, prints the answer, and keeps evidence and page beside the records.
///
/// # Errors
/// If its boots cannot be compared.
pub(crate) fn finish(checkout: &Checkout, folder: &Path, format: Format) -> anyhow::Result<ExitCode> {
    let campaign = campaign::load(folder)?;
    let mut comparison = comparison::compare(&campaign)?;
    lines::add(&campaign, &mut comparison)?;
    let test = self_test::check(&campaign, &comparison);
    files::write_atomically(&folder.join(STORED), evidence(&comparison, test.as_ref()).as_bytes())?;
    let page = folder.join(PAGE);
    let attached = attached(Format::Html, checkout, folder, &campaign, &comparison)?;
    files::write_atomically(&page, Format::Html.render_with(&comparison, &attached)?.as_bytes())?;
    output::tell("");
    let code = show(&comparison, test.as_ref(), format, &attached)?;
    output::tell(&format!("\nreport {}", page.display()));
    Ok(code)
}

/// Prints the comparison, or of a self-test what it came to.
fn show(
    comparison: &Comparison,
    test: Option<&SelfTest>,
    format: Format,
    attached: &Attached,
) -> anyhow::Result<ExitCode> {
    let of_test = test.map(|test| format.render_self_test(test)).transpose()?.flatten();
    match of_test {
        Some(text) => output::print(&text)?,
        None if format == Format::Table => output::print_answer(&format.render(comparison)?, paint)?,
        None => output::print(&format.render_with(comparison, attached)?)?,
    }
    Ok(code(comparison, test))
}

/// All that there is to say; of a self-test only what it came to, since its arms are many and nobody's kernels.
fn evidence(comparison: &Comparison, test: Option<&SelfTest>) -> String {
    test.map_or_else(|| report::full::render(comparison), report::self_test::render)
}

fn code(comparison: &Comparison, test: Option<&SelfTest>) -> ExitCode {
    let status = test.map_or(comparison.conclusion.status, SelfTest::status);
    ExitCode::from(status.exit_code())
}
