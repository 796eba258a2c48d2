//! What a confined build sees: the system's programs, the source, and the folder that is its own. No home, no settings of services.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::lab::process::path::find_in;

/// Where programs lie with what they need; what is not there is left out.
const SYSTEM: [&str; 9] =
    ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt", "/nix/store"];

/// Of `/etc` what finds programs and libraries, and names users. Nothing else: as root a build could read passwords there.
const SETTINGS: [&str; 5] =
    ["/etc/alternatives", "/etc/group", "/etc/ld.so.cache", "/etc/passwd", "/etc/nsswitch.conf"];

/// The places of a build.
#[derive(Clone, Debug)]
pub(super) struct Mounts<'a> {
    /// What it can read beside the system.
    pub(super) readable: &'a [&'a Path],
    /// The one folder that it can write to.
    pub(super) objects: &'a Path,
    /// The homes of the user.
    pub(super) homes: &'a [PathBuf],
    /// What lies in their place; none for nothing.
    pub(super) decoys: Option<&'a Path>,
    /// Of the lab, written as `PATH` is.
    pub(super) path: &'a OsStr,
}

impl Mounts<'_> {
    /// bwrap's options up to the command. Later mounts lie over earlier ones: the cache may be in /tmp or in a home.
    pub(super) fn arguments(&self) -> Vec<String> {
        let mut all: Vec<String> = [
            // No network, no view of other processes, and the build ends with the lab.
            "--unshare-all",
            "--die-with-parent",
            // No terminal: characters could be put into it as if the user had typed them.
            "--new-session",
            // Root could make what is read-only writable again.
            "--cap-drop",
            "ALL",
            "--dev",
            "/dev",
            "--proc",
            "/proc",
            "--tmpfs",
            "/tmp",
        ]
        .map(str::to_owned)
        .to_vec();
        let mut mount = |option: &str, from: &Path, to: &Path| {
            all.extend([option.to_owned(), from.display().to_string(), to.display().to_string()]);
        };
        for path in SYSTEM.iter().chain(&SETTINGS).map(Path::new) {
            mount("--ro-bind-try", path, path);
        }
        for home in self.decoys.iter().flat_map(|decoys| self.homes.iter().map(move |home| (decoys, home))) {
            mount("--bind", home.0, home.1);
        }
        for path in &self.programs() {
            mount("--ro-bind-try", path, path);
        }
        for path in self.readable {
            mount("--ro-bind", path, path);
        }
        mount("--bind", self.objects, self.objects);
        // Below it are the mounts alone.
        all.extend(["--remount-ro", "/", "--chdir"].map(str::to_owned));
        all.extend([self.objects.display().to_string(), "--".to_owned()]);
        all
    }

    /// What is mounted in the homes: folders that lie there, though nobody made them.
    pub(super) fn below(&self, home: &Path) -> Vec<PathBuf> {
        let programs = self.programs();
        let all =
            self.readable.iter().copied().chain([self.objects]).chain(programs.iter().map(PathBuf::as_path));
        all.filter_map(|path| path.strip_prefix(home).ok()).map(Path::to_owned).collect()
    }

    /// Folders of `PATH` that lie elsewhere than the system's, but for those in homes; of these only the folder with the compiler and the
    /// linker, if they are there.
    fn programs(&self) -> Vec<PathBuf> {
        let is_of_system = |path: &Path| SYSTEM.iter().any(|known| path.starts_with(known));
        let home_of = |path: &Path| self.homes.iter().find(|home| path.starts_with(home));
        let mut all: Vec<PathBuf> = std::env::split_paths(self.path)
            .filter(|path| path.is_absolute() && path.parent().is_some())
            .filter(|path| !is_of_system(path) && home_of(path).is_none())
            .collect();
        for tool in ["gcc", "ld"].iter().filter_map(|name| find_in(self.path, name)) {
            let Some((folder, home)) = tool.parent().and_then(|folder| Some((folder, home_of(folder)?)))
            else {
                continue;
            };
            // What it needs lies beside `bin`.
            let whole = folder.parent().filter(|whole| *whole != home.as_path());
            all.push(whole.unwrap_or(folder).to_owned());
        }
        all.sort();
        all.dedup();
        all
    }
}

/// The homes of this user: what the environment says, and what the list of users says.
pub(super) fn homes(of_environment: Option<&OsStr>, users: &str, id: u32) -> Vec<PathBuf> {
    let of_line = |line: &str| {
        let fields: Vec<&str> = line.split(':').collect();
        (fields.get(2)?.parse() == Ok(id)).then(|| PathBuf::from(fields.get(5).copied().unwrap_or_default()))
    };
    let listed = users.lines().filter_map(of_line);
    let mut homes: Vec<PathBuf> = of_environment.map(PathBuf::from).into_iter().chain(listed).collect();
    // One that holds the system hides nothing.
    let holds_system = |home: &Path| {
        SYSTEM
            .iter()
            .chain(&["/tmp", "/dev", "/proc"])
            .any(|path| Path::new(path).starts_with(home) || home.starts_with(path) && *path != "/tmp")
    };
    homes.retain(|home| home.is_absolute() && !holds_system(home));
    homes.sort();
    homes.dedup();
    homes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mounted(option: &str, words: &[String]) -> Vec<(String, usize)> {
        let places = words.iter().enumerate().filter(|(_, word)| *word == option);
        places.map(|(at, _)| (words[at + 2].clone(), at)).collect()
    }

    #[test]
    fn nothing_but_the_folder_of_the_build_and_decoys_is_writable() {
        let homes = [PathBuf::from("/home/u")];
        let mounts = Mounts {
            readable: &[Path::new("/home/u/c/tree")],
            objects: Path::new("/home/u/c/objects"),
            homes: &homes,
            decoys: Some(Path::new("/tmp/decoys")),
            path: OsStr::new("/usr/bin:/home/u/bin:/snap/bin:relative"),
        };
        let words = mounts.arguments();
        let writable = mounted("--bind", &words);
        let names: Vec<&str> = writable.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(names, ["/home/u", "/home/u/c/objects"]);
        // The home does not cover what lies in it, and what is mounted last is not covered by anything.
        let readable = mounted("--ro-bind", &words);
        assert_eq!(readable.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(), ["/home/u/c/tree"]);
        assert!(writable[0].1 < readable[0].1 && readable[0].1 < writable[1].1);
        let seen = mounted("--ro-bind-try", &words);
        assert!(seen.iter().all(|(path, at)| !path.starts_with("/home") && *at < writable[1].1), "{seen:?}");
        assert!(seen.iter().any(|(path, _)| path == "/snap/bin"), "{seen:?}");
        assert!(!seen.iter().any(|(path, _)| path == "/etc" || path == "/"), "{seen:?}");
        assert_eq!(mounts.below(&homes[0]), [PathBuf::from("c/tree"), PathBuf::from("c/objects")]);
    }

    #[test]
    fn a_compiler_in_a_home_is_seen_with_what_lies_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().to_owned();
        let homes = [home.clone()];
        for (place, expected) in [("tools/bin", "tools"), ("bin", "bin")] {
            let bin = home.join(place);
            std::fs::create_dir_all(&bin).unwrap();
            std::fs::write(bin.join("gcc"), "").unwrap();
            std::fs::set_permissions(bin.join("gcc"), std::os::unix::fs::PermissionsExt::from_mode(0o755))
                .unwrap();
            let mounts = Mounts {
                readable: &[],
                objects: Path::new("/o"),
                homes: &homes,
                decoys: None,
                path: bin.as_os_str(),
            };
            assert_eq!(mounts.programs(), [home.join(expected)]);
        }
    }

    #[test]
    fn homes_of_a_user() {
        let users = "root:x:0:0:root:/root:/bin/bash\nu:x:1000:1000::/home/u:/bin/sh\nd:x:1:1::/usr/sbin:/x\nn:x:65534::\n";
        let check = |environment: Option<&str>, id: u32, expected: &[&str]| {
            let found = homes(environment.map(OsStr::new), users, id);
            assert_eq!(found, expected.iter().map(PathBuf::from).collect::<Vec<_>>(), "{environment:?} {id}");
        };
        check(Some("/home/u"), 1000, &["/home/u"]);
        check(Some("/srv/u"), 1000, &["/home/u", "/srv/u"]);
        check(None, 0, &["/root"]);
        check(Some("/"), 1, &[]);
        check(Some("relative"), 7, &[]);
        check(Some("/tmp/home"), 7, &["/tmp/home"]);
    }
}
