//! Names, and the inodes behind them.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirEntryExt, FileTypeExt, MetadataExt};
use std::path::Path;

use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;

use crate::harness::{FuseControl, Served, SmallStorage, eventually, settings};

/// On a disk.
fn served() -> Served {
    Served::on(tempfile::tempdir().unwrap(), &settings())
}

#[test]
fn names_are_bytes() {
    let served = served();
    let long = "x".repeat(255);
    let names: [&[u8]; 6] = [b"\xff\xfe no UTF-8", b"\n", b" ", b"-rf", b"\xc3\xa4\x01\x7f", long.as_bytes()];
    for name in names {
        let name = OsStr::from_bytes(name);
        let (path, stored) = (served.mount().join(name), served.stored("").join(name));
        std::fs::write(&path, "text").unwrap();
        assert_eq!(std::fs::read(&stored).unwrap(), b"text", "{name:?}");
        let listed = std::fs::read_dir(served.mount()).unwrap().map(|entry| entry.unwrap().file_name());
        assert_eq!(listed.collect::<Vec<_>>(), [name]);
        std::fs::rename(&path, served.path("other")).unwrap();
        std::fs::rename(served.path("other"), &path).unwrap();
        std::os::unix::fs::symlink(name, served.path("link")).unwrap();
        assert_eq!(std::fs::read_link(served.stored("link")).unwrap(), Path::new(name));
        assert_eq!(std::fs::read(served.path("link")).unwrap(), b"text", "{name:?}");
        std::fs::remove_file(served.path("link")).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(!stored.exists());
    }
    let longer = File::create(served.path(&"x".repeat(256))).unwrap_err();
    assert_eq!(longer.raw_os_error(), Some(libc::ENAMETOOLONG));
}

#[test]
fn links_are_as_long_as_paths() {
    // Memory holds them all; a disk may have less room.
    let served = Served::new(&settings());
    for length in [1, 59, 60, 4094, 4095] {
        let target = "t".repeat(length);
        let name = length.to_string();
        std::os::unix::fs::symlink(&target, served.path(&name)).unwrap();
        assert_eq!(std::fs::read_link(served.stored(&name)).unwrap(), Path::new(&target));
        assert_eq!(std::fs::read_link(served.path(&name)).unwrap(), Path::new(&target));
        assert_eq!(std::fs::symlink_metadata(served.path(&name)).unwrap().len(), length as u64);
    }
}

#[test]
fn links_share_an_inode_until_the_last_goes() {
    let served = served();
    let paths = ["a", "b", "c"].map(|name| served.path(name));
    std::fs::write(&paths[0], "text").unwrap();
    let open = File::open(&paths[0]).unwrap();
    std::fs::hard_link(&paths[0], &paths[1]).unwrap();
    std::fs::hard_link(&paths[1], &paths[2]).unwrap();
    let number = std::fs::metadata(served.stored("a")).unwrap().ino();
    for path in &paths {
        let found = std::fs::metadata(path).unwrap();
        assert_eq!((found.ino(), found.nlink()), (number, 3), "{}", path.display());
    }
    for (left, path) in [(2, &paths[0]), (1, &paths[1]), (0, &paths[2])] {
        std::fs::remove_file(path).unwrap();
        assert_eq!(open.metadata().unwrap().nlink(), left);
    }
    assert_eq!(std::io::read_to_string(&open).unwrap(), "text");
    drop(open);
    eventually("it is let go", || served.held() == 1);
}

#[test]
fn what_cannot_be_is_refused_as_the_storage_does() {
    let served = served();
    let path = |name: &str| served.path(name);
    std::fs::create_dir_all(path("folder/inner")).unwrap();
    std::fs::write(path("file"), "text").unwrap();
    std::os::unix::fs::symlink("loop", path("loop")).unwrap();
    let code = |result: std::io::Result<()>| result.unwrap_err().raw_os_error().unwrap();
    assert_eq!(code(std::fs::create_dir(path("folder"))), libc::EEXIST);
    assert_eq!(code(std::fs::remove_dir(path("folder"))), libc::ENOTEMPTY);
    assert_eq!(code(std::fs::remove_dir(path("file"))), libc::ENOTDIR);
    assert_eq!(code(std::fs::remove_file(path("folder"))), libc::EISDIR);
    assert_eq!(code(std::fs::rename(path("folder"), path("folder/inner/self"))), libc::EINVAL);
    assert_eq!(code(std::fs::rename(path("folder"), path("file"))), libc::ENOTDIR);
    assert_eq!(code(std::fs::rename(path("file"), path("folder"))), libc::EISDIR);
    assert_eq!(code(std::fs::hard_link(path("file"), path("loop"))), libc::EEXIST);
    assert_eq!(code(std::fs::metadata(path("loop")).map(drop)), libc::ELOOP);
    assert_eq!(code(std::fs::metadata(path("file/under")).map(drop)), libc::ENOTDIR);
    assert_eq!(code(File::create_new(path("file")).map(drop)), libc::EEXIST);
    assert_eq!(code(std::fs::hard_link(path("folder"), path("other"))), libc::EPERM);
}

#[test]
fn a_whiteout_is_left_where_it_was() {
    let served = served();
    std::fs::write(served.path("from"), "text").unwrap();
    let (from, to) = (served.path("from"), served.path("to"));
    rustix::fs::renameat_with(CWD, &from, CWD, &to, RenameFlags::WHITEOUT).unwrap();
    assert_eq!(std::fs::read(&to).unwrap(), b"text");
    let left = std::fs::symlink_metadata(served.stored("from")).unwrap();
    assert!(left.file_type().is_char_device() && left.rdev() == 0);
    let both = RenameFlags::EXCHANGE | RenameFlags::NOREPLACE;
    assert_eq!(rustix::fs::renameat_with(CWD, &from, CWD, &to, both), Err(Errno::INVAL));
}

#[test]
fn file_systems_below_the_storage_keep_their_files_apart() {
    let storage = tempfile::tempdir().unwrap();
    let inner = ["one", "two"].map(|name| storage.path().join(name));
    inner.iter().for_each(|path| std::fs::create_dir(path).unwrap());
    let _mounted = inner.each_ref().map(|path| SmallStorage::new(path, "size=1m"));
    let mut served = Served::on(storage, &settings());
    // Two fresh file systems in memory number alike.
    for name in ["one/a", "two/a"] {
        std::fs::write(served.path(name), name).unwrap();
    }
    let stored = ["one/a", "two/a"].map(|name| std::fs::metadata(served.stored(name)).unwrap().ino());
    assert_eq!(stored[0], stored[1]);
    let number = |name: &str| std::fs::metadata(served.path(name)).unwrap().ino();
    let numbers = ["one", "two", "one/a", "two/a"].map(number);
    assert_eq!(std::collections::BTreeSet::from(numbers).len(), 4, "{numbers:x?}");
    for name in ["one/a", "two/a"] {
        assert_eq!(std::fs::read_to_string(served.path(name)).unwrap(), name);
    }
    // Names are listed with the number that the file has: the first by READDIRPLUS, those that follow by READDIR.
    for folder in ["one", "two"].map(|name| served.path(name)) {
        for other in 0..1000 {
            File::create(folder.join(format!("{other} has a name that takes its room in the reply")))
                .unwrap();
        }
        let entries: Vec<_> = std::fs::read_dir(&folder).unwrap().map(Result::unwrap).collect();
        assert_eq!(entries.len(), 1001);
        for entry in entries {
            assert_eq!(entry.ino(), entry.metadata().unwrap().ino(), "{entry:?}");
        }
    }
    let across = |result: std::io::Result<()>| result.unwrap_err().raw_os_error();
    assert_eq!(across(std::fs::rename(served.path("one/a"), served.path("two/b"))), Some(libc::EXDEV));
    assert_eq!(across(std::fs::hard_link(served.path("one/a"), served.path("b"))), Some(libc::EXDEV));
    std::fs::copy(served.path("one/a"), served.path("two/b")).unwrap();
    assert_eq!(std::fs::read_to_string(served.stored("two/b")).unwrap(), "one/a");
    // The same numbers after the kernel has forgotten them.
    eventually("all are forgotten", || {
        std::fs::write("/proc/sys/vm/drop_caches", "2").unwrap();
        served.held() == 1
    });
    assert_eq!(["one", "two", "one/a", "two/a"].map(number), numbers);
    assert!(served.take().by_operation.contains_key("READDIR"));
}

#[test]
fn an_entry_that_cannot_be_looked_up_hides_no_other() {
    // A mount whose server is gone cannot be looked up.
    let storage = tempfile::tempdir_in("/dev/shm").unwrap();
    let broken = Served::new(&lab_protocol::ServerSettings { attribute_timeout_ms: 0, ..settings() });
    std::fs::create_dir(storage.path().join("folder")).unwrap();
    for name in 0..50 {
        std::fs::create_dir(storage.path().join(format!("folder/{name}"))).unwrap();
    }
    let target = storage.path().join("folder/25");
    rustix::mount::mount_bind(broken.mount(), &target).unwrap();
    let _bound = Unmounted(&target);
    std::fs::write(FuseControl::new().file(&broken, "abort"), "1").unwrap();
    let mut served = Served::on(storage, &settings());
    // READDIRPLUS gives those before it; the others come with READDIR, without being looked up.
    let found: Vec<_> = std::fs::read_dir(served.path("folder")).unwrap().collect();
    assert!(found.iter().all(Result::is_ok), "{found:?}");
    assert_eq!(found.len(), 50);
    drop(found);
    let missing = std::fs::metadata(served.path("folder/25")).unwrap_err();
    assert_eq!(missing.raw_os_error(), Some(libc::ENOTCONN));
    assert!(served.take().by_operation.contains_key("READDIRPLUS"));
    eventually("all are forgotten", || {
        std::fs::write("/proc/sys/vm/drop_caches", "2").unwrap();
        served.held() == 1
    });
}

/// Takes a mount away when it goes.
struct Unmounted<'a>(&'a Path);

impl Drop for Unmounted<'_> {
    fn drop(&mut self) {
        let _ = rustix::mount::unmount(self.0, rustix::mount::UnmountFlags::DETACH);
    }
}
