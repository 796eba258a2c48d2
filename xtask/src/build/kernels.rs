//! The kernels of a plan, each built or found in the cache.

mod foreseen;

use anyhow::{Context as _, anyhow};
use lab_core::campaign::{CampaignKernel, KernelOptions};
use lab_core::plan::{KernelSettings, Variant};
use lab_core::series::mutants::PatchedFile;
use lab_core::series::{Series, placebos};
use lab_core::text::escape::escape_for_terminal;
use lab_core::text::kconfig::KernelVersion;
use xshell::Shell;

use super::bases::{Base, Bases};
use super::kernel::{self, Kernel, KernelRequest, SymbolList};
use super::loaded::load_all;
use super::options::{self, Absent, BuiltParts, Options, read_fragments};
use super::source;
use crate::lab::{Lab, output};
use crate::series::load;

pub(super) use foreseen::request_of;
pub(crate) use foreseen::{Foreseen, digests, ensure_possible, foreseen};

/// The kernels of `variants`, in their order. Every series is read and checked before anything is built.
///
/// # Errors
/// If a series cannot be used, a kernel does not build, or one is configured otherwise than the first of its source.
pub(crate) fn ensure(
    sh: &Shell,
    lab: &Lab,
    settings: &KernelSettings,
    variants: &[Variant],
) -> anyhow::Result<Vec<Kernel>> {
    let builder = Builder::new(sh, lab, settings, variants)?;
    let mut kernels: Vec<Kernel> = Vec::new();
    for (place, variant) in variants.iter().enumerate() {
        let kernel = builder.build(place).map_err(|error| match variant.is_unpatched() {
            // A source that does not build as it is says nothing about a series.
            true => anyhow!("{error:#}"),
            false => error,
        })?;
        let is_of_its_source = |other: &Variant| settings.source_of(other) == settings.source_of(variant);
        if let Some(first) = variants.iter().position(is_of_its_source).and_then(|first| kernels.get(first)) {
            builder.ensure_comparable(first, place, &kernel)?;
        }
        // The first of several that are alike is enough: they were told of already.
        let is_other =
            |(other, _): &(&Variant, &Kernel)| made_of(settings, other) != made_of(settings, variant);
        let others: Vec<_> = variants.iter().zip(&kernels).filter(is_other).collect();
        if let Some(line) = likeness(&others, (variant, &kernel)) {
            output::warn(&escape_for_terminal(&line));
        }
        kernels.push(kernel);
    }
    Ok(kernels)
}

/// Reads and checks every series of `variants`.
///
/// # Errors
/// If one cannot be used.
pub(crate) fn check_series(lab: &Lab, variants: &[Variant]) -> anyhow::Result<()> {
    variants.iter().try_for_each(|variant| load_all(lab, variant).map(drop))
}

/// Of which version the kernel of a variant is.
fn version(sh: &Shell, base: &Base<'_>, variant: &Variant) -> anyhow::Result<KernelVersion> {
    match &variant.revision {
        Some(revision) => source::version_at(sh, &base.source, revision),
        None => Ok(base.version.clone()),
    }
}

/// What decides that a kernel is meant to be another one.
fn made_of<'a>(settings: &'a KernelSettings, variant: &'a Variant) -> impl PartialEq + 'a {
    (settings.source_of(variant), &variant.series, &variant.prefix, &variant.revision)
}

/// What is to be said of a kernel that does what one of the others does, although it should not.
fn likeness(others: &[(&Variant, &Kernel)], (variant, kernel): (&Variant, &Kernel)) -> Option<String> {
    let name = &variant.name;
    if let Some((other, _)) = others.iter().find(|(_, other)| kernel::same(other, kernel)) {
        return Some(format!(
            "kernel {name} is the same as {}: what is between them changes nothing that is built",
            other.name
        ));
    }
    let symbols = |kernel: &Kernel| (kernel.metadata.symbols_form, kernel.metadata.symbols_sha256.clone());
    let (other, _) = others.iter().find(|(_, other)| symbols(other) == symbols(kernel))?;
    Some(format!(
        "kernel {name} has the functions and the data of {}: what is between them changes only their order and what has no \
         name, such as line numbers in warnings",
        other.name
    ))
}

/// What all kernels of a command have in common, and the source and the series of each.
pub(crate) struct Builder<'a> {
    sh: &'a Shell,
    lab: &'a Lab,
    settings: &'a KernelSettings,
    variants: &'a [Variant],
    bases: Bases<'a>,
    versions: Vec<KernelVersion>,
    series: Vec<Vec<Series>>,
    options: Vec<Options>,
    added_options: Vec<String>,
}

impl<'a> Builder<'a> {
    /// Reads and checks every series and fragment, and finds out which sources are meant.
    pub(crate) fn new(
        sh: &'a Shell,
        lab: &'a Lab,
        settings: &'a KernelSettings,
        variants: &'a [Variant],
    ) -> anyhow::Result<Self> {
        let load = |variant| load_all(lab, variant);
        let series = variants.iter().map(load).collect::<anyhow::Result<Vec<_>>>()?;
        let bases = Bases::find(sh, lab, settings, variants, &tell)?;
        let base = |variant: &Variant| {
            bases.of(variant).with_context(|| format!("kernel {} has no source", variant.name))
        };
        let versions = variants.iter().map(|variant| version(sh, base(variant)?, variant));
        let versions = versions.collect::<anyhow::Result<_>>()?;
        let series = with_placebos(sh, lab, &bases, variants, series)?;
        let absent = Absent::Prepared(&tell);
        let options = options::of_kernels(sh, lab, settings, &bases, (variants, &series), absent)?;
        let options: Vec<Options> = options.into_iter().map(Option::unwrap_or_default).collect();
        options::lines(&options).iter().for_each(|line| tell(line));
        let added_options = added_options(lab);
        Ok(Builder { sh, lab, settings, variants, bases, versions, series, options, added_options })
    }

    /// The kernel of the variant at `place`, built or found in the cache.
    pub(crate) fn build(&self, place: usize) -> anyhow::Result<Kernel> {
        let variant = &self.variants[place];
        let name = &variant.name;
        let base = self.base(variant)?;
        let kernel = kernel::ensure(self.sh, &self.lab.cache, self.request(place)?, &tell);
        let kernel = match (&variant.prefix, self.series[place].last()) {
            (Some(prefix), Some(series)) => kernel
                .with_context(|| format!("patch {} of {} ({})", prefix.patches, series.name, prefix.subject)),
            (None, _) | (_, None) => kernel,
        };
        let kernel = match self.settings.sources(self.variants).len() {
            1 if variant.source.is_none() => kernel,
            _ => kernel.with_context(|| format!("kernel {name} of {}", base.identity.identity)),
        }?;
        tell(&format!("kernel {}", kernel.line(name)));
        Ok(kernel)
    }

    /// The digest of the kernel of the variant at `place`, built or not.
    pub(crate) fn digest(&self, place: usize) -> anyhow::Result<String> {
        kernel::digest(self.sh, &self.request(place)?)
    }

    fn base(&self, variant: &Variant) -> anyhow::Result<&Base<'a>> {
        self.bases.of(variant).with_context(|| format!("kernel {} has no source", variant.name))
    }

    fn request(&self, place: usize) -> anyhow::Result<KernelRequest<'_>> {
        let variant = &self.variants[place];
        let base = self.base(variant)?;
        Ok(KernelRequest {
            source: &base.source,
            identity: &base.identity,
            revision: variant.revision.as_ref(),
            version: &self.versions[place],
            arch: self.settings.arch,
            variant: &variant.name,
            series: &self.series[place],
            fragments: &self.options[place].shared,
            own: &self.options[place].own,
            added_options: &self.added_options,
            jobs: std::thread::available_parallelism().map_or(1, usize::from),
            interrupt: &self.lab.interrupt,
            symbols: symbol_list(self.variants),
        })
    }

    /// The series of the variant at `place`, each with its digest.
    pub(crate) fn series(&self, place: usize) -> &[Series] {
        &self.series[place]
    }

    /// Checks that the kernel of the variant at `place` is configured as `base`.
    pub(crate) fn ensure_comparable(
        &self,
        base: &Kernel,
        place: usize,
        kernel: &Kernel,
    ) -> anyhow::Result<()> {
        kernel::ensure_comparable(base, kernel, &self.variants[place].name, &self.series[place])
    }
}

/// The steps of a series are compared by their symbols, other variants by what they do.
fn symbol_list(variants: &[Variant]) -> SymbolList {
    match variants.iter().any(|variant| variant.prefix.is_some()) {
        true => SymbolList::NewestForm,
        false => SymbolList::AnyForm,
    }
}

/// Prints one line about what is going on.
pub(super) fn tell(line: &str) {
    output::tell(&escape_for_terminal(line));
}

/// The placebos for a kernel like this variant, by name. The source is fetched if it is not there.
///
/// # Errors
/// If the source cannot be had, or the series of the variant do not apply.
pub(crate) fn placebos(
    sh: &Shell,
    lab: &Lab,
    settings: &KernelSettings,
    variant: &Variant,
) -> anyhow::Result<Vec<String>> {
    let Base { source, identity, .. } = Base::find(sh, lab, settings.source_of(variant), &tell)?;
    let series = load_all(lab, variant)?;
    let files = kernel::files(sh, &lab.cache, (&source, &identity), &series, &placebos::FILES, &tell)?;
    Ok(placebos::placebos(&files).into_iter().map(|placebo| placebo.name).take(placebos::COUNT).collect())
}

/// The series of each variant, its placebo as the last one.
fn with_placebos(
    sh: &Shell,
    lab: &Lab,
    bases: &Bases<'_>,
    variants: &[Variant],
    mut series: Vec<Vec<Series>>,
) -> anyhow::Result<Vec<Vec<Series>>> {
    // Most of them are on top of one and the same kernel.
    let mut known: Option<(String, Vec<Series>, Vec<PatchedFile>)> = None;
    for (variant, series) in variants.iter().zip(&mut series) {
        let (Some(name), Some(base)) = (&variant.placebo, bases.of(variant)) else { continue };
        let (source, identity) = (&base.source, &base.identity);
        let files = match known.take() {
            Some((key, of, files)) if key == identity.key && of == *series => files,
            _ => kernel::files(sh, &lab.cache, (source, identity), series, &placebos::FILES, &tell)?,
        };
        let placebo = placebos::series(&files, name).map_err(anyhow::Error::msg)?;
        known = Some((identity.key.clone(), series.clone(), files));
        series.push(placebo);
    }
    Ok(series)
}

/// Options that the series of this checkout add. What cannot be read as a series adds none.
pub(super) fn added_options(lab: &Lab) -> Vec<String> {
    let folder = lab.checkout.join("kernel-patches");
    let names = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    let series = names.filter_map(|name| load(&folder, &name).ok());
    series.flat_map(|series| series.added_symbols()).collect()
}

/// What a campaign keeps of its kernels, each with what of its series is built. If they have several sources, with the
/// source of each, and in which options they are not alike.
///
/// # Errors
/// If a list of symbols, a configuration or a fragment cannot be read.
pub(crate) fn identities(
    sh: &Shell,
    lab: &Lab,
    settings: &KernelSettings,
    (variants, kernels): (&[Variant], &[Kernel]),
    built: Vec<BuiltParts>,
) -> anyhow::Result<Vec<CampaignKernel>> {
    let identity = |((variant, kernel), built): ((&Variant, &Kernel), BuiltParts)| {
        Ok(CampaignKernel {
            variant: variant.name.clone(),
            kernel: kernel.metadata.identity(),
            symbol_bytes: Some(kernel.symbols()?.iter().map(|symbol| symbol.size).sum()),
            not_built: built.not_built,
            turned_on: built.turned_on,
            options: None,
        })
    };
    let mut identities: Vec<CampaignKernel> =
        variants.iter().zip(kernels).zip(built).map(identity).collect::<anyhow::Result<_>>()?;
    if settings.sources(variants).len() > 1 {
        let configs = kernels.iter().map(Kernel::config).collect::<anyhow::Result<Vec<_>>>()?;
        let fragments = read_fragments(sh, lab, settings)?.into_iter().map(|fragment| fragment.text);
        let options = KernelOptions::of_kernels(&configs, &fragments.collect::<Vec<_>>());
        for ((identity, kernel), options) in identities.iter_mut().zip(kernels).zip(options) {
            identity.kernel.base = Some(kernel.metadata.base());
            identity.options = Some(options);
        }
    }
    Ok(identities)
}

#[cfg(test)]
mod tests;
