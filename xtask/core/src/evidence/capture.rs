//! Everything that came out of one boot, as it came.

mod buffer;
mod event;

use std::time::Duration;

use lab_protocol::{Hello, Progress};

pub use buffer::CappedBuffer;
pub use event::QmpEvent;
pub(crate) use event::parse_event;

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

impl Capture {
    /// Of a boot that nothing came out of so far; of its console at most `console_bytes` are kept.
    pub fn empty(console_bytes: usize) -> Self {
        Capture {
            console: CappedBuffer::new(console_bytes),
            hello: None,
            progress: Vec::new(),
            report: None,
            requests: Vec::new(),
            requests_received_bytes: 0,
            frame_error: None,
            qmp: Vec::new(),
            qemu_stderr: String::new(),
            end: End::Exited(None),
            wall: Duration::ZERO,
        }
    }
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
