//! What of the series of a plan is not built.

use lab_core::plan::{KernelSettings, Variant};
use lab_core::series::unbuilt::NotBuilt;
use xshell::Shell;

use super::kernel::{self, Configured, Kernel, KernelRequest, SymbolList};
use super::kernels::{load_all, read_fragments, tell};
use super::source::{self, SourceIdentity};
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
        let Some(identity) = identity(sh, lab, settings)? else {
            return Ok(vec![Vec::new(); variants.len()]);
        };
        let of = |(variant, kernel): (&Variant, &Kernel)| {
            let series = load_all(lab, variant)?;
            kernel::not_built(sh, &lab.cache, &identity, &series, &Configured::Resolved(kernel.config()?))
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
    let Some(identity) = identity(sh, lab, settings)? else { return Ok(Vec::new()) };
    let Some(version) = source::known_version(&lab.cache, &identity)? else { return Ok(Vec::new()) };
    let fragments = read_fragments(sh, lab, settings)?;
    let source = source::located(&settings.source, lab.checkout.root());
    let of = |variant: &Variant| {
        let series = load_all(lab, variant)?;
        let request = KernelRequest {
            source: &source,
            identity: &identity,
            version: &version,
            variant: &variant.name,
            series: &series,
            fragments: &fragments,
            added_options: &[],
            jobs: 1,
            interrupt: &lab.interrupt,
            symbols: SymbolList::AnyForm,
        };
        let configured = kernel::configured(sh, &lab.cache, &request)?;
        kernel::not_built(sh, &lab.cache, &identity, &series, &configured)
    };
    variants.iter().map(of).collect()
}

fn identity(sh: &Shell, lab: &Lab, settings: &KernelSettings) -> anyhow::Result<Option<SourceIdentity>> {
    source::known(sh, &lab.cache, &source::located(&settings.source, lab.checkout.root()))
}
