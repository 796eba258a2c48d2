//! Captures of fio, and what could be made of damaged ones.

use std::fmt::Write as _;

use expect_test::{Expect, expect};

use super::*;

fn capture(name: &str) -> String {
    crate::evidence::output::captures::capture(&format!("fio-{name}.txt")).to_owned()
}

fn shown(stdout: &str) -> String {
    let metrics = match metrics(stdout) {
        Ok(metrics) => metrics,
        Err(error) => return format!("{error:#}"),
    };
    let rate = metrics.bytes_per_second() / f64::from(1 << 20);
    let mut text = format!("{rate:.3} MiB/s, {} bytes in {} ms\n", metrics.bytes, metrics.runtime_ms);
    for (name, direction) in [("read", &metrics.read), ("write", &metrics.write)] {
        let Some(of) = direction else { continue };
        let (bytes, operations, ms) = (of.bytes, of.operations, of.runtime_ms);
        writeln!(text, "{name}: {bytes} bytes, {operations} in {ms} ms, {:.3} a second", of.iops).unwrap();
        writeln!(text, "  {:?}", of.completion).unwrap();
    }
    text
}

#[test]
fn captures() {
    let check = |name: &str, expected: Expect| expected.assert_eq(&shown(&capture(name)));
    check(
        "read",
        expect![[r#"
        854.758 MiB/s, 536870912 bytes in 599 ms
        read: 536870912 bytes, 8192 in 599 ms, 13676.127 a second
          Some(Latency { mean_ns: 4479978.328003, p50_ns: Some(4489216), p90_ns: Some(5013504), p99_ns: Some(8716288), p99_9_ns: Some(11206656) })
    "#]],
    );
    check(
        "mixed",
        expect![[r#"
        501.961 MiB/s, 134217728 bytes in 255 ms
        read: 92749824 bytes, 5661 in 255 ms, 22200.000 a second
          Some(Latency { mean_ns: 940176.953718, p50_ns: Some(839680), p90_ns: Some(1220608), p99_ns: Some(4947968), p99_9_ns: Some(6848512) })
        write: 41467904 bytes, 2531 in 255 ms, 9925.490 a second
          Some(Latency { mean_ns: 907655.306203, p50_ns: Some(831488), p90_ns: Some(1204224), p99_ns: Some(4489216), p99_9_ns: Some(6324224) })
    "#]],
    );
    check(
        "two-jobs",
        expect![[r#"
        551.724 MiB/s, 16777216 bytes in 29 ms
        read: 8388608 bytes, 128 in 29 ms, 4413.793 a second
          Some(Latency { mean_ns: 1550337.117187, p50_ns: Some(1449984), p90_ns: Some(2056192), p99_ns: Some(2703360), p99_9_ns: Some(3227648) })
        write: 8388608 bytes, 128 in 28 ms, 4571.429 a second
          Some(Latency { mean_ns: 1490179.757812, p50_ns: Some(1449984), p90_ns: Some(1925120), p99_ns: Some(2342912), p99_9_ns: Some(2375680) })
    "#]],
    );
    check(
        "no-clat",
        expect![[r#"
        57.971 MiB/s, 8388608 bytes in 138 ms
        read: 8388608 bytes, 128 in 138 ms, 927.536 a second
          None
    "#]],
    );
    check(
        "warned",
        expect![[r#"
        57.971 MiB/s, 8388608 bytes in 138 ms
        read: 8388608 bytes, 128 in 138 ms, 927.536 a second
          Some(Latency { mean_ns: 1074335.789062, p50_ns: Some(1073152), p90_ns: Some(1073152), p99_ns: Some(1089536), p99_9_ns: Some(1105920) })
    "#]],
    );
    check("too-large", expect!["nothing was transferred"]);
    check("trim", expect!["job `read` failed: Inappropriate ioctl for device (os error 25)"]);
    check("died", expect!["job `read` failed: Software caused connection abort (os error 103)"]);
    check("killed", expect!["no JSON: it is empty"]);
}

/// The rate of a single job is that which fio itself gives, in whole bytes a second.
#[test]
fn rates_are_those_of_fio() {
    for (name, direction) in [("read", "read"), ("warned", "read"), ("no-clat", "read")] {
        let stdout = capture(name);
        let json: serde_json::Value = serde_json::from_str(&stdout[stdout.find('{').unwrap()..]).unwrap();
        let figures = &json["jobs"][0][direction];
        let metrics = metrics(&stdout).unwrap();
        assert_eq!(figures["bw_bytes"].as_f64().unwrap(), metrics.bytes_per_second().floor(), "{name}");
        let iops = metrics.read.unwrap().iops;
        assert!((figures["iops"].as_f64().unwrap() - iops).abs() < 1e-5, "{name}: {iops}");
    }
}

#[test]
fn percentiles_of_several_jobs_are_not_put_together() {
    let mut json: serde_json::Value = serde_json::from_str(&capture("read")).unwrap();
    let job = json["jobs"][0].clone();
    json["jobs"].as_array_mut().unwrap().push(job);
    expect![[r#"
        1709.516 MiB/s, 1073741824 bytes in 599 ms
        read: 1073741824 bytes, 16384 in 599 ms, 27352.254 a second
          Some(Latency { mean_ns: 4479978.328003, p50_ns: None, p90_ns: None, p99_ns: None, p99_9_ns: None })
    "#]]
    .assert_eq(&shown(&json.to_string()));
}

#[test]
fn what_is_not_understood_is_no_figure() {
    let good = capture("two-jobs");
    let edit = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        good.replacen(from, to, 1)
    };
    let cases = [
        ("empty", String::new()),
        ("no JSON", "fio-3.33\nStarting 1 thread\n".to_owned()),
        ("cut", good[..good.len() / 2].to_owned()),
        ("twice", good.repeat(2)),
        ("text behind", format!("{good}fio: killed\n")),
        ("cut in the middle", edit("\"iops\"", "\n[5000 bytes are cut here]\n")),
        ("another program", "{\"results\": []}\n".to_owned()),
        ("no jobs", "{\"jobs\": []}\n".to_owned()),
        ("a job failed", edit("\"error\" : 0", "\"error\" : 5")),
        ("two groups", edit("\"groupid\" : 0", "\"groupid\" : 1")),
        ("no time", edit("\"runtime\" : 28", "\"runtime\" : 0")),
        ("negative", edit("\"io_bytes\" : 8388608", "\"io_bytes\" : -1")),
        ("as text", edit("\"io_bytes\" : 8388608", "\"io_bytes\" : \"8388608\"")),
        ("beyond", edit("\"total_ios\" : 128", "\"total_ios\" : 18446744073709551616")),
        ("not a number", edit("\"mean\" : 0.000000", "\"mean\" : nan")),
        ("both as one", edit("\"read\" : {", "\"mixed\" : {}, \"read\" : {")),
        ("one as both", good.replace("\"read\" : {", "\"mixed\" : {")),
        (
            "trimmed",
            edit("\"trim\" : {\n        \"io_bytes\" : 0", "\"trim\" : {\n        \"io_bytes\" : 4096"),
        ),
    ];
    let text: String = cases.iter().map(|(what, stdout)| format!("{what}: {}\n", shown(stdout))).collect();
    expect![[r#"
        empty: no JSON: it is empty
        no JSON: no JSON: it ends with `Starting 1 thread`
        cut: not the JSON of fio: EOF while parsing an object at line 252 column 14
        twice: not the JSON of fio: trailing characters at line 506 column 1
        text behind: not the JSON of fio: trailing characters at line 506 column 1
        cut in the middle: not the JSON of fio: key must be a string at line 33 column 1
        another program: not the JSON of fio: missing field `jobs` at line 1 column 15
        no jobs: there is no job in it
        a job failed: job `reader` failed: Input/output error (os error 5)
        two groups: 2 groups of jobs in one run: make each a workload of its own
        no time: what was written: data was transferred in no time
        negative: not the JSON of fio: invalid value: integer `-1`, expected u64 at line 28 column 23
        as text: not the JSON of fio: invalid type: string "8388608", expected u64 at line 28 column 30
        beyond: not the JSON of fio: invalid type: floating point `1.8446744073709552e+19`, expected u64 at line 34 column 42
        not a number: not the JSON of fio: expected ident at line 102 column 21
        both as one: job `reader` counts reads and writes as one: drop unified_rw_reporting
        one as both: not the JSON of fio: missing field `read` at line 260 column 5
        trimmed: job `reader` discarded data, which is neither reading nor writing
    "#]].assert_eq(&text);
}
