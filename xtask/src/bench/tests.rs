//! The report of invented figures, which show each case.

use expect_test::expect;

use super::contender::{self, Part};
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
                series.add(Measure::ReadCpu, contender.name, threads, value / 64.0);
                series.add(Measure::WriteCpu, contender.name, threads, value / 32.0);
                series.add(Measure::PeakMemory, contender.name, threads, f64::from(threads) + 0.54);
            }
        }
        if contender.part == Part::Data {
            continue;
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
    let too_wide: Vec<&str> = text.lines().filter(|line| line.chars().count() > 100).collect();
    assert!(too_wide.is_empty(), "{too_wide:?}");
    expect![[r#"
        bench begun 2026-01-02T03:04:05Z, commit 0123456789abcdef
        host: a CPU, 2 CPUs, 4096 MiB, Debian
        kernel: Linux 6.12
        versions: libfuse 3.14, fio-3.33, rustc 1.89
        3 rounds, everyone in turn in each; file of 512 MiB on tmpfs; requests of 128 KiB (checked)
        dd bs=2M with iflag=direct, or oflag=direct conv=notrunc
        median and quartiles of all samples; ratios are of medians

        tmpfs           the storage itself, without FUSE
        passthrough     ours, a cloned device descriptor for each thread
        with model      the same with modelled storage that takes no time
        ll              passthrough_ll as it comes
        ll splice       passthrough_ll -o splice_write,no_splice_read
        ll splice clone the same with -o clone_fd
        ll copy         passthrough_ll -o no_splice_write,no_splice_read, malloc told to keep memory
        hp              passthrough_hp, which splices both ways
        hp clone        the same with --clone-fd
        (libfuse's examples are changed at build time: passthrough_ll takes libfuse's connection options and
        max_threads; passthrough_hp gets max_write, no write-back cache, a timeout of 1 s, and passes
        --clone-fd and the number of threads on)

        Reads through the mount, MiB/s (* best libfuse server)
        | threads | server          | median |      quartiles | to best libfuse | to tmpfs | to ours |
        |---------|-----------------|--------|----------------|-----------------|----------|---------|
        |       1 | tmpfs           |   1050 |   1025 .. 1075 |            0.13 |     1.00 |    0.51 |
        |         | passthrough     |   2050 |   2025 .. 2075 |            0.25 |     1.95 |    1.00 |
        |         | with model      |   3050 |   3025 .. 3075 |            0.38 |     2.90 |    1.49 |
        |         | ll              |   4050 |   4025 .. 4075 |            0.50 |     3.86 |    1.98 |
        |         | ll splice       |   5050 |   5025 .. 5075 |            0.63 |     4.81 |    2.46 |
        |         | ll splice clone |   6050 |   6025 .. 6075 |            0.75 |     5.76 |    2.95 |
        |         | ll copy         |   7050 |   7025 .. 7075 |            0.88 |     6.71 |    3.44 |
        |         | hp *            |   8050 |   8025 .. 8075 |            1.00 |     7.67 |    3.93 |
        |       2 | tmpfs           |   2050 |   2025 .. 2075 |            0.13 |     1.00 |    0.51 |
        |         | passthrough     |   4050 |   4025 .. 4075 |            0.25 |     1.98 |    1.00 |
        |         | with model      |   6050 |   6025 .. 6075 |            0.38 |     2.95 |    1.49 |
        |         | ll              |   8050 |   8025 .. 8075 |            0.50 |     3.93 |    1.99 |
        |         | ll splice       |  10050 | 10025 .. 10075 |            0.63 |     4.90 |    2.48 |
        |         | ll splice clone |  12050 | 12025 .. 12075 |            0.75 |     5.88 |    2.98 |
        |         | ll copy         |  14050 | 14025 .. 14075 |            0.88 |     6.85 |    3.47 |
        |         | hp *            |  16050 | 16025 .. 16075 |            1.00 |     7.83 |    3.96 |
        |       4 | tmpfs           |   4050 |   4025 .. 4075 |            0.13 |     1.00 |    0.50 |
        |         | passthrough     |   8050 |   8025 .. 8075 |            0.25 |     1.99 |    1.00 |
        |         | with model      |  12050 | 12025 .. 12075 |            0.38 |     2.98 |    1.50 |
        |         | ll              |  16050 | 16025 .. 16075 |            0.50 |     3.96 |    1.99 |
        |         | ll splice       |  20050 | 20025 .. 20075 |            0.63 |     4.95 |    2.49 |
        |         | ll splice clone |  24050 | 24025 .. 24075 |            0.75 |     5.94 |    2.99 |
        |         | ll copy         |  28050 | 28025 .. 28075 |            0.88 |     6.93 |    3.48 |
        |         | hp *            |  32050 | 32025 .. 32075 |            1.00 |     7.91 |    3.98 |

        Writes through the mount, MiB/s (* best libfuse server)
        | threads | server          | median |      quartiles | to best libfuse | to tmpfs | to ours |
        |---------|-----------------|--------|----------------|-----------------|----------|---------|
        |       1 | tmpfs           |   5000 |   5000 .. 5000 |            0.12 |     1.00 |    0.50 |
        |         | passthrough     |  10000 | 10000 .. 10000 |            0.25 |     2.00 |    1.00 |
        |         | with model      |  15000 | 15000 .. 15000 |            0.38 |     3.00 |    1.50 |
        |         | ll              |  20000 | 20000 .. 20000 |            0.50 |     4.00 |    2.00 |
        |         | ll splice       |  25000 | 25000 .. 25000 |            0.62 |     5.00 |    2.50 |
        |         | ll splice clone |  30000 | 30000 .. 30000 |            0.75 |     6.00 |    3.00 |
        |         | ll copy         |  35000 | 35000 .. 35000 |            0.88 |     7.00 |    3.50 |
        |         | hp *            |  40000 | 40000 .. 40000 |            1.00 |     8.00 |    4.00 |
        |       2 | tmpfs           |   5000 |   5000 .. 5000 |            0.12 |     1.00 |    0.50 |
        |         | passthrough     |  10000 | 10000 .. 10000 |            0.25 |     2.00 |    1.00 |
        |         | with model      |  15000 | 15000 .. 15000 |            0.38 |     3.00 |    1.50 |
        |         | ll              |  20000 | 20000 .. 20000 |            0.50 |     4.00 |    2.00 |
        |         | ll splice       |  25000 | 25000 .. 25000 |            0.62 |     5.00 |    2.50 |
        |         | ll splice clone |  30000 | 30000 .. 30000 |            0.75 |     6.00 |    3.00 |
        |         | ll copy         |  35000 | 35000 .. 35000 |            0.88 |     7.00 |    3.50 |
        |         | hp *            |  40000 | 40000 .. 40000 |            1.00 |     8.00 |    4.00 |
        |       4 | tmpfs           |   5000 |   5000 .. 5000 |            0.12 |     1.00 |    0.50 |
        |         | passthrough     |  10000 | 10000 .. 10000 |            0.25 |     2.00 |    1.00 |
        |         | with model      |  15000 | 15000 .. 15000 |            0.38 |     3.00 |    1.50 |
        |         | ll              |  20000 | 20000 .. 20000 |            0.50 |     4.00 |    2.00 |
        |         | ll splice       |  25000 | 25000 .. 25000 |            0.62 |     5.00 |    2.50 |
        |         | ll splice clone |  30000 | 30000 .. 30000 |            0.75 |     6.00 |    3.00 |
        |         | ll copy         |  35000 | 35000 .. 35000 |            0.88 |     7.00 |    3.50 |
        |         | hp *            |  40000 | 40000 .. 40000 |            1.00 |     8.00 |    4.00 |

        CPU time of the server, us a request of 128 KiB that reads (* best libfuse server)
        | threads | server          | median |    quartiles | to best libfuse | to tmpfs | to ours |
        |---------|-----------------|--------|--------------|-----------------|----------|---------|
        |       1 | passthrough     |   31.2 | 31.2 .. 31.2 |            0.50 |          |    1.00 |
        |         | with model      |   46.9 | 46.9 .. 46.9 |            0.75 |          |    1.50 |
        |         | ll *            |   62.5 | 62.5 .. 62.5 |            1.00 |          |    2.00 |
        |         | ll splice       |   78.1 | 78.1 .. 78.1 |            1.25 |          |    2.50 |
        |         | ll splice clone |   93.8 | 93.8 .. 93.8 |            1.50 |          |    3.00 |
        |         | ll copy         |    109 |   109 .. 109 |            1.75 |          |    3.50 |
        |         | hp              |    125 |   125 .. 125 |            2.00 |          |    4.00 |
        |       2 | passthrough     |   31.2 | 31.2 .. 31.2 |            0.50 |          |    1.00 |
        |         | with model      |   46.9 | 46.9 .. 46.9 |            0.75 |          |    1.50 |
        |         | ll *            |   62.5 | 62.5 .. 62.5 |            1.00 |          |    2.00 |
        |         | ll splice       |   78.1 | 78.1 .. 78.1 |            1.25 |          |    2.50 |
        |         | ll splice clone |   93.8 | 93.8 .. 93.8 |            1.50 |          |    3.00 |
        |         | ll copy         |    109 |   109 .. 109 |            1.75 |          |    3.50 |
        |         | hp              |    125 |   125 .. 125 |            2.00 |          |    4.00 |
        |       4 | passthrough     |   31.2 | 31.2 .. 31.2 |            0.50 |          |    1.00 |
        |         | with model      |   46.9 | 46.9 .. 46.9 |            0.75 |          |    1.50 |
        |         | ll *            |   62.5 | 62.5 .. 62.5 |            1.00 |          |    2.00 |
        |         | ll splice       |   78.1 | 78.1 .. 78.1 |            1.25 |          |    2.50 |
        |         | ll splice clone |   93.8 | 93.8 .. 93.8 |            1.50 |          |    3.00 |
        |         | ll copy         |    109 |   109 .. 109 |            1.75 |          |    3.50 |
        |         | hp              |    125 |   125 .. 125 |            2.00 |          |    4.00 |

        CPU time of the server, us a request of 128 KiB that writes (* best libfuse server)
        | threads | server          | median |    quartiles | to best libfuse | to tmpfs | to ours |
        |---------|-----------------|--------|--------------|-----------------|----------|---------|
        |       1 | passthrough     |   62.5 | 62.5 .. 62.5 |            0.50 |          |    1.00 |
        |         | with model      |   93.8 | 93.8 .. 93.8 |            0.75 |          |    1.50 |
        |         | ll *            |    125 |   125 .. 125 |            1.00 |          |    2.00 |
        |         | ll splice       |    156 |   156 .. 156 |            1.25 |          |    2.50 |
        |         | ll splice clone |    188 |   188 .. 188 |            1.50 |          |    3.00 |
        |         | ll copy         |    219 |   219 .. 219 |            1.75 |          |    3.50 |
        |         | hp              |    250 |   250 .. 250 |            2.00 |          |    4.00 |
        |       2 | passthrough     |   62.5 | 62.5 .. 62.5 |            0.50 |          |    1.00 |
        |         | with model      |   93.8 | 93.8 .. 93.8 |            0.75 |          |    1.50 |
        |         | ll *            |    125 |   125 .. 125 |            1.00 |          |    2.00 |
        |         | ll splice       |    156 |   156 .. 156 |            1.25 |          |    2.50 |
        |         | ll splice clone |    188 |   188 .. 188 |            1.50 |          |    3.00 |
        |         | ll copy         |    219 |   219 .. 219 |            1.75 |          |    3.50 |
        |         | hp              |    250 |   250 .. 250 |            2.00 |          |    4.00 |
        |       4 | passthrough     |   62.5 | 62.5 .. 62.5 |            0.50 |          |    1.00 |
        |         | with model      |   93.8 | 93.8 .. 93.8 |            0.75 |          |    1.50 |
        |         | ll *            |    125 |   125 .. 125 |            1.00 |          |    2.00 |
        |         | ll splice       |    156 |   156 .. 156 |            1.25 |          |    2.50 |
        |         | ll splice clone |    188 |   188 .. 188 |            1.50 |          |    3.00 |
        |         | ll copy         |    219 |   219 .. 219 |            1.75 |          |    3.50 |
        |         | hp              |    250 |   250 .. 250 |            2.00 |          |    4.00 |

        10000 empty files: created per second (* best libfuse server)
        | threads | server      | median |      quartiles | to best libfuse | to tmpfs | to ours |
        |---------|-------------|--------|----------------|-----------------|----------|---------|
        |       4 | tmpfs       |  55321 | 55321 .. 55321 |            0.89 |     1.00 |    0.98 |
        |         | passthrough |  56321 | 56321 .. 56321 |            0.90 |     1.02 |    1.00 |
        |         | ll          |  58321 | 58321 .. 58321 |            0.94 |     1.05 |    1.04 |
        |         | hp *        |  62321 | 62321 .. 62321 |            1.00 |     1.13 |    1.11 |

        Looked at per second, names unknown to the kernel (* best libfuse server)
        | threads | server      | median |      quartiles | to best libfuse | to tmpfs | to ours |
        |---------|-------------|--------|----------------|-----------------|----------|---------|
        |       4 | tmpfs       |  55321 | 55321 .. 55321 |            0.89 |     1.00 |    0.98 |
        |         | passthrough |  56321 | 56321 .. 56321 |            0.90 |     1.02 |    1.00 |
        |         | ll          |  58321 | 58321 .. 58321 |            0.94 |     1.05 |    1.04 |
        |         | hp *        |  62321 | 62321 .. 62321 |            1.00 |     1.13 |    1.11 |

        Removed per second (* best libfuse server)
        | threads | server      | median |      quartiles | to best libfuse | to tmpfs | to ours |
        |---------|-------------|--------|----------------|-----------------|----------|---------|
        |       4 | tmpfs       |  55321 | 55321 .. 55321 |            0.89 |     1.00 |    0.98 |
        |         | passthrough |  56321 | 56321 .. 56321 |            0.90 |     1.02 |    1.00 |
        |         | ll          |  58321 | 58321 .. 58321 |            0.94 |     1.05 |    1.04 |
        |         | hp *        |  62321 | 62321 .. 62321 |            1.00 |     1.13 |    1.11 |

        Peak memory of the servers (VmHWM), MiB
        | server          | threads: 1 | threads: 2 | threads: 4 | small files |
        |-----------------|------------|------------|------------|-------------|
        | passthrough     |        1.5 |        2.5 |        4.5 |         7.0 |
        | with model      |        1.5 |        2.5 |        4.5 |             |
        | ll              |        1.5 |        2.5 |        4.5 |         7.0 |
        | ll splice       |        1.5 |        2.5 |        4.5 |             |
        | ll splice clone |        1.5 |        2.5 |        4.5 |             |
        | ll copy         |        1.5 |        2.5 |        4.5 |             |
        | hp              |        1.5 |        2.5 |        4.5 |         7.0 |
        | hp clone        |            |            |            |             |

        aio-stress and fio (libaio, gtod_reduce): O_DIRECT reads, up to 64 pending; us a request
        | file on | record | batch | time |             aio-stress |                    fio | ratio |
        |---------|--------|-------|------|------------------------|------------------------|-------|
        | tmpfs   | 64 KiB |    16 | wall | 11.00 (10.50 .. 11.50) | 16.50 (15.75 .. 17.25) |  0.67 |
        | tmpfs   | 64 KiB |    16 | CPU  |    2.50 (2.50 .. 2.50) |    3.75 (3.75 .. 3.75) |  0.67 |
        | mount   | 64 KiB |    16 | wall | 11.00 (10.50 .. 11.50) | 16.50 (15.75 .. 17.25) |  0.67 |
        | mount   | 64 KiB |    16 | CPU  |    2.50 (2.50 .. 2.50) |    3.75 (3.75 .. 3.75) |  0.67 |
        CPU: time of the tool; of fio that of its job, of aio-stress that of the whole program

        What our server, with 64 threads, saw of them
        | record | batch | tool       | READ requests the server saw | most in flight |
        |--------|-------|------------|------------------------------|----------------|
        | 64 KiB |    16 | aio-stress | 8192 of 65536 bytes          | 61 .. 64       |
        | 64 KiB |    16 | fio        | 8192 of 65536 bytes          | 61 .. 64       |
    "#]]
    .assert_eq(&text);
}

#[test]
fn parts_that_were_not_measured_are_left_out() {
    let text = render(&report(AllSeries::default(), tools()), &contender::all());
    let titles: Vec<&str> =
        text.lines().filter(|line| line.contains("Reads") || line.contains("saw")).collect();
    expect![[r#"
        What our server, with 64 threads, saw of them
        | record | batch | tool       | READ requests the server saw | most in flight |"#]]
    .assert_eq(&titles.join("\n"));
}
