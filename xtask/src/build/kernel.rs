//! Kernels: a source, series and configuration fragments built into what QEMU boots, stored by a digest of all.

mod apply;
mod build;
mod build_files;
mod build_id;
mod earlier;
mod folder;
mod fragments;
mod interrupted;
mod kind;
pub(crate) mod lines;
mod log;
mod metadata;
mod patched;
mod sandbox;
mod symbols;
mod tools;
mod unbuilt;
pub(crate) mod vmlinux;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use xshell::Shell;

pub(crate) use apply::Refused;
pub(crate) use build_files::build_files_of_source;
pub(crate) use fragments::{AUTO, Fragment, asked, difference as config_difference};
pub(crate) use metadata::KernelMetadata;
pub(crate) use patched::{applied, files, patched_files};
pub(crate) use tools::Tools;
pub(crate) use unbuilt::{Configured, configured, not_built};

use lab_core::campaign::KernelIdentity;
use lab_core::plan::{Arch, Revision, Source};
use lab_core::series::{self, Series};
use lab_core::text::kconfig::KernelVersion;

use self::apply::Base;
use crate::build::source::{self, SourceIdentity, Tell};
use crate::build::target::Target;
use crate::lab::cache::Cache;
use crate::lab::interrupt::Interrupt;
use crate::lab::output::progress::{At, Step};
use crate::lab::{digest, output};

/// The way in which the lab builds. Part of each digest: a change that alters what is built from equal input
/// or what is kept of it counts it up.
const RECIPE: &str = "2";

/// A kernel to be had.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KernelRequest<'a> {
    /// Where the source comes from.
    pub(crate) source: &'a Source,
    /// Which source that is ([`source::identify`]).
    pub(crate) identity: &'a SourceIdentity,
    /// The commit of its repository that is built instead of it; then there are no series.
    pub(crate) revision: Option<&'a Revision>,
    /// Of which version it is ([`source::version`]): not every line of a fragment is for every kernel.
    pub(crate) version: &'a KernelVersion,
    /// What it is built for.
    pub(crate) arch: Arch,
    /// The variant's name, for messages.
    pub(crate) variant: &'a str,
    /// Applied in this order; none: the source as it is.
    pub(crate) series: &'a [Series],
    /// Put together in this order; of two values for one option the later one counts.
    pub(crate) fragments: &'a [Fragment],
    /// After them, what other kernels of the source are not asked for: options that its own series add. They are no other
    /// configuration, so that the kernel is built with the objects of the others.
    pub(crate) own: &'a [Fragment],
    /// Options that some series adds, without `CONFIG_`: a fragment may ask for them, and a kernel without that series does
    /// without them.
    pub(crate) added_options: &'a [String],
    /// Compiler processes at a time.
    pub(crate) jobs: usize,
    /// Ends the build early.
    pub(crate) interrupt: &'a Interrupt,
    /// What is wanted of the list of symbols.
    pub(crate) symbols: SymbolList,
}

impl<'a> KernelRequest<'a> {
    fn all_fragments(&self) -> impl Iterator<Item = &'a Fragment> + use<'a> {
        self.fragments.iter().chain(self.own)
    }
}

/// Which lists of symbols will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SymbolList {
    /// Those of any form: they are not compared.
    AnyForm,
    /// Those of today's form only; a stored kernel with an older one is built again for it.
    NewestForm,
}

/// A finished kernel in the cache.
#[derive(Clone, Debug)]
pub(crate) struct Kernel {
    /// Over everything that went in.
    pub(crate) digest: String,
    /// Holds bzImage (on arm64 Image), System.map, config, symbols, build.log and kernel.toml, and what `lines` and `vmlinux` add.
    pub(crate) folder: PathBuf,
    /// The kernel that QEMU boots.
    pub(crate) kernel_image: PathBuf,
    /// `kernel.toml`.
    pub(crate) metadata: KernelMetadata,
    /// Whether it was built now.
    pub(crate) built: KernelOrigin,
}

/// Where a kernel came from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum KernelOrigin {
    /// It was in the cache.
    Stored,
    /// It was built now.
    Now {
        /// From configuring to the finished image, seconds.
        seconds: f64,
    },
}

impl Kernel {
    /// One line for `build-kernel`: variant, version, digest, where it came from, path.
    pub(crate) fn line(&self, variant: &str) -> String {
        let built = match self.built {
            KernelOrigin::Stored => "cached".to_owned(),
            KernelOrigin::Now { seconds } => format!("built in {seconds:.0} s"),
        };
        format!(
            "{variant}  {}  {}  {built}  {}",
            self.metadata.kernel_version,
            digest::short(&self.digest),
            self.kernel_image.display()
        )
    }

    /// The resolved configuration.
    ///
    /// # Errors
    /// If the stored file cannot be read.
    pub(crate) fn config(&self) -> anyhow::Result<String> {
        let path = self.folder.join("config");
        fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
    }

    /// What it consists of.
    ///
    /// # Errors
    /// If the stored list cannot be read.
    pub(crate) fn symbols(&self) -> anyhow::Result<Vec<lab_core::evidence::symbols::Symbol>> {
        let path = self.folder.join("symbols");
        let read = || lab_core::evidence::symbols::from_text(&fs::read_to_string(&path)?);
        read().with_context(|| format!("reading {}", path.display()))
    }

    fn suits(&self, request: &KernelRequest) -> bool {
        match request.symbols {
            SymbolList::AnyForm => true,
            SymbolList::NewestForm => self.metadata.symbols_form == symbols::FORM,
        }
    }

    /// Size of what QEMU boots, bytes.
    ///
    /// # Errors
    /// If it is not there.
    pub(crate) fn image_bytes(&self) -> anyhow::Result<u64> {
        let data = fs::metadata(&self.kernel_image);
        Ok(data.with_context(|| format!("reading {}", self.kernel_image.display()))?.len())
    }

    /// The files that were compiled when it was built, as objects: `fs/fuse/file.o`.
    ///
    /// # Errors
    /// If the stored log cannot be read.
    pub(crate) fn compiled(&self) -> anyhow::Result<Vec<String>> {
        let path = self.folder.join("build.log");
        let text = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        Ok(log::compiled(&String::from_utf8_lossy(&text)).map(str::to_owned).collect())
    }
}

/// How builds are confined on this machine, in words; `folder` is one that is there.
pub(crate) fn sandbox_text(sh: &Shell, folder: &Path) -> String {
    match sandbox::BuildSandbox::find(sh, &[], folder) {
        sandbox::BuildSandbox::Bubblewrap => "works (bwrap)".to_owned(),
        sandbox::BuildSandbox::None { reason } => {
            format!("does not work, so that kernels would be built without one: {reason}")
        }
    }
}

/// Whether two kernels are the same program: then the series between them changes nothing, and there is
/// nothing to compare.
pub(crate) fn same(a: &Kernel, b: &Kernel) -> bool {
    a.metadata.bzimage_sha256 == b.metadata.bzimage_sha256
}

/// Checks that a kernel differs from the base in its series only: each configuration symbol that differs
/// must be one that the series defines or selects.
///
/// # Errors
/// Names the symbols that differ.
pub(crate) fn ensure_comparable(
    base: &Kernel,
    other: &Kernel,
    variant: &str,
    series: &[Series],
) -> anyhow::Result<()> {
    let of_series = |series: &Series| [series.added_symbols(), series.selected_symbols()].concat();
    let own: Vec<String> = series.iter().flat_map(of_series).collect();
    let differences = config_difference(&base.config()?, &other.config()?);
    let foreign: Vec<String> = differences
        .into_iter()
        .filter(|line| !own.iter().any(|symbol| line.starts_with(&format!("CONFIG_{symbol}:"))))
        .collect();
    anyhow::ensure!(
        foreign.is_empty(),
        "variant {variant} is configured otherwise than the base, so that a difference may not come from its \
         series: {}; set these options in a fragment",
        foreign.join(", ")
    );
    Ok(())
}

/// Gives the kernel of a request: the stored one if there is one, without fetching or unpacking anything,
/// else a newly built one.
///
/// # Errors
/// If a series is refused or does not apply, an option is lost, or the build fails; each names its cause.
/// Nothing is stored then, and no branch is left half made.
pub(crate) fn ensure(
    sh: &Shell,
    cache: &Cache,
    request: KernelRequest,
    tell: Tell,
) -> anyhow::Result<Kernel> {
    request.series.iter().try_for_each(series::scan)?;
    fragments::parse(request.all_fragments(), request.arch, request.version)?;
    let tools = Tools::find(sh, request.arch)?;
    let digest = request_digest(&request, &tools);
    let usable = || anyhow::Ok(stored(cache, &digest, tell)?.filter(|kernel| kernel.suits(&request)));
    if let Some(kernel) = usable()? {
        return Ok(kernel);
    }
    output::detail(|| why_not_stored(&request, &tools, &digest));
    let _lock = source::lock(cache, request.identity, tell)?;
    // Another process may have built it while this one waited.
    if let Some(kernel) = usable()? {
        return Ok(kernel);
    }
    let folder = cache.join("kernels").join(&digest);
    if folder.exists() {
        tell(&format!(
            "the stored kernel {} is built again: its list of symbols has an older form",
            digest::short(&digest)
        ));
    }
    let tree = source::prepare(sh, cache, request.source, request.identity, tell)?;
    let tree = match request.revision {
        Some(revision) => source::at(sh, request.source, tree, revision)?,
        None => tree,
    };
    let purpose = || format!("building kernel {}", request.variant);
    let step = Step::begin(&format!("kernel {}", request.variant));
    step.show(At::doing("applying patches"));
    let commit = apply::commit(sh, Base { cache, source: request.source, tree: &tree }, request.series)?;
    apply::checkout(sh, &tree, &commit).with_context(purpose)?;
    let expected_files = |config: &str| earlier::files(sh, cache, &tree, config);
    let finished = build::run(sh, cache, &tree, &request, &expected_files, (&step, tell));
    let finished = finished.with_context(purpose)?;
    step.show(At::doing("listing its functions and data"));
    cache.sweep(&format!("kernel-{}-", request.identity.key))?;
    let temporary = cache.temporary_folder(&format!("kernel-{}-", request.identity.key))?;
    let metadata = metadata::collect(&finished, &digest, &tree, &tools, &request, temporary.path())
        .with_context(purpose)?;
    if folder.exists() {
        let aside = cache.temporary_folder(&format!("kernel-{}-", request.identity.key))?;
        fs::rename(&folder, aside.path().join("older"))
            .with_context(|| format!("moving {} away", folder.display()))?;
    }
    temporary.publish(&folder)?;
    let seconds = metadata.build_s;
    let kernel = stored(cache, &digest, tell)?.context("the finished kernel vanished from the cache")?;
    Ok(Kernel { built: KernelOrigin::Now { seconds }, ..kernel })
}

/// Whether the kernel of a request is in the cache, whole.
///
/// # Errors
/// If the compiler is missing.
pub(crate) fn is_stored(sh: &Shell, cache: &Cache, request: &KernelRequest) -> anyhow::Result<bool> {
    let digest = request_digest(request, &Tools::find(sh, request.arch)?);
    let stored = read_stored(&cache.join("kernels").join(&digest), &digest);
    Ok(stored.is_ok_and(|kernel| kernel.suits(request)))
}

/// The kernel that was booted with this identity, if it is in the cache, whole.
pub(crate) fn recorded(cache: &Cache, identity: &KernelIdentity) -> Option<Kernel> {
    let kernel = read_stored(&cache.join("kernels").join(&identity.digest), &identity.digest).ok()?;
    (kernel.metadata.bzimage_sha256 == identity.bzimage_sha256).then_some(kernel)
}

/// The digest under which the kernel of a request is stored, built or not.
///
/// # Errors
/// If the compiler is missing.
pub(crate) fn digest(sh: &Shell, request: &KernelRequest) -> anyhow::Result<String> {
    Ok(request_digest(request, &Tools::find(sh, request.arch)?))
}

/// The digest under which the kernel of a request is stored.
pub(crate) fn request_digest(request: &KernelRequest, tools: &Tools) -> String {
    let mut parts = digest::Parts::default()
        .with("recipe", RECIPE)
        .with("source", &request.identity.key)
        .with("compiler", &tools.compiler)
        .with("linker", &tools.linker);
    if !request.arch.is_default() {
        parts = parts.with("arch", request.arch.name());
    }
    if let Some(revision) = request.revision {
        parts = parts.with("revision", &revision.tree);
    }
    for series in request.series {
        parts = parts.with("series", &series.name).with("patches", &series.digest);
    }
    for fragment in request.all_fragments() {
        parts = parts.with("fragment", fragment.meaning(request.arch, request.version));
    }
    parts.finish()
}

/// Why a kernel is built, for those who look at the lab itself: a change of any of these makes another one.
fn why_not_stored(request: &KernelRequest, tools: &Tools, digest: &str) -> String {
    let of = |series: &Series| format!("\n  series {}: {}", series.name, digest::short(&series.digest));
    let series: String = request.series.iter().map(of).collect();
    let fragments: Vec<&str> = request.all_fragments().map(|fragment| fragment.name.as_str()).collect();
    format!(
        "kernel {}: none that will do is stored as {}, which is made from\n  source: {}{series}\n  options: {}\n  compiler: \
         {}\n  linker: {}",
        request.variant,
        digest::short(digest),
        request.identity.identity,
        fragments.join(", "),
        tools.compiler,
        tools.linker
    )
}

/// Reads a kernel back. A damaged one is removed, so that it is built again.
fn stored(cache: &Cache, digest: &str, tell: Tell) -> anyhow::Result<Option<Kernel>> {
    let folder = cache.join("kernels").join(digest);
    if !folder.exists() {
        return Ok(None);
    }
    match read_stored(&folder, digest) {
        Ok(kernel) => Ok(Some(kernel)),
        Err(error) => {
            tell(&format!(
                "the stored kernel {} is damaged and is built again: {error:#}",
                digest::short(digest)
            ));
            fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))?;
            Ok(None)
        }
    }
}

fn read_stored(folder: &Path, digest: &str) -> anyhow::Result<Kernel> {
    let metadata = metadata::read(&folder.join("kernel.toml"))?;
    let name = Target::of(metadata.arch).kernel_name();
    let kernel_image = folder.join(name);
    anyhow::ensure!(metadata.digest == digest, "kernel.toml names another digest");
    anyhow::ensure!(
        digest::of_file(&kernel_image)? == metadata.bzimage_sha256,
        "{name} is not the one that was built"
    );
    anyhow::ensure!(digest::of_file(&folder.join("config"))? == metadata.config_sha256, "config was changed");
    anyhow::ensure!(
        digest::of_file(&folder.join("symbols"))? == metadata.symbols_sha256,
        "the list of symbols was changed"
    );
    Ok(Kernel {
        digest: digest.to_owned(),
        folder: folder.to_owned(),
        kernel_image,
        metadata,
        built: KernelOrigin::Stored,
    })
}

#[cfg(test)]
mod tests;
