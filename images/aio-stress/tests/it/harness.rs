//! Runs the program in a folder of its own.

use std::fs::File;
use std::path::PathBuf;

use expect_test::Expect;
use serde_json::Value;
use tempfile::TempDir;
use xshell::{Shell, cmd};

/// The program.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_aio-stress");

/// What a run came to.
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    /// Standard error, with the folder's name, rates, times and latencies replaced.
    pub(crate) text: String,
}

impl Run {
    /// The lines in which the program tells of a failure.
    pub(crate) fn error(&self) -> String {
        self.text.lines().filter(|line| line.starts_with("aio-stress: ")).collect()
    }

    /// The document on standard output.
    pub(crate) fn document(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}

/// Runs the program with these arguments, in which `{file}` and `{other}` stand for files in the folder.
pub(crate) fn run(folder: &TempDir, arguments: &str) -> Run {
    run_behind(folder, "", arguments)
}

/// The same behind a piece of a shell's work, in which `{folder}` stands for the folder.
pub(crate) fn run_behind(folder: &TempDir, preparation: &str, arguments: &str) -> Run {
    let sh = Shell::new().unwrap();
    let path = folder.path().to_str().unwrap();
    let preparation = preparation.replace("{folder}", path);
    let arguments = arguments.replace("{file}", &format!("{path}/file"));
    let arguments = arguments.replace("{other}", &format!("{path}/other"));
    let exec = if preparation.starts_with("exec ") { "" } else { "exec" };
    let script = format!("{preparation} {exec} {PROGRAM} {arguments}");
    let output = cmd!(sh, "bash -c {script}").ignore_status().output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap().replace(path, "DIR");
    Run {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap().replace(path, "DIR"),
        text: text.lines().map(|line| without_times(line) + "\n").collect(),
    }
}

/// A line with `*` for its rate and its seconds, both of which must be positive numbers, or for its latencies.
fn without_times(line: &str) -> String {
    if let Some((title, rest)) = line.split_once("latency min ") {
        let numbers: Vec<f64> = rest.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        assert!(numbers.len() == 3 && numbers[0] <= numbers[1] && numbers[1] <= numbers[2], "{line}");
        return format!("{title}latency min * avg * max *");
    }
    if let Some(counts) = line.strip_prefix('\t') {
        // Each is followed by its limit, the last by `more`.
        let counts = counts.split_whitespace().step_by(3).map(|count| count.parse::<u64>().unwrap());
        return format!("\t {} in all", counts.sum::<u64>());
    }
    let Some((before, rest)) = line.split_once(" (") else { return line.to_owned() };
    let Some((rate, rest)) = rest.split_once(" MB/s) ") else { return line.to_owned() };
    let (megabytes, seconds) = rest.split_once(" in ").unwrap();
    assert!(rate.parse::<f64>().unwrap() > 0.0, "{line}");
    assert!(seconds.strip_suffix('s').unwrap().parse::<f64>().unwrap() >= 0.0, "{line}");
    format!("{before} (* MB/s) {megabytes} in *s")
}

/// Runs well and says what is expected.
pub(crate) fn check(folder: &TempDir, arguments: &str, expected: Expect) {
    let run = run(folder, arguments);
    expected.assert_eq(&run.text);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""), "{arguments}");
}

/// Fails with this message.
pub(crate) fn fails(folder: &TempDir, arguments: &str, expected: Expect) {
    fails_behind(folder, "", arguments, expected);
}

/// Fails with this message behind a piece of a shell's work.
pub(crate) fn fails_behind(folder: &TempDir, preparation: &str, arguments: &str, expected: Expect) {
    let run = run_behind(folder, preparation, arguments);
    expected.assert_eq(&run.error());
    assert_eq!(run.code, Some(1), "{arguments}");
}

/// A folder with a `file` of so many bytes.
pub(crate) fn folder_with(length: u64) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    File::create(&path).unwrap().set_len(length).unwrap();
    (folder, path)
}
