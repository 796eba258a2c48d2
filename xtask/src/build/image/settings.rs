//! The user's own settings of cargo, as far as they shape programs: another image than without them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use toml::Table;

/// Tables about where crates come from, which the lock file holds to their digests, and how cargo talks.
const HARMLESS: [&str; 11] = [
    "alias",
    "cache",
    "cargo-new",
    "credential-alias",
    "future-incompat-report",
    "http",
    "net",
    "registries",
    "registry",
    "source",
    "term",
];

/// What shapes programs in the files that cargo reads when it builds in `checkout`, a text for each file that has any.
///
/// # Errors
/// If a file is there and cannot be read.
pub(super) fn shaping(checkout: &Path, cargo_home: &Path) -> anyhow::Result<Vec<String>> {
    let folders = checkout.ancestors().map(|folder| folder.join(".cargo")).chain([cargo_home.to_owned()]);
    let mut found = Vec::new();
    for path in folders.flat_map(|folder| ["config", "config.toml"].map(|name| folder.join(name))) {
        found.extend(read(&path)?.and_then(|text| shaping_part(&text)));
    }
    Ok(found)
}

fn read(path: &PathBuf) -> anyhow::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("reading {}", path.display())),
    }
}

/// The file without what is harmless and without comments. One that is no TOML counts whole: cargo will refuse it.
fn shaping_part(text: &str) -> Option<String> {
    let Ok(mut table) = text.parse::<Table>() else { return Some(text.to_owned()) };
    table.retain(|name, _| !HARMLESS.contains(&name));
    (!table.is_empty()).then(|| table.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_shapes_programs_counts() {
        for (text, expected) in [
            ("", None),
            ("# nothing\n[net]\noffline = true\n[source.crates-io]\nreplace-with = \"mirror\"\n", None),
            (
                "[alias]\nx = \"run\"\n[build]\nrustflags = [\"-Copt-level=0\"]\n",
                Some("rustflags = [\"-Copt-level=0\"]"),
            ),
            ("[profile.release]\nopt-level = 0 # slow\n", Some("opt-level = 0\n")),
            ("[env]\nCC = \"clang\"\n", Some("CC = \"clang\"")),
            ("[target.x86_64-unknown-linux-gnu]\nlinker = \"lld\"\n", Some("linker = \"lld\"")),
            ("no TOML", Some("no TOML")),
        ] {
            let found = shaping_part(text);
            assert_eq!(found.is_some(), expected.is_some(), "{text}: {found:?}");
            assert!(expected.is_none_or(|part| found.unwrap().contains(part)), "{text}");
        }
    }

    /// Cargo reads the files of all folders above the checkout, and those of the user.
    #[test]
    fn every_file_that_cargo_reads_is_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let (checkout, home) = (folder.path().join("work/lab"), folder.path().join("home/.cargo"));
        fs::create_dir_all(&checkout).unwrap();
        let found = || shaping(&checkout, &home).unwrap();
        // What lies above the temporary folder belongs to this machine.
        let of_this_machine = found().len();
        let places = ["work/lab/.cargo/config.toml", "work/.cargo/config", "home/.cargo/config.toml"];
        for (count, place) in (1..).zip(places) {
            let path = folder.path().join(place);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, format!("[profile.release]\nopt-level = {count}\n")).unwrap();
            assert_eq!(found().len(), of_this_machine + count, "{place}");
        }
    }
}
