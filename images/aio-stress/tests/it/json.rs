//! The document of results.

use expect_test::{Expect, expect};
use serde_json::Value;

use crate::harness::{folder_with, run, run_behind};

/// The document with `0.0` for times and rates and 0 for latencies, all of which must agree with each other.
fn masked(mut document: Value) -> String {
    mask(&mut document);
    serde_json::to_string_pretty(&document).unwrap() + "\n"
}

fn mask(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(mask),
        Value::Object(object) => {
            if let (Some(bytes), Some(seconds), Some(rate)) =
                (object.get("bytes"), object.get("seconds"), object.get("mib-per-s"))
            {
                let [bytes, seconds, rate] = [bytes, seconds, rate].map(|value| value.as_f64().unwrap());
                assert!((bytes / seconds / 1_048_576.0 - rate).abs() < rate / 1e6 || bytes == 0.0);
                object.insert("seconds".to_owned(), 0.0.into());
                object.insert("mib-per-s".to_owned(), 0.0.into());
            }
            if object.contains_key("p99.9") {
                let names = ["min", "p50", "p90", "p99", "p99.9", "max"];
                let ranks = names.map(|name| object[name].as_u64().unwrap());
                assert!(ranks.is_sorted(), "{object:?}");
                let mean = object["mean"].as_u64().unwrap();
                assert!(ranks[0] <= mean && mean <= ranks[5], "{object:?}");
                names.iter().chain(&["mean"]).for_each(|name| object[*name] = 0.into());
            }
            object.values_mut().for_each(mask);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn everything_is_in_it() {
    let (folder, _) = folder_with(1 << 20);
    let run = run(&folder, "-s 1 -O -r 64 -i 4 -b 4 -d 9 -o 1 --json - {file}");
    assert_eq!(run.code, Some(0), "{}", run.text);
    expect![[r#"
        {
          "error": null,
          "format": 1,
          "options": {
            "alignment-bytes": 4096,
            "completion-latencies": false,
            "context-offset-bytes": 2097152,
            "contexts": 1,
            "depth": 9,
            "direct": true,
            "file-size-bytes": 1048576,
            "files": [
              "DIR/file"
            ],
            "fsync": true,
            "memory": "private",
            "most-per-submit": 4,
            "per-turn": 4,
            "record-bytes": 65536,
            "stages": [
              "read"
            ],
            "stonewall": true,
            "submit-latencies": false,
            "sync": false,
            "threads": 1,
            "turns": null,
            "unlink": false,
            "verify": false
          },
          "stages": [
            {
              "files": [
                {
                  "bytes": 1048576,
                  "completion-latency-ns": {
                    "count": 16,
                    "max": 0,
                    "mean": 0,
                    "min": 0,
                    "p50": 0,
                    "p90": 0,
                    "p99": 0,
                    "p99.9": 0
                  },
                  "context": 0,
                  "file": "DIR/file",
                  "mib-per-s": 0.0,
                  "requests": 16,
                  "seconds": 0.0,
                  "submit-latency-ns": {
                    "count": 4,
                    "max": 0,
                    "mean": 0,
                    "min": 0,
                    "p50": 0,
                    "p90": 0,
                    "p99": 0,
                    "p99.9": 0
                  },
                  "submits": 4,
                  "thread": 0
                }
              ],
              "stage": "read",
              "threads": [
                {
                  "bytes": 1048576,
                  "completion-latency-ns": {
                    "count": 16,
                    "max": 0,
                    "mean": 0,
                    "min": 0,
                    "p50": 0,
                    "p90": 0,
                    "p99": 0,
                    "p99.9": 0
                  },
                  "error": null,
                  "mib-per-s": 0.0,
                  "requests": 16,
                  "seconds": 0.0,
                  "submit-latency-ns": {
                    "count": 4,
                    "max": 0,
                    "mean": 0,
                    "min": 0,
                    "p50": 0,
                    "p90": 0,
                    "p99": 0,
                    "p99.9": 0
                  },
                  "submits": 4,
                  "thread": 0
                }
              ],
              "total": {
                "bytes": 1048576,
                "completion-latency-ns": {
                  "count": 16,
                  "max": 0,
                  "mean": 0,
                  "min": 0,
                  "p50": 0,
                  "p90": 0,
                  "p99": 0,
                  "p99.9": 0
                },
                "mib-per-s": 0.0,
                "requests": 16,
                "seconds": 0.0,
                "submit-latency-ns": {
                  "count": 4,
                  "max": 0,
                  "mean": 0,
                  "min": 0,
                  "p50": 0,
                  "p90": 0,
                  "p99": 0,
                  "p99.9": 0
                },
                "submits": 4
              }
            }
          ],
          "tool": "aio-stress",
          "version": "0.1.0"
        }
    "#]]
    .assert_eq(&masked(run.document()));
}

/// Fields of the parts of a stage, one line each.
fn check(arguments: &str, expected: Expect) {
    let (folder, _) = folder_with(0);
    let run = run(&folder, &format!("{arguments} --json -"));
    assert_eq!(run.code, Some(0), "{}", run.text);
    expected.assert_eq(&summary(&run.document()));
}

fn summary(document: &Value) -> String {
    masked(document.clone());
    let mut text = String::new();
    for stage in document["stages"].as_array().unwrap() {
        let mut line = |title: String, part: &Value| {
            let latencies = ["submit-latency-ns", "completion-latency-ns"].map(|name| &part[name]["count"]);
            let [bytes, submits, requests] = ["bytes", "submits", "requests"].map(|name| &part[name]);
            text += &format!("{title}: {bytes} bytes, {submits} submits, {requests} requests, ");
            text += &format!("latencies of {} and {}\n", latencies[0], latencies[1]);
        };
        let name = stage["stage"].as_str().unwrap();
        for part in stage["files"].as_array().unwrap() {
            let (file, context) = (part["file"].as_str().unwrap(), &part["context"]);
            line(format!("{name} {file} {context} by {}", part["thread"]), part);
        }
        for part in stage["threads"].as_array().unwrap() {
            line(format!("{name} thread {}", part["thread"]), part);
        }
        line(format!("{name} total"), &stage["total"]);
    }
    text
}

#[test]
fn parts_add_up() {
    check(
        "-s 1 -b 1 -o 0 -o 1 {file}",
        expect![[r#"
        write DIR/file 0 by 0: 1048576 bytes, 16 submits, 16 requests, latencies of 16 and 16
        write thread 0: 1048576 bytes, 16 submits, 16 requests, latencies of 16 and 16
        write total: 1048576 bytes, 16 submits, 16 requests, latencies of 16 and 16
        read DIR/file 0 by 0: 1048576 bytes, 16 submits, 16 requests, latencies of 16 and 16
        read thread 0: 1048576 bytes, 16 submits, 16 requests, latencies of 16 and 16
        read total: 1048576 bytes, 16 submits, 16 requests, latencies of 16 and 16
    "#]],
    );
    // One call serves both operations of the first file.
    check(
        "-s 4 -c 2 -C 1 -r 256 -i 2 -o 0 {file}",
        expect![[r#"
        write DIR/file 0 by 0: 4194304 bytes, 8 submits, 16 requests, latencies of 8 and 16
        write DIR/file 1 by 0: 2097152 bytes, 4 submits, 8 requests, latencies of 4 and 8
        write thread 0: 6291456 bytes, 8 submits, 24 requests, latencies of 8 and 24
        write total: 6291456 bytes, 8 submits, 24 requests, latencies of 8 and 24
    "#]],
    );
    check(
        "-s 4 -c 2 -C 1 -r 256 -i 2 -t 2 -x -o 0 {file} {other}",
        expect![[r#"
        write DIR/file 0 by 0: 4194304 bytes, 8 submits, 16 requests, latencies of 8 and 16
        write DIR/other 0 by 0: 4194304 bytes, 8 submits, 16 requests, latencies of 8 and 16
        write DIR/file 1 by 1: 2097152 bytes, 4 submits, 8 requests, latencies of 4 and 8
        write DIR/other 1 by 1: 2097152 bytes, 4 submits, 8 requests, latencies of 4 and 8
        write thread 0: 8388608 bytes, 8 submits, 32 requests, latencies of 8 and 32
        write thread 1: 4194304 bytes, 4 submits, 16 requests, latencies of 4 and 16
        write total: 12582912 bytes, 12 submits, 48 requests, latencies of 12 and 48
    "#]],
    );
    check(
        "-s 4 -I 3 -i 2 -o 2 {file}",
        expect![[r#"
        random write DIR/file 0 by 0: 393216 bytes, 3 submits, 6 requests, latencies of 3 and 6
        random write thread 0: 393216 bytes, 3 submits, 6 requests, latencies of 3 and 6
        random write total: 393216 bytes, 3 submits, 6 requests, latencies of 3 and 6
    "#]],
    );
}

#[test]
fn standard_error_stays_what_it_is() {
    let (folder, path) = folder_with(0);
    let plain = run(&folder, "-s 1 -l {file}");
    let target = folder.path().join("results");
    let with_document = run(&folder, &format!("-s 1 -l {{file}} --json {}", target.display()));
    assert_eq!((plain.text, plain.code), (with_document.text, with_document.code));
    assert_eq!(with_document.stdout, "");
    let document: Value = serde_json::from_str(&std::fs::read_to_string(target).unwrap()).unwrap();
    assert_eq!(document["options"]["files"][0], path.to_str().unwrap());
    let stages: Vec<_> = document["stages"].as_array().unwrap().iter().map(|stage| &stage["stage"]).collect();
    assert_eq!(stages, ["write", "read", "random write", "random read"]);
}

#[test]
fn a_queue_that_is_full_takes_a_part() {
    // The context has room for 512 or, with many CPUs, somewhat more.
    let (folder, _) = folder_with(0);
    let run = run(&folder, "-s 16 -r 1 -a 1 -d 16000 -i 16000 -v -o 0 -o 1 --json - {file}");
    assert_eq!(run.code, Some(0), "{}", run.text);
    for stage in run.document()["stages"].as_array().unwrap() {
        assert_eq!(stage["total"]["requests"], 16384);
        // Without that, 16000 would go down in one call and 384 in another.
        assert!(stage["total"]["submits"].as_u64().unwrap() > 2, "{stage}");
    }
}

#[test]
fn a_run_that_fails_leaves_its_results() {
    let (folder, _) = folder_with(0);
    let run = run_behind(&folder, "ulimit -f 2080;", "-s 4 -b 1 -d 1 -o 0 -o 1 --json - {file}");
    assert_eq!(run.code, Some(1));
    let document = run.document();
    assert_eq!(document["error"], document["stages"][0]["threads"][0]["error"]);
    assert_eq!(format!("aio-stress: {}", document["error"].as_str().unwrap()), run.error());
    expect!["write on DIR/file: 32768 of 65536 bytes at offset 2097152"]
        .assert_eq(document["error"].as_str().unwrap());
    expect![[r#"
        write DIR/file 0 by 0: 2129920 bytes, 33 submits, 33 requests, latencies of 33 and 33
        write thread 0: 2129920 bytes, 33 submits, 33 requests, latencies of 33 and 33
        write total: 2129920 bytes, 33 submits, 33 requests, latencies of 33 and 33
    "#]]
    .assert_eq(&summary(&document));
}

#[test]
fn a_run_that_never_starts_says_why() {
    let check = |arguments: &str, expected: Expect| {
        let (folder, _) = folder_with(0);
        let run = run(&folder, arguments);
        assert_eq!(run.code, Some(1));
        let document = run.document();
        assert_eq!(document["stages"], Value::Array(Vec::new()));
        expected.assert_eq(document["error"].as_str().unwrap());
    };
    check(
        "-s 4 -c 9 --json - {file}",
        expect!["4 MB are too small for 9 contexts of whole records; lower -c, -C or -r, or raise -s"],
    );
    check(
        "-s 4 -o 0 --json - {file}/nothing",
        expect!["opening DIR/file/nothing: Not a directory (os error 20)"],
    );
}

#[test]
fn results_that_cannot_be_written_fail_the_run() {
    let (folder, path) = folder_with(0);
    let check = |target: &str, expected: Expect| {
        let run = run(&folder, &format!("-s 1 -o 0 --json {target} {{file}}"));
        assert_eq!(run.code, Some(1));
        expected.assert_eq(&run.error());
    };
    check(
        "/proc/nonexistent",
        expect![
            "aio-stress: writing the results to /proc/nonexistent: No such file or directory (os error 2)"
        ],
    );
    check("/", expect!["aio-stress: writing the results to /: Is a directory (os error 21)"]);
    // Nothing was done without a place for the results.
    assert_eq!(path.metadata().unwrap().len(), 0);
    check(
        "/dev/full",
        expect!["aio-stress: writing the results to /dev/full: No space left on device (os error 28)"],
    );
    assert_eq!(path.metadata().unwrap().len(), 1 << 20);
    let run = run_behind(&folder, "exec > /dev/full;", "-s 1 -o 0 --json - {file}");
    assert_eq!(run.code, Some(1), "{}", run.text);
}
