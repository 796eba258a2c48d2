//! The virtual machine that every boot of a plan gets.

use serde::{Deserialize, Serialize};

use crate::evidence::quiet::QuietLimits;
use crate::text::arch::Arch;

/// How guest time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Clock {
    /// One nanosecond per instruction; idle time is skipped.
    Virtual,
    /// Real time.
    Wall,
}

/// Which accelerator is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccelChoice {
    /// KVM if a test boot under it succeeds, else TCG.
    Auto,
    /// KVM; an error if the test boot fails.
    Kvm,
    /// Emulation.
    Tcg,
}

/// The virtual machine that every boot of a plan gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct MachineSettings {
    /// Which instructions it has.
    #[serde(default)]
    pub arch: Arch,
    /// How guest time passes.
    pub clock: Clock,
    /// Which accelerator is asked for; the virtual clock needs `tcg`.
    pub accel: AccelChoice,
    /// QEMU's `-cpu` under TCG.
    pub cpu_model: String,
    /// What the kernel is told beside what the lab itself has to tell it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub kernel_parameters: String,
    /// Virtual CPUs; with the virtual clock they run in turns.
    pub cpus: u32,
    /// Guest memory, MiB.
    pub memory_mib: u32,
    /// Size of the storage in the guest, MiB: the tmpfs behind the FUSE server, or a file system of the guest's kernel.
    pub storage_mib: u32,
    /// How long a workload may take in guest time, seconds.
    pub workload_limit_s: u32,
    /// How long after a whole tenth of a second of guest time each workload starts at the earliest, microseconds, below
    /// 100,000.
    pub phase_us: u32,
    /// By how much later a sample starts at most, drawn for each, microseconds.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub phase_range_us: u32,
    /// In campaigns of a time before samples: how much later each further boot started. New plans have 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub phase_step_us: u32,
    /// Wall clock: pairs of boots of the baseline and the next variant that come before all others and are not counted.
    pub warm_up_pairs: u32,
    /// Wall clock: whether QEMU is bound to CPUs of the host of its own.
    pub pin: bool,
    /// Wall clock: how long a boot waits for the host to be quiet, seconds; it is marked if the host does not come to rest.
    pub quiet_wait_s: u32,
    /// Wall clock: from when on the host is not quiet.
    pub quiet: QuietLimits,
    /// How long a boot may take in real time, seconds.
    pub wall_limit_s: u32,
    /// How long neither the console nor the report port may give a byte, seconds of real time.
    pub silence_limit_s: u32,
    /// How many times longer the delays in probes are.
    #[serde(default = "unchanged")]
    pub probe_delay_factor: u32,
}

fn unchanged() -> u32 {
    1
}

/// For serde, which hands over a reference.
pub(super) fn is_zero(value: &u32) -> bool {
    *value == 0
}
