//! One mount from beginning to end.

use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use anyhow::Context;
use lab_protocol::{Behaviour, CommandError, ControlCommand, ControlReply, ServerSettings};
use rustix::mount::UnmountFlags;

use crate::acting;
use crate::clock;
use crate::device::channel::{Channel, Way};
use crate::device::mount::Mount;
pub use crate::device::mount::Shown;
use crate::device::ring::{Ring, Seat};
use crate::device::wire::init;
use crate::server::Server;
use crate::signals::Signals;
use crate::storage::sleep_exactly;
use crate::{requests, rings, terminal, transport};

/// Who says when the server ends and asks for its counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Process 1, over standard input and output.
    Lines,
    /// A process that waits until the mount is there, and hears of it on standard output. Afterwards nobody, as below.
    Starter,
    /// Nobody but signals and umount(8).
    None,
}

/// What to mount where.
#[derive(Clone, Debug)]
pub struct Mounting {
    /// How to serve.
    pub settings: ServerSettings,
    /// The folder that is passed through.
    pub storage: PathBuf,
    /// The folder that is mounted on.
    pub mount: PathBuf,
    /// What the list of mounts shows of it.
    pub shown: Shown,
    /// Who controls the server.
    pub control: Control,
}

/// What happens while the server runs.
enum SessionEvent {
    Line(io::Result<String>),
    EndOfInput,
    Signal,
    /// The reader threads have ended.
    Ended(anyhow::Result<()>),
}

/// Why serving ended.
#[derive(Debug)]
enum Ending {
    /// By a command, the end of the input or a signal; still mounted.
    Asked,
    /// Unmounted from outside.
    Unmounted,
    /// The connection broke, and with it the threads end.
    Broken(anyhow::Error),
    /// By a command, after an action has aborted the connection: still mounted, and the threads have ended.
    AskedAfterAbort,
}

/// How long threads may take to finish their requests after the unmount.
const LAST_REQUESTS: Duration = Duration::from_secs(10);

/// Mounts, serves until told to end or unmounted from outside, and unmounts.
///
/// # Errors
/// If the mount fails, the connection breaks, or the unmount fails.
pub fn run(mounting: &Mounting) -> anyhow::Result<()> {
    prepare_process()?;
    let signals = Signals::block().context("blocking signals")?;
    let server = Arc::new(Server::new(mounting.settings.clone(), &mounting.storage)?);
    let mount = &mounting.mount;
    let (mut mounted, receivers) =
        connect(&server, mount, &mounting.shown).with_context(|| mounting_failed(mount))?;
    start_acting(&server, mounted.number(), mounting.control)?;
    let (sender, events) = mpsc::channel();
    let (serving, (told, ready)) = (server.clone(), mpsc::channel());
    watch(sender.clone(), move || SessionEvent::Ended(serve(&serving, receivers, told)));
    // Each thread of a ring has registered, or has said why not. The kernel sends nothing before.
    ready.into_iter().collect::<anyhow::Result<()>>().context("registering with io_uring")?;
    watch(sender.clone(), move || {
        signals.wait();
        SessionEvent::Signal
    });
    if mounting.control != Control::None {
        let negotiated = server.negotiated().context("FUSE_INIT never came")?;
        say(&ControlReply::Mounted(negotiated.clone()))?;
    }
    match mounting.control {
        Control::Lines => drop(thread::spawn(move || pass_lines(&sender))),
        Control::Starter => terminal::let_go().context("letting go of the terminal")?,
        Control::None => {}
    }
    let ending = handle(&server, &events);
    let mut clear = || unmount(&server, &mut mounted, mount);
    match ending {
        Ok(Ending::Unmounted) => Ok(()),
        Ok(Ending::Asked) => clear().map(|()| await_threads(&events)),
        Ok(Ending::AskedAfterAbort) => clear(),
        // The first error is the one to be told.
        Ok(Ending::Broken(error)) => clear().or(Ok(())).and(Err(error)),
        Err(error) => clear().map(|()| await_threads(&events)).or(Ok(())).and(Err(error)),
    }
}

fn mounting_failed(mount: &Path) -> String {
    format!("mounting on {} (this needs root, /dev/fuse and an existing folder)", mount.display())
}

/// What the threads receive requests with.
#[derive(Debug)]
struct Receivers {
    channels: Vec<Channel>,
    /// Empty unless requests come through io_uring.
    seats: Vec<Seat>,
}

/// Mounts, agrees with the kernel on how to talk, and makes what each thread receives with.
fn connect(server: &Server, mount: &Path, shown: &Shown) -> anyhow::Result<(Mount, Receivers)> {
    let settings = &server.settings;
    let request_bytes = settings.request_kib * 1024;
    let (mounted, device) = Mount::new(mount, settings, shown)?;
    server.device.get_or_init(|| device.clone());
    let way = if settings.splice { Way::Splice } else { Way::Copy };
    let channel = |device| Channel::new(device, request_bytes as usize, way).context("making a channel");
    // A descriptor that was cloned before FUSE_INIT is answered gets no requests.
    let mut first = channel(device)?;
    requests::shake_hands(server, &mut first)?;
    let seats = match server.agreed().has(init::OVER_IO_URING) {
        true => transport::seats(settings, server.agreed(), first.device())?,
        false => Vec::new(),
    };
    let mut channels = vec![first];
    // What comes from the device beside io_uring has no answer.
    let more = if seats.is_empty() { settings.threads - 1 } else { 0 };
    for _ in 0..more {
        let device = channels[0].device();
        let device = if settings.clone_fd {
            device.cloned().context("cloning the descriptor of the device")?
        } else {
            device.clone()
        };
        channels.push(channel(device)?);
    }
    Ok((mounted, Receivers { channels, seats }))
}

/// Serves with a thread for each channel and seat until the file system is unmounted, or the connection of one of them
/// breaks. Threads of a ring say when they have registered.
fn serve(
    server: &Arc<Server>,
    Receivers { channels, seats }: Receivers,
    ready: Sender<anyhow::Result<()>>,
) -> anyhow::Result<()> {
    let (sender, ends) = mpsc::channel();
    for seat in seats {
        let (server, sender, ready) = (server.clone(), sender.clone(), ready.clone());
        let serve = move || sender.send(serve_seat(&server, &seat, ready)).is_ok();
        thread::Builder::new().name("ring".to_owned()).spawn(serve).context("starting a thread")?;
    }
    for mut channel in channels {
        let (server, sender) = (server.clone(), sender.clone());
        // If nobody listens any more, another thread has told of the end.
        let serve = move || sender.send(requests::serve_all(&server, &mut channel)).is_ok();
        thread::Builder::new().name("requests".to_owned()).spawn(serve).context("starting a thread")?;
    }
    drop((sender, ready));
    ends.into_iter().collect()
}

/// Registers with a queue and serves what comes from it.
fn serve_seat(server: &Server, seat: &Seat, ready: Sender<anyhow::Result<()>>) -> anyhow::Result<()> {
    transport::move_to(seat.queue);
    let registered = Ring::new(seat);
    let (ring, said) = match registered {
        Ok(ring) => (Some(ring), Ok(())),
        Err(error) => (None, Err(error.into())),
    };
    // If nobody listens any more, another thread could not register.
    let _ = ready.send(said);
    drop(ready);
    ring.map_or(Ok(()), |mut ring| rings::serve_all(server, &mut ring))
}

/// Settings of the process that hold for all threads started from now on.
fn prepare_process() -> anyhow::Result<()> {
    sleep_exactly().context("setting the timer slack")?;
    // The kernel has applied the caller's umask to the modes in the requests.
    rustix::process::umask(rustix::fs::Mode::empty());
    allow_open_files()
}

/// Each known inode holds a descriptor, so as many as the system allows.
fn allow_open_files() -> anyhow::Result<()> {
    let file = "/proc/sys/fs/nr_open";
    let text = std::fs::read_to_string(file).with_context(|| format!("reading {file}"))?;
    let most: u64 = text.trim().parse().with_context(|| format!("reading {file}"))?;
    let set = |maximum| {
        let limit = rustix::process::Rlimit { current: maximum, maximum };
        rustix::process::setrlimit(rustix::process::Resource::Nofile, limit)
    };
    // Root in a container may have to do with the limit that was set for it.
    let given = rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum;
    set(Some(most)).or_else(|_| set(given)).context("raising the limit of open files")
}

/// Starts the thread that does what the settings say beside serving, before anything is served. It ends with the process: it may
/// wait for the kernel.
fn start_acting(server: &Arc<Server>, number: (u32, u32), control: Control) -> anyhow::Result<()> {
    let Some(actions) = server.actions.clone() else { return Ok(()) };
    if control == Control::None {
        // Nobody says when a workload begins, or which file it has.
        actions.count_from(clock::now_ns());
        actions.begin_turn(String::new());
    }
    let server = server.clone();
    let act = move || acting::act(&server, &actions, number);
    thread::Builder::new().name("actions".to_owned()).spawn(act).map(drop).context("starting a thread")
}

fn watch(sender: Sender<SessionEvent>, wait: impl FnOnce() -> SessionEvent + Send + 'static) {
    // If nobody listens any more, the server is ending.
    thread::spawn(move || sender.send(wait()).is_ok());
}

fn pass_lines(sender: &Sender<SessionEvent>) {
    for line in io::stdin().lock().lines() {
        if sender.send(SessionEvent::Line(line)).is_err() {
            return;
        }
    }
    let _ = sender.send(SessionEvent::EndOfInput);
}

/// Answers commands until the server is to end.
fn handle(server: &Server, events: &Receiver<SessionEvent>) -> anyhow::Result<Ending> {
    let mut asked = Ending::Asked;
    for event in events {
        match event {
            SessionEvent::Line(line) => {
                let line = line.context("reading commands")?;
                match line.parse() {
                    Ok(ControlCommand::Take) => {
                        say(&ControlReply::Stats(Box::new(server.take_stats())))?;
                    }
                    Ok(ControlCommand::Log { workload }) => give_log(server, workload)?,
                    Ok(ControlCommand::Behave(behaviour)) => behave(server, &behaviour)?,
                    Ok(ControlCommand::Act { file }) => {
                        server.actions.iter().for_each(|actions| actions.begin_turn(file.clone()));
                        say(&ControlReply::Acting)?;
                    }
                    Ok(ControlCommand::Quit) => return Ok(asked),
                    Err(error @ CommandError::Behaviour(_)) => {
                        say(&ControlReply::Refused(error.to_string()))?
                    }
                    Err(error @ CommandError::Unknown(_)) => return Err(error.into()),
                }
            }
            SessionEvent::EndOfInput | SessionEvent::Signal => return Ok(asked),
            // As it was to be: what became of it can still be asked.
            SessionEvent::Ended(_) if server.actions.as_ref().is_some_and(|it| it.has_aborted()) => {
                asked = Ending::AskedAfterAbort;
            }
            SessionEvent::Ended(result) => {
                let result = result.context("the connection to the kernel broke");
                return Ok(result.map_or_else(Ending::Broken, |()| Ending::Unmounted));
            }
        }
    }
    Ok(asked)
}

/// Changes how the server behaves, or says why it does not.
fn behave(server: &Server, behaviour: &Behaviour) -> anyhow::Result<()> {
    say(&match server.behave(behaviour) {
        Ok(()) => ControlReply::Behaving,
        Err(error) => ControlReply::Refused(format!("behaviour: {error:#}")),
    })
}

/// Announces the log, and sends it behind the line.
fn give_log(server: &Server, workload: u32) -> anyhow::Result<()> {
    let bytes = server.request_log(workload).encode();
    say(&ControlReply::Log { bytes: bytes.len() as u64 })?;
    let mut out = io::stdout().lock();
    out.write_all(&bytes).and_then(|()| out.flush()).context("writing the request log to standard output")
}

/// Takes the mount away, by force if need be: a mount that nobody serves blocks whoever looks at it.
fn unmount(server: &Server, mounted: &mut Mount, mount: &Path) -> anyhow::Result<()> {
    let unmounted = mounted.unmount();
    if unmounted.is_err() {
        // A busy mount. Nothing is asked of it here: the server would have to answer, and all its threads may hang.
        // MNT_FORCE aborts the connection: whoever waits for an answer gets an error instead.
        rustix::mount::unmount(mount, UnmountFlags::FORCE | UnmountFlags::DETACH)
            .with_context(|| format!("detaching {}", mount.display()))?;
    }
    if server.is_hanging() {
        // Busy because the settings say so.
        return Ok(());
    }
    unmounted.with_context(|| format!("unmounting {} (it was detached instead)", mount.display()))
}

fn await_threads(events: &Receiver<SessionEvent>) {
    while let Ok(event) = events.recv_timeout(LAST_REQUESTS) {
        if matches!(event, SessionEvent::Ended(_)) {
            return;
        }
    }
}

/// Writes one line of the control protocol.
///
/// # Errors
/// If nobody reads it.
pub fn say(reply: &ControlReply) -> anyhow::Result<()> {
    let mut line = serde_json::to_string(reply).context("writing a reply as JSON")?;
    line.push('\n');
    let mut out = io::stdout().lock();
    out.write_all(line.as_bytes()).and_then(|()| out.flush()).context("writing to standard output")
}
