//! A boot that is to fail: the lab's test of itself.

use serde::{Deserialize, Serialize};

/// What process 1 does instead of workloads. Unless it says otherwise the boot then ends in order, if it still can.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum Failure {
    /// Nothing.
    None,
    /// A child writes this to [`FAULT_TRIGGER`], and the kernel is given time to notice what came of it.
    Kernel(String),
    /// The kernel is asked to panic, by sysrq.
    Crash,
    /// Process 1 ends.
    InitExits,
    /// The kernel panics when the host has the report.
    CrashAfterReport,
    /// The kernel panics when half of the report has been sent.
    CrashInReport,
    /// The report's frame announces more bytes than come.
    ReportTooShort,
    /// The report's frame announces more bytes than a frame may have.
    ReportTooLong,
    /// The report has the nonce of another boot.
    ReportOfAnotherBoot,
    /// So many MiB are written to the console by a program, in lines of so many bytes. Once half of them are written the kernel
    /// warns, if that is asked of it.
    Flood {
        /// All of it.
        mib: u32,
        /// A line with its end.
        line_bytes: u32,
    },
    /// The clock is set back by a year.
    ClockBack,
    /// Process 1 works for so many seconds of its time, in which the host does something.
    Busy {
        /// How long.
        seconds: u32,
    },
}

/// The file to which the name of a fault is written, in kernels with the series `fault-triggers`.
pub const FAULT_TRIGGER: &str = "/sys/kernel/debug/fault_triggers/trigger";
