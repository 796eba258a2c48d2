//! Whole builds of a source that are in the cache, as a measure for another one.

use std::fs;

use lab_core::evidence::time_left::{EarlierBuild, expected_files};

use super::{fragments, log, metadata};
use crate::build::source::SourceTree;
use crate::lab::cache::Cache;
use crate::lab::digest;

/// What the build of every kernel makes first, and not again.
const FIRST: &str = " scripts/basic/fixdep\n";

/// How many files a whole build with this configuration compiles; none if no kernel of the source was built as a whole.
pub(super) fn files(cache: &Cache, tree: &SourceTree, config: &str) -> Option<usize> {
    let mut earlier = Vec::new();
    for entry in fs::read_dir(cache.join("kernels")).into_iter().flatten().flatten() {
        // What cannot be read says nothing.
        let Ok(kernel) = metadata::read(&entry.path().join("kernel.toml")) else { continue };
        if kernel.source == tree.identity && !kernel.incremental {
            let text = fs::read(entry.path().join("build.log")).unwrap_or_default();
            let text = String::from_utf8_lossy(&text);
            // One that went on with another has not compiled all.
            if text.contains(FIRST) {
                let files = log::compiled(&text).count();
                let (config_sha256, options) = (kernel.config_sha256, kernel.options_y);
                earlier.push(EarlierBuild { config_sha256, options, files });
            }
        }
    }
    expected_files(&digest::of_bytes(config.as_bytes()), fragments::built_in(config), &earlier)
}
