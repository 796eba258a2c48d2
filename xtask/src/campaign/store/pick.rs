//! One boot of a campaign, as a user names it.

use std::path::Path;

use anyhow::{Context as _, ensure};
use lab_core::campaign::BootData;
use lab_core::text::suggest;

use super::{BOOTS, Boots, boot_folders, read_boots, read_file};
use crate::campaign::boot_files::read_boot;

/// A boot of the campaign in `path`: by its number, of which the try that counts, or by the folder of a try.
///
/// # Errors
/// If there is no such boot, or it cannot be read.
pub(crate) fn boot(path: &Path, wanted: &str) -> anyhow::Result<BootData> {
    let known = read_file(path)?.plan.known;
    let Ok(number) = wanted.parse::<u32>() else {
        let names: Vec<String> = boot_folders(path)?.iter().filter_map(|folder| name_of(folder)).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        ensure!(names.contains(&wanted), "BOOT: {}", suggest::unknown("boot", wanted, &names));
        return read_boot(&path.join(BOOTS).join(wanted), &known);
    };
    let Boots { mut counting, damaged, .. } = read_boots(path, &known)?;
    counting.remove(&number).with_context(|| match (counting.keys().next(), counting.keys().last()) {
        (Some(first), Some(last)) => {
            let damaged = damaged.iter().map(|why| format!("; damaged: {why}")).collect::<String>();
            format!("BOOT: there is no record of boot {number}; use one of {first} to {last}{damaged}")
        }
        (_, _) => format!("BOOT: {} has no boots; run its plan", path.display()),
    })
}

fn name_of(folder: &Path) -> Option<String> {
    Some(folder.file_name()?.to_str()?.to_owned())
}
