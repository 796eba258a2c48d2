//! The line protocol, and the ways in which the server ends.

use std::fs::File;
use std::io::Read;

use lab_protocol::{ControlCommand, ControlReply};
use rustix::mount::{MountFlags, UnmountFlags};
use rustix::process::{Pid, Signal};

use crate::harness::{Served, eventually, read_direct, settings, start};

#[test]
fn take_starts_the_counters_again() {
    let mut served = Served::new(&settings());
    served.store("file", 4096);
    let first = served.take();
    assert_eq!(first.by_operation["INIT"], 1);
    read_direct(&served.path("file"), 0, 4096);
    let stats = served.take();
    assert_eq!(stats.by_operation["READ"], 1);
    assert_eq!(stats.by_operation["OPEN"], 1);
    assert_eq!(stats.by_operation["LOOKUP"], 1);
    // The RELEASE of the close(2) may come now.
    let stats = served.take();
    assert!(!stats.by_operation.contains_key("READ"), "{:?}", stats.by_operation);
    assert_eq!((stats.most_in_flight, stats.read_sizes.len()), (0, 0));
}

#[test]
fn quit_unmounts() {
    let mut served = Served::new(&settings());
    assert!(served.is_mounted());
    served.send(ControlCommand::Quit);
    assert!(served.wait().success());
    assert!(!served.is_mounted());
}

#[test]
fn the_end_of_the_input_unmounts() {
    let mut served = Served::new(&settings());
    served.close_input();
    assert!(served.wait().success());
    assert!(!served.is_mounted());
}

#[test]
fn signals_unmount() {
    for signal in [Signal::INT, Signal::TERM] {
        let mut served = Served::new(&settings());
        let process = Pid::from_raw(served.process() as i32).unwrap();
        rustix::process::kill_process(process, signal).unwrap();
        assert!(served.wait().success(), "{signal:?}");
        assert!(!served.is_mounted(), "{signal:?}");
    }
}

#[test]
fn an_unmount_from_outside_ends_the_server() {
    let mut served = Served::new(&settings());
    rustix::mount::unmount(served.mount(), UnmountFlags::empty()).unwrap();
    assert!(served.wait().success());
}

#[test]
fn a_busy_mount_is_detached_and_told() {
    let mut served = Served::new(&settings());
    let _busy = File::create(served.path("file")).unwrap();
    let reply = served.ask(ControlCommand::Quit);
    let ControlReply::Error(text) = reply else { panic!("{reply:?}") };
    assert!(text.contains("(it was detached instead): Device or resource busy"), "{text}");
    assert_eq!(served.wait().code(), Some(1));
    assert!(!served.is_mounted());
}

#[test]
fn an_abort_is_an_error_and_leaves_no_mount() {
    let mut served = Served::new(&settings());
    let device = rustix::fs::stat(served.mount()).unwrap().st_dev;
    let control = tempfile::tempdir().unwrap();
    rustix::mount::mount("none", control.path(), "fusectl", MountFlags::empty(), None).unwrap();
    let abort = control.path().join(rustix::fs::minor(device).to_string()).join("abort");
    let aborted = std::fs::write(&abort, "1");
    rustix::mount::unmount(control.path(), UnmountFlags::DETACH).unwrap();
    aborted.unwrap();
    let reply = served.reply();
    let ControlReply::Error(text) = reply else { panic!("{reply:?}") };
    assert!(text.starts_with("the connection to the kernel broke"), "{text}");
    assert_eq!(served.wait().code(), Some(1));
    assert!(!served.is_mounted());
}

#[test]
fn an_unknown_command_ends_the_server() {
    let mut served = Served::new(&settings());
    let expected =
        "unknown command `help`; the commands are `take`, `log PLACE`, `behave JSON`, `act FILE` and `quit`";
    assert_eq!(served.ask("help"), ControlReply::Error(expected.to_owned()));
    assert_eq!(served.wait().code(), Some(1));
    assert!(!served.is_mounted());
}

/// Runs the program with what cannot work, and gives its exit code, standard output and standard error.
fn fails(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut child = start(arguments);
    // Should it work after all, this ends it.
    drop(child.stdin.take());
    let (mut output, mut errors) = (String::new(), String::new());
    child.stdout.take().unwrap().read_to_string(&mut output).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    (child.wait().unwrap().code(), output, errors)
}

#[test]
fn errors_are_told_on_both_outputs() {
    let json = serde_json::to_string(&settings()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (here, missing) = (folder.path().to_str().unwrap(), folder.path().join("missing"));
    let missing = missing.to_str().unwrap();
    let text = format!("opening the storage {missing}: No such file or directory (os error 2)");
    let (code, output, errors) = fails(&["--control", "--settings", &json, missing, here]);
    assert_eq!((code, errors), (Some(1), format!("passthrough: {text}\n")));
    assert_eq!(output, format!("{{\"error\":\"{text}\"}}\n"));

    let (code, output, errors) = fails(&["--settings", &json, here, missing]);
    assert_eq!((code, output.as_str()), (Some(1), ""));
    let start = format!("passthrough: mounting on {missing} (this needs root");
    assert!(errors.starts_with(&start), "{errors}");

    let (code, output, _) = fails(&["--control", "--settings", "{}", here, here]);
    assert_eq!(code, Some(1));
    assert!(output.starts_with("{\"error\":\"settings: missing field `threads`"), "{output}");
}

#[test]
fn without_control_nothing_is_printed_and_input_is_not_read() {
    let folders = [tempfile::tempdir_in("/dev/shm").unwrap(), tempfile::tempdir().unwrap()];
    let [storage, mount] = folders.each_ref().map(|folder| folder.path().to_str().unwrap());
    let json = serde_json::to_string(&settings()).unwrap();
    let mut child = start(&["--settings", &json, storage, mount]);
    drop(child.stdin.take());
    std::fs::write(format!("{storage}/file"), "text").unwrap();
    let file = format!("{mount}/file");
    eventually("the mount", || std::fs::read_to_string(&file).is_ok());
    rustix::mount::unmount(mount, UnmountFlags::empty()).unwrap();
    assert!(child.wait().unwrap().success());
    let mut output = String::new();
    child.stdout.take().unwrap().read_to_string(&mut output).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut output).unwrap();
    assert_eq!(output, "");
}
