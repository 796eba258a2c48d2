//! Before packages are installed, the user is asked.

use std::fs;
use std::process::Stdio;

use rustix::process::Signal;

use crate::machine::TestMachine;
use crate::terminal::OnTerminal;

/// What apt-get does: it installs what is asked for, and reaches no network.
const APT_GET: &str = "case \"$*\" in
  *' install '*)
    echo 'dlstatus:1:50.0000:Retrieving file 1 of 2'
    for program in bc flex; do printf '#!/bin/sh\\n' >$folder/$program; chmod +x $folder/$program; done
    echo 'pmstatus:bc:60.0000:Configuring bc (amd64)'
    ;;
  *download*) echo 'E: no network' >&2; exit 100 ;;
esac";

const COMMAND: [&str; 2] = ["build-kernel", "stock"];

const QUESTION: &str = "Debian packages that are missing: bc flex\nInstall 2 packages with apt-get? [Y/n]";

const BY_HAND: &str = "install them with: apt-get update && apt-get install -y --no-install-recommends bc flex; then run again: \
                       cargo xtask build-kernel stock";

/// On one line, as it was before the terminal broke it into several.
fn joined(screen: &str) -> String {
    screen.replace('\n', "")
}

fn machine() -> TestMachine {
    TestMachine::new(&["bc", "flex"], APT_GET)
}

fn asked(machine: &TestMachine) -> OnTerminal {
    let mut lab = OnTerminal::start(machine.lab(&COMMAND), 200);
    lab.wait_for(|screen| screen.trim_end().ends_with(QUESTION));
    assert_eq!(machine.calls(), "", "nothing is done before the answer");
    lab
}

#[test]
fn no_ends_with_what_the_user_can_do() {
    let machine = machine();
    for (typed, why) in [
        ("n\n", "nothing was installed; "),
        ("\u{4}", "the input ended before an answer, and nothing was installed; "),
    ] {
        let mut lab = asked(&machine);
        lab.types(typed);
        let ended = lab.end();
        assert!(ended.code.is_some_and(|code| code > 1), "{:?}: {}", ended.code, ended.screen);
        let expected = format!("error: {why}{BY_HAND}");
        assert!(joined(&ended.screen).ends_with(&expected), "{}", ended.screen);
        assert_eq!(machine.calls(), "");
        assert!(!machine.has("bc"));
        assert_eq!(machine.stdout(), "");
    }
}

#[test]
fn what_is_no_answer_is_asked_again() {
    let machine = machine();
    let mut lab = asked(&machine);
    lab.types("maybe\n");
    lab.wait_for(|screen| screen.matches("Install 2 packages with apt-get? [Y/n]").count() == 2);
    lab.types("no\n");
    assert!(joined(&lab.end().screen).ends_with(BY_HAND));
    assert_eq!(machine.calls(), "");
}

#[test]
fn ctrl_c_ends_the_question() {
    let machine = machine();
    let lab = asked(&machine);
    lab.signal(Signal::INT);
    let ended = lab.end();
    assert_eq!(ended.code, Some(130), "{}", ended.screen);
    let last = ended.screen.lines().last();
    assert!(last.is_some_and(|line| line.starts_with("interrupted by Ctrl-C (SIGINT)")), "{}", ended.screen);
    assert_eq!(machine.calls(), "");
}

#[test]
fn enter_is_yes_and_the_lab_goes_on() {
    let machine = machine();
    let mut lab = asked(&machine);
    lab.types("\n");
    let ended = lab.end();
    let calls = machine.calls();
    let expected = "apt-get -q update\ndpkg --configure -a\napt-get -q -o APT::Status-Fd=1 install -y --no-install-recommends bc flex\n";
    assert!(calls.starts_with(expected), "{calls}");
    assert!(calls.contains(" download "), "it goes on: {calls}");
    assert!(ended.screen.contains("installing Debian packages: bc flex\n"), "{}", ended.screen);
    assert!(joined(&ended.screen).contains("E: no network"), "{}", ended.screen);
    let left = ["packages  [", "fetching "].map(|step| ended.screen.contains(step));
    assert_eq!(left, [false, false], "{}", ended.screen);
    // Lines about progress are not for people.
    assert_eq!(fs::read_to_string(machine.cache().join("logs/apt-get.log")).expect("the log"), "");
}

#[test]
fn nobody_is_asked_who_said_yes_or_is_not_there() {
    for case in ["--yes", "CI", "no terminal", "no input"] {
        let machine = machine();
        let mut lab = machine.lab(&COMMAND);
        let said = match case {
            "no terminal" => {
                let output = lab.output().expect("the lab");
                String::from_utf8_lossy(&output.stderr).into_owned()
            }
            "no input" => OnTerminal::start_with_input(lab, Stdio::null(), 200).end().screen,
            "CI" => {
                lab.env("CI", "true");
                OnTerminal::start(lab, 200).end().screen
            }
            option => {
                lab.arg(option);
                OnTerminal::start(lab, 200).end().screen
            }
        };
        assert!(!said.contains("[Y/n]"), "{case}: {said}");
        assert!(said.contains("installing Debian packages: bc flex\n"), "{case}: {said}");
        assert!(machine.has("bc"), "{case}: {said}");
    }
}

/// The same where the terminal hears nothing but what the user has to know.
#[test]
fn a_quiet_lab_asks_too() {
    let machine = machine();
    let mut command = machine.lab(&COMMAND);
    command.arg("--quiet");
    let mut lab = OnTerminal::start(command, 200);
    lab.wait_for(|screen| screen.trim_end().ends_with(QUESTION));
    lab.types("y\n");
    let ended = lab.end();
    let after =
        ended.screen.strip_prefix(&format!("{QUESTION} y\n")).unwrap_or_else(|| panic!("{}", ended.screen));
    assert!(after.starts_with("error: ") && joined(after).contains("E: no network"), "{after}");
}

#[test]
fn an_installation_that_fails_shows_its_end_and_its_log() {
    let script = "case \"$*\" in
      *' install '*) for n in $(seq 20); do echo line $n; done; echo 'E: Unable to fetch some archives' >&2; exit 100 ;;
    esac";
    let machine = TestMachine::new(&["bc"], script);
    let output = machine.lab(&COMMAND).output().expect("the lab");
    let said = String::from_utf8_lossy(&output.stderr);
    let log = machine.cache().join("logs/apt-get.log");
    let lines: String = (12..=20).map(|n| format!("  line {n}\n")).collect();
    let end = format!(
        " ended with exit status: 100; its last lines:\n{lines}  E: Unable to fetch some archives\nfull log: {}\n",
        log.display()
    );
    assert!(said.ends_with(&end), "{said}");
    assert!(
        said.contains("by hand: apt-get update && apt-get install -y --no-install-recommends bc: "),
        "{said}"
    );
    assert!(fs::read_to_string(log).expect("the log").starts_with("line 1\nline 2\n"));
    assert_eq!(machine.stdout(), "");
}
