//! A host on which much happens while a guest's clock counts instructions.

use std::collections::BTreeMap;
use std::fs;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde_json::Value;

use super::sandbox::TestCheckout;
use super::{evidence, row};

/// A thousand requests, each of which the guest sleeps for.
const PLANS: &str = r#"
[plans.asleep]
like = "ci"
scenarios = ["remote"]
workloads = ["aio-read-4k"]
probes = "none"
boots = 2

[machines.two-cpus]
like = "virtual-smp"
cpus = 2
[plans.two-asleep]
like = "asleep"
machine = "two-cpus"
boots = 1
"#;

/// A busy host runs QEMU's main thread at any time, and so do signals: some thousand while a guest sleeps and wakes.
#[test]
fn whatever_wakes_qemu_moves_no_figure() {
    let sandbox = TestCheckout::new(PLANS);
    sandbox.lab(&["run-lab", "--plan", "asleep"]).expect_code_in(&[0]);
    let left_alone = spans(&sandbox.comparison());
    sandbox.remove_campaigns();
    assert_eq!(disturbed(&sandbox, &["run-lab", "--plan", "asleep"]), Some(0));
    assert_eq!(spans(&sandbox.comparison()), left_alone, "to the nanosecond");
}

/// With two CPUs the order of their turns may differ before any figure does: the report has to be the same, byte for byte.
#[test]
fn nor_the_turns_of_two_cpus() {
    let sandbox = TestCheckout::new(PLANS);
    sandbox.lab(&["run-lab", "--plan", "two-asleep"]).expect_code_in(&[0]);
    let campaign = sandbox.campaign();
    let name = campaign.file_name().and_then(|name| name.to_str()).expect("a name");
    // When the host has taken the report, which is on the console, may differ.
    assert!(matches!(disturbed(&sandbox, &["replay", name, "1"]), Some(0 | 1)));
    let again = campaign.with_file_name("replay").join(name);
    let [then, now] = [campaign, again].map(|campaign| {
        let boot = campaign.join("boots/001-original-remote-1");
        fs::read_to_string(boot.join("report.json")).expect("a report")
    });
    assert_eq!(now, then);
}

/// Runs the lab, whose machines get a signal again and again; its exit code.
fn disturbed(sandbox: &TestCheckout, arguments: &[&str]) -> Option<i32> {
    let mut lab = sandbox.start(arguments);
    let mut machines = BTreeMap::new();
    let (mut looked, mut woken) = (None, 0);
    while !lab.has_ended() {
        if looked.is_none_or(|at: Instant| at.elapsed() > Duration::from_millis(200)) {
            machines = sandbox.machines().into_iter().filter_map(|id| Some((id, listening(id)?))).collect();
            looked = Some(Instant::now());
        }
        woken += machines.values().filter(|machine| pidfd_send_signal(machine, Signal::IO).is_ok()).count();
        std::thread::sleep(Duration::from_micros(300));
    }
    assert!(woken > 1000, "{woken} signals are no disturbance");
    lab.wait()
}

/// How long the workload took in each kernel.
fn spans(comparison: &Value) -> Vec<Value> {
    let row = row(comparison, "remote", "aio-read-4k");
    ["original", "stock"].map(|variant| evidence(row, variant)["span-ns"].clone()).to_vec()
}

/// A QEMU that is as far as to take SIGIO for an event: before, it would end by it.
fn listening(id: u32) -> Option<OwnedFd> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let blocked = status.lines().find_map(|line| line.strip_prefix("SigBlk:"))?;
    let blocked = u64::from_str_radix(blocked.trim(), 16).ok()?;
    let takes = blocked & 1 << (Signal::IO.as_raw() - 1) != 0;
    let pid = i32::try_from(id).ok().and_then(Pid::from_raw).filter(|_| takes)?;
    pidfd_open(pid, PidfdFlags::empty()).ok()
}
