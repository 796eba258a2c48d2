//! A program that was installed, and the lab that it was made from.

use std::path::Path;
use std::time::SystemTime;

use super::called::{self, STARTED_BY_CARGO};
use super::output;

/// Says if an installed program is older than the lab that it works with, or if its user stands in another checkout.
pub fn tell_if_out_of_place() {
    if *STARTED_BY_CARGO {
        return;
    }
    let package = called::package();
    let checkout = package.parent().unwrap_or(&package);
    let program = std::env::current_exe().and_then(std::fs::metadata).and_then(|file| file.modified());
    if program.is_ok_and(|installed| newest(&package).is_some_and(|changed| changed > installed)) {
        output::tell(&format!(
            "this patchlab is older than the lab in {}: install it anew with cargo install --path {}",
            checkout.display(),
            package.display()
        ));
    }
    let here = std::env::current_dir().unwrap_or_default();
    if let Some(other) =
        here.ancestors().find(|folder| is_checkout(folder)).filter(|other| *other != checkout)
    {
        output::tell(&format!(
            "this is the lab in {}, not that in {other}: to use that one, install it with cargo install --path {other}/xtask",
            checkout.display(),
            other = other.display()
        ));
    }
}

fn is_checkout(folder: &Path) -> bool {
    folder.join("lab.toml").is_file() && folder.join("xtask/Cargo.toml").is_file()
}

/// When a source file below `folder` was changed last.
fn newest(folder: &Path) -> Option<SystemTime> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let changed = entries.filter_map(|entry| {
        let path = entry.path();
        match entry.file_type().ok()?.is_dir() {
            true => newest(&path),
            false if path.extension().is_some_and(|kind| kind == "rs") => {
                entry.metadata().ok()?.modified().ok()
            }
            false => None,
        }
    });
    changed.max()
}
