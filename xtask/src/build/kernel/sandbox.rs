//! Building runs the patch's code on the host, in Makefiles and host programs: confine it where that works.

use std::path::Path;

use xshell::{Shell, cmd};

use crate::lab::process;

/// How a build is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BuildSandbox {
    /// Under bubblewrap: no network, no other processes, everything but the object directory read-only.
    Bubblewrap,
    /// As any other program of this user.
    None {
        /// Why.
        reason: String,
    },
}

impl BuildSandbox {
    /// Finds out whether bubblewrap works here: it may be missing, or user namespaces may be forbidden.
    pub(super) fn find(sh: &Shell, readable: &[&Path], objects: &Path) -> Self {
        let arguments = arguments(readable, objects);
        let attempt = process::output(cmd!(sh, "bwrap {arguments...} make --version"));
        match attempt {
            Ok(output) if output.status.success() => BuildSandbox::Bubblewrap,
            Ok(output) => {
                let remedy = allow_namespaces(Path::new("/")).map(|setting| {
                    format!(
                        "; user namespaces are forbidden here, and root allows them with: sysctl {setting}"
                    )
                });
                let reason = process::messages(&output.stderr) + &remedy.unwrap_or_default();
                BuildSandbox::None { reason }
            }
            Err(_) => BuildSandbox::None { reason: "bwrap is not installed (package bubblewrap)".to_owned() },
        }
    }

    /// `bwrap`, or why not.
    pub(super) fn name(&self) -> String {
        match self {
            BuildSandbox::Bubblewrap => "bwrap".to_owned(),
            BuildSandbox::None { reason } => format!("none: {reason}"),
        }
    }

    /// `command` as it is to be run: it can read `readable` and write below `objects`.
    pub(super) fn wrap(&self, readable: &[&Path], objects: &Path, command: Vec<String>) -> Vec<String> {
        match self {
            BuildSandbox::Bubblewrap => {
                ["bwrap".to_owned()].into_iter().chain(arguments(readable, objects)).chain(command).collect()
            }
            BuildSandbox::None { .. } => command,
        }
    }
}

/// The setting that lets users make namespaces, by the files below `root`, if another one forbids it.
fn allow_namespaces(root: &Path) -> Option<&'static str> {
    [
        // A patch of Debian and Arch Linux.
        ("kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
        ("user/max_user_namespaces", "0", "user.max_user_namespaces=10000"),
        // Ubuntu since 23.10.
        (
            "kernel/apparmor_restrict_unprivileged_userns",
            "1",
            "kernel.apparmor_restrict_unprivileged_userns=0",
        ),
    ]
    .into_iter()
    .find(|(file, forbids, _)| {
        let value = std::fs::read_to_string(root.join("proc/sys").join(file));
        value.is_ok_and(|value| value.trim() == *forbids)
    })
    .map(|(_, _, setting)| setting)
}

/// bwrap's options. Later mounts lie over earlier ones: the cache may be in /tmp.
fn arguments(readable: &[&Path], objects: &Path) -> Vec<String> {
    let objects = objects.display().to_string();
    let around = [
        // No network, no view of other processes, and the build ends with the lab.
        "--unshare-all",
        "--die-with-parent",
        "--ro-bind",
        "/",
        "/",
        "--dev",
        "/dev",
        "--proc",
        "/proc",
        // Sockets of services lie in /run; a read-only mount does not keep a program from connecting.
        "--tmpfs",
        "/run",
        "--tmpfs",
        "/tmp",
    ];
    let readable = readable.iter().map(|path| path.display().to_string());
    let readable = readable.flat_map(|path| ["--ro-bind".to_owned(), path.clone(), path]);
    let inside = ["--bind", &objects, &objects, "--chdir", &objects, "--"];
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    words(&around).into_iter().chain(readable).chain(words(&inside)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_object_directory_alone_is_writable_and_mounted_last() {
        let words = arguments(&[Path::new("/c/tree")], Path::new("/c/objects"));
        let writable: Vec<usize> =
            words.iter().enumerate().filter(|(_, w)| *w == "--bind").map(|(at, _)| at).collect();
        assert_eq!(writable.len(), 1);
        assert_eq!(words[writable[0] + 1..writable[0] + 3], ["/c/objects", "/c/objects"]);
        let last_cover = words.iter().rposition(|word| word == "--tmpfs").unwrap();
        assert!(writable[0] > last_cover);
    }

    #[test]
    fn settings_that_forbid_namespaces() {
        for (file, value, expected) in [
            ("kernel/unprivileged_userns_clone", "0\n", Some("kernel.unprivileged_userns_clone=1")),
            ("kernel/unprivileged_userns_clone", "1\n", None),
            ("user/max_user_namespaces", "0\n", Some("user.max_user_namespaces=10000")),
            ("user/max_user_namespaces", "95951\n", None),
            (
                "kernel/apparmor_restrict_unprivileged_userns",
                "1\n",
                Some("kernel.apparmor_restrict_unprivileged_userns=0"),
            ),
            ("kernel/ostype", "Linux\n", None),
        ] {
            let root = tempfile::tempdir().unwrap();
            let path = root.path().join("proc/sys").join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, value).unwrap();
            assert_eq!(allow_namespaces(root.path()), expected, "{file} {value}");
        }
    }

    #[test]
    fn without_a_sandbox_the_command_is_unchanged() {
        let none = BuildSandbox::None { reason: "x".into() };
        assert_eq!(none.wrap(&[Path::new("/t")], Path::new("/o"), vec!["make".into()]), ["make"]);
        assert_eq!(none.name(), "none: x");
    }
}
