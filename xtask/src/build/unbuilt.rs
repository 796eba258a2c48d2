//! What of the series of a plan is not built, and what is turned on so that it is.

use lab_core::plan::{Arch, KernelSettings, Variant};
use lab_core::series::Series;
use lab_core::series::unbuilt::{NotBuilt, Why};
use xshell::Shell;

use super::bases::Bases;
use super::kernel::{self, Configured, Kernel, SymbolList};
use super::kernels::{Foreseen, request_of, tell};
use super::loaded::load_all;
use super::options::{self, Absent, BuiltParts, Options};
use crate::lab::Lab;

/// What is known of the series of a plan before anything is built.
#[derive(Debug)]
pub(crate) struct ForeseenParts {
    /// For each of the variants.
    pub(crate) not_built: Vec<Vec<NotBuilt>>,
    /// A line for each option that is turned on.
    pub(crate) turned_on: Vec<String>,
    /// The variants of which nothing is known before their source is unpacked.
    pub(crate) unknown: Vec<String>,
}

/// For each of the variants what of its series is not built in its kernel. Where that cannot be found out, it is told, and
/// nothing is said.
pub(crate) fn of_kernels(
    sh: &Shell,
    lab: &Lab,
    settings: &KernelSettings,
    variants: &[Variant],
    kernels: &[Kernel],
) -> Vec<BuiltParts> {
    let look = || {
        if !is_known(settings) {
            return Ok(vec![BuiltParts::default(); variants.len()]);
        }
        let bases = Bases::known(sh, lab, settings, variants)?;
        let series =
            variants.iter().map(|variant| load_all(lab, variant)).collect::<anyhow::Result<Vec<_>>>()?;
        let options = options::of_kernels(sh, lab, settings, &bases, (variants, &series), Absent::LeftOut)?;
        let mut parts = Vec::new();
        for (((variant, series), kernel), options) in variants.iter().zip(&series).zip(kernels).zip(options) {
            let Some(base) = bases.of(variant) else {
                parts.push(BuiltParts::default());
                continue;
            };
            let configured = Configured::Resolved(kernel.config()?);
            let found = kernel::not_built(sh, &lab.cache, &base.identity, series, &configured)?;
            let options = options.unwrap_or_default();
            let not_built = found.into_iter().map(|found| beside(found, &options)).collect();
            parts.push(BuiltParts { not_built, turned_on: options.turned_on });
        }
        anyhow::Ok(parts)
    };
    look().unwrap_or_else(|error| {
        tell(&format!("what of the series is not built cannot be found out: {error:#}"));
        vec![BuiltParts::default(); variants.len()]
    })
}

/// The same before anything is built, as far as it is known then; `foreseen` are the kernels of the variants.
///
/// # Errors
/// If a series or a fragment cannot be used, or the source not be read.
pub(crate) fn foreseen(
    sh: &Shell,
    lab: &Lab,
    settings: &KernelSettings,
    variants: &[Variant],
    foreseen: &[Foreseen],
) -> anyhow::Result<ForeseenParts> {
    if !is_known(settings) {
        let not_built = vec![Vec::new(); variants.len()];
        return Ok(ForeseenParts { not_built, turned_on: Vec::new(), unknown: Vec::new() });
    }
    let bases = Bases::known(sh, lab, settings, variants)?;
    let series = variants.iter().map(|variant| load_all(lab, variant)).collect::<anyhow::Result<Vec<_>>>()?;
    let options = || foreseen.iter().map(|foreseen| foreseen.options.as_ref());
    let is_unknown = |(variant, options): &(&Variant, Option<&Options>)| {
        options.is_none() && settings.auto.is_some() && !variant.series.is_empty()
    };
    let unknown = variants.iter().zip(options()).filter(is_unknown);
    let unknown = unknown.map(|(variant, _)| variant.name.clone()).collect();
    let turned_on = options::lines(options().flatten());
    let of = |((variant, series), options): ((&Variant, &Vec<Series>), Option<&Options>)| {
        let (Some(base), Some(options)) = (bases.of(variant), options) else { return Ok(Vec::new()) };
        let request =
            request_of(lab, settings, (base, &base.version), (variant, series, options), SymbolList::AnyForm);
        let configured = kernel::configured(sh, &lab.cache, &request)?;
        let found = kernel::not_built(sh, &lab.cache, &base.identity, series, &configured)?;
        let found = found.into_iter().map(|found| beside(found, options));
        Ok(found.filter(|found| is_certain(found, &configured)).collect())
    };
    let not_built = variants.iter().zip(&series).zip(options()).map(of).collect::<anyhow::Result<_>>()?;
    Ok(ForeseenParts { not_built, turned_on, unknown })
}

fn beside(found: NotBuilt, options: &Options) -> NotBuilt {
    found.beside_auto(&options.turned_on, &options.left_off)
}

/// Options that are asked for by nobody may be on in the end: others select them, or they are so by default.
fn is_certain(found: &NotBuilt, configured: &Configured) -> bool {
    match configured {
        Configured::Resolved(_) => true,
        Configured::Asked(_) => found.why != Why::OptionOff || found.left_off.is_some(),
    }
}

/// Whether the build files are read for these kernels: it is done as those of x86-64 take them.
fn is_known(settings: &KernelSettings) -> bool {
    settings.arch == Arch::X86_64
}
