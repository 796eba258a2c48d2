//! What the guest says of a boot.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{ActionReport, EndOfProgram, KernelWarnings, ProbeReport};

/// The first frame: process 1 runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Hello {
    /// `uname -r`.
    pub kernel_release: String,
    /// Guest uptime when process 1 started, microseconds.
    pub uptime_us: u64,
}

/// A step was begun or ended; what the host's progress timer waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Progress {
    /// Which step.
    pub stage: Milestone,
    /// The workload, if the step is one.
    pub workload: Option<String>,
    /// Guest uptime, microseconds.
    pub uptime_us: u64,
}

/// The steps of a boot, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Milestone {
    /// What workloads have their files on is mounted, with its server if it has one.
    Mounted,
    /// A workload's file is ready and the workload starts.
    WorkloadStarted,
    /// A workload ended.
    WorkloadEnded,
    /// The file system was unmounted, and the server, if there was one, has ended.
    Unmounted,
}

/// The last frame: everything that was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    /// `uname -r`.
    pub kernel_release: String,
    /// `uname -v`.
    pub kernel_version: String,
    /// `/proc/cmdline`.
    pub kernel_command_line: String,
    /// The GNU build id of the running kernel (`/sys/kernel/notes`), hexadecimal.
    pub build_id: Option<String>,
    /// `/proc/sys/kernel/tainted` before the server was started.
    pub tainted_before: u64,
    /// The same after the last workload.
    pub tainted_after: u64,
    /// What server and kernel agreed on in FUSE_INIT; none without a server, or if the mount never came.
    pub negotiated: Option<Negotiated>,
    /// One entry for each sample of each workload, in the order in which they ran; those that were not reached say that they
    /// were not started.
    pub workloads: Vec<WorkloadReport>,
    /// What the behaviour probes saw; none if nothing was probed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probes: Option<ProbeReport>,
    /// The kernel's own list of memory that nothing points to, after the last workload and probe
    /// (`/sys/kernel/debug/kmemleak`), cut if it is long: empty if nothing leaked, none if the kernel did not search.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaks: Option<String>,
    /// What the kernel warned of in its log until then; none if it was not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warnings: Option<KernelWarnings>,
    /// What went wrong outside the workloads, in order: a server that died, a mount that did not come.
    /// Empty after a good boot.
    pub problems: Vec<String>,
    /// Peak resident memory of the server (`VmHWM`), KiB.
    pub server_peak_kib: Option<u64>,
    /// Guest uptime when the report was made, microseconds.
    pub uptime_us: u64,
    /// How the shell ended; none in a boot without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shell: Option<EndOfProgram>,
}

/// The result of FUSE_INIT as the server saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Negotiated {
    /// Protocol version that the kernel speaks, `major.minor`.
    pub kernel_protocol: String,
    /// `max_write` in force, bytes.
    pub max_write: u32,
    /// `max_readahead` in force, bytes.
    pub max_readahead: u32,
    /// `max_background` that was sent.
    pub max_background: u16,
    /// `congestion_threshold` that was sent.
    pub congestion_threshold: u16,
    /// Whether the kernel offered FUSE_ASYNC_DIO.
    pub async_dio_offered: bool,
    /// Whether FUSE_ASYNC_DIO was offered and asked for.
    pub async_dio_in_force: bool,
    /// Whether files are opened with FOPEN_DIRECT_IO. It is in the answer to each open: no kernel has to offer it.
    pub direct_io_in_force: bool,
    /// Whether the kernel offered FUSE_DIRECT_IO_ALLOW_MMAP: shared mappings of files opened with FOPEN_DIRECT_IO.
    pub direct_io_allow_mmap_offered: bool,
    /// Whether FUSE_DIRECT_IO_ALLOW_MMAP was offered and asked for.
    pub direct_io_allow_mmap_in_force: bool,
    /// Whether the kernel offered FUSE_AUTO_INVAL_DATA.
    pub auto_inval_data_offered: bool,
    /// Whether FUSE_AUTO_INVAL_DATA was offered and asked for.
    pub auto_inval_data_in_force: bool,
    /// Whether the kernel offered FUSE_WRITEBACK_CACHE.
    pub writeback_cache_offered: bool,
    /// Whether FUSE_WRITEBACK_CACHE was offered and asked for.
    pub writeback_cache_in_force: bool,
    /// All flags that the kernel offered, by name; empty in a report of a time before they were told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags_offered: Vec<String>,
    /// Those that were offered and asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags_in_force: Vec<String>,
    /// What the scenario wanted and this kernel does not have, a sentence for each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<String>,
    /// The queues of FUSE over io_uring, one for each CPU that the machine may have; 0 if requests come from `/dev/fuse`.
    #[serde(default, skip_serializing_if = "is_none_at_all")]
    pub ring_queues: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_none_at_all(count: &u32) -> bool {
    *count == 0
}

/// One workload's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct WorkloadReport {
    /// The workload's name.
    pub name: String,
    /// Which sample of the workload it is, from 1.
    #[serde(default = "first_sample", skip_serializing_if = "is_first_sample")]
    pub sample: u32,
    /// The program and its arguments, as run.
    pub argv: Vec<String>,
    /// How the program ended.
    pub end: EndOfProgram,
    /// What it wrote to standard output; invalid UTF-8 replaced, the middle cut if it is too long.
    pub stdout: String,
    /// What it wrote to standard error, likewise.
    pub stderr: String,
    /// From start to end, nanoseconds of guest time.
    pub elapsed_ns: u64,
    /// CPU time of the program.
    pub tool_cpu: CpuTime,
    /// CPU time of the server while the program ran.
    pub server_cpu: CpuTime,
    /// Context switches of the program and its threads; none in a report of a time before they were counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_switches: Option<ContextSwitches>,
    /// Context switches of the server while the program ran, with the two or three of the question that sets its
    /// counters to zero; none if they could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_switches: Option<ContextSwitches>,
    /// Memory after the program's end; none if it could not be read, or in a report of a time before it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<MemoryInUse>,
    /// What the server saw while the program ran; none without a server, or if it did not answer.
    pub requests: Option<RequestStats>,
    /// What the check of its data found; none if nothing was checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<DataCheck>,
}

/// In a report of a time before there were several.
fn first_sample() -> u32 {
    1
}

/// For serde, which hands over a reference.
fn is_first_sample(sample: &u32) -> bool {
    *sample == 1
}

/// Whether the bytes that a workload read or wrote were right, found outside the timed part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct DataCheck {
    /// Bytes that were compared.
    pub compared_bytes: u64,
    /// What is wrong, one line each, with the offset of the first wrong byte; empty if all is right.
    pub wrong: Vec<String>,
}

/// CPU time, microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CpuTime {
    /// In user mode.
    pub user_us: u64,
    /// In the kernel.
    pub system_us: u64,
}

/// Memory that a workload needs beside its own, KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct MemoryInUse {
    /// The most that the server has had so far; 0 without one.
    pub server_peak_kib: u64,
    /// Objects of the kernel (slab), the pages that hold them.
    pub slab_kib: u64,
}

/// How often a CPU was given to somebody else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ContextSwitches {
    /// Since there was nothing to do but wait.
    pub voluntary: u64,
    /// Since the scheduler decided so.
    pub involuntary: u64,
}

/// What the server counted between two questions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RequestStats {
    /// Requests by operation, with the names of `include/uapi/linux/fuse.h` without `FUSE_`, e.g. `READ`.
    pub by_operation: BTreeMap<String, u64>,
    /// READ requests by size in bytes.
    pub read_sizes: BTreeMap<u32, u64>,
    /// WRITE requests by size in bytes.
    pub write_sizes: BTreeMap<u32, u64>,
    /// The most READ and WRITE requests that were received and not yet answered at one time.
    pub most_in_flight: u32,
    /// READ and WRITE requests that did not start where the one received before them, for the same file and
    /// in the same direction, ended.
    pub out_of_order: u64,
    /// READ and WRITE requests answered with an error, and others that [`Effect::Eio`](crate::Effect::Eio) has hit.
    pub failed: u64,
    /// From the first arrival of a READ or WRITE to the last answer to one, nanoseconds of guest time.
    pub span_ns: u64,
    /// READ and WRITE requests in flight on average over that span: by Little's law, their service times added up,
    /// divided by the span.
    pub mean_in_flight: f64,
    /// How long READ requests took; none if none was answered.
    pub read_service: Option<ServiceTimes>,
    /// How long WRITE requests took; none if none was answered.
    pub write_service: Option<ServiceTimes>,
    /// What the modelled storage did; none if storage is not modelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<StorageStats>,
    /// Which way the data of READ and WRITE requests went; none if splicing is not asked for, and in a report of a time
    /// before it was counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub splicing: Option<Splicing>,
    /// Which way requests came; none unless the scenario asks for io_uring.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transport: Option<ByTransport>,
    /// What became of each action of the settings, in their order; empty if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<ActionReport>,
}

/// All requests, by the way they came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ByTransport {
    /// Through a queue of io_uring.
    pub ring: u64,
    /// Those of them whose data was not copied between caller and server.
    #[serde(default)]
    pub zero_copy: u64,
    /// From `/dev/fuse`. FORGET, BATCH_FORGET and INTERRUPT always come so: no kernel sends them otherwise.
    pub device: u64,
}

/// READ and WRITE requests that were answered without an error, by the way of their data, where splicing is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Splicing {
    /// Their data went through a pipe.
    pub spliced: u64,
    /// It was copied, as the server does even so: less than 32 KiB, or a WRITE that did not come behind another large one.
    pub copied: u64,
    /// It was copied because it could not be spliced: no pipe of that size, or a storage that has no splicing. If there are
    /// any, the figures are not those of splicing.
    pub fell_back: u64,
}

/// How long requests took, from their arrival in the server to the moment before their answer goes out, in
/// nanoseconds of guest time.
///
/// The percentiles are those of a histogram: off by at most 1/128 of their value. The others are exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ServiceTimes {
    /// How many were answered.
    pub count: u64,
    /// The mean.
    pub mean_ns: u64,
    /// The shortest.
    pub min_ns: u64,
    /// Half of the requests took this long or less.
    pub p50_ns: u64,
    /// Nine tenths took this long or less.
    pub p90_ns: u64,
    /// 99 of 100 took this long or less.
    pub p99_ns: u64,
    /// The longest.
    pub max_ns: u64,
}

/// What the modelled storage did between two questions, computed and not observed: the times are exactly those of the model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct StorageStats {
    /// Operations.
    pub operations: u64,
    /// READ and WRITE requests that became part of an operation that was there already. Together with `operations` these are
    /// all requests.
    pub merged: u64,
    /// Operations that did not begin where the one before, on the same file and in the same direction, ended.
    pub out_of_order: u64,
    /// Bytes that were asked for.
    pub bytes: u64,
    /// The largest operation, bytes.
    pub largest_bytes: u64,
    /// The most operations that were served at one time.
    pub most_at_once: u32,
    /// The sum of all operations' times from begin to end, nanoseconds.
    pub service_ns: u64,
    /// Time during which at least one operation was served, nanoseconds.
    pub busy_ns: u64,
}

impl StorageStats {
    /// How many operations were served at once on average while the storage was busy; none if it took no time.
    pub fn mean_at_once(&self) -> Option<f64> {
        (self.busy_ns > 0).then(|| self.service_ns as f64 / self.busy_ns as f64)
    }
}
