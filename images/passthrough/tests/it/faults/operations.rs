//! Requests of every kind fail, or end the server, if the settings say so.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;

use lab_protocol::{Effect, Fault, ServerSettings, Times};
use rustix::event::{PollFd, PollFlags};
use rustix::fs::{CWD, FallocateFlags, FileType, Mode, OFlags, RenameFlags, SeekFrom, XattrFlags};
use rustix::io::{Errno, Result};

use super::{always, count, with};
use crate::harness::{Served, eventually};

/// Something to do on a mount with a `file`, a `folder` and a `link`.
pub(super) type Action = fn(&Path) -> Result<()>;

/// An operation and what makes the kernel send it.
pub(super) const ACTIONS: [(&str, Action); 30] = [
    ("lookup", |mount| rustix::fs::stat(mount.join("file")).map(drop)),
    ("getattr", |mount| rustix::fs::stat(mount).map(drop)),
    ("setattr", |mount| rustix::fs::chmod(mount.join("file"), Mode::RUSR)),
    ("readlink", |mount| rustix::fs::readlink(mount.join("link"), Vec::new()).map(drop)),
    ("mknod", |mount| rustix::fs::mknodat(CWD, mount.join("new"), FileType::Fifo, Mode::RWXU, 0)),
    ("mkdir", |mount| rustix::fs::mkdir(mount.join("new"), Mode::RWXU)),
    ("unlink", |mount| rustix::fs::unlink(mount.join("file"))),
    ("rmdir", |mount| rustix::fs::rmdir(mount.join("folder"))),
    ("symlink", |mount| rustix::fs::symlink("target", mount.join("new"))),
    ("rename", |mount| rustix::fs::rename(mount.join("file"), mount.join("new"))),
    ("rename2", |mount| {
        let (from, to) = (mount.join("file"), mount.join("new"));
        rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)
    }),
    ("link", |mount| rustix::fs::link(mount.join("file"), mount.join("new"))),
    ("open", |mount| open(mount).map(drop)),
    ("create", |mount| {
        rustix::fs::open(mount.join("new"), OFlags::CREATE | OFlags::WRONLY | OFlags::CLOEXEC, Mode::RWXU)
            .map(drop)
    }),
    ("read", |mount| rustix::io::read(open(mount)?, &mut [0; 100]).map(drop)),
    ("write", |mount| rustix::io::write(open(mount)?, b"new").map(drop)),
    ("fsync", |mount| rustix::fs::fsync(open(mount)?)),
    ("opendir", |mount| open_folder(mount).map(drop)),
    ("readdirplus", |mount| list(mount)),
    // The kernel asks for attributes at first, and then no more if nobody wants them.
    ("readdir", |mount| list(mount)),
    ("fsyncdir", |mount| rustix::fs::fsync(open_folder(mount)?)),
    ("statfs", |mount| rustix::fs::statvfs(mount).map(drop)),
    ("setxattr", |mount| rustix::fs::setxattr(mount.join("file"), "user.new", b"new", XattrFlags::empty())),
    ("getxattr", |mount| rustix::fs::getxattr(mount.join("file"), "user.old", &mut [0; 9][..]).map(drop)),
    ("listxattr", |mount| rustix::fs::listxattr(mount.join("file"), &mut [0; 99][..]).map(drop)),
    ("removexattr", |mount| rustix::fs::removexattr(mount.join("file"), "user.old")),
    ("fallocate", |mount| rustix::fs::fallocate(open(mount)?, FallocateFlags::empty(), 0, 1 << 20)),
    ("lseek", |mount| rustix::fs::seek(open(mount)?, SeekFrom::Hole(0)).map(drop)),
    ("copy-file-range", |mount| {
        let (from, to) = (open(mount)?, open(mount)?);
        rustix::fs::copy_file_range(from, Some(&mut 0), to, Some(&mut 8192), 100).map(drop)
    }),
    ("ioctl", |mount| rustix::fs::ioctl_getflags(open(mount)?).map(drop)),
];

/// The same for operations whose failure nobody is told of.
const SILENT_ACTIONS: [(&str, Action); 4] = [
    ("flush", |mount| open(mount).map(drop)),
    ("release", |mount| open(mount).map(drop)),
    ("releasedir", |mount| open_folder(mount).map(drop)),
    ("poll", |mount| {
        let file = open(mount)?;
        rustix::event::poll(&mut [PollFd::new(&file, PollFlags::IN)], None).map(drop)
    }),
];

pub(super) fn open(mount: &Path) -> Result<File> {
    rustix::fs::open(mount.join("file"), OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()).map(File::from)
}

fn open_folder(mount: &Path) -> Result<File> {
    rustix::fs::open(mount.join("folder"), OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).map(File::from)
}

fn list(mount: &Path) -> Result<()> {
    let folder = rustix::fs::open(mount, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    rustix::fs::Dir::new(folder)?.try_for_each(|entry| entry.map(drop))
}

/// A server with what the actions need.
pub(super) fn served_for_actions(fault: Fault) -> Served {
    // Attributes are asked for each time.
    let settings = ServerSettings { attribute_timeout_ms: 0, ..with(fault) };
    // On a file system with attributes of users.
    let served = Served::on(tempfile::tempdir().unwrap(), &settings);
    served.store("file", 5000);
    fs::create_dir(served.stored("folder")).unwrap();
    std::os::unix::fs::symlink("file", served.stored("link")).unwrap();
    rustix::fs::setxattr(served.stored("file"), "user.old", b"old", XattrFlags::empty()).unwrap();
    served
}

/// All that can change in the storage.
fn snapshot(served: &Served) -> String {
    let mut entries: Vec<_> = fs::read_dir(served.stored("")).unwrap().map(|it| it.unwrap()).collect();
    entries.sort_by_key(|entry| entry.file_name());
    let describe = |entry: &fs::DirEntry| {
        let metadata = entry.metadata().unwrap();
        (entry.file_name(), metadata.permissions(), metadata.len(), metadata.modified().unwrap())
    };
    let names = &mut [0; 99];
    let length = rustix::fs::listxattr(served.stored("file"), &mut names[..]).unwrap();
    let entries: Vec<_> = entries.iter().map(describe).collect();
    format!("{entries:?} {:?}", String::from_utf8_lossy(&names[..length]))
}

/// Asserts that requests of an operation fail, are counted, and change nothing.
fn check_failure(operation: &str, action: Action, expected: Result<()>) {
    let mut served = served_for_actions(always(operation, Effect::Eio));
    served.take();
    let before = snapshot(&served);
    assert_eq!(action(served.mount()), expected, "{operation}");
    assert_eq!(snapshot(&served), before, "{operation}");
    let name = operation.to_uppercase().replace('-', "_");
    let (mut arrived, mut failed) = (0, 0);
    eventually(operation, || {
        let stats = served.take();
        // Of two forms of one the kernel decides.
        arrived += count(&stats, &name) + count(&stats, &format!("{name}_64"));
        failed += stats.failed;
        arrived > 0
    });
    assert_eq!(failed, arrived, "{operation}");
}

#[test]
fn every_operation_can_fail() {
    for (operation, action) in ACTIONS {
        check_failure(operation, action, Err(Errno::IO));
    }
    for (operation, action) in SILENT_ACTIONS {
        check_failure(operation, action, Ok(()));
    }
}

#[test]
fn a_fault_that_happens_once_is_over() {
    let served = served_for_actions(Fault { times: Times::Once, after: 1, ..always("mkdir", Effect::Eio) });
    let made: Vec<_> = ["a", "b", "c"].map(|name| fs::create_dir(served.path(name)).is_ok()).into();
    assert_eq!(made, [true, false, true]);
}

#[test]
fn the_server_dies_at_any_request_that_was_set() {
    for (operation, action) in ACTIONS.iter().filter(|(name, _)| ["fsync", "mkdir", "read"].contains(name)) {
        let mut served = served_for_actions(always(operation, Effect::Die));
        assert!(action(served.mount()).is_err(), "{operation}");
        assert_eq!(served.wait().signal(), Some(libc::SIGABRT), "{operation}");
    }
}
