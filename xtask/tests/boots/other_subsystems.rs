//! A plan without a FUSE server: ext4 on a block device in memory, and sockets.

use super::sandbox::TestCheckout;
use super::{cell, outcomes, row};

/// It repeats to the last digit, the data are right, samples differ, and nothing of the answer is about FUSE.
#[test]
fn ext4_and_sockets() {
    let sandbox = TestCheckout::new(
        r#"
        [variants.stock-again]
        series = []
        [scenarios.small-ext4]
        filesystem = "ext4"
        mount-options = ""
        device = "null_blk"
        device-completion = "timer"
        device-completion-ns = 10000
        device-dither-permille = 20
        device-queue-depth = 64
        device-queues = 1
        device-block-bytes = 4096
        [workloads.small-dd-fsync]
        tool = "dd"
        args = ["if=/dev/zero", "of={file}", "bs=64K", "count=64", "conv=notrunc,fsync"]
        file-mib = 8
        samples = 3
        [workloads.ping-pong]
        tool = "socket"
        args = ["--family", "tcp", "--mode", "ping-pong", "--message-bytes", "64", "--count", "500", "--dither-ns", "2000"]
        samples = 3
        [workloads.stream]
        tool = "socket"
        args = ["--family", "unix", "--mode", "stream", "--message-bytes", "65536", "--count", "50", "--dither-ns", "2000"]
        samples = 3
        [plans.other]
        like = "ci"
        kernel-config = ["block.config", "ext4.config", "loopback.config"]
        baseline = "stock"
        variants = ["stock", "stock-again"]
        scenarios = ["small-ext4"]
        workloads = ["small-dd-read", "small-dd-fsync", "ping-pong", "stream"]
        probes = "none"
        "#,
    );
    let run = sandbox.lab(&["run-lab", "--plan", "other"]);
    run.expect_code_in(&[0]);
    let comparison = sandbox.comparison();
    for variant in ["stock", "stock-again"] {
        assert_eq!(outcomes(&comparison, variant), "2 finished of 2");
        for (workload, unit) in [
            ("small-dd-read", "MB/s"),
            ("small-dd-fsync", "MB/s"),
            ("ping-pong", "trips/s"),
            ("stream", "MiB/s"),
        ] {
            let row = row(&comparison, "small-ext4", workload);
            assert_eq!(row["unit"], unit, "{workload}");
            let cell = cell(row, variant);
            assert_eq!(cell["repeat"]["spread"], 0.0, "{workload}: {cell}");
            assert!(cell["spread"].as_f64().is_some_and(|spread| spread > 0.0), "{workload}: {cell}");
        }
    }
    let campaign = sandbox.read_campaign();
    let workloads = campaign.boots.iter().flat_map(|boot| &boot.report).flat_map(|report| &report.workloads);
    for workload in workloads.filter(|workload| workload.name.starts_with("small-dd")) {
        let data = workload.data.as_ref().expect("its data were looked at");
        assert_eq!(data.wrong, [""; 0], "{}", workload.name);
        let bytes = data.compared_bytes;
        assert!(workload.name != "small-dd-fsync" || bytes >= 8 << 20, "{}: {bytes}", workload.name);
    }
    for text in [&run.stdout, &comparison["rows"].to_string(), &comparison["doubts"].to_string()] {
        let text = text.to_lowercase();
        assert!(!["fuse", "server", "request"].iter().any(|word| text.contains(word)), "{text}");
    }
}
