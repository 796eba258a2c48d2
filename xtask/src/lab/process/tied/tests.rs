//! Programs that start others, and a lab that is killed: this test program, started once more.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use super::*;

/// Long enough that it cannot end by itself within a test.
const SLEEP: &str = "sleep 600";

/// A shell that starts two programs, each in its own way, and writes their numbers down.
fn starter(folder: &Path) -> Command {
    let mut command = grouped("sh");
    let script = format!("{SLEEP} & echo $! >one; sh -c '{SLEEP} & echo $! >two; wait' & wait");
    command.args(["-c", &script]).current_dir(folder).stdin(Stdio::null());
    command
}

fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn number(path: &Path) -> Option<u32> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

fn numbers(folder: &Path) -> Vec<u32> {
    let path = |name: &str| folder.join(name);
    wait_for("nothing was started", || ["one", "two"].iter().all(|name| number(&path(name)).is_some()));
    ["one", "two"].iter().filter_map(|name| number(&path(name))).collect()
}

/// Whether a program runs; one that has ended and was not waited for does not.
fn runs(id: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    status.lines().any(|line| line.starts_with("State:") && !line.contains('Z') && !line.contains('X'))
}

fn expect_gone(started: &[u32]) {
    for &id in started {
        wait_for(&format!("process {id} goes on"), || !runs(id));
    }
}

#[test]
fn ending_a_tree_ends_what_its_program_has_started() {
    let folder = tempfile::tempdir().unwrap();
    let mut tree = Tree::start(starter(folder.path())).unwrap();
    let started = numbers(folder.path());
    assert!(started.iter().all(|id| runs(*id)));
    tree.end();
    expect_gone(&started);
}

/// As when make is killed and its compilers are not.
#[test]
fn what_a_program_leaves_behind_goes_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut tree = Tree::start(starter(folder.path())).unwrap();
    let started = numbers(folder.path());
    tree.child.kill().unwrap();
    wait_for("it goes on", || tree.try_wait().unwrap().is_some());
    drop(tree);
    expect_gone(&started);
}

/// The lab that the next test starts and kills. By itself it tests nothing.
#[test]
fn a_lab_that_waits_to_be_killed() {
    let Some(folder) = std::env::var_os("PATCHLAB_TEST_FOLDER") else { return };
    let _tree = Tree::start(starter(Path::new(&folder))).unwrap();
    println!("started");
    std::thread::sleep(Duration::from_secs(600));
}

#[test]
fn a_killed_lab_takes_the_whole_tree_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let name = "lab::process::tied::tests::a_lab_that_waits_to_be_killed";
    let mut lab = grouped(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", name])
        .env("PATCHLAB_TEST_FOLDER", folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(lab.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("started")));
    let started = numbers(folder.path());
    assert!(started.iter().all(|id| runs(*id)));
    lab.kill().unwrap();
    lab.wait().unwrap();
    expect_gone(&started);
}
