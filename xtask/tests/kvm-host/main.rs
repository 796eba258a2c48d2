//! The lab with KVM and in real time, as most of its users run it: on a host that is emulated for this test.
//!
//! Figures mean nothing there. Everything else does: which accelerator is chosen, what the guests see of it, how boots
//! end, where QEMU runs.

mod host;
#[path = "../boots/sandbox.rs"]
#[allow(dead_code, reason = "the tests that boot under emulation need more of it")]
mod sandbox;
mod system;

use std::fs;

use lab_core::campaign::{BootData, Campaign};
use lab_core::evidence::outcome::Outcome;
use lab_core::plan::Clock;
use xshell::Shell;

use sandbox::TestCheckout;

/// The limits suit a host that is emulated by a busy machine. Nothing is there that disturbs a boot.
const PLANS: &str = r#"
    [variants.panics]
    series = ["panic-at-boot"]
    [variants.silent]
    series = ["silent"]
    [machines.emulated-host]
    like = "wall"
    cpus = 2
    memory-mib = 256
    storage-mib = 64
    warm-up-pairs = 0
    quiet-wait-s = 0
    quiet-others-percent = 100
    quiet-steal-percent = 100
    quiet-memory-percent = 100
    wall-limit-s = 300
    silence-limit-s = 40
    [plans.kvm]
    machine = "emulated-host"
    baseline = "original"
    variants = ["original", "original-again", "stock", "panics", "silent"]
    scenarios = ["local"]
    workloads = ["small-dd-read", "small-aio-write"]
    probes = "none"
    kernel-config = []
    boots = 1
    precision-permille = 0
    seed = 1
    [plans.image]
    like = "ci"
    scenarios = ["local"]
    workloads = ["small-dd-read"]
    boots = 1
"#;

#[test]
#[ignore = "emulates a host for some minutes; `cargo xtask ci` runs it"]
fn the_lab_under_kvm() {
    let sandbox = TestCheckout::new(PLANS);
    sandbox.add_series("panic-at-boot");
    sandbox.add_series("silent");
    // Nothing is built in the emulated host: that would take hours.
    let kernels = sandbox.lab(&["build-kernel", "original", "stock", "panics", "silent"]);
    kernels.expect_code_in(&[0]);
    sandbox.lab(&["run-lab", "--plan", "image"]).expect_code_in(&[0]);
    sandbox.remove_campaigns();
    let sh = Shell::new().expect("a shell");
    let system = system::ensure(&sh);

    let said = host::run(&system, &sandbox, &[&["doctor"], &["run-lab", "--plan", "kvm"]]);
    let [doctor, run] = &said.runs[..] else { panic!("two commands") };
    doctor.expect_code_in(&[0]);
    let device = doctor.stdout.lines().find_map(|line| line.strip_prefix("/dev/kvm")).map(str::trim);
    assert!(device.is_some_and(|device| device.starts_with("opens")), "{doctor}");
    run.expect_code_in(&[1]);
    assert!(run.stderr.contains("accelerator kvm: a test guest booted under KVM in "), "{run}");
    assert!(!run.stderr.contains("building kernel"), "{run}");
    let evidence = sandbox.stored_comparison();
    assert!(evidence.contains("clock:    wall, under KVM"), "{evidence}");

    let campaign = sandbox.read_campaign();
    assert_eq!(campaign.damaged, [] as [String; 0]);
    check_setup(&campaign);
    check_ends(&sandbox, &campaign);
    for variant in ["original", "original-again", "stock"] {
        check_guest(&String::from_utf8_lossy(&boot(&campaign, variant).console));
    }
    check_pinning(&campaign, &said.bound_to);
    check_comparison(&sandbox);
}

/// What is recorded of the machine.
fn check_setup(campaign: &Campaign) {
    let setup = &campaign.file.setup;
    assert_eq!(setup.accelerator, "kvm");
    assert_eq!(setup.clock, Clock::Wall);
    assert_eq!(setup.cpu_model, "host");
    assert_eq!(setup.cpus, 2);
    assert_eq!(setup.host_cpu, campaign.file.host.cpu);
    assert_eq!(campaign.file.host.cpus, host::CPUS);
    let reason = &campaign.file.accelerator_reason;
    assert!(reason.starts_with("a test guest booted under KVM in "), "{reason}");
    for boot in &campaign.boots {
        assert_eq!(&boot.record.setup, setup);
        assert!(boot.record.command.contains(" -accel kvm -cpu host -smp 2 "), "{}", boot.record.command);
    }
}

/// How the boots ended, and what the monitor said of those that did not end well.
fn check_ends(sandbox: &TestCheckout, campaign: &Campaign) {
    for variant in ["original", "original-again", "stock"] {
        assert_eq!(boot(campaign, variant).record.outcome, Outcome::Finished, "{variant}");
    }
    let panic = "panic: Kernel panic - not syncing: lab test: no boot with this patch";
    assert_eq!(boot(campaign, "panics").record.outcome, Outcome::Broken { reason: panic.to_owned() });
    let monitor = told_by_monitor(sandbox, campaign, "panics");
    assert!(monitor.contains(r#""event": "GUEST_PANICKED""#), "{monitor}");
    assert!(monitor.contains(r#""reason": "guest-reset""#), "{monitor}");

    let silent = &boot(campaign, "silent").record.outcome;
    assert_eq!(silent.word(), "hung");
    let (start, end) = (
        "nothing was heard within the silence limit; CPU 0 is in start_kernel+0x",
        ", did not move in 1 s; CPU 1 is idle; the kernel answered neither sysrq nor an NMI; ended by SIGTERM; the console is empty",
    );
    assert!(silent.reason().starts_with(start) && silent.reason().ends_with(end), "{silent:?}");
    let monitor = told_by_monitor(sandbox, campaign, "silent");
    assert!(monitor.contains(r#""status": "running""#), "{monitor}");
    // The second one is not started yet.
    let asked = ["CPU#0", "CPU#1"].map(|cpu| monitor.matches(cpu).count());
    assert_eq!(asked, [2, 2], "where both CPUs are, asked twice: {monitor}");
}

/// What a kernel of the lab says of a machine under KVM with two CPUs.
fn check_guest(console: &str) {
    for line in [
        "Hypervisor detected: KVM",
        "kvm-clock: Using msrs",
        "clocksource: Switched to clocksource kvm-clock",
        "smp: Brought up 1 node, 2 CPUs",
    ] {
        assert!(console.contains(line), "no `{line}` in: {console}");
    }
}

/// The lab bound each of QEMU's virtual CPUs to one that is not the host's first, the rest of QEMU to the first, and QEMU
/// was there. `bound_to` has what its threads were bound to, a line a look.
fn check_pinning(campaign: &Campaign, bound_to: &[String]) {
    for boot in &campaign.boots {
        let host = boot.record.host.as_ref().expect("the host of a boot in real time");
        assert_eq!(host.pinned_cpus, [1, 2], "{}", boot.record.boot.variant);
        assert_eq!(host.not_pinned, None);
    }
    // The accelerator's test guest comes first, and is not bound.
    for expected in ["0-2", "0 1 2"] {
        assert!(bound_to.iter().any(|seen| seen == expected), "never on {expected}: {bound_to:?}");
    }
}

/// What the server saw is what it sees under emulation: these kernels send one request at a time, or several.
fn check_comparison(sandbox: &TestCheckout) {
    let comparison = sandbox.comparison();
    let rows = comparison["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), 2);
    for row in rows {
        let most = |variant: &str| {
            let cells = row["cells"].as_array().expect("cells");
            let cell = cells.iter().find(|cell| cell["variant"] == variant);
            cell.and_then(|cell| cell["evidence"]["most-in-flight"]["most"].as_u64())
        };
        assert_eq!(most("original"), Some(1), "{row}");
        assert_eq!(most("original-again"), Some(1), "{row}");
        assert!(most("stock").is_some_and(|most| (2..=12).contains(&most)), "{row}");
    }
}

fn boot<'a>(campaign: &'a Campaign, variant: &str) -> &'a BootData {
    let mut boots = campaign.boots.iter().filter(|boot| boot.record.boot.variant == variant);
    match (boots.next(), boots.next()) {
        (Some(boot), None) => boot,
        (first, _) => panic!("one boot of {variant}: the first is {first:?}"),
    }
}

/// What the monitor said during a variant's boot.
fn told_by_monitor(sandbox: &TestCheckout, campaign: &Campaign, variant: &str) -> String {
    let path = sandbox.campaign().join("boots").join(&boot(campaign, variant).folder).join("qmp.jsonl");
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
