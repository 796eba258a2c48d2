//! Flags of FUSE_INIT and OPEN by name, each by what the kernel does because of it.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::io::Read as _;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};

use lab_protocol::log::LogRecord;
use lab_protocol::{Effect, Fault, InitWish, OpenWish, Operation, ServerSettings, Times};
use rustix::fs::{FileType, OFlags, RawDir, SeekFrom};

use crate::harness::{Aligned, Served, bytes, eventually, in_time, open_direct, reaches, settings};

const MIB: usize = 1 << 20;

fn with_init(flags: &[&str]) -> ServerSettings {
    let init_flags = flags.iter().map(|flag| flag.parse::<InitWish>().unwrap()).collect();
    ServerSettings { init_flags, ..settings() }
}

fn with_open(flags: &[&str]) -> ServerSettings {
    let open_flags = flags.iter().map(|flag| flag.parse::<OpenWish>().unwrap()).collect();
    ServerSettings { open_flags, ..settings() }
}

/// How often the server was asked for something since the last call.
fn asked(served: &mut Served) -> BTreeMap<String, u64> {
    served.take().by_operation
}

fn count(asked: &BTreeMap<String, u64>, operation: &str) -> u64 {
    asked.get(operation).copied().unwrap_or_default()
}

#[test]
fn what_was_offered_and_agreed_is_told_by_name() {
    let served = Served::new(&with_init(&["CACHE_SYMLINKS", "-ASYNC_READ"]));
    let told = &served.negotiated;
    let has = |list: &[String], name: &str| list.iter().any(|flag| flag == name);
    for (name, offered, in_force) in [
        ("CACHE_SYMLINKS", true, true),
        ("ASYNC_READ", true, false),
        ("PARALLEL_DIROPS", true, true),
        ("NO_OPEN_SUPPORT", true, false),
        // For virtio-fs only.
        ("MAP_ALIGNMENT", false, false),
    ] {
        let found = (has(&told.flags_offered, name), has(&told.flags_in_force, name));
        assert_eq!(found, (offered, in_force), "{name}: {told:?}");
    }
    assert!(told.refused.is_empty(), "{told:?}");
    let wanting = Served::new(&with_init(&["FILE_OPS"]));
    assert_eq!(wanting.negotiated.refused, ["FILE_OPS is not offered by this kernel as it is configured"]);
}

#[test]
fn without_async_read_one_read_ahead_is_sent_at_a_time() {
    let slow = |settings: ServerSettings| settings.with_latency_us(20_000);
    for (settings, most) in [(slow(settings()), 2), (slow(with_init(&["-ASYNC_READ"])), 1)] {
        let mut served = Served::new(&settings);
        served.store("file", 2 * MIB);
        let path = served.path("file");
        reaches(most, "READs in flight", || {
            let mut file = File::open(&path).unwrap();
            let mut found = Vec::new();
            file.read_to_end(&mut found).unwrap();
            // Read-ahead may have more in flight where it is not held back.
            served.take().most_in_flight.min(most.max(2))
        });
    }
}

#[test]
fn without_open_files_are_used_all_the_same() {
    let mut served = Served::new(&with_init(&["NO_OPEN_SUPPORT"]));
    let content = served.store("file", MIB);
    let path = served.path("file");
    for round in 0..3 {
        assert!(fs::read(&path).unwrap() == content, "{round}");
    }
    let file = File::options().read(true).write(true).open(&path).unwrap();
    file.write_all_at(b"changed", 4096).unwrap();
    file.sync_all().unwrap();
    let mut found = [0; 7];
    File::open(served.stored("file")).unwrap().read_exact_at(&mut found, 4096).unwrap();
    assert_eq!(&found, b"changed");
    file.set_len(9).unwrap();
    assert_eq!(fs::metadata(served.stored("file")).unwrap().len(), 9);
    assert_eq!(rustix::fs::seek(&file, SeekFrom::Hole(0)), Ok(9));
    // A file that is created has a handle of its own.
    fs::write(served.path("new"), b"new").unwrap();
    assert_eq!(fs::read(served.stored("new")).unwrap(), b"new");
    let direct = open_direct(&path, OFlags::RDWR);
    let mut data = Aligned::new(&bytes(4096, 5));
    direct.write_all_at(data.bytes(), 0).unwrap();
    assert!(fs::read(served.stored("file")).unwrap() == bytes(4096, 5));
    drop((file, direct));
    let asked = asked(&mut served);
    assert_eq!(count(&asked, "OPEN"), 1, "{asked:?}");
    assert!(count(&asked, "READ") > 0 && count(&asked, "CREATE") == 1, "{asked:?}");
}

#[test]
fn without_opendir_directories_are_read_all_the_same() {
    let mut served = Served::new(&with_init(&["NO_OPENDIR_SUPPORT"]));
    fs::create_dir(served.stored("folder")).unwrap();
    let names: Vec<String> = (0..500).map(|number| format!("file-with-a-longer-name-{number:03}")).collect();
    names.iter().for_each(|name| fs::write(served.stored("folder").join(name), b"").unwrap());
    for _ in 0..2 {
        let entries = fs::read_dir(served.path("folder")).unwrap();
        let mut found: Vec<_> = entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
        found.sort();
        assert!(found == names, "{found:?}");
        File::open(served.path("folder")).unwrap().sync_all().unwrap();
    }
    let asked = asked(&mut served);
    assert_eq!((count(&asked, "OPENDIR"), count(&asked, "RELEASEDIR")), (1, 0), "{asked:?}");
    assert!(count(&asked, "READDIR") + count(&asked, "READDIRPLUS") > 1, "{asked:?}");
}

#[test]
fn truncation_comes_with_the_open_if_so_set() {
    for (settings, setattrs) in [(settings(), 1), (with_init(&["ATOMIC_O_TRUNC"]), 0)] {
        let mut served = Served::new(&settings);
        served.store("file", MIB);
        served.take();
        let file = File::options().write(true).truncate(true).open(served.path("file")).unwrap();
        assert_eq!(fs::metadata(served.stored("file")).unwrap().len(), 0);
        file.write_all_at(b"new", 0).unwrap();
        assert_eq!(fs::read(served.stored("file")).unwrap(), b"new");
        assert_eq!(count(&asked(&mut served), "SETATTR"), setattrs);
    }
}

#[test]
fn a_link_is_read_once_if_so_set() {
    for (settings, reads) in [(settings(), 3), (with_init(&["CACHE_SYMLINKS"]), 1)] {
        let mut served = Served::new(&settings);
        std::os::unix::fs::symlink("target", served.stored("link")).unwrap();
        for _ in 0..3 {
            assert_eq!(fs::read_link(served.path("link")).unwrap().to_str(), Some("target"));
        }
        assert_eq!(count(&asked(&mut served), "READLINK"), reads);
    }
}

#[test]
fn names_come_with_attributes_unless_so_set() {
    for (settings, plain, plus) in
        [(with_init(&["-READDIRPLUS_AUTO"]), false, true), (with_init(&["-DO_READDIRPLUS"]), true, false)]
    {
        let mut served = Served::new(&settings);
        (0..20).for_each(|number| fs::write(served.stored(&number.to_string()), b"").unwrap());
        served.take();
        assert_eq!(fs::read_dir(served.path("")).unwrap().count(), 20);
        let asked = asked(&mut served);
        assert_eq!(
            (count(&asked, "READDIR") > 0, count(&asked, "READDIRPLUS") > 0),
            (plain, plus),
            "{asked:?}"
        );
    }
}

/// The server takes the set-user-ID bit away, so that the kernel does not ask for it with a SETATTR of the mode.
#[test]
fn set_user_id_goes_with_the_write_if_so_set() {
    const MODE: u32 = 1;
    for (settings, modes_set) in
        [(settings(), 1), (with_init(&["HANDLE_KILLPRIV"]), 0), (with_init(&["HANDLE_KILLPRIV_V2"]), 0)]
    {
        let told = format!("{:?}", settings.init_flags);
        let mut served = Served::new(&ServerSettings { allow_other: true, request_log: 1000, ..settings });
        let path = served.path("file");
        fs::write(&path, b"old").unwrap();
        fs::set_permissions(served.path(""), Permissions::from_mode(0o777)).unwrap();
        let mode = || fs::metadata(served.stored("file")).unwrap().permissions().mode() & 0o7777;
        for action in ["write", "truncate"] {
            fs::set_permissions(&path, Permissions::from_mode(0o4766)).unwrap();
            served_mode(&path);
            let change = || match action {
                "write" => File::options().write(true).open(&path).unwrap().write_all_at(b"new", 0).unwrap(),
                _ => File::options().write(true).open(&path).unwrap().set_len(1).unwrap(),
            };
            crate::settings::as_nobody(change);
            assert_eq!(mode(), 0o766, "{action} {told}");
        }
        fs::set_permissions(&path, Permissions::from_mode(0o4766)).unwrap();
        served.take();
        crate::settings::as_nobody(|| {
            File::options().write(true).open(&path).unwrap().write_all_at(b"new", 0).unwrap();
        });
        let setattrs = |record: &&LogRecord| record.operation == Operation::Setattr;
        let log = served.log(0).records;
        // The log has the bits of what is set where others have a size.
        let found = log.iter().filter(setattrs).filter(|record| record.size & MODE != 0).count();
        assert_eq!(found, modes_set, "{told}");
    }
}

fn served_mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode()
}

#[test]
fn extended_attributes_are_set_in_both_forms() {
    for settings in [settings(), with_init(&["SETXATTR_EXT"])] {
        let served = Served::new(&settings);
        served.store("file", 1);
        let flags = rustix::fs::XattrFlags::CREATE;
        rustix::fs::setxattr(served.path("file"), "user.name", b"value", flags).unwrap();
        let mut found = [0; 9];
        let length = rustix::fs::getxattr(served.stored("file"), "user.name", &mut found[..]).unwrap();
        assert_eq!(&found[..length], b"value", "{:?}", settings.init_flags);
    }
}

#[test]
fn cached_pages_stay_over_an_open_if_so_set() {
    for (settings, again) in [(settings(), true), (with_open(&["KEEP_CACHE"]), false)] {
        let mut served = Served::new(&settings);
        let content = served.store("file", MIB);
        assert!(fs::read(served.path("file")).unwrap() == content);
        served.take();
        assert!(fs::read(served.path("file")).unwrap() == content);
        assert_eq!(count(&asked(&mut served), "READ") > 0, again, "{:?}", settings.open_flags);
    }
}

#[test]
fn a_directory_is_cached_if_so_set() {
    for (settings, again) in [(settings(), true), (with_open(&["CACHE_DIR", "KEEP_CACHE"]), false)] {
        // KEEP_CACHE is for files: what an opened directory has cached goes when it is opened again.
        let mut served = Served::new(&settings);
        (0..20).for_each(|number| fs::write(served.stored(&number.to_string()), b"").unwrap());
        let folder = File::open(served.path("")).unwrap();
        let list = || {
            rustix::fs::seek(&folder, SeekFrom::Start(0)).unwrap();
            let mut buffer = Vec::with_capacity(8192);
            let mut entries = RawDir::new(&folder, buffer.spare_capacity_mut());
            let mut files = 0;
            while let Some(entry) = entries.next() {
                files += usize::from(entry.unwrap().file_type() == FileType::RegularFile);
            }
            files
        };
        assert_eq!(list(), 20);
        served.take();
        assert_eq!(list(), 20);
        let asked = asked(&mut served);
        let reads = count(&asked, "READDIR") + count(&asked, "READDIRPLUS");
        assert_eq!(reads > 0, again, "{:?}: {asked:?}", settings.open_flags);
    }
}

#[test]
fn nothing_is_flushed_at_close_if_so_set() {
    for (settings, flushes) in [(settings(), 1), (with_open(&["NOFLUSH"]), 0)] {
        let mut served = Served::new(&settings);
        served.store("file", 1);
        served.take();
        drop(File::open(served.path("file")).unwrap());
        assert_eq!(count(&asked(&mut served), "FLUSH"), flushes, "{:?}", settings.open_flags);
    }
}

#[test]
fn writes_of_one_file_go_side_by_side_if_so_set() {
    for (flags, most) in [(&[][..], 1), (&["PARALLEL_DIRECT_WRITES"], 4)] {
        let settings = ServerSettings { direct_io: true, ..with_open(flags) }.with_latency_us(20_000);
        let mut served = Served::new(&settings);
        fs::write(served.path("file"), bytes(MIB, 1)).unwrap();
        let path = served.path("file");
        reaches(most, "WRITEs in flight", || {
            served.take();
            std::thread::scope(|scope| {
                for place in 0..4 {
                    let path = &path;
                    scope.spawn(move || {
                        let file = File::options().write(true).open(path).unwrap();
                        file.write_all_at(&bytes(4096, place), place * 65536).unwrap();
                    });
                }
            });
            served.take().most_in_flight
        });
    }
}

/// More than that is asked for and not agreed on.
#[test]
fn requests_are_as_large_as_the_kernel_allows() {
    let limit = "/proc/sys/fs/fuse/max_pages_limit";
    let before = fs::read_to_string(limit).unwrap();
    let pages: u32 = before.trim().parse().unwrap();
    let (allowed, wanted) = (pages * 4, pages * 8);
    let large = ServerSettings { request_kib: wanted, direct_io: true, ..settings() };
    let mut served = Served::new(&large);
    let expected =
        format!("requests of {wanted} KiB; this kernel allows {allowed} (fs.fuse.max_pages_limit)");
    assert_eq!((served.negotiated.max_write, &served.negotiated.refused), (allowed * 1024, &vec![expected]));
    let content = served.store("file", 2 * wanted as usize * 1024);
    let path = served.path("file");
    let found = in_time("reading", move || fs::read(path).unwrap());
    assert!(found == content);
    let largest = served.take().read_sizes.keys().max().copied();
    assert_eq!(largest, Some(allowed * 1024));
}

/// Reads a file by a handle that was taken before the kernel forgot it: `None` if nobody knows it any more.
fn read_by_handle(served: &Served, name: &str) -> Option<Vec<u8>> {
    const HANDLE_BYTES: usize = 128;
    #[repr(C)]
    struct Handle {
        bytes: u32,
        kind: i32,
        data: [u8; HANDLE_BYTES],
    }
    let path = std::ffi::CString::new(served.path(name).into_os_string().into_encoded_bytes()).unwrap();
    let mut handle = Handle { bytes: HANDLE_BYTES as u32, kind: 0, data: [0; HANDLE_BYTES] };
    let mut mount_id = 0;
    // SAFETY: the kernel writes no more than the structure says that it has, and one number.
    let named = unsafe {
        libc::name_to_handle_at(libc::AT_FDCWD, path.as_ptr(), (&raw mut handle).cast(), &raw mut mount_id, 0)
    };
    assert_eq!(named, 0, "{}", std::io::Error::last_os_error());
    forgotten();
    let root = File::open(served.path("")).unwrap();
    // SAFETY: the kernel reads the structure.
    let fd = unsafe {
        libc::open_by_handle_at(
            std::os::fd::AsRawFd::as_raw_fd(&root),
            (&raw mut handle).cast(),
            libc::O_RDONLY | libc::O_CLOEXEC,
        )
    };
    if fd < 0 {
        assert_eq!(std::io::Error::last_os_error().raw_os_error(), Some(libc::ESTALE));
        return None;
    }
    // SAFETY: the kernel has just made it, and nobody else has it.
    let mut file = unsafe { <File as std::os::fd::FromRawFd>::from_raw_fd(fd) };
    let mut content = Vec::new();
    file.read_to_end(&mut content).unwrap();
    Some(content)
}

/// Has the kernel forget what nobody uses.
fn forgotten() {
    fs::write("/proc/sys/vm/drop_caches", "2").unwrap();
}

#[test]
fn a_file_is_found_by_its_handle_as_long_as_the_server_knows_it() {
    for flags in [&[][..], &["EXPORT_SUPPORT"]] {
        let served = Served::new(&with_init(flags));
        let content = served.store("file", 5000);
        // As long as somebody has it open, kernel and server keep its number; then it is gone for both.
        let keeper = File::open(served.path("file")).unwrap();
        assert!(read_by_handle(&served, "file") == Some(content), "{flags:?}");
        drop(keeper);
        // RELEASE has no one who waits for it, and keeps the file until then.
        eventually("the file is gone", || read_by_handle(&served, "file").is_none());
    }
}

/// The kernel looks every fifteen seconds, and takes no less for the limit.
#[test]
fn a_server_that_never_answers_is_given_up_if_so_set() {
    let hang = Fault {
        operation: "mkdir".parse().unwrap(),
        offset_kib: None,
        after: 0,
        times: Times::Always,
        effect: Effect::Hang,
    };
    let mut served = Served::new(&ServerSettings { request_timeout_s: 15, faults: vec![hang], ..settings() });
    assert!(
        served.negotiated.flags_in_force.iter().any(|flag| flag == "REQUEST_TIMEOUT"),
        "{:?}",
        served.negotiated
    );
    let path = served.path("folder");
    let (sender, made) = std::sync::mpsc::channel();
    std::thread::spawn(move || sender.send(fs::create_dir(path)));
    let made = made.recv_timeout(std::time::Duration::from_secs(90)).expect("an end");
    assert_eq!(made.unwrap_err().raw_os_error(), Some(libc::ECONNABORTED));
    served.wait();
}
