//! What of a series is not built: the build files of the source with it, held against a configuration.

use lab_core::kbuild::Configuration;
use lab_core::series::Series;
use lab_core::series::build_files::with_series;
use lab_core::series::unbuilt::{self, NotBuilt};
use xshell::Shell;

use super::build::{CONFIG, CONFIG_LIMIT_BYTES};
use super::build_files::build_files;
use super::folder::BuildFolder;
use super::{KernelRequest, Tools, apply, fragments, read_stored, request_digest};
use crate::build::source::{self, SourceIdentity};
use crate::lab::beneath;
use crate::lab::cache::Cache;

/// What is known of a configuration.
#[derive(Clone, Debug)]
pub(crate) enum Configured {
    /// All of it, as the kernel's own tools made it.
    Resolved(String),
    /// What is asked for.
    Asked(String),
}

/// The configuration that the kernel of a request has or will have, as far as it is known without building anything: that of
/// the stored kernel, or what was last built with the same fragments.
///
/// # Errors
/// If the compiler is missing, or a fragment has a fault.
pub(crate) fn configured(sh: &Shell, cache: &Cache, request: &KernelRequest) -> anyhow::Result<Configured> {
    let digest = request_digest(request, &Tools::find(sh, request.arch)?);
    if let Ok(kernel) = read_stored(&cache.join("kernels").join(&digest), &digest) {
        return Ok(Configured::Resolved(kernel.config()?));
    }
    let parse = |wanted| fragments::parse(wanted, request.arch, request.version);
    let of_all = fragments::all_config(&parse(request.fragments)?);
    let own = fragments::all_config(&parse(request.own)?);
    if let Some(tree) = source::prepared(cache, request.identity)? {
        let objects = BuildFolder::of(&tree, (request.arch, &of_all)).objects();
        if let Ok(bytes) = beneath::read(&objects, CONFIG, CONFIG_LIMIT_BYTES) {
            // The last kernel that was built there may have been one without it.
            return Ok(Configured::Resolved(String::from_utf8_lossy(&bytes).into_owned() + &own));
        }
    }
    Ok(Configured::Asked(of_all + &own))
}

/// What of `series` is not built with a configuration; nothing if the source is not there to be asked.
///
/// # Errors
/// If the source cannot be read.
pub(crate) fn not_built(
    sh: &Shell,
    cache: &Cache,
    identity: &SourceIdentity,
    series: &[Series],
    configured: &Configured,
) -> anyhow::Result<Vec<NotBuilt>> {
    if series.is_empty() {
        return Ok(Vec::new());
    }
    let Some(tree) = source::prepared(cache, identity)? else { return Ok(Vec::new()) };
    let files = match apply::known(sh, &tree, series) {
        Some(commit) => build_files(sh, &tree, &commit)?,
        None => with_series(build_files(sh, &tree, &tree.base_commit)?, series),
    };
    let (Configured::Resolved(config) | Configured::Asked(config)) = configured;
    Ok(unbuilt::not_built(series, &files, &Configuration::parse(config)))
}
