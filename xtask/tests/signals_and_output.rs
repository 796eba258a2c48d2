//! The program with a signal in the middle of what it does, and with an output that does not take what it prints.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use xtask::lab::cache::Cache;

/// Longer than any step here takes on a busy machine: a program that does not end is a failure, not a wait without end.
const PATIENCE: Duration = Duration::from_secs(120);

#[expect(clippy::disallowed_methods, reason = "the program under test is started as a user would")]
fn lab(arguments: &[&str], cache: &Path) -> Command {
    let mut command = Command::new("env");
    // A shell lets what it starts in the background ignore Ctrl-C, which the tests would pass on.
    command.args(["--default-signal=INT", env!("CARGO_BIN_EXE_patchlab")]).args(arguments);
    command.env("PATCHLAB_CACHE", cache).stdin(Stdio::null());
    command
}

/// Starts it, waits for the line that `is_there` knows, sends it the signal, and gives what else it says and its exit code.
fn interrupted(mut lab: Command, signal: Signal, is_there: impl Fn(&str) -> bool) -> (String, Option<i32>) {
    let mut lab = lab.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the lab starts");
    let mut said = BufReader::new(lab.stderr.take().expect("its messages"));
    let mut before = String::new();
    while !before.lines().any(&is_there) {
        let read = said.read_line(&mut before).expect("text");
        assert!(read > 0, "it ended before: {before}");
    }
    kill_process(Pid::from_child(&lab), signal).expect("the lab runs");
    let mut after = String::new();
    let code = within_patience(&mut lab);
    said.read_to_string(&mut after).expect("text");
    (after, code)
}

fn within_patience(lab: &mut Child) -> Option<i32> {
    let (ended, wait) = mpsc::channel::<()>();
    let pid = Pid::from_child(lab);
    let guard = std::thread::spawn(move || {
        if wait.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
            let _ = kill_process(pid, Signal::KILL);
        }
    });
    let status = lab.wait().expect("the lab");
    drop(ended);
    guard.join().expect("the guard");
    status.code()
}

/// The version of a Debian package in a cache that never asked for one.
const LOCK: &str = "debian-linux-source-6.12";

#[test]
fn a_lock_that_is_waited_for_names_its_holder_and_gives_way_to_a_signal() {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = Cache::open(folder.path()).expect("a cache");
    let held = cache.lock(LOCK, |who| panic!("{who} has it")).expect("the lock");
    let me = format!("waiting for process {} (", std::process::id());
    let is_there = |line: &str| line.starts_with(&me) && line.ends_with("), which fetches linux-source-6.12");
    for (signal, name, code) in [(Signal::INT, "Ctrl-C (SIGINT)", 130), (Signal::TERM, "SIGTERM", 143)] {
        let (said, ended) = interrupted(lab(&["build-kernel", "stock"], folder.path()), signal, is_there);
        let expected = format!(
            "interrupted by {name}; what was finished is kept; to go on: cargo xtask build-kernel stock\n"
        );
        assert_eq!((said, ended), (expected, Some(code)));
    }
    drop(held);
}

/// apt-get is one that never ends, and has started another program.
#[test]
fn a_signal_ends_a_download_with_everything_that_it_started() {
    let folder = tempfile::tempdir().expect("a folder");
    let (programs, cache) = (folder.path().join("programs"), folder.path().join("cache"));
    fs::create_dir(&programs).expect("a folder");
    let (apt, started) = (programs.join("apt-get"), folder.path().join("started"));
    let script =
        format!("#!/bin/sh\nsleep 600 &\necho $! >{0}.new\nmv {0}.new {0}\nwait\n", started.display());
    fs::write(&apt, script).expect("a program");
    fs::set_permissions(&apt, fs::Permissions::from_mode(0o755)).expect("a program");
    let path = std::env::var("PATH").expect("PATH");
    let mut command = lab(&["build-kernel", "stock"], &cache);
    command.env("PATH", format!("{}:{path}", programs.display()));
    let mut lab = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the lab starts");
    while !started.exists() {
        assert!(lab.try_wait().expect("the lab").is_none(), "it ended before");
        std::thread::sleep(Duration::from_millis(5));
    }
    kill_process(Pid::from_child(&lab), Signal::TERM).expect("the lab runs");
    let code = within_patience(&mut lab);
    let mut said = String::new();
    lab.stderr.take().expect("its messages").read_to_string(&mut said).expect("text");
    assert_eq!(code, Some(143), "{said}");
    assert_eq!(
        said.lines().last().and_then(|line| line.split(';').next()),
        Some("interrupted by SIGTERM"),
        "{said}"
    );
    let pid = fs::read_to_string(&started).expect("its number");
    let status = fs::read_to_string(format!("/proc/{}/status", pid.trim())).unwrap_or_default();
    let goes_on = |line: &str| line.starts_with("State:") && !line.contains(['Z', 'X']);
    assert!(!status.lines().any(goes_on), "{status}");
}

/// What it prints of a campaign of the repository to this output.
fn compare(output: impl Into<Stdio>, messages: impl Into<Stdio>) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = lab(&["compare", "reference-default"], folder.path());
    let lab = command.stdout(output).stderr(messages).spawn().expect("the lab starts");
    lab.wait_with_output().expect("the lab")
}

fn closed_pipe() -> std::io::PipeWriter {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    writer
}

fn full() -> File {
    File::options().write(true).open("/dev/full").expect("a full device")
}

#[test]
fn an_output_that_takes_nothing_is_no_panic() {
    let gone = compare(closed_pipe(), Stdio::piped());
    assert_eq!(
        (gone.status.code(), String::from_utf8_lossy(&gone.stderr).into_owned()),
        (Some(141), String::new())
    );
    let on_full = compare(full(), Stdio::piped());
    let said = String::from_utf8_lossy(&on_full.stderr).into_owned();
    assert!(said.starts_with("error: writing to standard output: No space left on device"), "{said}");
    assert_eq!(on_full.status.code(), Some(3));
    // Nobody hears what is said, and the result is there.
    for messages in [Stdio::from(closed_pipe()), Stdio::from(full())] {
        let told = compare(Stdio::piped(), messages);
        assert!(String::from_utf8_lossy(&told.stdout).contains("Conclusion: "), "{told:?}");
        assert_eq!(told.status.code(), Some(0));
    }
}
