//! What counts the instructions of a boot, and what becomes of the counts.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use lab_core::evidence::profile::{self, Functions};

/// The most that is read of what the plugin wrote: two hundred times what a boot of four workloads gives.
const LARGEST_BYTES: u64 = 1 << 30;

/// What a profile needs beside the kernel's `System.map`.
#[derive(Clone, Debug)]
pub(crate) struct Profiler {
    /// The plugin of QEMU.
    pub(crate) plugin: PathBuf,
    /// The program of each page of code in the image, by the digest of the page.
    pub(crate) programs: HashMap<u64, String>,
}

impl Profiler {
    /// What the plugin wrote to `counts`, by function of the kernel that has this `System.map`.
    ///
    /// # Errors
    /// If one of the files cannot be read, or is not what it should be.
    pub(crate) fn folded(
        &self,
        counts: &Path,
        system_map: &Path,
        workloads: &[String],
    ) -> anyhow::Result<Vec<u8>> {
        let functions = Functions::parse(&read(system_map)?)?;
        let windows = profile::parse(&read(counts)?, &functions, &self.programs)?;
        Ok(profile::to_folded(workloads, &windows).into_bytes())
    }
}

fn read(path: &Path) -> anyhow::Result<String> {
    let read = || -> anyhow::Result<String> {
        let size = fs::metadata(path)?.len();
        ensure!(size <= LARGEST_BYTES, "{size} bytes are more than {LARGEST_BYTES}");
        let mut text = String::new();
        File::open(path)?.take(LARGEST_BYTES).read_to_string(&mut text)?;
        Ok(text)
    };
    read().with_context(|| format!("reading {}", path.display()))
}
