//! Comparisons of campaigns that are built here; no speed in them was measured.

mod metrics;
mod rules;

use std::collections::BTreeMap;

use lab_protocol::{
    CpuTime, EndOfProgram, Negotiated, Nonce, Report, RequestStats, ServerSettings, ServiceTimes,
    WorkloadReport, WorkloadTask,
};

use super::*;
use crate::campaign::CampaignFile;
use crate::outcome::Outcome;
use crate::plan::{
    AccelChoice, BootStep, Clock, KernelSettings, MachineSettings, Plan, Scenario, Source, Variant,
};
use crate::record::{AppliedSeries, BootData, Record, Stored};

/// A variant of a campaign to build: one boot for each pair of throughputs.
pub(crate) struct Arm {
    pub(crate) name: &'static str,
    pub(crate) series: &'static [&'static str],
    /// Seconds in which dd copies 64 MiB, and what aio-stress prints, MiB/s; by boot.
    pub(crate) boots: Vec<(f64, f64)>,
    pub(crate) in_flight: u32,
}

pub(crate) fn arm(
    name: &'static str,
    series: &'static [&'static str],
    boots: &[(f64, f64)],
    in_flight: u32,
) -> Arm {
    Arm { name, series, boots: boots.to_vec(), in_flight }
}

pub(crate) fn campaign(clock: Clock, arms: &[Arm]) -> Campaign {
    let mut steps = Vec::new();
    let mut boots = Vec::new();
    for arm in arms {
        for (index, &(dd_s, aio)) in arm.boots.iter().enumerate() {
            let number = steps.len() as u32 + 1;
            let step = BootStep {
                number,
                variant: arm.name.to_owned(),
                scenario: "slow".to_owned(),
                repetition: index as u32 + 1,
                phase_us: 0,
                warm_up: false,
            };
            steps.push(step.clone());
            boots.push(BootData {
                folder: format!("boot-{number:03}"),
                record: record(clock, arm, step),
                report: Some(report(dd_s, aio, arm.in_flight)),
                console: b"[    0.000000][    T0] Linux version 6.12.117\n".to_vec(),
            });
        }
    }
    let variants = arms.iter().map(|arm| Variant {
        name: arm.name.into(),
        series: arm.series.iter().map(|&s| s.into()).collect(),
        prefix: None,
        planted_ns: None,
    });
    let plan = plan(clock, variants.collect(), steps);
    Campaign { name: "2026-01-02-built".into(), file: campaign_file(plan), boots, damaged: Vec::new() }
}

/// Makes each variant but the first a step of one series; one that is called `again` is none.
pub(crate) fn step_by_step(mut campaign: Campaign) -> Campaign {
    let variants = campaign.file.plan.variants.iter_mut().filter(|variant| variant.name != "again");
    for (variant, patches) in variants.zip(0..) {
        let subject = format!("fuse: do what {} says", variant.name);
        variant.prefix = (patches > 0).then_some(plan::Prefix { patches, subject });
    }
    campaign
}

fn campaign_file(plan: Plan) -> CampaignFile {
    CampaignFile {
        version: crate::record::VERSION,
        begun: "2026-01-02T03:04:05Z".into(),
        lab_commit: "0123456789ab".into(),
        command: "cargo xtask run-lab --plan built".into(),
        additions: Vec::new(),
        host: Host {
            cpu: "some CPU".into(),
            cpus: 2,
            memory_mib: 24_000,
            kernel: "Linux 6.1".into(),
            system: "Debian 12".into(),
        },
        accelerator_reason: "the plan asks for it".into(),
        setup: setup(plan.machine.clock),
        kernels: Vec::new(),
        plan,
    }
}

fn plan(clock: Clock, variants: Vec<Variant>, boots: Vec<BootStep>) -> Plan {
    let server = ServerSettings::example().with_latency_us(1000);
    let task = |name: &str, tool| WorkloadTask {
        name: name.into(),
        tool,
        args: vec!["{file}".into()],
        file_mib: 64,
        job: None,
    };
    Plan {
        name: "built".into(),
        baseline: "original".into(),
        repetitions: 2,
        seed: 1,
        thresholds: crate::metric::Thresholds::uniform(1.0),
        machine: MachineSettings {
            clock,
            accel: AccelChoice::Tcg,
            cpu_model: "qemu64".into(),
            cpus: 1,
            memory_mib: 512,
            storage_mib: 128,
            workload_limit_s: 60,
            warm_up_pairs: 0,
            pin: false,
            quiet_wait_s: 0,
            quiet: crate::quiet::QuietLimits { others_percent: 10, steal_percent: 2, memory_percent: 5 },
            wall_limit_s: 60,
            phase_us: 0,
            phase_step_us: 0,
            silence_limit_s: 30,
        },
        kernel: KernelSettings {
            source: Source::Debian("linux-source-6.12".into()),
            config: vec!["base.config".into()],
        },
        variants,
        scenarios: vec![Scenario { name: "slow".into(), server }],
        workloads: vec![task("dd-read", Tool::Dd), task("aio-read", Tool::AioStress)],
        boots,
    }
}

fn record(clock: Clock, arm: &Arm, boot: BootStep) -> Record {
    let stored = Stored { received_bytes: 1, kept_bytes: 1, sha256: String::new() };
    let digest = crate::digest::of_bytes(arm.series.concat().as_bytes());
    let series = arm.series.iter().map(|&name| AppliedSeries {
        name: name.into(),
        patches: 6,
        digest: "5e".repeat(32),
    });
    Record {
        version: crate::record::VERSION,
        attempt: 1,
        nonce: Nonce([1; 16]),
        started: "2026-01-02T03:04:05Z".into(),
        wall_s: 5.0,
        to_init_s: Some(1.0),
        command: "qemu-system-x86_64".into(),
        outcome: Outcome::Finished,
        boot,
        kernel: KernelIdentity {
            digest: digest.clone(),
            bzimage_sha256: digest,
            build_id: None,
            series: series.collect(),
        },
        setup: setup(clock),
        console: stored.clone(),
        report: Some(stored.clone()),
        qmp: stored,
        requests: None,
        host: None,
    }
}

fn setup(clock: Clock) -> Setup {
    Setup {
        kernel_source: "linux-source-6.12 6.12.117-1~deb12u1".into(),
        kernel_config_sha256: "c0".repeat(32),
        compiler: "gcc 12.2.0".into(),
        image_sha256: "1a".repeat(32),
        qemu_version: "7.2.22".into(),
        machine: "microvm".into(),
        accelerator: "tcg".into(),
        clock,
        cpu_model: "qemu64".into(),
        host_cpu: String::new(),
        cpus: 1,
        memory_mib: 512,
        kernel_command_line: "console=ttyS0".into(),
    }
}

fn report(dd_s: f64, aio: f64, in_flight: u32) -> Report {
    let workload = |name: &str, stderr: String| WorkloadReport {
        name: name.into(),
        argv: vec![name.into()],
        end: EndOfProgram::Exit(0),
        stdout: String::new(),
        stderr,
        elapsed_ns: 1,
        tool_cpu: CpuTime::default(),
        server_cpu: CpuTime::default(),
        tool_switches: None,
        server_switches: None,
        requests: Some(RequestStats {
            by_operation: BTreeMap::from([("READ".into(), 512), ("GETATTR".into(), 3)]),
            read_sizes: BTreeMap::from([(131_072, 512)]),
            most_in_flight: in_flight,
            mean_in_flight: f64::from(in_flight) * 0.875,
            read_service: Some(ServiceTimes {
                count: 512,
                mean_ns: 1_000_499,
                min_ns: 1_000_000,
                p50_ns: 1_000_400,
                p90_ns: 1_000_900,
                p99_ns: 1_001_000,
                max_ns: 1_002_000,
            }),
            ..RequestStats::default()
        }),
    };
    let dd = format!(
        "32+0 records in\n32+0 records out\n67108864 bytes (67 MB, 64 MiB) copied, {dd_s} s, 8.0 GB/s\n"
    );
    let aio = format!(
        "read on /mnt/fuse/file ({aio:.2} MB/s) 64.00 MB in 0.02s\nthread 0 read totals ({aio:.2} MB/s) 64.00 MB in 0.02s\n"
    );
    Report {
        kernel_release: "6.12.117".into(),
        kernel_version: "#1".into(),
        kernel_command_line: "console=ttyS0".into(),
        build_id: None,
        tainted_before: 0,
        tainted_after: 0,
        negotiated: Some(Negotiated {
            kernel_protocol: "7.41".into(),
            max_write: 131_072,
            max_readahead: 131_072,
            max_background: 12,
            congestion_threshold: 9,
            async_dio_offered: true,
            async_dio_in_force: true,
            direct_io_in_force: false,
            direct_io_allow_mmap_offered: true,
            direct_io_allow_mmap_in_force: false,
            auto_inval_data_offered: true,
            auto_inval_data_in_force: false,
            writeback_cache_offered: true,
            writeback_cache_in_force: false,
        }),
        workloads: vec![workload("dd-read", dd), workload("aio-read", aio)],
        problems: Vec::new(),
        server_peak_kib: None,
        uptime_us: 1,
    }
}

/// Adds a WARNING in `function` to the console of the boot and takes it for broken.
pub(crate) fn warn(boot: &mut BootData, function: &str) {
    let site =
        format!("[    1.000000][    T7] WARNING: CPU: 0 PID: 7 at fs/fuse/file.c:1 {function}+0x1/0x2\n");
    boot.console.extend(site.bytes());
    boot.record.outcome = Outcome::Broken { reason: format!("WARNING in {function}") };
}

/// Two kernels whose boots repeat well, the second four times as fast with dd.
pub(crate) fn two_arms() -> [Arm; 2] {
    [
        arm("original", &[], &[(0.6, 55.0), (0.6003, 55.01)], 1),
        arm("patched", &["async-dio"], &[(0.15, 55.02), (0.1501, 55.0)], 12),
    ]
}

fn verdicts(campaign: &Campaign) -> Vec<Verdict> {
    let comparison = compare(campaign).unwrap();
    let cells = comparison.rows.iter().flat_map(|row| &row.cells);
    cells.filter_map(|cell| Some(cell.change?.verdict)).collect()
}

fn status(campaign: &Campaign) -> Status {
    compare(campaign).unwrap().conclusion.status
}

/// dd of the baseline against dd of another kernel.
fn check(clock: Clock, baseline: &[f64], other: &[f64], expected: Verdict) {
    let boots = |seconds: &[f64]| seconds.iter().map(|&s| (s, 50.0)).collect::<Vec<_>>();
    let campaign = campaign(
        clock,
        &[arm("original", &[], &boots(baseline), 1), arm("patched", &["s"], &boots(other), 1)],
    );
    assert_eq!(verdicts(&campaign)[0], expected, "{clock:?} {baseline:?} {other:?}");
}

#[test]
fn verdicts_with_the_virtual_clock() {
    let check = |baseline: &[f64], other: &[f64], expected| check(Clock::Virtual, baseline, other, expected);
    check(&[1.0, 1.001], &[0.5, 0.5], Verdict::Better);
    check(&[1.0, 1.001], &[2.0, 2.001], Verdict::Worse);
    check(&[1.0, 1.0], &[1.0, 1.0], Verdict::Same);
    check(&[1.0, 1.0], &[1.009, 1.009], Verdict::Same);
    check(&[1.0, 1.0], &[1.011, 1.011], Verdict::Worse);
    check(&[1.0, 1.0], &[0.985, 0.985], Verdict::Better);
    check(&[1.0, 1.02], &[1.03, 1.03], Verdict::NotRepeatable);
    check(&[1.0, 1.0], &[1.0, 1.02], Verdict::NotRepeatable);
    check(&[1.0, 1.02], &[0.5, 0.51], Verdict::Better);
    check(&[1.0], &[0.5], Verdict::NotEnoughData);
    check(&[1.0, 1.0], &[0.5], Verdict::NotEnoughData);
}

#[test]
fn verdicts_with_the_wall_clock() {
    let check = |baseline: &[f64], other: &[f64], expected| check(Clock::Wall, baseline, other, expected);
    check(&[1.0, 1.1, 1.2], &[0.1, 0.1, 0.1], Verdict::NotEnoughData);
    check(&[1.0, 1.1, 1.2, 1.3, 1.4], &[0.5, 0.6, 0.7, 0.8, 0.9], Verdict::Better);
    check(&[0.5, 0.6, 0.7, 0.8, 0.9], &[1.0, 1.1, 1.2, 1.3, 1.4], Verdict::Worse);
    // Separated, and still less than 1 %.
    check(&[1.0, 1.0001, 1.0002, 1.0003, 1.0004], &[0.999, 0.9991, 0.9992, 0.9993, 0.9994], Verdict::Same);
    // p = 0.0159 of 4 against 5, and 0.0317 after the correction for two rows.
    check(&[1.0, 1.1, 1.2, 1.3], &[0.5, 0.6, 0.7, 0.8, 0.9], Verdict::Better);
    // p = 0.0286 of 4 against 4 does not survive the correction.
    check(&[1.0, 1.1, 1.2, 1.3], &[0.5, 0.6, 0.7, 0.8], Verdict::Unclear);
    check(&[1.0, 1.1, 1.2, 1.3, 1.4], &[0.9, 1.05, 1.15, 1.25, 1.5], Verdict::Unclear);
}

#[test]
fn a_difference_between_labels_of_one_kernel_spoils_its_row() {
    let fast: Vec<_> = [0.7, 0.71, 0.72, 0.73, 0.74, 0.75].map(|s| (s, 50.0)).to_vec();
    let slow: Vec<_> = [1.0, 1.01, 1.02, 1.03, 1.04, 1.05].map(|s| (s, 50.0)).to_vec();
    let faster: Vec<_> = [0.2, 0.21, 0.22, 0.23, 0.24, 0.25].map(|s| (s, 50.0)).to_vec();
    let arms = [
        arm("original", &[], &slow, 1),
        arm("control", &[], &fast, 1),
        arm("near", &["s"], &fast, 1),
        arm("far", &["t"], &faster, 1),
    ];
    let found = verdicts(&campaign(Clock::Wall, &arms));
    assert_eq!(found[..3], [Verdict::Unreliable, Verdict::Unreliable, Verdict::Better]);
}

#[test]
fn exit_codes() {
    let good = campaign(Clock::Virtual, &two_arms());
    assert_eq!(status(&good), Status::NoFinding);

    let [original, patched] = two_arms();
    let slower = campaign(
        Clock::Virtual,
        &[
            Arm { name: "original", series: &[], ..patched },
            Arm { name: "patched", series: &["s"], ..original },
        ],
    );
    assert_eq!(status(&slower), Status::Worse);

    let changed = |change: &dyn Fn(&mut Campaign)| {
        let mut campaign = good.clone();
        change(&mut campaign);
        status(&campaign)
    };
    assert_eq!(changed(&|c| warn(&mut c.boots[2], "f")), Status::Worse);
    assert_eq!(
        changed(&|c| c.boots[2].record.outcome = Outcome::Hung { reason: "silence".into() }),
        Status::Worse
    );
    assert_eq!(
        changed(&|c| c.boots[2].report.as_mut().unwrap().workloads[0].end = EndOfProgram::Exit(1)),
        Status::Worse
    );
    assert_eq!(
        changed(&|c| c.boots[2].record.outcome = Outcome::Lost { reason: "disk full".into() }),
        Status::CannotTell
    );
    assert_eq!(changed(&|c| _ = c.boots.remove(2)), Status::CannotTell);
    assert_eq!(changed(&|c| c.damaged.push("boot-003: checksum".into())), Status::CannotTell);
    assert_eq!(
        changed(&|c| c.boots[0].report.as_mut().unwrap().workloads[0].end = EndOfProgram::TimedOut),
        Status::CannotTell
    );
    assert_eq!(changed(&|c| c.boots.clear()), Status::CannotTell);
    // The same in both kernels says nothing about the series.
    let both = |c: &mut Campaign| c.boots.iter_mut().for_each(|boot| warn(boot, "f"));
    assert_eq!(changed(&both), Status::CannotTell);
}

#[test]
fn what_differs_in_more_than_the_variant_is_refused() {
    let refused = |change: &dyn Fn(&mut BootData)| {
        let mut campaign = campaign(Clock::Virtual, &two_arms());
        change(&mut campaign.boots[3]);
        compare(&campaign).unwrap_err().to_string()
    };
    for (error, expected) in [
        (refused(&|boot| boot.record.setup.image_sha256 = "other".into()), "image-sha256 is \"1a1a"),
        (
            refused(&|boot| boot.record.setup.memory_mib = 1024),
            "memory-mib is 512 in boot-001 and 1024 in boot-004; only",
        ),
        (
            refused(&|boot| boot.record.setup.clock = Clock::Wall),
            "clock is \"virtual\" in boot-001 and \"wall\" in boot-004",
        ),
        (refused(&|boot| boot.record.kernel.digest = "other".into()), "patched is the kernel "),
        (refused(&|boot| boot.record.boot.number = 99), "no such boot as that of boot-004"),
    ] {
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn doubts_are_said() {
    let doubts = |campaign: &Campaign| compare(campaign).unwrap().doubts.join("\n");
    let one_phase = doubts(&campaign(Clock::Virtual, &two_arms()));
    assert!(one_phase.starts_with("all boots started their workloads at the same phase"), "{one_phase}");
    assert_eq!(one_phase.lines().count(), 1, "{one_phase}");

    // The second boots start later, and differ: that is the phase, and no lack of repetition.
    let mut phases = campaign(Clock::Virtual, &[arm("original", &[], &[(1.0, 50.0), (1.05, 50.0)], 1)]);
    phases.boots[1].record.boot.phase_us = 700;
    phases.file.plan.boots[1].phase_us = 700;
    assert_eq!(
        doubts(&phases),
        "the phase of the timer tick moves a figure by up to 5.0 % (original, slow, dd-read): a smaller change there \
         says nothing"
    );

    let mut equal = campaign(Clock::Virtual, &two_arms());
    let baseline = equal.boots[0].record.kernel.bzimage_sha256.clone();
    equal.boots[2..].iter_mut().for_each(|boot| boot.record.kernel.bzimage_sha256 = baseline.clone());
    assert!(doubts(&equal).starts_with("THE KERNELS ARE EQUAL: original and patched"), "{}", doubts(&equal));

    let wall = doubts(&campaign(Clock::Wall, &two_arms()));
    assert!(wall.contains("emulated: order of magnitude only") && wall.contains("a second time"), "{wall}");

    let mut other = campaign(Clock::Virtual, &two_arms());
    for boot in &mut other.boots[2..] {
        boot.report.as_mut().unwrap().negotiated.as_mut().unwrap().max_write = 4096;
    }
    let said = doubts(&other);
    assert!(
        said.contains("original and patched: server and kernel agreed on max_write 131072 / 4096 (slow)"),
        "{said}"
    );

    let loose = campaign(Clock::Virtual, &[arm("original", &[], &[(1.0, 50.0), (1.05, 50.0)], 1)]);
    assert!(
        doubts(&loose).contains("differ by up to 5.0 % (original, slow, dd-read, boots 1 and 2): with"),
        "{}",
        doubts(&loose)
    );
}

#[test]
fn findings_are_counted_by_boot() {
    let mut campaign = campaign(Clock::Virtual, &two_arms());
    warn(&mut campaign.boots[0], "old");
    warn(&mut campaign.boots[2], "new");
    warn(&mut campaign.boots[3], "new");
    warn(&mut campaign.boots[3], "new");
    let rows = compare(&campaign).unwrap().findings;
    let shown: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                row.finding.title.as_str(),
                row.presence.iter().map(|p| (p.boots, p.of)).collect::<Vec<_>>(),
                row.is_new_with(1),
                row.is_gone_with(1),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("WARNING in new", vec![(0, 2), (2, 2)], true, false),
            ("WARNING in old", vec![(1, 2), (0, 2)], false, true),
        ]
    );
    assert!((rows[0].unseen_share.unwrap() - 0.7764).abs() < 1e-4);
    assert_eq!(rows[1].unseen_share, None);
}

/// The step of a series, and each row that differs with its verdict.
fn shown_steps(campaign: Campaign) -> Vec<String> {
    let line = |step: &Step| {
        let rows = step.differences.iter();
        let rows = rows.map(|row| format!("{} {}", row.workload, row.change.verdict.word()));
        let rows = rows.collect::<Vec<_>>().join(", ");
        format!("{} after {}: {rows}; {} unknown", step.variant, step.before, step.unknown)
    };
    compare(&step_by_step(campaign)).unwrap().steps.iter().map(line).collect()
}

#[test]
fn steps_are_judged_against_the_step_before() {
    let steps = shown_steps(campaign(
        Clock::Virtual,
        &[
            arm("original", &[], &[(1.0, 50.0), (1.0, 50.0)], 1),
            arm("s-1", &["a"], &[(0.5, 50.0), (0.5, 50.0)], 1),
            // Against the baseline it is faster still.
            arm("s-2", &["b"], &[(0.6, 50.0), (0.6, 50.0)], 1),
            arm("s-3", &["c"], &[(0.6, 50.0)], 1),
        ],
    ));
    assert_eq!(
        steps,
        [
            "s-1 after original: dd-read better; 0 unknown",
            "s-2 after s-1: dd-read worse; 0 unknown",
            "s-3 after s-2: ; 2 unknown",
        ]
    );
}

/// With the wall clock nothing is believed that is smaller than what the baseline does against itself.
#[test]
fn steps_with_a_control() {
    let boots = |seconds: f64| (0..8).map(|n| (seconds + f64::from(n) / 1000.0, 50.0)).collect::<Vec<_>>();
    let arms = |control: f64| {
        shown_steps(campaign(
            Clock::Wall,
            &[
                arm("original", &[], &boots(1.0), 1),
                arm("again", &[], &boots(control), 1),
                arm("s-1", &["a"], &boots(0.9), 1),
                arm("s-2", &["b"], &boots(0.5), 1),
            ],
        ))
    };
    let both = ["s-1 after original: dd-read better; 0 unknown", "s-2 after s-1: dd-read better; 0 unknown"];
    assert_eq!(arms(1.0), both);
    assert_eq!(arms(0.8), ["s-1 after original: ; 1 unknown", both[1]]);
}
