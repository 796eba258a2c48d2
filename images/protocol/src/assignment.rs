//! What one boot is asked to do.

use serde::{Deserialize, Serialize};

use crate::{Nonce, ProbeTask, ServerSettings};

/// Everything that process 1 needs to know; the image itself is the same for every boot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Assignment {
    /// Ties the report to this boot.
    pub nonce: Nonce,
    /// How the server is started.
    pub server: ServerSettings,
    /// Size of the tmpfs at [`crate::STORAGE_DIR`], MiB.
    pub storage_mib: u32,
    /// What is run, in this order, each alone.
    pub workloads: Vec<WorkloadTask>,
    /// How long one workload may take in guest time, seconds; it is killed then.
    pub workload_limit_s: u32,
    /// How long after a whole tenth of a second of guest time each workload starts, microseconds, below 100,000.
    ///
    /// With the virtual clock equal boots give equal figures to the nanosecond, and where the timer tick falls in a
    /// workload is part of what makes them. An equal phase takes that out of the difference between two kernels;
    /// boots with several phases show how much of a figure is owed to it.
    pub phase_us: u32,
    /// What is probed after the last workload, when the server of the workloads has ended; none for nothing. Probes start
    /// servers of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probes: Option<ProbeTask>,
}

/// One load tool with its arguments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct WorkloadTask {
    /// The workload's name in `lab.toml`.
    pub name: String,
    /// Which program runs.
    pub tool: Tool,
    /// Its arguments; `{file}` stands for the path of the file on the FUSE mount.
    pub args: Vec<String>,
    /// Size of the file, MiB. It exists in full size, filled with data, before the tool starts.
    pub file_mib: u32,
    /// What `fio` does; none for the other tools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<Job>,
}

/// A job file of `fio`. In it `${LAB_FILE}` stands for the path of the file on the FUSE mount and `${LAB_SIZE}` for its
/// size in bytes: `fio` puts in variables of its environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Job {
    /// Its path as named in `lab.toml`.
    pub file: String,
    /// Its content.
    pub text: String,
}

/// A load tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tool {
    /// `dd` of coreutils, from the host.
    Dd,
    /// The native-AIO load tool of this project.
    AioStress,
    /// `fio`, from the host.
    Fio,
}

impl Tool {
    /// The path of the program in the guest.
    pub fn guest_path(self) -> &'static str {
        match self {
            Tool::Dd => "/bin/dd",
            Tool::AioStress => "/bin/aio-stress",
            Tool::Fio => "/bin/fio",
        }
    }
}
