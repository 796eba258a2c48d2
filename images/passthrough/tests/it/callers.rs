//! Several users on one mount: what belongs to whom, and who may do what. Each case is done on the storage itself, too, so
//! that what it expects is what Linux says.

use std::fs::Permissions;
use std::io::Write as _;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use expect_test::expect;
use lab_protocol::ServerSettings;
use rustix::fs::{
    Access, AtFlags, CWD, FileType, Gid, Mode, OFlags, RenameFlags, Timestamps, Uid, XattrFlags, openat,
};
use rustix::io::Errno;

use crate::harness::Served;
use crate::users::{ALICE, BOB, CAROL, ROOT, Said, TEAM, User, by_storage, plant, plant_folder, same, ways};

fn open(path: &Path, flags: OFlags) -> rustix::io::Result<std::os::fd::OwnedFd> {
    openat(CWD, path, flags | OFlags::CLOEXEC, Mode::from_raw_mode(0o666))
}

fn mkdir(path: &Path, mode: u32) -> rustix::io::Result<()> {
    rustix::fs::mkdir(path, Mode::from_raw_mode(mode))
}

fn chmod(path: &Path, mode: u32) -> rustix::io::Result<()> {
    rustix::fs::chmod(path, Mode::from_raw_mode(mode))
}

fn chown(path: &Path, owner: Option<u32>, group: Option<u32>) -> rustix::io::Result<()> {
    rustix::fs::chown(path, owner.map(Uid::from_raw), group.map(Gid::from_raw))
}

fn mknod(path: &Path, kind: FileType) -> rustix::io::Result<()> {
    rustix::fs::mknodat(CWD, path, kind, Mode::from_raw_mode(0o666), 0)
}

/// Makes one object of each kind, and says whose it is.
fn make_all(folder: &Path, who: User, said: &mut Said) {
    let at = |name: &str| folder.join(name);
    who.does(|| {
        said.tried("create", open(&at("create"), OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY));
        said.tried("mkdir", mkdir(&at("mkdir"), 0o777));
        said.tried("mkdir, with set-group-ID", mkdir(&at("mkdir-2"), 0o2777));
        said.tried("mknod", mknod(&at("mknod"), FileType::RegularFile));
        said.tried("mkfifo", mknod(&at("mkfifo"), FileType::Fifo));
        said.tried("socket", mknod(&at("socket"), FileType::Socket));
        said.tried("symlink", rustix::fs::symlink("nowhere", at("symlink")));
        let unnamed = open(folder, OFlags::TMPFILE | OFlags::RDWR);
        if let Ok(file) = &unnamed {
            let path = format!("/proc/self/fd/{}", file.as_raw_fd());
            let linked = rustix::fs::linkat(CWD, path, CWD, at("tmpfile"), AtFlags::SYMLINK_FOLLOW);
            said.tried("link of O_TMPFILE", linked);
        }
        said.tried("O_TMPFILE", unnamed);
        said.tried(
            "bind",
            std::os::unix::net::UnixListener::bind(at("bind"))
                .map_err(|error| Errno::from_io_error(&error).unwrap()),
        );
    });
    let mut names: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    for path in names {
        said.owner(path.file_name().unwrap().to_str().unwrap(), &path);
    }
}

#[test]
fn what_is_made_belongs_to_who_made_it() {
    same(
        &ways(),
        |folder, said| {
            plant_folder(&folder.join("open"), 0, 0, 0o777);
            make_all(&folder.join("open"), ALICE, said);
        },
        expect![[r#"
            create: ok
            mkdir: ok
            mkdir, with set-group-ID: ok
            mknod: ok
            mkfifo: ok
            socket: ok
            symlink: ok
            link of O_TMPFILE: ok
            O_TMPFILE: ok
            bind: ok
            bind: 1001:1001 140755
            create: 1001:1001 100644
            mkdir: 1001:1001 40755
            mkdir-2: 1001:1001 40755
            mkfifo: 1001:1001 10644
            mknod: 1001:1001 100644
            socket: 1001:1001 140644
            symlink: 1001:1001 120777
            tmpfile: 1001:1001 100644
        "#]],
    );
}

#[test]
fn the_umask_is_that_of_the_caller() {
    same(
        &ways(),
        |folder, said| {
            plant_folder(&folder.join("open"), 0, 0, 0o777);
            make_all(&folder.join("open"), CAROL, said);
        },
        expect![[r#"
            create: ok
            mkdir: ok
            mkdir, with set-group-ID: ok
            mknod: ok
            mkfifo: ok
            socket: ok
            symlink: ok
            link of O_TMPFILE: ok
            O_TMPFILE: ok
            bind: ok
            bind: 1003:1003 140750
            create: 1003:1003 100640
            mkdir: 1003:1003 40750
            mkdir-2: 1003:1003 40750
            mkfifo: 1003:1003 10640
            mknod: 1003:1003 100640
            socket: 1003:1003 140640
            symlink: 1003:1003 120777
            tmpfile: 1003:1003 100640
        "#]],
    );
}

#[test]
fn root_of_another_group_makes_for_that_group() {
    same(
        &ways(),
        |folder, said| {
            plant_folder(&folder.join("open"), 0, 0, 0o755);
            make_all(&folder.join("open"), User { group: 7, groups: &[], ..ROOT }, said);
        },
        expect![[r#"
            create: ok
            mkdir: ok
            mkdir, with set-group-ID: ok
            mknod: ok
            mkfifo: ok
            socket: ok
            symlink: ok
            link of O_TMPFILE: ok
            O_TMPFILE: ok
            bind: ok
            bind: 0:7 140755
            create: 0:7 100644
            mkdir: 0:7 40755
            mkdir-2: 0:7 40755
            mkfifo: 0:7 10644
            mknod: 0:7 100644
            socket: 0:7 140644
            symlink: 0:7 120777
            tmpfile: 0:7 100644
        "#]],
    );
}

#[test]
fn a_set_group_id_folder_gives_its_group() {
    same(
        &ways(),
        |folder, said| {
            plant_folder(&folder.join("team"), 0, TEAM, 0o2777);
            make_all(&folder.join("team"), ALICE, said);
            plant_folder(&folder.join("of-others"), 0, TEAM, 0o2777);
            make_all(&folder.join("of-others"), BOB, said);
        },
        expect![[r#"
            create: ok
            mkdir: ok
            mkdir, with set-group-ID: ok
            mknod: ok
            mkfifo: ok
            socket: ok
            symlink: ok
            link of O_TMPFILE: ok
            O_TMPFILE: ok
            bind: ok
            bind: 1001:2000 140755
            create: 1001:2000 100644
            mkdir: 1001:2000 42755
            mkdir-2: 1001:2000 42755
            mkfifo: 1001:2000 10644
            mknod: 1001:2000 100644
            socket: 1001:2000 140644
            symlink: 1001:2000 120777
            tmpfile: 1001:2000 100644
            create: ok
            mkdir: ok
            mkdir, with set-group-ID: ok
            mknod: ok
            mkfifo: ok
            socket: ok
            symlink: ok
            link of O_TMPFILE: ok
            O_TMPFILE: ok
            bind: ok
            bind: 1002:2000 140755
            create: 1002:2000 100644
            mkdir: 1002:2000 42755
            mkdir-2: 1002:2000 42755
            mkfifo: 1002:2000 10644
            mknod: 1002:2000 100644
            socket: 1002:2000 140644
            symlink: 1002:2000 120777
            tmpfile: 1002:2000 100644
        "#]],
    );
}

#[test]
fn set_group_id_on_a_new_file_is_for_members_only() {
    same(
        &ways(),
        |folder, said| {
            plant_folder(&folder.join("team"), 0, TEAM, 0o2777);
            for (name, who) in [("member", ALICE), ("other", BOB), ("root", ROOT)] {
                let path = folder.join("team").join(name);
                let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::CLOEXEC;
                said.tried(name, who.does(|| openat(CWD, &path, flags, Mode::from_raw_mode(0o2775))));
                said.owner(name, &path);
            }
        },
        expect![[r#"
            member: ok
            member: 1001:2000 102755
            other: ok
            other: 1002:2000 100755
            root: ok
            root: 0:2000 102755
        "#]],
    );
}

#[test]
fn the_mode_of_a_file_decides() {
    same(
        &ways(),
        |folder, said| {
            for mode in [0o600, 0o640, 0o604, 0o060, 0o006, 0o444, 0o222, 0o000] {
                let path = folder.join(format!("{mode:o}"));
                plant(&path, ALICE.user, TEAM, mode);
                for (name, who) in [("owner", ALICE), ("member", CAROL), ("other", BOB), ("root", ROOT)] {
                    let tried = who.does(|| {
                        [
                            ("reads", open(&path, OFlags::RDONLY).map(drop)),
                            ("writes", open(&path, OFlags::WRONLY).map(drop)),
                            ("does both", open(&path, OFlags::RDWR).map(drop)),
                            ("empties", open(&path, OFlags::WRONLY | OFlags::TRUNC).map(drop)),
                            ("may read", rustix::fs::access(&path, Access::READ_OK)),
                            ("may write", rustix::fs::access(&path, Access::WRITE_OK)),
                        ]
                    });
                    said.all(&format!("{mode:03o} {name}"), &tried);
                }
            }
        },
        expect![[r#"
            600 owner: ok: reads, writes, does both, empties, may read, may write
            600 member: EACCES: reads, writes, does both, empties, may read, may write
            600 other: EACCES: reads, writes, does both, empties, may read, may write
            600 root: ok: reads, writes, does both, empties, may read, may write
            640 owner: ok: reads, writes, does both, empties, may read, may write
            640 member: ok: reads, may read; EACCES: writes, does both, empties, may write
            640 other: EACCES: reads, writes, does both, empties, may read, may write
            640 root: ok: reads, writes, does both, empties, may read, may write
            604 owner: ok: reads, writes, does both, empties, may read, may write
            604 member: EACCES: reads, writes, does both, empties, may read, may write
            604 other: ok: reads, may read; EACCES: writes, does both, empties, may write
            604 root: ok: reads, writes, does both, empties, may read, may write
            060 owner: EACCES: reads, writes, does both, empties, may read, may write
            060 member: ok: reads, writes, does both, empties, may read, may write
            060 other: EACCES: reads, writes, does both, empties, may read, may write
            060 root: ok: reads, writes, does both, empties, may read, may write
            006 owner: EACCES: reads, writes, does both, empties, may read, may write
            006 member: EACCES: reads, writes, does both, empties, may read, may write
            006 other: ok: reads, writes, does both, empties, may read, may write
            006 root: ok: reads, writes, does both, empties, may read, may write
            444 owner: ok: reads, may read; EACCES: writes, does both, empties, may write
            444 member: ok: reads, may read; EACCES: writes, does both, empties, may write
            444 other: ok: reads, may read; EACCES: writes, does both, empties, may write
            444 root: ok: reads, writes, does both, empties, may read, may write
            222 owner: EACCES: reads, does both, may read; ok: writes, empties, may write
            222 member: EACCES: reads, does both, may read; ok: writes, empties, may write
            222 other: EACCES: reads, does both, may read; ok: writes, empties, may write
            222 root: ok: reads, writes, does both, empties, may read, may write
            000 owner: EACCES: reads, writes, does both, empties, may read, may write
            000 member: EACCES: reads, writes, does both, empties, may read, may write
            000 other: EACCES: reads, writes, does both, empties, may read, may write
            000 root: ok: reads, writes, does both, empties, may read, may write
        "#]],
    );
}

#[test]
fn a_folder_decides_about_its_names() {
    same(
        &ways(),
        |folder, said| {
            for mode in [0o755, 0o775, 0o777, 0o1777, 0o733, 0o744, 0o711] {
                let inner = folder.join(format!("{mode:o}"));
                plant_folder(&inner, ALICE.user, TEAM, mode);
                let at = |name: &str| inner.join(name);
                ["renamed", "linked", "read"]
                    .iter()
                    .for_each(|name| plant(&at(name), ALICE.user, TEAM, 0o666));
                for (name, who) in [("other", BOB), ("member", CAROL), ("owner", ALICE)] {
                    plant(&at("removed"), ALICE.user, TEAM, 0o666);
                    let _ = std::fs::remove_dir(at("folder"));
                    plant_folder(&at("folder"), ALICE.user, TEAM, 0o777);
                    let [new, link, to] = ["new", "link", "to"].map(|of| at(&format!("{name}-{of}")));
                    let tried = who.does(|| {
                        let renamed = rename(&at("renamed"), &to);
                        if renamed.is_ok() {
                            // Back, for the next.
                            rename(&to, &at("renamed")).unwrap();
                        }
                        [
                            ("lists", std::fs::read_dir(&inner).map_err(os).map(drop)),
                            ("reads", open(&at("read"), OFlags::RDONLY).map(drop)),
                            ("looks", rustix::fs::stat(at("read")).map(drop)),
                            ("creates", open(&new, OFlags::CREATE | OFlags::WRONLY).map(drop)),
                            ("enters", rustix::process::chdir(&inner)),
                            ("links", rustix::fs::link(at("linked"), &link)),
                            ("renames", renamed),
                            ("removes", rustix::fs::unlink(at("removed"))),
                            ("removes the folder", rustix::fs::rmdir(at("folder"))),
                        ]
                    });
                    said.all(&format!("{mode:o} {name}"), &tried);
                }
            }
        },
        expect![[r#"
            755 other: ok: lists, reads, looks, enters; EACCES: creates, links, renames, removes, removes the folder
            755 member: ok: lists, reads, looks, enters; EACCES: creates, links, renames, removes, removes the folder
            755 owner: ok: lists, reads, looks, creates, enters, links, renames, removes, removes the folder
            775 other: ok: lists, reads, looks, enters; EACCES: creates, links, renames, removes, removes the folder
            775 member: ok: lists, reads, looks, creates, enters, links, renames, removes, removes the folder
            775 owner: ok: lists, reads, looks, creates, enters, links, renames, removes, removes the folder
            777 other: ok: lists, reads, looks, creates, enters, links, renames, removes, removes the folder
            777 member: ok: lists, reads, looks, creates, enters, links, renames, removes, removes the folder
            777 owner: ok: lists, reads, looks, creates, enters, links, renames, removes, removes the folder
            1777 other: ok: lists, reads, looks, creates, enters, links; EPERM: renames, removes, removes the folder
            1777 member: ok: lists, reads, looks, creates, enters, links; EPERM: renames, removes, removes the folder
            1777 owner: ok: lists, reads, looks, creates, enters, links, renames, removes, removes the folder
            733 other: EACCES: lists; ok: reads, looks, creates, enters, links, renames, removes, removes the folder
            733 member: EACCES: lists; ok: reads, looks, creates, enters, links, renames, removes, removes the folder
            733 owner: ok: lists, reads, looks, creates, enters, links, renames, removes, removes the folder
            744 other: ok: lists; EACCES: reads, looks, creates, enters, links, renames, removes, removes the folder
            744 member: ok: lists; EACCES: reads, looks, creates, enters, links, renames, removes, removes the folder
            744 owner: ok: lists, reads, looks, creates, enters, links, renames, removes, removes the folder
            711 other: EACCES: lists, creates, links, renames, removes, removes the folder; ok: reads, looks, enters
            711 member: EACCES: lists, creates, links, renames, removes, removes the folder; ok: reads, looks, enters
            711 owner: ok: lists, reads, looks, creates, enters, links, renames, removes, removes the folder
        "#]],
    );
}

fn rename(from: &Path, to: &Path) -> rustix::io::Result<()> {
    rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)
}

fn os(error: std::io::Error) -> Errno {
    Errno::from_io_error(&error).unwrap()
}

#[test]
fn attributes_are_changed_by_who_may() {
    same(
        &ways(),
        |folder, said| {
            let path = folder.join("file");
            for (name, who) in [("owner", ALICE), ("member", CAROL), ("other", BOB), ("root", ROOT)] {
                plant(&path, ALICE.user, TEAM, 0o664);
                let tried = who.does(|| {
                    let set = |name| rustix::fs::setxattr(&path, name, b"b", XattrFlags::empty());
                    let writer = std::fs::File::options().write(true).open(&path).map_err(os);
                    [
                        ("sets the mode", chmod(&path, 0o660).and_then(|()| chmod(&path, 0o664))),
                        ("gives it away", chown(&path, Some(BOB.user), None)),
                        ("gives it to the own group", chown(&path, None, Some(who.group))),
                        ("gives it to the team", chown(&path, None, Some(TEAM))),
                        ("gives it to a group of others", chown(&path, None, Some(77))),
                        ("sets the times", set_times(&path, 5)),
                        ("sets them to now", set_times(&path, rustix::fs::UTIME_NOW)),
                        ("cuts it", writer.and_then(|file| file.set_len(2).map_err(os))),
                        ("cuts it by name", truncate(&path, 1)),
                        ("sets an attribute", set("user.a")),
                        ("reads it", rustix::fs::getxattr(&path, "user.a", &mut [0_u8; 9][..]).map(drop)),
                        ("removes it", rustix::fs::removexattr(&path, "user.a")),
                        ("sets a trusted one", set("trusted.a")),
                    ]
                });
                said.all(name, &tried);
                said.owner(name, &path);
            }
        },
        expect![[r#"
            owner: ok: sets the mode, gives it to the own group, gives it to the team, sets the times, sets them to now, cuts it, cuts it by name, sets an attribute, reads it, removes it; EPERM: gives it away, gives it to a group of others, sets a trusted one
            owner: 1001:2000 100664
            member: EPERM: sets the mode, gives it away, gives it to the own group, gives it to the team, gives it to a group of others, sets the times, sets a trusted one; ok: sets them to now, cuts it, cuts it by name, sets an attribute, reads it, removes it
            member: 1001:2000 100664
            other: EPERM: sets the mode, gives it away, gives it to the own group, gives it to the team, gives it to a group of others, sets the times, sets a trusted one; EACCES: sets them to now, cuts it, cuts it by name, sets an attribute, removes it; ENODATA: reads it
            other: 1001:2000 100664
            root: ok: sets the mode, gives it away, gives it to the own group, gives it to the team, gives it to a group of others, sets the times, sets them to now, cuts it, cuts it by name, sets an attribute, reads it, removes it, sets a trusted one
            root: 1002:77 100664
        "#]],
    );
}

fn set_times(path: &Path, nanoseconds: i64) -> rustix::io::Result<()> {
    rustix::fs::utimensat(CWD, path, &times(nanoseconds), AtFlags::empty())
}

fn times(nanoseconds: i64) -> Timestamps {
    let time = rustix::fs::Timespec { tv_sec: 1, tv_nsec: nanoseconds };
    Timestamps { last_access: time, last_modification: time }
}

/// truncate(2), which has no function of its own.
fn truncate(path: &Path, size: i64) -> rustix::io::Result<()> {
    let path = std::ffi::CString::new(path.as_os_str().as_encoded_bytes()).unwrap();
    // SAFETY: the text ends with a zero.
    match unsafe { libc::truncate(path.as_ptr(), size) } {
        0 => Ok(()),
        _ => Err(os(std::io::Error::last_os_error())),
    }
}

/// As inode(7), chown(2) and write(2) have it. A set-group-ID bit without the permission to execute is left out: Linux takes
/// it from who is not of the group, and FUSE from nobody.
#[test]
fn set_id_bits_go_with_what_is_changed() {
    type Change<'a> = (&'a str, Box<dyn Fn() -> rustix::io::Result<()> + Sync + 'a>);
    same(
        &ways(),
        |folder, said| {
            let path = folder.join("file");
            for (name, who) in [("owner", ALICE), ("member", CAROL), ("other", BOB), ("root", ROOT)] {
                let changes: [Change<'_>; 6] = [
                    ("writes", Box::new(|| std::fs::write(&path, "new").map_err(os))),
                    ("appends", Box::new(|| append(&path))),
                    ("cuts", Box::new(|| truncate(&path, 1))),
                    ("changes the group", Box::new(|| chown(&path, None, Some(who.group)))),
                    ("changes nothing", Box::new(|| chown(&path, None, Some(TEAM)))),
                    ("sets the bits", Box::new(|| chmod(&path, 0o6755))),
                ];
                for (what, change) in &changes {
                    let _ = std::fs::remove_file(&path);
                    plant(&path, ALICE.user, TEAM, 0o6777);
                    let outcome = who.does(change);
                    said.tried_on(&format!("{name} {what}"), outcome, &path);
                }
            }
            plant_folder(&folder.join("folder"), ALICE.user, TEAM, 0o2775);
            said.tried("folder", ALICE.does(|| chown(&folder.join("folder"), None, Some(ALICE.group))));
            said.owner("folder", &folder.join("folder"));
        },
        expect![[r#"
            owner writes: ok: 1001:2000 100777
            owner appends: ok: 1001:2000 100777
            owner cuts: ok: 1001:2000 100777
            owner changes the group: ok: 1001:1001 100777
            owner changes nothing: ok: 1001:2000 100777
            owner sets the bits: ok: 1001:2000 106755
            member writes: ok: 1001:2000 100777
            member appends: ok: 1001:2000 100777
            member cuts: ok: 1001:2000 100777
            member changes the group: EPERM: 1001:2000 106777
            member changes nothing: EPERM: 1001:2000 106777
            member sets the bits: EPERM: 1001:2000 106777
            other writes: ok: 1001:2000 100777
            other appends: ok: 1001:2000 100777
            other cuts: ok: 1001:2000 100777
            other changes the group: EPERM: 1001:2000 106777
            other changes nothing: EPERM: 1001:2000 106777
            other sets the bits: EPERM: 1001:2000 106777
            root writes: ok: 1001:2000 106777
            root appends: ok: 1001:2000 106777
            root cuts: ok: 1001:2000 106777
            root changes the group: ok: 1001:0 100777
            root changes nothing: ok: 1001:2000 100777
            root sets the bits: ok: 1001:2000 106755
            folder: ok
            folder: 1001:1001 42775
        "#]],
    );
}

fn append(path: &Path) -> rustix::io::Result<()> {
    let mut file = std::fs::File::options().append(true).open(path).map_err(os)?;
    file.write_all(b"more").map_err(os)
}

/// A file that may be executed and not read is executed; one that may be read and not executed is not.
#[test]
fn execution_needs_its_own_permission() {
    for settings in ways() {
        let served = Served::new(&settings);
        std::fs::set_permissions(served.mount(), Permissions::from_mode(0o755)).unwrap();
        std::fs::copy("/bin/true", served.path("true")).unwrap();
        for (mode, expected) in [(0o711, Some(0)), (0o744, None), (0o755, Some(0)), (0o700, None)] {
            std::fs::set_permissions(served.path("true"), Permissions::from_mode(mode)).unwrap();
            let program = served.path("true");
            #[expect(clippy::disallowed_methods, reason = "started by another user's thread")]
            let found =
                BOB.does(|| std::process::Command::new(&program).status().map(|status| status.code()));
            match expected {
                Some(code) => assert_eq!(found.unwrap(), Some(code), "{mode:o} {settings:?}"),
                None => assert_eq!(os(found.unwrap_err()), Errno::ACCESS, "{mode:o} {settings:?}"),
            }
        }
    }
}

/// Permissions are asked for when a file is opened, and not afterwards.
#[test]
fn what_is_open_stays_usable() {
    for settings in ways() {
        let served = Served::new(&settings);
        std::fs::set_permissions(served.mount(), Permissions::from_mode(0o777)).unwrap();
        let path = served.path("file");
        ALICE.does(|| {
            // Without any permission from the begin, as with O_TMPFILE and a lock file.
            let file =
                openat(CWD, &path, OFlags::CREATE | OFlags::EXCL | OFlags::RDWR, Mode::empty()).unwrap();
            assert_eq!(rustix::io::pwrite(&file, b"content", 0), Ok(7), "{settings:?}");
            rustix::fs::fsync(&file).unwrap();
            rustix::fs::ftruncate(&file, 4).unwrap();
            rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, 5).unwrap();
            let mut found = [0; 5];
            assert_eq!(rustix::io::pread(&file, &mut found, 0), Ok(5), "{settings:?}");
            assert_eq!(&found, b"cont\0");
            assert_eq!(
                rustix::fs::open(&path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).unwrap_err(),
                Errno::ACCESS
            );
        });
        // One that may be written only.
        plant(&served.path("drop"), 0, 0, 0o222);
        BOB.does(|| {
            let file = open(&served.path("drop"), OFlags::WRONLY).unwrap();
            assert_eq!(rustix::io::pwrite(&file, b"xy", 1), Ok(2), "{settings:?}");
            assert_eq!(rustix::io::pread(&file, &mut [0; 5], 0), Err(Errno::BADF));
        });
        assert_eq!(std::fs::read(served.path("drop")).unwrap(), b"txyt", "{settings:?}");
    }
}

/// What the kernel has looked up for one user is known to all until the time is over: so says the page.
#[test]
fn names_are_kept_from_others_if_they_are_not_trusted() {
    for (entry_timeout_ms, expected) in [(0, Err(Errno::ACCESS)), (3_600_000, Ok(4))] {
        let settings = ServerSettings { entry_timeout_ms: Some(entry_timeout_ms), ..by_storage() };
        let served = Served::new(&settings);
        std::fs::set_permissions(served.mount(), Permissions::from_mode(0o755)).unwrap();
        plant_folder(&served.path("closed"), ALICE.user, ALICE.group, 0o700);
        plant(&served.path("closed/file"), ALICE.user, ALICE.group, 0o644);
        let path = served.path("closed/file");
        ALICE.does(|| rustix::fs::stat(&path)).unwrap();
        assert_eq!(
            BOB.does(|| rustix::fs::stat(&path).map(|stat| stat.st_size)),
            expected,
            "{entry_timeout_ms}"
        );
    }
}
