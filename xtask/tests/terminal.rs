//! What the program does to the terminal and to the machine when it only looks.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};
use rustix::process::{Pid, Signal, kill_process};

#[expect(clippy::disallowed_methods, reason = "the program under test is started as a user would")]
fn command(checkout: &Path, cache: &Path) -> Command {
    let mut command = Command::new("env");
    // A shell lets what it starts in the background ignore Ctrl-C, which the tests would pass on.
    command.args(["--default-signal=INT", env!("CARGO_BIN_EXE_patchlab"), "compare"]);
    command.env("CARGO_MANIFEST_DIR", checkout.join("xtask")).env("PATCHLAB_CACHE", cache);
    command
}

fn compare(checkout: &Path, cache: &Path) -> Output {
    command(checkout, cache).output().expect("the lab starts")
}

/// Names of files, compilers' output and subjects of patches are quoted in errors, and may hold anything.
#[test]
fn an_error_does_not_act_on_the_terminal() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = compare(&folder.path().join("\u{1b}]0;title\u{7}"), folder.path());
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{text:?}");
    assert!(text.contains("\\x1b]0;title\\x07/xtask"), "{text:?}");
    assert!(!text.contains(['\u{1b}', '\u{7}']), "{text:?}");
}

/// A wrong command line is no answer about a kernel: scripts that read the exit code must not take it for one.
#[test]
fn a_wrong_command_line_is_a_failure() {
    let folder = tempfile::tempdir().expect("a folder");
    for (arguments, code) in [(&["--basline", "stock"][..], 3), (&["--boot"], 3), (&["--help"], 0)] {
        let output = command(folder.path(), folder.path()).args(arguments).output().expect("the lab starts");
        let said = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
        assert_eq!(output.status.code(), Some(code), "{said:?}");
        assert_eq!(said.map(|text| text.is_empty()), [code != 0, code == 0], "{arguments:?}");
    }
}

/// Comparing reads, and leaves nothing behind.
#[test]
fn comparing_makes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (checkout, cache) = (folder.path().join("lab"), folder.path().join("cache"));
    std::fs::create_dir_all(checkout.join("xtask")).expect("a checkout");
    let output = compare(&checkout, &cache);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{text:?}");
    assert!(text.contains("no campaign below"), "{text:?}");
    assert!(!cache.exists());
    assert!(!checkout.join("results").exists());
}

/// Nothing has to be saved, so that Ctrl-C ends it whatever it waits for. Here it waits for a campaign whose file is a pipe;
/// one that goes on waiting after the signal finds the end of the pipe a minute later, and says so.
#[test]
fn ctrl_c_ends_comparing_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let campaign = folder.path().join("results/campaign");
    std::fs::create_dir_all(&campaign).expect("a campaign");
    std::fs::create_dir(folder.path().join("xtask")).expect("a checkout");
    let pipe = campaign.join("campaign.toml");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a pipe");
    let mut lab = command(folder.path(), folder.path());
    let mut lab = lab.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the lab starts");
    let writer = loop {
        // Without a reader it does not open.
        let flags = OFlags::NONBLOCK.bits() as i32;
        if let Ok(writer) = File::options().write(true).custom_flags(flags).open(&pipe) {
            break writer;
        }
        assert!(lab.try_wait().expect("the lab").is_none(), "{:?}", lab.wait_with_output());
        std::thread::sleep(std::time::Duration::from_millis(5));
    };
    kill_process(Pid::from_child(&lab), Signal::INT).expect("the lab runs");
    for _ in 0..12_000 {
        if lab.try_wait().expect("the lab").is_some() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    drop(writer);
    let output = lab.wait_with_output().expect("the lab ends");
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    let said = "interrupted by Ctrl-C (SIGINT); what was finished is kept; to go on: cargo xtask compare\n";
    assert_eq!(String::from_utf8_lossy(&output.stderr), said);
}
