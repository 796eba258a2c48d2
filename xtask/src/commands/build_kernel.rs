//! `build-kernel`: only the kernels.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use lab_core::plan::config::Config;
use lab_core::plan::{Source, Variant};
use lab_core::report::patches::Names;
use lab_core::text::suggest;
use xshell::Shell;

use crate::build::{kernels, source};
use crate::commands::{cli, each_patch};
use crate::lab::output::{Manner, Verbosity};
use crate::lab::stopwatch::Stopwatch;
use crate::lab::{Lab, output};
use crate::machine::host;

/// `cargo xtask build-kernel`.
///
/// # Errors
/// If a variant is unknown, its series does not apply, or it does not build.
pub fn build_kernel(sh: &Shell, options: &cli::BuildKernel) -> anyhow::Result<ExitCode> {
    let lab = Lab::open()?;
    let mut watch = Stopwatch::start();
    let config = lab.config(sh)?;
    let plan = options.plan.as_ref().map(|name| find(&config.plans, "plan", name)).transpose()?;
    let settings = plan.as_ref().map_or_else(|| config.kernel.clone(), |plan| config.kernel_of(plan));
    let variants = match (&options.each_patch, options.variants.as_slice(), plan) {
        (Some(series), ..) => each_patch::steps(&lab, &config, series)?,
        (None, [], None) => config.variants_of_the_source(),
        (None, [], Some(plan)) => select(&config, &plan.variants)?,
        (None, names, _) => select(&config, names)?,
    };
    let settings = settings.with_series_of(&variants);
    kernels::ensure_possible(sh, &lab, &settings, &variants)?;
    watch.step("packages", || host::require(sh, settings.arch, &[]))?;
    if options.refresh_source {
        refresh(&lab, &settings.sources(&variants))?;
    }
    let code = watch.step("kernels", || match options.each_patch {
        Some(_) => each_patch::build(sh, &lab, &settings, &variants, names()),
        None => kernels::ensure(sh, &lab, &settings, &variants).map(|_| ExitCode::SUCCESS),
    })?;
    output::tell(&format!("\n{}", watch.line()));
    Ok(code)
}

fn names() -> Names {
    match Manner::chosen().verbosity {
        Verbosity::Quiet | Verbosity::Normal => Names::Few,
        Verbosity::Verbose => Names::All,
    }
}

fn select(config: &Config, names: &[String]) -> anyhow::Result<Vec<Variant>> {
    names.iter().map(|name| find(&config.variants, "variant", name)).collect()
}

fn find<T: Clone>(all: &BTreeMap<String, T>, kind: &str, name: &str) -> anyhow::Result<T> {
    let known: Vec<&str> = all.keys().map(String::as_str).collect();
    all.get(name).cloned().with_context(|| suggest::unknown(kind, name, &known))
}

/// Lets the newest version be fetched of those that are Debian packages.
fn refresh(lab: &Lab, sources: &[&Source]) -> anyhow::Result<()> {
    let packages = sources.iter().filter_map(|source| match source {
        Source::Debian { package, suite } => Some(source::Package { name: package, suite: suite.as_deref() }),
        Source::Tarball { .. } | Source::Git { .. } | Source::Tree(_) => None,
    });
    let packages: Vec<source::Package> = packages.collect();
    ensure!(
        !packages.is_empty(),
        "--refresh-source is for Debian packages; lab.toml names the exact source, so change it there"
    );
    packages.into_iter().try_for_each(|package| source::refresh(&lab.cache, package))
}
