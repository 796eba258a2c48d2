//! The sources that the kernels of a plan are built from.

use lab_core::plan::{KernelSettings, Source, Variant};
use lab_core::text::kconfig::KernelVersion;
use xshell::Shell;

use super::source::{self, SourceIdentity, Tell};
use crate::lab::Lab;

/// A source of `lab.toml`, and which one that is.
#[derive(Debug)]
pub(super) struct Base<'a> {
    /// As `lab.toml` has it.
    pub(super) written: &'a Source,
    /// The same with paths that start at the root.
    pub(super) source: Source,
    pub(super) identity: SourceIdentity,
    pub(super) version: KernelVersion,
}

impl<'a> Base<'a> {
    /// Finds out which source is meant.
    ///
    /// # Errors
    /// If it cannot be had.
    pub(super) fn find(sh: &Shell, lab: &Lab, written: &'a Source, tell: Tell) -> anyhow::Result<Self> {
        let source = source::located(written, lab.checkout.root());
        let identity = source::identify(sh, &lab.cache, &source, tell)?;
        let version = source::version(sh, &lab.cache, &source, &identity, tell)?;
        Ok(Base { written, source, identity, version })
    }

    /// The same without the network, and without a trace: none if nothing was ever built of it.
    ///
    /// # Errors
    /// If a file or tree cannot be read.
    fn known(sh: &Shell, lab: &Lab, written: &'a Source) -> anyhow::Result<Option<Self>> {
        let source = source::located(written, lab.checkout.root());
        let Some(identity) = source::known(sh, &lab.cache, &source)? else { return Ok(None) };
        let Some(version) = source::known_version(&lab.cache, &identity)? else { return Ok(None) };
        Ok(Some(Base { written, source, identity, version }))
    }
}

/// The sources of the kernels of some variants, each once.
#[derive(Debug)]
pub(super) struct Bases<'a> {
    settings: &'a KernelSettings,
    bases: Vec<Base<'a>>,
}

impl<'a> Bases<'a> {
    /// Finds out which sources are meant.
    ///
    /// # Errors
    /// If one cannot be had.
    pub(super) fn find(
        sh: &Shell,
        lab: &Lab,
        settings: &'a KernelSettings,
        variants: &'a [Variant],
        tell: Tell,
    ) -> anyhow::Result<Self> {
        let find = |written| Base::find(sh, lab, written, tell);
        let bases = settings.sources(variants).into_iter().map(find).collect::<anyhow::Result<_>>()?;
        Ok(Bases { settings, bases })
    }

    /// Those of which something was built before, without the network, and without a trace.
    ///
    /// # Errors
    /// If a file or tree cannot be read.
    pub(super) fn known(
        sh: &Shell,
        lab: &Lab,
        settings: &'a KernelSettings,
        variants: &'a [Variant],
    ) -> anyhow::Result<Self> {
        let known = |written| Base::known(sh, lab, written).transpose();
        let bases =
            settings.sources(variants).into_iter().filter_map(known).collect::<anyhow::Result<_>>()?;
        Ok(Bases { settings, bases })
    }

    /// That of a variant; none if it is not among them.
    pub(super) fn of(&self, variant: &Variant) -> Option<&Base<'a>> {
        let written = self.settings.source_of(variant);
        self.bases.iter().find(|base| base.written == written)
    }
}
