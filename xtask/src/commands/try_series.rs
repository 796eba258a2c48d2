//! `try`: from a mail to an answer. Nothing is edited; what is kept is the series and the campaign.

use std::process::ExitCode;

use anyhow::bail;
use lab_core::plan::Source;
use lab_core::plan::config::Config;
use lab_core::plan::trial::{Trial, Tried};
use lab_core::series::Series;
use lab_core::text::escape::escape_for_terminal;
use xshell::Shell;

use crate::build::fitting::{self, Fit};
use crate::commands::{cli, import_series, preflight, run_lab};
use crate::lab::{Lab, output};
use crate::series::import::{ImportRequest, Kept, SeriesOrigin, keep};

/// Imports a series, finds the source that it applies to, and runs the plan that fits it.
///
/// # Errors
/// If it cannot be imported, applies to no source that is there, or the lab cannot tell.
pub fn try_series(sh: &Shell, options: &cli::Try) -> anyhow::Result<ExitCode> {
    preflight::machine()?;
    let lab = Lab::open()?;
    let config = lab.config(sh)?;
    let kernel_patches = lab.checkout.join("kernel-patches");
    let wanted = import_series::request(&options.import)?;
    let Kept { series, older, said } = keep(sh, &kernel_patches, &wanted)?;
    output::tell(&escape_for_terminal(said.trim_end()));
    let source = source(sh, &lab, &config, &wanted, &series)?;
    let older = older.filter(|older| still_applies(sh, &lab, &source, older));
    let tried = Tried {
        series: &series.name,
        touched: &series.touched(),
        older: older.as_ref().map(|older| older.name.as_str()),
        source: Some(&source).filter(|source| **source != config.kernel.source),
        like: options.plan.as_deref(),
    };
    let trial = Trial::new(&config, tried)?;
    output::tell(&format!(
        "plan {}, as {}: what follows was not written to lab.toml",
        trial.plan, trial.like
    ));
    output::tell(&indented(&trial.text));
    let config = lab.config_with(sh, &trial.text)?;
    let choice = options.choice.clone();
    let options = cli::RunLab { plan: trial.plan, choice, ..cli::RunLab::default() };
    run_lab::run(sh, &lab, &config, &options)
}

/// The source that the series is for: of a range of commits that before it, otherwise the first of `lab.toml` that it applies
/// to. Only that of all plans is fetched for it.
fn source(
    sh: &Shell,
    lab: &Lab,
    config: &Config,
    wanted: &ImportRequest,
    series: &Series,
) -> anyhow::Result<Source> {
    if let SeriesOrigin::Range { repository, range } = &wanted.from {
        return fitting::before_range(sh, repository, range);
    }
    let mut refused = Vec::new();
    for source in candidates(config) {
        let is_of_all_plans = *source == config.kernel.source;
        match fitting::fits(sh, lab, (source, is_of_all_plans), series)? {
            Fit::Applies(identity) => {
                output::tell(&format!("source {identity}: the series applies to it"));
                return Ok(source.clone());
            }
            Fit::NotThere => {}
            Fit::Refused { identity, why } => refused.push((identity, why)),
        }
    }
    let Some((identity, why)) = refused.first() else {
        bail!("no kernel source is there to apply the series to: run cargo xtask build-kernel first")
    };
    let others: Vec<&str> = refused.iter().skip(1).map(|(identity, _)| identity.as_str()).collect();
    let others = match others.is_empty() {
        true => String::new(),
        false => format!("\nnor does it apply to {}", others.join(", ")),
    };
    bail!(
        "the series does not apply to {identity}: {why}{others}\nit lies in kernel-patches/{}; to try it on another source, \
         write that as `source` into [kernel] of lab.toml, or give a range of commits, A..B --git TREE",
        series.name
    )
}

/// The sources that `lab.toml` names, that of all plans first.
fn candidates(config: &Config) -> Vec<&Source> {
    let of_plans = config.plans.values().filter_map(|plan| plan.source.as_ref());
    let of_variants = config.variants.values().filter_map(|variant| variant.source.as_ref());
    let mut all = vec![&config.kernel.source];
    for source in of_plans.chain(of_variants) {
        if !all.contains(&source) {
            all.push(source);
        }
    }
    all
}

/// Whether the version before can be compared with; if not, it is told.
fn still_applies(sh: &Shell, lab: &Lab, source: &Source, older: &Series) -> bool {
    let fits = fitting::fits(sh, lab, (source, false), older);
    let applies = matches!(fits, Ok(Fit::Applies(_) | Fit::NotThere));
    if !applies {
        output::warn(&format!("kernel-patches/{} does not apply to that source: it is left out", older.name));
    }
    applies
}

fn indented(text: &str) -> String {
    text.trim().lines().map(|line| format!("  {line}").trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}
