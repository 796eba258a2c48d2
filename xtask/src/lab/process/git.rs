//! Git, cut off from the user's settings: the one place that starts it.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use xshell::{Cmd, Shell, cmd};

/// Author, committer and date of every commit that the lab makes, so that equal content gives equal commits.
pub(crate) const NAME: &str = "patchlab";
/// See [`NAME`].
pub(crate) const EMAIL: &str = "patchlab@localhost";

/// What begins the names of git's own variables. A git that started the lab, in a hook or in `git rebase -x`, sets some of
/// them, and they would direct ours to another repository, index or configuration; git gets new ones with each version.
const OWN: &[u8] = b"GIT_";

/// Variables that are passed on even if only the shell of this process has them.
const PROXIES: [&str; 8] = [
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
];

/// Settings of every call; the files with the user's and the system's settings are not read.
const SETTINGS: [&str; 14] = [
    "safe.directory=*",
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "core.excludesFile=/dev/null",
    "core.autocrlf=false",
    "core.fileMode=true",
    // A branch that outlives a power cut has its commits. Files of a work tree are written again.
    "core.fsync=committed,reference",
    "gc.auto=0",
    "maintenance.auto=false",
    "commit.gpgSign=false",
    "am.threeWay=false",
    "checkout.workers=0",
    // The pack is written once and read little; level 1 is faster than writing it uncompressed.
    "core.compression=1",
];

/// `git -C repository ...`, to be given its arguments.
pub(crate) fn git<'a>(sh: &'a Shell, repository: &Path) -> Cmd<'a> {
    let mut command = cmd!(sh, "git -C {repository}").quiet();
    for setting in SETTINGS {
        command = command.args(["-c", setting]);
    }
    command = command.env_clear().envs(environment(sh, std::env::vars_os().map(|(name, _)| name)));
    for who in ["AUTHOR", "COMMITTER"] {
        command = command.env(format!("GIT_{who}_NAME"), NAME).env(format!("GIT_{who}_EMAIL"), EMAIL);
    }
    command
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("LC_ALL", "C")
        .env("TZ", "UTC")
}

/// What git sees of the environment: those of these variables, and the proxies, that are not git's own.
fn environment(sh: &Shell, names: impl Iterator<Item = OsString>) -> Vec<(OsString, OsString)> {
    names
        .chain(PROXIES.map(OsString::from))
        .filter(|name| !is_own(name))
        .filter_map(|name| sh.var_os(&name).map(|value| (name, value)))
        .collect()
}

fn is_own(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(OWN)
}

/// Makes every git that is found from `sh` see one variable of its own after all: for tests of what git does with it.
#[cfg(test)]
pub(crate) fn with_variable(sh: &Shell, folder: &Path, name: &str, value: &str) {
    use std::os::unix::fs::PermissionsExt as _;

    let programs = folder.join("programs");
    let real = super::path::find_program("git").unwrap();
    sh.create_dir(&programs).unwrap();
    let script = format!("#!/bin/sh\nexport {name}='{value}'\nexec {} \"$@\"\n", real.display());
    sh.write_file(programs.join("git"), script).unwrap();
    std::fs::set_permissions(programs.join("git"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = sh.var_os("PATH").unwrap();
    sh.set_var("PATH", format!("{}:{}", programs.display(), path.display()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::process;

    #[test]
    fn no_variable_of_a_git_that_started_the_lab_gets_through() {
        let sh = Shell::new().unwrap();
        sh.set_var("no_proxy", "*");
        sh.set_var("GIT_DIR", "/elsewhere");
        let names = ["GIT_DIR", "GIT_OF_THE_FUTURE", "GIT_CONFIG_KEY_0", "PATH", "MISSING_HERE"];
        let seen = environment(&sh, names.map(OsString::from).into_iter());
        let seen: Vec<&str> = seen.iter().filter_map(|(name, _)| name.to_str()).collect();
        assert!(seen.contains(&"PATH") && seen.contains(&"no_proxy"), "{seen:?}");
        assert!(!seen.iter().any(|name| name.starts_with("GIT_") || *name == "MISSING_HERE"), "{seen:?}");
    }

    /// With real git: each of these alone makes an unprotected one answer for another repository, or not at all.
    #[test]
    fn the_repository_is_the_one_that_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let sh = Shell::new().unwrap();
        let [own, other] = ["own", "other"].map(|name| folder.path().join(name));
        for (path, file) in [(&own, "a"), (&other, "b")] {
            sh.create_dir(path).unwrap();
            sh.write_file(path.join(file), file).unwrap();
            for arguments in [&["init", "--quiet"][..], &["add", file], &["commit", "--quiet", "-m", file]] {
                process::read(git(&sh, path).args(arguments)).unwrap();
            }
        }
        let look = |sh: &Shell| {
            let ask = |arguments: &[&str]| process::read(git(sh, &own).args(arguments)).unwrap();
            [
                ask(&["rev-parse", "HEAD"]),
                ask(&["ls-files"]),
                ask(&["status", "--porcelain"]),
                ask(&["config", "--default", "unset", "lab.test"]),
                ask(&["var", "GIT_COMMITTER_IDENT"]).split(" <").next().unwrap_or_default().to_owned(),
            ]
        };
        let plain = look(&sh);
        assert_eq!(plain[1..], ["a", "", "unset", NAME].map(str::to_owned));
        let elsewhere = other.display().to_string();
        let index = other.join(".git/index").display().to_string();
        let objects = other.join(".git/objects").display().to_string();
        let repository = other.join(".git").display().to_string();
        for variables in [
            &[("GIT_DIR", repository.as_str())][..],
            &[("GIT_DIR", &repository), ("GIT_WORK_TREE", &elsewhere)],
            &[("GIT_INDEX_FILE", &index)],
            &[("GIT_OBJECT_DIRECTORY", &objects)],
            &[("GIT_CONFIG_COUNT", "1"), ("GIT_CONFIG_KEY_0", "lab.test"), ("GIT_CONFIG_VALUE_0", "set")],
            &[("GIT_CONFIG_PARAMETERS", "'lab.test'='set'")],
            &[("GIT_CONFIG", "/nonexistent")],
            &[("GIT_NAMESPACE", "other"), ("GIT_CEILING_DIRECTORIES", "/")],
            &[("GIT_COMMITTER_NAME", "somebody"), ("GIT_EXTERNAL_DIFF", "false")],
            &[("GIT_LITERAL_PATHSPECS", "1"), ("GIT_TRACE", "2")],
        ] {
            let sh = Shell::new().unwrap();
            variables.iter().for_each(|(name, value)| sh.set_var(name, value));
            assert_eq!(look(&sh), plain, "{variables:?}");
        }
    }
}
