//! Git, cut off from the user's settings.

use std::path::Path;

use xshell::{Cmd, Shell, cmd};

/// Author, committer and date of every commit that the lab makes, so that equal content gives equal commits.
pub(crate) const NAME: &str = "patchlab";
/// See [`NAME`].
pub(crate) const EMAIL: &str = "patchlab@localhost";

/// Variables by which a git that started the lab, in a hook for instance, would direct ours elsewhere.
const INHERITED: [&str; 9] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS",
    "GIT_PREFIX",
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
    for variable in INHERITED {
        command = command.env_remove(variable);
    }
    for who in ["AUTHOR", "COMMITTER"] {
        command = command.env(format!("GIT_{who}_NAME"), NAME).env(format!("GIT_{who}_EMAIL"), EMAIL);
        command = command.env_remove(format!("GIT_{who}_DATE"));
    }
    command
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("LC_ALL", "C")
        .env("TZ", "UTC")
}
