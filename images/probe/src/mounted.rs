//! A server with its mount: started, told how to behave, asked for its log, and taken away, by force if need be.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use lab_guest::server::{Place, ServerProcess};
use lab_protocol::{Behaviour, log};
use rustix::mount::UnmountFlags;

use crate::clock;
use crate::fixture::Fixture;
use crate::requests::Requests;
use crate::sandbox::{CONNECTIONS, connection};

/// How long a server that was killed may take to be gone.
const KILL_LIMIT: Duration = Duration::from_secs(5);

/// The kernel's side of a mount.
#[derive(Clone, Copy, Debug)]
pub struct Connection(u32);

impl Connection {
    /// Ends every request with an error, without asking the server.
    pub fn abort(self) {
        let _ = fs::write(format!("{CONNECTIONS}/{}/abort", self.0), "1");
    }

    /// Requests that the kernel has for the server or waits for, by its own count; none if the connection is gone.
    pub fn waiting(self) -> Option<u64> {
        let text = fs::read_to_string(format!("{CONNECTIONS}/{}/waiting", self.0)).ok()?;
        text.trim().parse().ok()
    }
}

/// A mounted server.
#[derive(Debug)]
pub struct Mounted {
    /// Which one.
    pub fixture: Fixture,
    place: Place,
    server: ServerProcess,
    connection: Connection,
}

impl Mounted {
    /// Starts a server, which behaves well, and waits for its mount.
    ///
    /// # Errors
    /// If it does not come.
    pub fn start(fixture: Fixture, place: &Place) -> anyhow::Result<Self> {
        let mut server = ServerProcess::start(&fixture.settings(), place)?;
        server.wait_mounted()?;
        let mountinfo = fs::read_to_string("/proc/self/mountinfo").context("reading the mounts")?;
        let number = connection(&mountinfo, &place.mount).context("the mount is not there")?;
        let connection = Connection(number);
        let mounted = Mounted { fixture, place: place.clone(), server, connection };
        mounted.warm_up().context("using the mount for the first time")?;
        Ok(mounted)
    }

    /// Has the kernel ask what it asks once for each mount (`security.capability`).
    fn warm_up(&self) -> anyhow::Result<()> {
        let file = File::create(self.place.mount.join("warm-up"))?;
        file.write_all_at(b"warm", 0)?;
        Ok(fs::remove_file(self.place.mount.join("warm-up"))?)
    }

    /// From now on it behaves like this; what hangs is let go of.
    ///
    /// # Errors
    /// If the server does not do as it is told.
    pub fn behave(&mut self, behaviour: &Behaviour) -> anyhow::Result<()> {
        self.server.behave(&clock::slowed(behaviour))
    }

    /// The number of the server's process.
    pub fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// The kernel's side of it.
    pub fn connection(&self) -> Connection {
        self.connection
    }

    /// Waits until no request is left; says how many are.
    pub fn await_idle(&self, limit: Duration) -> u64 {
        let deadline = Instant::now() + clock::long(limit);
        loop {
            match self.connection.waiting() {
                None | Some(0) => return 0,
                Some(left) if Instant::now() > deadline => return left,
                Some(_) => clock::pause(Duration::from_millis(1)),
            }
        }
    }

    /// Has the server forget the requests so far.
    ///
    /// # Errors
    /// If it does not answer.
    pub fn forget_requests(&mut self) -> anyhow::Result<()> {
        self.server.take().map(drop)
    }

    /// The requests since then.
    ///
    /// # Errors
    /// If it does not answer.
    pub fn requests(&mut self) -> anyhow::Result<Requests> {
        let bytes = self.server.request_log(0)?;
        let mut logs = log::decode(&bytes).map_err(|error| anyhow::anyhow!("reading the log: {error}"))?;
        logs.pop().map(Requests::new).context("the server gave no log")
    }

    /// Whether it can be used for another probe.
    pub fn is_well(&mut self) -> bool {
        self.connection.waiting() == Some(0) && self.server.take().is_ok()
    }

    /// Unmounts and ends the server in good order.
    ///
    /// # Errors
    /// If it does not end so.
    pub fn quit(self) -> anyhow::Result<()> {
        self.server.quit()
    }

    /// Takes mount and server away, whatever state they are in.
    pub fn discard(self) {
        self.connection.abort();
        let _ = rustix::mount::unmount(&self.place.mount, UnmountFlags::DETACH);
        self.server.kill(clock::long(KILL_LIMIT));
    }
}
