//! How the lab was started: by cargo in its checkout, or as the program `patchlab` from anywhere.
//!
//! All texts name commands as `cargo xtask ...`. To somebody who stands in a kernel tree they say `patchlab ...`, which works there.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use clap::Command;

/// How commands begin in the checkout.
const IN_THE_CHECKOUT: &str = "cargo xtask";
/// How they begin elsewhere.
const ELSEWHERE: &str = "patchlab";

/// Cargo names the package to what it runs.
pub(super) static STARTED_BY_CARGO: LazyLock<bool> =
    LazyLock::new(|| std::env::var_os("CARGO_MANIFEST_DIR").is_some());

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
    let manifest =
        std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    xtask_of(Path::new(&manifest)).to_owned()
}

/// Cargo names the package of the program that runs, which may be one of those within `xtask`, such as the benchmark.
fn xtask_of(package: &Path) -> &Path {
    package.ancestors().find(|folder| folder.ends_with("xtask")).unwrap_or(package)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_of_a_package_within_is_of_the_same_checkout() {
        for (package, expected) in [
            ("/lab/xtask", "/lab/xtask"),
            ("/lab/xtask/bench", "/lab/xtask"),
            ("/xtask/lab/xtask/bench", "/xtask/lab/xtask"),
        ] {
            assert_eq!(xtask_of(Path::new(package)), Path::new(expected));
        }
    }
}
