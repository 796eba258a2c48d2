//! Git, cut off from the user's settings, and fetching one commit with it.

use std::path::Path;
use std::process::Output;

use anyhow::{Context as _, bail, ensure};
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
    // What a power cut loses is made again: a source counts only with its source.toml.
    "core.fsync=none",
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

/// Runs a command to its end, whatever its exit status; what it prints is in the result.
///
/// # Errors
/// If it cannot be started.
pub(crate) fn output(command: Cmd<'_>) -> anyhow::Result<Output> {
    let program = command.to_string();
    let program = program.split(' ').next().unwrap_or_default();
    command.quiet().ignore_status().output().with_context(|| format!("starting {program}"))
}

/// Runs a command and gives what it prints, trimmed.
///
/// # Errors
/// If it fails: with its messages.
pub(crate) fn read(command: Cmd<'_>) -> anyhow::Result<String> {
    let output = output(command)?;
    ensure!(output.status.success(), "{}", messages(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// What a program wrote to standard error, on one line and without its hints.
pub(crate) fn messages(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("hint:"));
    let joined = lines.collect::<Vec<_>>().join("; ");
    if joined.is_empty() { "failed without a message".to_owned() } else { joined }
}

/// Makes `tree` an empty repository whose attributes cannot change what a checkout writes.
///
/// # Errors
/// If git fails.
pub(super) fn init(sh: &Shell, tree: &Path) -> anyhow::Result<()> {
    read(git(sh, tree).args(["init", "--quiet", "--template=", "--initial-branch=base"]))?;
    let info = tree.join(".git/info");
    std::fs::create_dir_all(&info)
        .and_then(|()| {
            std::fs::write(info.join("attributes"), "* -text -ident -filter -working-tree-encoding\n")
        })
        .with_context(|| format!("writing {}", info.display()))
}

/// Writes the files of branch `base` into the work tree and gives its commit.
///
/// # Errors
/// If git fails.
pub(super) fn checkout_base(sh: &Shell, tree: &Path) -> anyhow::Result<String> {
    read(git(sh, tree).args(["checkout", "--quiet", "--force", "base"])).context("writing the files")?;
    read(git(sh, tree).args(["rev-parse", "--verify", "base^{commit}"]))
}

/// Checks that `commit` is a full commit id: a branch or a short id may mean another commit tomorrow.
///
/// # Errors
/// If it is not.
pub(super) fn check_commit(commit: &str) -> anyhow::Result<()> {
    let full = commit.len() == 40 && commit.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    ensure!(full, "{commit:?} is not a full commit id: give all 40 digits (`git rev-parse {commit}`)");
    Ok(())
}

/// Fetches one commit without its history into the empty folder `tree` and checks it out.
///
/// # Errors
/// If the repository cannot be reached or does not have the commit.
pub(super) fn fetch_commit(
    sh: &Shell,
    repository: &str,
    commit: &str,
    tree: &Path,
) -> anyhow::Result<String> {
    check_commit(commit)?;
    if repository.starts_with('-') {
        bail!("{repository:?} is not a repository: give a path or a URL");
    }
    init(sh, tree)?;
    let local = std::fs::canonicalize(repository).ok();
    let repository = local.as_deref().and_then(Path::to_str).unwrap_or(repository);
    // A depth is only honoured for URLs.
    let url =
        if repository.starts_with('/') { format!("file://{repository}") } else { repository.to_owned() };
    let refspec = format!("{commit}:refs/heads/base");
    read(git(sh, tree).args([
        "fetch",
        "--quiet",
        "--no-tags",
        "--update-head-ok",
        "--depth=1",
        &url,
        &refspec,
    ]))
    .with_context(|| format!("fetching commit {commit} from {repository}"))?;
    checkout_base(sh, tree)
}
