//! A folder under `results/`: one execution of a plan.

use serde::{Deserialize, Serialize};

use crate::campaign::{BootData, KernelIdentity, Setup};
use crate::plan::Plan;

/// The campaign file, written before the first boot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CampaignFile {
    /// [`crate::campaign::VERSION`].
    pub version: u32,
    /// When it was begun, RFC 3339 in UTC.
    pub begun: String,
    /// The commit of the lab's checkout, with `-dirty` if files differed from it.
    pub lab_commit: String,
    /// The command that repeats it.
    pub command: String,
    /// Repetitions that were added later, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub additions: Vec<Addition>,
    /// The machine that it ran on.
    pub host: Host,
    /// Why this accelerator was chosen.
    pub accelerator_reason: String,
    /// What is equal in all boots.
    pub setup: Setup,
    /// The kernels, in the order of the plan's variants.
    pub kernels: Vec<CampaignKernel>,
    /// What was to be done.
    pub plan: Plan,
}

/// Repetitions that a campaign got after it was begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Addition {
    /// When, RFC 3339 in UTC.
    pub added: String,
    /// How many, per variant and scenario.
    pub repetitions: u32,
    /// The command.
    pub command: String,
}

/// A variant with the kernel that was built for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CampaignKernel {
    /// The variant's name.
    pub variant: String,
    /// Its kernel.
    pub kernel: KernelIdentity,
}

impl CampaignFile {
    /// Whether a campaign with this file would do the very same as one with `other`: then the boots of one
    /// count for the other.
    pub fn continues(&self, other: &CampaignFile) -> bool {
        self.version == other.version
            && self.plan == other.plan
            && self.setup == other.setup
            && self.kernels == other.kernels
    }
}

/// The machine that a campaign ran on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Host {
    /// CPU model as `/proc/cpuinfo` names it.
    pub cpu: String,
    /// CPUs that the lab may use.
    pub cpus: u32,
    /// Memory, MiB.
    pub memory_mib: u64,
    /// `uname -sr`.
    pub kernel: String,
    /// `PRETTY_NAME` of `/etc/os-release`.
    pub system: String,
}

/// A campaign as read back.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// The folder's name below `results/`.
    pub name: String,
    /// The campaign file.
    pub file: CampaignFile,
    /// The try that counts of each boot that has a valid record, by number.
    pub boots: Vec<BootData>,
    /// Records that could not be read, each with the reason; the others still count.
    pub damaged: Vec<String>,
}
