//! The report of invented figures, which show each case.

use expect_test::expect;

use super::contender;
use super::load_tools::{Place, Tool, ToolSeries};
use super::report::{Report, Versions, render};
use super::series::{AllSeries, Measure};
use super::throughput::THREADS;
use crate::campaign::Host;

fn report(series: AllSeries, load_tools: Vec<ToolSeries>) -> Report {
    Report {
        begun: "2026-01-02T03:04:05Z".to_owned(),
        commit: "0123456789abcdef".to_owned(),
        host: Host {
            cpu: "a CPU".to_owned(),
            cpus: 2,
            memory_mib: 4096,
            kernel: "Linux 6.12".to_owned(),
            system: "Debian".to_owned(),
        },
        versions: Versions {
            libfuse: "3.14".to_owned(),
            fio: "fio-3.33".to_owned(),
            rustc: "rustc 1.89".to_owned(),
        },
        rounds: 3,
        file_mib: 512,
        series,
        load_tools,
    }
}

/// Everyone but the last contender, who was not measured.
fn series() -> AllSeries {
    let mut series = AllSeries::default();
    let contenders = contender::all();
    for (place, contender) in contenders[..contenders.len() - 1].iter().enumerate() {
        let value = 1000.0 * (place + 1) as f64;
        for threads in THREADS {
            series.add(Measure::Read, contender.name, threads, value * f64::from(threads));
            series.add(Measure::Read, contender.name, threads, value * f64::from(threads) + 100.0);
            series.add(Measure::Write, contender.name, threads, 5.0 * value);
            if contender.name != "tmpfs" {
                series.add(Measure::PeakMemory, contender.name, threads, f64::from(threads) + 0.54);
            }
        }
        for measure in [Measure::Create, Measure::Stat, Measure::Unlink] {
            series.add(measure, contender.name, 4, 54321.0 + value);
        }
        series.add(Measure::PeakMemorySmallFiles, contender.name, 4, 7.0);
    }
    series
}

fn tools() -> Vec<ToolSeries> {
    let series = |place, tool, factor: f64| ToolSeries {
        place,
        record_kib: 64,
        batch: 16,
        tool,
        requests: 8192,
        wall_us: vec![10.0 * factor, 12.0 * factor],
        cpu_us: vec![2.5 * factor],
        seen: if place == Place::Mount { [(65536, 8192)].into() } else { [].into() },
        most_in_flight: if place == Place::Mount { vec![64, 61] } else { Vec::new() },
    };
    let both = |place| [series(place, Tool::AioStress, 1.0), series(place, Tool::Fio, 1.5)];
    [both(Place::Tmpfs), both(Place::Mount)].into_iter().flatten().collect()
}

#[test]
fn the_whole_report() {
    let text = render(&report(series(), tools()), &contender::all());
    let widest = text.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(100), "{widest:?}");
    expect![""].assert_eq(&text);
}

#[test]
fn parts_that_were_not_measured_are_left_out() {
    let text = render(&report(AllSeries::default(), tools()), &contender::all());
    let titles: Vec<&str> =
        text.lines().filter(|line| line.contains("Reads") || line.contains("saw")).collect();
    expect![[r#"
        What our server, with 64 threads, saw of them
        | record | batch | tool       | READ requests the server saw | most in flight |"#]].assert_eq(&titles.join("\n"));
}
