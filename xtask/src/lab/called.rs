//! How the lab was started: by cargo in its checkout, or as the program `patchlab` from anywhere.
//!
//! All texts name commands as `cargo xtask ...`. To somebody who stands in a kernel tree they say `patchlab ...`, which works there.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::SystemTime;

use clap::Command;

use super::output;

/// How commands begin in the checkout.
const IN_THE_CHECKOUT: &str = "cargo xtask";
/// How they begin elsewhere.
const ELSEWHERE: &str = "patchlab";

/// Cargo names the package to what it runs.
static STARTED_BY_CARGO: LazyLock<bool> = LazyLock::new(|| std::env::var_os("CARGO_MANIFEST_DIR").is_some());

/// With what the user begins a command.
pub fn name() -> &'static str {
    if *STARTED_BY_CARGO { IN_THE_CHECKOUT } else { ELSEWHERE }
}

/// A command line, told to people by the name that the lab was called by.
pub(crate) fn by_its_name(command: Command) -> Command {
    match command.get_name() == IN_THE_CHECKOUT {
        true => command.name(name()).bin_name(name()),
        false => command,
    }
}

/// A text for people with commands as the user has to type them.
pub(crate) fn as_called(text: &str) -> String {
    text.replace(IN_THE_CHECKOUT, name())
}

/// The package `xtask` of the checkout that this program belongs to.
pub(super) fn package() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into()).into()
}

/// Says if an installed program is older than the lab that it works with, or if its user stands in another checkout.
pub fn tell_if_out_of_place() {
    if *STARTED_BY_CARGO {
        return;
    }
    let package = package();
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
