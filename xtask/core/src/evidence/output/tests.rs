//! What is read of what tools print.

use expect_test::{Expect, expect};

use super::*;

fn check(tool: Tool, capture: &str, expected: Expect) {
    expected.assert_eq(&shown(throughput(tool, captures::capture(&format!("{capture}.txt")))));
}

fn shown(result: anyhow::Result<Throughput>) -> String {
    match result {
        Ok(found) => format!("{} {} over {} bytes", found.value, found.unit, found.bytes),
        Err(error) => format!("{error:#}"),
    }
}

#[test]
fn documents_of_socket_stress() {
    let trips = r#"{"operations":4000,"bytes":256000,"elapsed-ns":80000000,"round-trips":{"mean-ns":17000,"p50-ns":16895,"p90-ns":18943,"p99-ns":20991,"p99-9-ns":25087}}"#;
    let stream = r#"{"operations":1000,"bytes":65536000,"elapsed-ns":50000000,"round-trips":null}"#;
    let shown = |text: &str| throughput(Tool::Socket, text).map(|found| format!("{found:?}"));
    assert_eq!(
        shown(trips).unwrap(),
        "Throughput { value: 50000.0, unit: RoundTripsPerSecond, bytes: 256000 }"
    );
    assert_eq!(
        shown(stream).unwrap(),
        "Throughput { value: 1250.0, unit: MebibytesPerSecond, bytes: 65536000 }"
    );
    let told =
        |stdout: &str| requests(Tool::Socket, &report("/bin/socket-stress", stdout, "")).unwrap().unwrap();
    assert_eq!((told(trips).iops, told(trips).completion.unwrap().p99_ns), (50_000.0, Some(20_991)));
    assert_eq!((told(stream).iops, told(stream).completion), (20_000.0, None));
    for bad in ["", "{}", "killed\n", &stream.replace("50000000", "0")] {
        throughput(Tool::Socket, bad).unwrap_err();
    }
}

#[test]
fn captures_of_dd() {
    let check = |capture, expected| check(Tool::Dd, capture, expected);
    check("dd-read-64m", expect!["7961.890479738418 MB/s over 67108864 bytes"]);
    check("dd-write-64m", expect!["446.3598475526615 MB/s over 67108864 bytes"]);
    check("dd-partial", expect!["2270.3021772197876 MB/s over 3000000 bytes"]);
    check("dd-512", expect!["22.084195997239473 MB/s over 512 bytes"]);
    check("dd-one-byte", expect!["0.03428767358134751 MB/s over 1 bytes"]);
    check("dd-none", expect!["reading the output: a rate of 0 MB/s over 0 bytes is none"]);
    check("dd-full", expect!["reading the output: a rate of 0 MB/s over 0 bytes is none"]);
    check(
        "dd-missing",
        expect![
            "reading the output of dd: no line `... bytes copied, ... s, ...`: it ends with `dd: failed to open '/nonexistent': No such file or directory`"
        ],
    );
    check(
        "dd-quiet",
        expect!["reading the output of dd: no line `... bytes copied, ... s, ...`: it is empty"],
    );
}

#[test]
fn captures_of_aio_stress() {
    let check = |capture, expected| check(Tool::AioStress, capture, expected);
    check("aio-read", expect!["827.06 MiB/s over 16777216 bytes"]);
    check("aio-write", expect!["2019.31 MiB/s over 16777216 bytes"]);
    check("aio-latency", expect!["6344.49 MiB/s over 16777216 bytes"]);
    check("aio-threads", expect!["1119.67 MiB/s over 33554432 bytes"]);
    check("aio-files", expect!["76.41 MiB/s over 33554432 bytes"]);
    check(
        "aio-both",
        expect![
            "reading the output of aio-stress: a stage write and a stage read in one run: make each a workload of its own"
        ],
    );
    check(
        "aio-missing",
        expect![
            "reading the output of aio-stress: no single line `... on FILE (... MB/s) ...`, `throughput` or `totals`: it ends with `aio-stress: opening /nonexistent/x: No such file or directory (os error 2)`"
        ],
    );
}

#[test]
fn output_that_makes_no_sense_is_refused() {
    for (tool, stderr, expected) in [
        (Tool::Dd, "5 bytes copied, 0 s, Infinity B/s", "a rate of inf MB/s"),
        (Tool::Dd, "5 bytes copied, 1.2.3 s, 1 B/s", "`1.2.3` seconds"),
        (Tool::Dd, "99999999999999999999999 bytes copied, 1 s, 1 B/s", "`99999999999999999999999` bytes"),
        (Tool::Dd, "5 Bytes kopiert, 1,2 s, 1 B/s", "it ends with `5 Bytes kopiert, 1,2 s, 1 B/s`"),
        (Tool::AioStress, "read on f (nan MB/s) 1.00 MB in 0.01s", "it ends with"),
        (Tool::AioStress, "read on f (1.0.0 MB/s) 1.00 MB in 0.01s", "`1.0.0` MB/s"),
    ] {
        let shown = shown(throughput(tool, stderr));
        assert!(shown.contains(expected), "{shown}");
    }
}

#[test]
fn each_tool_is_read_where_it_writes() {
    let capture = |name: &str| captures::capture(&format!("{name}.txt"));
    let check = |tool: Tool, workload: &WorkloadReport, expected: Expect| {
        let figures = figures(tool, workload);
        let metrics =
            (tool == Tool::Fio).then(|| fio::metrics(figures).ok()).flatten().map(|metrics| metrics.bytes);
        expected.assert_eq(&format!("{}; {metrics:?}", shown(throughput(tool, figures))));
    };
    let dd = report("/bin/dd", "", capture("dd-read-64m"));
    check(Tool::Dd, &dd, expect!["7961.890479738418 MB/s over 67108864 bytes; None"]);
    let fio = report("/bin/fio", capture("fio-mixed"), "fio: a warning\n");
    check(Tool::Fio, &fio, expect!["501.96078431372547 MiB/s over 134217728 bytes; Some(134217728)"]);
    let died = report("/bin/fio", capture("fio-died"), "");
    check(
        Tool::Fio,
        &died,
        expect![
            "reading the output of fio: job `read` failed: Software caused connection abort (os error 103); None"
        ],
    );
}

#[test]
fn fio_complains_on_either_output() {
    for (stdout, stderr, expected) in [
        ("fio: pid=60, err=25/file\n{\n}\n", "", "fio: pid=60, err=25/file"),
        ("fio: pid=60\n{\n}\n", "fio: io_u error on file x\n", "fio: io_u error on file x"),
        ("{\n}\n", "", ""),
        ("", "Bad option\nfio: job r dropped\n", "fio: job r dropped"),
    ] {
        assert_eq!(last_words(&report("/bin/fio", stdout, stderr)), expected);
    }
}

pub(crate) fn report(program: &str, stdout: &str, stderr: &str) -> WorkloadReport {
    WorkloadReport {
        sample: 1,
        name: "w".to_owned(),
        argv: vec![program.to_owned()],
        end: lab_protocol::EndOfProgram::Exit(1),
        stdout: stdout.to_owned(),
        stderr: stderr.to_owned(),
        elapsed_ns: 0,
        tool_cpu: lab_protocol::CpuTime::default(),
        server_cpu: lab_protocol::CpuTime::default(),
        tool_switches: None,
        server_switches: None,
        memory: None,
        requests: None,
        data: None,
    }
}

#[test]
fn what_a_program_complains_of() {
    // What dd 9.1 says of a flag that it does not know, and of a server that died.
    let refused = "/bin/dd: invalid input flag: 'nosuchflag'\nTry '/bin/dd --help' for more information.\n";
    let died = "/bin/dd: error reading '/mnt/fuse/file': Software caused connection abort\n1+0 records in\n";
    for (program, text, expected) in [
        ("/bin/dd", refused, "/bin/dd: invalid input flag: 'nosuchflag'"),
        ("/bin/dd", died, "/bin/dd: error reading '/mnt/fuse/file': Software caused connection abort"),
        ("/bin/dd", "1+0 records in\nlast\n\n", "last"),
        ("/bin/dd", "", ""),
        (
            "/bin/fsx",
            captures::capture("fsx-failed.txt"),
            "[ERROR fsx] Size error: expected 0xde9d but found 0x5c45 by stat and 0x5c45 by seek",
        ),
        ("/bin/stress-ng", "stress-ng: info:  [5] x\nstress-ng: fail:  [6] y\n", "stress-ng: fail:  [6] y"),
        ("/bin/dd", "add: not the program\nlast", "last"),
    ] {
        assert_eq!(complaint(program, text), expected);
    }
}
