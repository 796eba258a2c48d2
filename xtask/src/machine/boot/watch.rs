//! The watch over one QEMU: readers that only read, and one loop that keeps, decodes and times.

use std::fs::File;
use std::io::{Read, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use lab_core::evidence::capture::{CappedBuffer, Capture, End};
use lab_protocol::frame::{Decoder, Kind};
use lab_protocol::log::MOST_BYTES;

use super::command::{Sockets, qemu_command};
use super::process::Qemu;
use super::{BootRequest, CONSOLE_KEPT_BYTES, qmp, remaining};
use crate::lab::SOCKETS_PREFIX;
use crate::lab::interrupt::Interrupt;
use crate::lab::scratch::ScratchFolder;

/// The program that runs the guest.
pub(super) const QEMU: &str = "qemu-system-x86_64";

/// How often the loop looks whether QEMU is still there, in case nothing tells it.
const LOOK: Duration = Duration::from_millis(200);

/// How much QEMU may say on its monitor or standard error before the rest is dropped, bytes.
const TALK_KEPT_BYTES: usize = 1 << 20;

/// One of the streams out of QEMU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stream {
    Console,
    Port,
    Monitor,
    Stderr,
}

/// What a reader thread tells the loop. Channels are unbounded: a reader never waits, so that QEMU never does.
enum Event {
    Bytes(Stream, Vec<u8>),
    Connected(Stream, UnixStream),
    End,
}

/// Starts QEMU, watches it until it ends or must be ended, and returns what was received.
///
/// # Errors
/// If QEMU cannot be started or the sockets cannot be made; whatever a running QEMU does is in the capture.
pub fn boot(request: &BootRequest, interrupt: &Interrupt) -> anyhow::Result<Capture> {
    // Short, since the path of a socket may have 107 bytes at most.
    let folder = ScratchFolder::new(&std::env::temp_dir(), SOCKETS_PREFIX)?;
    let (port, monitor) = (folder.path().join("port"), folder.path().join("monitor"));
    let (events, inbox) = channel();
    listen(&port, Stream::Port, &events)?;
    listen(&monitor, Stream::Monitor, &events)?;

    let sockets = Sockets { port: &port, monitor: &monitor };
    let arguments = qemu_command(&request.machine, &request.bzimage, &request.initramfs, sockets);
    let started = Instant::now();
    let mut qemu = Qemu::start(QEMU, &arguments, &request.host_cpus)?;
    let (stdout, stderr) = qemu.take_output()?;
    read_in_thread(stdout, Stream::Console, events.clone());
    read_in_thread(stderr, Stream::Stderr, events);

    let mut watch = Watch::new(request, started)?;
    let end = watch.run(&mut qemu, &inbox, interrupt);
    // What was still on its way when QEMU ended.
    watch.drain(&inbox, Duration::from_millis(500));
    // The listening threads wait for a connection that a QEMU which failed early never made.
    drop((UnixStream::connect(&port), UnixStream::connect(&monitor)));
    Ok(watch.finish(end))
}

fn listen(path: &Path, stream: Stream, events: &Sender<Event>) -> anyhow::Result<()> {
    let listener = UnixListener::bind(path).with_context(|| format!("listening at {}", path.display()))?;
    let events = events.clone();
    thread::spawn(move || {
        let Ok((connection, _)) = listener.accept() else { return };
        if let Ok(writer) = connection.try_clone() {
            let _ = events.send(Event::Connected(stream, writer));
        }
        read_all(connection, stream, &events);
    });
    Ok(())
}

fn read_in_thread(reader: impl Read + Send + 'static, stream: Stream, events: Sender<Event>) {
    thread::spawn(move || read_all(reader, stream, &events));
}

fn read_all(mut reader: impl Read, stream: Stream, events: &Sender<Event>) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => {
                if events.send(Event::Bytes(stream, buffer[..n].to_vec())).is_err() {
                    return;
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    let _ = events.send(Event::End);
}

/// The state of the loop: what was received so far.
struct Watch<'a> {
    request: &'a BootRequest,
    started: Instant,
    last_heard: Instant,
    decoder: Decoder,
    port: Option<UnixStream>,
    monitor: Option<UnixStream>,
    monitor_buffer: Vec<u8>,
    live_console: Option<File>,
    stderr: CappedBuffer,
    capture: Capture,
}

impl<'a> Watch<'a> {
    fn new(request: &'a BootRequest, started: Instant) -> anyhow::Result<Self> {
        let live_console = request
            .live_console
            .as_ref()
            .map(|path| File::create(path).with_context(|| format!("writing {}", path.display())))
            .transpose()?;
        Ok(Watch {
            request,
            started,
            last_heard: started,
            decoder: Decoder::new(request.nonce),
            port: None,
            monitor: None,
            monitor_buffer: Vec::new(),
            live_console,
            stderr: CappedBuffer::new(TALK_KEPT_BYTES),
            capture: Capture {
                console: CappedBuffer::new(CONSOLE_KEPT_BYTES),
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
            },
        })
    }

    /// Receives until QEMU has ended.
    fn run(&mut self, qemu: &mut Qemu, inbox: &Receiver<Event>, interrupt: &Interrupt) -> End {
        loop {
            if let Some(code) = qemu.ended() {
                return End::Exited(code);
            }
            let over = if interrupt.is_set() {
                Some(End::Interrupted)
            } else if remaining(self.started, self.request.wall_limit).is_zero() {
                Some(End::WallLimit)
            } else if remaining(self.last_heard, self.request.silence_limit).is_zero() {
                Some(End::Silence)
            } else {
                None
            };
            if let Some(end) = over {
                if end != End::Interrupted {
                    self.question(inbox);
                }
                qemu.end();
                return end;
            }
            match inbox.recv_timeout(LOOK) {
                Ok(event) => self.take(event),
                Err(RecvTimeoutError::Timeout) => {}
                // All streams are closed; QEMU is about to end.
                Err(RecvTimeoutError::Disconnected) => thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    /// Receives until nothing can come any more, but no longer than `limit`.
    fn drain(&mut self, inbox: &Receiver<Event>, limit: Duration) {
        let since = Instant::now();
        while let Ok(event) = inbox.recv_timeout(remaining(since, limit)) {
            self.take(event);
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Connected(Stream::Port, writer) => self.port = Some(writer),
            Event::Connected(_, writer) => {
                self.monitor = Some(writer);
                self.ask(qmp::CAPABILITIES);
            }
            Event::Bytes(stream, bytes) => self.take_bytes(stream, &bytes),
            Event::End => {}
        }
    }

    fn take_bytes(&mut self, stream: Stream, bytes: &[u8]) {
        match stream {
            Stream::Console => {
                self.last_heard = Instant::now();
                self.capture.console.push(bytes);
                // A look from outside is a courtesy: a disk that is full must not stop the boot.
                if let Some(file) = &mut self.live_console {
                    let _ = file.write_all(bytes);
                }
            }
            Stream::Port => {
                self.last_heard = Instant::now();
                self.decoder.push(bytes);
                self.take_frames();
            }
            Stream::Monitor => self.take_monitor(bytes),
            Stream::Stderr => self.stderr.push(bytes),
        }
    }

    fn take_frames(&mut self) {
        loop {
            match self.decoder.next_frame() {
                Ok(None) => return,
                Ok(Some(frame)) => {
                    let taken = match frame.kind {
                        Kind::Hello => serde_json::from_slice(&frame.payload)
                            .map(|hello| self.capture.hello = Some((hello, self.started.elapsed()))),
                        Kind::Progress => serde_json::from_slice(&frame.payload)
                            .map(|progress| self.capture.progress.push(progress)),
                        Kind::Report => {
                            self.capture.report = Some(frame.payload);
                            self.confirm_report();
                            Ok(())
                        }
                        Kind::RequestLog => {
                            self.take_log(&frame.payload);
                            Ok(())
                        }
                    };
                    if let Err(error) = taken {
                        self.capture.frame_error = Some(format!("{:?} frame: {error}", frame.kind));
                    }
                }
                Err(error) => {
                    self.capture.frame_error.get_or_insert(error.to_string());
                    return;
                }
            }
        }
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

    fn take_monitor(&mut self, bytes: &[u8]) {
        if self.monitor_buffer.len() + bytes.len() <= TALK_KEPT_BYTES {
            self.monitor_buffer.extend_from_slice(bytes);
        }
        while let Some(end) = self.monitor_buffer.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = self.monitor_buffer.drain(..=end).collect();
            self.capture.qmp.push(String::from_utf8_lossy(&line).trim_end().to_owned());
        }
    }

    /// Asks a guest that hangs where it is: registers twice, then an NMI, with time for answers between.
    fn question(&mut self, inbox: &Receiver<Event>) {
        for question in [qmp::STATUS, qmp::REGISTERS, qmp::REGISTERS, qmp::NMI] {
            self.ask(question);
            self.drain(inbox, Duration::from_millis(500));
        }
    }

    fn ask(&mut self, question: &str) {
        // A monitor that does not listen is no reason to stop: the watch ends QEMU by signal in any case.
        if let Some(monitor) = &mut self.monitor {
            let _ = monitor.set_write_timeout(Some(Duration::from_secs(1)));
            let _ = monitor.write_all(format!("{question}\n").as_bytes());
        }
    }

    fn finish(mut self, end: End) -> Capture {
        self.capture.end = end;
        self.capture.wall = self.started.elapsed();
        self.capture.qemu_stderr = String::from_utf8_lossy(&self.stderr.bytes()).into_owned();
        if self.capture.frame_error.is_none() && self.decoder.pending() > 0 {
            self.capture.frame_error =
                Some(format!("{} bytes of an unfinished frame", self.decoder.pending()));
        }
        self.capture
    }
}

/// The command line of a boot as recorded: what to run to see it again. Files and sockets are named for what they are,
/// since their paths mean nothing elsewhere; the record has the digests.
pub(crate) fn qemu_command_text(request: &BootRequest) -> String {
    let sockets = Sockets { port: Path::new("PORT"), monitor: Path::new("MONITOR") };
    let arguments = qemu_command(&request.machine, Path::new("BZIMAGE"), Path::new("INITRAMFS"), sockets);
    let quoted = arguments.iter().map(|argument| match argument.contains(' ') {
        true => format!("'{argument}'"),
        false => argument.clone(),
    });
    std::iter::once(QEMU.to_owned()).chain(quoted).collect::<Vec<_>>().join(" ")
}
