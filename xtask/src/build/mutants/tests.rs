//! What the series of this checkout make of the kernel, where a boot would show a fault once in a thousand times.

use regex::Regex;

use super::super::source;
use super::*;
use crate::lab::cache::Cache;
use crate::lab::checkout::Checkout;
use crate::lab::process::{self, git};

const FILE: &str = "fs/fuse/file.c";

/// A variant of `lab.toml`, and the source, which is fetched if it is not there.
struct PatchedSource {
    sh: Shell,
    lab: Lab,
    identity: SourceIdentity,
    files: Vec<PatchedFile>,
}

impl PatchedSource {
    fn new(variant: &str) -> Self {
        let (checkout, cache) = (Checkout::open().unwrap(), Cache::from_environment().unwrap());
        let (sh, lab) = (Shell::new().unwrap(), Lab::at(checkout, cache));
        let config = lab.config(&sh).unwrap();
        let builder = MutantBuilder::new(&sh, &lab, &config.kernel, &config.variants[variant]).unwrap();
        let (files, identity) = (builder.files().unwrap(), builder.identity);
        PatchedSource { sh, lab, identity, files }
    }

    /// A function of a file that the last series of the variant changes.
    fn function(&self, path: &str, name: &str) -> String {
        let file = self.files.iter().find(|file| file.path == path);
        function(&file.unwrap_or_else(|| panic!("{path} is not changed")).text, name)
    }

    /// A function of the source as it is.
    fn function_of_source(&self, path: &str, name: &str) -> String {
        let tree = source::prepared(&self.lab.cache, &self.identity).unwrap().unwrap();
        let object = format!("{}:{path}", tree.base_commit);
        let show = git::git(&self.sh, &tree.repository).args(["cat-file", "blob", &object]);
        function(&process::read(show).unwrap(), name)
    }
}

/// The body of a function in the kernel's style.
#[track_caller]
fn function(file: &str, name: &str) -> String {
    let pattern = format!(r"(?ms)^(?:[\w *]+[ *])?{name}\([^;{{]*\n\{{\n(.*?)\n\}}\n");
    let found = Regex::new(&pattern).unwrap().captures(file);
    found.unwrap_or_else(|| panic!("no function {name}"))[1].to_owned()
}

/// Each of `parts` stands once in `text`, in this order.
#[track_caller]
fn in_order(text: &str, parts: &[&str]) {
    let places: Vec<Vec<usize>> =
        parts.iter().map(|part| text.match_indices(part).map(|(at, _)| at).collect()).collect();
    let is_ordered = places.iter().all(|places| places.len() == 1) && places.is_sorted();
    assert!(is_ordered, "{parts:?} at {places:?} in:\n{text}");
}

/// Cleared before the truncation, the bit would let attributes in that have the size of the tail.
#[test]
#[ignore = "fetches the kernel source if no kernel was built yet"]
fn the_size_is_held_until_the_truncation_is_done() {
    let source = PatchedSource::new("patched-extras");
    let (set, clear) = ("set_bit(FUSE_I_SIZE_UNSTABLE", "clear_bit(FUSE_I_SIZE_UNSTABLE");
    in_order(
        &source.function(FILE, "fuse_direct_IO"),
        &[set, "fuse_async_direct_IO(", "fuse_write_update_attr(", "fuse_do_truncate(", clear],
    );
}

/// It must get on when memory is short. And a page that could not be dropped is not passed over in silence.
#[test]
#[ignore = "fetches the kernel source if no kernel was built yet"]
fn completion_goes_through_a_queue_with_a_rescuer_and_tells_of_pages_that_stay() {
    let source = PatchedSource::new("patched-extras");
    in_order(&source.function(FILE, "fuse_io_end"), &["queue_work(", "s_dio_done_wq, &io->work"]);
    in_order(&source.function(FILE, "fuse_async_direct_IO"), &["sb_init_dio_done_wq(", "fuse_submit_dio("]);
    let queue = source.function_of_source("fs/super.c", "sb_init_dio_done_wq");
    in_order(&queue, &["alloc_workqueue(", "WQ_MEM_RECLAIM", "&sb->s_dio_done_wq"]);

    in_order(&source.function(FILE, "fuse_io_work"), &["fuse_io_invalidate(", "fuse_io_complete_iocb("]);
    let drop = "kiocb_invalidate_post_direct_write";
    in_order(&source.function(FILE, "fuse_io_invalidate"), &[drop]);
    let tells = ["invalidate_inode_pages2_range(", "dio_warn_stale_pagecache("];
    in_order(&source.function_of_source("mm/filemap.c", drop), &tells);
}

/// Asked again later, the answer could be another one than the lock was chosen by. DAX uses the kiocb afterwards, and CUSE was
/// never asynchronous.
#[test]
#[ignore = "fetches the kernel source if no kernel was built yet"]
fn the_end_of_the_file_is_asked_for_once_and_dax_waits() {
    let source = PatchedSource::new("by-kiocb");
    let ask = "fuse_io_past_eof(";
    for asks_and_passes_on in ["fuse_direct_write_iter", "fuse_direct_IO"] {
        in_order(&source.function(FILE, asks_and_passes_on), &["fuse_direct_write(", ask]);
    }
    for told in ["fuse_direct_write", "fuse_dio_is_async"] {
        let text = source.function(FILE, told);
        assert!(!text.contains(ask) && !text.contains("i_size"), "{text}");
    }
    in_order(&source.function("fs/fuse/dax.c", "fuse_dax_direct_write"), &["fuse_direct_io("]);
    for cuse in ["cuse_read_iter", "cuse_write_iter"] {
        in_order(&source.function("fs/fuse/cuse.c", cuse), &["fuse_direct_io("]);
    }
    in_order(&source.function(FILE, "fuse_direct_io"), &["__fuse_direct_io(iocb, NULL,"]);
}
