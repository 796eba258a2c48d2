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
const PLAN: &str = r#"
[plans.asleep]
like = "ci"
scenarios = ["remote"]
workloads = ["aio-read-4k"]
probes = "none"
boots = 2
"#;

/// A busy host runs QEMU's main thread at any time, and so do signals: some thousand while a guest sleeps and wakes.
#[test]
fn whatever_wakes_qemu_moves_no_figure() {
    let sandbox = TestCheckout::new(PLAN);
    sandbox.lab(&["run-lab", "--plan", "asleep"]).expect_code_in(&[0]);
    let left_alone = spans(&sandbox.comparison());
    sandbox.remove_campaigns();

    let mut lab = sandbox.start(&["run-lab", "--plan", "asleep"]);
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
    assert_eq!(lab.wait(), Some(0));
    assert!(woken > 1000, "{woken} signals are no disturbance");
    assert_eq!(spans(&sandbox.comparison()), left_alone, "to the nanosecond");
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
