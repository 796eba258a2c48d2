//! One start of one kernel in QEMU, from the command line to everything that was received.

mod buffer;
mod command;
mod pin;
mod process;
mod qmp;
mod watch;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use lab_protocol::{Hello, Nonce, Progress};

pub use buffer::CappedBuffer;
pub use command::{Accelerator, MACHINE_TYPE, Machine, kernel_command_line, qemu_command};
pub use pin::choose_cpus;
pub use process::Interrupt;
pub use qmp::{QmpEvent, parse_event};
pub use watch::{boot, qemu_command_text};

/// How many bytes of a console are kept; the middle of a longer one is cut out.
pub const CONSOLE_KEPT_BYTES: usize = 32 << 20;

/// What to start and how long to wait for it.
#[derive(Clone, Debug)]
pub struct BootRequest {
    /// The virtual machine.
    pub machine: Machine,
    /// The kernel.
    pub bzimage: PathBuf,
    /// The initramfs, with the assignment appended.
    pub initramfs: PathBuf,
    /// What the frames of this boot carry.
    pub nonce: Nonce,
    /// The CPUs of the host that QEMU is bound to; empty if it may use all.
    pub host_cpus: Vec<u32>,
    /// Where the console is written while it comes, for a look from outside; none for a test boot.
    pub live_console: Option<PathBuf>,
    /// How long QEMU may run, real time.
    pub wall_limit: Duration,
    /// How long neither console nor report port may give a byte, real time.
    pub silence_limit: Duration,
}

/// Everything that came out of one boot.
#[derive(Debug)]
pub struct Capture {
    /// The console.
    pub console: CappedBuffer,
    /// When process 1 spoke up, and how long after QEMU's start.
    pub hello: Option<(Hello, Duration)>,
    /// The steps that process 1 announced.
    pub progress: Vec<Progress>,
    /// The payload of the report frame, if a whole one came.
    pub report: Option<Vec<u8>>,
    /// The request logs, one behind the other; as much of them as is accepted.
    pub requests: Vec<u8>,
    /// Bytes of request logs that came.
    pub requests_received_bytes: u64,
    /// What was wrong with the frames, if anything.
    pub frame_error: Option<String>,
    /// What QEMU said on its monitor, one JSON object a line.
    pub qmp: Vec<String>,
    /// QEMU's standard error.
    pub qemu_stderr: String,
    /// Why the watch ended.
    pub end: End,
    /// From QEMU's start to its end.
    pub wall: Duration,
}

/// Why the watch over a QEMU ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// QEMU ended by itself, with this exit code; none if a signal ended it.
    Exited(Option<i32>),
    /// QEMU ran longer than the wall limit and was ended.
    WallLimit,
    /// Nothing was heard for the silence limit, and QEMU was ended.
    Silence,
    /// The user asked to stop, and QEMU was ended.
    Interrupted,
}

/// Time that is left until `limit` after `since`, zero if it has passed.
fn remaining(since: Instant, limit: Duration) -> Duration {
    limit.saturating_sub(since.elapsed())
}
