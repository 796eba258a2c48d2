//! FUSE servers that are not the lab's own, beside it on one kernel.

use super::sandbox::TestCheckout;
use super::{cell, outcomes, row, trouble};

/// Both examples of libfuse are measured on the kernel of the lab's own server, and repeat to the last digit. What they do not tell
/// is not given, what the kernel tells of them is.
#[test]
fn servers_are_compared() {
    let sandbox = TestCheckout::new(
        r#"
        [plans.small-servers]
        like = "servers"
        workloads = ["small-dd-read", "small-dd-write"]
        precision-permille = 0
        "#,
    );
    let run = sandbox.lab(&["run-lab", "--plan", "small-servers"]);
    run.expect_code_in(&[0]);
    let comparison = sandbox.comparison();
    assert_eq!(comparison["baseline"], "own-server");
    for arm in ["own-server", "passthrough-hp", "passthrough-ll"] {
        assert_eq!(outcomes(&comparison, arm), "2 finished of 2");
        for workload in ["small-dd-read", "small-dd-write"] {
            let cell = cell(row(&comparison, "stock", workload), arm);
            assert_eq!(cell["repeat"]["spread"], 0.0, "{arm} {workload}: {cell}");
        }
    }
    let other = |metric: &str, arm: &str| {
        let rows = comparison["other-metrics"].as_array().expect("rows");
        let row = rows.iter().find(|row| row["metric"] == metric && row["workload"] == "small-dd-read");
        cell(row.expect("the metric has a row"), arm).clone()
    };
    for arm in ["passthrough-hp", "passthrough-ll"] {
        for metric in ["server-cpu", "server-switches", "server-memory"] {
            let cell = other(metric, arm);
            assert!(cell["mean"].as_f64().is_some_and(|mean| mean > 0.0), "{arm} {metric}: {cell}");
        }
        let requests = other("requests", arm);
        assert_eq!(requests["mean"], serde_json::Value::Null, "{arm}: nobody counts them");
        assert_eq!(requests["change"]["verdict"], "not-given", "{arm}: {requests}");
    }
    let campaign = sandbox.read_campaign();
    for report in campaign.boots.iter().flat_map(|boot| &boot.report) {
        assert_eq!(report.problems, [""; 0], "it served, and ended when it was unmounted");
        let data = report.workloads.iter().filter_map(|workload| workload.data.as_ref());
        assert_eq!(data.flat_map(|data| &data.wrong).collect::<Vec<_>>(), [""; 0]);
    }
}

/// What ends at once, never mounts, or dies under the workload is named with how it ended; the others go on.
#[test]
fn servers_that_fail() {
    // Writing past the limit ends a program by SIGXFSZ: half of the file is written then.
    let sandbox = TestCheckout::new(
        r#"
        [scenarios.dies]
        server = { program = "/usr/bin/prlimit", arguments = ["--fsize=4194304", "/servers/libfuse/passthrough_ll", "-f", "-o", "source={storage},cache=auto,max_write=131072", "{mount}"] }
        [scenarios.ends]
        server = { program = "/usr/bin/cat", arguments = ["{storage}", "{mount}"] }
        [scenarios.never]
        server = { program = "/usr/bin/tail", arguments = ["-f", "/dev/null", "{storage}", "{mount}"] }
        [plans.failing-servers]
        like = "servers"
        scenarios = ["passthrough-ll", "dies", "ends", "never"]
        baseline-scenario = "passthrough-ll"
        workloads = ["small-dd-write"]
        precision-permille = 0
        "#,
    );
    let run = sandbox.lab(&["run-lab", "--plan", "failing-servers"]);
    run.expect_code_in(&[1]);
    let comparison = sandbox.comparison();
    assert_eq!(outcomes(&comparison, "passthrough-ll"), "2 finished of 2");
    let said = |arm: &str, expected: &[&str]| {
        let trouble = trouble(&comparison, arm);
        assert!(expected.iter().all(|text| trouble.contains(text)), "{arm}: {trouble}");
    };
    said("dies", &["workload small-dd-write: the server is gone: /usr/bin/prlimit ended with signal 25"]);
    said("ends", &["/usr/bin/cat ended with exit code 1; its standard error:", "Is a directory"]);
    said("never", &["/usr/bin/tail runs and has mounted no FUSE file system on /mnt/fuse within 60 s"]);
}
