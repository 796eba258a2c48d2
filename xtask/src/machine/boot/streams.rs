//! The streams out of QEMU, each with a thread that only reads.

use std::io::Read;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use anyhow::Context as _;

/// How many pieces wait for the loop before readers wait for it. A console comes in pieces of a few bytes, and QEMU can
/// write a whole one into its pipe meanwhile: only what a guest writes without end is ever held up here.
pub(super) const MOST_WAITING: usize = 4096;

/// The largest piece, bytes; together they hold at most 256 MiB.
const PIECE_BYTES: usize = 64 << 10;

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
    Connected(Stream, UnixStream),
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
        if let Ok(writer) = connection.try_clone() {
            let _ = events.send(Event::Connected(stream, writer));
        }
        read_all(connection, stream, &events);
    });
    Ok(())
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
