//! The lab as its users run it, with real kernels in real virtual machines.
//!
//! These tests build kernels into the shared cache, and fail where QEMU or a compiler is missing.

mod busy_host;
mod data;
mod each_patch;
mod modelled;
mod mutants;
mod other_subsystems;
mod probes;
mod profile;
mod replay;
mod sandbox;
mod servers;
mod several_cpus;
mod shell;
mod trying;
mod wall;

use std::cell::Cell;
use std::time::Duration;

use rustix::process::Signal;
use sandbox::TestCheckout;
use serde_json::Value;

/// The kernel that sends one request at a time shows one in flight, today's kernel as many as the server allows; a
/// boot whose record is gone is run again, alone; comparing again gives the same text.
#[test]
fn a_campaign_from_one_command() {
    let sandbox = TestCheckout::new("");
    let run = sandbox.lab(&["run-lab", "--plan", "ci"]);
    run.expect_code_in(&[0, 1]);
    let comparison = sandbox.comparison();
    assert_eq!(outcomes(&comparison, "original"), "3 finished of 3");
    assert_eq!(outcomes(&comparison, "stock"), "3 finished of 3");

    let rows = comparison["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), 8, "two scenarios with four workloads each");
    for row in rows {
        let name = format!("{} {}", row["scenario"], row["workload"]);
        let (original, stock) = (evidence(row, "original"), evidence(row, "stock"));
        assert_eq!(original["most-in-flight"]["most"], 1, "{name}");
        assert_eq!(stock["most-in-flight"]["most"], 12, "{name}: as many as max-background allows");
        assert_eq!(original["requests"], stock["requests"], "{name}: the same work");
        assert_eq!(original["failed"]["most"], 0, "{name}");
    }

    let again = sandbox.lab(&["compare"]);
    let evidence = sandbox.lab(&["compare", "--evidence"]);
    assert_eq!(evidence.stdout.trim(), sandbox.stored_comparison().trim());
    assert_eq!(run.stdout, again.stdout, "nothing but the answer");
    assert!(!run.stderr.contains(['\u{1b}', '\r']), "plain lines for a reader that is no terminal: {run}");

    sandbox.remove_record("003-");
    let resumed = sandbox.lab(&["run-lab", "--plan", "ci"]);
    assert!(resumed.stderr.contains("resuming"), "{resumed}");
    assert_eq!(resumed.stderr.lines().filter(|line| line.starts_with("boot ")).count(), 1, "{resumed}");
    assert_eq!(sandbox.campaigns(), 1);
    assert_eq!(outcomes(&sandbox.comparison(), "original"), "3 finished of 3");

    replay::a_boot_again_is_equal(&sandbox);
    replay::a_debugger_sees_who_called(&sandbox);
}

/// A job of fio is measured as the other tools are, its figure repeats, and its text is part of the record.
#[test]
fn a_job_of_fio() {
    let sandbox = TestCheckout::new(
        r#"
        [workloads.small-fio]
        tool = "fio"
        job = "images/fio/read.fio"
        file-mib = 8
        samples = 3
        [plans.small-fio]
        like = "ci"
        scenarios = ["remote"]
        workloads = ["small-fio"]
        "#,
    );
    let run = sandbox.lab(&["run-lab", "--plan", "small-fio"]);
    run.expect_code_in(&[0]);
    let comparison = sandbox.comparison();
    let row = row(&comparison, "remote", "small-fio");
    for (variant, in_flight) in [("original", 1), ("stock", 12)] {
        assert_eq!(outcomes(&comparison, variant), "2 finished of 2");
        let evidence = evidence(row, variant);
        assert_eq!(evidence["most-in-flight"]["most"], in_flight, "{variant}");
        assert_eq!(evidence["requests"]["least"], 8 * 128, "{variant}: 8 MiB in 64 KiB, eight times");
        let cell = cell(row, variant);
        assert_eq!(cell["samples"][0]["bytes"], 64 << 20, "{variant}");
        // fio tells whole milliseconds, of some hundred.
        let repeat = cell["repeat"]["spread"].as_f64();
        assert!(repeat.is_some_and(|repeat| repeat <= 0.01), "{variant} repeats: {cell}");
    }
    assert!(sandbox.campaign_text().contains("rw=read"), "the job is recorded");
}

/// What is planted is found, to the size; the same kernel again does not differ by a nanosecond.
#[test]
fn planted_slowdowns_are_found() {
    let sandbox = TestCheckout::new("");
    let command =
        ["self-test", "--plan", "ci", "--scenarios", "local", "--workloads", "dd-read", "--boots", "1"];
    let run = sandbox.lab(&command);
    run.expect_code_in(&[0]);
    assert!(run.stdout.contains("Placebos: 0 false alarms in 20 rows of 20 kernels"), "{run}");
    assert!(run.stdout.contains("Passed (exit code 0): 27 of 27 rows are as they should be."), "{run}");
    let comparison = sandbox.comparison();
    let row = row(&comparison, "local", "dd-read");
    let base = evidence(row, "base");
    assert_eq!(base["span-ns"], evidence(row, "again")["span-ns"], "{row}");
    let service_ns = |arm| evidence(row, arm)["read-service"]["min-ns"]["least"].as_u64();
    assert_eq!(service_ns("planted-26200ns"), service_ns("base").map(|ns| ns + 26_200));
    assert!(sandbox.campaign_text().contains("planted-ns = 26200"));
}

/// A kernel that panics is broken, one that never prints is hung, each with its reason; the others go on, and the
/// exit code says that something is worse.
#[test]
fn kernels_that_fail() {
    let sandbox = TestCheckout::new(
        r#"
        [variants.panics]
        series = ["panic-at-boot"]
        [variants.silent]
        series = ["silent"]
        [machines.impatient]
        like = "virtual"
        silence-limit-s = 25
        [plans.failing-kernels]
        machine = "impatient"
        baseline = "stock"
        variants = ["stock", "panics", "silent"]
        scenarios = ["local"]
        workloads = ["small-dd-read"]
        probes = "none"
        kernel-config = []
        boots = 1
        precision-permille = 0
        seed = 1
        "#,
    );
    sandbox.add_series("panic-at-boot");
    sandbox.add_series("silent");
    let run = sandbox.lab(&["run-lab", "--plan", "failing-kernels"]);
    run.expect_code_in(&[1]);
    let comparison = sandbox.comparison();
    assert_eq!(outcomes(&comparison, "stock"), "2 finished of 2");
    assert_eq!(outcomes(&comparison, "panics"), "2 broken of 2");
    assert_eq!(outcomes(&comparison, "silent"), "2 hung of 2");
    assert_eq!(
        trouble(&comparison, "panics"),
        "panic: Kernel panic - not syncing: lab test: no boot with this patch"
    );
    let silent = trouble(&comparison, "silent");
    assert!(
        silent.starts_with("nothing was heard within the silence limit; CPU 0 is in start_kernel+0x")
            && silent.ends_with(
                ", did not move in 1 s; the kernel answered neither sysrq nor an NMI; ended by SIGTERM; the console is empty"
            ),
        "{silent}"
    );
    assert!(run.stdout.contains("no boot with this patch"), "the reader sees why: {run}");
    // What the kernel reported stands below the first boot that has it, and the console is named below each.
    let consoles = run.stderr.lines().filter(|line| line.starts_with("  console: ")).count();
    let reports =
        run.stderr.matches("\n  Kernel panic - not syncing: lab test: no boot with this patch\n").count();
    assert_eq!((consoles, reports), (4, 1), "{run}");
    replay::boots_that_failed_fail_again(&sandbox);
}

/// A guest that waits for ever - its process 1 reads from the console - is asked for its tasks. What it says then is kept, and is
/// neither its last word nor a finding.
#[test]
fn a_guest_that_waits_tells_its_tasks() {
    let sandbox = TestCheckout::new(
        r#"
        [machines.waiting]
        like = "virtual"
        silence-limit-s = 25
        kernel-parameters = "rdinit=/bin/dd"
        [plans.waiting]
        like = "ci"
        machine = "waiting"
        scenarios = ["local"]
        workloads = ["small-dd-read"]
        probes = "none"
        "#,
    );
    sandbox.lab(&["run-lab", "--plan", "waiting"]).expect_code_in(&[2]);
    let campaign = sandbox.read_campaign();
    assert_eq!(campaign.boots.len(), 4);
    for boot in &campaign.boots {
        let reason = boot.record.outcome.reason();
        // A timer may have woken the CPU at that moment, so that it is not said where it is.
        for part in [
            "nothing was heard within the silence limit; CPU 0 is ",
            "; the kernel told its tasks at sysrq: ",
            " tasks, none blocked, kept in task-dump.log; ended by SIGTERM; the last line on the console is `",
        ] {
            assert!(reason.contains(part), "{reason}");
        }
        assert!(!reason.contains("sysrq: Show State"), "{reason}");
        let dump = boot.record.task_dump.as_ref().expect("a task dump");
        assert!(dump.kept_bytes > 1000 && dump.kept_bytes == dump.received_bytes, "{dump:?}");
        let dump = std::fs::read(sandbox.campaign().join("boots").join(&boot.folder).join("task-dump.log"));
        let dump = String::from_utf8_lossy(&dump.expect("the task dump")).into_owned();
        assert!(dump.contains("task:dd ") && dump.contains("n_tty_read+0x"), "{dump}");
        assert!(
            !String::from_utf8_lossy(&boot.console).contains("task:dd"),
            "the console is the guest's own"
        );
    }
}

/// A server that dies and a tool that fails are results with a reason, and the boot still ends in order.
#[test]
fn programs_that_fail() {
    let sandbox = TestCheckout::new(
        r#"
        [scenarios.dying]
        like = "local"
        faults = [{ operation = "data", after = 19, times = "once", effect = "die" }]
        [workloads.refused]
        tool = "dd"
        args = ["if={file}", "of=/dev/null", "bs=2M", "count=4", "iflag=direct,nosuchflag"]
        file-mib = 8
        samples = 1
        [plans.failing-programs]
        machine = "virtual"
        baseline = "original"
        variants = ["original", "stock"]
        scenarios = ["local", "dying"]
        workloads = ["refused", "small-dd-read"]
        probes = "none"
        kernel-config = []
        boots = 1
        precision-permille = 0
        seed = 1
        "#,
    );
    let run = sandbox.lab(&["run-lab", "--plan", "failing-programs"]);
    run.expect_code_in(&[1, 2]);
    let comparison = sandbox.comparison();
    for variant in ["original", "stock"] {
        assert_eq!(outcomes(&comparison, variant), "3 finished of 3");
        let refused = failure(&comparison, "local", "refused", variant);
        assert!(refused.contains("nosuchflag"), "{refused}");
        let died = failure(&comparison, "dying", "small-dd-read", variant);
        assert!(died.contains("dd"), "{died}");
        let cell = cell(row(&comparison, "local", "small-dd-read"), variant);
        assert_eq!(cell["samples"].as_array().map(Vec::len), Some(6), "the next workload ran: {cell}");
    }
}

/// A host that ends a virtual machine - it shuts down, or has no memory left - says nothing about the kernel: QEMU
/// returns 0 at the one signal and nothing at the other, and the boot is tried again either way.
#[test]
fn a_machine_that_the_host_ends_is_started_again() {
    let sandbox = TestCheckout::new(
        r#"
        [plans.ended]
        like = "ci"
        scenarios = ["local"]
        workloads = ["small-dd-read"]
        "#,
    );
    let mut lab = sandbox.start(&["run-lab", "--plan", "ended"]);
    sandbox.end_machines_that_speak(&mut lab, Signal::TERM);
    sandbox.end_machines_that_speak(&mut lab, Signal::KILL);
    assert_eq!(lab.wait().map(|code| code <= 1), Some(true));
    let comparison = sandbox.comparison();
    for variant in ["original", "stock"] {
        assert_eq!(outcomes(&comparison, variant), "2 finished of 2");
    }
    let losses = sandbox.losses().join("; ");
    assert!(losses.contains("host-signal") && losses.contains("ended by SIGKILL"), "{losses}");
}

/// However often and whenever the lab is killed, no virtual machine outlives it, and the same command goes on where it
/// was, until each boot of the plan has one record that counts. More boots can be added to what is there.
#[test]
fn a_lab_that_is_killed_goes_on() {
    const SEED: u64 = 1;
    let sandbox = TestCheckout::new(
        r#"
        [plans.killed]
        like = "ci"
        scenarios = ["local"]
        workloads = ["small-dd-read"]
        boots = 4
        "#,
    );
    let command = ["run-lab", "--plan", "killed"];
    // Kernels and image are in the cache then, so that the moments below lie in the boots as well as around them.
    sandbox.lab(&["run-lab", "--plan", "killed", "--boots", "2"]).expect_code_in(&[0, 1]);
    sandbox.remove_campaigns();
    // Moments of the run, and not of the clock: on a busy machine nothing has begun after some seconds.
    let campaign_begun = |sandbox: &TestCheckout| sandbox.campaigns() > 0;
    let machine_runs = |sandbox: &TestCheckout| !sandbox.machines().is_empty();
    let kernel_spoke = |sandbox: &TestCheckout| sandbox.speaking_boots() > 0;
    let one_more_result = {
        let before = Cell::new(None);
        move |sandbox: &TestCheckout| {
            let count = sandbox.results_by_number().len();
            count > before.replace(before.get().or(Some(count))).unwrap_or(count)
        }
    };
    let moments: [&dyn Fn(&TestCheckout) -> bool; 5] =
        [&campaign_begun, &machine_runs, &one_more_result, &kernel_spoke, &machine_runs];
    for (moment, pause_ms) in moments.into_iter().zip(pauses_ms(SEED)) {
        let mut lab = sandbox.start(&command);
        while !moment(&sandbox) {
            assert!(!lab.has_ended(), "the lab ended before the moment at which it was to be killed");
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(pause_ms));
        lab.kill();
        sandbox.wait_until_no_machine_runs(Duration::from_secs(60));
    }
    sandbox.lab(&command).expect_code_in(&[0, 1]);
    check_boots(&sandbox, 10);

    let added = sandbox.lab(&["run-lab", "--plan", "killed", "--add-boots", "1"]);
    added.expect_code_in(&[0, 1]);
    assert!(added.stderr.contains("10 of 12 boots are there"), "{added}");
    check_boots(&sandbox, 12);

    let refused =
        sandbox.lab(&["run-lab", "--plan", "killed", "--workloads", "small-dd-write", "--add-boots", "1"]);
    refused.expect_code_in(&[3]);
    assert!(
        refused.stderr.contains("was made with another plan.workloads; run without --add-boots"),
        "{refused}"
    );
}

/// Pauses of up to half a second, by the linear congruential generator of POSIX.
fn pauses_ms(seed: u64) -> impl Iterator<Item = u64> {
    let next = |state: &u64| Some(state.wrapping_mul(1_103_515_245).wrapping_add(12_345) & 0x7fff_ffff);
    std::iter::successors(next(&seed), next).map(|state| (state >> 8) % 500)
}

/// One campaign, with a record that counts for each of `planned` boots and none that is broken.
fn check_boots(sandbox: &TestCheckout, planned: u32) {
    assert_eq!(sandbox.campaigns(), 1);
    let campaign = sandbox.read_campaign();
    assert_eq!(campaign.damaged, [] as [String; 0]);
    let planned_steps: Vec<_> = campaign.file.plan.boots.iter().collect();
    let recorded: Vec<_> = campaign.boots.iter().map(|boot| &boot.record.boot).collect();
    assert_eq!(recorded, planned_steps);
    assert_eq!(recorded.len(), planned as usize);
    let results = sandbox.results_by_number();
    let expected: Vec<(u32, usize)> = (1..=planned).map(|number| (number, 1)).collect();
    assert_eq!(results.into_iter().collect::<Vec<_>>(), expected, "boots by number, with results of each");
    let comparison = sandbox.comparison();
    let of_each = planned / 2;
    for variant in ["original", "stock"] {
        assert_eq!(outcomes(&comparison, variant), format!("{of_each} finished of {of_each}"));
    }
}

/// A dry run lists the boots and leaves nothing behind.
#[test]
fn a_dry_run_writes_nothing() {
    let sandbox = TestCheckout::new("");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let cache = folder.path().join("cache");
    let run = sandbox.lab_with_cache(&cache.display().to_string(), &["run-lab", "--plan", "ci", "--dry-run"]);
    run.expect_code_in(&[0]);
    assert!(run.stdout.contains("plan ci: 6 boots"), "{run}");
    assert!(run.stdout.contains("kernel original  to be built"), "{run}");
    assert!(run.stdout.contains("image  to be built"), "{run}");
    assert!(run.stdout.contains("no earlier boots: no estimate"), "{run}");
    assert!(!cache.exists());
    assert_eq!(sandbox.campaigns(), 0);
}

/// A user without rights gets boots as root does. As root the lab is started in a user namespace, where it is nobody
/// special and yet finds the cache.
#[test]
fn no_boot_needs_root() {
    let sandbox = TestCheckout::new(
        r#"
        [plans.rootless]
        like = "ci"
        scenarios = ["local"]
        workloads = ["small-dd-read"]
        boots = 2
        "#,
    );
    // As root: what is not in the cache yet is built, and packages are installed.
    let built = sandbox.lab(&["build-kernel", "original", "stock"]);
    built.expect_code_in(&[0]);
    assert_eq!(built.stdout, "", "{built}");
    let run = sandbox.lab_without_root(&["run-lab", "--plan", "rootless"]);
    assert!(!run.stderr.contains("unshare"), "user namespaces are off on this machine: {}", run.stderr);
    run.expect_code_in(&[0, 1]);
    assert_eq!(outcomes(&sandbox.comparison(), "original"), "3 finished of 3");
    assert_eq!(outcomes(&sandbox.comparison(), "stock"), "3 finished of 3");
}

/// What cannot be run is refused with a remedy before anything is booted, and leaves no campaign behind.
#[test]
fn bad_input() {
    let variant = "[variants.mine]\nseries = [\"mine\"]\n[plans.mine]\nlike = \"ci\"\nvariants = [\"original\", \"mine\"]";
    let job = "[workloads.job]\ntool = \"fio\"\njob = \"kernel-patches/mine/x.fio\"\nfile-mib = 8\nsamples = 1\n\
                  [plans.job]\nlike = \"ci\"\nworkloads = [\"job\"]";
    let escape = "--- /dev/null\n+++ b/../../outside\n@@ -0,0 +1 @@\n+x\n";
    let misfit = "--- a/fs/fuse/file.c\n+++ b/fs/fuse/file.c\n@@ -1,1 +1,1 @@\n-no such line\n+another\n";
    let in_the_way = "--- /dev/null\n+++ b/fs/fuse/extra.c\n@@ -0,0 +1 @@\n+x\n";
    let large = "[machines.large]\nlike = \"virtual\"\nmemory-mib = 1048576\n\
                 [plans.large]\nlike = \"ci\"\nmachine = \"large\"";
    for (addition, patches, arguments, expected) in [
        (
            large,
            &[][..],
            &["run-lab", "--plan", "large"][..],
            "the guest is to have 1048576 MiB of memory, and this host has ",
        ),
        (
            large,
            &[],
            &["run-lab", "--plan", "large", "--dry-run"],
            "lower memory-mib of the machine of plan large",
        ),
        ("", &[], &["run-lab", "--plan", "defualt"], "there is no plan `defualt`; did you mean `default`?"),
        ("", &[], &["build-kernel", "stok"], "there is no variant `stok`; did you mean `stock`?"),
        ("", &[], &["compare", "2026-01-01-ci-1"], "there is no campaign `2026-01-01-ci-1`"),
        ("", &[], &["compare"], "make one with: cargo xtask run-lab"),
        ("[plans.x", &[], &["run-lab"], "lab.toml:"),
        (
            "[variants.x]\nseries = []\nbehaviour = \"synchronos\"",
            &[],
            &["run-lab"],
            "variants.x.behaviour: there is no table of behaviour `synchronos`; did you mean `synchronous`?",
        ),
        (
            "",
            &[],
            &["run-lab", "--plan", "behaviour", "--workloads", "dd-read"],
            "all probes run without workloads",
        ),
        (variant, &[], &["run-lab", "--plan", "mine"], "there is no series `mine`"),
        (variant, &[("README.md", "claim")], &["run-lab", "--plan", "mine"], "no patch in it"),
        (variant, &[("README.md", "claim")], &["run-lab", "--plan", "mine", "--dry-run"], "no patch in it"),
        (variant, &[("0001-x.patch", escape)], &["run-lab", "--plan", "mine"], "../../outside"),
        (
            job,
            &[],
            &["run-lab", "--plan", "job"],
            "workloads.job.job: `kernel-patches/mine/x.fio`: there is no such file",
        ),
        (
            job,
            &[("x.fio", "[r]\nfilename=${LAB_FILE}\nexec_prerun=reboot\n")],
            &["run-lab", "--plan", "job"],
            "line 3: `exec_prerun` would run a shell",
        ),
        (
            job,
            &[("x.fio", "[r]\nfilename=${LAB_FILE}\niodeth=64\n")],
            &["run-lab", "--plan", "job"],
            "fio does not take kernel-patches/mine/x.fio: Bad option <iodeth=64>",
        ),
        (
            variant,
            &[("0001-fits.patch", in_the_way), ("0002-x.patch", misfit)],
            &["build-kernel", "mine"],
            "series mine: patch 0002-x.patch does not apply to fs/fuse/file.c (hunk 1 at line 1)",
        ),
    ] {
        let sandbox = TestCheckout::new(addition);
        patches.iter().for_each(|(file, text)| sandbox.add_patch("mine", file, text));
        let run = sandbox.lab(arguments);
        run.expect_code_in(&[3]);
        assert!(run.stderr.contains(expected), "{arguments:?} should say `{expected}`: {run}");
        assert_eq!(run.stdout, "", "{arguments:?}");
        assert_eq!(sandbox.campaigns(), 0);
    }
}

fn row<'a>(comparison: &'a Value, scenario: &str, workload: &str) -> &'a Value {
    let rows = comparison["rows"].as_array().expect("rows");
    rows.iter()
        .find(|row| row["scenario"] == scenario && row["workload"] == workload)
        .unwrap_or_else(|| panic!("no row {scenario} {workload}"))
}

fn cell<'a>(row: &'a Value, variant: &str) -> &'a Value {
    let cells = row["cells"].as_array().expect("cells");
    cells.iter().find(|cell| cell["variant"] == variant).unwrap_or_else(|| panic!("no cell {variant}"))
}

fn evidence<'a>(row: &'a Value, variant: &str) -> &'a Value {
    &cell(row, variant)["evidence"]
}

fn failure(comparison: &Value, scenario: &str, workload: &str, variant: &str) -> String {
    let cell = cell(row(comparison, scenario, workload), variant);
    cell["failures"][0]["reason"].as_str().unwrap_or_else(|| panic!("no failure: {cell}")).to_owned()
}

fn summary<'a>(comparison: &'a Value, variant: &str) -> &'a Value {
    let variants = comparison["variants"].as_array().expect("variants");
    variants.iter().find(|summary| summary["name"] == variant).unwrap_or_else(|| panic!("no {variant}"))
}

/// How the boots of a variant ended, e.g. `4 finished of 4`.
fn outcomes(comparison: &Value, variant: &str) -> String {
    let boots = &summary(comparison, variant)["boots"];
    let ended = ["finished", "broken", "hung", "lost", "missing"]
        .into_iter()
        .filter(|&outcome| boots[outcome] != 0)
        .map(|outcome| format!("{} {outcome}", boots[outcome]));
    format!("{} of {}", ended.collect::<Vec<_>>().join(", "), boots["planned"])
}

fn trouble(comparison: &Value, variant: &str) -> String {
    summary(comparison, variant)["troubles"][0]["reason"].as_str().unwrap_or("none").to_owned()
}
