//! What the program prints, and what it leaves.

use expect_test::expect;

use crate::harness::{check, folder_with, run};

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
    lab_protocol::stamp::Stamp::Spread.fill(&mut expected, 0);
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
fn latencies_are_printed_when_they_are_asked_for() {
    let (folder, _) = folder_with(4 << 20);
    check(
        &folder,
        "-s 4 -o 1 -l {file}",
        expect![[r#"
        adding stage read
        starting with read
        file size 4MB, record size 64KB, depth 64, I/O per iteration 8
        max io_submit 8, buffer alignment set to 4KB
        threads 1 files 1 contexts 1 context offset 2MB verification off
        read on DIR/file (* MB/s) 4.00 MB in *s
        latency min * avg * max *
        	 8 in all
        thread 0 read totals (* MB/s) 4.00 MB in *s
    "#]],
    );
    check(
        &folder,
        "-s 4 -o 1 -b 1 -L -l {file}",
        expect![[r#"
        adding stage read
        dropping io_iter to 1
        starting with read
        file size 4MB, record size 64KB, depth 64, I/O per iteration 1
        max io_submit 1, buffer alignment set to 4KB
        threads 1 files 1 contexts 1 context offset 2MB verification off
        read on DIR/file (* MB/s) 4.00 MB in *s
        latency min * avg * max *
        	 64 in all
        completion latency min * avg * max *
        	 64 in all
        thread 0 read totals (* MB/s) 4.00 MB in *s
    "#]],
    );
}

#[test]
fn stages_are_announced_as_they_were_given_and_run_in_one_order() {
    let (folder, _) = folder_with(0);
    check(
        &folder,
        "-s 1 -d 4 -n -o 3 -o 0 {file}",
        expect![[r#"
        adding stage random read
        adding stage write
        dropping io_iter to 4
        starting with write
        file size 1MB, record size 64KB, depth 4, I/O per iteration 4
        max io_submit 4, buffer alignment set to 4KB
        threads 1 files 1 contexts 1 context offset 2MB verification off
        write on DIR/file (* MB/s) 1.00 MB in *s
        thread 0 write totals (* MB/s) 1.00 MB in *s
        random read on DIR/file (* MB/s) 1.00 MB in *s
        thread 0 random read totals (* MB/s) 1.00 MB in *s
    "#]],
    );
}

#[test]
fn data_is_the_same_from_any_kind_of_memory() {
    let (folder, path) = folder_with(0);
    let mut expected = vec![0; 2 << 20];
    lab_protocol::stamp::Stamp::Spread.fill(&mut expected, 0);
    for memory in ["-m shm", "-m shmfs", "-a 64 -O", "-a 512b -O -r 512b -d 3", "-r 128 -a 1m"] {
        std::fs::write(&path, "").unwrap();
        let run = run(&folder, &format!("{memory} -s 2 -v {{file}}"));
        assert_eq!(run.code, Some(0), "{memory}: {}", run.text);
        assert!(std::fs::read(&path).unwrap() == expected, "{memory}");
    }
}

#[test]
fn help_goes_to_standard_output() {
    let (folder, _) = folder_with(0);
    for arguments in ["-h", "--help", "-s 4 -h", "{file} -h"] {
        let run = run(&folder, arguments);
        assert_eq!((run.code, run.stdout.as_str(), run.text.as_str()), (Some(0), aio_stress::help::HELP, ""));
    }
    for letter in "abcCsrdiIoOSnlLmtuvxh".chars() {
        assert!(aio_stress::help::HELP.contains(&format!("\n  -{letter} ")), "-{letter}");
    }
}
