//! `list`: what there is to name on the command line.

mod headlines;

use std::process::ExitCode;

use lab_core::plan::config::{Config, PlanEntry};
use lab_core::plan::{self, Overrides, Scenario, Variant};
use lab_core::report::list::{List, NamedLine, PlanLine, VariantLine};
use lab_core::report::{json, list as report};
use xshell::Shell;

use crate::build::{kernels, source};
use crate::commands::cli::{self, ListFormat, Listed};
use crate::lab::cache::Cache;
use crate::lab::{Lab, output};

/// `cargo xtask list`.
///
/// # Errors
/// If `lab.toml` has a mistake, or the campaigns cannot be read.
pub fn list(sh: &Shell, options: &cli::List) -> anyhow::Result<ExitCode> {
    let lab = Lab::to_look_at()?;
    let is_wanted = |what| options.what.is_empty() || options.what.contains(&what);
    let mut list = List::default();
    // Campaigns are there without a sound lab.toml.
    if options.what != [Listed::Campaigns] {
        let config = lab.config(sh)?;
        list.plans = is_wanted(Listed::Plans).then(|| plans(sh, &lab, &config));
        list.variants = is_wanted(Listed::Variants).then(|| variants(&config));
        list.scenarios = is_wanted(Listed::Scenarios).then(|| scenarios(&config));
        list.workloads = is_wanted(Listed::Workloads).then(|| workloads(&config));
    }
    if is_wanted(Listed::Campaigns) {
        list.campaigns = Some(headlines::campaigns(&lab)?);
    }
    output::print(&match options.format {
        ListFormat::Table => report::render(&list),
        ListFormat::Json => json::render(&list)?,
    })?;
    Ok(ExitCode::SUCCESS)
}

fn plans(sh: &Shell, lab: &Lab, config: &Config) -> Vec<PlanLine> {
    let line = |(name, entry): (&String, &PlanEntry)| PlanLine {
        name: name.clone(),
        about: config.comment("plans", name),
        boots: plan::resolve(config, name, &Overrides::default()).map_or(0, |plan| plan.boots.len() as u32),
        kernels: entry.variants.len() as u32,
        cached: cached(sh, lab, config, entry),
    };
    config.plans.iter().map(line).collect()
}

/// How many kernels of a plan are in the cache; none if it is not known which they are.
fn cached(sh: &Shell, lab: &Lab, config: &Config, entry: &PlanEntry) -> Option<u32> {
    let variants: Vec<Variant> =
        entry.variants.iter().filter_map(|name| config.variants.get(name)).cloned().collect();
    let digests = kernels::digests(sh, lab, &config.kernel_of(entry), &variants).ok()?;
    let digests: Vec<String> = digests.into_iter().collect::<Option<_>>()?;
    Some(digests.iter().filter(|digest| is_stored(&lab.cache, digest)).count() as u32)
}

fn is_stored(cache: &Cache, digest: &str) -> bool {
    cache.join("kernels").join(digest).join("kernel.toml").is_file()
}

fn variants(config: &Config) -> Vec<VariantLine> {
    let line = |variant: &Variant| VariantLine {
        name: variant.name.clone(),
        series: variant.series.clone(),
        source: source::text(config.kernel.source_of(variant)),
    };
    config.variants.values().map(line).collect()
}

fn scenarios(config: &Config) -> Vec<NamedLine> {
    let kind = |scenario: &Scenario| match (&scenario.server, &scenario.foreign, &scenario.filesystem) {
        (Some(_), ..) => "FUSE".to_owned(),
        (None, Some(server), _) => format!("FUSE ({})", server.program.shown()),
        (None, None, Some(filesystem)) => filesystem.kind.name().to_owned(),
        (None, None, None) => "no files".to_owned(),
    };
    let line = |scenario: &Scenario| NamedLine {
        name: scenario.name.clone(),
        kind: kind(scenario),
        about: config.comment("scenarios", &scenario.name),
    };
    config.scenarios.values().map(line).collect()
}

fn workloads(config: &Config) -> Vec<NamedLine> {
    let line = |(name, task): (&String, &lab_protocol::WorkloadTask)| NamedLine {
        name: name.clone(),
        kind: task.tool.guest_path().rsplit('/').next().unwrap_or_default().to_owned(),
        about: config
            .comment("workloads", name)
            .or_else(|| (!task.args.is_empty()).then(|| task.args.join(" "))),
    };
    config.workloads.iter().map(line).collect()
}
