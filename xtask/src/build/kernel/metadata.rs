//! What is known about a finished kernel: `kernel.toml`.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, ensure};
use lab_core::campaign::{AppliedSeries, KernelBase, KernelIdentity};
use lab_core::plan::{Arch, Revision};
use lab_core::series::Series;
use serde::{Deserialize, Serialize};

use super::build_id::build_id;
use super::{KernelRequest, Tools, build, fragments, lines, log, symbols};
use crate::build::source::SourceTree;
use crate::build::target::Target;
use crate::lab::{beneath, digest, files};

const VERSION: u32 = 2;

/// A larger file is refused: the largest, vmlinux.o, has some 14 MiB, with debug information ten times that.
const OBJECT_LIMIT_BYTES: u64 = 1 << 30;

/// Warnings that are kept by their text: a whole kernel with `W=1` has some thousand.
const KEPT_WARNINGS: usize = 1000;

/// `kernel.toml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct KernelMetadata {
    /// Version of this file's form.
    pub(crate) version: u32,
    /// Digest over everything that went in.
    pub(crate) digest: String,
    /// The source, e.g. `linux-source-6.12 6.12.117-1~deb12u1`.
    pub(crate) source: String,
    /// The commit of the source's repository that it is of, if it is not the source itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) revision: Option<Revision>,
    /// As the source's Makefile says, e.g. `6.12.117`.
    pub(crate) kernel_version: String,
    /// What it was built for.
    #[serde(default, skip_serializing_if = "Arch::is_default")]
    pub(crate) arch: Arch,
    /// First line of `gcc --version`.
    pub(crate) compiler: String,
    /// First line of `ld --version`.
    pub(crate) linker: String,
    /// SHA-256 of the resolved configuration.
    pub(crate) config_sha256: String,
    /// Options that are built in.
    pub(crate) options_y: usize,
    /// SHA-256 of bzImage, on arm64 of Image.
    pub(crate) bzimage_sha256: String,
    /// SHA-256 of the list of symbols.
    pub(crate) symbols_sha256: String,
    /// The form of that list ([`symbols::FORM`]).
    #[serde(default = "first_form", skip_serializing_if = "is_first_form")]
    pub(crate) symbols_form: u32,
    /// The GNU build id of vmlinux, hexadecimal; none if the linker wrote none.
    pub(crate) build_id: Option<String>,
    /// When it was built, RFC 3339 in UTC.
    pub(crate) built: String,
    /// From configuring to the finished image, seconds.
    pub(crate) build_s: f64,
    /// Whether it was built on the objects of another variant: then warnings and time are those of the
    /// changed files only.
    pub(crate) incremental: bool,
    /// `bwrap`, or why the build was not confined.
    pub(crate) sandbox: String,
    /// Warnings of the compiler in this build.
    pub(crate) warnings: usize,
    /// The first of them.
    pub(crate) warning_lines: Vec<String>,
    /// The command that repeats the build while the source is at this variant.
    pub(crate) command: String,
    /// The fragments, in order.
    pub(crate) fragments: Vec<FragmentMetadata>,
    /// The series, in the order of application.
    pub(crate) series: Vec<SeriesMetadata>,
}

/// Of kernels that were stored before the form was.
fn first_form() -> u32 {
    1
}

fn is_first_form(form: &u32) -> bool {
    *form == first_form()
}

/// A configuration fragment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct FragmentMetadata {
    /// File below `images/kernel/`, or `auto` for what the lab turned on by itself.
    pub(crate) name: String,
    /// SHA-256 of the file.
    pub(crate) sha256: String,
    /// What the lab turned on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) turned_on: Vec<String>,
}

/// A series that was applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct SeriesMetadata {
    /// Folder below `kernel-patches/`.
    pub(crate) name: String,
    /// Digest over the patches.
    pub(crate) digest: String,
    /// The patches' subjects, in order.
    pub(crate) subjects: Vec<String>,
}

impl KernelMetadata {
    /// What a record keeps of the kernel.
    pub(crate) fn identity(&self) -> KernelIdentity {
        let applied = |series: &SeriesMetadata| AppliedSeries {
            name: series.name.clone(),
            patches: u32::try_from(series.subjects.len()).unwrap_or(u32::MAX),
            digest: series.digest.clone(),
        };
        KernelIdentity {
            digest: self.digest.clone(),
            bzimage_sha256: self.bzimage_sha256.clone(),
            build_id: self.build_id.clone(),
            series: self.series.iter().map(applied).collect(),
            base: None,
        }
    }

    /// What it was built from beside its series.
    pub(crate) fn base(&self) -> KernelBase {
        KernelBase {
            source: self.source.clone(),
            config_sha256: self.config_sha256.clone(),
            compiler: self.compiler.clone(),
        }
    }
}

/// Copies what a build has made into `folder` and writes `kernel.toml` beside it.
///
/// # Errors
/// If a file is missing or cannot be written.
pub(super) fn collect(
    finished: &build::Finished,
    digest: &str,
    tree: &SourceTree,
    tools: &Tools,
    request: &KernelRequest,
    folder: &Path,
) -> anyhow::Result<KernelMetadata> {
    let objects = &finished.objects;
    let target = Target::of(request.arch);
    let built = format!("{}/{}", target.kernel_folder, target.kernel_name());
    for (from, to) in
        [(built.as_str(), target.kernel_name()), ("System.map", "System.map"), (".config", "config")]
    {
        beneath::copy(objects, from, OBJECT_LIMIT_BYTES, &folder.join(to))
            .with_context(|| format!("copying {} to {to}", objects.join(from).display()))?;
    }
    fs::copy(&finished.log, folder.join("build.log"))
        .with_context(|| format!("copying {}", finished.log.display()))?;
    let symbols = list_symbols(objects)?;
    fs::write(folder.join("symbols"), &symbols).context("writing the symbols")?;
    let log_text = log::read(&finished.log, &tree.repository)?;
    let config = fs::read_to_string(folder.join("config")).context("reading the configuration")?;
    let warnings = log::warnings(&log_text);
    let vmlinux = read_object(objects, "vmlinux")?;
    lines::keep(&vmlinux, folder)?;
    let metadata = KernelMetadata {
        version: VERSION,
        digest: digest.to_owned(),
        source: tree.identity.clone(),
        revision: request.revision.cloned(),
        kernel_version: tree.kernel_version.clone(),
        arch: request.arch,
        compiler: tools.compiler.clone(),
        linker: tools.linker.clone(),
        config_sha256: digest::of_bytes(config.as_bytes()),
        options_y: fragments::built_in(&config),
        bzimage_sha256: digest::of_file(&folder.join(target.kernel_name()))?,
        symbols_sha256: digest::of_bytes(symbols.as_bytes()),
        symbols_form: symbols::FORM,
        build_id: build_id(&vmlinux),
        built: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        build_s: (finished.seconds * 10.0).round() / 10.0,
        incremental: finished.incremental,
        sandbox: finished.sandbox.clone(),
        warnings: warnings.len(),
        warning_lines: warnings.into_iter().take(KEPT_WARNINGS).collect(),
        command: finished.command.clone(),
        fragments: request.all_fragments().map(fragment_metadata).collect(),
        series: request.series.iter().map(series_metadata).collect(),
    };
    files::write_atomically(&folder.join("kernel.toml"), toml::to_string(&metadata)?.as_bytes())?;
    Ok(metadata)
}

/// The symbols of what was linked last, in the form in which they are stored.
fn list_symbols(objects: &Path) -> anyhow::Result<String> {
    let bytes = read_object(objects, "vmlinux.o")?;
    let symbols = symbols::of_object(&bytes).context("listing the symbols of vmlinux.o")?;
    Ok(lab_core::evidence::symbols::to_text(&symbols))
}

fn read_object(objects: &Path, name: &str) -> anyhow::Result<Vec<u8>> {
    beneath::read(objects, name, OBJECT_LIMIT_BYTES)
        .with_context(|| format!("reading {}", objects.join(name).display()))
}

/// Reads `kernel.toml`.
///
/// # Errors
/// If it cannot be read or has another form.
pub(super) fn read(path: &Path) -> anyhow::Result<KernelMetadata> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let metadata: KernelMetadata =
        toml::from_str(&text).with_context(|| format!("reading {}", path.display()))?;
    ensure!(
        metadata.version == VERSION,
        "{} has the form {}, not {VERSION}",
        path.display(),
        metadata.version
    );
    Ok(metadata)
}

fn fragment_metadata(fragment: &fragments::Fragment) -> FragmentMetadata {
    let turned_on = match fragment.name.as_str() {
        fragments::AUTO => fragment.text.lines().map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    let sha256 = digest::of_bytes(fragment.text.as_bytes());
    FragmentMetadata { name: fragment.name.clone(), sha256, turned_on }
}

fn series_metadata(series: &Series) -> SeriesMetadata {
    SeriesMetadata {
        name: series.name.clone(),
        digest: series.digest.clone(),
        subjects: series.patches.iter().map(|patch| patch.subject.clone()).collect(),
    }
}
