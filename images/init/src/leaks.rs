//! The search for memory that nothing points to any more, which debug kernels have (kmemleak).

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;

/// What the kernel has found; and written to, the way to have it search.
const LIST: &str = "/sys/kernel/debug/kmemleak";

/// Whether what is found is told in the kernel's log as well.
const VERBOSE: &str = "/sys/module/kmemleak/parameters/verbose";

/// Only memory that was there for 5 s before a search counts (`MSECS_MIN_AGE` in the kernel's mm/kmemleak.c). One more is
/// for what is freed late, after a grace period of RCU or by a work item.
const AGE: Duration = Duration::from_secs(6);

/// The first search that finds an object notes its content; it is told by the next one, if that has not changed.
const SEARCHES: usize = 2;

/// The most that is kept of the list, bytes; an entry has some 700.
const LIMIT: u64 = 64 << 10;

/// Whether this kernel can search.
pub(crate) fn can_be_searched_for() -> bool {
    Path::new(LIST).exists()
}

/// Has the kernel search. What it finds it tells in its log, where findings are read from, and in a list, which is given
/// here; empty if nothing leaked.
///
/// # Errors
/// If the search does not work: kmemleak switches itself off when it has no memory.
pub(crate) fn search() -> anyhow::Result<String> {
    fs::write(VERBOSE, "1").with_context(|| format!("writing {VERBOSE}"))?;
    for _ in 0..SEARCHES {
        std::thread::sleep(AGE);
        fs::write(LIST, "scan").context("having the kernel search for leaked memory")?;
    }
    let mut list = Vec::new();
    let read = File::open(LIST).and_then(|file| file.take(LIMIT).read_to_end(&mut list));
    read.with_context(|| format!("reading {LIST}"))?;
    Ok(String::from_utf8_lossy(&list).into_owned())
}
