//! What one boot is asked to do.

use serde::{Deserialize, Serialize};

use crate::Nonce;

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
}

/// The settings of the FUSE server and of the storage behind it: a resolved scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ServerSettings {
    /// Threads that read requests and serve them, each request from start to end in one thread.
    pub threads: u32,
    /// Whether each thread has its own clone of the device descriptor (`FUSE_DEV_IOC_CLONE`).
    pub clone_fd: bool,
    /// Largest READ and WRITE request, KiB: `max_write` and `max_readahead` of FUSE_INIT.
    pub request_kib: u32,
    /// `max_background` of FUSE_INIT: the most asynchronous requests in flight.
    pub max_background: u16,
    /// Whether FUSE_ASYNC_DIO is asked for.
    pub async_dio: bool,
    /// When the backing file is opened.
    pub open: OpenMode,
    /// How long the kernel may trust attributes and names, milliseconds.
    pub attribute_timeout_ms: u64,
    /// How GETXATTR is answered.
    pub getxattr: Getxattr,
    /// Time that the storage takes for each READ and WRITE, microseconds of guest time.
    pub storage_latency_us: u64,
    /// A fault: the server aborts when it has received this many READ and WRITE requests; 0 for never.
    pub die_after_requests: u64,
}

/// When the server opens the backing file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OpenMode {
    /// Once, at open; the handle is kept until release.
    Kept,
    /// For each READ and WRITE, and closed again, as libfuse's `fusexmp` of 2012 did.
    PerRequest,
}

/// How the server answers GETXATTR.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Getxattr {
    /// From the backing file. The kernel asks for `security.capability` once per write.
    Passthrough,
    /// ENOSYS: the kernel asks once and never again.
    Enosys,
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
}

/// A load tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tool {
    /// `dd` of coreutils, from the host.
    Dd,
    /// The native-AIO load tool of this project.
    AioStress,
}

impl Tool {
    /// The path of the program in the guest.
    pub fn guest_path(self) -> &'static str {
        match self {
            Tool::Dd => "/bin/dd",
            Tool::AioStress => "/bin/aio-stress",
        }
    }
}
