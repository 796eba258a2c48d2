//! What stands behind the throughput: how boots differ, what server and storage saw, and the statistics.

use lab_protocol::StorageSettings;

use super::{text, words};
use crate::comparison::{Cell, Comparison, Row};
use crate::evidence::metric::Metric;
use crate::plan::Scenario;
use crate::text::layout::{WIDTH, align_right, new_table};

/// Each part by itself.
pub(super) fn render(comparison: &Comparison) -> Vec<String> {
    let parts = [Some(differences(comparison)), requests(comparison), storage(comparison), tests(comparison)];
    parts.into_iter().flatten().collect()
}

fn served(comparison: &Comparison) -> Vec<&Scenario> {
    let arms = comparison.variants.iter().filter_map(|variant| variant.scenario.as_ref());
    let counts = |scenario: &Scenario| scenario.server.is_some();
    let is_arm = arms.into_iter().any(counts);
    comparison.scenarios.iter().filter(|scenario| is_arm || counts(scenario)).collect()
}

/// How far the boots behind a value differ: one line for each row and variant.
fn differences(comparison: &Comparison) -> String {
    let lead = "How far the samples of one kernel differ (spread), and how far the change may lie from the one that was found \
                (half of its 95 % interval).";
    let columns = ["workload", "variant", "samples", "spread", "+-"];
    let text = by_metric(comparison, lead, &columns, &difference_line);
    let repeats = repeated(comparison).map(|line| text::wrap("", &line, WIDTH, 0));
    [Some(text), repeats].into_iter().flatten().collect::<Vec<_>>().join("\n")
}

/// Whether samples that were taken twice were the same.
fn repeated(comparison: &Comparison) -> Option<String> {
    let cells = || comparison.rows.iter().flat_map(|row| &row.cells);
    let repeats: Vec<f64> = cells().filter_map(|cell| cell.repeat.map(|repeat| repeat.spread)).collect();
    let most = repeats.iter().copied().reduce(f64::max)?;
    Some(match most {
        0.0 => format!(
            "Taken twice: the samples of {} rows and variants, and each was the same to the last digit.",
            repeats.len()
        ),
        most => format!(
            "Taken twice: the samples of {} rows and variants; they differ by up to {}.",
            repeats.len(),
            text::percent(most)
        ),
    })
}

/// What backs the throughput where there is a FUSE server: one line for each row and variant.
fn requests(comparison: &Comparison) -> Option<String> {
    let scenarios = served(comparison);
    let columns =
        ["workload", "variant", "reqs", "KiB", "in flight", "mean", "service", "not\nsequential", "failed"];
    let lead = "What the server saw of READ and WRITE: requests, largest in KiB, most in flight at one time, mean in \
                flight, mean time from arrival to answer in us (service), requests that are not sequential, failed ones.";
    (!scenarios.is_empty()).then(|| by_scenario(comparison, &scenarios, lead, &columns, &requests_line))
}

/// The statistics of a wall-clock run: one line for each row and variant.
fn tests(comparison: &Comparison) -> Option<String> {
    let changes =
        || comparison.rows.iter().flat_map(|row| &row.cells).filter_map(|cell| cell.change.as_ref());
    let lead = format!(
        "Change as the median ratio of all pairs of boots, its 95 % interval, boots (n), {} p, the same corrected for all cells of \
         other kernels (or all of the same kernel), and the smallest change that this run could have seen.",
        if text::is_exact(comparison) { "exact" } else { "approximate" }
    );
    let columns = ["workload", "variant", "n", "ratio", "95 % interval", "p", "corrected", "detectable"];
    changes().any(|change| change.p.is_some()).then(|| by_metric(comparison, &lead, &columns, &tested_line))
}

/// A table for each scenario and metric, with a line for each row and variant.
fn by_metric(
    comparison: &Comparison,
    lead: &str,
    columns: &[&str],
    line: &dyn Fn(&Cell) -> Vec<String>,
) -> String {
    let mut parts = vec![text::wrap("", lead, WIDTH, 0)];
    for scenario in &comparison.scenarios {
        for metric in &comparison.metrics {
            let mut rows = comparison.rows.iter().filter(|row| row.metric == *metric);
            if rows.all(|row| row.cells.iter().all(Cell::is_not_given)) {
                continue;
            }
            let suffix = text::metric_suffix(comparison, *metric);
            parts.push(format!(
                "{} {}{suffix}\n{}",
                words::place(comparison),
                scenario.name,
                lines(comparison, scenario, *metric, columns, line)
            ));
        }
    }
    parts.join("\n")
}

/// A table for each scenario, with a line for each workload and variant.
fn by_scenario(
    comparison: &Comparison,
    scenarios: &[&Scenario],
    lead: &str,
    columns: &[&str],
    line: &dyn Fn(&Cell) -> Vec<String>,
) -> String {
    // Evidence is in the rows of the first metric.
    let first = comparison.metrics[0];
    let mut parts = vec![text::wrap("", lead, WIDTH, 0)];
    for scenario in scenarios {
        parts.push(format!(
            "{} {}\n{}",
            words::place(comparison),
            scenario.name,
            lines(comparison, scenario, first, columns, line)
        ));
    }
    parts.join("\n")
}

fn lines(
    comparison: &Comparison,
    scenario: &Scenario,
    metric: Metric,
    columns: &[&str],
    line: &dyn Fn(&Cell) -> Vec<String>,
) -> String {
    let mut table = new_table(columns);
    let is_shown = |row: &&Row| row.scenario == scenario.name && row.metric == metric;
    for row in comparison.rows.iter().filter(is_shown) {
        for (place, cell) in row.cells.iter().enumerate() {
            let workload = if place == 0 { row.workload.clone() } else { String::new() };
            table.add_row([vec![workload, cell.variant.clone()], line(cell)].concat());
        }
    }
    align_right(&mut table, 2..columns.len());
    table.to_string()
}

fn difference_line(cell: &Cell) -> Vec<String> {
    let percent = |value: Option<f64>| value.map_or("-".to_owned(), text::percent);
    if cell.is_not_given() {
        return vec!["-".to_owned(); 3];
    }
    let interval = cell.change.and_then(|change| change.interval);
    vec![
        cell.samples.len().to_string(),
        percent(cell.spread),
        interval.map_or("-".to_owned(), |(low, high)| text::percent((high / low).sqrt() - 1.0)),
    ]
}

pub(super) fn requests_line(cell: &Cell) -> Vec<String> {
    let Some(seen) = cell.evidence else { return vec!["-".to_owned(); 7] };
    vec![
        text::range(seen.requests),
        text::kib(seen.largest_bytes),
        text::range(seen.most_in_flight),
        text::mean(seen.mean_in_flight),
        seen.mean_service_ns.map_or("-".to_owned(), text::us),
        text::range(seen.out_of_order),
        text::range(seen.failed),
    ]
}

/// What storage that is more than a latency did with the requests: one line for each row and variant.
fn storage(comparison: &Comparison) -> Option<String> {
    let busy = |scenario: &&Scenario| {
        let Some(server) = &scenario.server else { return false };
        let StorageSettings { parallel, mib_per_s, jitter_us, disorder_us, merge_kib, plug_us, .. } =
            server.storage;
        [parallel, mib_per_s, merge_kib].iter().any(|it| *it > 0)
            || [jitter_us, disorder_us, plug_us].iter().any(|it| *it > 0)
    };
    let scenarios: Vec<_> = comparison.scenarios.iter().filter(busy).collect();
    let columns = ["workload", "variant", "ops", "ops/MiB", "merged", "KiB", "at once", "not\nsequential"];
    let lead = "What the storage did: operations, operations for each MiB of data, requests that were merged into another \
                one's operation, largest operation in KiB, most served at one time, operations that are not sequential.";
    (!scenarios.is_empty()).then(|| by_scenario(comparison, &scenarios, lead, &columns, &storage_line))
}

fn storage_line(cell: &Cell) -> Vec<String> {
    let Some(seen) = cell.evidence.and_then(|seen| seen.storage) else { return vec!["-".to_owned(); 6] };
    vec![
        text::range(seen.operations),
        text::mean(seen.operations_per_mib),
        text::range(seen.merged),
        text::kib(seen.largest_bytes),
        text::range(seen.most_at_once),
        text::range(seen.out_of_order),
    ]
}

fn tested_line(cell: &Cell) -> Vec<String> {
    let boots = cell.samples.len().to_string();
    let Some(change) = &cell.change else { return vec![boots, "1".to_owned()] };
    let shown = [
        change.ratio.map(|ratio| format!("{ratio:.3}")),
        change.interval.map(|(low, high)| format!("{low:.3}..{high:.3}")),
        change.p.map(p_value),
        change.p_corrected.map(p_value),
        change.smallest_visible.map(text::percent),
    ];
    let shown = shown.map(|value| value.unwrap_or_else(|| "-".to_owned()));
    [vec![boots], shown.to_vec()].concat()
}

/// Four digits behind the point; of a p below that so many that it is not zero.
pub(super) fn p_value(p: f64) -> String {
    if p < 0.0005 { format!("{p:.1e}") } else { format!("{p:.4}") }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use lab_protocol::StorageStats;

    use super::*;
    use crate::comparison::compare;
    use crate::fixtures::{campaign, two_arms};
    use crate::plan::Clock;

    #[test]
    fn storage_is_shown_where_it_is_more_than_a_latency() {
        let mut campaign = campaign(Clock::Virtual, &two_arms());
        assert_eq!(storage(&compare(&campaign).unwrap()), None);
        campaign.file.plan.scenarios[0].server.as_mut().unwrap().storage.merge_kib = 1024;
        for (boot, operations) in campaign.boots.iter_mut().zip([512, 128, 128, 512]) {
            for workload in &mut boot.report.as_mut().unwrap().workloads {
                workload.requests.as_mut().unwrap().storage = Some(StorageStats {
                    operations,
                    merged: 512 - operations,
                    out_of_order: operations % 3,
                    bytes: 64 << 20,
                    largest_bytes: (64 << 20) / operations,
                    most_at_once: 1,
                    service_ns: 0,
                    busy_ns: 0,
                });
            }
        }
        campaign.boots[3].report.as_mut().unwrap().workloads[1].requests.as_mut().unwrap().storage = None;
        expect![[r#"
            What the storage did: operations, operations for each MiB of data, requests that were merged into
            another one's operation, largest operation in KiB, most served at one time, operations that are not
            sequential.
            scenario slow
            | workload | variant  |     ops |   ops/MiB | merged |     KiB | at once |        not |
            |          |          |         |           |        |         |         | sequential |
            |----------|----------|---------|-----------|--------|---------|---------|------------|
            | dd-read  | original | 128-512 | 2.00-8.00 |  0-384 | 128-512 |       1 |          2 |
            |          | patched  | 128-512 | 2.00-8.00 |  0-384 | 128-512 |       1 |          2 |
            | aio-read | original | 128-512 | 2.00-8.00 |  0-384 | 128-512 |       1 |          2 |
            |          | patched  |       - |         - |      - |       - |       - |          - |"#]].assert_eq(&storage(&compare(&campaign).unwrap()).unwrap());
    }
}
