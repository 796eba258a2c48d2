//! Files as such: opening, truncating, allocating, offsets beyond 32 bits, times, and bits that writing takes away.

use std::fs::{File, Permissions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};

use lab_protocol::{OpenMode, ServerSettings};
use rustix::fs::{
    AtFlags, CWD, FallocateFlags, Mode, OFlags, SeekFrom, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT,
};
use rustix::io::Errno;
use rustix::thread::{CapabilitySet, CapabilitySets};

use crate::harness::{Served, SmallStorage, bytes, eventually, settings};

/// On a disk, in each way of opening and caching.
fn in_each_way() -> impl Iterator<Item = (String, Served)> {
    [
        ("buffered", settings()),
        ("per request", ServerSettings { open: OpenMode::PerRequest, ..settings() }),
        ("written back", ServerSettings { writeback_cache: true, ..settings() }),
        ("direct", ServerSettings { direct_io: true, ..settings() }),
    ]
    .into_iter()
    .map(|(name, settings)| (name.to_owned(), Served::on(tempfile::tempdir().unwrap(), &settings)))
}

#[test]
fn opening_truncates_if_asked() {
    for (way, served) in in_each_way() {
        let (path, stored) = (served.path("file"), served.stored("file"));
        for access in [OFlags::WRONLY, OFlags::RDWR, OFlags::RDONLY] {
            std::fs::write(&path, "long content").unwrap();
            let truncating = || {
                rustix::fs::openat(CWD, &path, access | OFlags::TRUNC | OFlags::CLOEXEC, Mode::empty())
                    .unwrap()
            };
            let file = truncating();
            assert_eq!(std::fs::metadata(&stored).unwrap().len(), 0, "{way}, {access:?}");
            if access != OFlags::RDONLY {
                rustix::io::pwrite(&file, b"short", 0).unwrap();
                rustix::fs::fsync(&file).unwrap();
                assert_eq!(std::fs::read(&stored).unwrap(), b"short", "{way}, {access:?}");
                drop(file);
            }
        }
        // What is not open for writing cannot be truncated by its handle.
        assert_eq!(rustix::fs::ftruncate(File::open(&path).unwrap(), 1), Err(Errno::INVAL), "{way}");
    }
}

#[test]
fn each_kind_of_allocation() {
    use FallocateFlags as Flags;
    let content = bytes(20_000, 1);
    let zeroed = |content: &[u8]| [&content[..4000], &[0; 8000], &content[12_000..]].concat();
    let grown = |content: &[u8]| [&content[..4000], &vec![0; 100_000]].concat();
    // Of offset 4000 and 8,000 or 100,000 bytes: what becomes of the content.
    let cases: [(Flags, u64, Result<Vec<u8>, Errno>); 9] = [
        (Flags::empty(), 8_000, Ok(content.clone())),
        (Flags::empty(), 100_000, Ok([&content[..], &vec![0; 84_000]].concat())),
        (Flags::KEEP_SIZE, 100_000, Ok(content.clone())),
        (Flags::PUNCH_HOLE | Flags::KEEP_SIZE, 8_000, Ok(zeroed(&content))),
        (Flags::ZERO_RANGE, 8_000, Ok(zeroed(&content))),
        (Flags::ZERO_RANGE, 100_000, Ok(grown(&content))),
        (Flags::ZERO_RANGE | Flags::KEEP_SIZE, 100_000, Ok(grown(&content)[..20_000].to_vec())),
        // The kernel's FUSE has no request for those that move data.
        (Flags::COLLAPSE_RANGE, 8_192, Err(Errno::OPNOTSUPP)),
        (Flags::INSERT_RANGE, 8_192, Err(Errno::OPNOTSUPP)),
    ];
    for (way, served) in in_each_way() {
        for (flags, length, expected) in &cases {
            std::fs::write(served.path("file"), &content).unwrap();
            let file = File::options().read(true).write(true).open(served.path("file")).unwrap();
            let done = rustix::fs::fallocate(&file, *flags, 4_000, *length);
            assert_eq!(done.err(), expected.as_ref().err().copied(), "{way}, {flags:?}");
            let left = expected.as_ref().unwrap_or(&content);
            assert!(std::fs::read(served.path("file")).unwrap() == *left, "{way}, {flags:?}, {length}");
            assert!(std::fs::read(served.stored("file")).unwrap() == *left, "{way}, {flags:?}, {length}");
        }
    }
}

#[test]
fn offsets_go_beyond_32_bits() {
    const FAR: u64 = (5 << 30) + 12_345;
    for (way, served) in in_each_way() {
        let options = File::options().read(true).write(true).create_new(true).clone();
        let file = options.open(served.path("file")).unwrap();
        file.write_all_at(b"far away", FAR).unwrap();
        file.sync_all().unwrap();
        let (here, there) = (file.metadata().unwrap(), std::fs::metadata(served.stored("file")).unwrap());
        assert_eq!((here.len(), there.len()), (FAR + 8, FAR + 8), "{way}");
        assert!((1..1000).contains(&there.blocks()), "{way}: {}", there.blocks());
        // Of pages that it has written back, the kernel asks for these once the attributes have expired.
        eventually("the blocks are counted", || file.metadata().unwrap().blocks() == there.blocks());
        let data = rustix::fs::seek(&file, SeekFrom::Data(0)).unwrap();
        assert!(data <= FAR && FAR - data < 65_536, "{way}: {data}");
        assert_eq!(rustix::fs::seek(&file, SeekFrom::Hole(FAR)), Ok(FAR + 8), "{way}");
        assert_eq!(rustix::fs::seek(&file, SeekFrom::Data(FAR + 8)), Err(Errno::NXIO), "{way}");
        let (mut from, mut to) = (FAR, 3 * FAR);
        let copied = rustix::fs::copy_file_range(&file, Some(&mut from), &file, Some(&mut to), 8);
        assert_eq!(copied, Ok(8), "{way}");
        rustix::fs::fallocate(&file, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, FAR, 4).unwrap();
        file.set_len(3 * FAR + 5).unwrap();
        let mut found = [1; 8];
        file.read_exact_at(&mut found, FAR).unwrap();
        assert_eq!(found, *b"\0\0\0\0away", "{way}");
        assert_eq!(file.read_at(&mut found, 3 * FAR).unwrap(), 5, "{way}");
        assert_eq!(found[..5], *b"far a", "{way}");
        file.sync_all().unwrap();
        let stored = File::open(served.stored("file")).unwrap();
        stored.read_exact_at(&mut found[..5], 3 * FAR).unwrap();
        assert_eq!(found[..5], *b"far a", "{way}");
    }
}

#[test]
fn times_are_kept_set_and_left_alone() {
    let omit = Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT };
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    let at = |tv_sec, tv_nsec| Timespec { tv_sec, tv_nsec };
    for (way, served) in in_each_way() {
        let (path, stored) = (served.path("file"), served.stored("file"));
        std::fs::write(&path, "text").unwrap();
        let set = |last_access, last_modification| {
            let times = Timestamps { last_access, last_modification };
            rustix::fs::utimensat(CWD, &path, &times, rustix::fs::AtFlags::empty()).unwrap();
            let seen = [&path, &stored].map(|path| {
                let found = std::fs::metadata(path).unwrap();
                [(found.atime(), found.atime_nsec()), (found.mtime(), found.mtime_nsec())]
            });
            assert_eq!(seen[0], seen[1], "{way}");
            seen[0]
        };
        assert_eq!(set(at(1, 2), at(3, 999_999_999)), [(1, 2), (3, 999_999_999)], "{way}");
        assert_eq!(set(omit, at(4, 0)), [(1, 2), (4, 0)], "{way}");
        assert_eq!(set(at(5, 0), omit), [(5, 0), (4, 0)], "{way}");
        // Before 1970, and after 2038.
        assert_eq!(set(at(-2, 5), at(1 << 32, 1)), [(-2, 5), (1 << 32, 1)], "{way}");
        let [accessed, modified] = set(now, at(6, 0));
        assert!(accessed.0 > 1_700_000_000 && modified == (6, 0), "{way}: {accessed:?}");
        let [accessed, modified] = set(at(7, 0), now);
        assert!(modified.0 > 1_700_000_000 && accessed == (7, 0), "{way}: {modified:?}");
        // Writing changes the time of the change, reading does not.
        set(at(8, 0), at(8, 0));
        std::fs::read(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mtime(), 8, "{way}");
        let file = File::options().write(true).open(&path).unwrap();
        let changed = std::fs::metadata(&path).unwrap();
        file.write_all_at(b"more", 4).unwrap();
        file.sync_all().unwrap();
        let found = file.metadata().unwrap();
        assert!(found.mtime() > 1_700_000_000 && found.ctime() >= changed.ctime(), "{way}");
        assert_eq!(std::fs::metadata(&stored).unwrap().mtime(), found.mtime(), "{way}");
        drop(file);
        assert_eq!(std::fs::metadata(&path).unwrap().mtime_nsec(), found.mtime_nsec(), "{way}");
    }
}

/// Runs `action` in a thread with the capabilities of root, or all but CAP_FSETID.
fn with_capabilities<T: Send>(taken: CapabilitySet, action: impl FnOnce() -> T + Send) -> T {
    let run = || {
        let before = rustix::thread::capabilities(None).unwrap();
        let effective = before.effective - taken;
        rustix::thread::set_capabilities(None, CapabilitySets { effective, ..before }).unwrap();
        action()
    };
    std::thread::scope(|scope| scope.spawn(run).join().unwrap())
}

#[test]
fn writing_takes_set_id_bits_from_who_may_not_keep_them() {
    for (way, served) in in_each_way() {
        for (taken, expected) in [
            (CapabilitySet::empty(), [0o6755, 0o6755, 0o6755]),
            (CapabilitySet::FSETID, [0o755, 0o755, 0o755]),
        ] {
            let found = ["write", "truncate", "write again"].map(|what| {
                std::fs::write(served.path("file"), "text").unwrap();
                std::fs::set_permissions(served.path("file"), Permissions::from_mode(0o6755)).unwrap();
                let file = File::options().read(true).write(true).open(served.path("file")).unwrap();
                with_capabilities(taken, || match what {
                    "truncate" => file.set_len(2).unwrap(),
                    _ => file.write_all_at(b"other", 0).unwrap(),
                });
                file.sync_all().unwrap();
                std::fs::metadata(served.stored("file")).unwrap().mode() & 0o7777
            });
            assert_eq!(found, expected, "{way}, without {taken:?}");
        }
        // A change of the owner does so for everybody.
        std::os::unix::fs::chown(served.path("file"), Some(5), Some(6)).unwrap();
        let found = std::fs::metadata(served.stored("file")).unwrap();
        assert_eq!((found.mode() & 0o7777, found.uid(), found.gid()), (0o755, 5, 6), "{way}");
    }
}

#[test]
fn a_full_storage_is_told_at_the_latest_by_fsync() {
    for (writeback_cache, told) in [(false, "write"), (true, "fsync")] {
        let folder = tempfile::tempdir().unwrap();
        let _small = SmallStorage::new(folder.path(), "size=192k");
        let served = Served::on(folder, &ServerSettings { writeback_cache, ..settings() });
        let file = File::create(served.path("file")).unwrap();
        // The last request has room for a part of it.
        let written = (0..3).try_for_each(|at| file.write_all_at(&bytes(80 << 10, at), at * (80 << 10)));
        let found = match written {
            Err(error) => ("write", error.raw_os_error()),
            Ok(()) => ("fsync", file.sync_all().err().and_then(|error| error.raw_os_error())),
        };
        assert_eq!(found, (told, Some(libc::ENOSPC)));
    }
}

#[test]
fn files_without_a_name_are_made_and_may_get_one() {
    let mut served = Served::new(&settings());
    let make = |flags| {
        let flags = libc::O_TMPFILE | flags;
        File::options().read(true).write(true).mode(0o640).custom_flags(flags).open(served.mount()).unwrap()
    };
    let file = make(0);
    file.write_all_at(b"text", 0).unwrap();
    assert_eq!(std::fs::read_dir(served.stored("")).unwrap().count(), 0);
    let by_descriptor = |file: &File| format!("/proc/self/fd/{}", file.as_raw_fd());
    let link = |file: &File, name: &str| {
        rustix::fs::linkat(CWD, by_descriptor(file), CWD, served.path(name), AtFlags::SYMLINK_FOLLOW)
    };
    assert_eq!(link(&file, "name"), Ok(()));
    assert_eq!(std::fs::read_to_string(served.stored("name")).unwrap(), "text");
    assert_eq!(std::fs::metadata(served.stored("name")).unwrap().permissions().mode() & 0o7777, 0o640);
    // O_EXCL: never.
    assert_eq!(link(&make(libc::O_EXCL), "other"), Err(Errno::NOENT));
    assert_eq!(served.take().by_operation["TMPFILE"], 2);
}

#[test]
fn folders_are_synced() {
    let mut served = Served::new(&settings());
    File::open(served.mount()).unwrap().sync_all().unwrap();
    File::open(served.mount()).unwrap().sync_data().unwrap();
    assert_eq!(served.take().by_operation["FSYNCDIR"], 2);
}
