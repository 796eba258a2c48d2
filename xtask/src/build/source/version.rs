//! The version that a kernel tree gives itself.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use lab_core::text::kconfig::KernelVersion;

/// The version in the tree's Makefile, e.g. `6.12.117` or `6.18.0-rc3`.
///
/// # Errors
/// If there is no Makefile with a version in it: then it is no kernel tree.
pub(super) fn read(tree: &Path) -> anyhow::Result<String> {
    let text =
        fs::read_to_string(tree.join("Makefile")).context("reading its Makefile: is it a kernel tree?")?;
    of_makefile(&text)
}

/// The version in the text of a Makefile.
///
/// # Errors
/// As [`read`].
pub(super) fn of_makefile(text: &str) -> anyhow::Result<String> {
    let version =
        from_makefile(text).context("its Makefile has no VERSION and PATCHLEVEL: is it a kernel tree?")?;
    number(&version).map(|_| version)
}

/// The numbers of such a version.
///
/// # Errors
/// If it does not begin with two.
pub(super) fn number(version: &str) -> anyhow::Result<KernelVersion> {
    KernelVersion::parse(version)
        .with_context(|| format!("its Makefile has the version {version:?}: is it a kernel tree?"))
}

/// As `make kernelversion` puts it together.
fn from_makefile(text: &str) -> Option<String> {
    let value = |name: &str| {
        text.lines().take(20).find_map(|line| {
            let (key, value) = line.split_once('=')?;
            (key.trim() == name).then(|| value.trim().to_owned())
        })
    };
    let sublevel = value("SUBLEVEL").filter(|text| !text.is_empty()).map(|text| format!(".{text}"));
    Some(format!(
        "{}.{}{}{}",
        value("VERSION").filter(|text| !text.is_empty())?,
        value("PATCHLEVEL").filter(|text| !text.is_empty())?,
        sublevel.unwrap_or_default(),
        value("EXTRAVERSION").unwrap_or_default()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        let check = |text: &str, expected: Option<&str>| assert_eq!(from_makefile(text).as_deref(), expected);
        check("VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 117\nEXTRAVERSION =\n", Some("6.12.117"));
        check(
            "# SPDX\nVERSION = 6\nPATCHLEVEL = 18\nSUBLEVEL = 0\nEXTRAVERSION = -rc3\n",
            Some("6.18.0-rc3"),
        );
        check("all:\n\techo\n", None);
        check("VERSION =\nPATCHLEVEL = 1\n", None);
    }
}
