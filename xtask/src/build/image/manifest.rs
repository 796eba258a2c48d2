//! What is in an image and where it comes from: `manifest.toml` beside it.

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::inputs::Inputs;
use super::part::{Origin, Part};
use crate::lab::digest;

/// The content of `manifest.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Manifest {
    /// The digest of the inputs, under which the image is stored.
    pub(crate) key: String,
    /// SHA-256 of the archive.
    pub(crate) image_sha256: String,
    /// Size of the archive, bytes.
    pub(crate) image_bytes: u64,
    /// The compiler, its version line.
    pub(crate) rustc: String,
    /// The linker, its version line.
    pub(crate) linker: String,
    /// Every regular file, sorted by path.
    pub(crate) files: Vec<ManifestFile>,
}

/// A regular file of the image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct ManifestFile {
    /// Absolute path in the guest.
    pub(crate) path: String,
    /// Permissions, octal.
    pub(crate) mode: String,
    /// Size, bytes.
    pub(crate) bytes: u64,
    /// SHA-256 of the content.
    pub(crate) sha256: String,
    /// Where it comes from.
    pub(crate) origin: Origin,
}

impl Manifest {
    /// Reads `manifest.toml`.
    ///
    /// # Errors
    /// If it is not one.
    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        toml::from_str(text).context("reading the manifest of an image")
    }

    /// The text of `manifest.toml`.
    ///
    /// # Errors
    /// If it cannot be written as TOML.
    pub(super) fn to_text(&self) -> anyhow::Result<String> {
        toml::to_string(self).context("writing the manifest of an image")
    }
}

/// The manifest of an archive that was made of `parts`.
pub(super) fn of_archive(parts: &[Part], archive: &[u8], inputs: &Inputs) -> Manifest {
    let mut files: Vec<ManifestFile> = parts.iter().map(file_of).collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Manifest {
        key: inputs.key(),
        image_sha256: digest::of_bytes(archive),
        image_bytes: archive.len() as u64,
        rustc: inputs.toolchain.rustc.lines().next().unwrap_or_default().to_owned(),
        linker: inputs.toolchain.linker.clone(),
        files,
    }
}

fn file_of(part: &Part) -> ManifestFile {
    ManifestFile {
        path: part.guest_path.clone(),
        mode: "0755".to_owned(),
        bytes: part.content.len() as u64,
        sha256: digest::of_bytes(&part.content),
        origin: part.origin.clone(),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn manifests_are_text_and_back() {
        let part = |path: &str, origin| {
            file_of(&Part { guest_path: path.to_owned(), content: b"abc".to_vec(), origin })
        };
        let package = Some("coreutils 9.1-1".to_owned());
        let manifest = Manifest {
            key: "0123".to_owned(),
            image_sha256: "4567".to_owned(),
            image_bytes: 1024,
            rustc: "rustc 1.95.0".to_owned(),
            linker: "cc 12.2.0".to_owned(),
            files: vec![
                part("/bin/dd", Origin::Host { path: "/usr/bin/dd".to_owned(), package }),
                part("/init", Origin::Built { package: "lab-init".to_owned() }),
            ],
        };
        let text = manifest.to_text().unwrap();
        expect![[r#"
            key = "0123"
            image-sha256 = "4567"
            image-bytes = 1024
            rustc = "rustc 1.95.0"
            linker = "cc 12.2.0"

            [[files]]
            path = "/bin/dd"
            mode = "0755"
            bytes = 3
            sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

            [files.origin.host]
            path = "/usr/bin/dd"
            package = "coreutils 9.1-1"

            [[files]]
            path = "/init"
            mode = "0755"
            bytes = 3
            sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

            [files.origin.built]
            package = "lab-init"
        "#]]
        .assert_eq(&text);
        assert_eq!(Manifest::parse(&text).unwrap(), manifest);
        assert!(Manifest::parse("key = 1").is_err());
    }
}
