//! Real time: which CPUs of the host the guests of two runs have.

use jiff::{SignedDuration, Timestamp};
use lab_core::campaign::Campaign;

use super::sandbox::{LabRun, TestCheckout};

/// One boot of each kernel, of a second or two.
const PLAN: &str = r#"
[machines.small-wall]
like = "wall"
accel = "tcg"
cpus = 1
memory-mib = 768
storage-mib = 320
warm-up-pairs = 0
quiet-wait-s = 0
quiet-others-percent = 100
quiet-steal-percent = 100
quiet-memory-percent = 100
[plans.small-wall]
like = "ci"
machine = "small-wall"
variants = ["original", "original-again"]
scenarios = ["local"]
workloads = ["small-dd-read"]
probes = "none"
boots = 1
"#;

/// Two runs at once are never on the same CPU at the same time, and QEMU's other threads are not on those of the guest. Where
/// the host has too few CPUs, a doubt says so.
#[test]
fn guests_have_cpus_of_their_own() {
    let sandboxes = [TestCheckout::new(PLAN), TestCheckout::new(PLAN)];
    let runs: Vec<LabRun> = std::thread::scope(|scope| {
        let started = sandboxes
            .each_ref()
            .map(|sandbox| scope.spawn(|| sandbox.lab(&["run-lab", "--plan", "small-wall"])));
        started.map(|run| run.join().expect("a run")).into()
    });
    runs.iter().for_each(|run| run.expect_code_in(&[0]));
    let campaigns = sandboxes.each_ref().map(TestCheckout::read_campaign);
    for (sandbox, campaign) in sandboxes.iter().zip(&campaigns) {
        assert_eq!(campaign.boots.len(), 2);
        let doubts = sandbox.comparison()["doubts"].to_string();
        let hosts = campaign.boots.iter().map(|boot| boot.record.host.as_ref().expect("a host"));
        for host in hosts {
            let is_bound = !host.pinned_cpus.is_empty();
            assert_eq!(is_bound, host.not_pinned.is_none(), "{host:?}");
            assert_eq!(is_bound, !doubts.contains("not bound to CPUs"), "{doubts}");
            assert_eq!(is_bound, !host.other_threads_cpus.is_empty(), "{host:?}");
            assert!(host.other_threads_cpus.iter().all(|cpu| !host.pinned_cpus.contains(cpu)), "{host:?}");
        }
    }
    let [left, right] = campaigns.each_ref().map(on_cpus);
    for (cpus, from, to) in left {
        for (other_cpus, other_from, other_to) in &right {
            let is_shared = cpus.iter().any(|cpu| other_cpus.contains(cpu));
            let at_once = from < *other_to && *other_from < to;
            assert!(
                !(is_shared && at_once),
                "CPU {cpus:?} and {other_cpus:?} from {from} and {other_from} on"
            );
        }
    }
}

/// The CPUs of each boot, from when on and until when.
fn on_cpus(campaign: &Campaign) -> Vec<(Vec<u32>, Timestamp, Timestamp)> {
    let records = campaign.boots.iter().map(|boot| &boot.record);
    let of = |record: &lab_core::campaign::Record| {
        let from: Timestamp = record.started.parse().expect("a time");
        let cpus = record.host.as_ref().expect("a host").pinned_cpus.clone();
        (cpus, from, from + SignedDuration::from_secs_f64(record.wall_s))
    };
    records.map(of).collect()
}
