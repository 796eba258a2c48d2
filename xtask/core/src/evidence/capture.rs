//! Everything that came out of one boot, as it came.

mod buffer;
mod event;
mod lines;

use std::time::Duration;

use lab_protocol::{Hello, Progress};
use serde::{Deserialize, Serialize};

use super::hang::Hang;

pub use buffer::CappedBuffer;
pub use event::QmpEvent;
pub(crate) use event::parse_event;
pub use lines::CappedLines;

/// Everything that came out of one boot.
#[derive(Debug)]
pub struct Capture {
    /// The console.
    pub console: CappedBuffer,
    /// When process 1 spoke up, and how long after QEMU's start.
    pub hello: Option<(Hello, Duration)>,
    /// The step that process 1 announced last.
    pub progress: Option<Progress>,
    /// The payload of the report frame, if a whole one came.
    pub report: Option<Vec<u8>>,
    /// The request logs, one behind the other; as much of them as is accepted.
    pub requests: Vec<u8>,
    /// Bytes of request logs that came.
    pub requests_received_bytes: u64,
    /// What was wrong with the frames, if anything.
    pub frame_error: Option<String>,
    /// What QEMU said on its monitor, one JSON object a line; see [`CappedLines`] for what was cut.
    pub qmp: Vec<String>,
    /// The console after the kernel was made to say where it is: what the lab provoked, and not the guest's own word.
    pub task_dump: CappedBuffer,
    /// How it was asked where it is; none if it did not hang.
    pub hang: Option<Hang>,
    /// QEMU's standard error.
    pub qemu_stderr: String,
    /// Why the watch ended.
    pub end: End,
    /// From QEMU's start to its end.
    pub wall: Duration,
}

/// The most that is kept of what QEMU said last, characters.
const MOST_SAID: usize = 300;

/// How much of a task dump is kept, bytes; one of a boot of the default plan has some 40 KiB.
const TASK_DUMP_KEPT_BYTES: usize = 4 << 20;

impl Capture {
    /// Of a boot that nothing came out of so far; of its console at most `console_bytes` are kept.
    pub fn empty(console_bytes: usize) -> Self {
        Capture {
            console: CappedBuffer::new(console_bytes),
            hello: None,
            progress: None,
            report: None,
            requests: Vec::new(),
            requests_received_bytes: 0,
            frame_error: None,
            qmp: Vec::new(),
            task_dump: CappedBuffer::new(console_bytes.min(TASK_DUMP_KEPT_BYTES)),
            hang: None,
            qemu_stderr: String::new(),
            end: End::Exited { code: None, signal: None },
            wall: Duration::ZERO,
        }
    }

    /// What judging needs of it beside the raw files.
    pub fn watched(&self) -> Watched {
        let said = self.qemu_stderr.trim().lines().last().unwrap_or_default();
        Watched {
            end: self.end.clone(),
            frame_error: self.frame_error.as_ref().map(|error| error.chars().take(MOST_SAID).collect()),
            qemu_said: said.chars().take(MOST_SAID).collect(),
            hang: self.hang.clone(),
        }
    }
}

/// How the watch over a boot ended, and what it learned that lies in none of the raw files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Watched {
    /// Why it ended.
    pub end: End,
    /// What was wrong with the frames, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame_error: Option<String>,
    /// The last line of QEMU's standard error; empty if it said nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub qemu_said: String,
    /// How the guest was asked where it is; none if it did not hang, and in records of labs that did not keep it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hang: Option<Hang>,
}

/// Why the watch over a QEMU ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum End {
    /// QEMU ended by itself.
    Exited {
        /// The exit code; none if a signal ended it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<i32>,
        /// The signal that ended it; none if it returned, and in records of labs that did not keep it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signal: Option<i32>,
    },
    /// QEMU ran longer than the wall limit and was ended.
    WallLimit,
    /// Nothing was heard for the silence limit, and QEMU was ended.
    Silence,
    /// The user asked to stop, and QEMU was ended.
    Interrupted,
}

impl End {
    /// It returned this.
    pub fn returned(code: i32) -> Self {
        End::Exited { code: Some(code), signal: None }
    }

    /// This signal ended it.
    pub fn killed(signal: i32) -> Self {
        End::Exited { code: None, signal: Some(signal) }
    }

    /// Whether a signal ended it that the lab did not send.
    pub(crate) fn is_by_signal(&self) -> bool {
        matches!(self, End::Exited { code: None, .. })
    }
}
