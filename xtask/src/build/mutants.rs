//! Kernels of a series with a fault put into it.

use anyhow::Context as _;
use lab_core::evidence::build::BuildFailed;
use lab_core::evidence::symbols::SymbolDifference;
use lab_core::plan::{Arch, KernelSettings, Source, Variant};
use lab_core::series::mutants::{Mutant, PatchedFile};
use lab_core::series::{Patch, Series};
use lab_core::text::kconfig::KernelVersion;
use xshell::Shell;

use super::bases::Bases;
use super::kernel::{self, Kernel, KernelRequest, SymbolList};
use super::kernels::{added_options, tell};
use super::loaded::load_all;
use super::options::{self, Absent, Options};
use super::source::{SourceIdentity, Tell};
use crate::lab::Lab;

/// What the kernels of all mutants have in common. Series and fragments are read once: what is changed meanwhile does not
/// get into some of them.
pub(crate) struct MutantBuilder<'a> {
    sh: &'a Shell,
    lab: &'a Lab,
    source: Source,
    identity: SourceIdentity,
    version: KernelVersion,
    arch: Arch,
    options: Options,
    added_options: Vec<String>,
    series: Vec<Series>,
    variant: Variant,
}

/// What came of building a mutant.
#[derive(Debug)]
pub(crate) enum Built {
    /// A kernel that differs from the right one.
    Kernel(Box<Kernel>),
    /// A kernel with the functions and the data of the right one.
    Equal,
    /// None.
    Failed(BuildFailed),
}

impl<'a> MutantBuilder<'a> {
    /// Reads the series of `variant`, of which the last one is to be made faulty, and finds out which source is meant.
    ///
    /// # Errors
    /// If one of them cannot be used.
    pub(crate) fn new(
        sh: &'a Shell,
        lab: &'a Lab,
        settings: &KernelSettings,
        variant: &Variant,
    ) -> anyhow::Result<Self> {
        let series = load_all(lab, variant)?;
        let bases = Bases::find(sh, lab, settings, std::slice::from_ref(variant), &tell)?;
        let kernel = (std::slice::from_ref(variant), std::slice::from_ref(&series));
        let options = options::of_kernels(sh, lab, settings, &bases, kernel, Absent::Prepared(&tell))?;
        let options = options.into_iter().next().flatten().unwrap_or_default();
        options::lines([&options]).iter().for_each(|line| tell(line));
        let base = bases.of(variant).with_context(|| format!("kernel {} has no source", variant.name))?;
        let (source, identity, version) = (base.source.clone(), base.identity.clone(), base.version.clone());
        let (added_options, variant) = (added_options(lab), variant.clone());
        let arch = settings.arch;
        Ok(MutantBuilder {
            sh,
            lab,
            source,
            identity,
            version,
            arch,
            options,
            added_options,
            series,
            variant,
        })
    }

    /// The files that the series changes.
    ///
    /// # Errors
    /// If it does not apply.
    pub(crate) fn files(&self) -> anyhow::Result<Vec<PatchedFile>> {
        let source = (&self.source, &self.identity);
        kernel::patched_files(self.sh, &self.lab.cache, source, &self.series, &tell)
    }

    /// The right kernel.
    ///
    /// # Errors
    /// If it does not build.
    pub(crate) fn right(&self) -> anyhow::Result<Kernel> {
        let request = self.request(&self.variant.name, &self.series);
        let kernel = kernel::ensure(self.sh, &self.lab.cache, request, &tell)?;
        tell(&format!("kernel {}", kernel.line(&self.variant.name)));
        Ok(kernel)
    }

    /// The digest under which the kernel of a mutant is stored, once it is built.
    ///
    /// # Errors
    /// If the compiler is missing.
    pub(crate) fn digest(&self, mutant: &Mutant) -> anyhow::Result<String> {
        kernel::digest(self.sh, &self.request("mutant", &self.with(mutant)))
    }

    /// The kernel of a mutant, built or found in the cache.
    ///
    /// # Errors
    /// If its patch does not apply, or it could not be found out whether it builds.
    pub(crate) fn build(&self, right: &Kernel, mutant: &Mutant) -> anyhow::Result<Built> {
        let series = self.with(mutant);
        let request = self.request("mutant", &series);
        let kernel = match kernel::ensure(self.sh, &self.lab.cache, request, &quiet as Tell) {
            Ok(kernel) => kernel,
            Err(error) => {
                let error = error.context(format!("mutant {}", mutant.id));
                return error.downcast::<BuildFailed>().map(Built::Failed);
            }
        };
        let is_equal = kernel::same(right, &kernel)
            || SymbolDifference::between(&right.symbols()?, &kernel.symbols()?).is_empty();
        Ok(if is_equal { Built::Equal } else { Built::Kernel(Box::new(kernel)) })
    }

    /// The series, and the fault as one more of a single patch. Its name and that of its patch are the same for all, so that a
    /// fault that gets another number keeps its kernel.
    fn with(&self, mutant: &Mutant) -> Vec<Series> {
        let patch = Patch {
            file: "0001-mutant.patch".to_owned(),
            subject: "mutant".to_owned(),
            text: mutant.patch.clone().into_bytes(),
        };
        self.series.iter().cloned().chain([Series::new("mutant", vec![patch])]).collect()
    }

    fn request<'b>(&'b self, name: &'b str, series: &'b [Series]) -> KernelRequest<'b> {
        KernelRequest {
            source: &self.source,
            identity: &self.identity,
            revision: None,
            version: &self.version,
            arch: self.arch,
            variant: name,
            series,
            fragments: &self.options.shared,
            own: &self.options.own,
            added_options: &self.added_options,
            jobs: std::thread::available_parallelism().map_or(1, usize::from),
            interrupt: &self.lab.interrupt,
            symbols: SymbolList::NewestForm,
        }
    }
}

/// Each mutant has one line of its own, so that of its build only what takes long is told.
fn quiet(line: &str) {
    if line.starts_with("waiting ") || line.starts_with("  still ") {
        tell(line);
    }
}

#[cfg(test)]
mod tests;
