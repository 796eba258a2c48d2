//! Access control lists (acl(5)): of files, and of folders for what is made in them.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use expect_test::expect;
use lab_protocol::ServerSettings;
use rustix::fs::{Access, CWD, FileType, Mode, OFlags, XattrFlags};
use rustix::io::{Errno, Result};

use crate::harness::Served;
use crate::users::{
    ALICE, BOB, CAROL, ROOT, Said, TEAM, User, by_kernel, plant, plant_folder, same, ways_with_lists,
};

/// The list of who may access a file.
const ACCESS: &str = "system.posix_acl_access";

/// The list that what is made in a folder gets.
const DEFAULT: &str = "system.posix_acl_default";

/// The version of the form that the kernel has for lists.
const VERSION: u32 = 2;

/// The kinds of entries, with the letters that setfacl(1) has for them.
const TAGS: [(&str, u16, Named); 6] = [
    ("u:", 1, Named::No),
    ("u:", 2, Named::Yes),
    ("g:", 4, Named::No),
    ("g:", 8, Named::Yes),
    ("m:", 0x10, Named::No),
    ("o:", 0x20, Named::No),
];

/// Whether an entry is about a certain user or group.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    Yes,
    No,
}

/// `u::6 u:1002:4 g::0 m::6 o::0` in the kernel's form.
fn list(text: &str) -> Vec<u8> {
    let mut bytes = VERSION.to_ne_bytes().to_vec();
    for entry in text.split(' ') {
        let parts: Vec<&str> = entry.split(':').collect();
        let named = if parts[1].is_empty() { Named::No } else { Named::Yes };
        let is_it = |(letter, _, of): &&(&str, u16, Named)| letter.starts_with(parts[0]) && *of == named;
        let (_, tag, _) = TAGS.iter().find(is_it).unwrap();
        let id: u32 = parts[1].parse().unwrap_or(u32::MAX);
        bytes.extend(tag.to_ne_bytes());
        bytes.extend(parts[2].parse::<u16>().unwrap().to_ne_bytes());
        bytes.extend(id.to_ne_bytes());
    }
    bytes
}

/// The same back.
fn text(bytes: &[u8]) -> String {
    let entry = |entry: &[u8]| {
        let tag = u16::from_ne_bytes([entry[0], entry[1]]);
        let (letter, _, named) = TAGS.iter().find(|(_, known, _)| *known == tag).unwrap();
        let id = u32::from_ne_bytes(entry[4..8].try_into().unwrap());
        let id = if *named == Named::Yes { id.to_string() } else { String::new() };
        format!("{letter}{id}:{}", u16::from_ne_bytes([entry[2], entry[3]]))
    };
    bytes[4..].chunks(8).map(entry).collect::<Vec<_>>().join(" ")
}

fn set(path: &Path, name: &str, entries: &str) -> Result<()> {
    rustix::fs::setxattr(path, name, &list(entries), XattrFlags::empty())
}

fn get(path: &Path, name: &str) -> String {
    let mut bytes = [0; 256];
    match rustix::fs::getxattr(path, name, &mut bytes[..]) {
        Ok(length) => text(&bytes[..length]),
        Err(Errno::NODATA) => "none".to_owned(),
        Err(error) => format!("{error:?}"),
    }
}

fn open(path: &Path, flags: OFlags) -> Result<()> {
    rustix::fs::open(path, flags | OFlags::CLOEXEC, Mode::from_raw_mode(0o666)).map(drop)
}

/// Says what everybody may do with a file.
fn ask_all(said: &mut Said, about: &str, path: &Path) {
    let mode = std::fs::metadata(path).unwrap().mode() & 0o7777;
    said.line(&format!("{about}: {mode:o}, list {}", get(path, ACCESS)));
    for (name, who) in [("alice", ALICE), ("bob", BOB), ("carol", CAROL)] {
        let tried = who.does(|| {
            [
                ("reads", open(path, OFlags::RDONLY)),
                ("writes", open(path, OFlags::WRONLY)),
                ("may read", rustix::fs::access(path, Access::READ_OK)),
                ("may write", rustix::fs::access(path, Access::WRITE_OK)),
            ]
        });
        said.all(name, &tried);
    }
}

#[test]
fn a_list_decides_and_its_mask_limits() {
    same(
        &ways_with_lists(),
        |folder, said| {
            let path = folder.join("file");
            plant(&path, ALICE.user, ALICE.group, 0o640);
            ask_all(said, "no list", &path);
            set(&path, ACCESS, "u::6 u:1002:6 g::4 g:2000:4 m::6 o::0").unwrap();
            ask_all(said, "bob and the team", &path);
            set(&path, ACCESS, "u::6 u:1002:6 g::4 g:2000:4 m::4 o::0").unwrap();
            ask_all(said, "masked", &path);
            ALICE.does(|| rustix::fs::chmod(&path, Mode::from_raw_mode(0o602))).unwrap();
            ask_all(said, "with a mode that masks all", &path);
            set(&path, ACCESS, "u::6 u:1002:0 g::4 m::4 o::6").unwrap();
            ask_all(said, "bob alone not", &path);
            rustix::fs::removexattr(&path, ACCESS).unwrap();
            ask_all(said, "removed", &path);
        },
        expect![[r#"
            no list: 640, list none
            alice: ok: reads, writes, may read, may write
            bob: EACCES: reads, writes, may read, may write
            carol: EACCES: reads, writes, may read, may write
            bob and the team: 660, list u::6 u:1002:6 g::4 g:2000:4 m::6 o::0
            alice: ok: reads, writes, may read, may write
            bob: ok: reads, writes, may read, may write
            carol: ok: reads, may read; EACCES: writes, may write
            masked: 640, list u::6 u:1002:6 g::4 g:2000:4 m::4 o::0
            alice: ok: reads, writes, may read, may write
            bob: ok: reads, may read; EACCES: writes, may write
            carol: ok: reads, may read; EACCES: writes, may write
            with a mode that masks all: 602, list u::6 u:1002:6 g::4 g:2000:4 m::0 o::2
            alice: ok: reads, writes, may read, may write
            bob: EACCES: reads, may read; ok: writes, may write
            carol: EACCES: reads, may read; ok: writes, may write
            bob alone not: 646, list u::6 u:1002:0 g::4 m::4 o::6
            alice: ok: reads, writes, may read, may write
            bob: EACCES: reads, writes, may read, may write
            carol: ok: reads, writes, may read, may write
            removed: 646, list none
            alice: ok: reads, writes, may read, may write
            bob: ok: reads, writes, may read, may write
            carol: ok: reads, writes, may read, may write
        "#]],
    );
}

#[test]
fn a_list_is_set_by_the_owner() {
    same(
        &ways_with_lists(),
        |folder, said| {
            let path = folder.join("file");
            plant(&path, ALICE.user, TEAM, 0o666);
            for (name, who) in [("bob", BOB), ("carol", CAROL), ("alice", ALICE), ("root", ROOT)] {
                let tried = who.does(|| {
                    [
                        ("sets a list", set(&path, ACCESS, "u::6 u:1002:6 g::6 m::6 o::6")),
                        ("removes it", rustix::fs::removexattr(&path, ACCESS)),
                    ]
                });
                said.all(name, &tried);
            }
        },
        expect![[r#"
            bob: EPERM: sets a list, removes it
            carol: EPERM: sets a list, removes it
            alice: ok: sets a list, removes it
            root: ok: sets a list, removes it
        "#]],
    );
}

/// As chmod(2) does: the bit would let others act as a group that the owner is not in.
#[test]
fn a_list_takes_set_group_id_from_who_is_not_of_the_group() {
    same(
        &ways_with_lists(),
        |folder, said| {
            let path = folder.join("file");
            for (name, who, group) in [("member", ALICE, TEAM), ("no member", ALICE, 77), ("root", ROOT, 77)]
            {
                let _ = std::fs::remove_file(&path);
                plant(&path, ALICE.user, group, 0o2775);
                let set = who.does(|| set(&path, ACCESS, "u::7 u:1002:4 g::7 m::7 o::5"));
                said.tried_on(name, set, &path);
            }
        },
        expect![[r#"
            member: ok: 1001:2000 102775
            no member: ok: 1001:77 100775
            root: ok: 1001:77 102775
        "#]],
    );
}

/// Makes objects in a folder, and says what modes and lists they have.
fn make(folder: &Path, who: User, said: &mut Said) {
    let names = ["file", "private", "folder", "fifo", "unnamed"].map(|name| folder.join(name));
    who.does(|| {
        let [file, private, inner, fifo, unnamed] = &names;
        let create = |path, mode| {
            rustix::fs::open(
                path,
                OFlags::CREATE | OFlags::WRONLY | OFlags::CLOEXEC,
                Mode::from_raw_mode(mode),
            )
            .map(drop)
        };
        create(file, 0o666).unwrap();
        create(private, 0o600).unwrap();
        rustix::fs::mkdir(inner, Mode::from_raw_mode(0o777)).unwrap();
        rustix::fs::mknodat(CWD, fifo, FileType::Fifo, Mode::from_raw_mode(0o666), 0).unwrap();
        let flags = OFlags::TMPFILE | OFlags::RDWR;
        let file = rustix::fs::open(folder, flags | OFlags::CLOEXEC, Mode::from_raw_mode(0o666)).unwrap();
        let by_descriptor = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file));
        rustix::fs::linkat(CWD, by_descriptor, CWD, unnamed, rustix::fs::AtFlags::SYMLINK_FOLLOW).unwrap();
    });
    for path in &names {
        said.owner(path.file_name().unwrap().to_str().unwrap(), path);
        said.line(&format!("  {}; {}", get(path, ACCESS), get(path, DEFAULT)));
    }
}

#[test]
fn what_is_made_gets_the_list_of_its_folder_instead_of_the_umask() {
    same(
        &ways_with_lists(),
        |folder, said| {
            for (name, entries) in [
                ("without", None),
                ("plain", Some("u::7 g::7 o::7")),
                ("named", Some("u::7 u:1002:7 g::5 m::7 o::0")),
            ] {
                let inner = folder.join(name);
                plant_folder(&inner, 0, 0, 0o777);
                if let Some(entries) = entries {
                    set(&inner, DEFAULT, entries).unwrap();
                }
                said.line(&format!("in the folder {name}, {}", get(&inner, DEFAULT)));
                make(&inner, CAROL, said);
            }
        },
        expect![[r#"
            in the folder without, none
            file: 1003:1003 100640
              none; none
            private: 1003:1003 100600
              none; none
            folder: 1003:1003 40750
              none; none
            fifo: 1003:1003 10640
              none; none
            unnamed: 1003:1003 100640
              none; none
            in the folder plain, u::7 g::7 o::7
            file: 1003:1003 100666
              none; none
            private: 1003:1003 100600
              none; none
            folder: 1003:1003 40777
              none; u::7 g::7 o::7
            fifo: 1003:1003 10666
              none; none
            unnamed: 1003:1003 100666
              none; none
            in the folder named, u::7 u:1002:7 g::5 m::7 o::0
            file: 1003:1003 100660
              u::6 u:1002:7 g::5 m::6 o::0; none
            private: 1003:1003 100600
              u::6 u:1002:7 g::5 m::0 o::0; none
            folder: 1003:1003 40770
              u::7 u:1002:7 g::5 m::7 o::0; u::7 u:1002:7 g::5 m::7 o::0
            fifo: 1003:1003 10660
              u::6 u:1002:7 g::5 m::6 o::0; none
            unnamed: 1003:1003 100660
              u::6 u:1002:7 g::5 m::6 o::0; none
        "#]],
    );
}

/// Lists of the storage are no business of a kernel that was not told of them: it lets in whom the mode lets in.
#[test]
fn without_the_setting_the_kernel_asks_for_no_list() {
    for (posix_acl, expected) in [(false, Ok(())), (true, Err(Errno::ACCESS))] {
        let served = Served::new(&ServerSettings { posix_acl, ..by_kernel() });
        let path = served.path("file");
        rustix::fs::chmod(served.mount(), Mode::from_raw_mode(0o755)).unwrap();
        plant(&path, ALICE.user, ALICE.group, 0o644);
        set(&path, ACCESS, "u::6 u:1002:0 g::4 m::4 o::4").unwrap();
        assert_eq!(get(&served.stored("file"), ACCESS), "u::6 u:1002:0 g::4 m::4 o::4");
        assert_eq!(BOB.does(|| open(&path, OFlags::RDONLY)), expected, "{posix_acl}");
    }
}
