//! Requests as they come from the device: each is counted, served and answered.
//!
//! What is not served is counted all the same, by its name or its number, and answered ENOSYS; the kernel then does
//! without it. No reply is sent to FORGET, BATCH_FORGET and INTERRUPT.
//!
//! INTERRUPT asks to give up a request whose caller got a signal. No operation here can be given up halfway, so it is
//! left without an effect, as in libfuse's servers that do not ask whether they are interrupted: the caller waits for the
//! answer to its request. A reply could say EAGAIN, to get the INTERRUPT once more, or ENOSYS, never to get one again;
//! either would change what is counted and nothing for the caller.
//!
//! Locks are the kernel's: neither FUSE_POSIX_LOCKS nor FUSE_FLOCK_LOCKS is asked for, and it keeps them for the mount.
//! All of that works (owners, waiting, deadlocks, signals, the end of a process), and whoever uses the storage comes
//! through the mount. Passed on to the backing file they would be worse: each owner would need a descriptor of its own,
//! and each waiting lock a thread, which an INTERRUPT would have to wake up.

use std::io::ErrorKind;
use std::time::Duration;

use anyhow::{Context, bail};
use lab_protocol::{Getxattr, Operation};
use rustix::io::{Errno, Result};

use crate::attributes::Extended;
use crate::callers::Rights;
use crate::device::answer::{self, Answer, Listing};
use crate::device::channel::{Channel, Received};
use crate::device::request::{Body, Dialect, File, Request, Tree, parse};
use crate::device::wire::{CopyFileRangeOut, CreateOut, GetxattrOut, InHeader, LseekOut, init};
use crate::extent::Extent;
use crate::inodes::NodeId;
use crate::log::Subject;
use crate::negotiate::{Reply, USUAL_PAGES, negotiate};
use crate::open::Handle;
use crate::server::Server;
use crate::transport::{self, Arrived};

/// Receives FUSE_INIT and answers it.
///
/// # Errors
/// If something else comes, or the kernel's version of the protocol is not known.
pub(crate) fn shake_hands(server: &Server, channel: &mut Channel) -> anyhow::Result<()> {
    let Some(Received::Whole(bytes)) = channel.receive().context("receiving FUSE_INIT")? else {
        bail!("FUSE_INIT never came");
    };
    let Request { header, body } = parse(channel.request(bytes), Dialect::default())?;
    let Body::Init { asked, capabilities } = body else {
        bail!("opcode {} came before FUSE_INIT", header.opcode);
    };
    server.stats.count(Operation::Init);
    server.arrived.iter().for_each(Arrived::count_device);
    let most_pages = most_pages()?;
    let Reply { out, agreed, mut negotiated } =
        negotiate(&asked, capabilities, most_pages, &server.settings)?;
    if agreed.has(init::OVER_IO_URING) {
        negotiated.ring_queues = transport::queues()?;
    }
    // Before the answer: the next request may come at once.
    server.agree(agreed, negotiated)?;
    channel.device().answer(header.unique, Ok(&Answer::Bytes(out))).context("answering FUSE_INIT")
}

/// The most pages that the kernel allows in one request. It has a setting for it since Linux 6.13.
fn most_pages() -> anyhow::Result<u32> {
    let file = "/proc/sys/fs/fuse/max_pages_limit";
    match std::fs::read_to_string(file) {
        Ok(text) => text.trim().parse().with_context(|| format!("reading {file}")),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(USUAL_PAGES),
        Err(error) => Err(error).with_context(|| format!("reading {file}")),
    }
}

/// Receives requests and serves them until the file system is unmounted.
///
/// # Errors
/// If the connection to the kernel breaks.
pub(crate) fn serve_all(server: &Server, channel: &mut Channel) -> anyhow::Result<()> {
    while let Some(received) = channel.receive()? {
        if let Some(arrived) = &server.arrived {
            arrived.count_device();
        }
        match received {
            Received::Whole(bytes) => serve_whole(server, channel, bytes)?,
            Received::Spliced(header, asked) => {
                let (data, device) = channel.spliced(asked.size as usize);
                let served = server.write(NodeId(header.nodeid), &asked, data);
                server.answer_write(served, |result| {
                    device.answer(header.unique, written(result).as_ref().map_err(|error| *error))
                })?;
            }
        }
    }
    Ok(())
}

fn serve_whole(server: &Server, channel: &mut Channel, bytes: usize) -> anyhow::Result<()> {
    let Request { header, body } = parse(channel.request(bytes), server.agreed().dialect())?;
    let (unique, node) = (header.unique, NodeId(header.nodeid));
    let answer = |channel: &Channel, result: Result<Answer>| {
        channel.device().answer(unique, result.as_ref().map_err(|error| *error))
    };
    match body {
        Body::Read(asked) => server.read(node, &asked, channel.read_answer(unique))?,
        Body::Write { asked, data } => {
            let served = server.write(node, &asked, channel.whole(data));
            server.answer_write(served, |result| answer(channel, written(result)))?;
        }
        body @ (Body::Tree(_)
        | Body::File(_)
        | Body::Forget { .. }
        | Body::BatchForget(_)
        | Body::NotifyReply { .. }
        | Body::Init { .. }
        | Body::Other(_)
        | Body::Unknown) => {
            if let Some(result) = Requests::of(server, &header, &body).serve(&header, body) {
                answer(channel, result)?;
            }
        }
    }
    Ok(())
}

pub(crate) fn written(result: Result<usize>) -> Result<Answer> {
    result.map(|bytes| Answer::written(bytes as u32))
}

/// Serves all requests but READ and WRITE, each with the rights that it is to be served with.
pub(crate) struct Requests<'a>(&'a Server, Rights);

impl<'a> Requests<'a> {
    pub(crate) fn of(server: &'a Server, header: &InHeader, body: &Body<'_>) -> Self {
        Requests(server, Rights::of(header, body, &server.settings))
    }

    /// Counts a request, serves it unless its fault forbids that, and logs it.
    fn count_and_serve<T>(
        &self,
        operation: Operation,
        serve: impl FnOnce(&Server) -> Result<T>,
    ) -> Result<T> {
        self.count_and_serve_about(operation, Subject::default(), serve)
    }

    /// The same for a request of which more is logged.
    fn count_and_serve_about<T>(
        &self,
        operation: Operation,
        subject: Subject,
        serve: impl FnOnce(&Server) -> Result<T>,
    ) -> Result<T> {
        let pending = self.0.pending(operation, subject);
        let result = self.0.count_and_fault(operation).and_then(|server| {
            let _acting = self.1.take()?;
            serve(server)
        });
        self.0.record(pending, result.as_ref().map(|_| 0).map_err(|error| *error));
        result
    }

    /// The answer; none for what gets none.
    pub(crate) fn serve(&self, header: &InHeader, body: Body<'_>) -> Option<Result<Answer>> {
        let node = NodeId(header.nodeid);
        Some(match body {
            Body::Forget { lookups } => {
                self.0.count_and_log(Operation::Forget).inodes.forget(node, lookups);
                return None;
            }
            Body::BatchForget(forgets) => {
                let inodes = &self.0.count_and_log(Operation::BatchForget).inodes;
                forgets.for_each(|it| inodes.forget(NodeId(it.nodeid), it.nlookup));
                return None;
            }
            Body::NotifyReply { offset, data } => {
                let actions = self.0.count_and_log(Operation::NotifyReply).actions.as_ref();
                actions.into_iter().for_each(|it| it.receive(header.unique, offset, data));
                return None;
            }
            Body::Other(operation @ Operation::Interrupt) => {
                self.0.count_and_log(operation);
                return None;
            }
            // The end of a block device's mount, which this is not.
            Body::Other(operation @ Operation::Destroy) => {
                self.0.count_and_log(operation);
                Ok(Answer::Nothing)
            }
            Body::Other(operation) => self.count_and_serve(operation, |_| Err(Errno::NOSYS)),
            Body::Unknown => {
                self.0.stats.count_unknown(header.opcode);
                Err(Errno::NOSYS)
            }
            Body::Tree(body) => self.serve_tree(node, body),
            Body::File(body) => self.serve_file(node, body),
            // The first comes once, and the others have a way of their own.
            Body::Init { .. } | Body::Read(_) | Body::Write { .. } => Err(Errno::PROTO),
        })
    }

    fn serve_tree(&self, node: NodeId, body: Tree<'_>) -> Result<Answer> {
        let valid = self.0.valid();
        let entry = |attr| Answer::Entry(answer::entry(attr, valid));
        let attr = |attr| Answer::Attr(answer::attr(attr, valid.attributes));
        let nothing = |()| Answer::Nothing;
        match body {
            Tree::Lookup { name } => {
                let found = self.count_and_serve(Operation::Lookup, |it| it.lookup(node, name)).map(entry);
                match (found, self.0.settings.negative_timeout_ms) {
                    (Err(Errno::NOENT), ms @ 1..) => {
                        Ok(Answer::Entry(answer::no_entry(Duration::from_millis(ms))))
                    }
                    (found, _) => found,
                }
            }
            Tree::Getattr => self.count_and_serve(Operation::Getattr, |it| it.getattr(node)).map(attr),
            Tree::Statx(asked) => self
                .count_and_serve(Operation::Statx, |it| it.statx(node, &asked))
                .map(|stat| Answer::Statx(Box::new(answer::statx(stat, valid.attributes)))),
            Tree::Access(asked) => self
                .count_and_serve(Operation::Access, |it| match it.settings.default_permissions {
                    true => Err(Errno::NOSYS),
                    false => it.access(node, asked.mask),
                })
                .map(nothing),
            Tree::Setattr(asked) => {
                let subject = Subject::of_setattr(node, &asked);
                self.count_and_serve_about(Operation::Setattr, subject, |it| it.setattr(node, &asked))
                    .map(attr)
            }
            Tree::Readlink => {
                self.count_and_serve(Operation::Readlink, |it| it.readlink(node)).map(Answer::Bytes)
            }
            Tree::Symlink { name, target } => {
                self.count_and_serve(Operation::Symlink, |it| it.symlink(node, name, target)).map(entry)
            }
            Tree::Mknod { asked, name } => {
                self.count_and_serve(Operation::Mknod, |it| it.mknod(node, name, &asked)).map(entry)
            }
            Tree::Mkdir { asked, name } => {
                self.count_and_serve(Operation::Mkdir, |it| it.mkdir(node, name, &asked)).map(entry)
            }
            Tree::Unlink { name } => {
                self.count_and_serve(Operation::Unlink, |it| it.unlink(node, name)).map(nothing)
            }
            Tree::Rmdir { name } => {
                self.count_and_serve(Operation::Rmdir, |it| it.rmdir(node, name)).map(nothing)
            }
            Tree::Rename { asked, name, new_name } => {
                // The kernel sends RENAME2 only if there are flags.
                let operation = if asked.flags == 0 { Operation::Rename } else { Operation::Rename2 };
                let to = (NodeId(asked.newdir), new_name);
                self.count_and_serve(operation, |it| it.rename((node, name), to, asked.flags)).map(nothing)
            }
            Tree::Link { node: old, name } => {
                self.count_and_serve(Operation::Link, |it| it.link(NodeId(old), node, name)).map(entry)
            }
            Tree::Statfs => self
                .count_and_serve(Operation::Statfs, |it| it.statfs(node))
                .map(|found| Answer::statfs(&found)),
            Tree::Setxattr { asked, name, value } => self
                .count_and_serve(Operation::Setxattr, |it| it.setxattr(node, name, value, asked.flags as i32))
                .map(nothing),
            Tree::Getxattr { asked, name } => self
                .count_and_serve(Operation::Getxattr, |it| match it.settings.getxattr {
                    Getxattr::Passthrough => it.getxattr(node, name, asked.size),
                    Getxattr::Enosys => Err(Errno::NOSYS),
                })
                .map(extended),
            Tree::Listxattr(asked) => {
                self.count_and_serve(Operation::Listxattr, |it| it.listxattr(node, asked.size)).map(extended)
            }
            Tree::Removexattr { name } => {
                self.count_and_serve(Operation::Removexattr, |it| it.removexattr(node, name)).map(nothing)
            }
        }
    }

    fn serve_file(&self, node: NodeId, body: File<'_>) -> Result<Answer> {
        let valid = self.0.valid();
        let created = |(attr, open)| Answer::Created(CreateOut { entry: answer::entry(attr, valid), open });
        let handle = |fh| Handle { node, fh };
        let nothing = |()| Answer::Nothing;
        match body {
            // Takes the rights by itself, and not to its end.
            File::Open(asked) => Requests(self.0, Rights::Own)
                .count_and_serve(Operation::Open, |it| it.open(node, &asked, self.1))
                .map(Answer::Opened),
            File::Create { asked, name } => {
                self.count_and_serve(Operation::Create, |it| it.create(node, name, &asked)).map(created)
            }
            File::Tmpfile(asked) => {
                self.count_and_serve(Operation::Tmpfile, |it| it.tmpfile(node, &asked)).map(created)
            }
            File::Ioctl { asked, data } => {
                self.count_and_serve(Operation::Ioctl, |it| it.control(node, &asked, data))
            }
            File::Flush(asked) => {
                self.count_and_serve(Operation::Flush, |it| it.flush(handle(asked.fh))).map(nothing)
            }
            File::Release(asked) => {
                self.count_and_serve(Operation::Release, |it| it.release(asked.fh)).map(nothing)
            }
            File::Fsync(asked) => self
                .count_and_serve(Operation::Fsync, |it| {
                    it.fsync(handle(asked.fh), Extent::of(asked.fsync_flags))
                })
                .map(nothing),
            File::Opendir => self
                .count_and_serve(Operation::Opendir, |it| it.opendir(node))
                .map(|fh| Answer::Opened(answer::opened(fh, self.0.agreed().directory_flags))),
            File::Readdir(asked) => self.count_and_serve(Operation::Readdir, |it| {
                let mut listing = Listing::new(asked.size);
                it.readdir(handle(asked.fh), asked.offset, |entry| {
                    Ok(listing.add(entry.ino.0, entry.next, entry.kind, entry.name))
                })?;
                Ok(listing.into_answer())
            }),
            File::Readdirplus(asked) => self.count_and_serve(Operation::Readdirplus, |it| {
                let mut listing = Listing::new(asked.size);
                it.readdirplus(handle(asked.fh), asked.offset, |entry, found| {
                    listing.add_with(found, entry.next, entry.name)
                })?;
                Ok(listing.into_answer())
            }),
            File::Releasedir(asked) => {
                self.count_and_serve(Operation::Releasedir, |it| it.releasedir(asked.fh)).map(nothing)
            }
            File::Fsyncdir(asked) => self
                .count_and_serve(Operation::Fsyncdir, |it| {
                    it.fsyncdir(handle(asked.fh), Extent::of(asked.fsync_flags))
                })
                .map(nothing),
            File::Fallocate(asked) => self
                .count_and_serve(Operation::Fallocate, |it| {
                    it.fallocate(handle(asked.fh), asked.offset, asked.length, asked.mode as i32)
                })
                .map(nothing),
            File::Lseek(asked) => self
                .count_and_serve(Operation::Lseek, |it| {
                    it.lseek(handle(asked.fh), asked.offset as i64, asked.whence as i32)
                })
                .map(|offset| Answer::Position(LseekOut { offset })),
            File::CopyFileRange(asked) => {
                // The answer has room for 32 bits.
                let most = asked.len.min(u64::from(u32::MAX) & !0xfff);
                self.count_and_serve(Operation::CopyFileRange, |it| it.copy_file_range(node, &asked, most))
                    .map(|copied| Answer::written(copied as u32))
            }
            File::CopyFileRange64(asked) => self
                .count_and_serve(Operation::CopyFileRange64, |it| it.copy_file_range(node, &asked, asked.len))
                .map(|copied| Answer::Copied(CopyFileRangeOut { bytes_copied: copied as u64 })),
        }
    }
}

fn extended(found: Extended) -> Answer {
    match found {
        Extended::Size(size) => Answer::XattrSize(GetxattrOut { size: size as u32, padding: 0 }),
        Extended::Bytes(bytes) => Answer::Bytes(bytes),
    }
}
