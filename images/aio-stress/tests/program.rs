//! The program on real files: what it prints, what it leaves, and how it exits.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs::File;
use std::path::PathBuf;

use expect_test::{Expect, expect};
use tempfile::TempDir;
use xshell::{Shell, cmd};

struct Run {
    code: Option<i32>,
    /// With the folder's name, rates and times replaced.
    text: String,
}

/// Runs the program with these arguments, in which `{file}` and `{other}` stand for files in a folder.
fn run(folder: &TempDir, arguments: &str) -> Run {
    let sh = Shell::new().unwrap();
    let path = folder.path().to_str().unwrap();
    let arguments = arguments.replace("{file}", &format!("{path}/file"));
    let arguments = arguments.replace("{other}", &format!("{path}/other"));
    let program = env!("CARGO_BIN_EXE_aio-stress");
    let output = cmd!(sh, "{program}").args(arguments.split_whitespace()).ignore_status().output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "");
    let text = String::from_utf8(output.stderr).unwrap().replace(path, "DIR");
    Run { code: output.status.code(), text: text.lines().map(|line| without_times(line) + "\n").collect() }
}

/// A line with `*` for its rate and its seconds, both of which must be positive numbers.
fn without_times(line: &str) -> String {
    let Some((before, rest)) = line.split_once(" (") else { return line.to_owned() };
    let Some((rate, rest)) = rest.split_once(" MB/s) ") else { return line.to_owned() };
    let (megabytes, seconds) = rest.split_once(" in ").unwrap();
    assert!(rate.parse::<f64>().unwrap() > 0.0, "{line}");
    assert!(seconds.strip_suffix('s').unwrap().parse::<f64>().unwrap() >= 0.0, "{line}");
    format!("{before} (* MB/s) {megabytes} in *s")
}

fn check(folder: &TempDir, arguments: &str, expected: Expect) {
    let run = run(folder, arguments);
    expected.assert_eq(&run.text);
    assert_eq!(run.code, Some(0), "{arguments}");
}

fn fails(folder: &TempDir, arguments: &str, expected: Expect) {
    let run = run(folder, arguments);
    let error: String = run.text.lines().filter(|line| line.starts_with("aio-stress: ")).collect();
    expected.assert_eq(&error);
    assert_eq!(run.code, Some(1), "{arguments}");
}

fn folder_with(length: u64) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    File::create(&path).unwrap().set_len(length).unwrap();
    (folder, path)
}

#[test]
fn the_runs_of_the_mail() {
    let (folder, path) = folder_with(8 << 20);
    check(
        &folder,
        "-s 8 -a 4 -b 1 -c 1 -O -o 1 {file}",
        expect![[r#"
        adding stage read
        dropping io_iter to 1
        starting with read
        file size 8MB, record size 64KB, depth 64, I/O per iteration 1
        max io_submit 1, buffer alignment set to 4KB
        threads 1 files 1 contexts 1 context offset 2MB verification off
        read on DIR/file (* MB/s) 8.00 MB in *s
        thread 0 read totals (* MB/s) 8.00 MB in *s
    "#]],
    );
    check(
        &folder,
        "-s 8 -a 4 -b 1 -c 1 -O -o 0 {file}",
        expect![[r#"
        adding stage write
        dropping io_iter to 1
        starting with write
        file size 8MB, record size 64KB, depth 64, I/O per iteration 1
        max io_submit 1, buffer alignment set to 4KB
        threads 1 files 1 contexts 1 context offset 2MB verification off
        write on DIR/file (* MB/s) 8.00 MB in *s
        thread 0 write totals (* MB/s) 8.00 MB in *s
    "#]],
    );
    assert_eq!(path.metadata().unwrap().len(), 8 << 20);
}

#[test]
fn all_stages_make_and_verify_a_file() {
    let (folder, path) = folder_with(0);
    check(
        &folder,
        "-s 4 -v -S {file}",
        expect![[r#"
        starting with write
        file size 4MB, record size 64KB, depth 64, I/O per iteration 8
        max io_submit 8, buffer alignment set to 4KB
        threads 1 files 1 contexts 1 context offset 2MB verification on
        write on DIR/file (* MB/s) 4.00 MB in *s
        thread 0 write totals (* MB/s) 4.00 MB in *s
        read on DIR/file (* MB/s) 4.00 MB in *s
        thread 0 read totals (* MB/s) 4.00 MB in *s
        random write on DIR/file (* MB/s) 4.00 MB in *s
        thread 0 random write totals (* MB/s) 4.00 MB in *s
        random read on DIR/file (* MB/s) 4.00 MB in *s
        thread 0 random read totals (* MB/s) 4.00 MB in *s
    "#]],
    );
    let mut expected = vec![0; 4 << 20];
    aio_stress::pattern::fill(&mut expected, 0);
    assert!(std::fs::read(path).unwrap() == expected);
}

#[test]
fn two_threads_and_files() {
    let (folder, path) = folder_with(0);
    let run = run(&folder, "-s 4 -c 1 -t 2 -x -u -o 0 {file} {other}");
    assert_eq!(run.code, Some(0));
    let mut lines: Vec<&str> = run.text.lines().collect();
    // Threads are done in any order; the sum comes last.
    let last = lines.pop().unwrap();
    lines.sort();
    expect![[r#"
        adding stage write
        file size 4MB, record size 64KB, depth 64, I/O per iteration 8
        max io_submit 16, buffer alignment set to 4KB
        starting with write
        thread 0 write totals (* MB/s) 4.00 MB in *s
        thread 1 write totals (* MB/s) 4.00 MB in *s
        threads 2 files 2 contexts 1 context offset 2MB verification off
        write on DIR/file (* MB/s) 4.00 MB in *s
        write on DIR/other (* MB/s) 4.00 MB in *s
        write throughput (* MB/s) 8.00 MB in *s
    "#]]
    .assert_eq(&(lines.join("\n") + "\n" + last + "\n"));
    assert!(!path.exists() && !folder.path().join("other").exists());
}

#[test]
fn a_file_that_ends_early_counts_as_far_as_it_goes() {
    let (folder, _) = folder_with((3 << 20) + 1000);
    check(
        &folder,
        "-s 8 -o 1 {file}",
        expect![[r#"
        adding stage read
        starting with read
        file size 8MB, record size 64KB, depth 64, I/O per iteration 8
        max io_submit 8, buffer alignment set to 4KB
        threads 1 files 1 contexts 1 context offset 2MB verification off
        read on DIR/file (* MB/s) 3.00 MB in *s
        thread 0 read totals (* MB/s) 3.00 MB in *s
    "#]],
    );
}

#[test]
fn a_limit_of_turns_ends_a_stage() {
    let (folder, _) = folder_with(8 << 20);
    check(
        &folder,
        "-s 8 -o 1 -o 3 -I 4 -i 2 {file}",
        expect![[r#"
        adding stage read
        adding stage random read
        starting with read
        file size 8MB, record size 64KB, depth 64, I/O per iteration 2
        max io_submit 2, buffer alignment set to 4KB
        threads 1 files 1 contexts 1 context offset 2MB verification off
        read on DIR/file (* MB/s) 0.50 MB in *s
        thread 0 read totals (* MB/s) 0.50 MB in *s
        random read on DIR/file (* MB/s) 0.50 MB in *s
        thread 0 random read totals (* MB/s) 0.50 MB in *s
    "#]],
    );
}

#[test]
fn more_pending_than_a_context_takes() {
    let (folder, _) = folder_with(0);
    let run = run(&folder, "-s 8 -r 4 -d 2000 -i 2000 -v -o 0 -o 1 {file}");
    assert_eq!(run.code, Some(0), "{}", run.text);
}

#[test]
fn what_goes_wrong_is_told() {
    let (folder, path) = folder_with(0);
    fails(
        &folder,
        "-s 8 -o 1 {file}",
        expect![
            "aio-stress: reading DIR/file: no data from offset 0 on; write the file first, e.g. with `-o 0`"
        ],
    );
    fails(
        &folder,
        "-s 8 -o 3 {file}",
        expect![
            "aio-stress: reading DIR/file: no data from offset 0 on; write the file first, e.g. with `-o 0`"
        ],
    );
    fails(
        &folder,
        "-s 8 -o 1 -c 2 -t 2 -x {file}",
        expect![
            "aio-stress: reading DIR/file: no data from offset 0 on; write the file first, e.g. with `-o 0`"
        ],
    );
    fails(
        &folder,
        "-s 8 -c 5 {file}",
        expect![
            "aio-stress: 8 MB are too small for 5 contexts of whole records; lower -c, -C or -r, or raise -s"
        ],
    );
    fails(&folder, "-s 8", expect!["aio-stress: no file was named; -h explains the arguments"]);
    fails(
        &folder,
        "-s 8 -o 0 {file}/nothing",
        expect!["aio-stress: opening DIR/file/nothing: Not a directory (os error 20)"],
    );
    File::options().write(true).open(&path).unwrap().set_len(8 << 20).unwrap();
    fails(
        &folder,
        "-s 8 -v -o 1 {file}",
        expect!["aio-stress: verifying DIR/file: wrong data at offset 0 (was the file written with -v?)"],
    );
}

#[test]
fn a_write_beyond_the_largest_file_fails() {
    let (folder, _) = folder_with(0);
    let sh = Shell::new().unwrap();
    let (program, file) = (env!("CARGO_BIN_EXE_aio-stress"), folder.path().join("file"));
    // The signal would end the program before it can see the error.
    let limited = "trap '' XFSZ; ulimit -f 2048; exec \"$0\" -s 4 -o 0 \"$1\"";
    let output = cmd!(sh, "bash -c {limited} {program} {file}").ignore_status().output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("File too large") || text.contains(" of 65536 bytes at offset"), "{text}");
    assert!(!text.contains("MB/s"), "{text}");
    assert_eq!(output.status.code(), Some(1));
}
