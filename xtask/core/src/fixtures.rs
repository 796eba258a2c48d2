//! Campaigns that tests build, in which no speed was measured, and a whole `lab.toml`.

mod acted;
mod lab;
pub mod servers;

pub use self::lab::lab;

use std::collections::BTreeMap;

use lab_protocol::{
    CpuTime, EndOfProgram, Negotiated, Nonce, ProbeReport, ProbeResult, ProbeSet, ProbeTask, Report,
    RequestStats, ServerSettings, ServiceTimes, Tool, WorkloadReport, WorkloadTask,
};

use crate::campaign::{
    AppliedSeries, BootData, Campaign, CampaignFile, CampaignKernel, Host, KernelIdentity, Record, Setup,
    StoredFile,
};
use crate::evidence::outcome::Outcome;
use crate::plan::{
    self, AccelChoice, Arch, BootStep, Clock, KernelSettings, MachineSettings, Plan, Scenario, Source,
    Variant,
};

pub use acted::acted;

/// A variant of a campaign to build: one boot for each pair of throughputs.
pub struct Arm {
    /// Of the variant.
    pub name: &'static str,
    /// What its kernel has.
    pub series: &'static [&'static str],
    /// Seconds in which dd copies 64 MiB, and what aio-stress prints, MiB/s; by boot.
    pub boots: Vec<(f64, f64)>,
    /// Most requests in flight that the server reports.
    pub in_flight: u32,
}

/// A variant of a campaign to build.
pub fn arm(name: &'static str, series: &'static [&'static str], boots: &[(f64, f64)], in_flight: u32) -> Arm {
    Arm { name, series, boots: boots.to_vec(), in_flight }
}

/// A campaign of these variants, which has nothing wrong with it.
pub fn campaign(clock: Clock, arms: &[Arm]) -> Campaign {
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
                round: Some(index as u32 + 1),
                warm_up: false,
                probes: None,
            };
            steps.push(step.clone());
            boots.push(BootData {
                folder: format!("boot-{number:03}"),
                record: record(clock, arm, step),
                recorded: None,
                report: Some(report(index as u32 + 1, dd_s, aio, arm.in_flight)),
                console: b"[    0.000000][    T0] Linux version 6.12.117\n".to_vec(),
            });
        }
    }
    let variants =
        arms.iter().map(|arm| Variant::new(arm.name, arm.series.iter().map(|&s| s.into()).collect()));
    let plan = plan(clock, variants.collect(), steps);
    Campaign { name: "2026-01-02-built".into(), file: campaign_file(plan), boots, damaged: Vec::new() }
}

/// The file of a campaign of [`two_arms`] in real time, as it is before the first boot.
pub fn begun() -> CampaignFile {
    let campaign = campaign(Clock::Wall, &two_arms());
    let kernels =
        campaign.file.plan.variants.iter().zip(&campaign.boots).map(|(variant, boot)| CampaignKernel {
            variant: variant.name.clone(),
            kernel: boot.record.kernel.clone(),
            symbol_bytes: None,
            not_built: Vec::new(),
            turned_on: Vec::new(),
            options: None,
        });
    let kernels = kernels.collect();
    let plan = campaign.file.plan.with_repetitions(2);
    CampaignFile { kernels, plan, ..campaign.file }
}

/// Makes each variant but the first a step of one series; one that is called `again` is none.
pub fn step_by_step(mut campaign: Campaign) -> Campaign {
    let variants = campaign.file.plan.variants.iter_mut().filter(|variant| variant.name != "again");
    for (variant, patches) in variants.zip(0..) {
        let subject = format!("fuse: do what {} says", variant.name);
        variant.prefix = (patches > 0).then_some(plan::Prefix { patches, subject });
    }
    campaign
}

fn campaign_file(plan: Plan) -> CampaignFile {
    CampaignFile {
        version: crate::campaign::VERSION,
        begun: "2026-01-02T03:04:05Z".into(),
        lab_commit: "0123456789ab".into(),
        command: "cargo xtask run-lab --plan built".into(),
        additions: Vec::new(),
        host: Host {
            machine: None,
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
    let server = Some(ServerSettings::example().with_latency_us(1000));
    let slow = Scenario { name: "slow".into(), server, foreign: None, filesystem: None };
    let task = |name: &str, tool| WorkloadTask {
        name: name.into(),
        tool,
        args: vec!["{file}".into()],
        file_mib: 64,
        samples: 1,
        job: None,
    };
    Plan {
        name: "built".into(),
        baseline: "original".into(),
        baseline_scenario: None,
        repetitions: 2,
        precision_permille: 0,
        added: Vec::new(),
        seed: 1,
        thresholds: crate::evidence::metric::Thresholds::uniform(1.0),
        machine: machine(clock),
        kernel: KernelSettings {
            source: Source::Debian { package: "linux-source-6.12".into(), suite: None },
            config: vec!["base.config".into()],
            auto: None,
            arch: Arch::X86_64,
        },
        variants,
        scenarios: vec![slow],
        workloads: vec![task("dd-read", Tool::Dd), task("aio-read", Tool::AioStress)],
        sweep: None,
        probes: None,
        known: Vec::new(),
        boots,
    }
}

/// The machine of a campaign that is built here.
pub(crate) fn machine(clock: Clock) -> MachineSettings {
    MachineSettings {
        arch: Arch::X86_64,
        clock,
        accel: AccelChoice::Tcg,
        cpu_model: "qemu64".into(),
        kernel_parameters: String::new(),
        cpus: 1,
        memory_mib: 512,
        storage_mib: 128,
        workload_limit_s: 60,
        warm_up_pairs: 0,
        pin: false,
        quiet_wait_s: 0,
        quiet: crate::evidence::quiet::QuietLimits {
            others_percent: 10,
            steal_percent: 2,
            memory_percent: 5,
        },
        wall_limit_s: 60,
        phase_us: 0,
        phase_range_us: 0,
        phase_step_us: 0,
        silence_limit_s: 30,
        probe_delay_factor: 1,
    }
}

fn record(clock: Clock, arm: &Arm, boot: BootStep) -> Record {
    let stored = StoredFile { received_bytes: 1, kept_bytes: 1, sha256: String::new() };
    let digest = crate::text::digest::of_bytes(arm.series.concat().as_bytes());
    let series = arm.series.iter().map(|&name| AppliedSeries {
        name: name.into(),
        patches: 6,
        digest: "5e".repeat(32),
    });
    Record {
        version: crate::campaign::VERSION,
        attempt: 1,
        nonce: Nonce([1; 16]),
        started: "2026-01-02T03:04:05Z".into(),
        wall_s: 5.0,
        to_init_s: Some(1.0),
        command: "qemu-system-x86_64".into(),
        outcome: Outcome::Finished,
        watched: None,
        boot,
        kernel: KernelIdentity {
            digest: digest.clone(),
            bzimage_sha256: digest,
            build_id: None,
            series: series.collect(),
            base: None,
        },
        setup: setup(clock),
        console: stored.clone(),
        task_dump: None,
        report: Some(stored.clone()),
        qmp: stored,
        requests: None,
        profile: None,
        host: None,
    }
}

fn setup(clock: Clock) -> Setup {
    Setup {
        arch: Arch::X86_64,
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

fn report(sample: u32, dd_s: f64, aio: f64, in_flight: u32) -> Report {
    let workload = |name: &str, stderr: String| WorkloadReport {
        name: name.into(),
        sample,
        argv: vec![name.into()],
        end: EndOfProgram::Exit(0),
        stdout: String::new(),
        stderr,
        elapsed_ns: 1,
        tool_cpu: CpuTime::default(),
        server_cpu: CpuTime::default(),
        tool_switches: None,
        server_switches: None,
        memory: None,
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
        data: None,
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
            flags_offered: Vec::new(),
            flags_in_force: Vec::new(),
            refused: Vec::new(),
            ring_queues: 0,
        }),
        workloads: vec![workload("dd-read", dd), workload("aio-read", aio)],
        probes: None,
        leaks: None,
        warnings: None,
        shell: None,
        problems: Vec::new(),
        server_peak_kib: None,
        uptime_us: 1,
    }
}

/// The console of a boot that ended well.
pub fn console(nonce: Nonce) -> Vec<u8> {
    let mark = lab_protocol::END_MARK;
    format!("[    0.000000][    T0] Linux version 6.12.117\n[    1.000000][    T1] {mark}: {nonce}\n")
        .into_bytes()
}

/// What QEMU says on its monitor when it ends for `reason`.
pub fn shutdown(reason: &str) -> String {
    format!(r#"{{"event": "SHUTDOWN", "data": {{"guest": true, "reason": "{reason}"}}}}"#)
}

/// Adds a WARNING in `function` to the console of the boot and takes it for broken.
pub fn warn(boot: &mut BootData, function: &str) {
    for line in [
        "------------[ cut here ]------------",
        &format!("WARNING: CPU: 0 PID: 7 at fs/fuse/file.c:1 {function}+0x1/0x2"),
    ] {
        boot.console.extend(format!("[    1.000000][    T7] {line}\n").bytes());
    }
    boot.record.outcome = Outcome::Broken { reason: format!("WARNING in {function}") };
}

/// A result of a probe: what it saw, and what its table says, ` | ` between texts any of which is right.
pub fn probe(name: &str, title: &str, observed: &str, expected: &str) -> ProbeResult {
    ProbeResult {
        name: name.to_owned(),
        title: title.to_owned(),
        observed: observed.to_owned(),
        expected: expected.split(" | ").filter(|text| !text.is_empty()).map(str::to_owned).collect(),
        fault: None,
        details: Vec::new(),
        elapsed_us: 1,
    }
}

/// Lets the boot at this place of the campaign run probes, and gives it what they saw.
pub fn probed(campaign: &mut Campaign, place: usize, results: Vec<ProbeResult>) {
    let boot = &mut campaign.boots[place];
    let plan = &mut campaign.file.plan;
    plan.boots[place].probes = Some(ProbeSet::Quick);
    boot.record.boot.probes = Some(ProbeSet::Quick);
    let variant = plan.variants.iter().find(|variant| variant.name == boot.record.boot.variant);
    let expected = variant.and_then(|variant| variant.behaviour.clone());
    if let Some(report) = &mut boot.report {
        report.probes = Some(ProbeReport {
            task: ProbeTask { expected, ..ProbeTask::new(ProbeSet::Quick, 1) },
            results,
            unfinished: None,
            end: EndOfProgram::Exit(0),
            stderr: String::new(),
            elapsed_ns: 1,
        });
    }
}

/// Two kernels whose boots repeat well, the second four times as fast with dd.
pub fn two_arms() -> [Arm; 2] {
    [
        arm("original", &[], &[(0.6, 55.0), (0.6003, 55.01)], 1),
        arm("patched", &["async-dio"], &[(0.15, 55.02), (0.1501, 55.0)], 12),
    ]
}
