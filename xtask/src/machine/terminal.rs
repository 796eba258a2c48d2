//! The user's terminal, connected with one of the guest: each byte goes through as it is, and what the terminal was is restored
//! whatever happens.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread::{self, JoinHandle};

use anyhow::Context as _;
use lab_protocol::TerminalSize;
use rustix::process::{Signal, getpid, kill_process};
use rustix::termios::{OptionalActions, tcgetattr, tcgetwinsize, tcsetattr, ttyname};
use signal_hook::consts::SIGWINCH;
use signal_hook::iterator::Signals;
use xshell::{Shell, cmd};

use super::boot::TerminalSockets;
use crate::lab::process;
use crate::lab::process::tied::AtTheEnd;

/// What is typed to end a machine that does not listen: Ctrl-], as in telnet.
const ESCAPE: u8 = 0x1d;

/// Whether somebody types, or the lab's input is a file or a pipe.
pub(crate) fn is_typed() -> bool {
    io::stdin().is_terminal()
}

/// How large the user's terminal is; as large as they were once, if it does not say.
pub(crate) fn size() -> TerminalSize {
    let size = tcgetwinsize(io::stdin()).ok().filter(|size| size.ws_row > 0 && size.ws_col > 0);
    size.map_or(TerminalSize { rows: 24, columns: 80 }, |size| TerminalSize {
        rows: size.ws_row,
        columns: size.ws_col,
    })
}

/// The connection, until it is dropped.
pub(crate) struct Terminal {
    shown: JoinHandle<()>,
    /// Restores the terminal when it is dropped, and if the lab is killed.
    _restored: Option<AtTheEnd>,
}

/// What becomes of what is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// It goes to the guest, key by key.
    Typed,
    /// Nothing is read.
    None,
}

impl Terminal {
    /// Waits for QEMU to connect. From here on what the guest shows goes to standard output.
    ///
    /// # Errors
    /// If the sockets cannot be made, or the terminal's settings not be changed.
    pub(crate) fn open(sh: &Shell, folder: &Path, input: Input) -> anyhow::Result<(Self, TerminalSockets)> {
        let sockets = TerminalSockets { bytes: folder.join("terminal"), sizes: folder.join("sizes") };
        let listen = |path: &Path| {
            UnixListener::bind(path).with_context(|| format!("listening at {}", path.display()))
        };
        let (bytes, sizes) = (listen(&sockets.bytes)?, listen(&sockets.sizes)?);
        let restored = match input {
            Input::Typed => Some(make_raw(sh)?),
            Input::None => None,
        };
        let shown = thread::spawn(move || {
            let Ok((connection, _)) = bytes.accept() else { return };
            if input == Input::Typed
                && let Ok(guest) = connection.try_clone()
            {
                thread::spawn(move || pass_on(io::stdin(), guest));
            }
            show(connection);
        });
        match input {
            Input::Typed => {
                let changes =
                    Signals::new([SIGWINCH]).context("listening for changes of the terminal's size")?;
                thread::spawn(move || tell_sizes(&sizes, changes));
            }
            // Somebody has to hold the connection that QEMU makes.
            Input::None => drop(thread::spawn(move || sizes.accept().map(|(held, _)| read_all(held)))),
        }
        Ok((Terminal { shown, _restored: restored }, sockets))
    }

    /// Waits until all is shown that the guest wrote: QEMU has ended.
    pub(crate) fn finish(self, sockets: &TerminalSockets) {
        // For a QEMU that never connected.
        drop(UnixStream::connect(&sockets.bytes));
        let _ = self.shown.join();
    }
}

/// Has the terminal pass on each key. It is as it was when what is returned is dropped, or the lab ends.
fn make_raw(sh: &Shell) -> anyhow::Result<AtTheEnd> {
    let purpose = "asking for the terminal's settings";
    let path = ttyname(io::stdin(), Vec::new()).context(purpose)?;
    let path = path.to_str().context("the name of the terminal is not UTF-8")?;
    let saved = process::read(cmd!(sh, "stty -F {path} -g")).context(purpose)?;
    let restored = AtTheEnd::run(&format!("stty -F {path} {saved}"))?;
    let mut settings = tcgetattr(io::stdin()).context(purpose)?;
    settings.make_raw();
    tcsetattr(io::stdin(), OptionalActions::Now, &settings).context("changing the terminal's settings")?;
    Ok(restored)
}

/// What is typed goes to the guest.
fn pass_on(mut keys: impl Read, mut guest: UnixStream) {
    let mut buffer = [0; 4096];
    while let Ok(length) = keys.read(&mut buffer) {
        let bytes = &buffer[..length];
        if length == 0 || bytes.contains(&ESCAPE) {
            // As Ctrl-C does outside.
            let _ = kill_process(getpid(), Signal::INT);
            return;
        }
        if guest.write_all(bytes).is_err() {
            return;
        }
    }
}

fn show(mut guest: UnixStream) {
    let mut buffer = [0; 8192];
    while let Ok(length @ 1..) = guest.read(&mut buffer) {
        let mut output = io::stdout().lock();
        // A reader that has gone is no reason to stop the guest in the middle.
        let _ = output.write_all(&buffer[..length]).and_then(|()| output.flush());
    }
}

fn tell_sizes(listener: &UnixListener, mut changes: Signals) {
    let Ok((connection, _)) = listener.accept() else { return };
    let mut guest = File::from(OwnedFd::from(connection));
    for _ in changes.forever() {
        if guest.write_all(size().line().as_bytes()).is_err() {
            return;
        }
    }
}

fn read_all(mut connection: UnixStream) {
    let _ = io::copy(&mut connection, &mut io::sink());
}
