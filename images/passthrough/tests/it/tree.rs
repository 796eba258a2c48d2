//! The tree of files: what is done through the mount is done to the storage.

use std::collections::BTreeSet;
use std::fs::{File, FileTimes, Permissions};
use std::io::Read;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use rustix::fs::{CWD, RenameFlags, XattrFlags};
use rustix::io::Errno;
use xshell::{Shell, cmd};

use crate::harness::{Served, eventually, settings};

/// On a disk, which has more kinds of attributes than memory.
fn served() -> Served {
    let passthrough = lab_protocol::Getxattr::Passthrough;
    let settings = lab_protocol::ServerSettings { getxattr: passthrough, ..settings() };
    Served::on(tempfile::tempdir().unwrap(), &settings)
}

/// Kind, mode, owner, links, size, time of change of the data and name of each object below a folder.
pub(crate) fn listing(sh: &Shell, folder: &Path) -> String {
    let format = "%y %m %U:%G %n %s %T@ %P -> %l\n";
    let mut lines: Vec<String> =
        cmd!(sh, "find {folder} -mindepth 1 ( -type d -printf '%y %m %U:%G %T@ %P\n' -o -printf {format} )")
            .read()
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect();
    lines.sort();
    lines.join("\n")
}

/// A small tree with one of everything that needs no device driver.
fn plant(folder: &Path) {
    std::fs::create_dir_all(folder.join("a/b/c")).unwrap();
    std::fs::write(folder.join("a/data"), vec![7; 300_000]).unwrap();
    std::fs::write(folder.join("a/b/empty"), "").unwrap();
    std::fs::write(folder.join("a/b/tool"), "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(folder.join("a/b/tool"), Permissions::from_mode(0o4751)).unwrap();
    std::fs::hard_link(folder.join("a/data"), folder.join("a/b/same")).unwrap();
    std::os::unix::fs::symlink("../data", folder.join("a/b/link")).unwrap();
    std::os::unix::fs::symlink("/nonexistent", folder.join("a/dangling")).unwrap();
    rustix::fs::mknodat(CWD, folder.join("a/pipe"), rustix::fs::FileType::Fifo, 0o640.into(), 0).unwrap();
    std::fs::set_permissions(folder.join("a/b/c"), Permissions::from_mode(0o1777)).unwrap();
    let old = FileTimes::new().set_modified(UNIX_EPOCH + Duration::new(1_000_000_000, 123_456_789));
    File::options().write(true).open(folder.join("a/b/empty")).unwrap().set_times(old).unwrap();
}

#[test]
fn a_copied_tree_is_the_same_and_goes_again() {
    let sh = Shell::new().unwrap();
    let (served, source) = (served(), tempfile::tempdir().unwrap());
    plant(source.path());
    let (from, to, stored) = (source.path().join("a"), served.path("a"), served.stored("a"));
    cmd!(sh, "cp -a {from} {to}").run().unwrap();
    // It calls two pipes different, whatever they are.
    cmd!(sh, "diff -r --no-dereference -x pipe {from} {to}").run().unwrap();
    let expected = listing(&sh, &from);
    assert_eq!(expected.lines().count(), 9, "{expected}");
    assert_eq!(listing(&sh, &to), expected);
    assert_eq!(listing(&sh, &stored), expected);
    assert_eq!(
        std::fs::metadata(to.join("data")).unwrap().ino(),
        std::fs::metadata(to.join("b/same")).unwrap().ino()
    );
    cmd!(sh, "rm -r {to}").run().unwrap();
    assert!(!stored.exists());
}

#[test]
fn renames_keep_their_flags() {
    let mut served = served();
    let (a, b) = (served.path("a"), served.path("b"));
    std::fs::write(&a, "a").unwrap();
    std::fs::write(&b, "b").unwrap();
    let rename = |flags| rustix::fs::renameat_with(CWD, &a, CWD, &b, flags);
    assert_eq!(rename(RenameFlags::NOREPLACE), Err(Errno::EXIST));
    rename(RenameFlags::EXCHANGE).unwrap();
    let stored = ["a", "b"].map(|name| served.stored(name));
    assert_eq!(stored.each_ref().map(|path| std::fs::read_to_string(path).unwrap()), ["b", "a"]);
    rename(RenameFlags::empty()).unwrap();
    assert_eq!(std::fs::read_to_string(&stored[1]).unwrap(), "b");
    assert!(!stored[0].exists() && !a.exists());
    let counted = served.take().by_operation;
    // The kernel refuses the first by itself.
    assert_eq!((counted["RENAME"], counted["RENAME2"]), (1, 1));
    // Into another folder, over nothing.
    std::fs::create_dir(served.path("folder")).unwrap();
    let there = served.path("folder/c");
    rustix::fs::renameat_with(CWD, &b, CWD, &there, RenameFlags::NOREPLACE).unwrap();
    assert_eq!(std::fs::read_to_string(served.stored("folder/c")).unwrap(), "b");
    assert_eq!(std::fs::rename(&b, &a).unwrap_err().raw_os_error(), Some(libc::ENOENT));
}

#[test]
fn attributes_are_set_and_seen_on_both_sides() {
    let served = served();
    let (path, stored) = (served.path("file"), served.stored("file"));
    let file = File::create(&path).unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(0o604)).unwrap();
    std::os::unix::fs::chown(&path, Some(12), Some(34)).unwrap();
    file.set_len(5000).unwrap();
    for seconds in [0, 1, 4_000_000_000] {
        let time = UNIX_EPOCH + Duration::new(seconds, 999_999_999);
        let times = FileTimes::new().set_modified(time).set_accessed(time + Duration::from_secs(1));
        file.set_times(times).unwrap();
        for path in [&path, &stored] {
            let found = std::fs::metadata(path).unwrap();
            assert_eq!((found.mode() & 0o7777, found.uid(), found.gid(), found.len()), (0o604, 12, 34, 5000));
            assert_eq!((found.mtime(), found.mtime_nsec()), (seconds as i64, 999_999_999));
            assert_eq!(found.atime(), seconds as i64 + 1);
        }
    }
    let name = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
    // SAFETY: the name is valid for the call. By name, so that the request comes without a handle.
    assert_eq!(unsafe { libc::truncate(name.as_ptr(), 10) }, 0);
    assert_eq!(std::fs::metadata(&stored).unwrap().len(), 10);
    std::fs::write(&path, "new").unwrap();
    assert_eq!(std::fs::read_to_string(&stored).unwrap(), "new");
    let (here, there) = (rustix::fs::statvfs(&path).unwrap(), rustix::fs::statvfs(&stored).unwrap());
    assert_eq!((here.f_blocks, here.f_frsize, here.f_files), (there.f_blocks, there.f_frsize, there.f_files));
}

#[test]
fn a_link_has_attributes_of_its_own() {
    let served = served();
    let (link, stored) = (served.path("link"), served.stored("link"));
    std::fs::write(served.path("target"), "text").unwrap();
    std::os::unix::fs::symlink("target", &link).unwrap();
    assert_eq!(std::fs::read_link(&link).unwrap(), Path::new("target"));
    assert_eq!(std::fs::read_to_string(&link).unwrap(), "text");
    std::os::unix::fs::lchown(&link, Some(5), None).unwrap();
    assert_eq!(std::fs::symlink_metadata(&stored).unwrap().uid(), 5);
    assert_eq!(std::fs::metadata(&stored).unwrap().uid(), 0);
    std::fs::hard_link(&link, served.path("link2")).unwrap();
    assert_eq!(std::fs::symlink_metadata(&stored).unwrap().nlink(), 2);
}

#[test]
fn extended_attributes_are_passed_on() {
    let served = served();
    let (path, stored) = (served.path("file"), served.stored("file"));
    File::create(&path).unwrap();
    let set = |value: &[u8], flags| rustix::fs::setxattr(&path, "user.name", value, flags);
    set(b"value", XattrFlags::CREATE).unwrap();
    assert_eq!(set(b"other", XattrFlags::CREATE), Err(Errno::EXIST));
    let mut value = [0; 64];
    for path in [&path, &stored] {
        assert_eq!(rustix::fs::getxattr(path, "user.name", &mut value[..]), Ok(5));
        assert_eq!(value[..5], *b"value");
        let length = rustix::fs::listxattr(path, &mut value[..]).unwrap();
        assert!(value[..length].split(|byte| *byte == 0).any(|name| name == b"user.name"));
    }
    assert_eq!(rustix::fs::getxattr(&path, "user.name", &mut value[..2]), Err(Errno::RANGE));
    assert_eq!(rustix::fs::getxattr_query(&path, "user.name"), Ok(5));
    rustix::fs::removexattr(&path, "user.name").unwrap();
    for path in [&path, &stored] {
        assert_eq!(rustix::fs::getxattr(path, "user.name", &mut value[..]), Err(Errno::NODATA));
    }
}

#[test]
fn special_files_are_made() {
    let served = served();
    let make =
        |name: &str, kind, device| rustix::fs::mknodat(CWD, served.path(name), kind, 0o600.into(), device);
    make("pipe", rustix::fs::FileType::Fifo, 0).unwrap();
    make("socket", rustix::fs::FileType::Socket, 0).unwrap();
    make("null", rustix::fs::FileType::CharacterDevice, rustix::fs::makedev(1, 3)).unwrap();
    let kind = |name: &str| std::fs::symlink_metadata(served.path(name)).unwrap();
    assert!(kind("pipe").file_type().is_fifo());
    assert!(kind("socket").file_type().is_socket());
    assert!(kind("null").file_type().is_char_device());
    assert_eq!(kind("null").rdev(), rustix::fs::makedev(1, 3));
    assert_eq!(std::fs::symlink_metadata(served.stored("null")).unwrap().rdev(), rustix::fs::makedev(1, 3));
}

#[test]
fn modes_follow_the_callers_umask_alone() {
    let sh = Shell::new().unwrap();
    let served = served();
    let folder = served.mount();
    cmd!(sh, "sh -c 'cd $0 && umask 027 && touch file && mkdir folder' {folder}").run().unwrap();
    cmd!(sh, "sh -c 'cd $0 && umask 0 && touch open' {folder}").run().unwrap();
    let mode = |name: &str| std::fs::metadata(served.stored(name)).unwrap().mode() & 0o7777;
    assert_eq!(["file", "folder", "open"].map(mode), [0o640, 0o750, 0o666]);
}

#[test]
fn large_folders_are_listed_whole_and_emptied() {
    let served = served();
    let names: BTreeSet<String> =
        (0..3000).map(|n| format!("a file with a name to fill the reply {n}")).collect();
    std::fs::create_dir(served.stored("folder")).unwrap();
    names.iter().for_each(|name| drop(File::create(served.stored("folder").join(name)).unwrap()));
    let list = || -> Vec<String> {
        let entries = std::fs::read_dir(served.path("folder")).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    for _ in 0..2 {
        let found = list();
        assert_eq!(found.len(), names.len());
        assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), names);
    }
    // Removing while reading must neither skip nor repeat.
    std::fs::remove_dir_all(served.path("folder")).unwrap();
    assert!(!served.stored("folder").exists());
}

#[test]
fn what_the_kernel_forgets_is_let_go() {
    let mut served = served();
    let before = served.held();
    for round in 0..3 {
        let names: Vec<String> = (0..400).map(|n| format!("{round}-{n}")).collect();
        names.iter().for_each(|name| std::fs::write(served.path(name), name).unwrap());
        let held = served.held();
        assert!(held >= before + 400, "{held} descriptors; {before} before");
        // Numbers of removed files are used again on the storage; each must stand for its own file.
        for name in &names {
            assert_eq!(std::fs::read_to_string(served.path(name)).unwrap(), *name);
        }
        names.iter().for_each(|name| std::fs::remove_file(served.path(name)).unwrap());
        eventually("descriptors are closed", || served.held() <= before);
    }
    let counts = served.take().by_operation;
    let of = |name: &str| counts.get(name).copied().unwrap_or_default();
    assert!((1..=1200).contains(&(of("FORGET") + of("BATCH_FORGET"))), "{counts:?}");
}

#[test]
fn a_removed_file_lives_until_it_is_closed() {
    let served = served();
    let before = served.held();
    let file = File::options().create_new(true).read(true).write(true).open(served.path("file")).unwrap();
    file.write_all_at(b"text", 0).unwrap();
    std::fs::remove_file(served.path("file")).unwrap();
    assert!(!served.stored("file").exists());
    // A new one of this name is another file.
    std::fs::write(served.path("file"), "other").unwrap();
    let mut text = String::new();
    (&file).read_to_string(&mut text).unwrap();
    assert_eq!((text.as_str(), file.metadata().unwrap().nlink()), ("text", 0));
    file.set_len(2).unwrap();
    assert_eq!(file.metadata().unwrap().len(), 2);
    drop(file);
    assert_eq!(std::fs::read_to_string(served.path("file")).unwrap(), "other");
    std::fs::remove_file(served.path("file")).unwrap();
    eventually("descriptors are closed", || served.held() <= before);
}

#[test]
fn what_is_changed_behind_the_server_is_seen_in_the_end() {
    let served = Served::new(&lab_protocol::ServerSettings { attribute_timeout_ms: 0, ..settings() });
    std::fs::write(served.stored("file"), "first").unwrap();
    assert_eq!(std::fs::read_to_string(served.path("file")).unwrap(), "first");
    std::fs::rename(served.stored("file"), served.stored("moved")).unwrap();
    std::fs::write(served.stored("file"), "second").unwrap();
    assert_eq!(std::fs::read_to_string(served.path("file")).unwrap(), "second");
    assert_eq!(std::fs::read_to_string(served.path("moved")).unwrap(), "first");
    std::fs::remove_file(served.stored("file")).unwrap();
    assert!(!served.path("file").exists());
}
