//! A series patch by patch: built, and what each patch changes in the kernel.

use std::process::ExitCode;

use anyhow::bail;
use lab_core::comparison::patches::{self as step, BuildOutcome, Compiled, Facts, PrefixBuild};
use lab_core::evidence::build::BuildFailed;
use lab_core::plan::config::Config;
use lab_core::plan::{self, KernelSettings, Variant};
use lab_core::report::patches::{self, Names};
use xshell::Shell;

use crate::build::kernel::Kernel;
use crate::build::kernels::Builder;
use crate::build::loaded::load_series;
use crate::build::source;
use crate::commands::FOUND;
use crate::lab::{Lab, output};

/// The steps of a series as variants: first the kernel without it.
///
/// # Errors
/// If no variant of `lab.toml` lists the series, or it cannot be used.
pub(crate) fn steps(lab: &Lab, config: &Config, name: &str) -> anyhow::Result<Vec<Variant>> {
    let like =
        plan::listing(&config.variants, name).map_err(|error| anyhow::anyhow!("--each-patch: {error}"))?;
    let series = load_series(lab, name)?;
    let subjects: Vec<String> = series.patches.into_iter().map(|patch| patch.subject).collect();
    let steps = plan::steps(like, name, &subjects);
    let before = match &steps[0].series[..] {
        [] => "the source as it is".to_owned(),
        before => before.join(", "),
    };
    let source = like.source.as_ref().map(|own| format!(", of {}", source::text(own))).unwrap_or_default();
    output::tell(&format!(
        "series {name}: {} patches on top of {before}, as in variant {}{source}",
        subjects.len(),
        like.name
    ));
    Ok(steps)
}

/// Builds every step and prints what each patch changes. A step that does not build does not keep the later ones
/// from being tried. The exit code is 1 if one does not build or adds a warning.
///
/// # Errors
/// If the kernel without the series does not build, or a patch does not apply.
pub(crate) fn build(
    sh: &Shell,
    lab: &Lab,
    settings: &KernelSettings,
    variants: &[Variant],
    names: Names,
) -> anyhow::Result<ExitCode> {
    let builder = Builder::new(sh, lab, settings, variants)?;
    let mut steps: Vec<PrefixBuild> = Vec::new();
    let mut base: Option<Kernel> = None;
    for (place, variant) in variants.iter().enumerate() {
        let outcome = match builder.build(place) {
            Ok(kernel) => {
                builder.ensure_comparable(base.as_ref().unwrap_or(&kernel), place, &kernel)?;
                let facts = facts(&kernel)?;
                base.get_or_insert(kernel);
                BuildOutcome::Built(facts)
            }
            Err(error) => match error.downcast::<BuildFailed>() {
                Ok(failed) if place > 0 => BuildOutcome::Failed(failed),
                // Nothing of the series is in it.
                Ok(failed) => bail!("{failed}"),
                Err(error) => return Err(error),
            },
        };
        steps.push(PrefixBuild::new(variant, outcome));
    }
    output::tell("");
    output::print(&patches::render(&steps, names))?;
    Ok(match steps.iter().enumerate().any(|(place, _)| step::is_worse(&steps, place)) {
        true => ExitCode::from(FOUND),
        false => ExitCode::SUCCESS,
    })
}

/// What each patch changes, of kernels that are all built.
///
/// # Errors
/// If the cache cannot be read.
pub(crate) fn report(variants: &[Variant], kernels: &[Kernel]) -> anyhow::Result<String> {
    let is_step = |(place, variant): &(usize, &Variant)| *place == 0 || variant.prefix.is_some();
    let steps =
        variants.iter().enumerate().filter(is_step).map(|(place, variant)| {
            Ok(PrefixBuild::new(variant, BuildOutcome::Built(facts(&kernels[place])?)))
        });
    Ok(patches::render(&steps.collect::<anyhow::Result<Vec<_>>>()?, Names::Few))
}

/// Reads what is compared of a kernel from the cache.
///
/// # Errors
/// If a file of the kernel cannot be read.
fn facts(kernel: &Kernel) -> anyhow::Result<Facts> {
    Ok(Facts {
        image_sha256: kernel.metadata.bzimage_sha256.clone(),
        image_bytes: kernel.image_bytes()?,
        symbols: kernel.symbols()?,
        warnings: kernel.metadata.warning_lines.clone(),
        compiled: if kernel.metadata.incremental {
            Compiled::Only(kernel.compiled()?.into_iter().collect())
        } else {
            Compiled::All
        },
    })
}
