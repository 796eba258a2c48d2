//! What a plan varies, in each form.

use super::*;
use crate::plan::{Scenario, Sweep, SweepPoint, Varied};

/// Two kernels on storage without latency, and with one of 1 ms.
fn swept() -> Campaign {
    let fast = [
        arm("original", &[], &[(0.0645, 900.0), (0.0646, 901.0)], 1),
        arm("patched", &["async-dio"], &[(0.0633, 921.0), (0.0634, 920.0)], 12),
    ];
    let mut all = campaign(Clock::Virtual, &fast);
    let slow = campaign(Clock::Virtual, &two_arms());
    let first = all.boots.len() as u32;
    let parts = [(0, all.boots.split_off(0), 0), (1000, slow.boots, first)];
    let template = all.file.plan.scenarios.remove(0);
    let mut points = Vec::new();
    for (value, boots, before) in parts {
        let name = format!("slow.storage-latency-us.{value}");
        let mut scenario = Scenario { name: name.clone(), ..template.clone() };
        scenario.server.as_mut().unwrap().storage.latency_us = value;
        all.file.plan.scenarios.push(scenario);
        points.push(SweepPoint { name: name.clone(), of: "slow".to_owned(), value });
        for mut boot in boots {
            boot.record.boot.number += before;
            boot.record.boot.scenario.clone_from(&name);
            if value == 0 {
                let workloads = &mut boot.report.as_mut().unwrap().workloads;
                let stats = workloads.iter_mut().filter_map(|workload| workload.requests.as_mut());
                stats.filter_map(|stats| stats.read_service.as_mut()).for_each(|times| times.min_ns = 30_000);
            }
            boot.folder = format!("boot-{:03}", boot.record.boot.number);
            all.boots.push(boot);
        }
    }
    all.file.plan.boots = all.boots.iter().map(|boot| boot.record.boot.clone()).collect();
    let args = [&["if={file}", "of=/dev/null", "bs=2M", "iflag=direct"][..], &["-s", "64", "-O", "{file}"]];
    for (workload, args) in all.file.plan.workloads.iter_mut().zip(args) {
        workload.args = args.iter().map(|&arg| arg.to_owned()).collect();
    }
    let setting = "storage-latency-us".to_owned();
    all.file.plan.sweep = Some(Sweep { setting, varied: Varied::Scenarios, points });
    all
}

fn text_of(format: Format) -> String {
    format.render(&compare(&swept()).unwrap()).unwrap()
}

#[test]
fn the_answer_has_a_line_for_each_value() {
    let text = text_of(Format::Table);
    expect![[r#"
        Conclusion: nothing speaks against a variant (exit code 0).
        patched against original: faster in 3 of 4 rows (x1.019 to x4.000); no difference in 1 of 4 rows
          (within 0.4 % aio-read at 1000).

        storage-latency-us           original            patched
        dd-read                0    1040 MB/s      +1.9 % better
                            1000   111.8 MB/s       x4.00 better
        aio-read               0  900.5 MiB/s      +2.2 % better
                            1000  55.00 MiB/s  same within 0.4 %

        Kernel logs: no findings in any boot.

        Doubts:
        - all samples start at the same phase of the timer tick: that they agree says that figures repeat,
          not that a change of some percent is owed to the patches; set phase-range-us in lab.toml
        What it rests on: cargo xtask compare 2026-01-02-built --evidence
    "#]]
    .assert_eq(&text);
}

#[test]
fn the_evidence_has_a_table_for_each_workload() {
    let text = full::render(&compare(&swept()).unwrap());
    let tables = &text[text.find("scenario slow, dd-read").unwrap()..];
    expect![[r#"
        scenario slow, dd-read by storage-latency-us
        | storage-latency-us | unit | original |       patched |
        |--------------------|------|----------|---------------|
        | 0                  | MB/s |     1040 |          1059 |
        |                    |      |          | +1.9 % better |
        | 1000               | MB/s |    111.8 |         447.2 |
        |                    |      |          |  x4.00 better |

        scenario slow, aio-read by storage-latency-us
        | storage-latency-us | unit  | original |           patched |
        |--------------------|-------|----------|-------------------|
        | 0                  | MiB/s |    900.5 |             920.5 |
        |                    |       |          |     +2.2 % better |
        | 1000               | MiB/s |    55.00 |             55.01 |
        |                    |       |          | same within 0.4 % |

    "#]]
    .assert_eq(tables.split("A change").next().unwrap());
}

#[test]
fn markdown_and_mail() {
    let text = text_of(Format::Markdown);
    let tables = &text[text.find("### Scenario").unwrap()..];
    expect![[r#"
        ### Scenario slow, dd-read by storage-latency-us

        | storage-latency-us | unit | original |               patched |
        |--------------------|------|---------:|----------------------:|
        | 0                  | MB/s |     1040 | 1059<br>+1.9 % better |
        | 1000               | MB/s |    111.8 | 447.2<br>x4.00 better |

        ### Scenario slow, aio-read by storage-latency-us

        | storage-latency-us | unit  | original |                    patched |
        |--------------------|-------|---------:|---------------------------:|
        | 0                  | MiB/s |    900.5 |     920.5<br>+2.2 % better |
        | 1000               | MiB/s |    55.00 | 55.01<br>same within 0.4 % |

    "#]]
    .assert_eq(tables.split("A change").next().unwrap());
    let text = text_of(Format::Mail);
    let tables = &text[text.find("\nslow: ").unwrap()..];
    expect![[r#"

        slow: storage-latency-us varied; at first 16 threads on cloned fds, 128
          KiB requests, max_background 12 (congested at 9), ASYNC_DIO asked for,
          open kept, attr timeout 1000 ms, getxattr ENOSYS, storage in memory

                                  original    patched   change       95 % interval
        dd-read at 0, MB/s            1040       1059    +1.9%    x1.019 to x1.019
        dd-read at 1000, MB/s        111.8      447.2    x4.00    x3.995 to x4.004
        aio-read at 0, MiB/s         900.5      920.5    +2.2%    x1.008 to x1.037
        aio-read at 1000, MiB/s      55.00      55.01        ~    x0.997 to x1.004
        most requests in flight
          dd-read at 0                   1         12
          dd-read at 1000                1         12
          aio-read at 0                  1         12
          aio-read at 1000               1         12

    "#]]
    .assert_eq(tables.split("~ no").next().unwrap());
}

#[test]
fn lines_of_the_page_go_where_arithmetic_says() {
    let comparison = compare(&swept()).unwrap();
    let models = comparison.sweep.as_ref().unwrap().models.iter().map(|model| {
        let expected =
            model.expected.iter().map(|of| format!(" {} at {}", text::rate(of.throughput), of.value));
        let expected: String = expected.collect();
        format!(
            "{} {}:{expected}{}\n",
            model.workload,
            model.variant,
            model.not_given.as_deref().unwrap_or("")
        )
    });
    expect![[r#"
        dd-read original: 1040 at 0 119.6 at 1000
        dd-read patched: 1059 at 0 819.6 at 1000
        aio-read original: 900.5 at 0 112.7 at 1000
        aio-read patched: 920.5 at 0 920.5 at 1000
    "#]]
    .assert_eq(&models.collect::<String>());
    let page = Format::Html.render(&comparison).unwrap();
    assert_eq!(page.matches("class=\"line model\"").count(), 4, "{page}");
    assert!(page.contains("<section id=\"sweep\""), "{page}");
    // It is what the section of latencies would draw once more.
    assert!(!page.contains("<section id=\"latency\""), "{page}");
    assert!(page.contains(" at 1000, "), "{page}");
}

/// Storage that is more than a latency has no line, and the page says why.
#[test]
fn what_arithmetic_does_not_know_has_no_line() {
    let mut campaign = swept();
    for scenario in &mut campaign.file.plan.scenarios {
        scenario.server.as_mut().unwrap().storage.parallel = 4;
    }
    let page = Format::Html.render(&compare(&campaign).unwrap()).unwrap();
    assert!(!page.contains("line model"), "{page}");
    assert_eq!(page.matches("No line: the storage has more than a fixed latency.").count(), 2, "{page}");
    let mut campaign = swept();
    campaign.file.plan.sweep.as_mut().unwrap().setting = "attribute-timeout-ms".to_owned();
    let page = Format::Html.render(&compare(&campaign).unwrap()).unwrap();
    assert!(page.contains("No line: there is no arithmetic for attribute-timeout-ms."), "{page}");
}

#[test]
fn csv_has_the_setting() {
    let text = text_of(Format::Csv);
    let last = |line: &str| line.split(',').rev().take(3).collect::<Vec<_>>().join(" ");
    let lines = text.lines().filter(|line| line.contains(",yes,") && line.contains(",dd-read,"));
    expect![[r#"
        1039.6415801704106 0 storage-latency-us
        1059.3348697711128 0 storage-latency-us
        119.5831429640585 1000 storage-latency-us
        819.6314771417448 1000 storage-latency-us
    "#]]
    .assert_eq(&lines.map(|line| last(line) + "\n").collect::<String>());
}
