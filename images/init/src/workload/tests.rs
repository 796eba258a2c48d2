//! Command lines, and ends of programs.

use lab_protocol::{Job, LOCAL_DIR, MOUNT_DIR};

use super::*;

fn shell(script: &str) -> Outcome {
    run_shell(script, Duration::from_secs(60))
}

fn run_shell(script: &str, limit: Duration) -> Outcome {
    run(&["/bin/sh".to_owned(), "-c".to_owned(), script.to_owned()], &[], limit)
}

#[test]
fn the_path_of_the_file_is_put_in() {
    let argv = |args: &[&str]| {
        argv(
            &WorkloadTask {
                name: "read".to_owned(),
                tool: Tool::Dd,
                args: args.iter().map(|&arg| arg.to_owned()).collect(),
                file_mib: 64,
                samples: 1,
                job: None,
            },
            MOUNT_DIR,
        )
    };
    for (args, expected) in [
        (vec![], vec!["/bin/dd"]),
        (vec!["bs=2M", "if={file}"], vec!["/bin/dd", "bs=2M", "if=/mnt/fuse/data-64-mib"]),
        (vec!["{file}{file}"], vec!["/bin/dd", "/mnt/fuse/data-64-mib/mnt/fuse/data-64-mib"]),
        (vec!["{files}", ""], vec!["/bin/dd", "{files}", ""]),
    ] {
        assert_eq!(argv(&args), expected);
    }
}

#[test]
fn fio_finds_its_file_in_the_environment() {
    let task = WorkloadTask {
        name: "randread".to_owned(),
        tool: Tool::Fio,
        args: Vec::new(),
        file_mib: 4096,
        samples: 1,
        job: Some(Job { file: "images/fio/randread.fio".to_owned(), text: "[job]\n".to_owned() }),
    };
    let argv = argv(&task, MOUNT_DIR);
    assert_eq!((argv[0].as_str(), argv[1].as_str()), ("/bin/fio", "--output-format=json"));
    assert_eq!(argv[argv.len() - 1], "/tmp/job.fio");
    let outcome = run(
        &["/bin/sh".to_owned(), "-c".to_owned(), "echo $LAB_FILE $LAB_SIZE $PATH".to_owned()],
        &environment(&task, MOUNT_DIR),
        Duration::from_secs(60),
    );
    assert_eq!(outcome.stdout, "/mnt/fuse/data-4096-mib 4294967296 /bin\n");
}

#[test]
fn pjdfstest_works_on_the_mount() {
    let task = WorkloadTask {
        name: "posix".to_owned(),
        tool: Tool::Pjdfstest,
        args: Vec::new(),
        file_mib: 1,
        samples: 1,
        job: Some(Job { file: "x.toml".to_owned(), text: String::new() }),
    };
    let expected = ["/bin/pjdfstest", "--configuration-file", "/tmp/pjdfstest.toml", "--path", "/mnt/fuse/."];
    assert_eq!(argv(&task, MOUNT_DIR), expected);
    assert_eq!(argv(&task, LOCAL_DIR)[4].len(), expected[4].len());
    // What it has left for names below its two temporary folders, of which it would panic at a multiple.
    let left = 4095 - (expected[4].len() + 2 * "/.tmpABCDEF".len());
    assert_ne!(left % 127, 0);
}

#[test]
fn both_outputs_are_kept_apart() {
    let outcome = shell("echo out; echo err >&2; echo more; cat; exit 3");
    assert_eq!(outcome.end, EndOfProgram::Exit(3));
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("out\nmore\n", "err\n"));
    assert_eq!(shell("kill -6 $$").end, EndOfProgram::Signal(6));
}

#[test]
fn a_talkative_tool_neither_blocks_nor_fills_the_memory() {
    let outcome = shell("yes 12345678 | head -c 3000000; echo end");
    assert_eq!(outcome.end, EndOfProgram::Exit(0));
    assert!(outcome.stdout.starts_with("12345678\n") && outcome.stdout.ends_with("end\n"));
    let cut = 3_000_004 - OUTPUT_LIMIT;
    assert!(outcome.stdout.contains(&format!("\n[{cut} bytes are cut here]\n")));
    assert!(outcome.cpu.user_us + outcome.cpu.system_us > 0);
}

#[test]
fn a_tool_that_closes_its_outputs_is_still_waited_for() {
    let outcome = shell("exec >&- 2>&-; sleep 0.2; exit 4");
    assert_eq!(outcome.end, EndOfProgram::Exit(4));
    assert!(outcome.elapsed >= Duration::from_millis(200));
}

#[test]
fn what_a_tool_leaves_behind_is_not_waited_for() {
    let outcome = shell("sleep 2 & echo done");
    assert_eq!((outcome.end, outcome.stdout.as_str()), (EndOfProgram::Exit(0), "done\n"));
    assert!(outcome.elapsed < Duration::from_secs(2));
}

#[test]
fn a_program_that_is_not_there_is_not_started() {
    let outcome = run(&["/proc/nonexistent".to_owned()], &[], Duration::from_secs(60));
    let reason = "starting /proc/nonexistent: No such file or directory (os error 2)";
    assert_eq!(outcome.end, EndOfProgram::NotStarted(reason.to_owned()));
}
