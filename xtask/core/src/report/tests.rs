//! What the reports look like; no speed in them was measured.

use expect_test::{Expect, expect};
use lab_protocol::EndOfProgram;

use super::*;
use crate::campaign::Campaign;
use crate::comparison::{Question, answer, compare};
use crate::evidence::metric::Metric;
use crate::evidence::outcome::Outcome;
use crate::fixtures::servers::three_servers;
use crate::fixtures::{arm, campaign, two_arms, warn};
use crate::plan::Clock;

mod forms;
mod sources;
mod sweeps;
mod the_answer;

fn check_table(campaign: &Campaign, expected: Expect) {
    let text = full::render(&compare(campaign).unwrap());
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    expected.assert_eq(&text);
}

fn check_mail(campaign: &Campaign, expected: Expect) {
    let text = mail::render(&compare(campaign).unwrap(), &Attached::commands(campaign));
    assert!(text.is_ascii());
    expected.assert_eq(&text);
    let long: Vec<_> = text.lines().filter(|line| line.len() > 72).collect();
    assert!(long.is_empty(), "{long:?}");
}

fn five_arms() -> Campaign {
    campaign(
        Clock::Virtual,
        &[
            arm("original", &[], &[(0.6, 55.0), (0.6003, 55.01)], 1),
            arm("patched", &["async-dio"], &[(0.15, 538.0), (0.1501, 538.1)], 12),
            arm("clean-up", &["async-dio", "clean-up"], &[(0.6001, 540.0), (0.6002, 540.2)], 12),
            arm("third-way", &["async-dio", "third-way"], &[(0.15, 530.0), (0.165, 530.0)], 12),
            arm("stock", &["stock"], &[(0.7, 54.0), (0.7, 54.0)], 1),
        ],
    )
}

/// One workload fails, one boot hangs, one kernel warns, and a message tries to act on the terminal.
fn troubled() -> Campaign {
    let mut campaign = campaign(Clock::Virtual, &two_arms());
    let workload = &mut campaign.boots[2].report.as_mut().unwrap().workloads[0];
    workload.end = EndOfProgram::Exit(1);
    workload.stderr = "dd: error reading '/mnt/fuse/file': \x1b[31mInput/output error\n".into();
    warn(&mut campaign.boots[2], "fuse_aio_complete");
    campaign.boots[3].report = None;
    campaign.boots[3].record.outcome =
        Outcome::Hung { reason: "no byte for 30 s; last: \x1b]0;x\x07Run /init".into() };
    campaign
}

fn wall() -> Campaign {
    let slow: Vec<_> = [1.0, 1.01, 1.02, 1.03, 1.04, 1.05].map(|s| (s, 50.0)).to_vec();
    let same: Vec<_> = [1.005, 1.015, 1.025, 1.02, 1.03, 1.04].map(|s| (s, 50.0)).to_vec();
    let fast: Vec<_> = [0.7, 0.71, 0.72, 0.73, 0.74, 0.75].map(|s| (s, 50.0)).to_vec();
    campaign(
        Clock::Wall,
        &[arm("original", &[], &slow, 1), arm("again", &[], &same, 1), arm("patched", &["s"], &fast, 12)],
    )
}

#[test]
fn table_of_two() {
    check_table(
        &campaign(Clock::Virtual, &two_arms()),
        expect![[r#"
            campaign: 2026-01-02-built (plan built, begun 2026-01-02T03:04:05Z)
            source:   linux-source-6.12 6.12.117-1~deb12u1
            config:   c0c0c0c0c0c0, built with gcc 12.2.0
            image:    1a1a1a1a1a1a
            machine:  QEMU 7.2.22 -machine microvm, tcg, -cpu qemu64, 1 vCPU, 512 MiB
            clock:    virtual: counts instructions, not cycles; one vCPU; no caches, no parallel copying
            host:     some CPU, 2 CPUs, Debian 12
            scenario: slow: 16 threads on cloned fds, 128 KiB requests, max_background 12 (congested at 9),
                      ASYNC_DIO asked for, open kept, attr timeout 1000 ms, getxattr ENOSYS, storage latency
                      1000 us
            variant:  original (baseline): 6.12.117; no series; bzImage e3b0c44298fc; 2 boots: 2 finished
            variant:  patched: 6.12.117; async-dio (6 patches, 5e5e5e5e5e5e); bzImage 08e675bee5fb; 2 boots: 2
                      finished

            scenario slow
            | workload | unit  | original |           patched |
            |----------|-------|----------|-------------------|
            | dd-read  | MB/s  |    111.8 |             447.2 |
            |          |       |          |      x4.00 better |
            | aio-read | MiB/s |    55.00 |             55.01 |
            |          |       |          | same within 0.4 % |

            A change, the mean ratio of equal samples, counts if it exceeds 1 % and its 95 % interval excludes
            1. `same within X`: no difference larger than X was found: the end of the interval.

            Costs: no change by more than the thresholds was found of tool-cpu, server-cpu, tool-switches,
              server-switches, server-memory, slab, requests, other-requests, copied.

            How far the samples of one kernel differ (spread), and how far the change may lie from the one that
            was found (half of its 95 % interval).
            scenario slow
            | workload | variant  | samples | spread |     +- |
            |----------|----------|---------|--------|--------|
            | dd-read  | original |       2 | 0.05 % |      - |
            |          | patched  |       2 | 0.07 % | 0.11 % |
            | aio-read | original |       2 | 0.02 % |      - |
            |          | patched  |       2 | 0.04 % | 0.35 % |

            What the server saw of READ and WRITE: requests, largest in KiB, most in flight at one time, mean in
            flight, mean time from arrival to answer in us (service), requests that are not sequential, failed
            ones.
            scenario slow
            | workload | variant  | reqs | KiB | in flight |  mean | service |        not | failed |
            |          |          |      |     |           |       |         | sequential |        |
            |----------|----------|------|-----|-----------|-------|---------|------------|--------|
            | dd-read  | original |  512 | 128 |         1 |  0.88 |    1000 |          0 |      0 |
            |          | patched  |  512 | 128 |        12 | 10.50 |    1000 |          0 |      0 |
            | aio-read | original |  512 | 128 |         1 |  0.88 |    1000 |          0 |      0 |
            |          | patched  |  512 | 128 |        12 | 10.50 |    1000 |          0 |      0 |

            Kernel logs: no findings in any boot.

            Doubts:
            - all samples start at the same phase of the timer tick: that they agree says that figures repeat,
              not that a change of some percent is owed to the patches; set phase-range-us in lab.toml

            Conclusion: nothing speaks against a variant (exit code 0).
            patched against original: faster in 1 of 2 rows (x4.000); no difference in 1 of 2 rows (within 0.4 %
              aio-read).
        "#]],
    );
}

#[test]
fn table_of_five() {
    check_table(
        &five_arms(),
        expect![[r#"
            campaign: 2026-01-02-built (plan built, begun 2026-01-02T03:04:05Z)
            source:   linux-source-6.12 6.12.117-1~deb12u1
            config:   c0c0c0c0c0c0, built with gcc 12.2.0
            image:    1a1a1a1a1a1a
            machine:  QEMU 7.2.22 -machine microvm, tcg, -cpu qemu64, 1 vCPU, 512 MiB
            clock:    virtual: counts instructions, not cycles; one vCPU; no caches, no parallel copying
            host:     some CPU, 2 CPUs, Debian 12
            scenario: slow: 16 threads on cloned fds, 128 KiB requests, max_background 12 (congested at 9),
                      ASYNC_DIO asked for, open kept, attr timeout 1000 ms, getxattr ENOSYS, storage latency
                      1000 us
            variant:  original (baseline): 6.12.117; no series; bzImage e3b0c44298fc; 2 boots: 2 finished
            variant:  patched: 6.12.117; async-dio (6 patches, 5e5e5e5e5e5e); bzImage 08e675bee5fb; 2 boots: 2
                      finished
            variant:  clean-up: 6.12.117; async-dio (6 patches, 5e5e5e5e5e5e) + clean-up (6 patches,
                      5e5e5e5e5e5e); bzImage 13e4f2fc95ab; 2 boots: 2 finished
            variant:  third-way: 6.12.117; async-dio (6 patches, 5e5e5e5e5e5e) + third-way (6 patches,
                      5e5e5e5e5e5e); bzImage ebb472fec75e; 2 boots: 2 finished
            variant:  stock: 6.12.117; stock (6 patches, 5e5e5e5e5e5e); bzImage 08c4242b5f58; 2 boots: 2
                      finished

            scenario slow
            | workload | unit  | original |      patched |          clean-up |    third-way |         stock |
            |----------|-------|----------|--------------|-------------------|--------------|---------------|
            | dd-read  | MB/s  |    111.8 |        447.2 |             111.8 |        426.1 |         95.87 |
            |          |       |          | x4.00 better | same within 0.3 % | x3.81 better | -14.3 % worse |
            | aio-read | MiB/s |    55.00 |        538.0 |             540.1 |        530.0 |         54.00 |
            |          |       |          | x9.78 better |      x9.82 better | x9.64 better |  -1.8 % worse |

            A change, the mean ratio of equal samples, counts if it exceeds 1 % and its 95 % interval excludes
            1. `same within X`: no difference larger than X was found: the end of the interval.

            Costs: no change by more than the thresholds was found of tool-cpu, server-cpu, tool-switches,
              server-switches, server-memory, slab, requests, other-requests, copied.

            How far the samples of one kernel differ (spread), and how far the change may lie from the one that
            was found (half of its 95 % interval).
            scenario slow
            | workload | variant   | samples |  spread |      +- |
            |----------|-----------|---------|---------|---------|
            | dd-read  | original  |       2 |  0.05 % |       - |
            |          | patched   |       2 |  0.07 % |  0.11 % |
            |          | clean-up  |       2 |  0.02 % |  0.21 % |
            |          | third-way |       2 | 10.00 % | 82.64 % |
            |          | stock     |       2 |  0.00 % |  0.32 % |
            | aio-read | original  |       2 |  0.02 % |       - |
            |          | patched   |       2 |  0.02 % |  0.00 % |
            |          | clean-up  |       2 |  0.04 % |  0.12 % |
            |          | third-way |       2 |  0.00 % |  0.12 % |
            |          | stock     |       2 |  0.00 % |  0.12 % |

            What the server saw of READ and WRITE: requests, largest in KiB, most in flight at one time, mean in
            flight, mean time from arrival to answer in us (service), requests that are not sequential, failed
            ones.
            scenario slow
            | workload | variant   | reqs | KiB | in flight |  mean | service |        not | failed |
            |          |           |      |     |           |       |         | sequential |        |
            |----------|-----------|------|-----|-----------|-------|---------|------------|--------|
            | dd-read  | original  |  512 | 128 |         1 |  0.88 |    1000 |          0 |      0 |
            |          | patched   |  512 | 128 |        12 | 10.50 |    1000 |          0 |      0 |
            |          | clean-up  |  512 | 128 |        12 | 10.50 |    1000 |          0 |      0 |
            |          | third-way |  512 | 128 |        12 | 10.50 |    1000 |          0 |      0 |
            |          | stock     |  512 | 128 |         1 |  0.88 |    1000 |          0 |      0 |
            | aio-read | original  |  512 | 128 |         1 |  0.88 |    1000 |          0 |      0 |
            |          | patched   |  512 | 128 |        12 | 10.50 |    1000 |          0 |      0 |
            |          | clean-up  |  512 | 128 |        12 | 10.50 |    1000 |          0 |      0 |
            |          | third-way |  512 | 128 |        12 | 10.50 |    1000 |          0 |      0 |
            |          | stock     |  512 | 128 |         1 |  0.88 |    1000 |          0 |      0 |

            Kernel logs: no findings in any boot.

            Doubts:
            - all samples start at the same phase of the timer tick: that they agree says that figures repeat,
              not that a change of some percent is owed to the patches; set phase-range-us in lab.toml

            Conclusion: WORSE than the baseline (exit code 1).
            patched against original: faster in 2 of 2 rows (x4.000 to x9.782).
            clean-up against original: faster in 1 of 2 rows (x9.819); no difference in 1 of 2 rows (within 0.3
              % dd-read).
            third-way against original: faster in 2 of 2 rows (x3.815 to x9.635).
            stock against original: SLOWER in 2 of 2 rows (x0.857 to x0.982).
        "#]],
    );
}

#[test]
fn table_with_troubles() {
    check_table(
        &troubled(),
        expect![[r#"
            campaign: 2026-01-02-built (plan built, begun 2026-01-02T03:04:05Z)
            source:   linux-source-6.12 6.12.117-1~deb12u1
            config:   c0c0c0c0c0c0, built with gcc 12.2.0
            image:    1a1a1a1a1a1a
            machine:  QEMU 7.2.22 -machine microvm, tcg, -cpu qemu64, 1 vCPU, 512 MiB
            clock:    virtual: counts instructions, not cycles; one vCPU; no caches, no parallel copying
            host:     some CPU, 2 CPUs, Debian 12
            scenario: slow: 16 threads on cloned fds, 128 KiB requests, max_background 12 (congested at 9),
                      ASYNC_DIO asked for, open kept, attr timeout 1000 ms, getxattr ENOSYS, storage latency
                      1000 us
            variant:  original (baseline): 6.12.117; no series; bzImage e3b0c44298fc; 2 boots: 2 finished
            variant:  patched: 6.12.117; async-dio (6 patches, 5e5e5e5e5e5e); bzImage 08e675bee5fb; 2 boots: 1
                      BROKEN, 1 HUNG

            scenario slow
            | workload | unit  | original |        patched |
            |----------|-------|----------|----------------|
            | dd-read  | MB/s  |    111.8 |     FAILED 1/2 |
            | aio-read | MiB/s |    55.00 |          55.02 |
            |          |       |          | +0.0 % too few |

            A change, the mean ratio of equal samples, counts if it exceeds 1 % and its 95 % interval excludes
            1. `same within X`: no difference larger than X was found: the end of the interval.

            Costs: no change by more than the thresholds was found of tool-cpu, server-cpu, tool-switches,
              server-switches, server-memory, slab, requests, other-requests, copied.

            How far the samples of one kernel differ (spread), and how far the change may lie from the one that
            was found (half of its 95 % interval).
            scenario slow
            | workload | variant  | samples | spread | +- |
            |----------|----------|---------|--------|----|
            | dd-read  | original |       2 | 0.05 % |  - |
            |          | patched  |       0 |      - |  - |
            | aio-read | original |       2 | 0.02 % |  - |
            |          | patched  |       1 |      - |  - |

            What the server saw of READ and WRITE: requests, largest in KiB, most in flight at one time, mean in
            flight, mean time from arrival to answer in us (service), requests that are not sequential, failed
            ones.
            scenario slow
            | workload | variant  | reqs | KiB | in flight |  mean | service |        not | failed |
            |          |          |      |     |           |       |         | sequential |        |
            |----------|----------|------|-----|-----------|-------|---------|------------|--------|
            | dd-read  | original |  512 | 128 |         1 |  0.88 |    1000 |          0 |      0 |
            |          | patched  |    - |   - |         - |     - |       - |          - |      - |
            | aio-read | original |  512 | 128 |         1 |  0.88 |    1000 |          0 |      0 |
            |          | patched  |  512 | 128 |        12 | 10.50 |    1000 |          0 |      0 |

            Workloads that failed:
              patched, slow, dd-read, boot 3: exit code 1: dd: error reading '/mnt/fuse/file':
                \x1b[31mInput/output error

            Kernel logs (boots with the finding / boots read):
              warning: WARNING in fuse_aio_complete
                original 0/2, patched 1/2 NEW
                not seen in 2 boots of original; may still occur in up to 78 % of them
                first in boot-003, console line 3
                  ------------[ cut here ]------------
                  WARNING: CPU: 0 PID: 7 at fs/fuse/file.c:1 fuse_aio_complete+0x1/0x2

            Boots that did not end well:
              patched, slow, boot 3: broken: WARNING in fuse_aio_complete
              patched, slow, boot 4: hung: no byte for 30 s; last: \x1b]0;x\x07Run /init

            Doubts:
            - all samples start at the same phase of the timer tick: that they agree says that figures repeat,
              not that a change of some percent is owed to the patches; set phase-range-us in lab.toml

            Conclusion: WORSE than the baseline (exit code 1).
            patched against original: FAILS where the baseline does not in 1 of 2 rows; no statement possible in
              1 of 2 rows; BROKEN in 1 boot; HUNG in 1 boot; 1 NEW in the kernel log.
        "#]],
    );
}

/// What the clock of a machine says and cannot say.
#[test]
fn clock_of_several_cpus() {
    let mut campaign = campaign(Clock::Virtual, &two_arms());
    campaign.file.setup.cpus = 4;
    campaign.boots.iter_mut().for_each(|boot| boot.record.setup.cpus = 4);
    let text = full::render(&compare(&campaign).unwrap());
    let part = |from: &str, to: &str| {
        let start = text.find(from).unwrap();
        text[start..][..text[start..].find(to).unwrap()].to_owned()
    };
    expect![[r#"
        clock:    virtual: counts instructions, not cycles; 4 vCPUs, one clock for the instructions of all
                  CPUs: order, contention, wake-ups and migrations are seen, parallel speed is not; no
                  caches
        - 4 CPUs take turns on one clock: speed gained by working in parallel is not in these figures, and
          CPU times count the wait for a turn as well
        - all samples start at the same phase of the timer tick: that they agree says that figures repeat,
          not that a change of some percent is owed to the patches; set phase-range-us in lab.toml

    "#]]
    .assert_eq(&(part("clock: ", "host: ") + &part("- 4 CPUs", "Conclusion")));
}

#[test]
fn table_of_wall_clock() {
    check_table(
        &wall(),
        expect![[r#"
            campaign: 2026-01-02-built (plan built, begun 2026-01-02T03:04:05Z)
            source:   linux-source-6.12 6.12.117-1~deb12u1
            config:   c0c0c0c0c0c0, built with gcc 12.2.0
            image:    1a1a1a1a1a1a
            machine:  QEMU 7.2.22 -machine microvm, tcg, -cpu qemu64, 1 vCPU, 512 MiB
            clock:    wall, EMULATED: order of magnitude only
            host:     some CPU, 2 CPUs, Debian 12
            scenario: slow: 16 threads on cloned fds, 128 KiB requests, max_background 12 (congested at 9),
                      ASYNC_DIO asked for, open kept, attr timeout 1000 ms, getxattr ENOSYS, storage latency
                      1000 us
            variant:  original (baseline): 6.12.117; no series; bzImage e3b0c44298fc; 6 boots: 6 finished
            variant:  again: 6.12.117; no series; bzImage e3b0c44298fc; 6 boots: 6 finished
            variant:  patched: 6.12.117; s (6 patches, 5e5e5e5e5e5e); bzImage 043a718774c5; 6 boots: 6 finished

            scenario slow
            | workload | unit  | original |          again |        patched |
            |----------|-------|----------|----------------|----------------|
            | dd-read  | MB/s  |    65.47 |          65.63 |          92.56 |
            |          |       |          | +0.2 % unclear | +41.4 % better |
            | aio-read | MiB/s |    50.00 |          50.00 |          50.00 |
            |          |       |          |          equal |          equal |

            A change, the median ratio of all pairs of boots, counts if it exceeds 1 % and what the baseline
            shows against itself under another label, if the exact Mann-Whitney p is below 0.05 after the
            correction for all cells of other kernels (Holm), and if its 95 % interval excludes 1. `same within
            X`: no difference larger than X was found: the end of the interval.

            Costs: no change by more than the thresholds was found of tool-cpu, server-cpu, tool-switches,
              server-switches, server-memory, slab, requests, other-requests, copied.

            How far the samples of one kernel differ (spread), and how far the change may lie from the one that
            was found (half of its 95 % interval).
            scenario slow
            | workload | variant  | samples | spread |     +- |
            |----------|----------|---------|--------|--------|
            | dd-read  | original |       6 | 5.00 % |      - |
            |          | again    |       6 | 3.48 % | 2.22 % |
            |          | patched  |       6 | 7.14 % | 3.18 % |
            | aio-read | original |       6 | 0.00 % |      - |
            |          | again    |       6 | 0.00 % | 0.00 % |
            |          | patched  |       6 | 0.00 % | 0.00 % |

            What the server saw of READ and WRITE: requests, largest in KiB, most in flight at one time, mean in
            flight, mean time from arrival to answer in us (service), requests that are not sequential, failed
            ones.
            scenario slow
            | workload | variant  | reqs | KiB | in flight |  mean | service |        not | failed |
            |          |          |      |     |           |       |         | sequential |        |
            |----------|----------|------|-----|-----------|-------|---------|------------|--------|
            | dd-read  | original |  512 | 128 |         1 |  0.88 |    1000 |          0 |      0 |
            |          | again    |  512 | 128 |         1 |  0.88 |    1000 |          0 |      0 |
            |          | patched  |  512 | 128 |        12 | 10.50 |    1000 |          0 |      0 |
            | aio-read | original |  512 | 128 |         1 |  0.88 |    1000 |          0 |      0 |
            |          | again    |  512 | 128 |         1 |  0.88 |    1000 |          0 |      0 |
            |          | patched  |  512 | 128 |        12 | 10.50 |    1000 |          0 |      0 |

            Change as the median ratio of all pairs of boots, its 95 % interval, boots (n), exact p, the same
            corrected for all cells of other kernels (or all of the same kernel), and the smallest change that
            this run could have seen.
            scenario slow
            | workload | variant  | n | ratio | 95 % interval |      p | corrected | detectable |
            |----------|----------|---|-------|---------------|--------|-----------|------------|
            | dd-read  | original | 6 |     1 |               |        |           |            |
            |          | again    | 6 | 1.002 |  0.981..1.025 | 0.8377 |    1.0000 |     2.95 % |
            |          | patched  | 6 | 1.414 |  1.370..1.458 | 0.0022 |    0.0043 |     4.17 % |
            | aio-read | original | 6 |     1 |               |        |           |            |
            |          | again    | 6 | 1.000 |  1.000..1.000 | 1.0000 |    1.0000 |     0.00 % |
            |          | patched  | 6 | 1.000 |  1.000..1.000 | 1.0000 |    1.0000 |     0.00 % |

            Kernel logs: no findings in any boot.

            Doubts:
            - original and again are the same kernel under two labels: what differs between them is noise
            - emulated: order of magnitude only (real time under TCG measures the emulator)

            Conclusion: nothing speaks against a variant (exit code 0).
            again against original: no difference in 1 of 2 rows (equal aio-read); no statement possible in 1 of
              2 rows.
            patched against original: faster in 1 of 2 rows (x1.414); no difference in 1 of 2 rows (equal
              aio-read).
        "#]],
    );
}

#[test]
fn mail_of_two() {
    check_mail(
        &campaign(Clock::Virtual, &two_arms()),
        expect![[r#"
            patched against original: faster in 1 of 2 rows (x4.000); no difference
              in 1 of 2 rows (within 0.4 % aio-read).

            Setup:
              base            linux-source-6.12 6.12.117-1~deb12u1
              original        base
              patched         base + async-dio (6 patches)
              machine         QEMU 7.2.22 (tcg, qemu64), 1 vCPU, 512 MiB
              lab             patchlab 0123456789ab
              $ cargo xtask run-lab --plan built
              # dd-read, FILE of 64 MiB:
              $ dd FILE
              # aio-read, FILE of 64 MiB:
              $ aio-stress FILE

            2 samples of each, which differ by at most 0.07 %. Values are means. A
            change is the mean ratio of equal samples, with its 95 % interval.

            slow: 16 threads on cloned fds, 128 KiB requests, max_background 12
              (congested at 9), ASYNC_DIO asked for, open kept, attr timeout 1000
              ms, getxattr ENOSYS, storage latency 1000 us

                               original    patched   change       95 % interval
            dd-read MB/s          111.8      447.2    x4.00    x3.995 to x4.004
            aio-read MiB/s        55.00      55.01        ~    x0.997 to x1.004
            most requests in flight
              dd-read                 1         12
              aio-read                1         12

            ~ no difference larger than 0.4 %; ? cannot tell

            Costs: no change by more than the thresholds was found of tool-cpu,
              server-cpu, tool-switches, server-switches, server-memory, slab,
              requests, other-requests, copied.

            No findings in any kernel log.

            What this cannot show:
            - clock virtual: counts instructions, not cycles; one vCPU; no caches,
              no parallel copying
            - what the kernels did in none of 2 boots each may still happen in up to
              78 % of them
            - all samples start at the same phase of the timer tick: that they agree
              says that figures repeat, not that a change of some percent is owed to
              the patches; set phase-range-us in lab.toml
        "#]],
    );
}

#[test]
fn mail_of_five() {
    check_mail(
        &five_arms(),
        expect![[r#"
            patched against original: faster in 2 of 2 rows (x4.000 to x9.782).
            clean-up against original: faster in 1 of 2 rows (x9.819); no difference
              in 1 of 2 rows (within 0.3 % dd-read).
            third-way against original: faster in 2 of 2 rows (x3.815 to x9.635).
            stock against original: SLOWER in 2 of 2 rows (x0.857 to x0.982).

            Setup:
              base            linux-source-6.12 6.12.117-1~deb12u1
              original        base
              patched         base + async-dio (6 patches)
              clean-up        base + async-dio (6 patches) + clean-up (6 patches)
              third-way       base + async-dio (6 patches) + third-way (6 patches)
              stock           base + stock (6 patches)
              machine         QEMU 7.2.22 (tcg, qemu64), 1 vCPU, 512 MiB
              lab             patchlab 0123456789ab
              $ cargo xtask run-lab --plan built
              # dd-read, FILE of 64 MiB:
              $ dd FILE
              # aio-read, FILE of 64 MiB:
              $ aio-stress FILE

            2 samples of each, which differ by at most 10.00 %. Values are means. A
            change is the mean ratio of equal samples, with its 95 % interval.

            slow: 16 threads on cloned fds, 128 KiB requests, max_background 12
              (congested at 9), ASYNC_DIO asked for, open kept, attr timeout 1000
              ms, getxattr ENOSYS, storage latency 1000 us

                               original    patched            clean-up
            dd-read MB/s          111.8      447.2    x4.00      111.8        ~
              95 % interval                x3.995 to x4.004    x0.998 to x1.002
            aio-read MiB/s        55.00      538.0    x9.78      540.1    x9.82
              95 % interval                x9.782 to x9.782    x9.807 to x9.831
            most requests in flight
              dd-read                 1         12                  12
              aio-read                1         12                  12

                               original  third-way               stock
            dd-read MB/s          111.8      426.1    x3.81      95.87   -14.3%
              95 % interval                x2.089 to x6.967    x0.855 to x0.860
            aio-read MiB/s        55.00      530.0    x9.64      54.00    -1.8%
              95 % interval                x9.624 to x9.647    x0.981 to x0.983
            most requests in flight
              dd-read                 1         12                   1
              aio-read                1         12                   1

            ~ no difference larger than 0.3 %; ? cannot tell

            Costs: no change by more than the thresholds was found of tool-cpu,
              server-cpu, tool-switches, server-switches, server-memory, slab,
              requests, other-requests, copied.

            No findings in any kernel log.

            What this cannot show:
            - clock virtual: counts instructions, not cycles; one vCPU; no caches,
              no parallel copying
            - what the kernels did in none of 2 boots each may still happen in up to
              78 % of them
            - all samples start at the same phase of the timer tick: that they agree
              says that figures repeat, not that a change of some percent is owed to
              the patches; set phase-range-us in lab.toml
        "#]],
    );
}

#[test]
fn mail_with_troubles() {
    check_mail(
        &troubled(),
        expect![[r#"
            patched against original: FAILS where the baseline does not in 1 of 2
              rows; no statement possible in 1 of 2 rows; BROKEN in 1 boot; HUNG in
              1 boot; 1 NEW in the kernel log.

            Setup:
              base            linux-source-6.12 6.12.117-1~deb12u1
              original        base
              patched         base + async-dio (6 patches)
              machine         QEMU 7.2.22 (tcg, qemu64), 1 vCPU, 512 MiB
              lab             patchlab 0123456789ab
              $ cargo xtask run-lab --plan built
              # dd-read, FILE of 64 MiB:
              $ dd FILE
              # aio-read, FILE of 64 MiB:
              $ aio-stress FILE

            0 to 2 samples of each, which differ by at most 0.05 %. Values are
            means. A change is the mean ratio of equal samples, with its 95 %
            interval.

            slow: 16 threads on cloned fds, 128 KiB requests, max_background 12
              (congested at 9), ASYNC_DIO asked for, open kept, attr timeout 1000
              ms, getxattr ENOSYS, storage latency 1000 us

                               original    patched   change       95 % interval
            dd-read MB/s          111.8     FAILED        !
            aio-read MiB/s        55.00      55.02        ?
            most requests in flight
              dd-read                 1          -
              aio-read                1         12

            ~ no difference; ? cannot tell

            Costs: no change by more than the thresholds was found of tool-cpu,
              server-cpu, tool-switches, server-switches, server-memory, slab,
              requests, other-requests, copied.

            In the kernel logs (boots):
            WARNING in fuse_aio_complete (original 0 of 2; patched 1 of 2, new)
              not seen in 2 boots of original; may still occur in up to 78 % of them
              > ------------[ cut here ]------------
              > WARNING: CPU: 0 PID: 7 at fs/fuse/file.c:1 fuse_aio_complete+0x1/0x2

            What this cannot show:
            - clock virtual: counts instructions, not cycles; one vCPU; no caches,
              no parallel copying
            - all samples start at the same phase of the timer tick: that they agree
              says that figures repeat, not that a change of some percent is owed to
              the patches; set phase-range-us in lab.toml
        "#]],
    );
}

/// Whoever reads the mail sees how sure a figure in real time is, and what it is a figure of.
#[test]
fn mail_of_wall_clock() {
    check_mail(
        &wall(),
        expect![[r#"
            again against original: no difference in 1 of 2 rows (equal aio-read);
              no statement possible in 1 of 2 rows.
            patched against original: faster in 1 of 2 rows (x1.414); no difference
              in 1 of 2 rows (equal aio-read).

            Setup:
              base            linux-source-6.12 6.12.117-1~deb12u1
              original        base
              again           base
              patched         base + s (6 patches)
              machine         QEMU 7.2.22 (tcg, qemu64), 1 vCPU, 512 MiB
              lab             patchlab 0123456789ab
              $ cargo xtask run-lab --plan built
              # dd-read, FILE of 64 MiB:
              $ dd FILE
              # aio-read, FILE of 64 MiB:
              $ aio-stress FILE

            6 boots of each, which differ by at most 7.14 %. Values are means. A
            change is the median ratio of all pairs of boots (Hodges-Lehmann), with
            its 95 % interval and the exact p of the Mann-Whitney test, corrected
            for all cells (Holm).

            slow: 16 threads on cloned fds, 128 KiB requests, max_background 12
              (congested at 9), ASYNC_DIO asked for, open kept, attr timeout 1000
              ms, getxattr ENOSYS, storage latency 1000 us

                               original      again             patched
            dd-read MB/s          65.47      65.63        ?      92.56   +41.4%
              95 % interval                x0.981 to x1.025    x1.370 to x1.458
              p                                      1.0000              0.0043
            aio-read MiB/s        50.00      50.00        ~      50.00        ~
              95 % interval                x1.000 to x1.000    x1.000 to x1.000
              p                                      1.0000              1.0000
            most requests in flight
              dd-read                 1          1                  12
              aio-read                1          1                  12

            ~ no difference; ? cannot tell

            Costs: no change by more than the thresholds was found of tool-cpu,
              server-cpu, tool-switches, server-switches, server-memory, slab,
              requests, other-requests, copied.

            No findings in any kernel log.

            What this cannot show:
            - clock wall, EMULATED: order of magnitude only
            - what the kernels did in none of 6 boots each may still happen in up to
              39 % of them
            - original and again are the same kernel under two labels: what differs
              between them is noise
            - emulated: order of magnitude only (real time under TCG measures the
              emulator)
        "#]],
    );
}

/// More boots than the test is exact for.
#[test]
fn an_approximate_p_is_called_so() {
    let boots = |middle: f64| (0..70).map(|at| (middle + f64::from(at) / 1000.0, 50.0)).collect::<Vec<_>>();
    let arms = [
        arm("original", &[], &boots(1.0), 1),
        arm("again", &[], &boots(1.0), 1),
        arm("patched", &["s"], &boots(0.9), 1),
    ];
    let comparison = compare(&campaign(Clock::Wall, &arms)).unwrap();
    let (mail, table) = (Format::Mail.render(&comparison).unwrap(), full::render(&comparison));
    assert!(mail.contains("approximate") && !mail.contains("exact"), "{mail}");
    assert!(table.contains("approximate Mann-Whitney") && !table.contains("exact"), "{table}");
}

#[test]
fn json_holds_every_sample() {
    let text = json::render(&compare(&campaign(Clock::Virtual, &two_arms())).unwrap()).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["schema"], 2);
    assert_eq!(value["conclusion"]["status"], "no-finding");
    let cell = &value["rows"][0]["cells"][1];
    assert_eq!((&value["rows"][0]["unit"], &cell["variant"]), (&"MB/s".into(), &"patched".into()));
    assert_eq!(cell["samples"][1]["boot"], 4);
    assert_eq!(cell["samples"][1]["value"], 67_108_864.0 / 0.1501 / 1e6);
    assert_eq!(cell["change"]["verdict"], "better");
    assert_eq!(cell["evidence"]["most-in-flight"]["most"], 12);
}

/// What follows the header, of metrics that are asked for.
fn check_metrics(campaign: &Campaign, metrics: &[Metric], expected: Expect) {
    let question = Question { metrics: metrics.to_vec(), ..Question::default() };
    let text = full::render(&answer(campaign, &question).unwrap());
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    expected.assert_eq(&text[text.find("scenario slow").unwrap()..]);
}

#[test]
fn table_of_metrics() {
    check_metrics(
        &campaign(Clock::Virtual, &two_arms()),
        &[Metric::MostInFlight, Metric::LatencyP99],
        expect![[r#"
            scenario slow, most-in-flight
            | workload | unit | original |     patched |
            |----------|------|----------|-------------|
            | dd-read  |      |        1 |          12 |
            |          |      |          | x12.00 more |
            | aio-read |      |        1 |          12 |
            |          |      |          | x12.00 more |

            scenario slow, latency-p99
            | workload | unit |  original |   patched |
            |----------|------|-----------|-----------|
            | dd-read  | us   | not given | not given |
            | aio-read | us   | not given | not given |

            A change, the mean ratio of equal samples, counts if it exceeds 1 % (most-in-flight), 1 %
            (latency-p99) and its 95 % interval excludes 1. `same within X`: no difference larger than X was
            found: the end of the interval.
            latency-p99: not given by dd (dd-read)
            latency-p99: not given by aio-stress without --json - (aio-read)

            Costs: no change by more than the thresholds was found of tool-cpu, server-cpu, tool-switches,
              server-switches, server-memory, slab, requests, other-requests, copied.

            How far the samples of one kernel differ (spread), and how far the change may lie from the one that
            was found (half of its 95 % interval).
            scenario slow, most-in-flight
            | workload | variant  | samples | spread |     +- |
            |----------|----------|---------|--------|--------|
            | dd-read  | original |       2 | 0.00 % |      - |
            |          | patched  |       2 | 0.00 % | 0.00 % |
            | aio-read | original |       2 | 0.00 % |      - |
            |          | patched  |       2 | 0.00 % | 0.00 % |

            What the server saw of READ and WRITE: requests, largest in KiB, most in flight at one time, mean in
            flight, mean time from arrival to answer in us (service), requests that are not sequential, failed
            ones.
            scenario slow
            | workload | variant  | reqs | KiB | in flight |  mean | service |        not | failed |
            |          |          |      |     |           |       |         | sequential |        |
            |----------|----------|------|-----|-----------|-------|---------|------------|--------|
            | dd-read  | original |  512 | 128 |         1 |  0.88 |    1000 |          0 |      0 |
            |          | patched  |  512 | 128 |        12 | 10.50 |    1000 |          0 |      0 |
            | aio-read | original |  512 | 128 |         1 |  0.88 |    1000 |          0 |      0 |
            |          | patched  |  512 | 128 |        12 | 10.50 |    1000 |          0 |      0 |

            Kernel logs: no findings in any boot.

            Doubts:
            - all samples start at the same phase of the timer tick: that they agree says that figures repeat,
              not that a change of some percent is owed to the patches; set phase-range-us in lab.toml

            Conclusion: nothing speaks against a variant (exit code 0).
            patched against original: more in 2 of 4 rows (x12.000); not measured in 2 of 4 rows.
        "#]],
    );
}

#[test]
fn mail_of_metrics() {
    let question = Question { metrics: vec![Metric::ServiceMean, Metric::Iops], ..Question::default() };
    let comparison = answer(&campaign(Clock::Virtual, &two_arms()), &question).unwrap();
    let text = Format::Mail.render(&comparison).unwrap();
    assert!(text.is_ascii() && text.lines().all(|line| line.len() <= 72), "{text}");
    expect![[r#"
        slow: 16 threads on cloned fds, 128 KiB requests, max_background 12
          (congested at 9), ASYNC_DIO asked for, open kept, attr timeout 1000
          ms, getxattr ENOSYS, storage latency 1000 us

        service-mean
                           original    patched   change       95 % interval
        dd-read us             1000       1000        ~    x1.000 to x1.000
        aio-read us            1000       1000        ~    x1.000 to x1.000
        most requests in flight
          dd-read                 1         12
          aio-read                1         12

        iops
                           original    patched   change       95 % interval
        dd-read 1/s               -          -
        aio-read 1/s              -          -

        ~ no difference; ? cannot tell

        Costs: no change by more than the thresholds was found of tool-cpu,
          server-cpu, tool-switches, server-switches, server-memory, slab,
          requests, other-requests, copied.

        No findings in any kernel log.

        What this cannot show:
        - clock virtual: counts instructions, not cycles; one vCPU; no caches,
          no parallel copying
        - iops: not given by dd (dd-read)
        - iops: not given by aio-stress without --json - (aio-read)
        - what the kernels did in none of 2 boots each may still happen in up to
          78 % of them
        - all samples start at the same phase of the timer tick: that they agree
          says that figures repeat, not that a change of some percent is owed to
          the patches; set phase-range-us in lab.toml
    "#]]
    .assert_eq(&text[text.find("slow: ").unwrap()..]);
}

#[test]
fn a_planted_slowdown_and_warm_up_are_said() {
    let mut planted = campaign(Clock::Virtual, &two_arms());
    planted.file.plan.variants[1].planted_ns = Some(2000);
    let mut comparison = compare(&planted).unwrap();
    comparison.variants[1].boots.warm_up = 1;
    let text = full::render(&comparison);
    let lines = text.lines().skip_while(|line| !line.contains("patched: ")).take(2);
    expect![[r#"
        variant:  patched: 6.12.117; async-dio (6 patches, 5e5e5e5e5e5e); bzImage 08e675bee5fb; 2000 ns
                  PLANTED in each request; 2 boots: 2 finished (1 to warm up, not compared)"#]]
    .assert_eq(&lines.collect::<Vec<_>>().join("\n"));
}

/// The second patch has no effect, the third one takes the first one's back in one row, and warns.
fn patch_by_patch() -> Campaign {
    let mut campaign = campaign(
        Clock::Virtual,
        &[
            arm("async-dio-0", &[], &[(0.6, 55.0), (0.6, 55.0)], 1),
            arm("async-dio-1", &["async-dio"], &[(0.15, 538.0), (0.15, 538.0)], 12),
            arm("async-dio-2", &["async-dio", "x"], &[(0.15, 538.1), (0.15, 538.1)], 12),
            arm("async-dio-3", &["async-dio", "y"], &[(0.6, 538.0), (0.6, 538.0)], 1),
        ],
    );
    warn(&mut campaign.boots[7], "fuse_aio_complete");
    crate::fixtures::step_by_step(campaign)
}

#[test]
fn table_patch_by_patch() {
    let text = full::render(&compare(&patch_by_patch()).unwrap());
    let start = text.find("Patch by patch").unwrap();
    let end = text.find("How far the samples of one kernel").unwrap();
    expect![[r#"
        Patch by patch, each against the step before it:
        1 fuse: do what async-dio-1 says
            slow/dd-read: x4.00 better, most in flight 1 -> 12
            slow/aio-read: x9.78 better, most in flight 1 -> 12
        2 fuse: do what async-dio-2 says
            no change
        3 fuse: do what async-dio-3 says
            slow/dd-read: x0.250 worse, most in flight 12 -> 1
            slow/aio-read: as fast, most in flight 12 -> 1
            1 boot BROKEN or HUNG
            NEW in the kernel log: WARNING in fuse_aio_complete

    "#]]
    .assert_eq(&text[start..end]);
}

#[test]
fn mail_patch_by_patch() {
    check_mail(
        &patch_by_patch(),
        expect![[r#"
            async-dio-1 against async-dio-0: faster in 2 of 2 rows (x4.000 to
              x9.782).
            async-dio-2 against async-dio-0: faster in 2 of 2 rows (x4.000 to
              x9.784).
            async-dio-3 against async-dio-0: faster in 1 of 2 rows (x9.782); no
              difference in 1 of 2 rows (equal dd-read); BROKEN in 1 boot; 1 NEW in
              the kernel log.

            Setup:
              base            linux-source-6.12 6.12.117-1~deb12u1
              async-dio-0     base
              machine         QEMU 7.2.22 (tcg, qemu64), 1 vCPU, 512 MiB
              lab             patchlab 0123456789ab
              $ cargo xtask run-lab --plan built
              # dd-read, FILE of 64 MiB:
              $ dd FILE
              # aio-read, FILE of 64 MiB:
              $ aio-stress FILE

            2 samples of each, which differ by at most 0.00 %. Values are means. A
            change is the mean ratio of equal samples, with its 95 % interval.

            slow: 16 threads on cloned fds, 128 KiB requests, max_background 12
              (congested at 9), ASYNC_DIO asked for, open kept, attr timeout 1000
              ms, getxattr ENOSYS, storage latency 1000 us

            patch            before       1       2       3
            dd-read MB/s      111.8   447.4*  447.4*  111.8
            aio-read MiB/s    55.00   538.0*  538.1*  538.0*

            * differs from before; without a mark no difference; ? cannot tell; !
              fails

            Costs: no change by more than the thresholds was found of tool-cpu,
              server-cpu, tool-switches, server-switches, server-memory, slab,
              requests, other-requests, copied.

            Patch by patch, each against the step before it:
            1 fuse: do what async-dio-1 says
                slow/dd-read: x4.00 better, most in flight 1 -> 12
                slow/aio-read: x9.78 better, most in flight 1 -> 12
            2 fuse: do what async-dio-2 says
                no change
            3 fuse: do what async-dio-3 says
                slow/dd-read: x0.250 worse, most in flight 12 -> 1
                slow/aio-read: as fast, most in flight 12 -> 1
                1 boot BROKEN or HUNG
                NEW in the kernel log: WARNING in fuse_aio_complete

            In the kernel logs (boots):
            WARNING in fuse_aio_complete (async-dio-0 0 of 2; async-dio-1 0 of 2;
              async-dio-2 0 of 2; async-dio-3 1 of 2, new)
              not seen in 2 boots of original; may still occur in up to 78 % of them
              > ------------[ cut here ]------------
              > WARNING: CPU: 0 PID: 7 at fs/fuse/file.c:1 fuse_aio_complete+0x1/0x2

            What this cannot show:
            - clock virtual: counts instructions, not cycles; one vCPU; no caches,
              no parallel copying
            - what the kernels did in none of 1 boots each may still happen in up to
              95 % of them
            - all samples start at the same phase of the timer tick: that they agree
              says that figures repeat, not that a change of some percent is owed to
              the patches; set phase-range-us in lab.toml
        "#]],
    );
}

#[test]
fn a_comparison_without_steps_does_not_speak_of_them() {
    assert!(!full::render(&compare(&five_arms()).unwrap()).contains("Patch by patch"));
    let json = json::render(&compare(&five_arms()).unwrap()).unwrap();
    assert!(!json.contains("\"steps\"") && !json.contains("\"prefix\""));
    assert!(json::render(&compare(&patch_by_patch()).unwrap()).unwrap().contains("\"steps\""));
}

#[test]
fn means_and_times_are_ranges_only_if_they_read_differently() {
    use crate::comparison::MinMax;
    for (least, most, expected) in [
        (0, 0, "0.0"),
        (1_249, 1_250, "1.2"),
        (1_249, 1_251, "1.2-1.3"),
        (99_949, 99_951, "99.9-100.0"),
        (99_999, 100_000, "100.0-100"),
        (1_000_400, 1_001_600, "1000-1002"),
    ] {
        assert_eq!(text::us(MinMax { least, most }), expected);
    }
    for (least, most, expected) in [(0.0, 0.0, "0.00"), (9.871, 9.874, "9.87"), (9.87, 11.4, "9.87-11.40")] {
        assert_eq!(text::mean(MinMax { least, most }), expected);
    }
}
