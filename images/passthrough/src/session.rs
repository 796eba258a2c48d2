//! One mount from beginning to end.

use std::io::{self, BufRead, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use anyhow::{Context, anyhow};
use fuser::{Config, MountOption, Session, SessionUnmounter};
use lab_protocol::{ControlCommand, ControlReply, ServerSettings};
use rustix::io::Errno;
use rustix::mount::UnmountFlags;

use crate::fault::Faults;
use crate::requests::Requests;
use crate::server::Server;
use crate::signals::Signals;
use crate::storage::{await_exact_timers, sleep_exactly};

/// Who says when the server ends and asks for its counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Process 1, over standard input and output.
    Lines,
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
    /// Who controls the server.
    pub control: Control,
}

/// What happens while the server runs.
enum Event {
    Line(io::Result<String>),
    EndOfInput,
    Signal,
    /// The reader threads have ended.
    Ended(io::Result<()>),
}

/// Why serving ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// By a command, the end of the input or a signal; still mounted.
    Asked,
    /// Unmounted from outside.
    Unmounted,
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
    if !mounting.settings.storage.is_off() {
        await_exact_timers()?;
    }
    let server = Arc::new(Server::new(mounting.settings.clone(), &mounting.storage)?);
    let mount = &mounting.mount;
    let mut session = Session::new(Requests(server.clone()), mount, &config(&mounting.settings))
        .with_context(|| mounting_failed(mount))?;
    if let Some(faults) = &server.faults {
        faults.connect(session.as_fd().try_clone_to_owned().context("copying the descriptor of the device")?);
    }
    let mut unmounter = session.unmount_callable();
    let (sender, events) = mpsc::channel();
    watch(sender.clone(), move || Event::Ended(session.run()));
    watch(sender.clone(), move || {
        signals.wait();
        Event::Signal
    });
    if mounting.control == Control::Lines {
        let negotiated = server.negotiated().context("FUSE_INIT never came")?;
        say(&ControlReply::Mounted(negotiated.clone()))?;
        thread::spawn(move || pass_lines(&sender));
    }
    let ending = handle(&server, &events);
    let cleared = match &ending {
        Ok(Ending::Unmounted) => Ok(()),
        Ok(Ending::Asked) | Err(_) => {
            unmount(&server, &mut unmounter, mount).map(|()| await_threads(&events))
        }
    };
    ending.and(cleared)
}

fn mounting_failed(mount: &Path) -> String {
    format!("mounting on {} (this needs root, /dev/fuse and an existing folder)", mount.display())
}

/// Settings of the process that hold for all threads started from now on.
fn prepare_process() -> anyhow::Result<()> {
    sleep_exactly().context("setting the timer slack")?;
    // The kernel has applied the caller's umask to the modes in the requests.
    rustix::process::umask(rustix::fs::Mode::empty());
    // fuser gives each thread a zeroed buffer of 16 MiB. From a fresh mapping it costs memory only as far as
    // it is used; but glibc raises its threshold for mappings once the first such buffer is freed, and would
    // then clear each of them: 16 MiB of memory a thread.
    // SAFETY: mallopt has no preconditions; this runs before other threads exist.
    unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, 1 << 20) };
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

fn config(settings: &ServerSettings) -> Config {
    let mut config = Config::default();
    // The kernel checks permissions, so that no ACCESS requests are in the way.
    config.mount_options =
        vec![MountOption::FSName("passthrough".to_owned()), MountOption::DefaultPermissions];
    config.n_threads = Some(settings.threads as usize);
    config.clone_fd = settings.clone_fd;
    config
}

fn watch(sender: Sender<Event>, wait: impl FnOnce() -> Event + Send + 'static) {
    // If nobody listens any more, the server is ending.
    thread::spawn(move || sender.send(wait()).is_ok());
}

fn pass_lines(sender: &Sender<Event>) {
    for line in io::stdin().lock().lines() {
        if sender.send(Event::Line(line)).is_err() {
            return;
        }
    }
    let _ = sender.send(Event::EndOfInput);
}

/// Answers commands until the server is to end.
fn handle(server: &Server, events: &Receiver<Event>) -> anyhow::Result<Ending> {
    for event in events {
        match event {
            Event::Line(line) => {
                let line = line.context("reading commands")?;
                match line.parse().map_err(|text: String| anyhow!(text))? {
                    ControlCommand::Take => say(&ControlReply::Stats(Box::new(server.take_stats())))?,
                    ControlCommand::Log { workload } => give_log(server, workload)?,
                    ControlCommand::Quit => return Ok(Ending::Asked),
                }
            }
            Event::EndOfInput | Event::Signal => return Ok(Ending::Asked),
            Event::Ended(result) => {
                return result.map(|()| Ending::Unmounted).context("the connection to the kernel broke");
            }
        }
    }
    Ok(Ending::Asked)
}

/// Announces the log, and sends it behind the line.
fn give_log(server: &Server, workload: u32) -> anyhow::Result<()> {
    let bytes = server.request_log(workload).encode();
    say(&ControlReply::Log { bytes: bytes.len() as u64 })?;
    let mut out = io::stdout().lock();
    out.write_all(&bytes).and_then(|()| out.flush()).context("writing the request log to standard output")
}

/// Takes the mount away, by force if need be: a mount that nobody serves blocks whoever looks at it.
fn unmount(server: &Server, unmounter: &mut SessionUnmounter, mount: &Path) -> anyhow::Result<()> {
    let unmounted = unmounter.unmount();
    // fuser leaves an aborted connection mounted; and a busy one stays as well. Of the latter nothing is asked here: the
    // server would have to answer, and all its threads may hang.
    let is_dead = || rustix::fs::stat(mount).is_err_and(|error| error == Errno::NOTCONN);
    if unmounted.is_err() || is_dead() {
        // MNT_FORCE aborts the connection: whoever waits for an answer gets an error instead.
        rustix::mount::unmount(mount, UnmountFlags::FORCE | UnmountFlags::DETACH)
            .with_context(|| format!("detaching {}", mount.display()))?;
    }
    if server.faults.as_ref().is_some_and(Faults::are_hanging) {
        // Busy because the settings say so.
        return Ok(());
    }
    unmounted.with_context(|| format!("unmounting {} (it was detached instead)", mount.display()))
}

fn await_threads(events: &Receiver<Event>) {
    while let Ok(event) = events.recv_timeout(LAST_REQUESTS) {
        if matches!(event, Event::Ended(_)) {
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
