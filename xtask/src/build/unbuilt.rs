//! What of the series of a plan is not built.

use lab_core::plan::{KernelSettings, Variant};
use lab_core::series::unbuilt::NotBuilt;
use xshell::Shell;

use super::bases::Bases;
use super::kernel::{self, Configured, Kernel, KernelRequest, SymbolList};
use super::kernels::{load_all, read_fragments, tell};
use crate::lab::Lab;

/// For each of the variants what of its series is not built in its kernel. Where that cannot be found out, it is told, and
/// nothing is said.
pub(crate) fn of_kernels(
    sh: &Shell,
    lab: &Lab,
    settings: &KernelSettings,
    variants: &[Variant],
    kernels: &[Kernel],
) -> Vec<Vec<NotBuilt>> {
    let look = || {
        let bases = Bases::known(sh, lab, settings, variants)?;
        let of = |(variant, kernel): (&Variant, &Kernel)| {
            let Some(base) = bases.of(variant) else { return Ok(Vec::new()) };
            let series = load_all(lab, variant)?;
            let configured = Configured::Resolved(kernel.config()?);
            kernel::not_built(sh, &lab.cache, &base.identity, &series, &configured)
        };
        variants.iter().zip(kernels).map(of).collect::<anyhow::Result<Vec<_>>>()
    };
    look().unwrap_or_else(|error| {
        tell(&format!("what of the series is not built cannot be found out: {error:#}"));
        vec![Vec::new(); variants.len()]
    })
}

/// The same before anything is built, as far as it is known then.
///
/// # Errors
/// If a series or a fragment cannot be used, or the source not be read.
pub(crate) fn foreseen(
    sh: &Shell,
    lab: &Lab,
    settings: &KernelSettings,
    variants: &[Variant],
) -> anyhow::Result<Vec<Vec<NotBuilt>>> {
    let bases = Bases::known(sh, lab, settings, variants)?;
    let fragments = read_fragments(sh, lab, settings)?;
    let of = |variant: &Variant| {
        let Some(base) = bases.of(variant) else { return Ok(Vec::new()) };
        let series = load_all(lab, variant)?;
        let request = KernelRequest {
            source: &base.source,
            identity: &base.identity,
            version: &base.version,
            variant: &variant.name,
            series: &series,
            fragments: &fragments,
            added_options: &[],
            jobs: 1,
            interrupt: &lab.interrupt,
            symbols: SymbolList::AnyForm,
        };
        let configured = kernel::configured(sh, &lab.cache, &request)?;
        kernel::not_built(sh, &lab.cache, &base.identity, &series, &configured)
    };
    variants.iter().map(of).collect()
}
