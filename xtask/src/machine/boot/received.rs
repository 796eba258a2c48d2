//! What has been received of one boot so far, and what is said to it.

use std::fs::File;
use std::io::Write as _;
use std::time::Instant;

use anyhow::Context as _;
use lab_core::evidence::capture::{CappedBuffer, CappedLines, Capture, End};
use lab_core::evidence::hang::{Dump, Hang};
use lab_core::plan::Binding;
use lab_protocol::frame::{Decoder, Frame, Kind};
use lab_protocol::log::MOST_BYTES;
use rustix::process::Pid;
use serde_json::Value;

use super::streams::{Event, Stream};
use super::timers::Timers;
use super::{BootRequest, CONSOLE_KEPT_BYTES, pin, qmp};

/// How much of what QEMU says on its standard error is kept, bytes.
const STDERR_KEPT_BYTES: usize = 1 << 20;

/// How much of what QEMU says on its monitor is kept, bytes.
const MONITOR_KEPT_BYTES: usize = 4 << 20;

/// Whose word the console is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speaks {
    /// The guest's own.
    Unasked,
    /// What the lab made a kernel say that hung.
    Provoked,
}

/// What was received so far. However much a guest says, it is bounded.
#[derive(Debug)]
pub(super) struct Received {
    started: Instant,
    decoder: Decoder,
    port: Option<File>,
    monitor: Option<File>,
    monitor_lines: CappedLines,
    live_console: Option<File>,
    stderr: CappedBuffer,
    /// What the threads of QEMU are to be bound to; nothing once they are.
    binding: Option<Binding>,
    qemu: Option<Pid>,
    /// Whose word the console is.
    speaks: Speaks,
    capture: Capture,
}

impl Received {
    /// Nothing yet of a boot that starts now.
    ///
    /// # Errors
    /// If the file for the live console cannot be made.
    pub(super) fn new(request: &BootRequest) -> anyhow::Result<Self> {
        let make = |path: &std::path::PathBuf| {
            File::create(path).with_context(|| format!("writing {}", path.display()))
        };
        Ok(Received {
            started: Instant::now(),
            decoder: Decoder::new(request.nonce),
            port: None,
            monitor: None,
            monitor_lines: CappedLines::new(MONITOR_KEPT_BYTES),
            live_console: request.live_console.as_ref().map(make).transpose()?,
            stderr: CappedBuffer::new(STDERR_KEPT_BYTES),
            binding: Some(request.host_cpus.clone()).filter(|binding| !binding.vcpus.is_empty()),
            qemu: None,
            speaks: Speaks::Unasked,
            capture: Capture::empty(CONSOLE_KEPT_BYTES),
        })
    }

    /// QEMU runs, in this process.
    pub(super) fn runs_in(&mut self, qemu: Option<Pid>) {
        self.qemu = qemu;
    }

    /// Takes what came; only what the guest itself says is heard.
    pub(super) fn take(&mut self, event: Event, timers: &mut Timers) {
        match event {
            Event::Connected(stream, writer) => self.connect(stream, writer),
            Event::Bytes(Stream::Console, bytes) => {
                timers.heard();
                self.take_console(&bytes);
            }
            Event::Bytes(Stream::Port, bytes) => {
                timers.heard();
                self.decoder.push(&bytes);
                self.take_frames();
            }
            Event::Bytes(Stream::Monitor, bytes) => {
                self.monitor_lines.push(&bytes);
                self.bind_cpu_threads();
            }
            Event::Bytes(Stream::Stderr, bytes) => self.stderr.push(&bytes),
            Event::End => {}
        }
    }

    fn connect(&mut self, stream: Stream, writer: File) {
        match stream {
            Stream::Port => self.port = Some(writer),
            Stream::Console | Stream::Monitor | Stream::Stderr => {
                self.monitor = Some(writer);
                self.ask(qmp::CAPABILITIES);
                if self.binding.is_some() {
                    self.ask(qmp::CPUS);
                }
            }
        }
    }

    /// Binds the threads that QEMU names when it was asked for them; it was if they are to be bound.
    fn bind_cpu_threads(&mut self) {
        let (Some(binding), Some(qemu)) = (&self.binding, self.qemu) else { return };
        let named = self.monitor_lines.lines().iter().find_map(|line| qmp::cpu_threads(line));
        if let Some(threads) = named {
            let threads: Vec<Pid> = threads.into_iter().filter_map(Pid::from_raw).collect();
            pin::bind_threads(qemu, &threads, binding);
            self.binding = None;
        }
    }

    fn take_console(&mut self, bytes: &[u8]) {
        let room = (CONSOLE_KEPT_BYTES as u64).saturating_sub(self.capture.console.received_bytes());
        match self.speaks {
            Speaks::Unasked => self.capture.console.push(bytes),
            Speaks::Provoked => self.capture.task_dump.push(bytes),
        }
        // A look from outside is a courtesy: a disk that is full must not stop the boot, nor the boot fill it.
        if let Some(file) = &mut self.live_console {
            let _ = file.write_all(&bytes[..bytes.len().min(room as usize)]);
        }
    }

    fn take_frames(&mut self) {
        loop {
            match self.decoder.next_frame() {
                Ok(None) => return,
                Ok(Some(frame)) => {
                    let kind = frame.kind;
                    if let Err(error) = self.take_frame(frame) {
                        self.capture.frame_error = Some(format!("{kind:?} frame: {error:#}"));
                    }
                }
                Err(error) => {
                    self.capture.frame_error.get_or_insert(error.to_string());
                    return;
                }
            }
        }
    }

    /// Of what comes once, the first counts: a guest that is sound sends no second.
    fn take_frame(&mut self, frame: Frame) -> anyhow::Result<()> {
        match frame.kind {
            Kind::Hello => {
                let hello = serde_json::from_slice(&frame.payload)?;
                self.capture.hello.get_or_insert((hello, self.started.elapsed()));
            }
            Kind::Progress => self.capture.progress = Some(serde_json::from_slice(&frame.payload)?),
            Kind::Report if self.capture.report.is_none() => {
                self.capture.report = Some(frame.payload);
                self.confirm_report();
            }
            Kind::Report => anyhow::bail!("a second one"),
            Kind::RequestLog => self.take_log(&frame.payload),
        }
        Ok(())
    }

    /// Keeps a log whole or not at all.
    fn take_log(&mut self, log: &[u8]) {
        self.capture.requests_received_bytes += log.len() as u64;
        if self.capture.requests.len() + log.len() <= MOST_BYTES {
            self.capture.requests.extend_from_slice(log);
        }
    }

    /// Lets process 1 go on to switch the machine off.
    fn confirm_report(&mut self) {
        // A guest that has ended meanwhile does not listen, and need not.
        if let Some(port) = &mut self.port {
            let _ = port.write_all(&[lab_protocol::REPORT_RECEIVED]);
        }
    }

    /// Asks QEMU on its monitor. One that does not listen is no reason to stop: the watch ends it by signal in any case.
    pub(super) fn ask(&mut self, question: &str) {
        if let Some(monitor) = &mut self.monitor {
            let _ = monitor.write_all(format!("{question}\n").as_bytes());
        }
    }

    /// What was answered to the question with this id, or the error in QEMU's words; none so far.
    pub(super) fn answer(&self, id: &str) -> Option<Result<Value, String>> {
        self.monitor_lines.lines().iter().rev().find_map(|line| qmp::answer(line, id))
    }

    /// From now on the console is what the lab makes the kernel say.
    pub(super) fn provoke(&mut self) {
        self.speaks = Speaks::Provoked;
    }

    /// How much that was so far, bytes.
    pub(super) fn provoked_bytes(&self) -> u64 {
        self.capture.task_dump.received_bytes()
    }

    /// What that was.
    pub(super) fn provoked(&self) -> Dump {
        Dump::read(&self.capture.task_dump.bytes())
    }

    /// The guest hung, and this was done with it.
    pub(super) fn hung(&mut self, hang: Hang) {
        self.capture.hang = Some(hang);
    }

    /// Everything, after the watch has ended.
    pub(super) fn finish(mut self, end: End) -> Capture {
        self.capture.end = end;
        self.capture.wall = self.started.elapsed();
        self.capture.qmp = self.monitor_lines.lines();
        self.capture.qemu_stderr = String::from_utf8_lossy(&self.stderr.bytes()).into_owned();
        if self.capture.frame_error.is_none() && self.decoder.pending() > 0 {
            self.capture.frame_error =
                Some(format!("{} bytes of an unfinished frame", self.decoder.pending()));
        }
        self.capture
    }
}
