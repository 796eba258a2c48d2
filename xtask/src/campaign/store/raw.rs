//! The raw files of a boot of a campaign.

use std::path::{Path, PathBuf};

use lab_core::campaign::BootData;

use super::BOOTS;
use crate::campaign::boot_files::{read_monitor, read_profile, read_requests};

/// The request logs of a boot of the campaign in `path`, as received; empty if nothing was logged.
///
/// # Errors
/// If the file is missing or not what was recorded.
pub fn requests(path: &Path, boot: &BootData) -> anyhow::Result<Vec<u8>> {
    let folder = path.join(BOOTS).join(&boot.folder);
    Ok(read_requests(&folder, &boot.record)?.unwrap_or_default())
}

/// Where the files of a boot lie, and what the monitor said of it, by lines.
///
/// # Errors
/// If the file is missing or not what was recorded.
pub(crate) fn monitor(path: &Path, boot: &BootData) -> anyhow::Result<(PathBuf, Vec<String>)> {
    let folder = path.join(BOOTS).join(&boot.folder);
    let said = read_monitor(&folder, &boot.record)?;
    Ok((folder, said))
}

/// Where the instructions of a boot went; none if it was not profiled.
///
/// # Errors
/// If the file is missing or not what was recorded.
pub fn profile(path: &Path, boot: &BootData) -> anyhow::Result<Option<Vec<u8>>> {
    read_profile(&path.join(BOOTS).join(&boot.folder), &boot.record)
}
