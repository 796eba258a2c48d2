//! The plugin of QEMU that counts instructions, and the pages of code by which it knows the guest's programs.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;

use anyhow::Context as _;
use lab_protocol::profile::{PAGE_BYTES, page_digest};
use xshell::Shell;

use crate::build::library;
use crate::campaign::profile::Profiler;
use crate::lab::cache::Cache;

/// Builds the plugin, and reads the programs of the image.
///
/// # Errors
/// If it does not compile, or the image cannot be read.
pub(crate) fn ensure(sh: &Shell, cache: &Cache, checkout: &Path, image: &Path) -> anyhow::Result<Profiler> {
    let plugin = library::ensure(sh, cache, checkout, "profile-plugin")?;
    let programs = programs(image).with_context(|| format!("reading the programs of {}", image.display()))?;
    Ok(Profiler { plugin, programs })
}

/// The file of each page of the image. Of a page that several files have the first one is named.
fn programs(image: &Path) -> anyhow::Result<HashMap<u64, String>> {
    let mut pages = HashMap::new();
    let mut archive = File::open(image)?;
    loop {
        let mut reader = cpio::newc::Reader::new(archive)?;
        if reader.entry().is_trailer() {
            return Ok(pages);
        }
        let name = format!("/{}", reader.entry().name().trim_start_matches('/'));
        let mut content = Vec::new();
        std::io::Read::read_to_end(&mut reader, &mut content)?;
        if content.starts_with(b"\x7fELF") {
            for chunk in content.chunks(PAGE_BYTES) {
                let mut page = [0; PAGE_BYTES];
                page[..chunk.len()].copy_from_slice(chunk);
                pages.entry(page_digest(&page)).or_insert_with(|| name.clone());
            }
        }
        archive = reader.finish()?;
    }
}
