//! The streams out of QEMU, each with a thread that only reads.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use rustix::fs::{CWD, Mode, OFlags, mkfifoat};
use rustix::pipe::fcntl_setpipe_size;

/// How many pieces wait for the loop before readers wait for it. A console comes in pieces of a few bytes, and QEMU can
/// write a whole one into its pipe meanwhile: only what a guest writes without end is ever held up here.
pub(super) const MOST_WAITING: usize = 4096;

/// The largest piece, bytes; together they hold at most 32 MiB. What waits is still looked at when a boot has ended, and of small
/// frames that takes a second for some MiB.
const PIECE_BYTES: usize = 8 << 10;

/// How long a write to QEMU may take; one that reads answers at once.
const WRITE_LIMIT: Duration = Duration::from_secs(1);

/// How much of what a guest sends fits into the pipe, bytes: the most that Linux lets everyone have. As long as it is not full the
/// guest does not see how fast the lab is.
const PIPE_BYTES: usize = 1 << 20;

/// One of the streams out of QEMU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    Console,
    Port,
    Monitor,
    Stderr,
}

/// What a reader thread tells the loop.
#[derive(Debug)]
pub(super) enum Event {
    Bytes(Stream, Vec<u8>),
    Connected(Stream, File),
    End,
}

/// The way from the readers to the loop.
pub(super) fn channel() -> (SyncSender<Event>, Receiver<Event>) {
    sync_channel(MOST_WAITING)
}

/// Reads from the one connection that is made to `path`.
///
/// # Errors
/// If the socket cannot be made.
pub(super) fn listen(path: &Path, stream: Stream, events: &SyncSender<Event>) -> anyhow::Result<()> {
    let listener = UnixListener::bind(path).with_context(|| format!("listening at {}", path.display()))?;
    let events = events.clone();
    thread::spawn(move || {
        let Ok((connection, _)) = listener.accept() else { return };
        drop(listener);
        if let Ok(writer) = connection.try_clone().and_then(with_write_limit) {
            let _ = events.send(Event::Connected(stream, writer));
        }
        read_all(connection, stream, &events);
    });
    Ok(())
}

/// The way to say something over a connection: a QEMU that does not read must not hold up the watch.
///
/// # Errors
/// If no limit can be set; nothing is to be said then.
pub(super) fn with_write_limit(connection: UnixStream) -> io::Result<File> {
    connection.set_write_timeout(Some(WRITE_LIMIT))?;
    Ok(File::from(OwnedFd::from(connection)))
}

/// Reads from the pipe `path`.out, into which QEMU writes; what is written to `path`.in QEMU reads. It ends when neither QEMU nor
/// what is returned holds it.
///
/// Why not a socket? QEMU's serial port passes on byte by byte, and in a socket each takes a buffer of its own: after 278 of them it
/// is full, and the guest waits for the lab. What it does in that time would move the figures.
///
/// # Errors
/// If the pipes cannot be made.
pub(super) fn pipes(path: &Path, stream: Stream, events: &SyncSender<Event>) -> anyhow::Result<File> {
    // Open for both, so that nobody here waits for QEMU.
    let make = |end: &str, flags: OFlags| {
        let path = path.with_extension(end);
        mkfifoat(CWD, &path, Mode::RUSR | Mode::WUSR)?;
        Ok::<_, io::Error>(File::from(rustix::fs::open(
            &path,
            OFlags::RDWR | OFlags::CLOEXEC | flags,
            Mode::empty(),
        )?))
    };
    let purpose = || format!("making the pipes {}", path.display());
    // A guest that reads nothing must not hold up the watch: what does not fit is given up.
    let writer = make("in", OFlags::NONBLOCK).with_context(purpose)?;
    let held = make("out", OFlags::empty()).with_context(purpose)?;
    // A smaller one does as long as the lab is not late.
    let _ = fcntl_setpipe_size(&held, PIPE_BYTES);
    let reader = File::open(path.with_extension("out")).with_context(purpose)?;
    let _ = events.send(Event::Connected(stream, writer));
    read_in_thread(reader, stream, events.clone());
    Ok(held)
}

/// Reads until the end in a thread of its own.
pub(super) fn read_in_thread(reader: impl Read + Send + 'static, stream: Stream, events: SyncSender<Event>) {
    thread::spawn(move || read_all(reader, stream, &events));
}

fn read_all(mut reader: impl Read, stream: Stream, events: &SyncSender<Event>) {
    let mut buffer = vec![0; PIECE_BYTES];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => {
                // The loop has ended, and nobody wants more.
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

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn what_a_guest_does_not_read_is_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let (sender, receiver) = channel();
        let _held = pipes(&folder.path().join("port"), Stream::Port, &sender).unwrap();
        let Ok(Event::Connected(Stream::Port, mut writer)) = receiver.recv() else { panic!("no writer") };
        let (filled, told) = std::sync::mpsc::channel();
        thread::spawn(move || {
            let error = (0..).find_map(|_| writer.write(b"received\n").err());
            filled.send(error.map(|error| error.kind())).unwrap();
        });
        let kind = told.recv_timeout(Duration::from_secs(300)).expect("no write waits for the guest");
        assert_eq!(kind, Some(io::ErrorKind::WouldBlock));
    }
}
