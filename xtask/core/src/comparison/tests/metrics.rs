//! Metrics beside throughput.

use lab_protocol::{ContextSwitches, CpuTime, MemoryInUse};

use super::*;
use crate::campaign::CampaignKernel;
use crate::evidence::metric::Metric;

fn ask(campaign: &Campaign, metrics: &[Metric]) -> Comparison {
    answer(campaign, &Question { metrics: metrics.to_vec(), ..Question::default() }).unwrap()
}

fn sized((variant, bytes): (&str, u64)) -> CampaignKernel {
    let kernel = crate::fixtures::begun().kernels.remove(0).kernel;
    CampaignKernel {
        variant: variant.to_owned(),
        kernel,
        symbol_bytes: Some(bytes),
        not_built: Vec::new(),
        turned_on: Vec::new(),
        options: None,
    }
}

/// Two kernels; the second one's server takes half of the CPU time, and its tool twice as many switches.
fn costs() -> Campaign {
    let mut campaign = campaign(Clock::Virtual, &two_arms());
    for (place, boot) in campaign.boots.iter_mut().enumerate() {
        let is_patched = place >= 2;
        for workload in &mut boot.report.as_mut().unwrap().workloads {
            workload.tool_cpu = CpuTime { user_us: 1500, system_us: 2500 };
            workload.server_cpu = CpuTime { user_us: 0, system_us: if is_patched { 5000 } else { 10_000 } };
            let voluntary = if is_patched { 20 } else { 10 };
            workload.tool_switches = Some(ContextSwitches { voluntary, involuntary: 0 });
            let slab_kib = if is_patched { 8400 } else { 8000 };
            workload.memory = Some(MemoryInUse { server_peak_kib: 2048, slab_kib });
        }
    }
    campaign.file.kernels =
        ["original", "patched"].into_iter().zip([24_000_000, 24_001_300]).map(sized).collect();
    campaign
}

#[test]
fn costs_are_told_unasked() {
    let table = |campaign: &Campaign| crate::report::full::render(&compare(campaign).unwrap());
    let costs_of = |text: &str| {
        let costs = text.split("\n\n").find(|part| part.starts_with("Costs"));
        costs.unwrap_or("none").to_owned()
    };
    expect_test::expect![[r#"
        Costs that changed by more than their thresholds, of tool-cpu, server-cpu, tool-switches,
          server-switches, server-memory, slab, requests, other-requests, copied (--metrics shows them):
          patched: server-cpu -50.0 % in 2 of 2 rows; tool-switches x2.00 in 2 of 2 rows; slab +5.0 % in 2
            of 2 rows; functions and data of the kernel +1300 bytes"#]]
    .assert_eq(&costs_of(&table(&costs())));
    expect_test::expect![[r#"
        Costs: no change by more than the thresholds was found of tool-cpu, server-cpu, tool-switches,
          server-switches, server-memory, slab, requests, other-requests, copied."#]]
    .assert_eq(&costs_of(&table(&campaign(Clock::Virtual, &two_arms()))));
}

/// Mean of the baseline and of the other, and verdict, of dd in the row of a metric.
fn check(metric: Metric, expected: (Option<f64>, Option<f64>, Verdict)) {
    let comparison = ask(&costs(), &[metric]);
    let row = &comparison.rows[0];
    assert_eq!((row.metric, comparison.rows.len()), (metric, 2));
    let [baseline, other] = &row.cells[..] else { panic!("{row:?}") };
    let rounded = |mean: Option<f64>| mean.map(|mean| (mean * 1000.0).round() / 1000.0);
    let found = (rounded(baseline.mean), rounded(other.mean), other.change.unwrap().verdict);
    assert_eq!(found, expected, "{}", metric.name());
}

#[test]
fn each_metric_has_its_figure_and_its_side() {
    for metric in [
        Metric::Iops,
        Metric::LatencyMean,
        Metric::LatencyP50,
        Metric::LatencyP90,
        Metric::LatencyP99,
        Metric::LatencyP999,
        Metric::ServerSwitches,
    ] {
        check(metric, (None, None, Verdict::NotGiven));
    }
    check(Metric::Throughput, (Some(111.82), Some(447.243), Verdict::Better));
    check(Metric::ToolCpu, (Some(4.0), Some(4.0), Verdict::Same));
    check(Metric::ToolUser, (Some(1.5), Some(1.5), Verdict::Same));
    check(Metric::ToolSystem, (Some(2.5), Some(2.5), Verdict::Same));
    check(Metric::ServerCpu, (Some(10.0), Some(5.0), Verdict::Better));
    check(Metric::ServerUser, (Some(0.0), Some(0.0), Verdict::Same));
    check(Metric::ServerSystem, (Some(10.0), Some(5.0), Verdict::Better));
    check(Metric::ToolSwitches, (Some(10.0), Some(20.0), Verdict::Worse));
    check(Metric::ServerMemory, (Some(2.0), Some(2.0), Verdict::Same));
    check(Metric::Slab, (Some(7.813), Some(8.203), Verdict::Worse));
    check(Metric::Requests, (Some(512.0), Some(512.0), Verdict::Same));
    check(Metric::OtherRequests, (Some(3.0), Some(3.0), Verdict::Same));
    check(Metric::Copied, (Some(64.0), Some(64.0), Verdict::Same));
    check(Metric::MostInFlight, (Some(1.0), Some(12.0), Verdict::More));
    check(Metric::MeanInFlight, (Some(0.875), Some(10.5), Verdict::More));
    check(Metric::ServiceMean, (Some(1000.499), Some(1000.499), Verdict::Same));
}

#[test]
fn why_there_is_no_figure() {
    let why = |metric: Metric| {
        let rows = ask(&costs(), &[metric]).rows;
        rows.iter()
            .map(|row| row.cells[0].not_given.clone().unwrap_or_default())
            .collect::<Vec<_>>()
            .join("; ")
    };
    let tools = "not given by dd; not given by aio-stress without --json -";
    for (metric, expected) in [
        (Metric::Iops, tools),
        (Metric::LatencyP99, tools),
        (Metric::ServerSwitches, "not in the guest's report; not in the guest's report"),
        (Metric::ToolSwitches, "; "),
    ] {
        assert_eq!(why(metric), expected);
    }
    let mut silent = costs();
    silent.boots.iter_mut().for_each(|boot| boot.report.as_mut().unwrap().workloads[0].requests = None);
    let row = &ask(&silent, &[Metric::Requests]).rows[0];
    assert_eq!(row.cells[1].not_given.as_deref(), Some("not told by the server"));
    assert_eq!(row.cells[1].mean, None);
}

#[test]
fn what_decides_about_the_exit_code() {
    let status = |metrics: &[Metric]| ask(&costs(), metrics).conclusion.status;
    for (metrics, expected) in [
        (&[][..], Status::NoFinding),
        (&[Metric::ServerCpu], Status::NoFinding),
        (&[Metric::ToolSwitches], Status::Worse),
        (&[Metric::Throughput, Metric::ToolSwitches], Status::Worse),
        // Neither side is better.
        (&[Metric::MostInFlight], Status::NoFinding),
        // What nobody measured says nothing; with another metric it is no obstacle.
        (&[Metric::Iops], Status::CannotTell),
        (&[Metric::Iops, Metric::ServerCpu], Status::NoFinding),
    ] {
        assert_eq!(status(metrics), expected, "{metrics:?}");
    }
    let sentences = |metrics: &[Metric]| ask(&costs(), metrics).conclusion.sentences.join(" ");
    assert_eq!(
        sentences(&[Metric::ToolSwitches, Metric::MostInFlight, Metric::Iops]),
        "patched against original: WORSE in 2 of 6 rows (x2.000); more in 2 of 6 rows (x12.000); not \
         measured in 2 of 6 rows."
    );
}

/// With the wall clock p is corrected for the cells of the metrics that decide, and of each other metric for its own.
#[test]
fn families_of_the_correction() {
    let fast = [(0.5, 50.0), (0.51, 50.0), (0.52, 50.0), (0.53, 50.0), (0.54, 50.0)];
    let slow = fast.map(|(dd_s, aio)| (dd_s * 2.0, aio));
    let campaign = campaign(Clock::Wall, &[arm("original", &[], &slow, 1), arm("patched", &["s"], &fast, 1)]);
    let corrected = |rows: &[Row], metric| {
        let row = rows.iter().find(|row| row.metric == metric && row.workload == "dd-read").unwrap();
        let change = row.cells[1].change.unwrap();
        ((change.p.unwrap() * 126.0).round(), (change.p_corrected.unwrap() * 126.0).round())
    };
    let one = ask(&campaign, &[]);
    assert_eq!(corrected(&one.rows, Metric::Throughput), (1.0, 2.0));
    let two = ask(&campaign, &[Metric::Throughput, Metric::ToolCpu, Metric::Throughput]);
    assert_eq!(two.metrics, [Metric::Throughput, Metric::ToolCpu]);
    assert_eq!(corrected(&two.rows, Metric::Throughput), (1.0, 4.0));
    let other = ask(&campaign, &[Metric::Requests]);
    assert_eq!(corrected(&other.other_metrics, Metric::Throughput), (1.0, 2.0));
}

/// All metrics are in the JSON, whichever decide, and a figure that is missing is not zero.
#[test]
fn json_holds_every_metric() {
    let value = serde_json::to_value(ask(&costs(), &[])).unwrap();
    assert_eq!(value["metrics"], serde_json::json!(["throughput"]));
    assert_eq!(value["rows"].as_array().unwrap().len(), 2);
    let others = value["other-metrics"].as_array().unwrap();
    assert_eq!(others.len(), 2 * (Metric::ALL.len() - 1));
    let iops = others.iter().find(|row| row["metric"] == "iops").unwrap();
    assert_eq!(iops["cells"][0]["mean"], serde_json::Value::Null);
    assert_eq!(iops["cells"][0]["not-given"], "not given by dd");
    assert_eq!(iops["cells"][1]["change"]["verdict"], "not-given");
    let p90 = |cell: &serde_json::Value| cell["evidence"]["read-service"]["p90-ns"]["most"].clone();
    assert_eq!(p90(&value["rows"][0]["cells"][0]), 1_000_900);
    assert_eq!(p90(&others[0]["cells"][0]), serde_json::Value::Null);
}

/// CPU time that is zero in one kernel has no ratio, and makes nothing infinite.
#[test]
fn zero_against_something() {
    let mut campaign = costs();
    for boot in &mut campaign.boots[2..] {
        boot.report.as_mut().unwrap().workloads[0].tool_cpu = CpuTime::default();
    }
    let change = ask(&campaign, &[Metric::ToolCpu]).rows[0].cells[1].change.unwrap();
    assert_eq!((change.ratio, change.verdict), (None, Verdict::Unclear));
}
