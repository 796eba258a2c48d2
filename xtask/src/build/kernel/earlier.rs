//! Whole builds of a source that are in the cache, as a measure for another one.

use std::fs;

use lab_core::evidence::time_left::{EarlierBuild, expected_files};
use lab_core::kbuild::Configuration;
use xshell::Shell;

use super::build_files::build_files;
use super::{log, metadata};
use crate::build::source::SourceTree;
use crate::lab::cache::Cache;
use crate::lab::digest;

/// What the build of every kernel makes first, and not again.
const FIRST: &str = " scripts/basic/fixdep\n";

/// How many files a whole build with this configuration compiles; none if no kernel of the source was built as a whole.
pub(super) fn files(sh: &Shell, cache: &Cache, tree: &SourceTree, config: &str) -> Option<usize> {
    let makefiles = build_files(sh, tree, &tree.base_commit).ok()?;
    let objects = |config: &str| makefiles.objects(&Configuration::parse(config));
    let mut earlier = Vec::new();
    for entry in fs::read_dir(cache.join("kernels")).into_iter().flatten().flatten() {
        // What cannot be read says nothing.
        let Ok(kernel) = metadata::read(&entry.path().join("kernel.toml")) else { continue };
        if kernel.source != tree.identity || kernel.incremental {
            continue;
        }
        let read = |name: &str| fs::read(entry.path().join(name)).unwrap_or_default();
        let text = |name: &str| String::from_utf8_lossy(&read(name)).into_owned();
        let built = text("build.log");
        // One that went on with another has not compiled all.
        if built.contains(FIRST) {
            earlier.push(EarlierBuild {
                config_sha256: kernel.config_sha256,
                objects: objects(&text("config")),
                files: log::compiled(&built).count(),
            });
        }
    }
    expected_files(&digest::of_bytes(config.as_bytes()), objects(config), &earlier)
}
