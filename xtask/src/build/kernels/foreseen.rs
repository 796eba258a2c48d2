//! What would be built for a plan, and whether it can be.

use lab_core::plan::{KernelSettings, Source, Variant};
use lab_core::series::Series;
use lab_core::text::kconfig::KernelVersion;
use xshell::Shell;

use super::{symbol_list, version};
use crate::build::bases::{Base, Bases};
use crate::build::kernel::{self, KernelRequest, SymbolList};
use crate::build::loaded::load_all;
use crate::build::options::{self, Absent, Options};
use crate::build::source;
use crate::lab::Lab;

/// What is known of a kernel before it is built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Foreseen {
    /// Whether it is in the cache.
    pub(crate) is_stored: bool,
    /// Its source: which one it is, or, if nothing was ever built of it, as `lab.toml` names it.
    pub(crate) source: String,
    /// What it will be configured with; none if that is not known before the source is there.
    pub(in crate::build) options: Option<Options>,
}

/// What is known of the kernels of `variants`. Every series is read and checked; nothing is built, and the network is not
/// used.
///
/// # Errors
/// If a series cannot be used, or the compiler is missing.
pub(crate) fn foreseen(
    sh: &Shell,
    lab: &Lab,
    settings: &KernelSettings,
    variants: &[Variant],
) -> anyhow::Result<Vec<Foreseen>> {
    let series = variants.iter().map(|variant| load_all(lab, variant)).collect::<anyhow::Result<Vec<_>>>()?;
    let bases = Bases::known(sh, lab, settings, variants)?;
    let options = options::of_kernels(sh, lab, settings, &bases, (variants, &series), Absent::LeftOut)?;
    let foreseen = |((variant, series), options): ((&Variant, &Vec<Series>), Option<Options>)| {
        let Some(base) = bases.of(variant) else {
            let source = source::text(settings.source_of(variant));
            return Ok(Foreseen { is_stored: false, source, options: None });
        };
        let source = base.identity.identity.clone();
        let version = version(sh, base, variant)?;
        let Some(options) = options else { return Ok(Foreseen { is_stored: false, source, options }) };
        let request =
            request_of(lab, settings, (base, &version), (variant, series, &options), symbol_list(variants));
        let is_stored = kernel::is_stored(sh, &lab.cache, &request)?;
        Ok(Foreseen { is_stored, source, options: Some(options) })
    };
    variants.iter().zip(&series).zip(options).map(foreseen).collect()
}

/// Under which digests the kernels of `variants` are stored, built or not; none of one of whose source nothing is known. It takes
/// no look at what is stored there.
///
/// # Errors
/// As [`foreseen`].
pub(crate) fn digests(
    sh: &Shell,
    lab: &Lab,
    settings: &KernelSettings,
    variants: &[Variant],
) -> anyhow::Result<Vec<Option<String>>> {
    let series = variants.iter().map(|variant| load_all(lab, variant)).collect::<anyhow::Result<Vec<_>>>()?;
    let bases = Bases::known(sh, lab, settings, variants)?;
    let options = options::of_kernels(sh, lab, settings, &bases, (variants, &series), Absent::LeftOut)?;
    let mut tools = None;
    let mut digests = Vec::new();
    for ((variant, series), options) in variants.iter().zip(&series).zip(options) {
        let (Some(base), Some(options)) = (bases.of(variant), options) else {
            digests.push(None);
            continue;
        };
        let version = version(sh, base, variant)?;
        let request =
            request_of(lab, settings, (base, &version), (variant, series, &options), symbol_list(variants));
        let tools = match &tools {
            Some(tools) => tools,
            None => tools.insert(kernel::Tools::find(sh, settings.arch)?),
        };
        digests.push(Some(kernel::request_digest(&request, tools)));
    }
    Ok(digests)
}

/// What is asked for before anything is built.
pub(in crate::build) fn request_of<'a>(
    lab: &'a Lab,
    settings: &KernelSettings,
    (base, version): (&'a Base<'_>, &'a KernelVersion),
    (variant, series, options): (&'a Variant, &'a [Series], &'a Options),
    symbols: SymbolList,
) -> KernelRequest<'a> {
    KernelRequest {
        source: &base.source,
        identity: &base.identity,
        revision: variant.revision.as_ref(),
        version,
        arch: settings.arch,
        variant: &variant.name,
        series,
        fragments: &options.shared,
        own: &options.own,
        added_options: &[],
        jobs: 1,
        interrupt: &lab.interrupt,
        symbols,
    }
}

/// Checks that the kernels of `variants` can be had on this machine, as far as they are not built yet: that their sources can be
/// fetched, and that the disk has room. Nothing is fetched for it.
///
/// # Errors
/// If not, with what to do.
pub(crate) fn ensure_possible(
    sh: &Shell,
    lab: &Lab,
    settings: &KernelSettings,
    variants: &[Variant],
) -> anyhow::Result<()> {
    settings.sources(variants).into_iter().try_for_each(|written| {
        let Err(lack) = source::ensure_possible(&lab.cache, written) else { return Ok(()) };
        let is_of_it = |variant: &&Variant| settings.source_of(variant) == written;
        let variants: Vec<Variant> = variants.iter().filter(is_of_it).cloned().collect();
        // What cannot be looked up is not there: the compiler may have to be installed first.
        let are_stored = foreseen(sh, lab, settings, &variants)
            .is_ok_and(|all| all.iter().all(|foreseen| foreseen.is_stored));
        // Whether objects have room is looked at before the first is made.
        if are_stored || is_unpacked(sh, lab, written) { Ok(()) } else { Err(lack) }
    })
}

fn is_unpacked(sh: &Shell, lab: &Lab, written: &Source) -> bool {
    let source = source::located(written, lab.checkout.root());
    let identity = source::known(sh, &lab.cache, &source).ok().flatten();
    identity.and_then(|identity| source::prepared(&lab.cache, &identity).ok().flatten()).is_some()
}
