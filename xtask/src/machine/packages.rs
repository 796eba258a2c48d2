//! What packages are called on the systems that the lab knows, and how they are installed there.

use std::collections::BTreeSet;

/// A family of systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum System {
    /// Debian, and what is made of it.
    Debian,
    /// Fedora, and what is made of it.
    Fedora,
    /// Arch Linux, and what is made of it.
    Arch,
    /// Another one.
    Other,
}

/// The names that differ from those of Debian: there, on Fedora, on Arch Linux.
const NAMES: [[&str; 3]; 8] = [
    ["busybox-static", "busybox", "busybox"],
    ["g++", "gcc-c++", "gcc"],
    ["libelf-dev", "elfutils-libelf-devel", "libelf"],
    ["libfuse3-dev", "fuse3-devel", "fuse3"],
    ["pkg-config", "pkgconf-pkg-config", "pkgconf"],
    ["qemu-system-arm", "qemu-system-aarch64", "qemu-system-aarch64"],
    ["binutils-x86-64-linux-gnu", "binutils-x86_64-linux-gnu", "binutils-x86-64-linux-gnu"],
    ["xz-utils", "xz", "xz"],
];

impl System {
    /// The one that wrote this `/etc/os-release`.
    pub(crate) fn of(os_release: &str) -> Self {
        let words = ["ID", "ID_LIKE"].into_iter().filter_map(|key| value(os_release, key));
        let mut words = words.flat_map(str::split_whitespace);
        let system = words.find_map(|word| match word {
            "debian" | "ubuntu" => Some(System::Debian),
            "fedora" => Some(System::Fedora),
            "arch" => Some(System::Arch),
            // It has another QEMU than Fedora, under another name.
            "rhel" => Some(System::Other),
            _ => None,
        });
        system.unwrap_or(System::Other)
    }

    /// What it calls a package of Debian.
    pub(crate) fn package(self, debian: &'static str) -> &'static str {
        let place = match self {
            System::Debian | System::Other => return debian,
            System::Fedora => 1,
            System::Arch => 2,
        };
        NAMES.iter().find(|names| names[0] == debian).map_or(debian, |names| names[place])
    }

    /// What the user does about packages of Debian that are missing, as the end of a sentence.
    pub(crate) fn remedy(self, debian: &BTreeSet<&'static str>) -> String {
        let names: BTreeSet<&str> = debian.iter().map(|&name| self.package(name)).collect();
        let names = names.into_iter().collect::<Vec<_>>().join(" ");
        match self {
            System::Debian => format!("install them with: sudo sh -c '{}'", apt_get(&names)),
            System::Fedora => format!("install them with: sudo dnf install -y {names}"),
            System::Arch => format!("install them with: sudo pacman -S --needed {names}"),
            System::Other => {
                format!("these are names of Debian: {names}; install what your system calls them")
            }
        }
    }
}

/// The name of this Debian's release, e.g. `trixie`; none for another system.
pub(crate) fn debian_release(os_release: &str) -> Option<&str> {
    let is_debian = value(os_release, "ID") == Some("debian");
    value(os_release, "VERSION_CODENAME").filter(|name| is_debian && !name.is_empty())
}

fn value<'a>(os_release: &'a str, key: &str) -> Option<&'a str> {
    let text = os_release.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
    Some(text.trim_matches(['"', '\'']))
}

/// What installs these packages on Debian.
pub(crate) fn apt_get(names: &str) -> String {
    format!("apt-get update && apt-get install -y --no-install-recommends {names}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of the files that tell.
    #[test]
    fn systems_by_their_os_release() {
        for (text, expected) in [
            (
                "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\nID=debian\n",
                System::Debian,
            ),
            ("PRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\nVERSION_ID=\"13\"\nID=debian\n", System::Debian),
            ("NAME=\"Fedora Linux\"\nID=fedora\nVERSION_ID=42\n", System::Fedora),
            ("NAME=\"Arch Linux\"\nID=arch\nBUILD_ID=rolling\n", System::Arch),
            ("ID=nobara\nID_LIKE=\"fedora\"\n", System::Fedora),
            ("ID=\"almalinux\"\nID_LIKE=\"rhel centos fedora\"\n", System::Other),
            ("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", System::Debian),
            ("ID=alpine\n", System::Other),
            ("", System::Other),
        ] {
            assert_eq!(System::of(text), expected, "{text}");
        }
    }

    #[test]
    fn releases_of_debian() {
        for (text, expected) in [
            ("VERSION_CODENAME=bookworm\nID=debian\n", Some("bookworm")),
            ("ID=debian\nVERSION_CODENAME=\"trixie\"\n", Some("trixie")),
            // Its suites are called otherwise.
            ("ID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME=noble\n", None),
            ("ID=debian\n", None),
        ] {
            assert_eq!(debian_release(text), expected, "{text}");
        }
    }

    #[test]
    fn remedies_have_the_names_of_the_system() {
        let lacks = BTreeSet::from(["libelf-dev", "make", "xz-utils"]);
        for (system, expected) in [
            (
                System::Debian,
                "install them with: sudo sh -c 'apt-get update && apt-get install -y --no-install-recommends libelf-dev make \
                 xz-utils'",
            ),
            (System::Fedora, "install them with: sudo dnf install -y elfutils-libelf-devel make xz"),
            (System::Arch, "install them with: sudo pacman -S --needed libelf make xz"),
            (
                System::Other,
                "these are names of Debian: libelf-dev make xz-utils; install what your system calls them",
            ),
        ] {
            assert_eq!(system.remedy(&lacks), expected);
        }
    }
}
