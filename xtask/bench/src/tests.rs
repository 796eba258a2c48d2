//! The report of invented figures, which show each case.

use expect_test::expect;
use lab_core::campaign::Host;

use super::contender::{self, Participation};
use super::load_tools::{FileLocation, LoadTool, ToolSeries};
use super::report::{BenchReport, Versions, render};
use super::series::{AllSeries, Measure};
use super::throughput::THREADS;

/// A machine that is none.
pub(super) fn host() -> Host {
    Host {
        machine: None,
        cpu: "a CPU".to_owned(),
        cpus: 2,
        memory_mib: 4096,
        kernel: "Linux 6.12".to_owned(),
        system: "Debian".to_owned(),
    }
}

fn report(series: AllSeries, load_tools: Vec<ToolSeries>) -> BenchReport {
    BenchReport {
        begun: "2026-01-02T03:04:05Z".to_owned(),
        commit: "0123456789abcdef".to_owned(),
        host: host(),
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
        if contender.part == Participation::Data {
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
        seen: if place == FileLocation::Mount { [(65536, 8192)].into() } else { [].into() },
        most_in_flight: if place == FileLocation::Mount { vec![64, 61] } else { Vec::new() },
    };
    let both = |place| [series(place, LoadTool::AioStress, 1.0), series(place, LoadTool::Fio, 1.5)];
    [both(FileLocation::Tmpfs), both(FileLocation::Mount)].into_iter().flatten().collect()
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
        splicing        ours, moving data by splice(2)
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
        |       1 | tmpfs           |   1050 |   1025 .. 1075 |            0.12 |     1.00 |    0.51 |
        |         | passthrough     |   2050 |   2025 .. 2075 |            0.23 |     1.95 |    1.00 |
        |         | with model      |   3050 |   3025 .. 3075 |            0.34 |     2.90 |    1.49 |
        |         | splicing        |   4050 |   4025 .. 4075 |            0.45 |     3.86 |    1.98 |
        |         | ll              |   5050 |   5025 .. 5075 |            0.56 |     4.81 |    2.46 |
        |         | ll splice       |   6050 |   6025 .. 6075 |            0.67 |     5.76 |    2.95 |
        |         | ll splice clone |   7050 |   7025 .. 7075 |            0.78 |     6.71 |    3.44 |
        |         | ll copy         |   8050 |   8025 .. 8075 |            0.89 |     7.67 |    3.93 |
        |         | hp *            |   9050 |   9025 .. 9075 |            1.00 |     8.62 |    4.41 |
        |       2 | tmpfs           |   2050 |   2025 .. 2075 |            0.11 |     1.00 |    0.51 |
        |         | passthrough     |   4050 |   4025 .. 4075 |            0.22 |     1.98 |    1.00 |
        |         | with model      |   6050 |   6025 .. 6075 |            0.34 |     2.95 |    1.49 |
        |         | splicing        |   8050 |   8025 .. 8075 |            0.45 |     3.93 |    1.99 |
        |         | ll              |  10050 | 10025 .. 10075 |            0.56 |     4.90 |    2.48 |
        |         | ll splice       |  12050 | 12025 .. 12075 |            0.67 |     5.88 |    2.98 |
        |         | ll splice clone |  14050 | 14025 .. 14075 |            0.78 |     6.85 |    3.47 |
        |         | ll copy         |  16050 | 16025 .. 16075 |            0.89 |     7.83 |    3.96 |
        |         | hp *            |  18050 | 18025 .. 18075 |            1.00 |     8.80 |    4.46 |
        |       4 | tmpfs           |   4050 |   4025 .. 4075 |            0.11 |     1.00 |    0.50 |
        |         | passthrough     |   8050 |   8025 .. 8075 |            0.22 |     1.99 |    1.00 |
        |         | with model      |  12050 | 12025 .. 12075 |            0.33 |     2.98 |    1.50 |
        |         | splicing        |  16050 | 16025 .. 16075 |            0.45 |     3.96 |    1.99 |
        |         | ll              |  20050 | 20025 .. 20075 |            0.56 |     4.95 |    2.49 |
        |         | ll splice       |  24050 | 24025 .. 24075 |            0.67 |     5.94 |    2.99 |
        |         | ll splice clone |  28050 | 28025 .. 28075 |            0.78 |     6.93 |    3.48 |
        |         | ll copy         |  32050 | 32025 .. 32075 |            0.89 |     7.91 |    3.98 |
        |         | hp *            |  36050 | 36025 .. 36075 |            1.00 |     8.90 |    4.48 |

        Writes through the mount, MiB/s (* best libfuse server)
        | threads | server          | median |      quartiles | to best libfuse | to tmpfs | to ours |
        |---------|-----------------|--------|----------------|-----------------|----------|---------|
        |       1 | tmpfs           |   5000 |   5000 .. 5000 |            0.11 |     1.00 |    0.50 |
        |         | passthrough     |  10000 | 10000 .. 10000 |            0.22 |     2.00 |    1.00 |
        |         | with model      |  15000 | 15000 .. 15000 |            0.33 |     3.00 |    1.50 |
        |         | splicing        |  20000 | 20000 .. 20000 |            0.44 |     4.00 |    2.00 |
        |         | ll              |  25000 | 25000 .. 25000 |            0.56 |     5.00 |    2.50 |
        |         | ll splice       |  30000 | 30000 .. 30000 |            0.67 |     6.00 |    3.00 |
        |         | ll splice clone |  35000 | 35000 .. 35000 |            0.78 |     7.00 |    3.50 |
        |         | ll copy         |  40000 | 40000 .. 40000 |            0.89 |     8.00 |    4.00 |
        |         | hp *            |  45000 | 45000 .. 45000 |            1.00 |     9.00 |    4.50 |
        |       2 | tmpfs           |   5000 |   5000 .. 5000 |            0.11 |     1.00 |    0.50 |
        |         | passthrough     |  10000 | 10000 .. 10000 |            0.22 |     2.00 |    1.00 |
        |         | with model      |  15000 | 15000 .. 15000 |            0.33 |     3.00 |    1.50 |
        |         | splicing        |  20000 | 20000 .. 20000 |            0.44 |     4.00 |    2.00 |
        |         | ll              |  25000 | 25000 .. 25000 |            0.56 |     5.00 |    2.50 |
        |         | ll splice       |  30000 | 30000 .. 30000 |            0.67 |     6.00 |    3.00 |
        |         | ll splice clone |  35000 | 35000 .. 35000 |            0.78 |     7.00 |    3.50 |
        |         | ll copy         |  40000 | 40000 .. 40000 |            0.89 |     8.00 |    4.00 |
        |         | hp *            |  45000 | 45000 .. 45000 |            1.00 |     9.00 |    4.50 |
        |       4 | tmpfs           |   5000 |   5000 .. 5000 |            0.11 |     1.00 |    0.50 |
        |         | passthrough     |  10000 | 10000 .. 10000 |            0.22 |     2.00 |    1.00 |
        |         | with model      |  15000 | 15000 .. 15000 |            0.33 |     3.00 |    1.50 |
        |         | splicing        |  20000 | 20000 .. 20000 |            0.44 |     4.00 |    2.00 |
        |         | ll              |  25000 | 25000 .. 25000 |            0.56 |     5.00 |    2.50 |
        |         | ll splice       |  30000 | 30000 .. 30000 |            0.67 |     6.00 |    3.00 |
        |         | ll splice clone |  35000 | 35000 .. 35000 |            0.78 |     7.00 |    3.50 |
        |         | ll copy         |  40000 | 40000 .. 40000 |            0.89 |     8.00 |    4.00 |
        |         | hp *            |  45000 | 45000 .. 45000 |            1.00 |     9.00 |    4.50 |

        CPU time of the server, us a request of 128 KiB that reads (* best libfuse server)
        | threads | server          | median |    quartiles | to best libfuse | to tmpfs | to ours |
        |---------|-----------------|--------|--------------|-----------------|----------|---------|
        |       1 | passthrough     |   31.2 | 31.2 .. 31.2 |            0.40 |          |    1.00 |
        |         | with model      |   46.9 | 46.9 .. 46.9 |            0.60 |          |    1.50 |
        |         | splicing        |   62.5 | 62.5 .. 62.5 |            0.80 |          |    2.00 |
        |         | ll *            |   78.1 | 78.1 .. 78.1 |            1.00 |          |    2.50 |
        |         | ll splice       |   93.8 | 93.8 .. 93.8 |            1.20 |          |    3.00 |
        |         | ll splice clone |    109 |   109 .. 109 |            1.40 |          |    3.50 |
        |         | ll copy         |    125 |   125 .. 125 |            1.60 |          |    4.00 |
        |         | hp              |    141 |   141 .. 141 |            1.80 |          |    4.50 |
        |       2 | passthrough     |   31.2 | 31.2 .. 31.2 |            0.40 |          |    1.00 |
        |         | with model      |   46.9 | 46.9 .. 46.9 |            0.60 |          |    1.50 |
        |         | splicing        |   62.5 | 62.5 .. 62.5 |            0.80 |          |    2.00 |
        |         | ll *            |   78.1 | 78.1 .. 78.1 |            1.00 |          |    2.50 |
        |         | ll splice       |   93.8 | 93.8 .. 93.8 |            1.20 |          |    3.00 |
        |         | ll splice clone |    109 |   109 .. 109 |            1.40 |          |    3.50 |
        |         | ll copy         |    125 |   125 .. 125 |            1.60 |          |    4.00 |
        |         | hp              |    141 |   141 .. 141 |            1.80 |          |    4.50 |
        |       4 | passthrough     |   31.2 | 31.2 .. 31.2 |            0.40 |          |    1.00 |
        |         | with model      |   46.9 | 46.9 .. 46.9 |            0.60 |          |    1.50 |
        |         | splicing        |   62.5 | 62.5 .. 62.5 |            0.80 |          |    2.00 |
        |         | ll *            |   78.1 | 78.1 .. 78.1 |            1.00 |          |    2.50 |
        |         | ll splice       |   93.8 | 93.8 .. 93.8 |            1.20 |          |    3.00 |
        |         | ll splice clone |    109 |   109 .. 109 |            1.40 |          |    3.50 |
        |         | ll copy         |    125 |   125 .. 125 |            1.60 |          |    4.00 |
        |         | hp              |    141 |   141 .. 141 |            1.80 |          |    4.50 |

        CPU time of the server, us a request of 128 KiB that writes (* best libfuse server)
        | threads | server          | median |    quartiles | to best libfuse | to tmpfs | to ours |
        |---------|-----------------|--------|--------------|-----------------|----------|---------|
        |       1 | passthrough     |   62.5 | 62.5 .. 62.5 |            0.40 |          |    1.00 |
        |         | with model      |   93.8 | 93.8 .. 93.8 |            0.60 |          |    1.50 |
        |         | splicing        |    125 |   125 .. 125 |            0.80 |          |    2.00 |
        |         | ll *            |    156 |   156 .. 156 |            1.00 |          |    2.50 |
        |         | ll splice       |    188 |   188 .. 188 |            1.20 |          |    3.00 |
        |         | ll splice clone |    219 |   219 .. 219 |            1.40 |          |    3.50 |
        |         | ll copy         |    250 |   250 .. 250 |            1.60 |          |    4.00 |
        |         | hp              |    281 |   281 .. 281 |            1.80 |          |    4.50 |
        |       2 | passthrough     |   62.5 | 62.5 .. 62.5 |            0.40 |          |    1.00 |
        |         | with model      |   93.8 | 93.8 .. 93.8 |            0.60 |          |    1.50 |
        |         | splicing        |    125 |   125 .. 125 |            0.80 |          |    2.00 |
        |         | ll *            |    156 |   156 .. 156 |            1.00 |          |    2.50 |
        |         | ll splice       |    188 |   188 .. 188 |            1.20 |          |    3.00 |
        |         | ll splice clone |    219 |   219 .. 219 |            1.40 |          |    3.50 |
        |         | ll copy         |    250 |   250 .. 250 |            1.60 |          |    4.00 |
        |         | hp              |    281 |   281 .. 281 |            1.80 |          |    4.50 |
        |       4 | passthrough     |   62.5 | 62.5 .. 62.5 |            0.40 |          |    1.00 |
        |         | with model      |   93.8 | 93.8 .. 93.8 |            0.60 |          |    1.50 |
        |         | splicing        |    125 |   125 .. 125 |            0.80 |          |    2.00 |
        |         | ll *            |    156 |   156 .. 156 |            1.00 |          |    2.50 |
        |         | ll splice       |    188 |   188 .. 188 |            1.20 |          |    3.00 |
        |         | ll splice clone |    219 |   219 .. 219 |            1.40 |          |    3.50 |
        |         | ll copy         |    250 |   250 .. 250 |            1.60 |          |    4.00 |
        |         | hp              |    281 |   281 .. 281 |            1.80 |          |    4.50 |

        10000 empty files: created per second (* best libfuse server)
        | threads | server      | median |      quartiles | to best libfuse | to tmpfs | to ours |
        |---------|-------------|--------|----------------|-----------------|----------|---------|
        |       4 | tmpfs       |  55321 | 55321 .. 55321 |            0.87 |     1.00 |    0.98 |
        |         | passthrough |  56321 | 56321 .. 56321 |            0.89 |     1.02 |    1.00 |
        |         | ll          |  59321 | 59321 .. 59321 |            0.94 |     1.07 |    1.05 |
        |         | hp *        |  63321 | 63321 .. 63321 |            1.00 |     1.14 |    1.12 |

        Looked at per second, names unknown to the kernel (* best libfuse server)
        | threads | server      | median |      quartiles | to best libfuse | to tmpfs | to ours |
        |---------|-------------|--------|----------------|-----------------|----------|---------|
        |       4 | tmpfs       |  55321 | 55321 .. 55321 |            0.87 |     1.00 |    0.98 |
        |         | passthrough |  56321 | 56321 .. 56321 |            0.89 |     1.02 |    1.00 |
        |         | ll          |  59321 | 59321 .. 59321 |            0.94 |     1.07 |    1.05 |
        |         | hp *        |  63321 | 63321 .. 63321 |            1.00 |     1.14 |    1.12 |

        Removed per second (* best libfuse server)
        | threads | server      | median |      quartiles | to best libfuse | to tmpfs | to ours |
        |---------|-------------|--------|----------------|-----------------|----------|---------|
        |       4 | tmpfs       |  55321 | 55321 .. 55321 |            0.87 |     1.00 |    0.98 |
        |         | passthrough |  56321 | 56321 .. 56321 |            0.89 |     1.02 |    1.00 |
        |         | ll          |  59321 | 59321 .. 59321 |            0.94 |     1.07 |    1.05 |
        |         | hp *        |  63321 | 63321 .. 63321 |            1.00 |     1.14 |    1.12 |

        Peak memory of the servers (VmHWM), MiB
        | server          | threads: 1 | threads: 2 | threads: 4 | small files |
        |-----------------|------------|------------|------------|-------------|
        | passthrough     |        1.5 |        2.5 |        4.5 |         7.0 |
        | with model      |        1.5 |        2.5 |        4.5 |             |
        | splicing        |        1.5 |        2.5 |        4.5 |             |
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
