//! Acting: the thread that does what is due.

use std::ffi::OsString;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use anyhow::{Context, anyhow};
use lab_protocol::{Action, ActionResult, Deed};
use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Result;

use crate::actions::{Actions, Order, Reply};
use crate::clock;
use crate::device::Device;
use crate::device::channel::data::read_fully;
use crate::inodes::NodeId;
use crate::knobs::KnobFiles;
use crate::notify::{Cached, Entry};
use crate::server::Server;

/// How long what was asked to come back may take: the threads of the server have other requests.
const REPLY_LIMIT: Duration = Duration::from_secs(10);

/// A file that an action is about, and the number by which the kernel knows it, or would if it did.
struct Found {
    fd: OwnedFd,
    node: NodeId,
}

/// A name that an action is about, and the folder that it is in.
struct Named {
    folder: NodeId,
    name: OsString,
}

/// Does what is due, for as long as the process lives; `number` is `st_dev` of the mount, major and minor.
pub(crate) fn act(server: &Server, actions: &Actions, number: (u32, u32)) {
    actions.knobs.found(KnobFiles::of(number));
    for retrieval in 1.. {
        let order = actions.next();
        let (begin_ns, in_flight) = (clock::now_ns(), server.stats.in_flight());
        let result = perform(server, actions, &order, retrieval)
            .unwrap_or_else(|error| ActionResult::Failed { why: format!("{error:#}") });
        actions.note(&order, begin_ns, clock::now_ns(), in_flight, result);
    }
}

/// # Errors
/// What the kernel answers, or why it was not asked.
fn perform(
    server: &Server,
    actions: &Actions,
    order: &Order,
    retrieval: u64,
) -> anyhow::Result<ActionResult> {
    let device = server.device.get().context("there is no mount yet")?;
    let path_of = |path: &str| PathBuf::from(path.replace(Action::FILE, &order.file));
    let file = |path: &str| find(server, &path_of(path));
    let name = |path: &str| named(server, &path_of(path));
    let done = |result: Result<()>| Ok(result.map(|()| ActionResult::Done)?);
    match &order.action.deed {
        Deed::Set { knob, value } => {
            let (from, to) = actions.knobs.set(*knob, *value).map_err(|why| anyhow!(why))?;
            Ok(ActionResult::Changed { from, to })
        }
        Deed::Abort => {
            actions.has_aborted.store(true, Relaxed);
            actions.knobs.abort().map_err(|why| anyhow!(why))?;
            Ok(ActionResult::Done)
        }
        Deed::InvalInode { path, offset_bytes: offset, length_bytes: length } => {
            let cached = Cached::Pages { offset: *offset, length: *length };
            done(device.inval_inode(file(path)?.node, cached))
        }
        Deed::InvalAttr { path } => done(device.inval_inode(file(path)?.node, Cached::Attributes)),
        Deed::InvalEntry { path } => {
            let Named { folder, name } = name(path)?;
            done(device.inval_entry(folder, &name, Entry::Invalid))
        }
        Deed::ExpireEntry { path } => {
            let Named { folder, name } = name(path)?;
            done(device.inval_entry(folder, &name, Entry::Expired))
        }
        Deed::Delete { path } => {
            let (Named { folder, name }, child) = (name(path)?, file(path)?.node);
            done(device.delete(folder, child, &name))
        }
        Deed::Store { path, offset_bytes, length_bytes } => {
            let found = file(path)?;
            let data = stored(server, &found, *offset_bytes, *length_bytes as usize)?;
            device.store(found.node, *offset_bytes, &data)?;
            Ok(ActionResult::Stored { bytes: data.len() as u64 })
        }
        Deed::Retrieve { path, offset_bytes, length_bytes } => {
            let found = file(path)?;
            let reply = retrieve(device, actions, found.node, (*offset_bytes, *length_bytes), retrieval)?;
            let bytes = reply.data.len() as u64;
            // Of what is not kept nothing can be said.
            if server.null_storage.is_some() {
                return Ok(ActionResult::Retrieved { bytes, wrong_at: None });
            }
            let expected = stored(server, &found, reply.offset, reply.data.len())?;
            let wrong = first_difference(&reply.data, &expected);
            Ok(ActionResult::Retrieved { bytes, wrong_at: wrong.map(|place| reply.offset + place as u64) })
        }
        Deed::Resend => done(device.resend()),
        Deed::IncEpoch => done(device.inc_epoch()),
        Deed::Prune { path } => done(device.prune(file(path)?.node)),
    }
}

/// Asks for what the page cache has, and waits until it is here.
fn retrieve(
    device: &Device,
    actions: &Actions,
    node: NodeId,
    (offset, size): (u64, u32),
    number: u64,
) -> anyhow::Result<Reply> {
    let replies = actions.await_replies();
    device.retrieve(number, node, offset, size)?;
    loop {
        let reply = replies.recv_timeout(REPLY_LIMIT);
        let reply = reply.with_context(|| format!("no reply within {} s", REPLY_LIMIT.as_secs()))?;
        // Another number is that of one that has come too late.
        if reply.number == number {
            return Ok(reply);
        }
    }
}

/// Finds a file on the storage by its path from the root.
fn find(server: &Server, path: &Path) -> anyhow::Result<Found> {
    let root = server.inodes.get(NodeId::ROOT)?;
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    let fd = rustix::fs::openat2(&root, path, flags, Mode::empty(), resolve)
        .with_context(|| format!("looking for {} on the storage", path.display()))?;
    let node = server.inodes.number(&rustix::fs::fstat(&fd)?);
    Ok(Found { fd, node })
}

/// The last part of a path, which need not be on the storage any more.
fn named(server: &Server, path: &Path) -> anyhow::Result<Named> {
    let name = path.file_name().context("the root has no name; use the path of a file or folder")?;
    let folder = find(server, path.parent().unwrap_or(Path::new(".")))?;
    Ok(Named { folder: folder.node, name: name.to_owned() })
}

/// What the storage has of a file from `offset` on, fewer bytes than `length` at its end only.
fn stored(server: &Server, found: &Found, offset: u64, length: usize) -> anyhow::Result<Vec<u8>> {
    let file = server.reopen.open(&found.fd, OFlags::RDONLY).context("opening the file on the storage")?;
    let mut data = vec![0; length];
    let filled = read_fully(file.as_fd(), &mut data, offset).context("reading the file on the storage")?;
    data.truncate(filled);
    if server.null_storage.is_some() {
        data.fill(0);
    }
    Ok(data)
}

/// The first place where two differ; that where the shorter one ends, if it is the begin of the other.
fn first_difference(found: &[u8], expected: &[u8]) -> Option<usize> {
    let shorter = found.len().min(expected.len());
    let differs = found.iter().zip(expected).position(|(found, expected)| found != expected);
    differs.or((found.len() != expected.len()).then_some(shorter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_that_differs_is_found() {
        for (found, expected, place) in [
            (&b"abc"[..], &b"abc"[..], None),
            (b"", b"", None),
            (b"abc", b"abd", Some(2)),
            (b"abc", b"ab", Some(2)),
            (b"a", b"ab", Some(1)),
            (b"xbc", b"ab", Some(0)),
        ] {
            assert_eq!(first_difference(found, expected), place);
        }
    }
}
