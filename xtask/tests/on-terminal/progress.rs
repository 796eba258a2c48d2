//! What runs has a line on the terminal, which is gone when it has ended, however it ends.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use xtask::lab::output;
use xtask::lab::output::progress::{At, Step};

use crate::machine::TestMachine;
use crate::terminal::OnTerminal;

/// What apt-get does: it says how much there is to fetch, fetches a part of it, says something, and goes on when the file `go` is
/// there.
fn fetching(then: &str) -> TestMachine {
    let script = format!(
        "case \"$*\" in
          *--print-uris*) echo \"'http://example.org/x.deb' x.deb 10485760 SHA256:0\" ;;
          *download*)
            truncate -s 4M x.deb
            echo 'something went on' >&2
            while ! [ -e \"$folder/../go\" ]; do sleep 0.02; done
            {then}
            ;;
        esac"
    );
    TestMachine::new(&[], &script)
}

const FAILS: &str = "echo 'E: no network' >&2; exit 100";

const COMMAND: [&str; 2] = ["build-kernel", "stock"];

const LINE: &str = "fetching linux-source-6.12  [====>       ]  ";

fn goes_on(machine: &TestMachine) {
    fs::write(machine.file("go"), "").expect("a file");
}

/// The lines of a screen that are not empty.
fn lines(screen: &str) -> Vec<&str> {
    screen.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect()
}

#[test]
fn a_download_has_a_line_until_it_fails() {
    let machine = fetching(FAILS);
    let mut lab = OnTerminal::start(machine.lab(&COMMAND), 100);
    let screen = lab.wait_for(|screen| screen.contains("4 of 10 MiB"));
    let line = lines(&screen).pop().unwrap_or_default();
    assert!(line.starts_with(LINE) && line.ends_with("  4 of 10 MiB"), "{screen}");
    goes_on(&machine);
    let ended = lab.end();
    assert!(
        ended.screen.starts_with("error: finding the kernel source linux-source-6.12"),
        "{}",
        ended.screen
    );
    assert!(!ended.screen.contains("MiB"), "{}", ended.screen);
    // Colours are for answers.
    assert!(!ended.bytes.contains("\u{1b}[3"), "{:?}", ended.bytes);
    assert_eq!(machine.stdout(), "");
}

#[test]
fn ctrl_c_leaves_a_clean_terminal() {
    let machine = fetching(FAILS);
    for (signal, name, code) in [(Signal::INT, "Ctrl-C (SIGINT)", 130), (Signal::TERM, "SIGTERM", 143)] {
        let mut lab = OnTerminal::start(machine.lab(&COMMAND), 200);
        lab.wait_for(|screen| screen.contains("4 of 10 MiB"));
        lab.signal(signal);
        let ended = lab.end();
        let expected = format!(
            "interrupted by {name}; what was finished is kept; to go on: cargo xtask build-kernel stock"
        );
        assert_eq!((ended.screen, ended.code), (expected, Some(code)));
    }
}

/// What programs say stands above the line of the step, each whole.
#[test]
fn other_lines_do_not_tear_it() {
    let machine = fetching(FAILS);
    let mut command = machine.lab(&COMMAND);
    command.arg("--verbose");
    let mut lab = OnTerminal::start(command, 300);
    let screen = lab.wait_for(|screen| screen.contains("4 of 10 MiB") && screen.contains("something"));
    let shown = lines(&screen);
    let started = shown.iter().position(|line| line.starts_with("$ apt-get download --quiet --quiet"));
    let said = shown.iter().position(|line| *line == "  something went on");
    assert!(started.is_some() && started < said, "{screen}");
    let with_bar: Vec<usize> = (0..shown.len()).filter(|place| shown[*place].contains("MiB")).collect();
    assert_eq!(with_bar, [shown.len() - 1], "{screen}");
    assert!(shown[shown.len() - 1].starts_with(LINE), "{screen}");
    goes_on(&machine);
    assert!(!lab.end().screen.contains("MiB"));
}

#[test]
fn a_narrow_terminal_gets_a_short_line() {
    let machine = fetching(FAILS);
    let mut lab = OnTerminal::start(machine.lab(&COMMAND), 34);
    let screen = lab.wait_for(|screen| screen.contains("fetching linux-source-6.12  "));
    assert_eq!(lines(&screen).len(), 1, "{screen}");
    goes_on(&machine);
    assert!(lab.end().screen.starts_with("error: "));
}

/// Without a terminal, on a dumb one, and if only the answer is wanted.
#[test]
fn elsewhere_there_are_plain_lines_alone() {
    let machine = fetching(FAILS);
    goes_on(&machine);
    let piped = machine.lab(&COMMAND).output().expect("the lab");
    let piped = String::from_utf8_lossy(&piped.stderr).into_owned();
    let mut dumb = machine.lab(&COMMAND);
    dumb.env("TERM", "dumb");
    let dumb = OnTerminal::start(dumb, 300).end();
    let mut quiet = machine.lab(&COMMAND);
    quiet.arg("--quiet");
    let quiet = OnTerminal::start(quiet, 300).end();
    for said in [piped, dumb.bytes.replace("\r\n", "\n"), quiet.bytes.replace("\r\n", "\n")] {
        assert!(said.starts_with("error: finding the kernel source linux-source-6.12"), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(!said.contains(['\u{1b}', '\r']), "{said:?}");
    }
}

/// The program that the next test starts. By itself it tests nothing.
#[test]
fn a_step_that_panics() {
    let Some(go) = std::env::var_os("PATCHLAB_TEST_GO") else { return };
    output::close_on_panic();
    let step = Step::begin("a step");
    step.show(At { share: Some((1, 3)), left: None, text: "one of three".to_owned() });
    while !Path::new(&go).exists() {
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("it has to go");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the program under test is started as a user would")]
fn a_panic_leaves_a_clean_terminal() {
    let folder = tempfile::tempdir().expect("a folder");
    let go = folder.path().join("go");
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", "progress::a_step_that_panics", "--nocapture"]);
    command.env("PATCHLAB_TEST_GO", &go).env("TERM", "xterm").stdout(Stdio::null());
    let mut program = OnTerminal::start(command, 100);
    program.wait_for(|screen| screen.contains("a step  [====>       ]  ") && screen.contains("one of three"));
    fs::write(go, "").expect("a file");
    let ended = program.end();
    assert!(ended.screen.contains("it has to go"), "{}", ended.screen);
    assert!(!ended.screen.contains("one of three"), "{}", ended.screen);
}
