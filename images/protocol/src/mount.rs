//! Flags of a mount.

use serde::{Deserialize, Serialize};

macro_rules! options {
    ($($(#[$about:meta])* $variant:ident $name:literal,)*) => {
        /// What a single mount has of the flags in mount(8). Their opposites - `rw`, `dev`, `suid`, `exec`, `atime` and so
        /// on - are a mount without them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum MountOption {
            $($(#[$about])* #[serde(rename = $name)] $variant,)*
        }

        impl MountOption {
            /// All of them.
            pub const ALL: &[MountOption] = &[$(MountOption::$variant,)*];

            /// Their names, in the same order.
            pub const NAMES: &[&str] = &[$($name,)*];

            /// The name that mount(8) has for it.
            pub fn name(self) -> &'static str {
                match self { $(MountOption::$variant => $name,)* }
            }
        }
    };
}

options! {
    /// Nothing is written.
    Ro "ro",
    /// Device files are files without a device.
    Nodev "nodev",
    /// Set-user-ID and set-group-ID bits mean nothing when a file is executed.
    Nosuid "nosuid",
    /// Nothing is executed.
    Noexec "noexec",
    /// The kernel does not note when something is read.
    Noatime "noatime",
    /// It does not for directories.
    Nodiratime "nodiratime",
    /// It does if something was written since, or a day has passed.
    Relatime "relatime",
    /// It always does.
    Strictatime "strictatime",
    /// Symbolic links are not followed.
    Nosymfollow "nosymfollow",
}

impl MountOption {
    /// What the option with this name is.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|option| option.name() == name)
    }

    /// Those of a mount of which nothing else is said: what a FUSE server may offer to others.
    pub fn usual() -> Vec<Self> {
        vec![MountOption::Nodev, MountOption::Nosuid]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_settings() {
        for option in MountOption::ALL {
            assert_eq!(serde_json::to_string(option).unwrap(), format!("\"{}\"", option.name()));
            assert_eq!(MountOption::from_name(option.name()), Some(*option));
        }
        assert_eq!(MountOption::from_name("rw"), None);
    }
}
