//! The watch over one QEMU: readers that only read, and one loop that keeps, decodes and times.

mod ladder;

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;
use lab_core::evidence::capture::{Capture, End};

use self::ladder::Ladder;
use super::command::{
    Channels, GuestFiles, debugger_options, plugin_options, qemu_command, terminal_options, write_firmware,
};
use super::process::Qemu;
use super::received::Received;
use super::streams::{Event, MOST_WAITING, Stream, channel, listen, pipes, read_in_thread};
use super::timers::{Limits, Timers, waits};
use super::{BootRequest, qmp, remaining, stopped};
use crate::lab::interrupt::Interrupt;
use crate::lab::sockets_folder;

/// How often the loop looks at the clock, and whether QEMU is still there, in case nothing tells it.
const LOOK: Duration = Duration::from_millis(200);

/// What QEMU said last is all there when it has ended; so long is waited for readers on a host that has no CPU for them.
const LAST_WORDS: Duration = Duration::from_secs(30);

/// Starts QEMU, watches it until it ends or must be ended, and returns what was received.
///
/// # Errors
/// If QEMU cannot be started or the sockets and pipes cannot be made; whatever a running QEMU does is in the capture.
pub fn boot(request: &BootRequest, interrupt: &Interrupt) -> anyhow::Result<Capture> {
    let machine = &request.machine;
    ensure!(
        machine.turns.is_some() == machine.needs_turns(),
        "the library for several CPUs on the virtual clock is missing"
    );
    let qemu = machine.platform().qemu;
    watch(request, interrupt, |arguments| Qemu::start(qemu, arguments, &request.host_cpus, request.library()))
}

fn watch(
    request: &BootRequest,
    interrupt: &Interrupt,
    start: impl FnOnce(&[String]) -> anyhow::Result<Qemu>,
) -> anyhow::Result<Capture> {
    let folder = sockets_folder()?;
    let (port, monitor) = (folder.path().join("port"), folder.path().join("monitor"));
    let (events, inbox) = channel();
    let held = pipes(&port, Stream::Port, &events)?;
    listen(&monitor, Stream::Monitor, &events)?;

    let channels = Channels { port: &port, monitor: &monitor };
    let firmware = folder.path().join("firmware");
    write_firmware(&request.machine, &firmware)?;
    let files = GuestFiles {
        kernel_image: &request.kernel_image,
        initramfs: &request.initramfs,
        firmware: &firmware,
    };
    let mut arguments = qemu_command(&request.machine, files, channels);
    arguments
        .extend(request.profile.iter().flat_map(|profile| plugin_options(&profile.plugin, &profile.counts)));
    arguments.extend(request.debugger.iter().flat_map(|socket| debugger_options(socket)));
    arguments.extend(request.terminal.iter().flat_map(terminal_options));
    let mut watch = Watch::new(request)?;
    let mut qemu = start(&arguments)?;
    watch.received.runs_in(qemu.pid());
    let (stdout, stderr) = qemu.take_output()?;
    read_in_thread(stdout, Stream::Console, events.clone());
    read_in_thread(stderr, Stream::Stderr, events);

    let end = watch.run(&mut qemu, &inbox, interrupt);
    // The listening thread waits for a connection that a QEMU which failed early never made, and the port for its last writer.
    drop((UnixStream::connect(&monitor), held));
    watch.receive_rest(LAST_WORDS, &inbox);
    Ok(watch.received.finish(end))
}

/// The state of the loop.
struct Watch {
    limits: Limits,
    timers: Timers,
    last_look: Instant,
    received: Received,
}

impl Watch {
    fn new(request: &BootRequest) -> anyhow::Result<Self> {
        Ok(Watch {
            limits: Limits { wall: request.wall_limit, silence: request.silence_limit },
            timers: Timers::default(),
            last_look: Instant::now(),
            received: Received::new(request)?,
        })
    }

    /// Receives until QEMU has ended.
    fn run(&mut self, qemu: &mut Qemu, inbox: &Receiver<Event>, interrupt: &Interrupt) -> End {
        self.last_look = Instant::now();
        loop {
            // First: a host that shuts down tells the lab and QEMU at once, and QEMU's end is not the guest's then.
            if interrupt.is_set() {
                qemu.end();
                return End::Interrupted;
            }
            if let Some(end) = qemu.ended() {
                return end;
            }
            self.look(qemu);
            if self.timers.passed(self.limits).is_some() && stopped::is_stopped(qemu.id()) {
                qemu.end();
                return stopped::END;
            }
            if self.timers.passed(self.limits).is_some() {
                // What has come meanwhile was only not taken yet.
                self.receive_for(LOOK, inbox);
            }
            if let Some(end) = self.timers.passed(self.limits) {
                let hang = Ladder::new(self, qemu, inbox, interrupt).climb();
                self.received.hung(hang);
                return if interrupt.is_set() { End::Interrupted } else { end };
            }
            match inbox.recv_timeout(LOOK) {
                Ok(event) => self.received.take(event, &mut self.timers),
                Err(RecvTimeoutError::Timeout) => {}
                // All streams are closed; QEMU is about to end.
                Err(RecvTimeoutError::Disconnected) => thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    fn look(&mut self, qemu: &Qemu) {
        let step = self.last_look.elapsed();
        if step >= LOOK {
            self.last_look = Instant::now();
            self.timers.look(step, waits(qemu.id()));
        }
    }

    /// Receives until nothing can come any more, but no longer than `limit`, however much there is.
    fn receive_for(&mut self, limit: Duration, inbox: &Receiver<Event>) {
        let since = Instant::now();
        loop {
            let left = remaining(since, limit);
            if left.is_zero() {
                return;
            }
            match inbox.recv_timeout(left) {
                Ok(event) => self.received.take(event, &mut self.timers),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Receives what is left when QEMU has ended, all that waits: only waiting for more has a limit, so that a host that is slow
    /// to take it loses nothing. Something that goes on talking in QEMU's place is not listened to for ever.
    fn receive_rest(&mut self, limit: Duration, inbox: &Receiver<Event>) {
        let mut left = limit;
        for _ in 0..4 * MOST_WAITING {
            let event = match inbox.try_recv() {
                Ok(event) => event,
                Err(TryRecvError::Disconnected) => return,
                Err(TryRecvError::Empty) => {
                    let since = Instant::now();
                    let Ok(event) = inbox.recv_timeout(left) else { return };
                    left = remaining(since, left);
                    event
                }
            };
            self.received.take(event, &mut self.timers);
        }
    }
}

/// Whether QEMU said which of its threads run the guest's CPUs, so that each could be bound to its own.
pub(crate) fn names_cpu_threads(capture: &Capture) -> bool {
    capture.qmp.iter().any(|line| qmp::cpu_threads(line).is_some())
}

/// The command line of a boot as recorded: what to run to see it again. Files and channels are named for what they are,
/// since their paths mean nothing elsewhere; the record has the digests.
pub(crate) fn qemu_command_text(request: &BootRequest) -> String {
    let channels = Channels { port: Path::new("PORT"), monitor: Path::new("MONITOR") };
    let files = GuestFiles {
        kernel_image: Path::new("BZIMAGE"),
        initramfs: Path::new("INITRAMFS"),
        firmware: Path::new("FIRMWARE"),
    };
    let mut arguments = qemu_command(&request.machine, files, channels);
    if request.profile.is_some() {
        arguments.extend(plugin_options(Path::new("PLUGIN"), Path::new("COUNTS")));
    }
    if request.debugger.is_some() {
        arguments.extend(debugger_options(Path::new("DEBUGGER")));
    }
    let quoted = arguments.iter().map(|argument| match argument.contains(' ') {
        true => format!("'{argument}'"),
        false => argument.clone(),
    });
    let library = request.library().map(|_| "LD_PRELOAD=TURNS".to_owned());
    let qemu = request.machine.platform().qemu.to_owned();
    library.into_iter().chain([qemu]).chain(quoted).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
pub(super) mod tests;
