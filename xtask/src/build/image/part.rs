//! A file of an image before it goes into the archive, and where it comes from.

use serde::{Deserialize, Serialize};

/// A file before it goes into the archive.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// Absolute path in the guest.
    pub(super) guest_path: String,
    pub(super) content: Vec<u8>,
    pub(super) origin: Origin,
}

/// Where a file comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Origin {
    /// Compiled from a crate below `images/`.
    Built {
        /// The crate.
        package: String,
    },
    /// A file of the host.
    Host {
        /// Absolute path on the host.
        path: String,
        /// Debian package and version, e.g. `coreutils 9.1-1`, if it comes from one.
        package: Option<String>,
    },
}
